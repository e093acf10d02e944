"""Do people know when they are right? Accuracy by confidence, from 1 (guessed) to 5 (certain)."""

import numpy as np
import pandas as pd

from study.analysis.inference import wilson
from study.analysis.participant_bootstrap import bootstrap, draw, per_person
from study.analysis.tables import NA, Column, Row, Table, missing
from study.analysis.tasks import Task, subsets
from study.plan import AnalysisPlan

LEVELS = (1, 2, 3, 4, 5)


def confidence_table(task: Task, plan: AnalysisPlan) -> Table:
    """Accuracy of answers given with each confidence."""
    rated = task.answers[task.answers["confidence"].isin(LEVELS)]
    rows: list[Row] = []
    for level in LEVELS:
        own = rated[rated["confidence"] == level]
        row: Row = {"confidence": str(level), "answers": len(own), "said": said(level, task.chance)}
        if own.empty:
            rows.append(row | missing(("accuracy", "wilson", "bootstrap"), NA("no answers of this confidence")))
            continue
        right, ones = per_person(own["participant"], own["correct"].to_numpy(), np.ones(len(own)))
        row |= {"accuracy": float(own["correct"].mean()), "wilson": wilson(int(right.sum()), len(own), plan.level)}
        rows.append(row | {"bootstrap": draw(len(ones), plan).ratio(right, ones)})
    columns = [
        Column("confidence", "confidence"),
        Column("answers", "answers", "count"),
        Column("said", "accuracy it stands for", "percent"),
        Column("accuracy", "accuracy", "percent"),
        Column("wilson", "Wilson", "percent"),
        Column("bootstrap", "bootstrap over people", "percent"),
    ]
    method = (
        "1 (guessed) stands for chance, 5 (certain) for 100 %, the steps between for equal parts of the way: a "
        "convention, the scale has no probabilities. Bootstrap: whole participants who gave such answers."
    )
    unrated = len(task.answers) - len(rated)
    notes = [f"{unrated} of the answers have no confidence."] if unrated else []
    title = f"Accuracy by confidence: {task.title}"
    return Table(f"confidence{task.suffix}", title, columns, rows, task.basis, method, notes)


def calibration_table(task: Task, plan: AnalysisPlan) -> Table:
    """One line a condition: calibration error, overconfidence, and how well confidence tells right from wrong."""
    rows = [{"condition": label} | _summary(own, task.chance, plan) for label, own, _ in subsets(task, task.answers)]
    columns = [
        Column("condition", "condition"),
        Column("answers", "rated", "count"),
        Column("mean", "mean confidence", "number"),
        Column("error", "calibration error, points", "points"),
        Column("over", "overconfidence, points", "points"),
        Column("over_interval", "bootstrap", "points"),
        Column("auc", "AUROC of confidence", "number"),
        Column("auc_interval", "bootstrap", "number"),
    ]
    method = (
        "Calibration error: mean over answers of |accuracy - what the confidence stands for| by confidence (1: "
        "chance, 5: 100 %), never below 0, so that it has no interval; overconfidence: the same without the bars, "
        "stated minus accuracy. AUROC: probability that a right answer was given with more confidence than a wrong "
        "one, ties half (type 2; Fleming and Lau, 2014): 0.5 is none. Whole participants resampled."
    )
    title = f"Confidence calibration: {task.title}"
    return Table(f"calibration{task.suffix}", title, columns, rows, task.basis, method)


def said(level: float, chance: float) -> float:
    """The accuracy that a confidence of 1 to 5 stands for: chance at 1, 1 at 5, linear between."""
    return chance + (level - 1) * (1 - chance) / 4


def auroc(right: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """(..., 5) counts of right and of wrong answers -> P(right > wrong) + P(equal) / 2; nan without either."""
    below = np.cumsum(wrong, axis=-1) - wrong
    pairs = right.sum(-1) * wrong.sum(-1)
    return np.where(pairs > 0, (right * (below + wrong / 2)).sum(-1) / np.maximum(pairs, 1), np.nan)


def _summary(rows: pd.DataFrame, chance: float, plan: AnalysisPlan) -> Row:
    rated = rows[rows["confidence"].isin(LEVELS)]
    figures = ("mean", "error", "over", "over_interval", "auc", "auc_interval")
    if rated.empty:
        return {"answers": 0} | missing(figures, NA("no answers with a confidence"))
    confidence, right = rated["confidence"].to_numpy(int), rated["correct"].to_numpy(float)
    stated = np.array([said(level, chance) for level in LEVELS])
    sums = np.stack(
        per_person(
            rated["participant"],
            *((confidence == level) & (right == 1) for level in LEVELS),
            *((confidence == level) & (right == 0) for level in LEVELS),
        ),
        axis=1,
    )
    hit, miss = sums[:, :5].sum(0), sums[:, 5:].sum(0)
    counts = hit + miss
    draws = draw(len(sums), plan)
    single = NA("needs right and wrong answers with a confidence")
    both = bool(hit.sum() and miss.sum())
    return {
        "answers": len(rated),
        "mean": float(confidence.mean()),
        "error": float(np.abs(hit - stated * counts).sum() / counts.sum()),
        "over": float((stated * counts - hit).sum() / counts.sum()),
        "over_interval": bootstrap(draws, sums, lambda drawn: _over(drawn, stated)),
        "auc": float(auroc(hit, miss)) if both else single,
        "auc_interval": bootstrap(draws, sums, lambda drawn: auroc(drawn[:, :5], drawn[:, 5:])) if both else single,
    }


def _over(drawn: np.ndarray, stated: np.ndarray) -> np.ndarray:
    counts = drawn[:, :5] + drawn[:, 5:]
    return (counts @ stated - drawn[:, :5].sum(1)) / counts.sum(1)
