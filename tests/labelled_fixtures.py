"""Labelled pictures as sources for the tests of grocery and products: small, each unlike every other."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import datasets
import numpy as np
import pyarrow.parquet as pq
from PIL import Image


def blotches(seed: int, width: int = 72, height: int = 72) -> Image.Image:
    """Coarse coloured blotches from edge to edge."""
    small = np.random.default_rng(seed).integers(0, 200, (12, 12, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def on_a_sheet(seed: int, width: int = 72, height: int = 72) -> Image.Image:
    """Blotches in the middle of a white sheet."""
    sheet = Image.new("RGB", (width, height), "white")
    sheet.paste(blotches(seed, width - 24, height - 24), (12, 12))
    return sheet


def encoded(picture: Image.Image, kind: str = "PNG") -> bytes:
    """The picture's file."""
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def write_parquet(file: Path, pictures: Sequence[Image.Image], names: Sequence[str], **columns: Sequence[str]) -> str:
    """A parquet source with columns of text."""
    image = [{"bytes": encoded(picture), "path": name} for picture, name in zip(pictures, names, strict=True)]
    features = {"image": datasets.Image(), **dict.fromkeys(columns, datasets.Value("string"))}
    file.parent.mkdir(parents=True, exist_ok=True)
    datasets.Dataset.from_dict({"image": image, **columns}, features=datasets.Features(features)).to_parquet(file)
    return str(file)


def rows(folder: Path, split: str) -> list[dict]:
    """What a build wrote."""
    return pq.read_table(folder / f"{split}.parquet").to_pylist()


def report(folder: Path) -> dict:
    """What a build says about itself."""
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def opened(row: dict) -> Image.Image:
    """A row's picture."""
    return Image.open(io.BytesIO(row["image"]["bytes"]))
