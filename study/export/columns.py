"""The columns of the tidy tables: one list for their types, their data dictionary and what is checked on the way in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from study.plan import Plan

Type = Literal["text", "integer", "number", "boolean", "date"]

_DTYPES: dict[tuple[Type, bool], Any] = {
    ("text", False): "str",
    ("text", True): "str",
    ("date", False): "str",
    ("integer", False): np.dtype("int64"),
    ("integer", True): pd.Int64Dtype(),
    ("number", False): np.dtype("float64"),
    ("number", True): np.dtype("float64"),
    ("boolean", False): np.dtype("bool"),
    ("boolean", True): pd.BooleanDtype(),
}


@dataclass(frozen=True)
class Column:
    """One column.

    Args:
        type: of its values; dates are text, YYYY-MM-DD.
        meaning: a sentence.
        missing: when a value is missing; "" if never.
        values: what may stand in it, "" if its type says it.
        unit: of a number.
    """

    name: str
    type: Type
    meaning: str
    missing: str = ""
    values: str = ""
    unit: str = ""

    @property
    def dtype(self) -> Any:
        """Of the column in a DataFrame."""
        return _DTYPES[self.type, bool(self.missing)]


_SHA256 = "64 hexadecimal digits"
_UNANSWERED = "not answered, or its time was over"

ANSWERS = (
    Column("participant", "text", "Pseudonym, random, the same in all tables of one study.", values="16 digits"),
    Column("index", "integer", "Place of the question among those of the participant, from 0.", values="0 or more"),
    Column("role", "text", "What the question is for.", values="question, practice, gold, instructed"),
    Column("kind", "text", "What was asked, see the plan.", values="choose_generated, is_real, more_real"),
    Column(
        "condition",
        "text",
        'What made the picture asked about: a condition of the plan, "real", "gold"; empty for an instructed question.',
    ),
    Column(
        "item", "text", "Key of the picture asked about, see items; empty for an instructed question.", values=_SHA256
    ),
    Column("family", "text", "The original that the item is or was made from; empty for an instructed question."),
    Column("others", "text", "Keys of the other pictures in the order shown, parted by a space; empty if none."),
    Column("alternatives", "integer", "Answers there were to choose from.", values="2 to 9"),
    Column("chance", "number", "Probability of a right answer without looking: 1 / alternatives.", unit="fraction"),
    Column("right", "text", "The right answer.", values='position from 1, or "real" / "generated" for is_real'),
    Column("answer", "text", "What was answered.", _UNANSWERED, 'position from 1, or "real" / "generated" for is_real'),
    Column("correct", "boolean", "Whether the answer was the right one.", _UNANSWERED, "true, false"),
    Column("confidence", "integer", "From 1 (guessed) to 5 (certain).", "not asked, or not answered", "1 to 5"),
    Column("seconds", "number", "From pictures visible to answer, by the browser.", "not measured", "0 or more", "s"),
    Column("server_seconds", "number", "From page sent to answer, by the server.", "not answered", "0 or more", "s"),
    Column("timed_out", "boolean", "Whether the question closed before it was answered.", values="true, false"),
)

_BEFORE_BACKGROUND = (
    Column("participant", "text", "Pseudonym, random, the same in all tables of one study.", values="16 digits"),
    Column(
        "number", "integer", "Order of consent, from 0; the assignment of pictures follows from it. Gaps: withdrawn."
    ),
    Column("language", "text", "Of the pages."),
    Column("started", "date", "Day of consent, UTC.", values="YYYY-MM-DD"),
    Column("finished", "boolean", "Whether the end was reached.", values="true, false"),
    Column("width", "integer", "Of the browser's window.", "not told by the browser", "1 or more", "CSS pixels"),
)
_RECRUITED = Column(
    "recruited", "text", "Where the participant came from.", values='"link", "prolific", "mturk", or empty'
)

ITEMS = (
    Column("key", "text", "SHA-256 of the PNG shown.", values=_SHA256),
    Column("condition", "text", 'What made the picture: a condition of the plan, "real" or "gold".'),
    Column("family", "text", "The original that it is or was made from."),
    Column("original", "text", "Name of the file it was made from; empty if unknown."),
    Column("role", "text", "Which questions it is for.", values="question, practice, gold"),
)

PLAN_COLUMN = Column(
    "plan_sha256",
    "text",
    "SHA-256 of the plan, the same in every row; in files only, so that no table can be taken for another study's.",
    values=_SHA256,
)


def participant_columns(plan: Plan) -> tuple[Column, ...]:
    """Columns of the participants' table: one for each background question of the plan among them."""
    background = []
    for question in plan.background:
        text = question.text.get("en") or next(iter(question.text.values()))
        options = {value: texts.get("en") or next(iter(texts.values())) for value, texts in question.options.items()}
        values = (
            ", ".join(f"{value} ({text})" for value, text in options.items()) or "free text, 500 characters at most"
        )
        background.append(Column(f"background_{question.key}", "text", f"Answer to: {text}", "not answered", values))
    return (*_BEFORE_BACKGROUND, *background, _RECRUITED)


def columns_of(plan: Plan) -> dict[str, tuple[Column, ...]]:
    """The columns of each table, by the table's name: answers, participants, items."""
    return {"answers": ANSWERS, "participants": participant_columns(plan), "items": ITEMS}


def frame(columns: Iterable[Column], rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """A DataFrame of `rows` with exactly these columns and their dtypes; None is missing.

    Raises:
        ValueError: a value that its column cannot hold, or a missing one where none may be missing.
    """
    rows = list(rows)
    return pd.DataFrame({column.name: _series(column, [row[column.name] for row in rows]) for column in columns})


def _series(column: Column, values: list[Any]) -> pd.Series:
    if not column.missing and any(value is None for value in values):
        raise ValueError(f"The column {column.name} has no value in row {values.index(None) + 1}.")
    try:
        if column.type == "number":
            values = [float("nan") if value is None else value for value in values]
        return pd.Series(values, dtype=column.dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"The column {column.name} holds something else than {column.type}: {error}") from error


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain Python values, None where one is missing."""
    lists = {str(name): _plain(table[name]) for name in table.columns}
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def _plain(series: pd.Series) -> list[Any]:
    values = series.astype(object).tolist()
    return [None if missing else value for value, missing in zip(values, series.isna(), strict=True)]
