"""How long people looked: medians and quartiles, right against wrong answers."""

import numpy as np
import pandas as pd

from study.analysis.exclusions import basis
from study.analysis.participant_bootstrap import draw, weighted_quantiles
from study.analysis.tables import NA, Column, Interval, Row, Table, missing
from study.analysis.tasks import Task, subsets
from study.plan import AnalysisPlan

_QUANTILES = {"low": 0.05, "first": 0.25, "median": 0.5, "third": 0.75, "high": 0.95}
_FIGURES = (*_QUANTILES, "interval")


def response_time_table(task: Task, plan: AnalysisPlan) -> Table:
    """Quantiles of the time from pictures visible to answer, of all answers and of right and wrong ones."""
    rows = []
    for label, own, _ in subsets(task, task.answers):
        for which, chosen in (("all", own), ("right", own[own["correct"] == 1]), ("wrong", own[own["correct"] == 0])):
            rows.append({"condition": label, "which": which} | _times(chosen, plan))
        rows.append({"condition": label, "which": "right - wrong"} | _difference(own, plan))
    columns = [
        Column("condition", "condition"),
        Column("which", "answers that are"),
        Column("people", "people", "count"),
        Column("answers", "timed", "count"),
        Column("low", "5 %", "seconds"),
        Column("first", "25 %", "seconds"),
        Column("median", "median", "seconds"),
        Column("interval", "bootstrap", "seconds"),
        Column("third", "75 %", "seconds"),
        Column("high", "95 %", "seconds"),
    ]
    method = (
        "Seconds measured by the browser from pictures visible to answer, by the server where the browser's are "
        "missing. Medians are of answers; their intervals resample whole participants. right - wrong is the "
        "difference of the medians."
    )
    untimed = len(task.answers) - len(_seconds(task.answers))
    notes = [f"{untimed} of the answers have no time."] if untimed else []
    title = f"Response times: {task.title}"
    return Table(f"response_times{task.suffix}", title, columns, rows, task.basis, method, notes)


def _seconds(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with a time, in the column `time`."""
    timed = rows.assign(time=rows["seconds"].fillna(rows["server_seconds"]))
    return timed[timed["time"].notna() & (timed["time"] >= 0)]


def _times(rows: pd.DataFrame, plan: AnalysisPlan) -> Row:
    timed = _seconds(rows)
    of = basis(timed)
    if timed.empty:
        return {"people": 0, "answers": 0} | missing(_FIGURES, NA("no such answers with a time"))
    values = timed["time"].to_numpy(float)
    people = np.unique(timed["participant"].to_numpy(dtype=str), return_inverse=True)[1]
    draws = draw(of.people, plan)
    found = {key: float(np.quantile(values, share)) for key, share in _QUANTILES.items()}
    interval = (
        draws.interval(weighted_quantiles(draws, people, values)) if of.people > 1 else draws.interval(values[:0])
    )
    return {"people": of.people, "answers": of.answers, **found, "interval": interval}


def _difference(rows: pd.DataFrame, plan: AnalysisPlan) -> Row:
    timed = _seconds(rows)
    right = (timed["correct"] == 1).to_numpy()
    row: Row = {"people": timed["participant"].nunique(), "answers": len(timed)}
    if right.all() or not right.any():
        return row | missing(("median", "interval"), NA("needs right and wrong answers with a time"))
    values = timed["time"].to_numpy(float)
    row["median"] = float(np.median(values[right]) - np.median(values[~right]))
    people = np.unique(timed["participant"].to_numpy(dtype=str), return_inverse=True)[1]
    draws = draw(int(people.max()) + 1, plan)
    if people.max() == 0:
        return row | {"interval": draws.interval(values[:0])}
    sides = [_in_every_draw(draws.counts, people[side]) for side in (right, ~right)]
    both = sides[0] & sides[1]
    kept = type(draws)(draws.counts[both], draws.level)
    if not both.any():
        return row | {"interval": NA("no bootstrap sample holds right and wrong answers")}
    medians = [weighted_quantiles(kept, people[side], values[side]) for side in (right, ~right)]
    interval: Interval | NA = draws.interval(medians[0] - medians[1])
    return row | {"interval": interval}


def _in_every_draw(counts: np.ndarray, people: np.ndarray) -> np.ndarray:
    """(B,) whether a sample holds any of the people."""
    return counts[:, np.unique(people)].sum(1) > 0
