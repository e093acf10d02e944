"""d' and bias of each condition, with intervals by the bootstrap of participants, and liking for a position."""

import numpy as np
import pandas as pd
from scipy import stats

from study.analysis.participant_bootstrap import bootstrap, draw, per_person
from study.analysis.signal_detection import choice_d_prime, clipped_share, yes_no
from study.analysis.tables import NA, Column, Row, Table, missing
from study.analysis.tasks import Task
from study.plan import REAL, AnalysisPlan


def sensitivity_table(task: Task, plan: AnalysisPlan) -> Table:
    """d' of each model; for "is it real" also the criterion c and the two rates."""
    rows = (_yes_no_rows if task.kind == "is_real" else _choice_rows)(task, plan)
    columns = [Column("condition", "condition"), Column("answers", "answers", "count")]
    if task.kind == "is_real":
        columns += [
            Column("hits", "generated called generated", "percent"),
            Column("false_alarms", "real called generated", "percent"),
        ]
    columns += [Column("d_prime", "d'", "number"), Column("d_prime_interval", "bootstrap", "number")]
    if task.kind == "is_real":
        columns += [Column("criterion", "c", "number"), Column("criterion_interval", "bootstrap", "number")]
        method = (
            "d' = z(H) - z(F), c = -(z(H) + z(F)) / 2, log-linear correction (Hautus, 1995); H: generated pictures "
            'called generated, F: real ones called so. c < 0: people say "generated" readily, c > 0: "real".'
        )
    else:
        columns.append(Column("two_choice", "as accuracy of a choice of 2", "percent"))
        method = (
            f"d' of an unbiased observer choosing one of {task.alternatives} (Green and Swets, 1966: accuracy = "
            "∫ φ(x - d') Φ(x)^(m-1) dx), negative below chance, from the pooled accuracy. None or all right: half an "
            "answer away from it."
        )
    method += " Intervals: whole participants resampled, percentile."
    return Table(f"sensitivity{task.suffix}", f"Sensitivity: {task.title}", columns, rows, task.basis, method)


def position_table(task: Task, plan: AnalysisPlan) -> Table:
    """How often each position was chosen and was right; is there a liking for one?"""
    rows: list[Row] = []
    notes: list[str] = []
    answers = task.answers
    positions = [str(number) for number in range(1, task.alternatives + 1)]
    if task.kind == "is_real":
        positions = ["real", "generated"]
    for position in positions:
        there = answers[answers["right"] == position]
        share = NA("never the right answer") if there.empty else float(there["correct"].mean())
        chosen = int((answers["answer"] == position).sum())
        rows.append({"position": position, "right": len(there), "chosen": chosen, "accuracy": share})
    if task.kind == "is_real":
        notes.append("A liking for one of these two answers is the criterion c of the table of sensitivity.")
    elif answers.empty:
        notes.append("No answers, so no test.")
    else:
        naive, clustered = position_tests(answers, positions, plan)
        notes.append(
            f"All positions chosen equally often: χ² test of answers taken as independent, p = {naive:.4f}; "
            f"permutation of the positions within each participant, p = {clustered:.4f}."
        )
        naive = float(stats.chisquare([row["right"] for row in rows]).pvalue)
        notes.append(f"All positions right equally often: χ² test, p = {naive:.4f}.")
    columns = [
        Column("position", "answer" if task.kind == "is_real" else "position"),
        Column("right", "was right", "count"),
        Column("chosen", "chosen", "count"),
        Column("accuracy", "accuracy where right", "percent"),
    ]
    method = (
        "Counts of answers."
        if task.kind == "is_real"
        else (
            "The permutation test relabels all positions of a person at random: people may have their own likings, the "
            "test is of one that they share."
        )
    )
    return Table(f"positions{task.suffix}", f"Positions: {task.title}", columns, rows, task.basis, method, notes)


def position_tests(answers: pd.DataFrame, positions: list[str], plan: AnalysisPlan) -> tuple[float, float]:
    """p values of equal use of all positions: χ² over answers; and by permuting positions within each person."""
    counts = np.stack(
        per_person(answers["participant"], *((answers["answer"] == place).to_numpy() for place in positions)), axis=1
    )
    total = counts.sum(0)
    naive = float(stats.chisquare(total).pvalue)
    rng = np.random.default_rng([plan.seed, 1])
    observed, larger = ((total - total.mean()) ** 2).sum(), 0
    for _ in range(plan.resamples):
        drawn = rng.permuted(counts, axis=1).sum(0)
        larger += ((drawn - drawn.mean()) ** 2).sum() >= observed - 1e-9
    return naive, (larger + 1) / (plan.resamples + 1)


def _choice_rows(task: Task, plan: AnalysisPlan) -> list[Row]:
    rows: list[Row] = []
    for condition in task.models:
        own = task.of(condition)
        row: Row = {"condition": task.labels[condition], "answers": len(own)}
        if own.empty:
            rows.append(row | missing(("d_prime", "d_prime_interval", "two_choice"), NA("no answers")))
            continue
        right, ones = per_person(own["participant"], own["correct"].to_numpy(), np.ones(len(own)))
        d_prime = float(choice_d_prime(clipped_share(right.sum(), ones.sum()), task.alternatives))
        interval = bootstrap(
            draw(len(ones), plan),
            np.stack([right, ones], axis=1),
            lambda sums: choice_d_prime(clipped_share(sums[:, 0], sums[:, 1]), task.alternatives),
        )
        two = float(stats.norm.cdf(d_prime / 2**0.5))
        rows.append(row | {"d_prime": d_prime, "d_prime_interval": interval, "two_choice": two})
    return rows


def _yes_no_rows(task: Task, plan: AnalysisPlan) -> list[Row]:
    rows: list[Row] = []
    for condition in task.models:
        both = task.answers[task.answers["condition"].isin([condition, REAL])]
        generated = (both["condition"] == condition).to_numpy()
        said = (both["answer"] == "generated").to_numpy()
        row: Row = {"condition": task.labels[condition], "answers": int(generated.sum())}
        if not generated.any() or generated.all():
            none = NA("needs answers about the model's pictures and about real ones")
            keys = ("hits", "false_alarms", "d_prime", "d_prime_interval", "criterion", "criterion_interval")
            rows.append(row | missing(keys, none))
            continue
        sums = np.stack(per_person(both["participant"], said & generated, generated, said & ~generated, ~generated), 1)
        hits, signals, alarms, noise = sums.sum(0)
        row |= {"hits": float(hits / signals), "false_alarms": float(alarms / noise)}
        draws = draw(len(sums), plan)
        for index, key in enumerate(("d_prime", "criterion")):
            row[key] = float(yes_no(hits, signals, alarms, noise)[index])
            row[f"{key}_interval"] = bootstrap(draws, sums, lambda drawn, i=index: _where_both(drawn, i))
        rows.append(row)
    return rows


def _where_both(drawn: np.ndarray, index: int) -> np.ndarray:
    """(B, 4) sums -> (B,) d' or c; nan where a sample holds no generated or no real pictures."""
    value = yes_no(*drawn.T)[index]
    return np.where((drawn[:, 1] > 0) & (drawn[:, 3] > 0), value, np.nan)
