"""Tables of a report: as Markdown for people, LaTeX for papers, data frames and JSON for programs.

A figure that cannot be had is an `NA` with its reason, never a number that is not one.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd


@dataclass(frozen=True)
class NA:
    """A figure that the data cannot give, and why."""

    reason: str


@dataclass(frozen=True)
class Interval:
    """Bounds of an interval."""

    low: float
    high: float


Value = float | int | str | Interval | NA | None
Row = dict[str, Value]
Style = Literal["text", "count", "percent", "points", "number", "seconds", "p"]


def missing(keys: Iterable[str], value: NA) -> Row:
    """A row in which all of these figures are missing for one reason."""
    return dict.fromkeys(keys, value)


@dataclass(frozen=True)
class Column:
    """One column; `style` says how its numbers are written: shares as percentages, differences of them as points."""

    key: str
    label: str
    style: Style = "text"


@dataclass(frozen=True)
class Basis:
    """What a table rests on. `chance` is None where there is no chance level, or not one."""

    people: int
    answers: int
    items: int
    chance: float | None = None


@dataclass(frozen=True)
class Table:
    """Rows under a title.

    Args:
        name: of files and of `Report.table`: lower-case letters and underscores.
        method: how the figures were got, in a sentence or several.
        notes: what a reader must know of these very figures.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Value]]
    basis: Basis
    method: str
    notes: Sequence[str] = ()

    def frame(self) -> pd.DataFrame:
        """One column a figure; an interval becomes `<key>_low` and `<key>_high`, a reason `<key>_missing`."""
        return pd.DataFrame([_flat(row, self.columns) for row in self.rows])

    def shown(self) -> tuple[list[list[str]], list[str]]:
        """The rows as texts, and the reasons of what is missing, which "NA [1]" refers to."""
        values = [row.get(column.key) for row in self.rows for column in self.columns]
        reasons = list(dict.fromkeys(value.reason for value in values if isinstance(value, NA)))
        rows = [[text(row.get(column.key), column.style, reasons) for column in self.columns] for row in self.rows]
        return rows, reasons


def text(value: Value, style: Style, reasons: Sequence[str] = ()) -> str:
    """One figure as it is printed; `reasons` numbers those of missing ones."""
    if value is None:
        return ""
    if isinstance(value, NA):
        return f"NA [{reasons.index(value.reason) + 1}]" if value.reason in reasons else "NA"
    if isinstance(value, Interval):
        return f"{text(value.low, style)} to {text(value.high, style)}"
    if isinstance(value, str):
        return value
    if style == "p":
        return "< 0.0001" if value < 0.0001 else f"{value:.4f}"
    if style in ("percent", "points"):
        return f"{100 * value:.2f} %" if style == "percent" else f"{100 * value:+.2f}"
    return {"count": f"{value:.0f}", "seconds": f"{value:.2f} s"}.get(style, f"{value:.3f}")


def table_markdown(table: Table, caption: str) -> str:
    """Title, rows, reasons of missing figures, notes and caption; no HTML in a cell gets through."""
    rows, reasons = table.shown()
    align = ["---" if column.style == "text" else "---:" for column in table.columns]
    lines = [
        _line([column.label for column in table.columns]),
        "|" + "|".join(align) + "|",
        *map(_line, rows),
    ]
    footnotes = [f"[{number}] {reason}" for number, reason in enumerate(reasons, 1)]
    body = "\n".join(lines) if table.rows else "No rows."
    return "\n\n".join([f"## {safe(table.title)}", body, *map(safe, [*footnotes, *table.notes, caption])])


def safe(text: str) -> str:
    """One line of Markdown in which no HTML and no link of the text's own comes alive; "p < 0.05" stays as it is."""
    line = re.sub(r"&(?=[#\w])", "&amp;", " ".join(text.split()))
    return re.sub(r"<(?=[a-zA-Z/!?])", "&lt;", line).replace("](", "]\\(")


def table_latex(table: Table, caption: str, comment: str) -> str:
    """A floating table with the rules of booktabs; reasons and notes go into the caption."""
    rows, reasons = table.shown()
    footnotes = [f"[{number}] {reason}" for number, reason in enumerate(reasons, 1)]
    cells = [[_latex(cell) for cell in row] for row in rows]
    frame = pd.DataFrame(cells, columns=[_latex(column.label) for column in table.columns], dtype=str)
    columns = "".join("l" if column.style == "text" else "r" for column in table.columns)
    latex = frame.to_latex(
        index=False,
        escape=False,  # `_latex` knows more signs, such as <, which needs mathematics in LaTeX's old font encoding
        column_format=columns,
        caption=_latex(" ".join([f"{table.title}.", caption, *footnotes, *table.notes])),
        label=f"tab:{table.name.replace('_', '-')}",
        position="ht",
    )
    return f"% {comment}\n{latex}"


def table_json(table: Table) -> dict[str, Any]:
    """In plain types: a missing figure is {"value": None, "reason": ...}."""
    return {
        "name": table.name,
        "title": table.title,
        "columns": [{"key": column.key, "label": column.label, "style": column.style} for column in table.columns],
        "rows": [{column.key: _plain(row.get(column.key)) for column in table.columns} for row in table.rows],
        "people": table.basis.people,
        "answers": table.basis.answers,
        "items": table.basis.items,
        "chance": table.basis.chance,
        "method": table.method,
        "notes": list(table.notes),
    }


def _plain(value: Value) -> Any:
    if isinstance(value, NA):
        return {"value": None, "reason": value.reason}
    if isinstance(value, Interval):
        return [_number(value.low), _number(value.high)]
    return value if isinstance(value, str) or value is None else _number(value)


def _number(value: float) -> float | int:
    """A Python number; an infinite or undefined one is a mistake of the caller, who should have given an NA."""
    if not math.isfinite(value):
        raise ValueError(f"A table's figures are finite numbers or NA with a reason, got {value}.")
    return int(value) if float(value).is_integer() and not isinstance(value, float) else float(value)


def _flat(row: Mapping[str, Value], columns: Sequence[Column]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for column in columns:
        value = row.get(column.key)
        if isinstance(value, Interval):
            flat |= {f"{column.key}_low": value.low, f"{column.key}_high": value.high}
        elif isinstance(value, NA):
            flat |= {column.key: None, f"{column.key}_missing": value.reason}
        else:
            flat[column.key] = value
    return flat


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(safe(cell).replace("|", "\\|") for cell in cells) + " |"


def _latex(line: str) -> str:
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$"}
    special |= {sign: f"\\{sign}" for sign in "&%$#_{}"} | {"≤": r"$\leq$", "≥": r"$\geq$", "<": r"$<$", ">": r"$>$"}
    special |= {
        "–": "--",
        "×": r"$\times$",
        "−": "$-$",
        "χ": r"$\chi$",
        "κ": r"$\kappa$",
        "α": r"$\alpha$",
        "²": "$^2$",
    }
    return "".join(special.get(sign, sign) for sign in line)
