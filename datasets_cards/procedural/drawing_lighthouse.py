"""A lighthouse by the sea."""

from itertools import pairwise

import numpy as np

from datasets_cards.procedural.drawing_nature import cloud, waves
from datasets_cards.procedural.drawing_palettes import mixed
from datasets_cards.procedural.drawing_sheet import Sheet
from datasets_cards.procedural.drawing_strokes import path


def lighthouse(sheet: Sheet, rng: np.random.Generator) -> None:
    """A lighthouse on a cliff, a sailing boat, gulls."""
    sheet.sky("sky", "glow")
    with sheet.at(mirrored=bool(rng.random() < 0.5)):
        sheet.disc(-0.3, -0.12, 0.09, "second", weight=0.8)
        for x, y, size in ((-0.4, -0.36, 0.07), (0.02, -0.27, 0.05), (0.42, -0.4, 0.06)):
            cloud(sheet, rng, x + rng.normal(0, 0.04), y, size)
        _sea(sheet)
        waves(sheet, rng, 16, 0.14)
        with sheet.at(0.22, 0.12, 1.1):
            _cliff(sheet)
            _hut(sheet)
            _tower(sheet)
        for x, y, size in ((-0.1, -0.4, 0.05), (-0.28, -0.25, 0.035), (-0.02, -0.13, 0.03)):
            with sheet.at(x, y, size):
                sheet.line(path("-1 0, -0.4 -0.35, 0 0, 0.4 -0.35, 1 0"), weight=0.9)


def _sea(sheet: Sheet) -> None:
    """Three swells, a boat on the second."""
    right = sheet.right + 0.05
    for number, tone in enumerate(("far", "mid", "near")):
        xs = np.arange(-right, right + 0.1, 0.1 + 0.03 * number)
        ys = 0.1 + 0.13 * number + 0.014 * (-1.0) ** np.arange(1, len(xs) + 1)
        colour = mixed(sheet.palette[tone], sheet.palette["third"], 0.45)
        sheet.ground(np.stack([xs, ys], 1), colour, weight=0.8)
        if number == 1:
            with sheet.at(-0.2, 0.2, 0.2):
                _boat(sheet)


def _boat(sheet: Sheet) -> None:
    sheet.line(path("0 0, 0 -1"), weight=1.2, curved=False)
    sheet.shape(path("0.04 -0.95!, 0.3 -0.5, 0.42 -0.12!, 0.04 -0.1!"), "light", shade=0.08)
    sheet.shape(path("-0.04 -0.8!, -0.2 -0.45, -0.3 -0.12!, -0.04 -0.1!"), "accent", shade=0.08)
    sheet.shape(path("-0.42 -0.04!, 0.5 -0.04!, 0.34 0.17, -0.3 0.17"), "wood", shade=0.08)


def _cliff(sheet: Sheet) -> None:
    edge = path("-0.22 0.25, -0.16 0.16, -0.06 0.1, 0.12 0.09, 0.6 0.02!")
    far = sheet.right / 1.1 + 0.1
    low = sheet.bottom / 1.1 + 0.1
    sheet.shape([(-0.26, low)] * 2 + edge.tolist() + [(far, 0.02)] * 2 + [(far, low)] * 2, "wood", shade=0.05)
    for x, y in path("-0.17 0.27, -0.1 0.2, -0.02 0.3, 0.08 0.2, 0.14 0.33, -0.12 0.36"):
        with sheet.at(x, y):
            sheet.line(path("0 0, 0.02 0.05, -0.005 0.1"), weight=0.8)
    turf = path("-0.16 0.16!, -0.06 0.09, 0.12 0.08, 0.6 0.01!, 0.6 0.06!, 0.12 0.135, 0.02 0.13, -0.07 0.15")
    sheet.shape(np.where(turf == 0.6, far, turf), "leaf", weight=0.9, shade=0.015)


def _hut(sheet: Sheet) -> None:
    with sheet.at(0.14, 0.075):
        sheet.shape(path("0 -0.1, 0.17 -0.115, 0.17 -0.02, 0 0"), "light", curved=False, shade=0.02)
        sheet.shape(path("-0.02 -0.09, 0.03 -0.17, 0.15 -0.18, 0.19 -0.11"), "third", curved=False, shade=0.015)
        sheet.shape(path("0.06 -0.075, 0.11 -0.08, 0.11 -0.04, 0.06 -0.035"), "second", curved=False, weight=0.8)


def _tower(sheet: Sheet) -> None:
    """Striped bands, a gallery, a lantern under a roof."""
    heights = np.linspace(0.1, -0.3, 6).tolist()
    for number, (low, high) in enumerate(pairwise(heights)):
        wide, narrow = (0.077 + 0.08 * y for y in (low, high))
        band = [(-wide, low), (wide, low), (narrow, high), (-narrow, high)]
        sheet.shape(band, ("accent", "light")[number % 2], curved=False, shade=0.03)
    sheet.box(-0.075, -0.325, 0.075, -0.3, "dark")
    sheet.box(-0.04, -0.4, 0.04, -0.325, "second")
    for x in (-0.013, 0.013):
        sheet.line([(x, -0.325), (x, -0.4)], weight=0.7, curved=False)
    sheet.shape(path("-0.055 -0.4!, 0 -0.47!, 0.055 -0.4!"), "accent", shade=0.015)
    sheet.shape(path("-0.022 0.1, -0.022 0.04, 0 0.02, 0.022 0.04, 0.022 0.1"), "wood")
    for y in (-0.08, -0.2):
        sheet.box(-0.014, y - 0.04, 0.014, y, "dark", weight=0.8)
