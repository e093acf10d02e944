"""How many people a study needs: power against chance and for equivalence to it, with people and items both random.

The variance of an accuracy p of N answers, q from each person and N / J about each of J items, is
p (1 - p) / N · (1 + (q - 1) ρ_people + (N / J - 1) ρ_items), ρ the intra-class correlations of right and wrong (Kish's
design effect, once for each). However many people answer, the last part stays: few items can make a claim about items
like these impossible. Tests are those of `study.analysis`, on the plain scale: Student's t, Satterthwaite's degrees of
freedom.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from study.plan import SampleSize

MOST = 1_000_000  # participants; who needs more cannot be helped
ICC_PEOPLE = 0.05  # two answers of one person; methods of the field assume 0.05 to 0.1
ICC_ITEMS = 0.10  # two answers about one item; the published counts of two networks give 0.01 and 0.15


@dataclass(frozen=True)
class Design:
    """What the power depends on, for one condition.

    Args:
        questions: about the condition, for each participant; a mean, so it may be a fraction.
        items: pictures of the condition that questions are drawn from.
        icc_people, icc_items: correlation of two answers of one person, and of two about one item.
        estimand: as `study.plan.AnalysisPlan`; with "these_items" what differs between items does not count.
    """

    participants: int
    questions: float
    items: int
    chance: float = 0.25
    icc_people: float = ICC_PEOPLE
    icc_items: float = ICC_ITEMS
    estimand: str = "items_like_these"

    def __post_init__(self):
        whole = self.participants >= 1 and self.items >= 1 and 0 < self.questions <= self.items
        if not (whole and 0 < self.chance < 1 and min(self.icc_people, self.icc_items) >= 0):
            raise ValueError(
                "A design has people and items, at most as many questions for a person as items, a chance in (0, 1) "
                f"and correlations from 0, got {self}."
            )
        if self.icc_people + self.icc_items >= 1:
            raise ValueError(f"The correlations are below 1 together, got {self.icc_people} and {self.icc_items}.")

    @property
    def answers(self) -> float:
        """N, of one condition."""
        return self.participants * self.questions

    def spread(self, accuracy: float) -> tuple[float, float]:
        """Standard error of the accuracy and its degrees of freedom."""
        base, people = accuracy * (1 - accuracy) / self.answers, self.participants - 1
        if self.estimand == "these_items":
            return (base * (1 - self.icc_items + (self.questions - 1) * self.icc_people)) ** 0.5, people
        of_people = base * (1 + (self.questions - 1) * self.icc_people)
        of_items = base * (1 + max(0.0, self.answers / self.items - 1) * self.icc_items)
        variance = of_people + of_items - base
        if min(people, self.items - 1) < 1:
            return variance**0.5, 0.0
        doubt = of_people**2 / people + of_items**2 / (self.items - 1) + base**2 / max(1.0, self.answers - 1)
        return variance**0.5, max(1.0, variance**2 / doubt)


def power_against_chance(design: Design, accuracy: float, alpha: float = 0.05) -> float:
    """Probability that a two-sided test shows a true accuracy to differ from chance; 0 where there is no test."""
    error, df = design.spread(accuracy)
    if df < 1:
        return 0.0
    limit, shift = stats.t.ppf(1 - alpha / 2, df), (accuracy - design.chance) / error
    return float(np.clip(stats.nct.sf(limit, df, shift) + stats.nct.cdf(-limit, df, shift), 0, 1))


def power_of_equivalence(design: Design, margin: float, alpha: float = 0.05, accuracy: float | None = None) -> float:
    """Probability that TOST shows the accuracy to lie within chance ± margin; by default it lies at chance.

    The normal integral over the distribution of the estimated error (Phillips, 1990), 0 where there is no test.
    """
    accuracy = design.chance if accuracy is None else accuracy
    error, df = design.spread(accuracy)
    if df < 1:
        return 0.0
    grid = (np.arange(2000) + 0.5) / 2000
    estimated = error * np.sqrt(stats.chi2.ppf(grid, df) / df)
    reach = margin - stats.t.ppf(1 - alpha, df) * estimated
    off = accuracy - design.chance
    both = stats.norm.cdf((reach - off) / error) - stats.norm.cdf((-reach - off) / error)
    return float(np.maximum(both, 0).mean())


def binomial_power(answers: int, accuracy: float, chance: float, alpha: float = 0.05) -> float:
    """Power of the exact two-sided binomial test against chance, all answers independent."""
    null = stats.binom.pmf(np.arange(answers + 1), answers, chance)
    order = np.argsort(null)
    reached = np.cumsum(null[order])
    # p of k: all outcomes at most as likely as k, equal ones (to rounding) too, as scipy.stats.binomtest
    p = reached[np.searchsorted(null[order], null * (1 + 1e-7), side="right") - 1]
    return float(stats.binom.pmf(np.arange(answers + 1), answers, accuracy)[p <= alpha].sum())


def answers_for_equivalence(
    chance: float, margin: float, alpha: float = 0.05, power: float = 0.9, deff: float = 1.0, each: bool = False
) -> int:
    """Answers that TOST needs if the true accuracy is at chance, for a given design effect (1: all independent).

    Normal theory: n = chance (1 - chance) ((z_(1-α) + z_(1-β/2)) / margin)² deff, for both one-sided tests have to
    succeed. With `each` 1 - β is the power of each of the two alone (z_(1-β)), as some tables have it; both then
    succeed with 1 - 2β only.
    """
    beta = (1 - power) / (1 if each else 2)
    z = stats.norm.ppf(1 - alpha) + stats.norm.ppf(1 - beta)
    return math.ceil(round(chance * (1 - chance) * (z / margin) ** 2 * deff, 6))


def half_width(accuracy: float, answers: float, level: float = 0.95, deff: float = 1.0) -> float:
    """Half the width of Wilson's interval; a design effect divides the answers."""
    low, high = proportion_confint(accuracy * answers / deff, answers / deff, 1 - level, method="wilson")
    return float(high - low) / 2


def participants_needed(design: Design, power_of: Callable[[Design], float], power: float = 0.9) -> int | None:
    """Least number of participants for which `power_of` the design reaches `power`; None if no number does."""

    def reached(people: int) -> bool:
        return power_of(replace(design, participants=people)) >= power

    low, high = 1, 2
    while not reached(high):
        low, high = high, high * 2
        if high > MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def items_needed(design: Design, power_of: Callable[[Design], float], power: float = 0.9) -> int | None:
    """Least number of items with which some number of participants reaches `power`; None beyond a hundred thousand."""
    many, low, high = replace(design, participants=MOST), design.items, design.items
    while power_of(replace(many, items=high)) < power:
        low, high = high, high * 2
        if high > 100_000:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(replace(many, items=middle)) >= power else (middle, high)
    return high


def sample_size(
    participants: int | None,
    questions: float,
    items: int,
    chance: float = 0.25,
    margin: float = 0.05,
    alpha: float = 0.05,
    power: float = 0.9,
    icc_people: float = ICC_PEOPLE,
    icc_items: float = ICC_ITEMS,
    estimand: str = "items_like_these",
) -> SampleSize:
    """The plan's sample size with its power of equivalence and the sentences that say what was assumed.

    Args:
        participants: how many are planned; None: as many as `power` takes.
        questions: about one condition, for each participant.
        items: pictures of that condition.

    Raises:
        ValueError: for an impossible design, or if `participants` is None and no number of people suffices.
    """
    design = Design(participants or 1, questions, items, chance, icc_people, icc_items, estimand)

    def power_of(one: Design) -> float:
        return power_of_equivalence(one, margin, alpha)

    needed = participants_needed(design, power_of, power)
    if needed is None:
        more = items_needed(design, power_of, power)
        says = f"with {items} items a condition no number of people reaches {power:.0%}"
        says += f"; at least {more} items would be needed" if more else ""
    else:
        says = f"{power:.0%} takes {needed} people"
    if participants is None:
        if needed is None:
            raise ValueError(f"No sample size: {says}.")
        design = replace(design, participants=needed)
    else:
        design = replace(design, participants=participants)
    reached = power_of(design)
    return SampleSize(design.participants, round(reached, 4), _assumptions(design, margin, alpha, reached, says))


def _assumptions(design: Design, margin: float, alpha: float, reached: float, says: str) -> str:
    error, df = design.spread(design.chance)
    half = f"{100 * stats.t.ppf(0.975, df) * error:.1f}" if df >= 1 else "unknown"
    which = "items like these" if design.estimand == "items_like_these" else "these items"
    return (
        f"{design.participants} people, {design.questions:g} questions each about one of {design.items} items a "
        f"condition; chance {design.chance:.2%}, margin ±{100 * margin:g} points, alpha {alpha:g} for each one-sided "
        f"test, true accuracy at chance; correlation of two answers of a person {design.icc_people:g}, about an item "
        f"{design.icc_items:g}; for {which}. Power of the equivalence test {reached:.1%}: {says}. Half-width of a 95 "
        f"% interval about {half} points."
    )
