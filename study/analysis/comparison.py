"""Are models recognised equally often? By a GEE over people, and by a comparison that counts items as random too."""

import warnings
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.genmod.cov_struct import Exchangeable
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_estimating_equations import GEE

from study.analysis.crossed import Part
from study.analysis.inference import ESTIMANDS, adjusted, infer_difference
from study.analysis.tables import NA, Column, Interval, Row, Table, Value, missing
from study.analysis.tasks import Task
from study.plan import AnalysisPlan


def comparison_table(task: Task, plan: AnalysisPlan) -> Table:
    """All pairs of models: difference with people and items random, odds ratio by GEE with people random."""
    pairs = list(combinations(task.models, 2))
    fitted = gee(task, plan.level)
    rows = [_pair_row(task, plan, fitted, *pair) for pair in pairs]
    for key in ("p_crossed", "p_gee"):
        for row, p in zip(rows, adjusted([row[key] for row in rows], plan.correction), strict=True):
            row[f"{key}_adjusted"] = p
    primary = "p_crossed_adjusted" if plan.estimand == "items_like_these" else "p_gee_adjusted"
    for row in rows:
        row["verdict"] = _verdict(row, row[primary], plan.alpha)
    columns = [
        Column("one", "model"),
        Column("two", "compared with"),
        Column("difference", "difference, points", "points"),
        Column("interval", "people and items random", "points"),
        Column("p_crossed", "p", "p"),
        Column("p_crossed_adjusted", "corrected", "p"),
        Column("odds_ratio", "odds ratio, GEE", "number"),
        Column("odds_interval", "people random", "number"),
        Column("p_gee", "p", "p"),
        Column("p_gee_adjusted", "corrected", "p"),
        Column("verdict", "verdict"),
    ]
    method = (
        "Difference of the shares right: two-way cluster-robust variance over people and items (families), Student's "
        "t with Satterthwaite's degrees of freedom. GEE: binomial, logit link, exchangeable within participants, "
        "bias-reduced robust errors (Mancl and DeRouen, 2001); items as fixed. p values corrected over the pairs "
        f"({plan.correction}). The verdict is for {ESTIMANDS[plan.estimand]}."
    )
    title = f"Models compared: {task.title}"
    notes = [_joint(fitted, task)] if len(task.models) > 1 else ["One model: nothing to compare."]
    return Table(f"comparison{task.suffix}", title, columns, rows, task.basis, method, notes)


def gee(task: Task, level: float) -> "GeeFit | NA":
    """Log odds of a right answer for each model by GEE; NA with a reason where the data do not allow a fit."""
    rows = task.answers[task.answers["condition"].isin(task.models)]
    shares = rows.groupby("condition")["correct"].mean()
    if len(shares) < 2:
        return NA("fewer than two models have answers")
    if ((shares == 0) | (shares == 1)).any():
        return NA("a model has only right or only wrong answers: its log odds are infinite")
    if rows["participant"].nunique() < 2 * len(shares):
        return NA(f"{rows['participant'].nunique()} people are too few for robust errors of {len(shares)} models")
    rows = rows.sort_values("participant", kind="stable")
    names = [name for name in task.models if name in shares.index]
    design = np.stack([(rows["condition"] == name).to_numpy(float) for name in names], axis=1)
    model = GEE(
        rows["correct"].to_numpy(), design, rows["person"].to_numpy(), family=Binomial(), cov_struct=Exchangeable()
    )
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        fit = model.fit(cov_type="bias_reduced")
    covariance = np.asarray(fit.cov_params())
    if not fit.converged or not np.isfinite(covariance).all() or (np.diag(covariance) <= 0).any():
        return NA(f"the GEE does not converge on these data{': ' + str(raised[0].message) if raised else ''}")
    return GeeFit(names, np.asarray(fit.params), covariance, level)


class GeeFit:
    """Log odds of each model, (M,), their covariance, (M, M), and what follows for pairs."""

    def __init__(self, names: list[str], log_odds: np.ndarray, covariance: np.ndarray, level: float):
        self.names, self.log_odds, self.covariance, self.level = names, log_odds, covariance, level

    def pair(self, one: str, two: str) -> tuple[float, Interval, float] | NA:
        """Odds ratio of a right answer, its interval and two-sided p value (normal)."""
        if one not in self.names or two not in self.names:
            return NA("a model has no answers")
        contrast = np.array([(name == one) - (name == two) for name in self.names], dtype=float)
        difference, error = float(contrast @ self.log_odds), float(contrast @ self.covariance @ contrast) ** 0.5
        half = float(stats.norm.ppf(0.5 + self.level / 2)) * error
        p = float(2 * stats.norm.sf(abs(difference) / error))
        return (
            float(np.exp(difference)),
            Interval(float(np.exp(difference - half)), float(np.exp(difference + half))),
            p,
        )

    def joint(self) -> tuple[float, int, float]:
        """Wald's χ², degrees of freedom and p value of all models being equal."""
        contrast = np.eye(len(self.names))[1:] - np.eye(len(self.names))[0]
        delta = contrast @ self.log_odds
        wald = float(delta @ np.linalg.solve(contrast @ self.covariance @ contrast.T, delta))
        return wald, len(contrast), float(stats.chi2.sf(wald, len(contrast)))


def _pair_row(task: Task, plan: AnalysisPlan, fitted: GeeFit | NA, one: str, two: str) -> Row:
    row: Row = {"one": task.labels[one], "two": task.labels[two]}
    sides = [task.of(one), task.of(two)]
    if any(side.empty for side in sides):
        row |= missing(("difference", "interval", "p_crossed"), NA("a model has no answers"))
    else:
        row["difference"] = float(sides[0]["correct"].mean() - sides[1]["correct"].mean())
        found = infer_difference([_part(sides[0], 1.0), _part(sides[1], -1.0)], plan.level)
        row["interval"], row["p_crossed"] = (found, found) if isinstance(found, NA) else found
    pair = fitted if isinstance(fitted, NA) else fitted.pair(one, two)
    row["odds_ratio"], row["odds_interval"], row["p_gee"] = (pair,) * 3 if isinstance(pair, NA) else pair
    return row


def _part(rows: pd.DataFrame, weight: float) -> Part:
    return Part(rows["correct"].to_numpy(float), rows["person"].to_numpy(), rows["picture"].to_numpy(), weight)


def _verdict(row: Row, p: Value, alpha: float) -> Value:
    if not isinstance(p, float) or not isinstance(row["difference"], float):
        return p
    if p >= alpha:
        return "not told apart"
    return f"{row['one'] if row['difference'] > 0 else row['two']} is recognised more often"


def _joint(fitted: GeeFit | NA, task: Task) -> str:
    if isinstance(fitted, NA):
        return f"No GEE: {fitted.reason}."
    wald, df, p = fitted.joint()
    return f"GEE, all {len(task.models)} models equal: Wald χ² = {wald:.2f} on {df} degrees of freedom, p = {p:.4f}."
