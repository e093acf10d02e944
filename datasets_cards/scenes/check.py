"""Sheets for a person to count: how often the content and the label of a picture are right."""

import io
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from datasets_cards.contact_sheet import contact_sheet
from datasets_cards.whole_folder import whole_folder

_A_SHEET = 50


def check(folder: Path, out: Path, *, count: int = 100, seed: int = 1, overwrite: bool = False) -> None:
    """Draw random training pictures of a build with their labels, for counting by eye.

    Writes train-N.png, 50 pictures on each page, numbered from left to right.

    Args:
        folder: The finished build.
        out: Folder for the sheets.
        count: Pictures to draw.
        seed: Which pictures.
        overwrite: Replace `out` where it exists.

    Raises:
        ValueError: a count below 1, or a folder without train.parquet.
    """
    if count < 1:
        raise ValueError(f"--count must be 1 or more, got {count}.")
    if not (folder / "train.parquet").is_file():
        raise ValueError(f"{folder} holds no train.parquet: give a folder that `build` wrote.")
    table = pq.read_table(folder / "train.parquet", columns=["image", "label", "content"])
    rows = table.take(np.random.default_rng(seed).permutation(len(table))[:count]).to_pylist()
    with whole_folder(out, overwrite) as pages:
        for start in range(0, len(rows), _A_SHEET):
            part = rows[start : start + _A_SHEET]
            images = [Image.open(io.BytesIO(row["image"]["bytes"])) for row in part]
            captions = [f"{start + i} {row['label']} {row['content']}" for i, row in enumerate(part)]
            contact_sheet(images, captions, cell=160).save(pages / f"train-{start // _A_SHEET}.png")
