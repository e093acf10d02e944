"""The bootstrap of whole participants: all answers of a person are drawn together (Davison and Hinkley, 1997, §3.8).

Items stay as they are: these intervals are about these items, not about items like these.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from study.analysis.tables import NA, Interval
from study.plan import AnalysisPlan

_CELLS = 8_000_000  # numbers held at a time by `weighted_quantiles`


@dataclass(frozen=True)
class Draws:
    """`resamples` samples of as many participants as there are, with replacement.

    Args:
        counts: (B, P) how often a sample holds each participant.
        level: of the intervals.
    """

    counts: np.ndarray
    level: float

    def sums(self, values: np.ndarray) -> np.ndarray:
        """(P,) or (P, K) sums of the participants -> (B,) or (B, K) sums of the samples."""
        return self.counts @ np.asarray(values, dtype=float)

    def ratio(self, numerators: np.ndarray, denominators: np.ndarray) -> Interval | NA:
        """Percentile interval of a share of sums, such as right answers of all; NA if it is 0 or 1 in all samples."""
        if self.counts.shape[1] > 1 and numerators.sum() in (0, denominators.sum()):
            return NA("none or all: every sample of the people gives the same, which is no interval")
        above, below = self.sums(numerators), self.sums(denominators)
        return self.interval(above[below > 0] / below[below > 0])

    def interval(self, statistics: np.ndarray) -> Interval | NA:
        """Percentile interval of bootstrap statistics, those that a sample cannot give already left out."""
        if self.counts.shape[1] < 2:
            return NA("one person or none: what differs between people cannot be told")
        if len(statistics) < 0.9 * len(self.counts):
            return NA("more than a tenth of the bootstrap samples cannot give this figure")
        tail = (1 - self.level) / 2
        return Interval(*map(float, np.quantile(statistics, [tail, 1 - tail])))


def draw(people: int, plan: AnalysisPlan) -> Draws:
    """The same number of people and the same plan give the same draws."""
    return Draws(_counts(people, plan.resamples, plan.seed), plan.level)


@lru_cache(maxsize=4)  # many figures of one report are about equally many people
def _counts(people: int, resamples: int, seed: int) -> np.ndarray:
    if people == 0:
        return np.zeros((resamples, 0))
    counts = np.random.default_rng(seed).multinomial(people, np.full(people, 1 / people), resamples).astype(float)
    counts.flags.writeable = False
    return counts


def per_person(people: pd.Series | np.ndarray, *values: np.ndarray) -> tuple[np.ndarray, ...]:
    """Sums of each of `values`, (N,), over the answers of each participant, (P,), in the order of their names."""
    codes = np.unique(np.asarray(people, dtype=str), return_inverse=True)[1]
    size = int(codes.max()) + 1 if len(codes) else 0
    return tuple(np.bincount(codes, np.asarray(value, dtype=float), size) for value in values)


def weighted_quantiles(draws: Draws, people: np.ndarray, values: np.ndarray, share: float = 0.5) -> np.ndarray:
    """Quantile of `values`, (N,), of participants `people`, (N,) codes, in each sample that holds any of them."""
    order = np.argsort(values, kind="stable")
    values, people = values[order], people[order]
    found, step = [], max(1, _CELLS // max(1, len(values)))
    for start in range(0, len(draws.counts), step):
        reached = np.cumsum(draws.counts[start : start + step][:, people], axis=1)
        total = reached[:, -1]
        first = (reached[total > 0] >= share * total[total > 0, None]).argmax(axis=1)
        found.append(values[first])
    return np.concatenate(found) if found else np.zeros(0)


def bootstrap(draws: Draws, sums: np.ndarray, statistic: Callable[[np.ndarray], np.ndarray]) -> Interval | NA:
    """Interval of a function of (P, K) sums of the participants; `statistic`: (B, K) -> (B,), nan where undefined."""
    values = statistic(draws.sums(sums))
    return draws.interval(values[np.isfinite(values)])
