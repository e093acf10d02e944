"""Pictures of any size to measure on: mosaics of one patch of seeded noise at several scales, written in strips."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyvips
from PIL import Image

_PATCH = 512


@dataclass(frozen=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int

    @classmethod
    def read(cls, text: str) -> "Size":
        """From WIDTHxHEIGHT; ValueError for anything else."""
        match = re.fullmatch(r"([1-9]\d{0,6})x([1-9]\d{0,6})", text)
        if match is None:
            raise ValueError(f"A size is WIDTHxHEIGHT, such as 8704x1408; got {text!r}.")
        return cls(int(match[1]), int(match[2]))

    @property
    def megapixels(self) -> float:
        return self.width * self.height / 1e6

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


def write_mosaic(folder: Path, size: Size, seed: int = 0) -> Path:
    """Write a TIFF of that size into `folder`, in bounded memory, unless it is there; returns its path."""
    target = folder / f"mosaic-{size}-{seed}.tif"
    if not target.exists():
        patch = pyvips.Image.new_from_array(_patch(seed)).copy(interpretation="srgb")
        across, down = -(-size.width // _PATCH), -(-size.height // _PATCH)
        whole = patch.replicate(across, down).crop(0, 0, size.width, size.height)
        partial = target.with_suffix(".partial.tif")
        whole.tiffsave(str(partial), compression="deflate", predictor="horizontal")
        partial.replace(target)
    return target


def _patch(seed: int) -> np.ndarray:
    """(512, 512, 3) uint8: shapes large and small, as pictures have them."""
    rng = np.random.default_rng(seed)
    total = np.zeros((_PATCH, _PATCH, 3))
    for cells in (4, 16, 64, 256):
        grid = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        total += np.asarray(grid.resize((_PATCH, _PATCH), Image.Resampling.BICUBIC), float) / 4
    return total.round().astype(np.uint8)
