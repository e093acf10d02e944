"""What follows from an estimate and its spread: intervals, tests against chance, equivalence to it, differences.

Accuracies are treated on the logit scale (delta method, Student's t): there the interval stays between 0 and 1 and
keeps its coverage with five items a condition, where the plain scale falls to 91 % (`study.analysis.simulation`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import stats
from scipy.special import expit, logit
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from study.analysis.crossed import Part, Spread, crossed_spread, people_spread, weighted_sum
from study.analysis.tables import NA, Interval, Value

ESTIMANDS = {
    "items_like_these": "items like these (people and items both a sample)",
    "these_items": "these very items (people a sample, items fixed)",
}


class Inference(Protocol):
    """An accuracy with all that can be said of it."""

    @property
    def estimate(self) -> float: ...

    def interval(self, level: float) -> Interval:
        """Two-sided, of coverage `level`."""
        ...

    def p_value(self, chance: float) -> float:
        """Two-sided test of the accuracy being at chance."""
        ...

    def equivalence(self, chance: float, margin: float) -> float:
        """p value of TOST (Schuirmann, 1987): small if the accuracy lies within chance ± margin."""
        ...


@dataclass(frozen=True)
class LogitInference:
    """Student's t on the logit scale. `estimate` lies strictly between 0 and 1."""

    estimate: float
    spread: Spread

    def interval(self, level: float) -> Interval:
        half = float(stats.t.ppf(0.5 + level / 2, self.spread.df)) * self._error
        centre = logit(self.estimate)
        return Interval(float(expit(centre - half)), float(expit(centre + half)))

    def p_value(self, chance: float) -> float:
        return float(2 * stats.t.sf(abs(self._distance(chance)), self.spread.df))

    def equivalence(self, chance: float, margin: float) -> float:
        below, above = chance - margin, chance + margin  # a bound that no accuracy can cross is met
        low = stats.t.sf(self._distance(below), self.spread.df) if below > 0 else 0.0
        high = stats.t.cdf(self._distance(above), self.spread.df) if above < 1 else 0.0
        return float(max(low, high))

    @property
    def _error(self) -> float:
        return self.spread.variance**0.5 / (self.estimate * (1 - self.estimate))

    def _distance(self, value: float) -> float:
        return float((logit(self.estimate) - logit(value)) / self._error)


@dataclass(frozen=True)
class UnanimousInference:
    """All answers right, or all wrong: exact binomial statements about `units` that are surely independent.

    Without spread nothing tells how alike a person's answers are; each person (or item, if there are fewer) counts as
    one answer, which is too wide rather than too narrow.
    """

    estimate: float  # 0 or 1
    units: int

    @property
    def _right(self) -> int:
        return self.units if self.estimate == 1 else 0

    def interval(self, level: float) -> Interval:
        return Interval(*map(float, proportion_confint(self._right, self.units, 1 - level, method="beta")))

    def p_value(self, chance: float) -> float:
        return exact_test(self._right, self.units, chance)

    def equivalence(self, chance: float, margin: float) -> float:
        return binomial_tost(self._right, self.units, chance, margin)


def infer(parts: Sequence[Part], estimand: str) -> Inference | NA:
    """What follows for the weighted sum of the parts' accuracies; NA where people or items are too few.

    Args:
        parts: with weights that sum to 1.
        estimand: a key of `ESTIMANDS`.
    """
    crossed = estimand == "items_like_these"
    if not parts or any(len(part.values) == 0 for part in parts):
        return NA("no answers")
    estimate = weighted_sum(parts)
    spread = crossed_spread(parts) if crossed else people_spread(parts)
    if 0 < estimate < 1:
        return spread if isinstance(spread, NA) else LogitInference(estimate, spread)
    people = min(len(np.unique(part.people)) for part in parts)
    items = min(len(np.unique(part.items)) for part in parts)
    if people < 2 or (crossed and items < 2):
        return spread if isinstance(spread, NA) else NA("one person or one item")
    return UnanimousInference(estimate, min(people, items) if crossed else people)


def infer_difference(parts: Sequence[Part], level: float) -> tuple[Interval, float] | NA:
    """Interval and two-sided p value of a difference of accuracies, people and items both a sample (Student's t)."""
    spread = crossed_spread(parts)
    if isinstance(spread, NA):
        return spread
    difference, error = weighted_sum(parts), spread.variance**0.5
    half = float(stats.t.ppf(0.5 + level / 2, spread.df)) * error
    p = float(2 * stats.t.sf(abs(difference) / error, spread.df))
    return Interval(max(difference - half, -1.0), min(difference + half, 1.0)), p


def wilson(right: int, answers: int, level: float) -> Interval | NA:
    """Wilson's score interval (1927), as if all answers were independent."""
    if answers == 0:
        return NA("no answers")
    low, high = map(float, proportion_confint(right, answers, 1 - level, method="wilson"))
    return Interval(low if right else 0.0, high if right < answers else 1.0)  # exactly, not to rounding


def exact_test(right: int, answers: int, chance: float) -> float:
    """Two-sided exact binomial test, as if all answers were independent."""
    return float(stats.binomtest(right, answers, chance).pvalue)


def binomial_tost(right: int, answers: int, chance: float, margin: float) -> float:
    """p value of exact binomial TOST: the larger of the two one-sided tests at chance ± margin."""
    below, above = chance - margin, chance + margin
    low = stats.binomtest(right, answers, below, "greater").pvalue if below > 0 else 0.0
    high = stats.binomtest(right, answers, above, "less").pvalue if above < 1 else 0.0
    return float(max(low, high))


def adjusted(p_values: Sequence[Value], correction: str) -> list[Value]:
    """p values corrected for their number; what is missing stays so and does not count."""
    numbers = [p for p in p_values if isinstance(p, float)]
    if correction == "none" or not numbers:
        return list(p_values)
    corrected = iter(_holm(numbers) if correction == "holm" else multipletests(numbers, method=correction)[1].tolist())
    return [next(corrected) if isinstance(p, float) else p for p in p_values]


def _holm(p_values: Sequence[float]) -> list[float]:
    """Holm (1979). That of statsmodels collects the process's garbage at each call, which takes 0.2 s in the app."""
    order = np.argsort(p_values)
    steps = np.maximum.accumulate(np.asarray(p_values)[order] * np.arange(len(p_values), 0, -1))
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(steps, 1)
    return corrected.tolist()


def verdict(estimate: float, chance: float, p: Value, equivalence_p: Value, alpha: float, margin: float) -> Value:
    """In words: above or below chance, or not shown to differ; and equivalent to it within the margin, if shown."""
    if not isinstance(p, float):
        return p
    differs = p < alpha
    word = ("above chance" if estimate > chance else "below chance") if differs else "not shown to differ from chance"
    if isinstance(equivalence_p, float) and equivalence_p < alpha:
        within = f"equivalent to chance within ±{100 * margin:g} points"
        return f"{word}, yet {within}" if differs else within
    return word
