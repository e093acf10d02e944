"""Variance of an accuracy when people and items are both samples, each person asked about several items and each item
put to several people; and when people alone are a sample.

y_pi = θ + person_p + item_i + rest_pi for every array whose people and items are drawn independently (the Hoeffding
decomposition; Owen, 2007, "The pigeonhole bootstrap"), so that V(mean) = V(people) + V(items) - V(cells): the two-way
cluster-robust estimator of Cameron, Gelbach and Miller (2011, "Robust inference with multiway clustering"), which on a
complete table is the two-way random-effects analysis of variance. Each part is made unbiased for clusters of unequal
size (CR2) and has the degrees of freedom of Bell and McCaffrey (2002); the sum's are Satterthwaite's (1946).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from study.analysis.tables import NA


@dataclass(frozen=True)
class Part:
    """Answers whose mean is one term of a weighted sum: a condition's accuracy, or one side of a difference.

    Args:
        values: (N,) 1 for right, 0 for wrong.
        people: (N,) who answered, 0 to P - 1; the same codes in all parts of a sum.
        items: (N,) what was asked about, 0 to I - 1; the same codes in all parts.
        weight: of this mean in the sum; -1 for what is subtracted.
    """

    values: np.ndarray
    people: np.ndarray
    items: np.ndarray
    weight: float = 1.0


@dataclass(frozen=True)
class Spread:
    """Variance of a weighted sum of means, and the degrees of freedom of that estimate."""

    variance: float
    df: float


def weighted_sum(parts: Sequence[Part]) -> float:
    """The estimate: sum of weight times mean."""
    return float(sum(part.weight * part.values.mean() for part in parts))


def crossed_spread(parts: Sequence[Part]) -> Spread | NA:
    """Spread of `weighted_sum` where people and items are samples: of people, and of pictures, like these.

    V(people) + V(items) - V(cells) can come out far too small by chance where the truth is near zero; it is never taken
    below the lesser of V(people) and V(items). Measured coverage: `study.analysis.simulation`.
    """
    if missing := _too_few(parts, items=True):
        return missing
    codes = [part.people * (1 + max(int(p.items.max()) for p in parts)) + part.items for part in parts]
    cells = np.split(np.unique(np.concatenate(codes), return_inverse=True)[1], np.cumsum([len(c) for c in codes])[:-1])
    people = _clustered(parts, [part.people for part in parts])
    items = _clustered(parts, [part.items for part in parts])
    rest = _clustered(parts, cells)
    variance = max(people.variance + items.variance - rest.variance, min(people.variance, items.variance))
    variance = variance if variance > 0 else rest.variance
    if variance <= 0:
        return NA("all answers of each kind are the same: there is no spread to go by")
    doubt = sum(one.variance**2 / one.df for one in (people, items, rest))
    return Spread(float(variance), float(max(1.0, variance**2 / doubt)))


def people_spread(parts: Sequence[Part]) -> Spread | NA:
    """Spread of `weighted_sum` where people are a sample and the items are the very ones asked about.

    Deviations are from each item's own mean, scaled by n / (n - 1), so that which items somebody happened to be asked
    about does not count. An item with a single answer has no deviation of its own: its distance from the mean of all
    stands in, which is too wide rather than too narrow.
    """
    if missing := _too_few(parts, items=False):
        return missing
    scores = np.zeros(1 + max(int(part.people.max()) for part in parts))
    for part in parts:
        counts = np.bincount(part.items)
        means = np.bincount(part.items, part.values) / np.maximum(counts, 1)
        n = counts[part.items]
        centre = np.where(n > 1, means[part.items], part.values.mean())
        deviation = (part.values - centre) * np.sqrt(n / np.maximum(n - 1, 1))
        scores += np.bincount(part.people, deviation, len(scores)) * part.weight / len(part.values)
    variance = float(scores @ scores)
    if variance <= 0:
        return NA("all answers about each item are the same: there is no spread to go by")
    return Spread(variance, _clustered(parts, [part.people for part in parts]).df)


def _too_few(parts: Sequence[Part], items: bool) -> NA | None:
    if any(len(part.values) == 0 for part in parts):
        return NA("no answers")
    if any(len(np.unique(part.people)) < 2 for part in parts):
        return NA("one person: what differs between people cannot be told")
    if items and any(len(np.unique(part.items)) < 2 for part in parts):
        return NA("one item: what differs between items cannot be told")
    return None


@dataclass(frozen=True)
class _Working:
    """One part's share of a clustered variance if all answers were independent: scale (D - b bᵀ / N), D diagonal."""

    scale: float
    diagonal: np.ndarray  # (G,) n / (1 - n / N)
    vector: np.ndarray  # (G,) n / sqrt(1 - n / N)
    answers: int
    variance: float  # as estimated, of this part alone

    def trace(self) -> float:
        return self.scale * float((self.diagonal - self.vector**2 / self.answers).sum())

    def product(self, other: "_Working") -> float:
        """Trace of the product of the two matrices."""
        cross = float(self.vector @ other.vector) ** 2 / self.answers / other.answers
        mine = float(self.diagonal @ other.vector**2) / other.answers
        its = float(other.diagonal @ self.vector**2) / self.answers
        return self.scale * other.scale * (float(self.diagonal @ other.diagonal) - mine - its + cross)


def _clustered(parts: Sequence[Part], clusters: Sequence[np.ndarray]) -> Spread:
    """CR2 variance of the weighted sum by clusters, with Bell and McCaffrey's degrees of freedom.

    Parts that share no cluster may differ in variance: their degrees of freedom are never taken above Welch's.
    """
    size = 1 + max(int(cluster.max()) for cluster in clusters)
    total, working = np.zeros(size), []
    for part, cluster in zip(parts, clusters, strict=True):
        answers, mean = len(part.values), part.values.mean()
        counts = np.bincount(cluster, minlength=size).astype(float)
        leverage = np.minimum(counts / answers, 1 - 1e-9)
        score = np.bincount(cluster, part.values - mean, size) * part.weight / answers / np.sqrt(1 - leverage)
        total += score
        scale = part.weight**2 * max(mean * (1 - mean), 1e-9) / answers**2
        diagonal, vector = counts / (1 - leverage), counts / np.sqrt(1 - leverage)
        working.append(_Working(scale, diagonal, vector, answers, float(score @ score)))
    df = sum(one.trace() for one in working) ** 2 / sum(one.product(other) for one in working for other in working)
    welch = sum(one.variance**2 * one.product(one) / one.trace() ** 2 for one in working)
    if welch > 0:
        df = min(df, sum(one.variance for one in working) ** 2 / welch)
    return Spread(float(total @ total), float(max(1.0, df)))
