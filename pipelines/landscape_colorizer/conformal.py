"""Radii that hold what they promise: conformal prediction over paintings.

Pixels of one painting err together, so a painting is one draw, and the share of its pixels within their radii is what
is counted: coverage is the mean of that share over paintings.
"""

from collections.abc import Sequence

import numpy as np


def needed_factor(ratios: Sequence[np.ndarray], coverage: float = 0.9) -> float:
    """The least factor on all radii at which new paintings are covered.

    Args:
        ratios: of each calibration painting its pixels' errors over their radii.
        coverage: mean share of a painting's pixels that is to lie within.

    Returns:
        The quantile at which the paintings' mean share reaches coverage * (n + 1) / n, n paintings: the correction of
        split conformal prediction for a mean over n (Angelopoulos et al., 2022, https://arxiv.org/abs/2208.02814).

    Raises:
        ValueError: without paintings, or with too few for this coverage.
    """
    count = len(ratios)
    wanted = coverage * (count + 1) / count if count else 1.0
    if wanted >= 1:
        raise ValueError(f"{count} paintings are too few for a coverage of {coverage}.")
    points = np.concatenate([np.asarray(one, dtype=np.float64) for one in ratios])
    weights = np.concatenate([np.full(len(one), 1 / len(one) / count) for one in ratios])
    order = np.argsort(points, kind="stable")
    reached = np.cumsum(weights[order])
    return float(points[order][min(np.searchsorted(reached, wanted - 1e-12), len(points) - 1)])


def covered(ratios: Sequence[np.ndarray], factor: float) -> np.ndarray:
    """Of each painting the share of pixels whose error is at most `factor` times the radius, (n,)."""
    return np.array([(np.asarray(one) <= factor).mean() for one in ratios])


def cross_conformal(ratios: Sequence[np.ndarray], folds: int = 5, coverage: float = 0.9, seed: int = 0) -> float:
    """Mean coverage of paintings by factors that were measured on the other folds."""
    order = np.random.default_rng(seed).permutation(len(ratios))
    shares = np.empty(len(ratios))
    for fold in range(folds):
        outside = order[fold::folds]
        factor = needed_factor([ratios[number] for number in order if number not in set(outside.tolist())], coverage)
        shares[outside] = covered([ratios[number] for number in outside], factor)
    return float(shares.mean())
