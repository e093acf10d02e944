"""Sheets for a person to count: how often the mark filter is right, and what it misses."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow.parquet as pq
import tyro
from PIL import Image, ImageDraw

from datasets_cards.contact_sheet import contact_sheet
from datasets_cards.lpd.crops import SIZE, Box
from datasets_cards.lpd.cutting import take
from datasets_cards.lpd.filters import lab_of, paper_tone
from datasets_cards.lpd.marks import Mark, marks_in
from datasets_cards.lpd.paintings import decode
from datasets_cards.lpd.seals import find_seals
from datasets_cards.lpd.text import TextFinder
from datasets_cards.sources import SourceImage, read_sources
from datasets_cards.whole_folder import whole_folder

_MARKS = ("inscription", "seal", "watermark")
_A_SHEET = 25  # crops on one page, large enough to see a faint seal
_SKETCH = {"inscription": (0, 90, 255), "watermark": (255, 0, 255), "seal": (0, 200, 0)}


def check(
    source: Annotated[tuple[str, ...], tyro.conf.UseAppendAction],
    folder: Path,
    out: Path,
    *,
    count: int = 100,
    seed: int = 1,
    text_cache: Path = Path("runs/lpd-text.json"),
    overwrite: bool = False,
) -> None:
    """Draw random dropped and kept crops of a build, for counting by eye.

    Writes dropped-N.png (crops dropped for an inscription, a seal or a watermark, with the boxes that were found) and
    kept-N.png (training crops), 25 on each page, numbered from left to right. Precision is the share of
    dropped crops that do show a mark; the miss rate is the share of kept crops that show one.

    Args:
        source: What the set was built from; repeat for more.
        folder: The finished build.
        out: Folder for the sheets.
        count: Crops of each kind.
        seed: Which crops; use another than any the thresholds were set by.
        text_cache: The build's file of text boxes.
        overwrite: Replace `out` where it exists.

    Raises:
        ValueError: a folder without report.json, or sources that do not hold its paintings.
    """
    if not (folder / "report.json").is_file():
        raise ValueError(f"{folder} holds no report.json: give a folder that `build lpd` wrote.")
    drops = json.loads((folder / "report.json").read_text(encoding="utf-8"))["dropped"]
    drops = [drop for drop in drops if drop["reason"] in _MARKS]
    images = {image.name: image for image in read_sources(source)}
    rng = np.random.default_rng(seed)
    with whole_folder(out, overwrite) as pages:
        text = TextFinder(text_cache)
        chosen = _some(drops, count, rng)
        _pages(pages, "dropped", [(_drop_sketch(images, drop, text), drop["reason"]) for drop in chosen])
        kept = pq.read_table(folder / "train.parquet", columns=["image", "painting"])
        crops = [kept.slice(i, 1).to_pylist()[0] for i in _some(range(len(kept)), count, rng)]
        _pages(pages, "kept", [(Image.open(io.BytesIO(c["image"]["bytes"])), c["painting"][-24:]) for c in crops])


def _some(items: Sequence[Any], count: int, rng: np.random.Generator) -> list[Any]:
    return [items[int(i)] for i in rng.permutation(len(items))[:count]]


def _drop_sketch(images: dict[str, SourceImage], drop: dict[str, Any], text: TextFinder) -> Image.Image:
    """The dropped crop with the marks found in it outlined."""
    if drop["painting"] not in images:
        raise ValueError(f"The sources do not hold {drop['painting']}: name those the build was made from.")
    scan = decode(images[drop["painting"]])
    x, y, side = drop["box"]
    box = Box(x - scan.left, y - scan.top, side)
    lab = lab_of(scan.pixels)
    picture = Image.fromarray(take(scan.pixels, box))
    draw = ImageDraw.Draw(picture)
    for mark in marks_in(box, [*text(scan.pixels), *find_seals(lab, paper_tone(lab))]):
        draw.rectangle(_within(mark, box), outline=_SKETCH[mark.kind])
    return picture


def _within(mark: Mark, box: Box) -> tuple[float, float, float, float]:
    scale = SIZE / box.side
    left, top = (mark.left - box.x) * scale - 2, (mark.top - box.y) * scale - 2
    return left, top, (mark.right - box.x) * scale + 2, (mark.bottom - box.y) * scale + 2


def _pages(folder: Path, name: str, crops: Sequence[tuple[Image.Image, str]]) -> None:
    for page, start in enumerate(range(0, len(crops), _A_SHEET)):
        part = crops[start : start + _A_SHEET]
        captions = [f"{start + i} {reason}" for i, (_, reason) in enumerate(part)]
        sheet = contact_sheet([crop for crop, _ in part], captions, columns=5, cell=SIZE)
        sheet.save(folder / f"{name}-{page + 1}.png")
