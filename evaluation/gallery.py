"""Pictures for people: the HTML gallery, contact sheets and the figure of outputs over epochs."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
       color: #222; background: #fbfaf7 }
table { border-spacing: 8px } th { font-weight: 600; text-align: left; position: sticky; top: 0; background: #fbfaf7 }
img { display: block; width: 256px; max-width: 100%; height: auto } td { vertical-align: top } small { color: #666 }
"""


def to_image(picture: Tensor) -> Image.Image:
    """(3, H, W) uint8 -> PIL RGB."""
    return Image.fromarray(np.ascontiguousarray(picture.permute(1, 2, 0).numpy()))


def write_gallery(
    folder: Path,
    title: str,
    columns: Mapping[str, Sequence[Image.Image]],
    captions: Sequence[str],
    language: str = "en",
) -> Path:
    """Write `index.html` with one row a picture, and the pictures as PNG beside it.

    The page needs nothing from outside its folder, so the folder can be moved or zipped.

    Args:
        folder: made where missing; pictures of the same names are replaced.
        columns: heading -> pictures, all of equal number.
        captions: one a row.

    Returns:
        the page.

    Raises:
        ValueError: if the columns differ in length.
    """
    _check_lengths(columns, len(captions))
    (folder / "images").mkdir(parents=True, exist_ok=True)
    lines = []
    for number, caption in enumerate(captions):
        cells = []
        for position, (heading, pictures) in enumerate(columns.items()):
            name = f"images/{number:03d}-{position}.png"
            pictures[number].save(folder / name, compress_level=6)
            label = html.escape(f"{heading}: {caption}")
            cells.append(f'<td><img src="{name}" alt="{label}" loading="lazy" width="256"></td>')
        lines.append(
            f"<tr>{''.join(cells)}</tr>\n<tr><td colspan={len(columns)}><small>{html.escape(caption)}</small></td></tr>"
        )
    headings = "".join(f"<th>{html.escape(heading)}</th>" for heading in columns)
    page = folder / "index.html"
    page.write_text(
        f'<!doctype html>\n<html lang="{language}">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{html.escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n<h1>{html.escape(title)}</h1>\n<table>\n<thead><tr>{headings}</tr></thead>\n"
        f"<tbody>\n{chr(10).join(lines)}\n</tbody>\n</table>\n</html>\n",
        encoding="utf-8",
    )
    return page


def picture_grid(columns: Mapping[str, Sequence[Image.Image]], side: int = 192, blocks: int = 1) -> Image.Image:
    """One picture a row, one column a heading: a contact sheet, or the paper's figure with epochs as columns.

    Args:
        columns: heading -> pictures, all of equal number, at least one.
        side: side of a cell in pixels; pictures are fitted into it.
        blocks: how many rows stand side by side, for long sheets.
    """
    count = len(next(iter(columns.values())))
    _check_lengths(columns, count)
    gap, head, font = 4, 22, ImageFont.load_default(13)
    lines, width = -(-count // blocks), len(columns) * (side + gap)
    sheet = Image.new("RGB", (blocks * (width + 3 * gap), head + lines * (side + gap)), "white")
    draw = ImageDraw.Draw(sheet)
    for block in range(blocks):
        left = block * (width + 3 * gap)
        for position, (heading, pictures) in enumerate(columns.items()):
            x = left + position * (side + gap)
            draw.text((x + 2, 3), _fitted(heading, draw, font, side), fill="black", font=font)
            for line, picture in enumerate(pictures[block * lines : (block + 1) * lines]):
                small = picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
                sheet.paste(small, (x, head + line * (side + gap)))
    return sheet


def _fitted(
    text: str, draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int
) -> str:
    while len(text) > 1 and draw.textlength(text, font=font) > width:
        text = text[:-2] + "…"
    return text


def _check_lengths(columns: Mapping[str, Sequence[Image.Image]], count: int) -> None:
    lengths = {heading: len(pictures) for heading, pictures in columns.items()}
    if not lengths or set(lengths.values()) != {count} or count == 0:
        raise ValueError(f"A gallery needs columns of {count} pictures each, more than none; got {lengths}.")
