"""A cat at a window."""

import numpy as np

from datasets_cards.procedural.drawing_flowers import leaf
from datasets_cards.procedural.drawing_nature import cloud
from datasets_cards.procedural.drawing_palettes import WHITE, Colour, mixed
from datasets_cards.procedural.drawing_sheet import Sheet
from datasets_cards.procedural.drawing_strokes import ellipse, path


def cat(sheet: Sheet, rng: np.random.Generator) -> None:
    """A cat on a cushion before a window, with a plant."""
    _room(sheet)
    _window(sheet, rng)
    fur = sheet.palette[("second", "dark", "light", "wood", "shade")[rng.integers(5)]]
    with sheet.at(-0.37, 0.3):
        _plant(sheet, rng)
    with sheet.at(0.0, 0.06, 1.05, mirrored=bool(rng.random() < 0.5)):
        cushion = path("-0.33 0.36, -0.3 0.28, 0 0.255, 0.3 0.28, 0.33 0.36, 0.29 0.42, 0 0.44, -0.29 0.42")
        sheet.shape(cushion, "accent", shade=0.03)
        for side in (-1, 1):
            sheet.line(path("0.3 0.35, 0.2 0.39, 0.1 0.4") * (side, 1), weight=0.7)
        _body(sheet, fur)
        _head(sheet, fur)
        _face(sheet, ("leaf", "third", "second", "sky")[rng.integers(4)])


def _body(sheet: Sheet, fur: Colour) -> None:
    """Tail, body, legs, with stripes and a pale breast."""
    stripe = mixed(fur, sheet.palette["ink"], 0.4)
    tail = path("0.14 0.32, 0.26 0.32, 0.34 0.24, 0.31 0.12, 0.335 0.06, 0.375 0.09, 0.4 0.22, 0.33 0.37, 0.15 0.385")
    sheet.shape(tail, fur, shade=0.02)
    for y in (0.12, 0.17, 0.22):
        sheet.tint(path("0.315 0, 0.395 0.01, 0.4 0.03, 0.33 0.02", 0, y), stripe)
    body = path("-0.1 -0.05, -0.15 0.08, -0.19 0.25, -0.17 0.36, 0 0.385, 0.17 0.36, 0.19 0.25, 0.15 0.08, 0.1 -0.05")
    sheet.shape(body, fur, shade=0.035)
    breast = path("-0.07 0.03, -0.09 0.12, -0.05 0.2, 0 0.22, 0.05 0.2, 0.09 0.12, 0.07 0.03")
    sheet.tint(breast, mixed(fur, WHITE, 0.7))
    for side in (-1, 1):
        for y in (0.16, 0.21):
            sheet.tint((path("0.18 0, 0.115 0.012, 0.183 0.028", 0, y)) * (side, 1), stripe)
        sheet.line(path("0.1 0.36, 0.075 0.28, 0.13 0.2") * (side, 1), weight=0.9)
        leg = path("0.015 0.2, 0.01 0.36, 0.03 0.392, 0.075 0.39, 0.085 0.355, 0.07 0.2") * (side, 1)
        sheet.tint(leg, fur)
        sheet.line(leg)
        for x in (0.037, 0.058):
            sheet.line([(side * x, 0.37), (side * x, 0.388)], weight=0.6)
    for x in (-0.02, 0.015):
        sheet.line(path("0 0.06, 0.008 0.085, 0 0.1", x, 0), weight=0.5)


def _head(sheet: Sheet, fur: Colour) -> None:
    """Ears, head, stripes on brow and cheeks, a pale muzzle."""
    stripe = mixed(fur, sheet.palette["ink"], 0.4)
    for side in (-1, 1):
        sheet.shape(path("0.06 -0.24!, 0.15 -0.37!, 0.19 -0.2!") * (side, 1), fur, shade=0.012)
        inner = path("0.095 -0.25, 0.14 -0.325!, 0.165 -0.22") * (side, 1)
        sheet.shape(inner, mixed(sheet.palette["skin"], sheet.palette["accent"], 0.3), weight=0.6)
    left = path("0 -0.275, -0.1 -0.265, -0.185 -0.19, -0.205 -0.09, -0.225 -0.05!, -0.17 -0.01, -0.08 0.045, 0 0.055")
    sheet.shape(np.concatenate([left, left[-2:0:-1] * (-1, 1)]), fur, shade=0.025)
    for side in (-1, 1):
        sheet.tint(ellipse(side * 0.045, -0.01, 0.06, 0.045), mixed(fur, WHITE, 0.7), curved=False)
        sheet.tint(path("0.2 -0.11, 0.13 -0.1, 0.2 -0.085") * (side, 1), stripe)
    for x in (-0.04, 0.0, 0.04):
        sheet.shape([(x - 0.009, -0.268), (x + 0.009, -0.268), (x * 0.7, -0.2)], stripe, curved=False, weight=0.4)


def _face(sheet: Sheet, iris: str) -> None:
    """Eyes, whiskers, nose, mouth, and a collar with its bell."""
    for side in (-1, 1):
        with sheet.at(mirrored=side < 0):
            sheet.shape(ellipse(0.095, -0.105, 0.046, 0.05, 0.15), iris, curved=False)
            sheet.black(ellipse(0.095, -0.105, 0.02, 0.042), curved=False)
            sheet.line(path("0.045 -0.125, 0.095 -0.16, 0.145 -0.135"), weight=1.4)
            for lean in (-0.012, 0.008, 0.026):
                whisker = [(0.08, -0.015 + lean), (0.18, -0.03 + 1.6 * lean), (0.26, -0.02 + 2.6 * lean)]
                sheet.line(whisker, weight=0.4)
            sheet.line(path("0 -0.022, 0.012 0.004, 0.045 -0.004"), weight=0.8)
        sheet.disc(side * 0.095 - 0.012, -0.125, 0.012, WHITE, weight=0)
    sheet.shape(path("-0.02 -0.045, 0.02 -0.045, 0 -0.022"), "accent", weight=0.8)
    sheet.shape(path("-0.11 0.04, 0 0.07, 0.11 0.04, 0.115 0.065, 0 0.1, -0.115 0.065"), "third", shade=0.006)
    sheet.disc(0, 0.1, 0.022, "second", shade=0.008)


def _room(sheet: Sheet) -> None:
    """Wall and boards."""
    right, bottom = sheet.right + 0.05, sheet.bottom + 0.05
    wall = mixed(sheet.palette["glow"], sheet.palette["sky"], 0.25)
    sheet.sky(wall, mixed(wall, sheet.palette["wood"], 0.2))
    sheet.box(-right, 0.31, right, bottom, mixed(sheet.palette["wood"], sheet.palette["light"], 0.35))
    for x in np.arange(-1.2, 1.21, 0.2) * max(1, right):
        sheet.line([(x * 0.85, 0.31), (x * 1.5, bottom)], weight=0.5, curved=False)


def _window(sheet: Sheet, rng: np.random.Generator) -> None:
    """The view, the frame, the curtains."""
    sheet.box(-0.39, -0.49, 0.39, 0.2, "wood", shade=0.01)
    sheet.box(-0.36, -0.46, 0.36, 0.2, "sky")
    sheet.disc(0.2, -0.32, 0.065, "glow", weight=0.8)
    cloud(sheet, rng, -0.2, -0.3, 0.08)
    sheet.shape(
        path("-0.36 0.05!, -0.2 -0.03, -0.05 0.03, 0.12 -0.06, 0.36 0.04!, 0.36 0.2!, -0.36 0.2!"), "mid", shade=0.02
    )
    sheet.box(-0.43, 0.2, 0.43, 0.235, "wood")
    for side in (-1, 1):
        with sheet.at(mirrored=side < 0):
            curtain = path("0.29 -0.54!, 0.47 -0.54!, 0.46 -0.2, 0.49 0.24!, 0.36 0.24!, 0.41 -0.05, 0.37 -0.3")
            sheet.shape(curtain, "third", shade=0.02)
            for x in (0.38, 0.43):
                sheet.line(path("0 -0.5, 0.015 -0.2, 0.01 0.2", x, 0), weight=0.6)
    sheet.line([(-0.52, -0.5), (0.52, -0.5)], weight=2.2, curved=False)


def _plant(sheet: Sheet, rng: np.random.Generator) -> None:
    for angle in np.linspace(-0.9, 0.9, 6) + rng.normal(0, 0.08, 6):
        leaf(sheet, 0.04 * np.sin(angle), -0.02, rng.uniform(0.16, 0.24), angle)
    sheet.shape(path("-0.085 -0.02, 0.085 -0.02, 0.06 0.13, -0.06 0.13"), "accent", curved=False, shade=0.02)
    sheet.box(-0.095, -0.04, 0.095, 0.0, "accent", shade=0.008)
