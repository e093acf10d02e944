"""Sensitivity and bias (Green and Swets, 1966; Macmillan and Creelman, 2005): pure functions of shares and counts."""

from functools import lru_cache

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.stats import norm

LIMIT = 6.0  # d' beyond which an accuracy tells no more: with 4 alternatives 99.997 % right at +6


def choice_accuracy(d_prime: np.ndarray | float, alternatives: int) -> np.ndarray:
    """Share of right answers of an unbiased observer who picks one of m: ∫ φ(x - d') Φ(x)^(m - 1) dx.

    Green and Swets (1966); tables: Hacker and Ratcliff (1979). At d' = 0 it is 1 / m; below chance d' is negative.
    """
    around = np.linspace(-9, 9, 601)  # x - d': the trapezoidal rule is exact to rounding for a normal density
    x = np.asarray(d_prime, dtype=float)[..., None] + around
    return np.trapezoid(norm.pdf(around) * norm.cdf(x) ** (alternatives - 1), around, axis=-1)


def choice_d_prime(accuracy: np.ndarray | float, alternatives: int) -> np.ndarray:
    """d' of a share of right answers when picking one of m, the inverse of `choice_accuracy`; ±`LIMIT` beyond it."""
    inverse, low, high = _inverse(alternatives)
    return inverse(np.clip(np.asarray(accuracy, dtype=float), low, high))


@lru_cache(maxsize=16)
def _inverse(alternatives: int) -> tuple[PchipInterpolator, float, float]:
    d = np.linspace(-LIMIT, LIMIT, 601)
    accuracy = choice_accuracy(d, alternatives)
    keep = np.concatenate([[True], np.diff(np.maximum.accumulate(accuracy)) > 0])
    return PchipInterpolator(accuracy[keep], d[keep]), float(accuracy[0]), float(accuracy[-1])


def clipped_share(right: np.ndarray | float, answers: np.ndarray | float) -> np.ndarray:
    """right / answers, where none or all are right half an answer away from it, so that d' stays finite."""
    right, answers = np.asarray(right, dtype=float), np.asarray(answers, dtype=float)
    edge = 0.5 / (answers + 1)
    return np.clip(right / np.maximum(answers, 1), edge, 1 - edge)


def corrected_share(right: np.ndarray | float, answers: np.ndarray | float) -> np.ndarray:
    """(right + 0.5) / (answers + 1), the log-linear correction, which keeps d' finite (Hautus, 1995)."""
    return (np.asarray(right, dtype=float) + 0.5) / (np.asarray(answers, dtype=float) + 1)


def yes_no(
    hits: np.ndarray, signals: np.ndarray, false_alarms: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """d' = z(H) - z(F) and criterion c = -(z(H) + z(F)) / 2, both shares with the log-linear correction.

    Args:
        hits: of `signals` pictures, those said to be what they are (generated ones called generated).
        false_alarms: of `noise` pictures, those called so wrongly (real ones called generated). c < 0: "generated" is
            said readily; c > 0: "real" is.
    """
    hit, false = norm.ppf(corrected_share(hits, signals)), norm.ppf(corrected_share(false_alarms, noise))
    return hit - false, -(hit + false) / 2
