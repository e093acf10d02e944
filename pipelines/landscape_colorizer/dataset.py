"""Paintings as training pairs: crops at random scales, the vivid ones drawn more often."""

import io
import math
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset, Image, concatenate_datasets, load_dataset
from PIL import Image as PILImage
from PIL import ImageOps
from torch import Tensor

from pipelines.color import rgb_to_lab


def load_paintings(data: Path, split: str) -> Dataset:
    """Open paintings, undecoded: a parquet file, a folder of parquet files with `split` in their names, or of images.

    A folder without parquet files is read as images, all of which belong to every split asked for.

    Raises:
        FileNotFoundError: if there is nothing there, saying what was looked for.
    """
    data = Path(data)
    if data.is_file():
        found = load_dataset("parquet", data_files=str(data), split="train")
    elif files := sorted(str(file) for file in data.glob(f"*{split}*.parquet")):
        parts = [_with_works(load_dataset("parquet", data_files=file, split="train"), file) for file in files]
        found = concatenate_datasets([part.select_columns(_shared_columns(parts)) for part in parts])
    elif data.is_dir() and not any(data.glob("*.parquet")):
        found = _image_folder(data)
    else:
        raise FileNotFoundError(
            f"No paintings at {data}: give a parquet file, or a folder of *{split}*.parquet or images."
        )
    return found.cast_column("image", Image(decode=False))


def _shared_columns(parts: list[Dataset]) -> list[str]:
    return [name for name in parts[0].column_names if all(name in part.column_names for part in parts)]


def _with_works(part: Dataset, file: str) -> Dataset:
    """Where a file does not say which works its pictures show, each shows its own."""
    if "work" in part.column_names:
        return part
    return part.add_column("work", [f"{Path(file).name}:{row}" for row in range(len(part))])


def _image_folder(folder: Path) -> Dataset:
    suffixes = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"}
    files = sorted(str(file) for file in folder.rglob("*") if file.suffix.lower() in suffixes)
    if not files:
        raise FileNotFoundError(f"No image under {folder} (looked for {', '.join(sorted(suffixes))}).")
    return Dataset.from_dict({"image": files}).cast_column("image", Image())


def decode(row: dict) -> np.ndarray:
    """One row's picture as (H, W, 3) uint8."""
    stored = row["image"]
    source = io.BytesIO(stored["bytes"]) if stored["bytes"] else stored["path"]
    return np.asarray(PILImage.open(source).convert("RGB"))


def vividness(pixels: np.ndarray) -> float:
    """Spread of the chroma within a picture, sqrt(var a + var b) in CIELAB, from every eighth pixel."""
    small = torch.from_numpy(pixels[::8, ::8].copy()).permute(2, 0, 1)[None] / 255
    return float(rgb_to_lab(small)[0, 1:].var((1, 2)).sum().sqrt())


class PaintingCrops(torch.utils.data.Dataset):
    """Square crops of coloured paintings, decoded once and held as uint8.

    A crop's side is drawn log-uniformly between 0.9 times the training size (strokes) and the painting's short side
    (composition), so that the model knows both; pictures of the training size give themselves.

    Args:
        data: see `load_paintings`.
        size: side of the crops handed out, in pixels.
        split: "train" or "val".
        tone: strength of the random change of the lightness curve, 0 for none. Colours stay with their pixels, so
            the model learns the same palette from faded, dark and pale inks.
    """

    def __init__(self, data: Path, size: int, split: str = "train", tone: float = 0.2):
        rows = load_paintings(data, split)
        if "group" in rows.column_names:
            rows = rows.filter(lambda group: group != "ink", input_columns="group")  # ink has no colours to teach
        self.size, self.tone = size, tone
        decoded = list(map(decode, rows))
        large = [number for number, picture in enumerate(decoded) if min(picture.shape[:2]) >= 64]
        self.pictures = [decoded[number] for number in large]
        works = rows["work"] if "work" in rows.column_names else range(len(rows))
        self.works = [works[number] for number in large]
        if not self.pictures:
            raise FileNotFoundError(f"No coloured painting of at least 64 px in {data}.")

    def __len__(self) -> int:
        return len(self.pictures)

    def weights(self) -> Tensor:
        """(len,) float64 sampling weights: the more a picture's chroma spreads, the oftener it is drawn.

        Pictures that show one work, such as tiles of a scroll, are drawn as often as the square root of their number
        asks for.
        """
        counts = Counter(self.works)
        shared = torch.tensor([counts[work] ** -0.5 for work in self.works], dtype=torch.float64)
        spread = torch.tensor([min(vividness(picture), 20.0) for picture in self.pictures], dtype=torch.float64)
        return (0.25 + (spread / 7) ** 1.5) * shared

    def draw(self, index: int, rng: torch.Generator) -> dict[str, Tensor]:
        """One random crop: {"rgb": (3, size, size) float32 in [0, 1], "tone": (2,) gamma and black lift,
        "noise": (3,) standard normal, "chance": () uniform}, the last two for what a recipe draws for each picture.
        """
        picture = self.pictures[index]
        height, width = picture.shape[:2]
        u = torch.rand(4, generator=rng).tolist()
        longest = min(height, width)
        shortest = min(round(self.size * 0.9), longest)
        side = round(shortest * (longest / shortest) ** u[0])
        top, left = round(u[1] * (height - side)), round(u[2] * (width - side))
        crop = PILImage.fromarray(picture[top : top + side, left : left + side])
        if side != self.size:
            crop = crop.resize((self.size, self.size), PILImage.Resampling.BICUBIC, reducing_gap=2)
        pixels = np.asarray(crop)[:, ::-1] if u[3] < 0.5 else np.asarray(crop)  # mirrored or not
        gamma = math.exp(float(torch.randn((), generator=rng)) * self.tone)
        lift = (float(torch.rand((), generator=rng)) * 0.5 - 0.15) * self.tone
        rgb = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255
        return {
            "rgb": rgb,
            "tone": torch.tensor([gamma, lift]),
            "noise": torch.randn(3, generator=rng),
            "chance": torch.rand((), generator=rng),
        }


def validation_crops(data: Path, limit: int = 120, size: int = 256) -> Tensor:
    """Fixed crops of the validation split: (N, 3, size, size) in [0, 1], evenly picked, from the pictures' centres."""
    rows = load_paintings(data, "val")
    if "group" in rows.column_names:
        rows = rows.filter(lambda group: group != "ink", input_columns="group")
    picked = rows.select(range(0, len(rows), max(1, -(-len(rows) // limit))))
    return torch.stack([centre_crop(decode(row), size) for row in picked])


def centre_crop(pixels: np.ndarray, size: int) -> Tensor:
    """The middle of a picture, enlarged where it is smaller: (H, W, 3) uint8 -> (3, size, size) in [0, 1]."""
    fitted = ImageOps.fit(PILImage.fromarray(pixels), (size, size), PILImage.Resampling.LANCZOS, centering=(0.5, 0.5))
    if min(pixels.shape[:2]) >= size:
        top, left = (pixels.shape[0] - size) // 2, (pixels.shape[1] - size) // 2
        fitted = pixels[top : top + size, left : left + size]
    return torch.from_numpy(np.array(fitted)).permute(2, 0, 1).float() / 255
