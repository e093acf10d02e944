"""How the scene sets lie on disk: parquet in the `datasets` library's own format."""

from pathlib import Path
from typing import Any, Self

from datasets_cards.scenes.pictures import Scene

_ROWS_AT_ONCE = 64


class SceneWriter:
    """Writes one parquet file row by row, in bounded memory; use as a context manager."""

    def __init__(self, file: Path):
        import datasets
        import pyarrow.parquet as pq

        texts = dict.fromkeys(("label", "content", "source", "licence", "id"), datasets.Value("string"))
        self.schema = datasets.Features({"image": datasets.Image(), **texts}).arrow_schema
        self.parquet = pq.ParquetWriter(file, self.schema)
        self.rows: list[dict[str, Any]] = []

    def write(self, data: bytes, suffix: str, scene: Scene) -> None:
        """Add one picture, encoded as `suffix` says."""
        self.rows.append(
            {
                "image": {"bytes": data, "path": f"{scene.id}.{suffix}"},
                "label": scene.label,
                "content": scene.content,
                "source": scene.image.source,
                "licence": scene.image.licence,
                "id": scene.id,
            }
        )
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
