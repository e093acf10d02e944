"""How the line-art set lies on disk: parquet in the `datasets` library's own format."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from datasets_cards.parquet_rows import ParquetRows
from datasets_cards.scenes.pictures import Scene


@dataclass(frozen=True)
class Row:
    """One picture as it is written."""

    data: bytes  # the encoded picture
    suffix: str  # of its format
    scene: Scene
    rights: str
    page: str  # "" where unknown
    lines: Image.Image | None = None  # the drawing, mode L; None in training
    extractor: str | None = None  # that drew it
    reference: str | None = None  # id of another picture of the split


class LineArtWriter(ParquetRows):
    """Writes one split row by row; `drawings`: with those of validation and test."""

    def __init__(self, file: Path, drawings: bool):
        import datasets

        texts = (
            "id",
            "subset",
            "rights",
            "page",
            "source",
            "licence",
            *(("extractor", "reference") if drawings else ()),
        )
        features: dict[str, Any] = {"image": datasets.Image(), **({"lines": datasets.Image()} if drawings else {})}
        features |= dict.fromkeys(texts, datasets.Value("string"))
        self.drawings = drawings
        super().__init__(file, features)

    def write(self, row: Row) -> None:
        """Add one picture."""
        scene = row.scene
        values = {
            "image": {"bytes": row.data, "path": f"{scene.id}.{row.suffix}"},
            "id": scene.id,
            "subset": scene.label,
            "rights": row.rights,
            "page": row.page,
            "source": scene.image.source,
            "licence": scene.image.licence,
        }
        if self.drawings and row.lines is not None:
            file = io.BytesIO()
            row.lines.save(file, "PNG", optimize=True)
            values["lines"] = {"bytes": file.getvalue(), "path": f"{scene.id}.lines.png"}
            values |= {"extractor": row.extractor, "reference": row.reference}
        self.add(values)
