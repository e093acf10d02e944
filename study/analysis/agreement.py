"""Do people agree about the items? Fleiss' kappa and Krippendorff's alpha."""

import krippendorff
import numpy as np
import pandas as pd
from statsmodels.stats.inter_rater import fleiss_kappa

from study.analysis.tables import NA, Column, Interval, Row, Table, Value
from study.analysis.tasks import Task, subsets
from study.plan import AnalysisPlan

RESAMPLES = 500  # of the items at most, for alpha's interval: the library takes a fraction of a millisecond for each


def agreement_table(task: Task, plan: AnalysisPlan) -> Table:
    """Agreement beyond chance, over items and raters, for each condition and all."""
    rows = [{"condition": label} | _row(task, own, plan) for label, own, _ in subsets(task, task.answers)]
    columns = [
        Column("condition", "condition"),
        Column("items", "items", "count"),
        Column("raters", "answers an item"),
        Column("kappa", "Fleiss κ", "number"),
        Column("alpha", "Krippendorff α", "number"),
        Column("alpha_interval", "bootstrap over items", "number"),
    ]
    what = "the answer (real or generated)" if task.kind == "is_real" else "right or wrong"
    method = (
        f"Two categories: {what}. κ needs equally many answers for each item, α (nominal) does not. α's interval: "
        f"{min(RESAMPLES, plan.resamples)} samples of the items, percentile (Krippendorff, 2011)."
    )
    return Table(f"agreement{task.suffix}", f"Agreement: {task.title}", columns, rows, task.basis, method)


def _row(task: Task, rows: pd.DataFrame, plan: AnalysisPlan) -> Row:
    category = (rows["answer"] == "real") if task.kind == "is_real" else rows["correct"] == 1
    counts = pd.crosstab(rows["item"], category.to_numpy(bool)).reindex(columns=[False, True], fill_value=0).to_numpy()
    raters = counts.sum(1)
    shown = (
        ""
        if not len(raters)
        else f"{raters.min()}"
        if raters.min() == raters.max()
        else f"{raters.min()} to {raters.max()}"
    )
    found: Row = {"items": len(counts), "raters": shown, "kappa": _kappa(counts)}
    return found | dict(zip(("alpha", "alpha_interval"), _alpha(counts, plan), strict=True))


def _kappa(counts: np.ndarray) -> Value:
    """Of (items, 2) counts."""
    if missing := _undefined(counts):
        return missing
    if counts.sum(1).min() != counts.sum(1).max():
        return NA("items have different numbers of answers, which Fleiss' kappa does not allow")
    return float(fleiss_kappa(counts))


def _alpha(counts: np.ndarray, plan: AnalysisPlan) -> tuple[Value, Value]:
    """Krippendorff's alpha of (items, 2) counts, and its interval over items."""
    counts = counts[counts.sum(1) > 1]
    if missing := _undefined(counts):
        return missing, missing
    alpha = float(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))
    if len(counts) < 2:
        return alpha, NA("one item: there is nothing to resample")
    rng, found, resamples = np.random.default_rng([plan.seed, 2]), [], min(RESAMPLES, plan.resamples)
    for _ in range(resamples):
        drawn = counts[rng.integers(0, len(counts), len(counts))]
        if (drawn.sum(0) > 0).all():
            found.append(float(krippendorff.alpha(value_counts=drawn, level_of_measurement="nominal")))
    if len(found) < 0.9 * resamples:
        return alpha, NA("more than a tenth of the bootstrap samples hold one category only")
    tail = (1 - plan.level) / 2
    return alpha, Interval(*map(float, np.quantile(found, [tail, 1 - tail])))


def _undefined(counts: np.ndarray) -> NA | None:
    if not len(counts) or counts.sum(1).max() < 2:
        return NA("no item has two answers")
    if (counts.sum(0) == 0).any():
        return NA("all answers fall into one category: agreement beyond chance is undefined")
    return None
