"""Labelled pictures on disk: a split as a builder wrote it, its rows decoded and cut to squares."""

import io
from pathlib import Path

import numpy as np
from datasets import Dataset, Image, load_dataset
from PIL import Image as PILImage


def load_pictures(folder: Path, split: str) -> Dataset:
    """Open a split of labelled pictures, undecoded.

    Args:
        folder: with {train,val,test}.parquet as a builder wrote them, or one parquet file; columns image and label.
        split: "train", "val" or "test".

    Raises:
        FileNotFoundError: if there is nothing there, saying what was looked for.
        ValueError: if a column is missing.
    """
    folder = Path(folder)
    file = folder if folder.is_file() else folder / f"{split}.parquet"
    if not file.is_file():
        raise FileNotFoundError(f"No pictures at {folder}: looked for {split}.parquet in it.")
    pictures = load_dataset("parquet", data_files=str(file), split="train")
    if missing := {"image", "label"} - set(pictures.column_names):
        raise ValueError(f"{file} lacks the column {', '.join(sorted(missing))}.")
    return pictures.cast_column("image", Image(decode=False))


def decode(row: dict) -> np.ndarray:
    """One row's picture as (H, W, 3) uint8."""
    stored = row["image"]
    source = io.BytesIO(stored["bytes"]) if stored["bytes"] else stored["path"]
    return np.asarray(PILImage.open(source).convert("RGB"))


def square(pixels: np.ndarray, size: int, share: float = 1.0, across: float = 0.5, down: float = 0.5) -> np.ndarray:
    """Cut a square and bring it to `size` x `size` (bicubic).

    Args:
        pixels: (H, W, 3) uint8.
        share: of the short side.
        across, down: where it lies, 0 at the left or top, 1 at the right or bottom; the middle by default.

    Returns:
        (size, size, 3) uint8.
    """
    height, width = pixels.shape[:2]
    side = max(1, round(min(height, width) * share))
    top, left = round(down * (height - side)), round(across * (width - side))
    crop = PILImage.fromarray(pixels[top : top + side, left : left + side])
    return np.asarray(crop.resize((size, size), PILImage.Resampling.BICUBIC, reducing_gap=2))
