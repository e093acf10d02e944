"""Line drawings and their colouring from a seed: hand-drawn strokes, no extractor, in several moods.

What is drawn lies on two sheets: the lines alone, as a pen, brush, felt pen or pencil leaves them, and the same lines
over flat colours with a shadow, as a colourist would finish them.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image

from datasets_cards.procedural.drawing_balloons import balloons
from datasets_cards.procedural.drawing_bird import bird
from datasets_cards.procedural.drawing_bouquet import bouquet
from datasets_cards.procedural.drawing_cat import cat
from datasets_cards.procedural.drawing_cottage import cottage
from datasets_cards.procedural.drawing_figure import portrait
from datasets_cards.procedural.drawing_lighthouse import lighthouse
from datasets_cards.procedural.drawing_palettes import PALETTES, varied
from datasets_cards.procedural.drawing_sheet import Sheet
from datasets_cards.procedural.drawing_strokes import HANDS
from datasets_cards.procedural.painter import MAX_SIDE, MIN_SIDE

MOTIFS: dict[str, Callable[[Sheet, np.random.Generator], None]] = {
    "portrait": portrait,
    "cat": cat,
    "bird": bird,
    "bouquet": bouquet,
    "cottage": cottage,
    "lighthouse": lighthouse,
    "balloons": balloons,
}


class Drawing(NamedTuple):
    """One drawing."""

    lines: Image.Image  # mode L, 255 paper
    colour: Image.Image  # mode RGB, lines included


def drawing(
    seed: int,
    width: int = 512,
    height: int = 512,
    motif: str | None = None,
    palette: str | None = None,
    hand: str | None = None,
) -> Drawing:
    """Draw the picture number `seed`.

    Args:
        seed: any whole number from 0; the same arguments give the same pixels, in every process.
        width, height: in pixels, each from 64 to 4096.
        motif: one of `MOTIFS`; None takes them in turn.
        palette: one of `PALETTES`; None: the seed chooses. What is drawn stays the same under all.
        hand: one of `HANDS`; None: the seed chooses.

    Raises:
        ValueError: for a size or seed out of range, or a name that there is not.
    """
    if not (MIN_SIDE <= width <= MAX_SIDE and MIN_SIDE <= height <= MAX_SIDE):
        raise ValueError(f"A drawing's sides are {MIN_SIDE} to {MAX_SIDE} pixels, got {width}x{height}.")
    if seed < 0:
        raise ValueError(f"A seed is 0 or more, got {seed}.")
    for what, name, names in (("motif", motif, MOTIFS), ("palette", palette, PALETTES), ("hand", hand, HANDS)):
        if name is not None and name not in names:
            raise ValueError(f"A drawing's {what} is one of {', '.join(names)}, got {name!r}.")
    choice = np.random.default_rng([seed, 11])
    any_palette, any_hand = (list(names)[choice.integers(len(names))] for names in (PALETTES, HANDS))
    colours = varied(PALETTES[palette or any_palette], choice)
    sheet = Sheet(width, height, HANDS[hand or any_hand], colours, np.random.default_rng([seed, 12]))
    MOTIFS[motif or list(MOTIFS)[seed % len(MOTIFS)]](sheet, np.random.default_rng([seed, 13]))
    return Drawing(*sheet.finished())
