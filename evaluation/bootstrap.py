"""Bootstrap intervals over paintings.

Crops of one painting resemble each other, so whole paintings are drawn, never single crops: intervals over crops
would be too narrow. A sample is a row of weights: how often each crop was drawn.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

SAMPLES = 2000
LEVEL = 0.95


class Interval(NamedTuple):
    """Bounds of a percentile interval."""

    low: float
    high: float


def cluster_weights(clusters: Sequence[str], samples: int = SAMPLES, seed: int = 0) -> np.ndarray:
    """Draw clusters with replacement, as many as there are.

    Args:
        clusters: the cluster (painting) of each item.

    Returns:
        (samples, len(clusters)) float64: how often each item is in a sample. A sample of one item alone in its
        cluster, drawn every time, is possible only with few clusters.
    """
    names, member = np.unique(np.asarray(clusters), return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(names), (samples, len(names)))
    counts = np.zeros((samples, len(names)))
    np.add.at(counts, (np.arange(samples)[:, None], drawn), 1)
    return counts[:, member]


def interval(statistics: np.ndarray, level: float = LEVEL) -> Interval:
    """Percentile interval of bootstrap statistics, (samples,); samples without a value (nan) are left out."""
    tail = (1 - level) / 2
    low, high = np.nanquantile(statistics, [tail, 1 - tail])
    return Interval(float(low), float(high))


def mean_interval(values: np.ndarray, weights: np.ndarray, level: float = LEVEL) -> Interval:
    """Interval of the mean of values, (N,), or of paired differences, under `cluster_weights`, (samples, N)."""
    return interval(weights @ np.asarray(values, dtype=np.float64) / weights.sum(1), level)
