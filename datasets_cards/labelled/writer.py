"""How the labelled sets lie on disk: parquet in the `datasets` library's own format."""

from dataclasses import dataclass
from pathlib import Path

from datasets_cards.parquet_rows import ParquetRows
from datasets_cards.scenes.pictures import Scene


@dataclass(frozen=True)
class Row:
    """One picture as it is written."""

    data: bytes  # the encoded picture
    suffix: str  # of its format
    scene: Scene  # its `content` is the subset
    rights: str
    colour: str  # "" where unknown


class LabelledWriter(ParquetRows):
    """Writes one split row by row; `colours`: with a column of them."""

    def __init__(self, file: Path, colours: bool):
        import datasets

        names = ("id", "label", *(("colour",) if colours else ()), "subset", "rights", "source", "licence")
        self.colours = colours
        super().__init__(file, {"image": datasets.Image(), **dict.fromkeys(names, datasets.Value("string"))})

    def write(self, row: Row) -> None:
        """Add one picture."""
        scene = row.scene
        values = {
            "image": {"bytes": row.data, "path": f"{scene.id}.{row.suffix}"},
            "id": scene.id,
            "label": scene.label,
            "subset": scene.content,
            "rights": row.rights,
            "source": scene.image.source,
            "licence": scene.image.licence,
        }
        self.add(values | ({"colour": row.colour} if self.colours else {}))
