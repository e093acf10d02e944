"""Item counts as a sample of items: standard error over items, Student's t, resampled items."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit, logit

from study.analysis.tables import NA, Interval, Value
from study.plan import AnalysisPlan

EXACT_ITEMS = 6  # up to 6^6 = 46,656 resamples of the items are all enumerated


@dataclass(frozen=True)
class ItemSample:
    """One condition's items."""

    name: str
    rows: pd.DataFrame
    plan: AnalysisPlan

    @property
    def pairs(self) -> list[tuple[int, int]]:
        return list(zip(self.rows["right"].tolist(), self.rows["asked"].tolist(), strict=True))

    @property
    def right(self) -> int:
        return int(self.rows["right"].sum())

    @property
    def asked(self) -> int:
        return int(self.rows["asked"].sum())

    @property
    def accuracy(self) -> float:
        return self.right / self.asked

    def spread(self) -> tuple[float, float] | NA:
        """Standard error of the accuracy over items, and degrees of freedom: ratio estimator, CR2."""
        if len(self.rows) < 2:
            return NA("one item: what differs between items cannot be told")
        deviation = (self.rows["right"] - self.accuracy * self.rows["asked"]).to_numpy(float)
        leverage = self.rows["asked"].to_numpy(float) / self.asked
        error = float((deviation**2 / (1 - leverage)).sum() ** 0.5 / self.asked)
        return (error, len(self.rows) - 1.0) if error > 0 else NA("all items alike: there is no spread to go by")

    def draws(self) -> np.ndarray:
        """Accuracies of resampled items: all resamples where they are few, else `plan.resamples` of them."""
        size = len(self.rows)
        if size <= EXACT_ITEMS:
            drawn = np.array(list(product(range(size), repeat=size)))
        else:
            drawn = np.random.default_rng(self.plan.seed).integers(0, size, (self.plan.resamples, size))
        right, asked = self.rows["right"].to_numpy(float), self.rows["asked"].to_numpy(float)
        return right[drawn].sum(1) / asked[drawn].sum(1)


def over_items(one: ItemSample, plan: AnalysisPlan, level: float | None = None) -> tuple[Value, Value]:
    """t interval over items on the plain scale, cut at 0 and 1, and on the logit scale."""
    spread = one.spread()
    if isinstance(spread, NA):
        return spread, spread
    half = float(stats.t.ppf(0.5 + (level or plan.level) / 2, spread[1])) * spread[0]
    plain = Interval(max(one.accuracy - half, 0.0), min(one.accuracy + half, 1.0))
    step, centre = half / (one.accuracy * (1 - one.accuracy)), logit(one.accuracy)
    return plain, Interval(float(expit(centre - step)), float(expit(centre + step)))


def t_test(difference: float, error: float, df: float) -> float:
    """Two-sided p value of a difference of 0."""
    return float(2 * stats.t.sf(abs(difference) / error, df))


def t_tost(difference: float, error: float, df: float, margin: float) -> float:
    """p value of TOST: small if the difference lies within ± margin."""
    return float(max(stats.t.sf((difference + margin) / error, df), stats.t.cdf((difference - margin) / error, df)))


def percentile(values: np.ndarray, plan: AnalysisPlan) -> Interval:
    """Percentile interval of bootstrap statistics."""
    tail = (1 - plan.level) / 2
    return Interval(*map(float, np.quantile(values, [tail, 1 - tail])))
