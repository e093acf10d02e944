"""How the scene sets lie on disk: parquet in the `datasets` library's own format."""

from pathlib import Path

from datasets_cards.parquet_rows import ParquetRows
from datasets_cards.scenes.pictures import Scene


class SceneWriter(ParquetRows):
    """Writes one split row by row."""

    def __init__(self, file: Path):
        import datasets

        texts = dict.fromkeys(("label", "content", "source", "licence", "id"), datasets.Value("string"))
        super().__init__(file, {"image": datasets.Image(), **texts})

    def write(self, data: bytes, suffix: str, scene: Scene) -> None:
        """Add one picture, encoded as `suffix` says."""
        self.add(
            {
                "image": {"bytes": data, "path": f"{scene.id}.{suffix}"},
                "label": scene.label,
                "content": scene.content,
                "source": scene.image.source,
                "licence": scene.image.licence,
                "id": scene.id,
            }
        )
