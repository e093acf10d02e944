"""Whether tables are whole and are this plan's: what an import believes nobody without looking."""

from collections import Counter
from typing import Any, get_args

import pandas as pd

from study.export.columns import records
from study.plan import Kind, Plan, Role


def check_tables(plan: Plan, answers: pd.DataFrame, participants: pd.DataFrame) -> None:
    """Raises ValueError, with a sentence, for tables that contradict themselves, each other or the plan."""
    people, asked = records(participants), records(answers)
    _check_people(plan, people)
    places = Counter((row["participant"], row["index"]) for row in asked)
    if twice := [place for place, count in places.items() if count > 1]:
        raise ValueError(f"The answers are damaged: participant {twice[0][0]} has two questions at {twice[0][1]}.")
    if strangers := {row["participant"] for row in asked} - {row["participant"] for row in people}:
        raise ValueError(
            f"{len(strangers)} participant(s) of the answers are missing among the participants, the first is "
            f"{min(strangers)}: the two tables are of different exports."
        )
    items = {stimulus.key: (stimulus.condition, stimulus.family) for stimulus in plan.pictures}
    for row in asked:
        if fault := _fault(row, items):
            raise ValueError(f"The answers are damaged: question {row['index']} of {row['participant']} {fault}.")


def _check_people(plan: Plan, people: list[dict[str, Any]]) -> None:
    for name in ("participant", "number"):
        if twice := [value for value, count in Counter(row[name] for row in people).items() if count > 1]:
            raise ValueError(f"The participants are damaged: two rows have the {name} {twice[0]}.")
    for question in plan.background:
        given = {row[f"background_{question.key}"] for row in people} - {None}
        if question.options and (unknown := given - set(question.options)):
            raise ValueError(f"The participants are damaged: {question.key} has no option {min(unknown)!r}.")


def _fault(row: dict[str, Any], items: dict[str, tuple[str, str]]) -> str | None:
    """What is wrong with one row of the answers, or None."""
    instructed = row["role"] == "instructed"
    answered = row["answer"] is not None
    possible = (
        ("real", "generated")
        if row["kind"] == "is_real"
        else tuple(str(position) for position in range(1, row["alternatives"] + 1))
    )
    shown = [key for key in (row["item"], *row["others"].split(" ")) if key]
    faults = (
        (row["role"] not in get_args(Role) or row["kind"] not in get_args(Kind), "is of an unknown role or kind"),
        (instructed != (not shown), "shows no picture"),
        (not set(shown) <= set(items), "shows a picture that the plan has not"),
        (
            bool(shown) and items.get(row["item"]) != (row["condition"], row["family"]),
            "names another condition or family",
        ),
        (abs(row["chance"] * row["alternatives"] - 1) > 1e-9, "has another chance than 1 / alternatives"),
        (row["right"] not in possible, "has a right answer that cannot be given"),
        (answered and row["answer"] not in possible, "has an answer that cannot be given"),
        (row["correct"] != (row["answer"] == row["right"] if answered else None), "says wrongly whether it is correct"),
        (answered and row["timed_out"], "is both answered and timed out"),
        (row["confidence"] is not None and not 1 <= row["confidence"] <= 5, "has a confidence beyond 1 to 5"),
        ((row["seconds"] or 0) < 0, "took less than no time"),
    )
    return next((fault for is_one, fault in faults if is_one), None)
