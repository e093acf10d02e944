"""Product pictures as training data of the enhancers and of style transfer."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset, Image, load_dataset
from PIL import Image as PILImage
from torch import Tensor

from pipelines.product_studio.backdrops import backdrop, shadowed
from pipelines.product_studio.degradations import DEGRADATIONS, rounded, to_float
from pipelines.product_studio.white_masks import cut_from_white

PAINTINGS_SIDE = 192


def load_studio(data: Path, split: str) -> Dataset:
    """Open the studio pictures of a split, undecoded: {train,val,test}.parquet in a folder, or one parquet file.

    Raises:
        FileNotFoundError: if there is nothing there, saying what was looked for.
    """
    file = Path(data) if Path(data).is_file() else Path(data) / f"{split}.parquet"
    if not file.is_file():
        raise FileNotFoundError(f"No product pictures at {data}: looked for {split}.parquet in it.")
    rows = load_dataset("parquet", data_files=str(file), split="train")
    if "subset" in rows.column_names:
        rows = rows.filter(lambda subset: subset == "studio", input_columns="subset")
    if not len(rows):
        raise FileNotFoundError(f"{file} has no picture with the subset studio.")
    return rows.cast_column("image", Image(decode=False))


def decode(row: dict) -> np.ndarray:
    """One row's picture as (H, W, 3) uint8."""
    stored = row["image"]
    source = io.BytesIO(stored["bytes"]) if stored["bytes"] else stored["path"]
    return np.asarray(PILImage.open(source).convert("RGB"))


def studio_pictures(data: Path, split: str, limit: int | None = None) -> list[np.ndarray]:
    """The studio pictures of a split, (H, W, 3) uint8 each; with a limit, so many spread evenly over the split."""
    rows = load_studio(data, split)
    if limit is not None and limit < len(rows):
        rows = rows.select(np.linspace(0, len(rows) - 1, limit).round().astype(int))
    return [decode(row) for row in rows]


def load_paintings(data: Path | None, limit: int = 300) -> list[np.ndarray]:
    """Paintings of `train.parquet` in a folder as textures, at most `PAINTINGS_SIDE` a side; None: none.

    Raises:
        FileNotFoundError: if there is no such file.
    """
    if data is None:
        return []
    file = Path(data) / "train.parquet"
    if not file.is_file():
        raise FileNotFoundError(f"No paintings at {data}: looked for train.parquet in it.")
    rows = load_dataset("parquet", data_files=str(file), split="train").cast_column("image", Image(decode=False))
    rows = rows.select(np.linspace(0, len(rows) - 1, min(limit, len(rows))).round().astype(int))
    paintings = []
    for row in rows:
        picture = PILImage.fromarray(decode(row))
        picture.thumbnail((PAINTINGS_SIDE, PAINTINGS_SIDE))
        paintings.append(np.asarray(picture))
    return [painting for painting in paintings if min(painting.shape[:2]) >= 32]


class DegradedCrops(torch.utils.data.Dataset):
    """Crops of studio pictures and what a degradation makes of them, for the restorers.

    Args:
        pictures: (H, W, 3) uint8 each.
        kind: "denoise", "deblur" or "upscale".
        size: side of the clean crops, even; larger than no picture.
    """

    margin = 8  # px around a crop that are degraded with it, so that blur comes in from outside

    def __init__(self, pictures: Sequence[np.ndarray], kind: str, size: int):
        smallest = min(min(picture.shape[:2]) for picture in pictures)
        if size % 2 or size > smallest:
            raise ValueError(f"size must be even and at most the smallest side of a picture, {smallest}; got {size}.")
        self.pictures, self.kind, self.size = pictures, kind, size

    def __len__(self) -> int:
        return len(self.pictures)

    def draw(self, index: int, rng: torch.Generator) -> dict[str, Tensor]:
        """{"image": the degraded crop, "target": the clean one}, (3, s, s) float32 in [-1, 1]; half as large an image
        where the size is to be doubled."""
        clean, inner = self._crop(self.pictures[index], rng)
        image = DEGRADATIONS[self.kind](clean, rng)
        if self.kind == "upscale":
            inner_image = tuple(slice(part.start // 2, part.stop // 2) for part in inner)
        else:
            inner_image = inner
        image, target = image[:, *inner_image], clean[:, *inner]
        return {"image": image * 2 - 1, "target": target * 2 - 1}

    def _crop(self, pixels: np.ndarray, rng: torch.Generator) -> tuple[Tensor, tuple[slice, slice]]:
        """A crop with its margin, and where the crop lies in it; of two places the one with more to see.

        In half of the cases the picture is first made up to a third smaller, which sharpens it.
        """
        u = torch.rand(3, generator=rng).tolist()
        height, width = pixels.shape[:2]
        if u[0] < 0.5:
            factor = max(2 / 3 + u[1] / 3, self.size / min(height, width))
            height, width = max(self.size, round(height * factor)), max(self.size, round(width * factor))
            pixels = np.asarray(PILImage.fromarray(pixels).resize((width, height), PILImage.Resampling.BICUBIC))
        places = torch.rand(2, 2, generator=rng).tolist()
        corners = [(2 * int(y * (height - self.size) / 2), 2 * int(x * (width - self.size) / 2)) for y, x in places]
        top, left = max(corners, key=lambda c: pixels[c[0] : c[0] + self.size, c[1] : c[1] + self.size].std())
        first = max(0, top - self.margin), max(0, left - self.margin)
        last = [min(side, place + self.size + self.margin) for side, place in ((height, top), (width, left))]
        last = [end - (end - start) % 2 for end, start in zip(last, first, strict=True)]
        whole = to_float(pixels[first[0] : last[0], first[1] : last[1]])
        rows, columns = (
            slice(place - start, place - start + self.size) for place, start in zip((top, left), first, strict=True)
        )
        if u[2] < 0.5:
            return whole.flip(2), (rows, _mirrored(columns, whole.shape[2]))
        return whole, (rows, columns)


class StagedProducts(torch.utils.data.Dataset):
    """Products cut from white, put before a backdrop at another size and place; with mask and the picture on white.

    Args:
        pictures: (H, W, 3) uint8 each, on white; squeezed to a square.
        paintings: textures for backdrops, see `backdrop`.
        size: side of the pictures handed out.
        kind: "cutout" or "tone". For tone, most pictures stay on white, and others stand before neutral grey.
    """

    def __init__(self, pictures: Sequence[np.ndarray], paintings: Sequence[np.ndarray], size: int, kind: str):
        self.products = [PILImage.fromarray(cut_from_white(picture)) for picture in pictures]
        self.paintings, self.size, self.kind = paintings, size, kind

    def __len__(self) -> int:
        return len(self.products)

    def draw(self, index: int, rng: torch.Generator) -> dict[str, Tensor]:
        """{"image" (3, s, s) and "target" (3, s, s) in [-1, 1], "mask" (1, s, s) in [0, 1]}.

        Target is the product on white, for tone the picture with its right tone; image is what the network sees.
        """
        colours, mask = self._placed(self.products[index], rng)
        if self.kind == "tone":
            right = rounded(colours * mask + self._neutral(rng) * (1 - mask))
            return {"image": DEGRADATIONS["tone"](right, rng) * 2 - 1, "target": right * 2 - 1, "mask": mask}
        background = shadowed(backdrop(rng, self.size, self.paintings), mask, rng)
        image = colours * mask + background * (1 - mask)
        u = torch.rand(4, generator=rng)
        image = (
            image * (1 + 0.12 * (2 * u[:3].view(3, 1, 1) - 1)) + torch.randn(image.shape, generator=rng) * 0.02 * u[3]
        )
        white = colours * mask + 1 - mask
        return {"image": rounded(image) * 2 - 1, "target": white * 2 - 1, "mask": mask}

    def _neutral(self, rng: torch.Generator) -> Tensor:
        """White in three of four pictures, else a grey that may lean a little to a colour."""
        u = torch.rand(2, generator=rng).tolist()
        if u[0] < 0.75:
            return torch.ones(3, 1, 1)
        return (0.3 + 0.65 * u[1] + 0.02 * torch.randn(3, 1, 1, generator=rng)).clamp(0, 1)

    def _placed(self, product: PILImage.Image, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Colours (3, s, s), mask (1, s, s) of the product, 0.6 to 1.15 times as large, anywhere, perhaps mirrored."""
        u = torch.rand(4, generator=rng).tolist()
        side = round(self.size * (0.6 + 0.55 * u[0]))
        small = np.asarray(product.resize((side, side), PILImage.Resampling.BILINEAR))  # PIL weighs colours by opacity
        placed = torch.from_numpy(_pasted(small, self.size, u[1], u[2])).permute(2, 0, 1).float() / 255
        placed = placed.flip(2) if u[3] < 0.5 else placed
        return placed[:3], placed[3:]


def _pasted(picture: np.ndarray, size: int, down: float, right: float) -> np.ndarray:
    """(s, s, C) laid into zeros (size, size, C), or cut to it, at a share `down` and `right` of the room."""
    canvas = np.zeros((size, size, picture.shape[2]), picture.dtype)
    side, spans = len(picture), []
    for share in (down, right):
        start = round((size - side) * share)
        spans.append((slice(max(0, start), min(size, start + side)), slice(max(0, -start), min(side, size - start))))
    (rows, own_rows), (columns, own_columns) = spans
    canvas[rows, columns] = picture[own_rows, own_columns]
    return canvas


def _mirrored(part: slice, width: int) -> slice:
    return slice(width - part.stop, width - part.start)
