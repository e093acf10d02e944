"""Memorisation: are generated pictures copies of training pictures?

What counts as near is decided by pictures that were held out: a generator that has learnt the kind of pictures, not the
pictures, makes samples that are as far from the training set as held-out pictures of the same source are.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

_ROWS = 256  # of a matrix of distances at a time
COPIES_BELOW = 0.05  # quantile of the held-out distances


@dataclass(frozen=True)
class Nearest:
    """The nearest training picture of each of N pictures."""

    distance: np.ndarray  # (N,), Euclidean, between features
    index: np.ndarray  # (N,), of the training picture; the first of equals


@dataclass(frozen=True)
class Memorisation:
    """How near samples come to the training set, against held-out pictures."""

    samples: Nearest
    held_out: Nearest
    nearer: float  # share of pairs (sample, held-out) whose sample is nearer, ties half: 0.5 is even, 1 is copying
    z: float  # of `nearer`: deviations from even, about standard normal where nothing is copied
    copies: float  # share of samples nearer than the nearest 5 % of held-out pictures: 0.05 where nothing is copied


def nearest_training(pictures: np.ndarray, training: np.ndarray) -> Nearest:
    """Find the nearest training picture of each picture.

    Args:
        pictures: features, (N, D).
        training: features, (M, D). Where training flipped its pictures, the features of the flipped ones belong below
            those of the others: index modulo the number of pictures then names the picture.

    Raises:
        ValueError: if the shapes do not fit, there is no training picture, or a feature is not finite.
    """
    if pictures.ndim != 2 or training.ndim != 2 or pictures.shape[1] != training.shape[1] or not len(training):
        raise ValueError(f"Two sets of features, (N, D) and (M, D), got {pictures.shape} and {training.shape}.")
    if not (np.isfinite(pictures).all() and np.isfinite(training).all()):
        raise ValueError("Features must be finite numbers.")
    distances, indices = [np.empty(0)], [np.empty(0, dtype=np.int64)]
    for start in range(0, len(pictures), _ROWS):
        block = cdist(pictures[start : start + _ROWS], training)
        indices.append(block.argmin(1))
        distances.append(block.min(1))
    return Nearest(np.concatenate(distances), np.concatenate(indices))


def memorisation(samples: np.ndarray, training: np.ndarray, held_out: np.ndarray) -> Memorisation:
    """Compare the distances to the training set of samples and of held-out pictures.

    `nearer` is the Mann-Whitney statistic over its largest value, `z` its normal score with ties corrected: the global
    form of the data-copying test of Meehan et al. (2020), https://arxiv.org/abs/2004.05675, of opposite sign. Samples
    that are worse than real pictures lie farther from everything: a low share then shows no merit. Samples and held-out
    pictures must show the classes in equal shares, since classes differ in how near their pictures lie to each other.

    Args:
        samples, training, held_out: features, (N, D), (M, D), (K, D); of training and held-out pictures of one source,
            without near-duplicates across the two.

    Raises:
        ValueError: as `nearest_training`, or if there is no sample or no held-out picture.
    """
    if not len(samples) or not len(held_out):
        raise ValueError("Memorisation needs samples and held-out pictures.")
    made, real = nearest_training(samples, training), nearest_training(held_out, training)
    nearer, z = share_smaller(made.distance, real.distance)
    bar = np.quantile(real.distance, COPIES_BELOW)
    return Memorisation(made, real, nearer, z, float((made.distance < bar).mean()))


def share_smaller(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Share of pairs in which the value of `first`, (N,), is below that of `second`, (M,), ties half; its z score.

    Returns:
        the share, and (share - 1/2) over its standard deviation where both come from one distribution (0 where all
        values are equal).
    """
    n, m = len(first), len(second)
    ranks = rankdata(np.concatenate([second, first]))
    share = (ranks[:m].sum() - m * (m + 1) / 2) / (n * m)
    total = n + m
    tied = np.unique(ranks, return_counts=True)[1].astype(np.float64)
    variance = (total + 1 - (tied**3 - tied).sum() / (total * (total - 1))) / (12 * n * m)
    return float(share), float((share - 0.5) / math.sqrt(variance)) if variance > 1e-15 else 0.0
