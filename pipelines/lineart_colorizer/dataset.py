"""Illustrations as training data: a drawing made from a picture, a reference it cannot copy places from, and hints."""

import io
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from datasets import Dataset, Image, load_dataset
from PIL import Image as PILImage
from torch import Tensor

from pipelines.lineart_colorizer.drawn_pictures import drawn_picture
from pipelines.lineart_colorizer.learned_lines import learned_edges
from pipelines.lineart_colorizer.line_damage import damaged, legible, random_drawing

SELF, PAGE, OTHER = 0, 1, 2  # what a reference is: the picture itself disturbed, one of the same page, any other


def load_lineart(folder: Path, split: str, rights: str = "all") -> Dataset:
    """Open a split of the illustrations as its builder wrote it, undecoded.

    Args:
        folder: holds {train,val,test}.parquet.
        split: "train", "val" or "test".
        rights: "open" keeps pictures under open licences only, "all" keeps all.

    Raises:
        FileNotFoundError: if there is nothing there, or nothing is left.
    """
    file = Path(folder) / f"{split}.parquet"
    if not file.is_file():
        raise FileNotFoundError(f"No illustrations at {folder}: looked for {split}.parquet in it.")
    rows = load_dataset("parquet", data_files=str(file), split="train")
    if rights == "open":
        rows = rows.filter(lambda found: found == "open", input_columns="rights")
    if not len(rows):
        raise FileNotFoundError(f"{file} has no pictures (rights: {rights}).")
    for name in ("image", "lines"):
        if name in rows.column_names:
            rows = rows.cast_column(name, Image(decode=False))
    return rows


def decode(stored: dict, mode: str = "RGB") -> np.ndarray:
    """A stored picture as (H, W, 3) uint8, or (H, W) for mode "L"."""
    source = io.BytesIO(stored["bytes"]) if stored["bytes"] else stored["path"]
    return np.asarray(PILImage.open(source).convert(mode))


class LineArtCrops(torch.utils.data.Dataset):
    """Random crops of illustrations, decoded once and held as uint8.

    Colours of picture and reference are changed alike, hues turned included, so that what a thing is does not tell
    its colour: the reference has to. The reference is mirrored, turned, bent and cropped elsewhere, so that where a
    thing lies does not tell it either.

    Args:
        folder: see `load_lineart`.
        size: side of the crops handed out, in pixels.
        reference_size: side of the references.
        rights: see `load_lineart`.
        shares: of references that are the picture itself and one of its page; the rest are any others.
        smallest: side of the smallest crop, as a share of a picture's short side.
        drawings: how many of the project's own drawings join the pictures, see `drawn_picture`.
        learned: share of line drawings that the learned extractor makes, see `learned_edges`.
    """

    def __init__(
        self,
        folder: Path,
        size: int,
        reference_size: int,
        rights: str = "open",
        shares: tuple[float, float] = (0.6, 0.2),
        smallest: float = 0.6,
        drawings: int = 0,
        learned: float = 0.0,
    ):
        rows = load_lineart(folder, "train", rights)
        self.size, self.reference_size, self.shares, self.smallest = size, reference_size, shares, smallest
        self.learned = learned
        self.pictures = [decode(stored) for stored in rows["image"]]
        pages = [str(page) for page in rows["page"]] if "page" in rows.column_names else [""] * len(rows)
        groups: dict[str, list[int]] = defaultdict(list)
        for index, page in enumerate(pages):
            if page:
                groups[page].append(index)
        self.mates = [[i for i in groups.get(page, ()) if i != index] for index, page in enumerate(pages)]
        self.mates += [[]] * drawings

    def __len__(self) -> int:
        return len(self.mates)

    def picture(self, index: int) -> np.ndarray:
        """Number `index`, (H, W, 3) uint8: those of the data set, then the project's drawings."""
        count = len(self.pictures)
        return self.pictures[index] if index < count else drawn_picture(index - count)

    def draw(self, index: int, rng: torch.Generator) -> dict[str, Tensor]:
        """One sample.

        Returns:
            "image" (3, size, size) in [-1, 1], "drawing" (1, size, size) made from it, "reference" (3, reference_size,
            reference_size), "hints" (4, size, size), see `hints.hint_map`, "kind" () what the reference is: `SELF`,
            `PAGE` or `OTHER`.
        """
        u = torch.rand(4, generator=rng).tolist()
        kind = SELF if u[0] < self.shares[0] else PAGE if u[0] < sum(self.shares) and self.mates[index] else OTHER
        other = {SELF: [index], PAGE: self.mates[index], OTHER: range(len(self))}[kind]
        other_index = other[int(u[1] * len(other))]
        image = to_image(self._crop(self.picture(index), self.size, self.smallest, rng))
        reference = to_image(self._crop(self.picture(other_index), round(1.25 * self.reference_size), 0.75, rng))
        reference = bent(reference, self.reference_size, rng)
        matrix, gamma = colour_change(rng)
        image, reference = changed(image, matrix, gamma), changed(reference, matrix, gamma)
        drawing = self._lines(image, rng)
        hints = random_hints(image, rng)
        return {"image": image, "drawing": drawing, "reference": reference, "hints": hints, "kind": torch.tensor(kind)}

    def _lines(self, image: Tensor, rng: torch.Generator) -> Tensor:
        if not self.learned or float(torch.rand((), generator=rng)) >= self.learned:
            return random_drawing(image, rng)
        thin, gain = (low + width * float(torch.rand((), generator=rng)) for low, width in ((0.5, 0.35), (1.2, 1.4)))
        return damaged(legible(learned_edges(image[None], thin, gain)[0]), rng)

    @staticmethod
    def _crop(picture: np.ndarray, size: int, smallest: float, rng: torch.Generator) -> np.ndarray:
        height, width = picture.shape[:2]
        u = torch.rand(4, generator=rng).tolist()
        side = round(min(height, width) * (smallest + (1 - smallest) * u[0]))
        top, left = round(u[1] * (height - side)), round(u[2] * (width - side))
        crop = PILImage.fromarray(picture[top : top + side, left : left + side])
        crop = crop.resize((size, size), PILImage.Resampling.BICUBIC, reducing_gap=2)
        return np.asarray(crop)[:, ::-1] if u[3] < 0.5 else np.asarray(crop)  # mirrored or not


def to_image(pixels: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 -> (3, H, W) float32 in [-1, 1]."""
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 127.5 - 1


def bent(image: Tensor, size: int, rng: torch.Generator, strength: float = 0.12) -> Tensor:
    """Turn, stretch and bend a picture: a random affine map plus a smooth random displacement.

    Args:
        image: (3, H, W).
        size: side of the result.
        strength: deviation of the map's entries and of the displacement, as shares of half a side.

    Returns:
        (3, size, size), in the range of the input; what lies outside is mirrored in.
    """
    affine = torch.eye(2, 3) + strength * torch.randn(2, 3, generator=rng)
    grid = F.affine_grid(affine[None], [1, 3, size, size], align_corners=False)
    coarse = strength * torch.randn(1, 2, 4, 4, generator=rng)
    moved = grid + F.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    return F.grid_sample(image[None], moved, padding_mode="reflection", align_corners=False)[0]


def colour_change(rng: torch.Generator) -> tuple[Tensor, float]:
    """A random change of colours: hue turned about the grey axis (half the time), saturation, and a gamma.

    Returns:
        (3, 3) matrix on RGB in [0, 1] that keeps greys grey, and the exponent.
    """
    u = torch.rand(4, generator=rng)
    angle = (2 * torch.pi * u[1]) if u[0] < 0.5 else 0.3 * torch.randn((), generator=rng)
    saturation = 0.6 + 0.8 * float(u[2])
    grey = torch.full((3, 3), 1 / 3)
    axis = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / 3**0.5
    turned = torch.cos(angle) * (torch.eye(3) - grey) + torch.sin(angle) * axis  # Rodrigues about (1, 1, 1)
    return grey + saturation * turned, float(0.75 + 0.6 * u[3])


def changed(image: Tensor, matrix: Tensor, gamma: float) -> Tensor:
    """Apply a colour change; (3, H, W) in [-1, 1] both."""
    rgb = torch.einsum("ij,jhw->ihw", matrix, (image.clamp(-1, 1) + 1) / 2)
    return rgb.clamp(0, 1).pow(gamma) * 2 - 1


def random_hints(image: Tensor, rng: torch.Generator, most: int = 10) -> Tensor:
    """Points of a picture's own colour, none half the time; (3, H, W) in [-1, 1] -> (4, H, W)."""
    hints = torch.zeros(4, *image.shape[1:])
    u = torch.rand(2, generator=rng)
    count = 0 if u[0] < 0.5 else 1 + int(u[1] ** 2 * most)
    for _ in range(count):
        x, y, radius = (torch.rand(3, generator=rng)).tolist()
        radius = 1 + round(radius * 4)
        column, row = int(x * image.shape[2]), int(y * image.shape[1])
        rows = slice(max(row - radius, 0), row + radius + 1)
        columns = slice(max(column - radius, 0), column + radius + 1)
        sorted_ = image[:, rows, columns].flatten(1).sort(dim=1).values
        hints[:3, rows, columns] = sorted_[:, sorted_.shape[1] // 2, None, None]  # the median
        hints[3, rows, columns] = 1
    return hints
