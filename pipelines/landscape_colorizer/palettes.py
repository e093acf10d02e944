"""Palettes of a few numbers: some CIELAB colours of a painting and how much of it each one covers.

A palette says what a painting is coloured with and nothing of what it shows. This module goes into Hub files.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipelines.color import lab_to_rgb, rgb_to_lab
from pipelines.images import read_picture
from pipelines.tiles import shrink

COLOURS = 6
_CLUSTER_LIGHTNESS = 0.4  # how much a difference in L* counts beside one in a*, b*: a palette is to tell hues apart
_PALETTE_PIXELS = 48 * 48  # of a picture that are looked at
_KMEANS_ROUNDS = 10
_KMEANS_STARTS = 2


@dataclass(frozen=True)
class Palette:
    """A few colours and their shares.

    Args:
        colours: L*, a*, b* of each.
        weights: share of the painting of each, 0 or more; they are made to sum to 1.

    Raises:
        ValueError: without a colour, for another number of weights, or numbers out of range.
    """

    colours: tuple[tuple[float, float, float], ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        table, weights = np.asarray(self.colours, dtype=np.float64), np.asarray(self.weights, dtype=np.float64)
        if table.ndim != 2 or table.shape[1:] != (3,) or weights.shape != table.shape[:1]:
            raise ValueError(f"A palette has colours (L*, a*, b*) and a weight for each, got {self}.")
        fits = (
            np.isfinite(table).all() and (np.abs(table[:, 1:]) <= 130).all() and (np.abs(table[:, 0] - 50) <= 50).all()
        )
        if not (fits and np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0):
            raise ValueError(f"L* goes from 0 to 100, a* and b* from -130 to 130, weights from 0, got {self}.")
        object.__setattr__(self, "weights", tuple((weights / weights.sum()).tolist()))

    def array(self) -> np.ndarray:
        """(K, 4) float32: L*, a*, b*, weight."""
        return np.column_stack([np.asarray(self.colours), np.asarray(self.weights)]).astype(np.float32)

    def swatches(self) -> list[tuple[str, float]]:
        """("#rrggbb", share) of each colour, the largest share first."""
        rgb = lab_to_rgb(torch.tensor(self.colours, dtype=torch.float64).T[None, :, :, None])[0, :, :, 0].T
        codes = ["#" + "".join(f"{value:02x}" for value in row) for row in (rgb * 255).round().int().tolist()]
        return sorted(zip(codes, self.weights, strict=True), key=lambda pair: -pair[1])


def palette_of(image: Any, colours: int = COLOURS) -> Palette:
    """The palette of a picture: k-means in CIELAB over at most 2304 evenly shrunk pixels.

    Args:
        image: whatever `read_picture` takes.
        colours: how many; a picture of fewer has fewer.

    Raises:
        OSError, ValueError, TypeError: as `read_picture`.
    """
    pixels = shrink(read_picture(image).pixels, _PALETTE_PIXELS)
    rgb = torch.from_numpy(pixels.astype(np.float32) / np.iinfo(pixels.dtype).max).permute(2, 0, 1)[None]
    return palette_of_lab(rgb_to_lab(rgb), colours)


def palette_of_lab(lab: Tensor, colours: int = COLOURS) -> Palette:
    """The palette of a picture in CIELAB, (1, 3, H, W); of a large one, of evenly spread pixels."""
    points = lab[0].flatten(1).T.cpu().numpy()
    table = cluster_colours(points[:: max(1, len(points) // _PALETTE_PIXELS)], colours)
    return Palette(tuple(map(tuple, table[:, :3].tolist())), tuple(table[:, 3].tolist()))


def read_palette(text: str) -> Palette:
    """Read "L a b share" of each colour, colours parted by commas, as `measure_palettes` writes them."""
    rows = [tuple(float(number) for number in colour.split()) for colour in text.split(",")]
    return Palette(tuple((row[0], row[1], row[2]) for row in rows), tuple(row[3] for row in rows))


def cluster_colours(lab: np.ndarray, colours: int, starts: int = _KMEANS_STARTS, seed: int = 0) -> np.ndarray:
    """k-means with k-means++ starts (Arthur and Vassilvitskii, 2007), the best of `starts`.

    Args:
        lab: (N, 3) CIELAB.
        colours: clusters at most.

    Returns:
        (K, 4) float32: mean L*, a*, b* and share of each cluster, empty ones left out, in order of lightness.
    """
    rng = np.random.default_rng(seed)
    points = (lab * np.array([_CLUSTER_LIGHTNESS, 1, 1])).astype(np.float32)
    best, least = np.zeros(len(points), dtype=np.int64), np.inf
    for _ in range(starts):
        centres = _spread_out(points, colours, rng)
        for _ in range(_KMEANS_ROUNDS - 1):
            centres = _means(points, _squared_distances(points, centres).argmin(1), centres)
        distances = _squared_distances(points, centres)
        nearest, cost = distances.argmin(1), float(distances.min(1).sum())
        if cost < least:
            best, least = nearest, cost
    counts = np.bincount(best, minlength=colours)
    means = np.stack([lab[best == number].mean(0) for number in np.flatnonzero(counts)])
    table = np.column_stack([means, counts[counts > 0] / len(lab)]).astype(np.float32)
    return table[np.argsort(table[:, 0], kind="stable")]


def _spread_out(points: np.ndarray, colours: int, rng: np.random.Generator) -> np.ndarray:
    """k-means++: each next centre is a point drawn by its squared distance to those there are."""
    centres = points[rng.integers(len(points), size=1)]
    while len(centres) < colours:
        far = _squared_distances(points, centres).min(1).astype(np.float64)
        if far.sum() <= 0:
            break  # fewer colours than asked for
        centres = np.concatenate([centres, points[rng.choice(len(points), size=1, p=far / far.sum())]])
    return centres


def _squared_distances(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    return np.square(points[:, None] - centres[None]).sum(2)


def _means(points: np.ndarray, nearest: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The mean of each cluster; an empty one stays where it was."""
    counts = np.bincount(nearest, minlength=len(centres))[:, None]
    sums = np.stack([np.bincount(nearest, axis, minlength=len(centres)) for axis in points.T], axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), centres).astype(points.dtype)
