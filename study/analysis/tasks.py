"""A study's tasks: questions of one kind and one chance level, which are never pooled with another kind's."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from study.analysis.crossed import Part
from study.analysis.exclusions import basis
from study.analysis.tables import Basis
from study.plan import FIXED_CHANCE, REAL, Kind, Plan


@dataclass(frozen=True)
class Task:
    """Analysed answers to questions of one kind.

    Args:
        answers: tidy answers with two more columns, `person` and `picture`: codes from 0 of the participant and of the
            item's family, the unit in which items are a sample.
        conditions: names, in the plan's order; `REAL` last where single real pictures are shown.
        labels: name -> as it is printed.
        suffix: of table names where a study has several tasks.
    """

    kind: Kind
    alternatives: int
    chance: float
    answers: pd.DataFrame
    conditions: tuple[str, ...]
    labels: dict[str, str]
    suffix: str = ""

    @property
    def title(self) -> str:
        return {
            "choose_generated": f"which of {self.alternatives} is generated",
            "is_real": "is it real",
            "more_real": "which looks more real",
        }[self.kind]

    @property
    def models(self) -> tuple[str, ...]:
        """The conditions without `REAL`."""
        return tuple(name for name in self.conditions if name != REAL)

    @property
    def basis(self) -> Basis:
        return basis(self.answers, self.chance)

    def of(self, condition: str) -> pd.DataFrame:
        return self.answers[self.answers["condition"] == condition]


def tasks(plan: Plan, answers: pd.DataFrame) -> list[Task]:
    """The tasks of the plan's blocks, in their order; those nobody answered too."""
    keys = list(dict.fromkeys((block.kind, _alternatives(block.kind, block.alternatives)) for block in plan.blocks))
    names, labels = tuple(condition.name for condition in plan.conditions), _labels(plan)
    found = []
    for kind, alternatives in keys:
        rows = answers[(answers["kind"] == kind) & (answers["alternatives"] == alternatives)].reset_index(drop=True)
        pictures = rows["family"].fillna(rows["item"]).to_numpy(dtype=str)
        rows["person"] = np.unique(rows["participant"].to_numpy(dtype=str), return_inverse=True)[1]
        rows["picture"] = np.unique(pictures, return_inverse=True)[1]
        conditions = (*names, REAL) if kind == "is_real" else names
        suffix = f"_{kind}_{alternatives}" if len(keys) > 1 else ""
        chance = FIXED_CHANCE.get(kind, 1 / alternatives)
        found.append(Task(kind, alternatives, chance, rows, conditions, labels, suffix))
    return found


def parts(rows: pd.DataFrame, weight: float = 1.0) -> list[Part]:
    """One part a condition, weighted by its answers, so that conditions are fixed and only people and items vary."""
    return [
        Part(
            of["correct"].to_numpy(float),
            of["person"].to_numpy(),
            of["picture"].to_numpy(),
            weight * len(of) / len(rows),
        )
        for _, of in rows.groupby("condition", sort=True)
    ]


def scored_parts(task: Task, rows: pd.DataFrame) -> list[Part]:
    """What is tested against chance: the accuracy, and in "is it real" the balanced accuracy, (share of the generated
    pictures that were called so + share of real ones) / 2, which a liking for one of the two answers does not move."""
    if task.kind != "is_real":
        return parts(rows)
    generated, real = rows[rows["condition"] != REAL], rows[rows["condition"] == REAL]
    if generated.empty or real.empty:
        return []
    return parts(generated, 0.5) + parts(real, 0.5)


def subsets(task: Task, rows: pd.DataFrame) -> Sequence[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Label, rows and scored rows of each condition and, with several models, of all together.

    In "is it real" the scored rows of a model hold the real pictures too; those of `REAL` alone are none.
    """
    real = rows[rows["condition"] == REAL]
    found = []
    for name in task.conditions:
        own = rows[rows["condition"] == name]
        scored = own if task.kind != "is_real" else pd.concat([own, real]) if name != REAL and len(own) else own[:0]
        found.append((task.labels.get(name, name), own, scored))
    return found + ([("all", rows, rows)] if len(task.models) > 1 else [])


def _alternatives(kind: str, alternatives: int) -> int:
    """As the tidy table counts them: answers to choose from."""
    return 2 if kind in FIXED_CHANCE else alternatives


def _labels(plan: Plan) -> dict[str, str]:
    """Labels of the conditions, or their names where two have one label."""
    labels = [condition.label or condition.name for condition in plan.conditions]
    unique = len(set(labels)) == len(labels) and not {"all", REAL} & set(labels)
    return {c.name: label if unique else c.name for c, label in zip(plan.conditions, labels, strict=True)}
