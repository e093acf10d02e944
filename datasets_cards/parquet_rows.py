"""Parquet in the `datasets` library's own format, written row by row."""

from pathlib import Path
from typing import Any, Self

_ROWS_AT_ONCE = 64


class ParquetRows:
    """Writes one file in bounded memory; use as a context manager.

    Args:
        file: to write.
        features: of the `datasets` library, by column.
    """

    def __init__(self, file: Path, features: dict[str, Any]):
        import datasets
        import pyarrow.parquet as pq

        self.schema = datasets.Features(features).arrow_schema
        self.parquet = pq.ParquetWriter(file, self.schema)
        self.rows: list[dict[str, Any]] = []

    def add(self, row: dict[str, Any]) -> None:
        """Add a row; a picture is {"bytes": encoded, "path": its file's name}."""
        self.rows.append(row)
        if len(self.rows) >= _ROWS_AT_ONCE:
            self._flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self.parquet.close()

    def _flush(self) -> None:
        import pyarrow as pa

        if self.rows:
            self.parquet.write_table(pa.Table.from_pylist(self.rows, schema=self.schema))
            self.rows = []
