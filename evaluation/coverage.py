"""How much of the generated pictures is real, and how much of the real ones is generated, in a space of features.

Around every picture lies a ball that reaches to its k-th nearest neighbour in its own set, itself not counted. Real
pictures' balls together stand for what is real, generated ones' for what the generator makes. A picture at exactly a
ball's radius is outside, as in the authors' package `prdc`. All four numbers depend on the number of pictures and on
k, both the caller's to state: compare only equal numbers (`equal_sets`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

PRECISION_NEIGHBOURS = 3
DENSITY_NEIGHBOURS = 5
_ROWS = 256  # of a matrix of distances at a time


@dataclass(frozen=True)
class Coverage:
    """Quality (precision, density) and variety (recall, coverage) of generated pictures."""

    precision: float  # share of generated pictures inside a ball of a real one
    recall: float  # share of real pictures inside a ball of a generated one
    density: float  # real balls that hold a generated picture, mean over these, divided by k: 1 for the same source
    coverage: float  # share of real pictures whose ball holds a generated one


def coverage_measures(
    real: np.ndarray,
    output: np.ndarray,
    precision_neighbours: int = PRECISION_NEIGHBOURS,
    density_neighbours: int = DENSITY_NEIGHBOURS,
) -> Coverage:
    """Improved precision and recall, density and coverage of two sets of features.

    Sources: Kynkaanniemi et al. (2019), https://arxiv.org/abs/1904.06991, with k = 3; Naeem et al. (2020),
    https://arxiv.org/abs/2002.09797, with k = 5. Distances are Euclidean.

    Args:
        real, output: (N, D) and (M, D), both of more pictures than there are neighbours.
        precision_neighbours, density_neighbours: the k of either pair of measures.

    Raises:
        ValueError: if the shapes do not fit, a feature is not finite, or k is not in [1, number of pictures).
    """
    _check(real, output, (precision_neighbours, density_neighbours))
    near, wide = nearest_radii(real, (precision_neighbours, density_neighbours))
    (output_near,) = nearest_radii(output, (precision_neighbours,))
    precise = np.zeros(len(output), dtype=bool)
    recalled, covered, inside = [], [], 0
    for rows, distances in _blocks(real, output):
        precise |= (distances < near[rows, None]).any(0)
        recalled.append((distances < output_near).any(1))
        held = distances < wide[rows, None]
        covered.append(held.any(1))
        inside += int(held.sum())
    return Coverage(
        float(precise.mean()),
        float(np.concatenate(recalled).mean()),
        inside / (density_neighbours * len(output)),
        float(np.concatenate(covered).mean()),
    )


def nearest_radii(features: np.ndarray, neighbours: tuple[int, ...]) -> list[np.ndarray]:
    """Distance of each picture to its k-th nearest other one, (N,), for each k of `neighbours`."""
    kept = []
    for _, distances in _blocks(features, features):
        # Position 0 is the picture itself, or a copy of it that lies as near.
        nearest = np.partition(distances, sorted(set(neighbours)), axis=1)
        kept.append(nearest[:, list(neighbours)])
    return list(np.concatenate(kept).T)


def equal_sets(*sets: np.ndarray, seed: int = 0) -> list[np.ndarray]:
    """As many rows of each set as the smallest has, drawn without replacement; the smallest stays as it is."""
    size = min(map(len, sets))
    rng = np.random.default_rng(seed)
    return [one if len(one) == size else one[np.sort(rng.permutation(len(one))[:size])] for one in sets]


def _blocks(first: np.ndarray, second: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Rows of `first` and their distances to all of `second`, some at a time."""
    for start in range(0, len(first), _ROWS):
        rows = slice(start, start + _ROWS)
        yield rows, cdist(first[rows], second)


def _check(real: np.ndarray, output: np.ndarray, neighbours: tuple[int, int]) -> None:
    if real.ndim != 2 or output.ndim != 2 or real.shape[1] != output.shape[1]:
        raise ValueError(f"Two sets of features, (N, D) and (M, D), got {real.shape} and {output.shape}.")
    if not (np.isfinite(real).all() and np.isfinite(output).all()):
        raise ValueError("Features must be finite numbers.")
    if min(neighbours) < 1 or max(neighbours) >= len(real) or neighbours[0] >= len(output):
        raise ValueError(
            f"Balls that reach to neighbour {max(neighbours)} need more pictures than that in each set, "
            f"got {len(real)} and {len(output)}."
        )
