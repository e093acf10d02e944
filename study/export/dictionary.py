"""The data dictionary: what every column of every table means, for people and for programs."""

import html
import re
from typing import Any

from study.export.columns import PLAN_COLUMN, Column, columns_of
from study.plan import Plan

TABLES = {
    "answers": "One row for each question that was shown to a participant.",
    "participants": "One row for each participant who consented and did not withdraw.",
    "items": "One row for each picture of the plan.",
}
_MARKUP = re.compile(r"([\\`*_\[\]#|~])")


def dictionary_json(plan: Plan) -> dict[str, Any]:
    """Tables, columns, and for each column its type, values, unit, meaning and when a value is missing."""
    tables = {
        name: {"meaning": TABLES[name], "columns": [_entry(column) for column in (*columns, PLAN_COLUMN)]}
        for name, columns in columns_of(plan).items()
    }
    return {"study": plan.name, "plan_sha256": plan.sha256, "tables": tables}


def dictionary_markdown(plan: Plan) -> str:
    """The same as tables to read."""
    parts = [f"# Data dictionary of {plan.name}", f"Plan SHA-256 `{plan.sha256}`."]
    for name, columns in columns_of(plan).items():
        parts += [f"## {name}", TABLES[name], _table((*columns, PLAN_COLUMN))]
    parts += [
        "## Files",
        "In CSV a missing value is an empty cell. Text that starts with `=`, `+`, `-`, `@`, a tab, a line break or an "
        "apostrophe has one apostrophe in front, so that no spreadsheet takes it for a formula: take one leading "
        "apostrophe off to get the text back. Parquet and JSON hold all text as it is.",
    ]
    return "\n\n".join(parts) + "\n"


def markdown_text(text: str) -> str:
    """`text` as Markdown shows it, on one line: no sign in it is markup, of Markdown or of HTML."""
    return _MARKUP.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False))


def _entry(column: Column) -> dict[str, str]:
    values = {"values": column.values, "unit": column.unit, "meaning": column.meaning, "missing": column.missing}
    return {"name": column.name, "type": column.type} | values


def _table(columns: tuple[Column, ...]) -> str:
    lines = ["| column | type | values | unit | meaning | missing |", "|---|---|---|---|---|---|"]
    for column in columns:
        cells = (markdown_text(text) for text in (column.values, column.unit, column.meaning, column.missing))
        lines.append(f"| `{column.name}` | {column.type} | {' | '.join(cells)} |")
    return "\n".join(lines)
