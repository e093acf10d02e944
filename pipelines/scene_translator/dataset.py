"""Scenes as training data: pictures of the classes, drawn alike often, with like content."""

import io
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset, Image, concatenate_datasets, load_dataset
from PIL import Image as PILImage
from torch import Tensor


def load_scenes(folder: Path, split: str) -> Dataset:
    """Open a split of labelled scenes, undecoded.

    Args:
        folder: a pair's folder with {train,val,test}.parquet as its builder wrote it, a folder of such folders, or one
            parquet file with the columns image and label.
        split: "train", "val" or "test".

    Raises:
        FileNotFoundError: if there is nothing there, saying what was looked for.
    """
    folder = Path(folder)
    if folder.is_file():
        files = [folder]
    else:
        files = [folder / f"{split}.parquet"] if (folder / f"{split}.parquet").is_file() else []
        files = files or sorted(folder.glob(f"*/{split}.parquet"))
    if not files:
        raise FileNotFoundError(f"No scenes at {folder}: looked for {split}.parquet in it and in its folders.")
    parts = [load_dataset("parquet", data_files=str(file), split="train") for file in files]
    shared = [name for name in parts[0].column_names if all(name in part.column_names for part in parts)]
    scenes = concatenate_datasets([part.select_columns(shared) for part in parts])
    return scenes.cast_column("image", Image(decode=False))


def decode(row: dict) -> np.ndarray:
    """One row's picture as (H, W, 3) uint8."""
    stored = row["image"]
    source = io.BytesIO(stored["bytes"]) if stored["bytes"] else stored["path"]
    return np.asarray(PILImage.open(source).convert("RGB"))


class SceneCrops(torch.utils.data.Dataset):
    """Random crops of labelled scenes, decoded once and held as uint8.

    Args:
        folder: see `load_scenes`.
        size: side of the crops handed out, in pixels.
        partner: label -> the label it is translated to; pictures of other labels are left out.
        smallest: side of the smallest crop, as a share of a picture's short side.

    Raises:
        FileNotFoundError: if there is no picture of some label.
    """

    def __init__(self, folder: Path, size: int, partner: dict[str, str], smallest: float = 0.6):
        scenes = load_scenes(folder, "train")
        scenes = scenes.filter(lambda label: label in partner, input_columns="label")
        self.size, self.smallest, self.names = size, smallest, tuple(partner)
        self.labels = [str(label) for label in scenes["label"]]
        plain = "content" not in scenes.column_names
        self.contents = ["any"] * len(scenes) if plain else [str(content) for content in scenes["content"]]
        self.partner = [self.names.index(partner[name]) for name in self.names]
        self.pictures = [decode(row) for row in scenes]
        if missing := set(partner) - set(self.labels):
            raise FileNotFoundError(f"{folder} has no training picture labelled {', '.join(sorted(missing))}.")

    def __len__(self) -> int:
        return len(self.pictures)

    def weights(self) -> Tensor:
        """(len,) float64 sampling weights: labels alike often, and each with its pair's shares of content.

        Where sunny pictures are often cities and cloudy ones fields, a translator learns to build houses.
        """
        pairs = [frozenset((label, self.names[self.partner[self.names.index(label)]])) for label in self.labels]
        own = Counter(zip(self.labels, self.contents, strict=True))
        shares = Counter(zip(pairs, self.contents, strict=True))
        totals = Counter(pairs)
        rows = zip(self.labels, pairs, self.contents, strict=True)
        return torch.tensor([shares[p, c] / totals[p] / own[label, c] for label, p, c in rows], dtype=torch.float64)

    def draw(self, index: int, rng: torch.Generator) -> dict[str, Tensor]:
        """One random crop: {"image": (3, size, size) float32 in [-1, 1], "label": () int64, "partner": () int64 the
        label to translate it to, "chance": (2,) uniform, for what a recipe decides for each picture}."""
        picture = self.pictures[index]
        height, width = picture.shape[:2]
        u = torch.rand(6, generator=rng).tolist()
        side = round(min(height, width) * (self.smallest + (1 - self.smallest) * u[0]))
        top, left = round(u[1] * (height - side)), round(u[2] * (width - side))
        crop = PILImage.fromarray(picture[top : top + side, left : left + side])
        crop = crop.resize((self.size, self.size), PILImage.Resampling.BICUBIC, reducing_gap=2)
        pixels = np.asarray(crop)[:, ::-1] if u[3] < 0.5 else np.asarray(crop)  # mirrored or not
        label = self.names.index(self.labels[index])
        return {
            "image": torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 127.5 - 1,
            "label": torch.tensor(label),
            "partner": torch.tensor(self.partner[label]),
            "chance": torch.tensor(u[4:]),
        }


class ScenePairs(torch.utils.data.Dataset):
    """One picture of each of two classes, drawn independently: unpaired data.

    Args:
        folder: see `load_scenes`; its training pictures bear exactly two labels.
        size: side of the crops handed out, in pixels.
        smallest: see `SceneCrops`.

    Attributes:
        names: the two labels, in alphabetical order: X and Y.

    Raises:
        FileNotFoundError: if there is nothing there.
        ValueError: if there are more or fewer than two labels.
    """

    def __init__(self, folder: Path, size: int, smallest: float = 1.0):
        labels = sorted(set(load_scenes(folder, "train")["label"]))
        if len(labels) != 2:
            raise ValueError(f"{folder} must hold pictures of two labels, found {', '.join(labels) or 'none'}.")
        self.names: tuple[str, str] = (str(labels[0]), str(labels[1]))
        self.crops = SceneCrops(folder, size, dict([self.names, self.names[::-1]]), smallest)
        weights = self.crops.weights()
        classes = torch.tensor([self.names.index(label) for label in self.crops.labels])
        self.weights = [weights * (classes == number) for number in (0, 1)]

    def __len__(self) -> int:
        return len(self.crops)

    def draw(self, index: int, rng: torch.Generator) -> dict[str, Tensor]:
        """{"x": (3, size, size), "y": (3, size, size)} float32 in [-1, 1]; `rng` alone decides which."""
        drawn = [int(torch.multinomial(weights, 1, generator=rng)) for weights in self.weights]
        x, y = (self.crops.draw(number, rng)["image"] for number in drawn)
        return {"x": x, "y": y}
