"""A cottage in the hills."""

import numpy as np

from datasets_cards.procedural.drawing_nature import cloud, grass, ridge, tree
from datasets_cards.procedural.drawing_palettes import mixed
from datasets_cards.procedural.drawing_sheet import Sheet
from datasets_cards.procedural.drawing_strokes import path


def cottage(sheet: Sheet, rng: np.random.Generator) -> None:
    """A cottage among hills and trees, smoke rising."""
    sheet.sky("sky", "glow")
    sheet.disc(rng.choice([-0.3, 0.32]), -0.33, 0.075, "second", weight=0.8)
    for x in (-0.33, 0.1, 0.42):
        cloud(sheet, rng, x + rng.normal(0, 0.05), -0.3 + rng.normal(0, 0.05), rng.uniform(0.05, 0.08))
    ridge(sheet, rng, 0.02, 0.16, "far")
    ridge(sheet, rng, 0.1, 0.1, "mid")
    ridge(sheet, rng, 0.2, 0.04, "near")
    with sheet.at(mirrored=bool(rng.random() < 0.5)):
        for x, y, size in ((-0.38, 0.24, 0.36), (0.4, 0.2, 0.27), (-0.24, 0.18, 0.2)):
            tree(sheet, rng, x, y, size * rng.uniform(0.9, 1.15), ("leaf", "near", "second")[rng.integers(3)])
        with sheet.at(0.03, 0.05, 1.15):
            _house(sheet)
            _windows(sheet, rng)
        _garden(sheet)
    grass(sheet, rng, 26, 0.36)


def _house(sheet: Sheet) -> None:
    """Smoke, chimney, walls, a tiled roof, a door."""
    for number, (x, y) in enumerate(path("0.165 -0.3, 0.13 -0.36, 0.2 -0.4, 0.16 -0.46")):
        sheet.disc(x, y, 0.02 + 0.009 * number, "light", weight=0.7, shade=0.006)
    sheet.box(0.13, -0.27, 0.2, -0.1, "accent", shade=0.015)
    sheet.box(-0.22, -0.04, 0.22, 0.23, "light", shade=0.03)
    sheet.shape(path("-0.28 -0.02, -0.17 -0.23, 0.19 -0.23, 0.28 -0.02"), "accent", curved=False, shade=0.02)
    for row in range(4):
        half = 0.19 + 0.022 * row
        for x in np.arange(-half - 0.02 + 0.02 * (row % 2), half, 0.045):
            with sheet.at(x, -0.185 + 0.045 * row):
                sheet.line(path("0 0, 0.022 0.02, 0.045 0"), weight=0.5)
    sheet.disc(0.0, -0.125, 0.035, "second")
    sheet.shape(path("-0.045 0.23, -0.045 0.09, 0 0.05, 0.045 0.09, 0.045 0.23"), "third", shade=0.01)
    sheet.disc(0.027, 0.155, 0.007, "second", weight=0.6)


def _windows(sheet: Sheet, rng: np.random.Generator) -> None:
    for x in (-0.14, 0.14):
        with sheet.at(x):
            sheet.box(-0.045, 0.05, 0.045, 0.14, "second")
            sheet.line(path("0 0.05, 0 0.14"), weight=0.8, curved=False)
            sheet.line(path("-0.045 0.095, 0.045 0.095"), weight=0.8, curved=False)
            sheet.box(-0.052, 0.14, 0.052, 0.168, "wood", weight=0.8)
            for flower in (-0.035, 0.0, 0.035):
                sheet.disc(flower, 0.135, 0.014, ("accent", "third")[rng.integers(2)], weight=0.7)


def _garden(sheet: Sheet) -> None:
    """The way to the door, and a fence beside it."""
    low = sheet.bottom + 0.05
    way = [(0.0, 0.31), (0.07, 0.31), (0.12, 0.38), (0.06, 0.45), (0.2, low), (-0.06, low), (-0.08, 0.44), (0.03, 0.38)]
    sheet.shape(way, mixed(sheet.palette["light"], sheet.palette["wood"], 0.3), weight=0.8)
    post = path("-0.011 0.36, -0.011 0.285, 0 0.268, 0.011 0.285, 0.011 0.36")
    for x in np.arange(0.16, sheet.right, 0.055):
        sheet.shape(post - (x, 0), "light", curved=False, weight=0.8, shade=0.006)
    sheet.line([(-0.14, 0.31), (-sheet.right, 0.308)], weight=1.2)
