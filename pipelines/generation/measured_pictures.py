"""Pictures as the tables need them: of one size in memory, with category, colour and name."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from evaluation.classifier_studies import LabelledPictures
from pipelines.generation.labelled_pictures import decode, load_pictures, square


@dataclass(frozen=True)
class PictureSet:
    """Pictures in the order of their file, or in which they were asked for."""

    pictures: Tensor  # (N, 3, S, S) uint8
    labels: tuple[str, ...]  # categories
    ids: tuple[str, ...]
    colours: tuple[str, ...]  # "" where none is known

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def side(self) -> int:
        return self.pictures.shape[-1]

    @property
    def labelled(self) -> LabelledPictures:
        """The same for a classifier of categories."""
        return LabelledPictures(self.pictures, self.labels)

    def take(self, positions: Sequence[int] | np.ndarray) -> "PictureSet":
        rows = [int(position) for position in positions]
        columns = (tuple(column[row] for row in rows) for column in (self.labels, self.ids, self.colours))
        return PictureSet(self.pictures[torch.tensor(rows, dtype=torch.long)], *columns)

    def are(self, label: str) -> np.ndarray:
        """(N,) bool: the pictures of a category."""
        return np.array([one == label for one in self.labels], dtype=bool)

    def shown_as(self, pictures: Tensor) -> "PictureSet":
        """Other pixels under the same names."""
        return PictureSet(pictures, self.labels, self.ids, self.colours)


def read_pictures(
    folder: Path, split: str, side: int, subset: str | None = None, limit: int | None = None
) -> PictureSet:
    """Read a split: the middle square of each picture, brought to `side` x `side` (bicubic), as for training.

    Args:
        folder: see `load_pictures`.
        subset: keep the pictures of this subset only.
        limit: pictures of each category at most, evenly spread over the file.

    Raises:
        FileNotFoundError: if the split is missing, or has no picture of the subset.
        ValueError: if a column is missing.
    """
    rows = load_pictures(folder, split)
    if subset is not None:
        if "subset" not in rows.column_names:
            raise ValueError(f"{folder}, split {split}, has no column subset.")
        rows = rows.select([row for row, name in enumerate(rows["subset"]) if name == subset])
    if limit is not None:
        rows = rows.select(spread([str(label) for label in rows["label"]], limit))
    if not len(rows):
        raise FileNotFoundError(f"{folder} has no {split} pictures{f' of the subset {subset}' if subset else ''}.")
    pictures = np.stack([square(decode(row), side) for row in rows])
    ids = rows["id"] if "id" in rows.column_names else [f"{split}-{number}" for number in range(len(rows))]
    colours = rows["colour"] if "colour" in rows.column_names else [""] * len(rows)
    columns = (tuple(str(value or "") for value in column) for column in (rows["label"], ids, colours))
    return PictureSet(torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous(), *columns)


def spread(groups: Sequence[str], limit: int) -> list[int]:
    """Positions of at most `limit` members of each group, evenly spread, in order."""
    picked: list[int] = []
    for group in sorted(set(groups)):
        members = [row for row, name in enumerate(groups) if name == group]
        count = min(limit, len(members))
        picked += [members[number * len(members) // count] for number in range(count)]
    return sorted(picked)


def as_many(pool: PictureSet, like: PictureSet, seed: int = 0) -> PictureSet:
    """Pictures of the pool, drawn without replacement, as many of each category as `like` has.

    Raises:
        ValueError: if the pool has fewer of a category.
    """
    rng = np.random.default_rng(seed)
    chosen: list[int] = []
    for label, count in sorted(Counter(like.labels).items()):
        members = np.flatnonzero(pool.are(label))
        if len(members) < count:
            raise ValueError(f"{count} pictures of {label} are compared with as many others, there are {len(members)}.")
        chosen += rng.permutation(members)[:count].tolist()
    return pool.take(sorted(chosen))


def blurred(pictures: Tensor, sigma: float) -> Tensor:
    """(N, 3, H, W) uint8 through a Gaussian of deviation `sigma` pixels, edges repeated."""
    soft = [gaussian_filter(one.astype(np.float64), (0, sigma, sigma), mode="nearest") for one in pictures.numpy()]
    return torch.from_numpy(np.stack(soft).round().astype(np.uint8))
