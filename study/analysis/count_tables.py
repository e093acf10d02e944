"""Tables of item counts: what follows from right answers of each item, over answers and over items."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy import stats

from study.analysis.inference import adjusted, binomial_tost, exact_test, verdict, wilson
from study.analysis.item_sample import ItemSample, over_items, percentile, t_test, t_tost
from study.analysis.tables import NA, Basis, Column, Interval, Row, Table, missing
from study.plan import AnalysisPlan

_CANNOT = {
    "interval that counts people": "whose answers belong together is not known, so that people cannot be resampled",
    "crossed interval, people and items random": "needs each person's answers; items alone are a sample here",
    "exclusions, attention": "who was inattentive, and whether anybody was left out, is not in counts",
    "accuracy by group": "no background of the people",
    "response times": "no times",
    "confidence calibration": "no confidence ratings",
    "agreement on pictures (Fleiss κ, Krippendorff α)": "which of the wrong pictures was chosen is not counted",
    "liking for a position": "the positions of the pictures are not known",
    "GEE or mixed model": "needs each person's answers",
}


def accuracy_table(samples: dict[str, ItemSample], plan: AnalysisPlan, basis: Basis) -> Table:
    rows: list[Row] = []
    for name, one in samples.items():
        row: Row = {"condition": name, "items": len(one.rows), "right": one.right, "asked": one.asked}
        row |= {"accuracy": one.accuracy, "wilson": wilson(one.right, one.asked, plan.level)}
        row["over_items"], row["over_items_logit"] = over_items(one, plan)
        rows.append(row | {"resampled": percentile(one.draws(), plan) if len(one.rows) > 1 else row["over_items"]})
    columns = [
        Column("condition", "condition"),
        Column("items", "items", "count"),
        Column("right", "right", "count"),
        Column("asked", "answers", "count"),
        Column("accuracy", "accuracy", "percent"),
        Column("wilson", "Wilson, over answers", "percent"),
        Column("over_items", "t, over items", "percent"),
        Column("over_items_logit", "t on the logit scale, over items", "percent"),
        Column("resampled", "items resampled", "percent"),
    ]
    method = (
        "Over answers: all independent. Over items: Student's t with items - 1 degrees of freedom, cut at 0 and 100 "
        "%; on the logit scale as in reports on answers of people. Items resampled: percentile bootstrap, too narrow "
        "with few items."
    )
    return Table("accuracy", "Accuracy by condition", columns, rows, basis, method)


def chance_table(samples: dict[str, ItemSample], chance: float, plan: AnalysisPlan, basis: Basis) -> Table:
    rows: list[Row] = []
    for name, one in samples.items():
        spread = one.spread()
        p = spread if isinstance(spread, NA) else t_test(one.accuracy - chance, *spread)
        tost = spread if isinstance(spread, NA) else t_tost(one.accuracy - chance, *spread, plan.margin)
        row: Row = {"condition": name, "accuracy": one.accuracy, "p_exact": exact_test(one.right, one.asked, chance)}
        row |= {
            "tost_answers": binomial_tost(one.right, one.asked, chance, plan.margin),
            "p_items": p,
            "tost_items": tost,
        }
        rows.append(row)
    for key in ("p_exact", "p_items"):
        for row, p in zip(rows, adjusted([row[key] for row in rows], plan.correction), strict=True):
            row[f"{key}_adjusted"] = p
    for row in rows:
        for kind, p in (("answers", "p_exact_adjusted"), ("items", "p_items_adjusted")):
            row[f"verdict_{kind}"] = verdict(
                samples[str(row["condition"])].accuracy, chance, row[p], row[f"tost_{kind}"], plan.alpha, plan.margin
            )
    columns = [
        Column("condition", "condition"),
        Column("accuracy", "accuracy", "percent"),
        Column("p_exact", "exact binomial p", "p"),
        Column("p_exact_adjusted", "corrected", "p"),
        Column("tost_answers", "TOST p, over answers", "p"),
        Column("verdict_answers", "these items, answers independent"),
        Column("p_items", "t test p, over items", "p"),
        Column("p_items_adjusted", "corrected", "p"),
        Column("tost_items", "TOST p, over items", "p"),
        Column("verdict_items", "items like these"),
    ]
    method = (
        f"Two-sided tests against chance, corrected over the conditions ({plan.correction}). TOST with margin "
        f"±{100 * plan.margin:g} points, each one-sided test at {plan.alpha:g}: exact binomial over answers, t over "
        "items."
    )
    return Table("chance", "Against chance", columns, rows, basis, method)


def comparison_table(samples: dict[str, ItemSample], plan: AnalysisPlan, basis: Basis) -> Table:
    rows: list[Row] = []
    for one, two in combinations(samples.values(), 2):
        row: Row = {"one": one.name, "two": two.name, "difference": one.accuracy - two.accuracy}
        rows.append(row | _over_both(one, two, plan))
    for row, p in zip(rows, adjusted([row["p"] for row in rows], plan.correction), strict=True):
        row["p_adjusted"] = p
        told = isinstance(p, float) and p < plan.alpha
        row["verdict"] = p if isinstance(p, NA) else "told apart over items" if told else "not told apart over items"
    columns = [
        Column("one", "condition"),
        Column("two", "compared with"),
        Column("difference", "difference, points", "points"),
        Column("interval", "t, over items", "points"),
        Column("p", "p", "p"),
        Column("p_adjusted", "corrected", "p"),
        Column("resampled", "items resampled", "points"),
        Column("verdict", "verdict"),
    ]
    method = "Welch's t over items, items of different conditions independent; items resampled: percentile bootstrap."
    notes = [] if rows else ["One condition: nothing to compare."]
    return Table("comparison", "Conditions compared", columns, rows, basis, method, notes)


def _over_both(one: ItemSample, two: ItemSample, plan: AnalysisPlan) -> Row:
    """Welch's interval and p value of the difference over items, and the bootstrap's interval."""
    spreads = [one.spread(), two.spread()]
    if none := next((spread for spread in spreads if isinstance(spread, NA)), None):
        return missing(("interval", "p", "resampled"), none)
    (e1, f1), (e2, f2) = (spread for spread in spreads if not isinstance(spread, NA))
    error = (e1**2 + e2**2) ** 0.5
    df = error**4 / (e1**4 / f1 + e2**4 / f2)
    difference, half = one.accuracy - two.accuracy, float(stats.t.ppf(0.5 + plan.level / 2, df)) * error
    rng = np.random.default_rng([plan.seed, 3])
    drawn = [rng.choice(side.draws(), plan.resamples) for side in (one, two)]
    return {
        "interval": Interval(max(difference - half, -1.0), min(difference + half, 1.0)),
        "p": t_test(difference, error, df),
        "resampled": percentile(drawn[0] - drawn[1], plan),
    }


def item_table(samples: dict[str, ItemSample], chance: float, plan: AnalysisPlan, basis: Basis) -> Table:
    rows: list[Row] = [
        {
            "condition": name,
            "item": item,
            "right": right,
            "asked": asked,
            "accuracy": right / asked,
            "wilson": wilson(right, asked, plan.level),
            "p_exact": exact_test(right, asked, chance),
        }
        for name, one in samples.items()
        for item, (right, asked) in zip(one.rows["item"], one.pairs, strict=True)
    ]
    for row, p in zip(rows, adjusted([row["p_exact"] for row in rows], plan.correction), strict=True):
        row["p_exact_adjusted"] = p
    columns = [
        Column("condition", "condition"),
        Column("item", "item"),
        Column("right", "right", "count"),
        Column("asked", "answers", "count"),
        Column("accuracy", "accuracy", "percent"),
        Column("wilson", "Wilson", "percent"),
        Column("p_exact", "exact binomial p", "p"),
        Column("p_exact_adjusted", "corrected", "p"),
    ]
    method = f"One answer a person and item; p values corrected over all items ({plan.correction})."
    return Table("items", "Accuracy by item", columns, rows, basis, method)


def cannot_table(basis: Basis) -> Table:
    rows: Sequence[Row] = [{"figure": figure, "why": why} for figure, why in _CANNOT.items()]
    columns = [Column("figure", "figure"), Column("why", "why item counts cannot give it")]
    return Table("cannot", "What item counts cannot give", columns, rows, basis, "Named, not estimated.")
