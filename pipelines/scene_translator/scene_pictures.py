"""Scenes as the table needs them: pictures of one size in memory, with class and content."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from pipelines.scene_translator.dataset import decode, load_scenes

SIDE = 256


@dataclass(frozen=True)
class Scenes:
    """Pictures in the order of their files."""

    pictures: Tensor  # (N, 3, S, S) uint8
    labels: list[str]
    contents: list[str]  # "nature", "city", or "any" where it is not known
    ids: list[str]

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, chosen: np.ndarray) -> "Scenes":
        """The pictures picked by a boolean array, (N,)."""
        rows = np.flatnonzero(chosen).tolist()
        columns = ([column[row] for row in rows] for column in (self.labels, self.contents, self.ids))
        return Scenes(self.pictures[torch.tensor(rows, dtype=torch.long)], *columns)

    def are(self, *labels: str) -> np.ndarray:
        """(N,) bool: the pictures of some classes."""
        return np.array([name in labels for name in self.labels], dtype=bool)

    def shows(self, content: str | None) -> np.ndarray:
        """(N,) bool: the pictures of a content; None is every one."""
        return np.array([content in (None, name) for name in self.contents], dtype=bool)


def read_scenes(folder: Path, split: str, limit: int | None = None, side: int = SIDE) -> Scenes:
    """Read a split, at most `limit` pictures of each class, evenly spread over the file.

    Args:
        folder: see `load_scenes`.
        side: every picture is brought to side x side, see `squared`.

    Raises:
        FileNotFoundError: if the split is missing.
        ValueError: if a picture has no label.
    """
    rows = load_scenes(folder, split)
    if "label" not in rows.column_names:
        raise ValueError(f"{folder}, split {split}, has no column label; it has {', '.join(rows.column_names)}.")
    if limit is not None:
        rows = rows.select(spread([str(label) for label in rows["label"]], limit))
    known = {name: [str(value) for value in rows[name]] for name in ("content", "id") if name in rows.column_names}
    pixels = [torch.from_numpy(squared(decode(row), side)).permute(2, 0, 1) for row in rows]
    pictures = torch.stack(pixels) if pixels else torch.empty(0, 3, side, side, dtype=torch.uint8)
    contents = [name if name != "None" else "any" for name in known.get("content", ["any"] * len(rows))]
    ids = known.get("id", [f"{split}-{number}" for number in range(len(rows))])
    return Scenes(pictures, [str(label) for label in rows["label"]], contents, ids)


def squared(pixels: np.ndarray, side: int) -> np.ndarray:
    """(H, W, 3) uint8 -> (side, side, 3): the short side brought to `side` (bicubic), the middle cut out."""
    height, width = pixels.shape[:2]
    if (height, width) == (side, side):
        return pixels.copy()
    scale = side / min(height, width)
    size = (max(side, round(width * scale)), max(side, round(height * scale)))
    resized = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    top, left = (size[1] - side) // 2, (size[0] - side) // 2
    return resized[top : top + side, left : left + side].copy()


def spread(groups: list[str], limit: int) -> list[int]:
    """Positions of at most `limit` members of each group, evenly spread, in order."""
    picked: list[int] = []
    for group in sorted(set(groups)):
        rows = [row for row, name in enumerate(groups) if name == group]
        picked += [rows[i * len(rows) // min(limit, len(rows))] for i in range(min(limit, len(rows)))]
    return sorted(picked)
