"""Bootstrap intervals over clusters of pictures, such as the crops of one painting.

Crops of one painting resemble each other, so whole paintings are drawn, never single crops: intervals over crops
would be too narrow. Pictures that have nothing to do with each other are clusters of one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

SAMPLES = 2000
LEVEL = 0.95


class Interval(NamedTuple):
    """Bounds of a percentile interval."""

    low: float
    high: float


@dataclass(frozen=True)
class ClusterDraws:
    """Bootstrap samples: clusters drawn with replacement, as many as there are."""

    member: np.ndarray  # (N,) the cluster of each item, 0 to G - 1
    counts: np.ndarray  # (samples, G) float64: how often a sample holds each cluster

    @property
    def weights(self) -> np.ndarray:
        """(samples, N): how often a sample holds each item."""
        return self.counts[:, self.member]


def draw_clusters(clusters: Sequence[str], samples: int = SAMPLES, seed: int = 0) -> ClusterDraws:
    """Draw clusters with replacement; the same clusters and seed give the same draws.

    Args:
        clusters: the name of each item's cluster, (N,).
    """
    names, member = np.unique(np.asarray(clusters), return_inverse=True)
    drawn = np.random.default_rng(seed).integers(0, len(names), (samples, len(names)))
    counts = np.zeros((samples, len(names)))
    np.add.at(counts, (np.arange(samples)[:, None], drawn), 1)
    return ClusterDraws(member, counts)


def interval(statistics: np.ndarray, level: float = LEVEL) -> Interval:
    """Percentile interval of bootstrap statistics, (samples,); nan, of samples of too few pictures, is left out."""
    tail = (1 - level) / 2
    low, high = np.nanquantile(statistics, [tail, 1 - tail])
    return Interval(float(low), float(high))


def mean_interval(values: np.ndarray, draws: ClusterDraws, level: float = LEVEL) -> Interval:
    """Interval of the mean of values, (N,), or of paired differences."""
    weights = draws.weights
    return interval(weights @ np.asarray(values, dtype=np.float64) / weights.sum(1), level)
