"""Labelled pictures on disk: a split as a builder wrote it, its rows decoded and cut to squares."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from datasets import Dataset, Image, load_dataset
from PIL import Image as PILImage


def load_pictures(folder: Path, split: str, columns: Sequence[str] = ()) -> Dataset:
    """Open a split of labelled pictures, undecoded.

    Args:
        folder: with {train,val,test}.parquet as a builder wrote them, or one parquet file; columns image and label.
        split: "train", "val" or "test".
        columns: further ones that have to be there.

    Raises:
        FileNotFoundError: if there is nothing there, saying what was looked for.
        ValueError: if a column is missing.
    """
    folder = Path(folder)
    file = folder if folder.is_file() else folder / f"{split}.parquet"
    if not file.is_file():
        raise FileNotFoundError(f"No pictures at {folder}: looked for {split}.parquet in it.")
    pictures = load_dataset("parquet", data_files=str(file), split="train")
    if missing := {"image", "label", *columns} - set(pictures.column_names):
        raise ValueError(f"{file} lacks the column {', '.join(sorted(missing))}.")
    return pictures.cast_column("image", Image(decode=False))


def find_categories(folder: Path, only: str | None = None) -> tuple[str, ...]:
    """The labels of the training pictures, in alphabetical order; `only` keeps that one alone.

    Raises:
        FileNotFoundError: if there are no pictures, or none of that label.
    """
    found = sorted(set(map(str, load_pictures(folder, "train")["label"])))
    if only is not None and only not in found:
        known = ", ".join(found) or "none"
        raise FileNotFoundError(f"{folder} has no training picture labelled {only}; it has {known}.")
    if not found:
        raise FileNotFoundError(f"{folder} has no training pictures.")
    return (only,) if only is not None else tuple(found)


def decode(row: dict) -> np.ndarray:
    """One row's picture as (H, W, 3) uint8."""
    stored = row["image"]
    source = io.BytesIO(stored["bytes"]) if stored["bytes"] else stored["path"]
    return np.asarray(PILImage.open(source).convert("RGB"))


def square(pixels: np.ndarray, size: int) -> np.ndarray:
    """The middle square of a picture, bicubic: (H, W, 3) uint8 -> (size, size, 3) uint8."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = round((height - side) / 2), round((width - side) / 2)
    crop = PILImage.fromarray(pixels[top : top + side, left : left + side])
    return np.asarray(crop.resize((size, size), PILImage.Resampling.BICUBIC, reducing_gap=2))
