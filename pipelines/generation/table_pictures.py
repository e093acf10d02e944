"""What the rows make, for people: a contact sheet a row, each sample beside its nearest training picture, numbers."""

import csv
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from evaluation.gallery import picture_grid, to_image
from pipelines.generation.measured_pictures import PictureSet
from pipelines.generation.noise import contact_sheet
from pipelines.generation.table_measures import Ground, MeasuredRow

SHEET, ACROSS = 64, 8  # pictures of a contact sheet, and of one of its lines
PAIRS, BLOCKS = 48, 4  # pairs of a sheet of nearest training pictures, and how many stand side by side
_SIDE = 96  # of a picture beside another, in pixels, or its own where that is more


def write_pictures(out: Path, name: str, row: MeasuredRow, ground: Ground) -> None:
    """A row's sheets, in files named after it and the pictures' size.

    - `samples-...png`: 64 pictures, evenly spread, category by category;
    - `nearest-...png`: samples with their nearest training pictures, the nearest pairs first.
    """
    sample_sheet(row.shown).save(out / f"samples-{_file_name(name, row)}.png")
    nearest_sheet(row, ground).save(out / f"nearest-{_file_name(name, row)}.png")


def sample_sheet(shown: PictureSet) -> Image.Image:
    """At most 64 pictures in lines of eight, evenly spread over the set, sorted by category."""
    order = sorted(range(len(shown)), key=lambda position: (shown.labels[position], position))
    places = np.linspace(0, len(order) - 1, min(SHEET, len(order))).round().astype(int)
    chosen = [to_image(shown.pictures[order[place]]) for place in places]
    return contact_sheet(chosen, ACROSS)


def nearest_sheet(row: MeasuredRow, ground: Ground) -> Image.Image:
    """Samples and their nearest training pictures side by side, those that are nearest to theirs first."""
    order = np.argsort(row.memorisation.samples.distance, kind="stable")[:PAIRS]
    pairs = {"sample": row.shown.take(order), "nearest": row.nearest(ground).take(order)}
    columns = {heading: [to_image(picture) for picture in some.pictures] for heading, some in pairs.items()}
    blocks = min(BLOCKS, len(order))
    return picture_grid(columns, side=max(_SIDE, row.shown.side), blocks=blocks)


def write_numbers(file: Path, rows: Mapping[tuple[str, int], tuple[MeasuredRow, Ground]]) -> None:
    """Every picture of every row: its grey statistics, its nearest training picture, and how far that is.

    Args:
        rows: row name and side -> the row, and what it stands on.
    """
    grey = list(next(iter(rows.values()))[0].grey)
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["row", "side", "picture", "category", "colour", *grey, "nearest", "distance"])
        for (name, side), (row, ground) in rows.items():
            nearest, distances = row.nearest(ground).ids, row.memorisation.samples.distance
            for number in range(len(row.shown)):
                shown = (row.shown.ids[number], row.shown.labels[number], row.shown.colours[number])
                values = [f"{row.grey[measure][number]:.6g}" for measure in grey]
                writer.writerow([name, side, *shown, *values, nearest[number], f"{distances[number]:.6g}"])


def _file_name(name: str, row: MeasuredRow) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"{name} {row.shown.side} px".lower()).strip("-")
