"""A bird on a branch."""

import numpy as np

from datasets_cards.procedural.drawing_flowers import blossom, leaf, petals_falling
from datasets_cards.procedural.drawing_nature import cloud
from datasets_cards.procedural.drawing_palettes import WHITE, mixed
from datasets_cards.procedural.drawing_sheet import Sheet
from datasets_cards.procedural.drawing_strokes import ellipse, path

_TWIGS = tuple(
    path(text)
    for text in (
        "-0.35 0.22, -0.3 0.1, -0.36 -0.04",
        "0.3 0.18, 0.38 0.06, 0.36 -0.06",
        "-0.15 0.26, -0.1 0.36, 0 0.42",
    )
)


def bird(sheet: Sheet, rng: np.random.Generator) -> None:
    """A bird on a branch in blossom, before the sun or the moon."""
    sheet.sky("sky", "glow")
    sheet.disc(0.12, -0.14, 0.29, mixed(sheet.palette["glow"], sheet.palette["light"], 0.6), weight=0.7)
    for x, y, size in ((-0.3, -0.33, 0.09), (0.36, 0.3, 0.1), (-0.32, 0.4, 0.07)):
        cloud(sheet, rng, x, y, size)
    _branch(sheet)
    with sheet.at(0.0, 0.03, 0.95, rng.normal(0, 0.06), bool(rng.random() < 0.5)):
        back = ("third", "leaf", "accent")[rng.integers(3)]
        _body(sheet, rng, back, ("second", "light", "accent")[rng.integers(3)])
        _head(sheet)
    for twig in _TWIGS:
        blossom(sheet, rng, *twig[2], 0.065, "accent", "second")
        leaf(sheet, *twig[1], 0.1, rng.uniform(-2, 2))
    for x in (-0.42, -0.27, 0.28, 0.42, 0.03):
        place = (x + rng.normal(0, 0.02), 0.2 + rng.normal(0, 0.03))
        blossom(sheet, rng, *place, rng.uniform(0.04, 0.065), ("accent", "light")[rng.integers(2)], "second")
    petals_falling(sheet, rng, 8)


def _branch(sheet: Sheet) -> None:
    for twig in _TWIGS:
        sheet.line(twig, weight=2.2)
    right = sheet.right + 0.1
    upper = path("-0.4 0.2, -0.1 0.23, 0.2 0.16, 0.5 0.19")
    lower = path("0.5 0.225, 0.2 0.205, -0.1 0.275, -0.4 0.25")
    ends = [(right, 0.1), (right, 0.13)], [(-right, 0.34), (-right, 0.27)]
    sheet.shape([*upper, *ends[0], *lower, *ends[1]], "wood", shade=0.012)


def _body(sheet: Sheet, rng: np.random.Generator, back: str, breast: str) -> None:
    """Tail, feet, body, breast and wing."""
    for shift in (0.0, 0.03):
        tail = path("0.1 0.04, 0.25 0.1, 0.43 0.24!, 0.39 0.28!, 0.2 0.17, 0.08 0.12", 0, shift)
        sheet.shape(tail, back, shade=0.012)
    for x in (-0.05, 0.01):
        sheet.line([(x, 0.13), (x - 0.01, 0.2)], weight=1.6)
        for toe in (-0.025, 0.0, 0.025):
            sheet.line([(x - 0.01, 0.2), (x - 0.01 + toe, 0.225)], weight=1.2, curved=False)
    body = path(
        "-0.19 -0.2, -0.22 -0.12, -0.215 0, -0.15 0.12, -0.03 0.16, 0.09 0.13, 0.15 0.06, 0.1 -0.05, "
        "-0.01 -0.14, -0.03 -0.23, -0.1 -0.275, -0.17 -0.255"
    )
    sheet.shape(body, back, shade=0.03)
    belly = path("-0.205 -0.1, -0.205 0, -0.15 0.1, -0.04 0.14, 0.03 0.1, -0.05 0.02, -0.1 -0.08, -0.14 -0.14")
    sheet.shape(belly, breast, weight=0.6)
    for _ in range(9):
        with sheet.at(rng.uniform(-0.17, -0.06), rng.uniform(-0.04, 0.09)):
            sheet.line(path("0 0, 0.01 0.014, 0.022 0"), weight=0.45)
    wing = path("-0.07 -0.06, 0.03 -0.07, 0.14 0.02, 0.27 0.15!, 0.16 0.13, 0.04 0.12, -0.05 0.05")
    sheet.shape(wing, mixed(sheet.colour(back), sheet.palette["ink"], 0.2), shade=0.02)
    for row in path("-0.02 0, 0.02 0.04, 0.06 0.075"):
        for step in range(3):
            with sheet.at(*(row + step * np.array([0.045, 0.0135]))):
                sheet.line(path("0 -0.03, 0.03 -0.005, 0.005 0.005"), weight=0.6)


def _head(sheet: Sheet) -> None:
    sheet.shape(path("-0.19 -0.2!, -0.275 -0.165!, -0.205 -0.155!"), "second", weight=0.9, shade=0.006)
    sheet.line(path("-0.2 -0.178, -0.27 -0.167"), weight=0.6)
    sheet.disc(-0.135, -0.2, 0.027, "light", weight=0.8)
    sheet.black(ellipse(-0.137, -0.2, 0.017), curved=False)
    sheet.disc(-0.142, -0.206, 0.006, WHITE, weight=0)
    crest = path("-0.13 -0.265, -0.1 -0.33, -0.04 -0.36!, -0.065 -0.31, -0.05 -0.245")
    sheet.shape(crest, "accent", weight=0.8, shade=0.008)
