"""How LPD lies on disk: parquet in the `datasets` library's own format, optionally a tree of JPEG files as well."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from datasets_cards.parquet_rows import ParquetRows
from pipelines.color import grey_of

JPEG_QUALITY = 95


def encode_crop(pixels: np.ndarray) -> tuple[bytes, bytes]:
    """The JPEG of (256, 256, 3) uint8 pixels, and the PNG of the grey of equal L* made from that JPEG decoded."""
    jpeg = io.BytesIO()
    Image.fromarray(pixels).save(jpeg, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    decoded = torch.from_numpy(np.asarray(Image.open(jpeg)).copy()).permute(2, 0, 1)[None] / 255
    grey = (grey_of(decoded)[0, 0] * 255).round().clamp(0, 255).byte().numpy()
    png = io.BytesIO()
    Image.fromarray(grey).save(png, "PNG")
    return jpeg.getvalue(), png.getvalue()


class SplitWriter(ParquetRows):
    """Writes one split row by row."""

    def __init__(self, file: Path, jpeg_folder: Path | None = None):
        import datasets

        text = datasets.Value("string")
        images = {"image": datasets.Image(), "grey": datasets.Image()}
        names = dict.fromkeys(("group", "painting", "work"), text)
        box = {"box": datasets.Sequence(datasets.Value("int32"), length=3)}
        super().__init__(file, {**images, **names, **box, "source": text, "licence": text})
        self.jpeg_folder = jpeg_folder
        self.count = 0

    def write(self, pixels: np.ndarray, **columns: Any) -> None:
        """Add one crop: (256, 256, 3) uint8 and the remaining columns."""
        jpeg, png = encode_crop(pixels)
        name = f"{self.count:05d}"
        images = {"image": {"bytes": jpeg, "path": f"{name}.jpg"}, "grey": {"bytes": png, "path": f"{name}.png"}}
        self.add(images | columns)
        if self.jpeg_folder is not None:
            folder = self.jpeg_folder / columns["group"]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.jpg").write_bytes(jpeg)
        self.count += 1
