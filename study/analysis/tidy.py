"""The tidy tables `answers` and `participants`, checked and brought to one set of types before anything is counted."""

import pandas as pd

from study.plan import GOLD, REAL, Plan

ANSWERS = (
    "participant",
    "index",
    "role",
    "kind",
    "condition",
    "item",
    "family",
    "alternatives",
    "right",
    "answer",
    "correct",
    "confidence",
    "seconds",
    "server_seconds",
)
PARTICIPANTS = ("participant", "number", "finished")
_TRUE = {True: True, False: False, "true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}


def tidy_answers(plan: Plan, answers: pd.DataFrame) -> pd.DataFrame:
    """A copy in order of participant and question, with plain types: texts as str, or None for none and for empty ones;
    `correct` as bool or NA; numbers as float, nan where missing.

    Raises:
        ValueError: for missing columns, a question that stands there twice, or a condition that the plan does not have.
    """
    _need(answers, ANSWERS, "answers")
    table = answers.loc[:, list(ANSWERS)].reset_index(drop=True).copy()
    for column in ("participant", "role", "kind", "condition", "item", "family", "right", "answer"):
        table[column] = _texts(table[column])
    for column in ("index", "alternatives", "confidence", "seconds", "server_seconds"):
        table[column] = pd.to_numeric(table[column], errors="coerce").astype(float)
    table["correct"] = _booleans(table["correct"], "correct")
    table.loc[table["answer"].isna(), "correct"] = pd.NA
    if twice := int(table.duplicated(["participant", "index"]).sum()):
        raise ValueError(f"{twice} row(s) of answers stand there twice: participant and index name one question.")
    known = {REAL, GOLD, *(condition.name for condition in plan.conditions)}
    if unknown := sorted(set(table["condition"].dropna()) - known):
        raise ValueError(f"Answers of conditions that the plan does not have: {', '.join(unknown)}.")
    return table.sort_values(["participant", "index"], kind="stable").reset_index(drop=True)


def tidy_participants(participants: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """A copy with plain types, one row a participant, in the order of consent.

    Raises:
        ValueError: for missing columns, a participant who stands there twice, or answers of somebody who does not.
    """
    _need(participants, PARTICIPANTS, "participants")
    table = participants.reset_index(drop=True).copy()
    table["participant"] = _texts(table["participant"])
    table["finished"] = _booleans(table["finished"], "finished").fillna(False).astype(bool)
    table["number"] = pd.to_numeric(table["number"], errors="coerce")
    for column in table.columns:
        if column.startswith("background_"):
            table[column] = _texts(table[column])
    if table["participant"].duplicated().any():
        raise ValueError("A participant stands in the table of participants twice.")
    if strangers := set(answers["participant"]) - set(table["participant"]):
        raise ValueError(f"{len(strangers)} participant(s) have answers and no row in the table of participants.")
    return table.sort_values("number", kind="stable").reset_index(drop=True)


def _need(table: pd.DataFrame, columns: tuple[str, ...], name: str) -> None:
    if missing := [column for column in columns if column not in table.columns]:
        raise ValueError(f"The table of {name} has no column {', '.join(missing)}.")


def _texts(column: pd.Series) -> pd.Series:
    """As str; whole numbers, which a CSV reader makes of positions, without a decimal point."""

    def one(value: object) -> str | None:
        if value is None or value is pd.NA or value != value or value == "":
            return None
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)

    return pd.Series([one(value) for value in column], index=column.index, dtype=object)


def _booleans(column: pd.Series, name: str) -> pd.Series:
    """As nullable booleans, from booleans, 0 and 1, or their names in any case."""

    def one(value: object) -> object:
        if value is None or value is pd.NA or value != value:
            return pd.NA
        key = value.lower() if isinstance(value, str) else bool(value) if value in (0, 1) else value
        if key not in _TRUE:
            raise ValueError(f"The column {name} holds true, false or nothing, got {value!r}.")
        return _TRUE[key]

    return pd.Series([one(value) for value in column], index=column.index, dtype="boolean")
