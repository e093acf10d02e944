"""Which looks more real: how often a model's picture is taken for the real one, and Bradley-Terry strengths."""

import numpy as np

from study.analysis.inference import infer
from study.analysis.participant_bootstrap import draw, per_person
from study.analysis.tables import NA, Column, Row, Table, Value, missing
from study.analysis.tasks import Task, parts
from study.plan import REAL, AnalysisPlan


def preference_table(task: Task, plan: AnalysisPlan) -> Table:
    """Rate at which each model's picture was preferred to a real one, and its strength relative to real pictures."""
    counts = np.array([[len(task.of(name)), task.of(name)["correct"].sum()] for name in task.models], dtype=float)
    strengths = _strengths(task.models, counts)
    rows = []
    for name, (asked, right), strength in zip(task.models, counts, strengths, strict=True):
        row: Row = {"condition": task.labels[name], "answers": int(asked), "strength": strength}
        if not asked:
            rows.append(row | missing(("preferred", "interval", "bootstrap"), NA("no answers")))
            continue
        own = task.of(name)
        wrong = own.assign(correct=1 - own["correct"])
        found = infer(parts(wrong), plan.estimand)
        preferred, ones = per_person(own["participant"], wrong["correct"].to_numpy(), np.ones(len(own)))
        row |= {"preferred": float(1 - right / asked), "bootstrap": draw(len(ones), plan).ratio(preferred, ones)}
        rows.append(row | {"interval": found if isinstance(found, NA) else found.interval(plan.level)})
    columns = [
        Column("condition", "condition"),
        Column("answers", "answers", "count"),
        Column("preferred", "preferred to real", "percent"),
        Column("interval", "primary interval", "percent"),
        Column("bootstrap", "bootstrap over people", "percent"),
        Column("strength", "Bradley-Terry strength, real = 0", "number"),
    ]
    method = (
        "Bradley and Terry (1952): log odds of being preferred, by Hunter's (2004) minorise-maximise algorithm. "
        "Every pair has a real picture in it, so that a strength is the log odds of the model's own rate; models "
        "were not shown against each other, and differ by what they did against real pictures."
    )
    return Table(f"preference{task.suffix}", f"Preference: {task.title}", columns, rows, task.basis, method)


def bradley_terry(wins: np.ndarray, tolerance: float = 1e-12, most: int = 100_000) -> np.ndarray | NA:
    """Strengths, (K,), with the first at 0, of a table of wins, (K, K): `wins[i, j]` times i was preferred to j.

    Hunter (2004, "MM algorithms for generalized Bradley-Terry models"), equation (3). The maximum exists if and only if
    every split of the K into two has a win in each direction (Ford, 1957); NA otherwise.
    """
    size = len(wins)
    if size < 2:
        return np.zeros(size)
    reach = np.linalg.matrix_power((wins > 0) + np.eye(size), size) > 0
    if not reach.all():
        return NA("somebody won, or lost, against all others: strengths are infinite")
    met, won, strength = wins + wins.T, wins.sum(1), np.ones(size)
    for _ in range(most):
        new = won / (met / (strength[:, None] + strength[None])).sum(1)
        new /= new[0]
        if np.abs(np.log(new / strength)).max() < tolerance:
            return np.log(new)
        strength = new
    return NA(f"Bradley-Terry strengths did not settle in {most} steps")


def _strengths(models: tuple[str, ...], counts: np.ndarray) -> list[Value]:
    """One a model; those without a finite strength are left out of the fit, so that they do not spoil the others'."""
    finite = (counts[:, 1] > 0) & (counts[:, 1] < counts[:, 0])
    wins = np.zeros((1 + int(finite.sum()),) * 2)
    wins[0, 1:], wins[1:, 0] = counts[finite, 1], counts[finite, 0] - counts[finite, 1]
    fitted = bradley_terry(wins)
    if isinstance(fitted, NA):
        return [fitted] * len(models)
    values = iter(fitted[1:].tolist())
    never = NA(f"no answers, or never or always preferred to {REAL}: the strength is infinite")
    return [next(values) if one else never for one in finite]
