"""What the rows make of the scenes, for people: galleries, contact sheets, the paper's figure, numbers by picture."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from evaluation.gallery import picture_grid, to_image, write_gallery
from evaluation.paired import Measured
from pipelines.scene_translator.scene_pictures import Scenes
from pipelines.scene_translator.table_rows import BASELINES, DEFAULT, IDENTITY, TRANSFER, Direction

SHEET, FIGURE = 16, 5  # pictures of a contact sheet and of the paper's figure
_INPUT = "input"


def write_pictures(out: Path, direction: Direction, scenes: Scenes, outputs: Mapping[str, Tensor]) -> None:
    """One direction's pictures, in files named after it.

    - `gallery-...`: an HTML page with every picture: input, trained rows, colour transfer;
    - `contact_sheet-...jpg`: sixteen pictures, evenly spread: input, default, colour transfer;
    - `figure-...png`: the paper's figure, input and trained rows of five pictures.

    Args:
        outputs: row name -> (N, 3, H, W) uint8.
    """
    name, title = "-".join(direction), " to ".join(direction)
    trained = [row for row in outputs if row not in BASELINES]
    captions = [f"{key}, {content}" for key, content in zip(scenes.ids, scenes.contents, strict=True)]
    columns = _images({_INPUT: scenes.pictures} | {row: outputs[row] for row in (*trained, TRANSFER)})
    write_gallery(out / f"gallery-{name}", f"Scene translator: {title}", columns, captions)
    sheet = [_INPUT, *(row for row in trained if row == DEFAULT), TRANSFER]
    blocks = 2 if len(scenes) > 1 else 1
    picture_grid(_some(columns, sheet, SHEET), side=192, blocks=blocks).save(
        out / f"contact_sheet-{name}.jpg", quality=92
    )
    picture_grid(_some(columns, [_INPUT, *trained], FIGURE), side=256).save(out / f"figure-{name}.png")


def write_numbers(file: Path, directions: Sequence[tuple[Direction, Scenes, Mapping[str, Measured]]]) -> None:
    """Every measure of every picture, one line a picture and row, to find where a model fails."""
    fixed = ("direction", "row", "picture", "content")
    measures = list(directions[0][2][IDENTITY].values)
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*fixed, *measures])
        for direction, scenes, measured in directions:
            for name, values in measured.items():
                for number in range(len(scenes)):
                    cells = [_number(values.values.get(measure), number) for measure in measures]
                    place = [" to ".join(direction), name, scenes.ids[number], scenes.contents[number]]
                    writer.writerow([*place, *cells])


def _images(columns: Mapping[str, Tensor]) -> dict[str, list[Image.Image]]:
    return {heading: [to_image(picture) for picture in pictures] for heading, pictures in columns.items()}


def _some(columns: Mapping[str, list[Image.Image]], chosen: Sequence[str], count: int) -> dict[str, list[Image.Image]]:
    """A few pictures, evenly spread, of some of the columns."""
    total = len(columns[_INPUT])
    rows = np.linspace(0, total - 1, min(count, total)).round().astype(int)
    return {heading: [columns[heading][row] for row in rows] for heading in chosen}


def _number(values: np.ndarray | None, row: int) -> str:
    return "" if values is None else f"{values[row]:.6g}"
