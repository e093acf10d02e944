"""What the rows make of the drawings, for people: galleries, contact sheets, numbers by picture."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from evaluation.gallery import picture_grid, to_image, write_gallery
from evaluation.paired import Measured
from evaluation.palette import palette_distance, palettes
from pipelines.lineart_colorizer.measured_drawings import OTHER, TARGET, Drawings
from pipelines.lineart_colorizer.pipeline_lineart_colorizer import LineArtColorizer
from pipelines.lineart_colorizer.table_rows import PALETTE, Outputs, paint, trained_names

SHEET = 16  # drawings of a contact sheet
SWAPS = (8, 4)  # drawings and references of the sheet of swapped references
FILE_NAMES = {TARGET: "target", OTHER: "other"}


def write_pictures(out: Path, name: str, drawings: Drawings, outputs: Outputs) -> None:
    """Pictures of both kinds of reference, in files named after it: "gallery-other", "contact_sheet-other.jpg".

    - the gallery, an HTML page: every drawing with its reference, the trained rows, the palette baseline, the target;
    - the contact sheet: the same of sixteen drawings, evenly spread.

    Args:
        name: put behind the files' names; "" for the main table.
    """
    captions = [f"{subset}, {key}" for subset, key in zip(drawings.subsets, drawings.ids, strict=True)]
    for kind, rows in outputs.items():
        columns = {"drawing": drawings.lines.expand(-1, 3, -1, -1), "reference": drawings.references(kind)[0]}
        columns |= {row: rows[row] for row in (*reversed(trained_names(list(rows))), PALETTE)}
        columns["target"] = drawings.pictures
        images = {heading: [to_image(picture) for picture in pictures] for heading, pictures in columns.items()}
        ending = FILE_NAMES[kind] + name
        write_gallery(out / f"gallery-{ending}", f"Line art colorizer, reference: {kind}", images, captions)
        some = spread_rows(len(drawings), SHEET)
        sheet = {heading: [pictures[row] for row in some] for heading, pictures in images.items()}
        blocks = 2 if len(some) > 1 else 1
        picture_grid(sheet, side=144, blocks=blocks).save(out / f"contact_sheet-{ending}.jpg", quality=92)


def write_swaps(file: Path, drawings: Drawings, pipe: LineArtColorizer) -> None:
    """A sheet of drawings, one a line, each in the colours of several references, which stand above."""
    lines = [drawings.lines[row] for row in spread_rows(len(drawings), SWAPS[0])]
    references = [drawings.pictures[row] for row in distinct(drawings.pictures, SWAPS[1])]
    blank = Image.new("RGB", (drawings.lines.shape[3], drawings.lines.shape[2]), "white")
    columns = {"drawing": [blank, *(to_image(drawing.expand(3, -1, -1)) for drawing in lines)]}
    for number, reference in enumerate(references, 1):
        painted = [to_image(paint(pipe, drawing, reference)) for drawing in lines]
        columns[f"reference {number}, and in its colours"] = [to_image(reference), *painted]
    picture_grid(columns, side=224).save(file, quality=92)


def distinct(pictures: Tensor, count: int) -> list[int]:
    """Positions of pictures whose palettes differ: the strongest colours first, then always the farthest from those.

    Args:
        pictures: (N, 3, H, W) uint8.
    """
    found = np.concatenate([palettes(part.float() / 255, 64) for part in pictures.split(16)])
    picked = [int(np.hypot(found[..., 1], found[..., 2]).mean(1).argmax())]
    nearest = np.full(len(found), np.inf)
    while len(picked) < min(count, len(found)):
        newest = found[picked[-1]]
        nearest = np.minimum(nearest, [palette_distance(palette, newest) for palette in found])
        nearest[picked] = -1  # equal pictures are no reason to take one twice
        picked.append(int(nearest.argmax()))
    return picked


def spread_rows(total: int, count: int) -> list[int]:
    """A few positions, evenly spread over `total`."""
    return torch.linspace(0, total - 1, min(count, total)).round().int().tolist()


def write_numbers(file: Path, parts: Sequence[tuple[Drawings, Mapping[str, Mapping[str, Measured]]]]) -> None:
    """Every measure of every picture, one line a picture, row and kind of reference, to find where a model fails.

    Args:
        parts: drawings, and kind of reference -> row -> what was measured.
    """
    measures = list(next(iter(parts[0][1][OTHER].values())).values)
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["reference", "row", "subset", "picture", "of", *measures])
        for drawings, by_kind in parts:
            for kind, rows in by_kind.items():
                reference_ids = drawings.references(kind)[1]
                for name, measured in rows.items():
                    for number, key in enumerate(drawings.ids):
                        values = [f"{measured.values[measure][number]:.6g}" for measure in measures]
                        writer.writerow([kind, name, drawings.subsets[number], key, reference_ids[number], *values])
