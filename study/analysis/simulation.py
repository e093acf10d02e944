"""Do the intervals keep their promise? Simulated studies of known truth: people and items both drawn at random.

P(right) = σ(μ + a_person + b_item), a ~ N(0, sd_people²), b ~ N(0, sd_items²); μ is such that the accuracy over all
people and items is the one asked for. Each interval is checked for its own estimand with the code that reports use.
`LIMITS` are designs in which the crossed interval falls short: few items of very skewed difficulty.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from study.analysis.crossed import Part
from study.analysis.inference import infer, infer_difference, wilson
from study.analysis.tables import NA, Basis, Column, Interval, Table, Value

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(61)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_SKEWED_NODES, _SKEWED_WEIGHTS = np.polynomial.laguerre.laggauss(61)  # exponential, moved to a mean of 0
_SKEWED_NODES = _SKEWED_NODES - 1


@dataclass(frozen=True)
class Design:
    """A study of one condition whose truth is known.

    Args:
        layout: "all": everybody answers all items; "random": `questions` items drawn for each person; "unbalanced": 2
            to `questions` items for a person, some items far more often than others.
        accuracy: over all people and items.
        sd_people, sd_items: of ability and difficulty, on the logit scale.
        skewed: difficulties are exponential instead of normal: a few items are far easier than the others.
    """

    name: str
    layout: Literal["all", "random", "unbalanced"]
    people: int
    items: int
    questions: int
    accuracy: float
    sd_people: float
    sd_items: float
    chance: float = 0.25
    margin: float = 0.05
    skewed: bool = False

    @property
    def intercept(self) -> float:
        """μ of the model."""

        def off(mu: float) -> float:
            return float(self._items[1] @ self._shares(mu) @ _WEIGHTS) - self.accuracy

        return brentq(off, -30, 30)  # type: ignore[return-value]

    @property
    def icc(self) -> tuple[float, float]:
        """Intra-class correlation of two answers of one person, and of two about one item (right 1, wrong 0)."""

        shares, total = self._shares(self.intercept), self.accuracy * (1 - self.accuracy)
        of_people, of_items = self._items[1] @ shares, shares @ _WEIGHTS
        people = float(of_people**2 @ _WEIGHTS - self.accuracy**2) / total
        items = float(of_items**2 @ self._items[1] - self.accuracy**2) / total
        return max(0.0, people), max(0.0, items)

    def difficulties(self, rng: np.random.Generator) -> np.ndarray:
        """(items,) on the logit scale; larger is easier."""
        drawn = rng.exponential(size=self.items) - 1 if self.skewed else rng.normal(size=self.items)
        return self.sd_items * drawn

    @property
    def _items(self) -> tuple[np.ndarray, np.ndarray]:
        """Nodes and weights of difficulty."""
        return (_SKEWED_NODES, _SKEWED_WEIGHTS) if self.skewed else (_NODES, _WEIGHTS)

    def _shares(self, mu: float) -> np.ndarray:
        """P(right) of each difficulty, rows, and ability."""
        return expit(mu + self.sd_items * self._items[0][:, None] + self.sd_people * _NODES)


DESIGNS = (
    Design("165 people, 10 of 100 items", "random", 165, 100, 10, 0.25, 0.5, 0.8),
    Design("the same, two networks: 5 of 100 items", "random", 165, 100, 5, 0.20, 0.5, 0.8),
    Design("published: 5 items, like U-Net's", "all", 165, 5, 5, 0.15, 0.4, 0.45),
    Design("published: 5 items, like ResNet-9's", "all", 165, 5, 5, 0.20, 0.4, 0.9),
    Design("10 items for all", "all", 165, 10, 10, 0.25, 0.4, 0.9),
    Design("few people, few items", "all", 30, 10, 10, 0.25, 0.5, 0.8),
    Design("few people, many items", "random", 30, 200, 20, 0.10, 0.6, 0.8),
    Design("20 items, 8 each", "random", 40, 20, 8, 0.35, 0.5, 0.8),
    Design("unbalanced, 100 items", "unbalanced", 165, 100, 20, 0.25, 0.5, 0.8),
    Design("unbalanced, 6 items", "unbalanced", 165, 6, 6, 0.25, 0.5, 0.6),
    Design("high accuracy", "random", 165, 100, 10, 0.80, 0.5, 1.0),
    Design("two alternatives", "random", 165, 100, 10, 0.50, 0.7, 0.5, chance=0.5),
    Design("items all alike", "all", 165, 10, 10, 0.25, 0.5, 0.0),
    Design("people and items all alike", "random", 165, 100, 10, 0.25, 0.0, 0.0),
    Design("at the margin's upper edge", "random", 300, 100, 10, 0.30, 0.3, 0.3),
    Design("at the margin's lower edge", "random", 300, 100, 10, 0.20, 0.3, 0.3),
    Design("at the edge, 30 items for all", "all", 300, 30, 30, 0.30, 0.3, 0.15),
    Design("at the edge, 500 people", "random", 500, 200, 10, 0.30, 0.4, 0.3),
    Design("at the edge, unbalanced", "unbalanced", 400, 150, 20, 0.20, 0.4, 0.3),
)
LIMITS = tuple(
    Design(f"very skewed difficulty, {items} items", layout, 165, items, min(items, 10), 0.22, 0.5, 0.9, skewed=True)
    for items, layout in ((5, "all"), (20, "all"), (100, "random"))
)
SHORT = DESIGNS[:4]  # what the quick test and `simulate` without options look at


def coverage(
    design: Design, studies: int = 2000, seed: int = 0, level: float = 0.95, alpha: float = 0.05
) -> dict[str, Value]:
    """One row of the coverage table: how often each interval held its truth, and how often TOST said equivalent, which
    is an error where the true accuracy is not inside chance ± margin and a power where it is.
    """
    started, rng = time.perf_counter(), np.random.default_rng([seed, 1])
    truth = _truth(design)
    held: dict[str, list[bool]] = {"crossed": [], "fixed": [], "wilson": []}
    equivalent, widths = [], []
    for _ in range(studies):
        part, of_these = simulate(design, rng, *truth)
        right, answers = int(part.values.sum()), len(part.values)
        crossed, fixed = infer([part], "items_like_these"), infer([part], "these_items")
        for name, found, aim in (("crossed", crossed, design.accuracy), ("fixed", fixed, of_these)):
            held[name].append(not isinstance(found, NA) and _holds(found.interval(level), aim))
        naive = wilson(right, answers, level)
        held["wilson"].append(isinstance(naive, Interval) and _holds(naive, design.accuracy))
        if not isinstance(crossed, NA):
            equivalent.append(crossed.equivalence(design.chance, design.margin) < alpha)
            interval = crossed.interval(level)
            widths.append(interval.high - interval.low)
    within = abs(design.accuracy - design.chance) < design.margin - 1e-9
    share = float(np.mean(equivalent)) if equivalent else NA("no study gave an interval")
    return {
        "design": design.name,
        "people": design.people,
        "items": design.items,
        "questions": design.questions,
        "accuracy": design.accuracy,
        **{name: float(np.mean(values)) for name, values in held.items()},
        "tost_error": NA("the truth lies within the margin") if within else share,
        "tost_power": share if within else NA("the truth lies outside the margin"),
        "width": float(np.mean(widths)) if widths else NA("no study gave an interval"),
        "studies": studies,
        "seconds": time.perf_counter() - started,
    }


def coverage_table(designs: Sequence[Design] = SHORT, studies: int = 2000, seed: int = 0, level: float = 0.95) -> Table:
    """What `python -m study simulate` prints: a row of `coverage` for each design."""
    rows = [coverage(design, studies, seed, level) for design in designs]
    columns = [
        Column("design", "design"),
        Column("people", "people", "count"),
        Column("items", "items", "count"),
        Column("questions", "questions", "count"),
        Column("accuracy", "true accuracy", "percent"),
        Column("crossed", "covers: items like these", "percent"),
        Column("fixed", "covers: these items", "percent"),
        Column("wilson", "covers: Wilson, for items like these", "percent"),
        Column("tost_error", "TOST errs", "percent"),
        Column("tost_power", "TOST's power", "percent"),
        Column("width", "mean width, points", "points"),
        Column("studies", "studies", "count"),
        Column("seconds", "time", "seconds"),
    ]
    method = (
        f"{studies} simulated studies a design, seed {seed}; intervals of {100 * level:g} %. P(right) = σ(μ + ability "
        "+ difficulty), both normal. A coverage is known to about "
        f"±{100 * 1.96 * (level * (1 - level) / studies) ** 0.5:.1f} points. Wilson's interval takes answers as "
        "independent."
    )
    return Table("coverage", "Simulated studies of known truth", columns, rows, Basis(0, 0, 0), method)


def difference_coverage(
    design: Design, other: float, studies: int = 2000, seed: int = 0, level: float = 0.95
) -> tuple[float, float]:
    """Two conditions, the same people, items of their own: share of intervals that hold the true difference
    `design.accuracy - other`, and share of studies that tell the two apart at 1 - level."""
    rng, truth = np.random.default_rng([seed, 2]), _truth(design)
    second = _truth(replace(design, accuracy=other))
    held, apart = [], []
    for _ in range(studies):
        ability = rng.normal(0, design.sd_people, design.people)
        one, _ = simulate(design, rng, *truth, ability)
        two, _ = simulate(design, rng, *second, ability)
        two = Part(two.values, two.people, two.items + design.items, -1.0)
        found = infer_difference([one, two], level)
        held.append(not isinstance(found, NA) and _holds(found[0], design.accuracy - other))
        apart.append(not isinstance(found, NA) and found[1] < 1 - level)
    return float(np.mean(held)), float(np.mean(apart))


def simulate(
    design: Design, rng: np.random.Generator, intercept: float, people_sd: float, ability: np.ndarray | None = None
) -> tuple[Part, float]:
    """Answers of one study, and the accuracy of all people on its very items, weighted as they were asked."""
    ability = rng.normal(0, design.sd_people, design.people) if ability is None else ability
    difficulty = design.difficulties(rng)
    people, items = _asked(design, rng)
    right = rng.random(len(people)) < expit(intercept + ability[people] + difficulty[items])
    of_item = expit(intercept + difficulty[:, None] + people_sd * _NODES) @ _WEIGHTS
    return Part(right.astype(float), people, items), float(of_item[items].mean())


def _truth(design: Design) -> tuple[float, float]:
    return design.intercept, design.sd_people


def _asked(design: Design, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Who was asked about what, (N,) each."""
    people, items = np.arange(design.people), np.arange(design.items)
    if design.layout == "all":
        return np.repeat(people, design.items), np.tile(items, design.people)
    keys = rng.exponential(size=(design.people, design.items))
    if design.layout == "random":
        drawn = np.argpartition(keys, design.questions - 1, axis=1)[:, : design.questions]
        return np.repeat(people, design.questions), drawn.ravel()
    counts = rng.integers(2, design.questions + 1, design.people)
    order = np.argsort(keys / rng.dirichlet(np.full(design.items, 3.0)), axis=1)
    return np.repeat(people, counts), order[items[None] < counts[:, None]]


def _holds(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high
