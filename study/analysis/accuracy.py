"""Accuracy by condition, item and group, each against chance."""

import pandas as pd

from study.analysis.exclusions import Selection, basis
from study.analysis.inference import ESTIMANDS, Inference, adjusted, exact_test, infer, verdict, wilson
from study.analysis.participant_bootstrap import draw, per_person
from study.analysis.tables import NA, Basis, Column, Row, Table, Value, missing
from study.analysis.tasks import Task, scored_parts, subsets
from study.plan import REAL, AnalysisPlan, Plan

_COUNTS = (
    Column("people", "people", "count"),
    Column("answers", "answers", "count"),
    Column("items", "items", "count"),
    Column("right", "right", "count"),
    Column("accuracy", "accuracy", "percent"),
    Column("wilson", "Wilson", "percent"),
    Column("bootstrap", "bootstrap over people", "percent"),
)
_TESTS = (
    Column("p_exact", "exact binomial p", "p"),
    Column("p_exact_adjusted", "corrected", "p"),
    Column("p", "p, primary", "p"),
    Column("p_adjusted", "corrected", "p"),
    Column("p_equivalence", "TOST p", "p"),
    Column("verdict", "verdict"),
)
FEW_ITEMS = 30  # fewer are too few for a distribution of difficulties to be seen
_WILSON = "Wilson's interval and the exact binomial test take all answers as independent."


def accuracy_table(task: Task, plan: AnalysisPlan) -> Table:
    """Accuracy of each condition, with the naive, the clustered and both crossed intervals."""
    rows = []
    for label, own, scored in subsets(task, task.answers):
        row = {"condition": label} | _counted(own, plan) | {"estimate": _estimate(task, scored, plan.estimand, label)}
        for estimand in ESTIMANDS:
            found = _infer(task, scored, estimand, label)
            row[estimand] = found if isinstance(found, NA) else found.interval(plan.level)
        rows.append(row)
    columns = [Column("condition", "condition"), *_COUNTS, *_estimate_column(task)]
    columns += [
        Column("these_items", "these items" + _mark(plan, "these_items"), "percent"),
        Column("items_like_these", "items like these" + _mark(plan, "items_like_these"), "percent"),
    ]
    method = (
        f"{_WILSON} Bootstrap: whole participants, percentile. These items: people a sample (clustered, CR2). Items "
        "like these: people and items both a sample (Cameron, Gelbach and Miller's two-way variance, Satterthwaite's "
        "degrees of freedom); both on the logit scale with Student's t. The primary interval is the plan's estimand, "
        "marked *."
    )
    title = f"Accuracy by condition: {task.title}"
    return Table(f"accuracy{task.suffix}", title, columns, rows, task.basis, method, _notes(task, plan))


def chance_table(task: Task, plan: AnalysisPlan) -> Table:
    """Each condition against chance: exact binomial, the primary test, equivalence, verdict."""
    rows = []
    for label, own, scored in subsets(task, task.answers):
        rows.append({"condition": label} | _tested(task, own, scored, plan, label))
    _correct(rows, plan, [row["condition"] != "all" for row in rows])
    columns = [
        Column("condition", "condition"),
        Column("estimate", "balanced accuracy" if task.kind == "is_real" else "accuracy", "percent"),
        Column("interval", "primary interval", "percent"),
        *_TESTS,
    ]
    title = f"Against chance: {task.title}"
    return Table(f"chance{task.suffix}", title, columns, rows, task.basis, _test_method(plan), _notes(task, plan))


def item_table(task: Task, plan: AnalysisPlan, originals: dict[str, str]) -> Table:
    """Accuracy of each picture asked about."""
    rows = []
    for condition in task.conditions:
        for item, own in task.of(condition).groupby("item", sort=True):
            row = {"condition": task.labels.get(condition, condition), "item": str(item)[:12]}
            row |= {"original": originals.get(str(item), "")} | _counted(own, plan)
            rows.append(row | {"p_exact": exact_test(int(own["correct"].sum()), len(own), task.chance)})
    for row, p in zip(rows, adjusted([row["p_exact"] for row in rows], plan.correction), strict=True):
        row["p_exact_adjusted"] = p
    columns = [
        Column("condition", "condition"),
        Column("item", "item"),
        Column("original", "made from"),
        *(column for column in _COUNTS if column.key != "items"),
        *_TESTS[:2],
    ]
    method = (
        "A person answers an item once, so that answers about one item are independent of each other: Wilson's "
        f"interval and the exact binomial test hold for it. p values corrected over all items ({plan.correction})."
    )
    return Table(f"items{task.suffix}", f"Accuracy by item: {task.title}", columns, rows, task.basis, method)


def group_tables(task: Task, plan: Plan, selection: Selection) -> list[Table]:
    """For each key of `group_by`: accuracy of each group, over all conditions and in each."""
    found = []
    for key in plan.analysis.group_by:
        options = plan.background_options(key)
        column = selection.participants.get(f"background_{key}")
        said = dict(zip(selection.participants["participant"], column, strict=True)) if column is not None else {}
        values = task.answers["participant"].map(said)
        groups = [(texts.get("en", value), values == value) for value, texts in options.items()]
        groups.append(("no answer", ~values.isin(options)))
        rows = [
            row for label, chosen in groups for row in _group_rows(task, task.answers[chosen], label, plan.analysis)
        ]
        _correct(rows, plan.analysis, [row["condition"] != "all" for row in rows])
        columns = [Column("group", key), Column("condition", "condition"), *_COUNTS, *_estimate_column(task)]
        columns += [Column("interval", "primary interval", "percent"), *_TESTS]
        title = f"Accuracy by {key}: {task.title}"
        method = f"{_test_method(plan.analysis)} Bootstrap: whole participants of the group, percentile."
        found.append(
            Table(f"group_{key}{task.suffix}", title, columns, rows, task.basis, method, _notes(task, plan.analysis))
        )
    return found


def _group_rows(task: Task, rows: pd.DataFrame, label: str, plan: AnalysisPlan) -> list[Row]:
    if label == "no answer" and rows.empty:
        return []
    return [
        {"group": label, "condition": name} | _counted(own, plan) | _tested(task, own, scored, plan, name)
        for name, own, scored in subsets(task, rows)
    ]


def _counted(rows: pd.DataFrame, plan: AnalysisPlan) -> Row:
    """Counts, accuracy and the two intervals that look at these rows alone."""
    of: Basis = basis(rows)
    right = int(rows["correct"].sum())
    sums, counts = per_person(rows["participant"], rows["correct"].to_numpy(), rows["correct"].notna().to_numpy())
    return {
        "people": of.people,
        "answers": of.answers,
        "items": of.items,
        "right": right,
        "accuracy": right / of.answers if of.answers else NA("no answers"),
        "wilson": wilson(right, of.answers, plan.level),
        "bootstrap": draw(len(sums), plan).ratio(sums, counts) if of.answers else NA("no answers"),
    }


def _tested(task: Task, own: pd.DataFrame, scored: pd.DataFrame, plan: AnalysisPlan, label: str) -> Row:
    found = _infer(task, scored, plan.estimand, label)
    exact = exact_test(int(own["correct"].sum()), len(own), task.chance) if len(own) else NA("no answers")
    if isinstance(found, NA):
        return {"p_exact": exact} | missing(("estimate", "interval", "p", "p_equivalence"), found)
    return {
        "estimate": found.estimate,
        "interval": found.interval(plan.level),
        "p_exact": exact,
        "p": found.p_value(task.chance),
        "p_equivalence": found.equivalence(task.chance, plan.margin),
        "chance": task.chance,
    }


def _correct(rows: list[Row], plan: AnalysisPlan, family: list[bool]) -> None:
    """Add corrected p values and the verdict; rows outside the family (sums of others) are corrected for nothing."""
    for key in ("p_exact", "p"):
        corrected = iter(adjusted([row[key] for row, of in zip(rows, family, strict=True) if of], plan.correction))
        for row, of in zip(rows, family, strict=True):
            row[f"{key}_adjusted"] = next(corrected) if of else row[key]
    for row in rows:
        estimate, chance, p = row["estimate"], row.get("chance"), row["p_adjusted"]
        known = isinstance(estimate, float) and isinstance(chance, float)
        row["verdict"] = verdict(estimate, chance, p, row["p_equivalence"], plan.alpha, plan.margin) if known else p


def _infer(task: Task, scored: pd.DataFrame, estimand: str, label: str) -> Inference | NA:
    if task.kind == "is_real" and label == REAL:
        return NA("real pictures enter the balanced accuracy of each model")
    return infer(scored_parts(task, scored), estimand)


def _estimate(task: Task, scored: pd.DataFrame, estimand: str, label: str) -> Value:
    found = _infer(task, scored, estimand, label)
    return found if isinstance(found, NA) else found.estimate


def _estimate_column(task: Task) -> list[Column]:
    return [Column("estimate", "balanced accuracy", "percent")] if task.kind == "is_real" else []


def _mark(plan: AnalysisPlan, estimand: str) -> str:
    return " *" if plan.estimand == estimand else ""


def _test_method(plan: AnalysisPlan) -> str:
    return (
        f"{_WILSON} Primary: {ESTIMANDS[plan.estimand]}, t test on the logit scale; p values corrected over the rows "
        f"({plan.correction}), those of sums over conditions not. TOST: each one-sided test at {plan.alpha:g}, margin "
        f"±{100 * plan.margin:g} points, not corrected. The verdict follows the primary test."
    )


def _notes(task: Task, plan: AnalysisPlan) -> list[str]:
    notes = []
    pictures = task.answers[task.answers["condition"] != REAL].groupby("condition")["picture"].nunique()
    fewest = FEW_ITEMS if pictures.empty else int(pictures.min())
    if fewest < FEW_ITEMS and plan.estimand == "items_like_these":
        notes.append(
            f"Only {fewest} items of a condition: what is said of items like these takes their difficulties as about "
            "normal on the logit scale. In simulations with very skewed ones intervals of 95 % covered 86 % with 5 "
            "items, 91 % with 20 and 94 % with 100."
        )
    if task.kind == "is_real":
        notes.append(
            "The share of right answers to single pictures moves with a liking for one answer; the intervals and tests "
            "are of the balanced accuracy, (right on the model's pictures + right on real ones) / 2."
        )
    return notes
