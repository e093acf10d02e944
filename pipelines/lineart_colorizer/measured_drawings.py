"""Drawings as the table needs them: pictures of one size in memory, each with its lines and another picture."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset
from PIL import Image
from torch import Tensor

from evaluation.segments import segments
from pipelines.lineart_colorizer.dataset import decode, load_lineart

SIDE = 256
TARGET, OTHER = "the target itself", "another picture"  # what a reference is
REFERENCES = (TARGET, OTHER)


@dataclass(frozen=True)
class Drawings:
    """Drawings in the order of their file."""

    lines: Tensor  # (N, 1, S, S) uint8
    pictures: Tensor  # (N, 3, S, S) uint8, what they were drawn from
    others: Tensor  # (N, 3, S, S) uint8, each one's other picture
    ids: list[str]
    other_ids: list[str]
    subsets: list[str]
    pages: list[str]  # pictures that resemble each other share it; the own id where none is known

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def segments(self) -> np.ndarray:
        """(N, S, S) int32, the drawings' closed regions."""
        return np.stack([segments(lines[0].numpy()) for lines in self.lines])

    def references(self, kind: str) -> tuple[Tensor, list[str]]:
        """The references of a kind, `TARGET` or `OTHER`: (N, 3, S, S) uint8, and which pictures they are."""
        return {TARGET: (self.pictures, self.ids), OTHER: (self.others, self.other_ids)}[kind]

    def of(self, subset: str | None) -> np.ndarray:
        """(N,) bool: the drawings of a subset; None is every one."""
        return np.array([subset in (None, name) for name in self.subsets], dtype=bool)


def read_drawings(folder: Path, split: str, limit: int | None = None, side: int = SIDE) -> Drawings:
    """Read a split, at most `limit` drawings of each subset, evenly spread over the file.

    Args:
        folder: see `load_lineart`.
        side: everything is brought to side x side, see `squared`.

    Raises:
        FileNotFoundError: if the split is missing.
        ValueError: if it lacks a column, a drawing differs from its picture in size, or a reference is not there.
    """
    rows = load_lineart(folder, split)
    needed = {"image", "lines", "id", "subset", "reference"}
    if missing := sorted(needed - set(rows.column_names)):
        raise ValueError(f"{folder}, split {split}, has no column {', '.join(missing)}: build it anew for a table.")
    position = {str(name): row for row, name in enumerate(rows["id"])}
    chosen = spread([str(name) for name in rows["subset"]], limit) if limit is not None else range(len(rows))
    some = rows.select(list(chosen))
    other_ids = [str(name) for name in some["reference"]]
    if unknown := [name for name in other_ids if name not in position]:
        raise ValueError(f"{folder}, split {split}: the reference {unknown[0]} is not in it.")
    lines, pictures = (_tensors(pixels, side) for pixels in zip(*_pairs(some), strict=True))
    others = _tensors([decode(row["image"]) for row in rows.select([position[name] for name in other_ids])], side)
    ids, subsets = ([str(value) for value in some[name]] for name in ("id", "subset"))
    pages = [str(page or "") for page in some["page"]] if "page" in rows.column_names else [""] * len(some)
    return Drawings(lines, pictures, others, ids, other_ids, subsets, _clusters(pages, ids))


@dataclass(frozen=True)
class Pictures:
    """Training pictures, for what is said of real pictures as such."""

    pictures: Tensor  # (N, 3, S, S) uint8
    subsets: list[str]
    clusters: list[str]


def read_training(folder: Path, counts: dict[str, int], side: int = SIDE) -> Pictures:
    """Read training pictures, of each subset so many, or all that there are, evenly spread over the file.

    Raises:
        FileNotFoundError: if the split is missing.
        ValueError: if it has no picture of these subsets.
    """
    rows = load_lineart(folder, "train")
    names = [str(name) for name in rows["subset"]]
    chosen = [row for name, count in counts.items() for row in spread(names, count) if names[row] == name]
    if not chosen:
        raise ValueError(f"{folder} has no training picture of {', '.join(counts)}; it has {', '.join(set(names))}.")
    some = rows.select(sorted(chosen))
    pages = [str(page or "") for page in some["page"]] if "page" in rows.column_names else [""] * len(some)
    pictures = _tensors([decode(row["image"]) for row in some], side)
    return Pictures(
        pictures, [str(name) for name in some["subset"]], _clusters(pages, list(map(str, range(len(some)))))
    )


def squared(pixels: np.ndarray, side: int) -> np.ndarray:
    """(H, W, ...) uint8 -> (side, side, ...): the short side brought to `side` (bicubic), the middle cut out."""
    height, width = pixels.shape[:2]
    scale = side / min(height, width)
    size = (max(side, round(width * scale)), max(side, round(height * scale)))
    resized = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)) if scale != 1 else pixels
    top, left = (size[1] - side) // 2, (size[0] - side) // 2
    return resized[top : top + side, left : left + side].copy()


def spread(groups: Sequence[str], limit: int) -> list[int]:
    """Positions of at most `limit` members of each group, evenly spread, in order."""
    picked: list[int] = []
    for group in sorted(set(groups)):
        rows = [row for row, name in enumerate(groups) if name == group]
        count = min(limit, len(rows))
        picked += [rows[i * len(rows) // count] for i in range(count)]
    return sorted(picked)


def _pairs(rows: Dataset) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each drawing with its picture."""
    for row in rows:
        lines, picture = decode(row["lines"], "L"), decode(row["image"])
        if lines.shape != picture.shape[:2]:
            raise ValueError(f"The drawing {row['id']} is {lines.shape[::-1]}, its picture {picture.shape[1::-1]}.")
        yield lines, picture


def _tensors(pictures: Sequence[np.ndarray], side: int) -> Tensor:
    """(H, W) or (H, W, 3) each -> (N, 1 | 3, side, side) uint8."""
    cut = [torch.from_numpy(squared(pixels, side)) for pixels in pictures]
    return torch.stack([x.permute(2, 0, 1) if x.ndim == 3 else x[None] for x in cut]).contiguous()


def _clusters(pages: Sequence[str], ids: Sequence[str]) -> list[str]:
    """The page, or the own id where there is none; no page is taken for an id."""
    return [f"page {page}" if page else f"picture {name}" for page, name in zip(pages, ids, strict=True)]
