"""Tables: as Markdown for people, CSV for spreadsheets, JSON for programs."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Cell:
    """One number of a table. `low` and `high` bound its 95 % interval, `std` is KID's over its subsets."""

    value: float
    low: float | None = None
    high: float | None = None
    std: float | None = None


@dataclass(frozen=True)
class Column:
    """One measure of a table."""

    key: str
    label: str  # with an arrow where better has a direction: "LPIPS Alex ↓"
    digits: int
    scale: float = 1.0  # shown = value * scale
    ratio: str | None = None  # key of a fraction shown beside it as a percentage


@dataclass(frozen=True)
class Row:
    """One method's numbers; `note` is a footnote's text, e.g. that it has not converged."""

    name: str
    cells: dict[str, Cell]
    note: str | None = None


@dataclass(frozen=True)
class Table:
    """Rows under a title; `caption` says what was measured on what."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    caption: str = ""


@dataclass(frozen=True)
class Bound:
    """A claim that the numbers must meet: `value` is at most, or at least, `limit`. A target need not be met."""

    claim: str
    value: float
    limit: float
    at_most: bool = True
    target: bool = False

    @property
    def passed(self) -> bool:
        return self.value <= self.limit if self.at_most else self.value >= self.limit


@dataclass(frozen=True)
class Report:
    """What one evaluation found: tables, bounds and the facts (data, seed, machine, seconds, versions)."""

    title: str
    tables: Sequence[Table]
    bounds: Sequence[Bound] = ()
    facts: dict[str, Any] = field(default_factory=dict)


def report_markdown(report: Report) -> str:
    """The whole report."""
    parts = [f"# {report.title}", *map(table_markdown, report.tables)]
    if report.bounds:
        parts.append(bounds_markdown(report.bounds))
    parts.append("\n".join(f"- {name}: {_fact(value)}" for name, value in report.facts.items()))
    return "\n\n".join(parts) + "\n"


def table_markdown(table: Table) -> str:
    """Title, rows, footnotes, caption."""
    notes = list(dict.fromkeys(row.note for row in table.rows if row.note))
    lines = [
        "| | " + " | ".join(column.label for column in table.columns) + " |",
        "|---|" + "---:|" * len(table.columns),
    ]
    for row in table.rows:
        name = row.name + (f" [{notes.index(row.note) + 1}]" if row.note else "")
        lines.append(f"| {name} | " + " | ".join(_shown(row, column) for column in table.columns) + " |")
    footnotes = [f"[{number}] {note}" for number, note in enumerate(notes, 1)]
    return "\n\n".join(
        part for part in [f"## {table.title}", "\n".join(lines), "  \n".join(footnotes), table.caption] if part
    )


def bounds_markdown(bounds: Sequence[Bound]) -> str:
    """One line a bound, with the number, the limit and whether it holds."""
    lines = ["## Bounds", "", "| claim | measured | limit | |", "|---|---:|---:|---|"]
    for bound in bounds:
        limit = f"{'≤' if bound.at_most else '≥'} {bound.limit:.4g}"
        lines.append(f"| {bound.claim} | {bound.value:.4g} | {limit} | {_verdict(bound)} |")
    return "\n".join(lines)


def report_csv(report: Report) -> str:
    """One line a number: table, row, measure, value, low, high, std."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["table", "row", "measure", "value", "low", "high", "std"])
    for table in report.tables:
        for row in table.rows:
            for measure, cell in row.cells.items():
                writer.writerow([table.title, row.name, measure, cell.value, cell.low, cell.high, cell.std])
    return stream.getvalue()


def report_json(report: Report) -> dict[str, Any]:
    """Everything, in plain types: numbers that are not finite become None, which JSON can say."""
    tables = [
        {
            "title": table.title,
            "caption": table.caption,
            "columns": [asdict(column) for column in table.columns],
            "rows": [
                {
                    "name": row.name,
                    "note": row.note,
                    "measures": {
                        key: {k: _finite(v) for k, v in asdict(cell).items()} for key, cell in row.cells.items()
                    },
                }
                for row in table.rows
            ],
        }
        for table in report.tables
    ]
    bounds = [asdict(bound) | {"passed": bound.passed} for bound in report.bounds]
    return {"title": report.title, "tables": tables, "bounds": bounds, "facts": report.facts}


def _verdict(bound: Bound) -> str:
    if bound.target:
        return "target met" if bound.passed else "target missed"
    return "pass" if bound.passed else "FAIL"


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _shown(row: Row, column: Column) -> str:
    cell = row.cells.get(column.key)
    if cell is None:
        return ""

    def number(value: float) -> str:
        return f"{value * column.scale:.{column.digits}f}"

    shown = number(cell.value)
    if cell.std is not None:
        shown += f" ± {number(cell.std)}"
    if cell.low is not None and cell.high is not None:
        shown += f" [{number(cell.low)}, {number(cell.high)}]"
    if column.ratio in row.cells:
        shown += f" ({row.cells[column.ratio].value:.0%})"
    return shown


def _fact(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return str(value)
