"""One table in a file: CSV, Parquet, or rows for JSON. What is written is read back equal."""

import csv
import io
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from study.export.columns import PLAN_COLUMN, Column, frame, records

_METADATA = b"plan_sha256"  # in a Parquet file's own metadata: a table without rows shows its study there
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BOOLEANS = {"true": True, "false": False}


def guarded(text: str) -> str:
    """`text` as no spreadsheet takes it for a formula: with an apostrophe in front if it starts like one.

    Text that starts with an apostrophe gets one more, so that `unguarded` undoes it for any text.
    """
    return f"'{text}" if text.startswith((*_FORMULA, "'")) else text


def unguarded(text: str) -> str:
    """What `guarded` was given."""
    return text[1:] if text.startswith("'") else text


def to_csv(table: pd.DataFrame, columns: tuple[Column, ...], sha256: str) -> bytes:
    """UTF-8, comma, a head line, missing values empty, text in quotes, `guarded`."""
    columns = (*columns, PLAN_COLUMN)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow([column.name for column in columns])
    for row in records(table):
        row[PLAN_COLUMN.name] = sha256
        writer.writerow([_csv_value(row[column.name]) for column in columns])
    return text.getvalue().encode()


def from_csv(data: bytes, columns: tuple[Column, ...], name: str) -> tuple[pd.DataFrame, set[str]]:
    """The table that `to_csv` wrote and the plans' hashes in its rows.

    Raises:
        ValueError: other columns, a damaged row or value; the file is called `name`.
    """
    try:
        lines = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{name} cannot be read as CSV: {error}") from error
    _check_head(lines[0] if lines else [], columns, name)
    known, rows = {column.name: column for column in (*columns, PLAN_COLUMN)}, []
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(lines[0]):
            raise ValueError(f"{name} is damaged: row {number} has {len(line)} cells, the head line {len(lines[0])}.")
        cells = zip(lines[0], line, strict=True)
        rows.append({head: _parsed(known[head], cell, f"{name}, row {number}") for head, cell in cells})
    return _table(columns, rows, name), {row[PLAN_COLUMN.name] for row in rows}


def to_parquet(table: pd.DataFrame, columns: tuple[Column, ...], sha256: str) -> bytes:
    """With typed columns; the plan's hash stands in a column and in the file's metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(column.name, _arrow_type(column)) for column in (*columns, PLAN_COLUMN)])
    rows = [row | {PLAN_COLUMN.name: sha256} for row in records(table)]
    written = pa.Table.from_pylist(rows, schema.with_metadata({_METADATA: sha256.encode()}))
    buffer = io.BytesIO()
    pq.write_table(written, buffer)
    return buffer.getvalue()


def from_parquet(data: bytes, columns: tuple[Column, ...], name: str) -> tuple[pd.DataFrame, set[str]]:
    """As `from_csv`, of `to_parquet`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(data))
        rows = table.to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ValueError(f"{name} cannot be read as Parquet: {error}") from error
    _check_head(table.column_names, columns, name)
    hashes = {row[PLAN_COLUMN.name] for row in rows}
    if noted := (table.schema.metadata or {}).get(_METADATA):
        hashes.add(noted.decode())
    return _table(columns, rows, name), hashes


def to_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """For JSON: an object for each row, null where a value is missing."""
    return records(table)


def from_rows(rows: Any, columns: tuple[Column, ...], name: str) -> pd.DataFrame:
    """The table that `to_rows` made. Raises ValueError for anything else."""
    names = [column.name for column in columns]
    if not isinstance(rows, list) or not all(isinstance(row, dict) and list(row) == names for row in rows):
        raise ValueError(f"{name} is damaged: it is no list of rows with the columns {', '.join(names)}.")
    return _table(columns, rows, name)


Writer = Callable[[pd.DataFrame, tuple[Column, ...], str], bytes]
Reader = Callable[[bytes, tuple[Column, ...], str], tuple[pd.DataFrame, set[str]]]
WRITERS: Mapping[str, Writer] = {"csv": to_csv, "parquet": to_parquet}
READERS: Mapping[str, Reader] = {"parquet": from_parquet, "csv": from_csv}


def read_table(file: Path, columns: tuple[Column, ...]) -> tuple[pd.DataFrame, set[str]]:
    """A table and the plans' hashes in it, of a .csv or .parquet file. ValueError as the readers, or if unreadable."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ValueError(f"{file.name} cannot be read: {error}") from error
    return READERS[file.suffix.removeprefix(".")](data, columns, file.name)


def _check_head(head: list[str], columns: tuple[Column, ...], name: str) -> None:
    wanted = [*(column.name for column in columns), PLAN_COLUMN.name]
    if sorted(head) != sorted(wanted):
        missing, more = set(wanted) - set(head), set(head) - set(wanted)
        what = [f"lacks {', '.join(sorted(missing))}"] * bool(missing) + [f"has {', '.join(sorted(more))}"] * bool(more)
        raise ValueError(f"{name} does not have the columns of this plan: it {' and '.join(what or ['repeats some'])}.")


def _table(columns: tuple[Column, ...], rows: list[dict[str, Any]], name: str) -> pd.DataFrame:
    for column in columns:
        for number, row in enumerate(rows, 1):
            if not _fits(column, row[column.name]):
                raise ValueError(f"{name} is damaged: {column.name} in its table's row {number} is no {column.type}.")
    return frame(columns, rows)


def _fits(column: Column, value: Any) -> bool:
    """Whether `value` is what the column holds: JSON and Parquet bring types along, and 1 is not true."""
    if value is None:
        return bool(column.missing)
    if column.type == "number":
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if column.type == "integer":
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    return isinstance(value, bool if column.type == "boolean" else str)


def _csv_value(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return guarded(value) if isinstance(value, str) else value


def _parsed(column: Column, cell: str, where: str) -> Any:
    if not cell and column.missing:
        return None
    try:
        if column.type == "integer":
            return int(cell)
        if column.type == "number":
            return float(cell)
        if column.type == "boolean":
            return _BOOLEANS[cell.lower()]  # spreadsheets write TRUE
    except (ValueError, KeyError):
        raise ValueError(f"{where} is damaged: {column.name} is {cell[:40]!r}, no {column.type}.") from None
    return unguarded(cell)


def _arrow_type(column: Column) -> Any:
    import pyarrow as pa

    return {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}.get(column.type, pa.string())
