"""A figure: head and shoulders of a person, with hair, clothes and something worn in the hair, all at random."""

from itertools import pairwise

import numpy as np

from datasets_cards.procedural.drawing_face import face
from datasets_cards.procedural.drawing_flowers import blossom, petals_falling
from datasets_cards.procedural.drawing_palettes import WHITE, Colour, mixed
from datasets_cards.procedural.drawing_sheet import Sheet
from datasets_cards.procedural.drawing_strokes import path

_LENGTHS = {"long": 0.42, "bob": 0.17, "tails": 0.08, "bun": 0.1}  # how low hair hangs behind the neck
_SIZE = 1.12


def portrait(sheet: Sheet, rng: np.random.Generator) -> None:
    """Somebody before a disc of light, petals in the wind."""
    sheet.sky("sky", mixed(sheet.palette["sky"], sheet.palette["glow"], 0.7))
    sheet.disc(0.0, -0.06, 0.43, "glow", weight=0.8)
    petals_falling(sheet, rng, 14)
    hair = sheet.palette[("dark", "wood", "second", "third", "accent")[rng.integers(5)]]
    style, tilt, mirrored = list(_LENGTHS)[rng.integers(4)], rng.normal(0, 0.05), bool(rng.random() < 0.5)
    with sheet.at(0, -0.02, _SIZE, tilt, mirrored):
        _hair_behind(sheet, style, hair)
    with sheet.at(0, 0, _SIZE):
        _clothes(sheet, rng)
    with sheet.at(0, -0.02, _SIZE, tilt, mirrored):
        face(sheet, rng)
        _hair_before(sheet, rng, hair)
        _worn(sheet, int(rng.integers(4)), rng)


def _hair_behind(sheet: Sheet, style: str, hair: Colour) -> None:
    """What hangs behind the neck."""
    for side in (-1, 1):
        with sheet.at(mirrored=side < 0):
            if style == "bun":
                sheet.disc(0.17, -0.27, 0.085, hair, shade=0.02)
                sheet.line(path("0.13 -0.29, 0.17 -0.25, 0.2 -0.29"), weight=0.7)
            if style == "tails":
                tail = path("0.17 -0.2, 0.27 -0.19, 0.36 -0.04, 0.37 0.17, 0.3 0.34!, 0.26 0.17, 0.24 0.02")
                sheet.shape(tail, hair, shade=0.03)
                for x in (0.0, 0.035):
                    sheet.line(path("0.25 -0.12, 0.3 0.05, 0.29 0.22", x, 0), weight=0.6)
    low = _LENGTHS[style]
    right = [(0.0, low - 0.02), (0.21, low), (0.235, low * 0.7), (0.225, 0.05), (0.2, -0.1), (0.13, -0.25), (0, -0.3)]
    left = np.array(right)[-2:0:-1] * (-1, 1)
    sheet.shape(np.concatenate([right, left]), mixed(hair, sheet.palette["ink"], 0.25))


def _clothes(sheet: Sheet, rng: np.random.Generator) -> None:
    """Neck, shoulders, and a sailor's collar or a scarf."""
    below = sheet.bottom / _SIZE + 0.1
    sheet.shape(path("-0.055 0.12, -0.06 0.24, -0.09 0.3, 0.09 0.3, 0.06 0.24, 0.055 0.12"), "skin", shade=0.03)
    left = [*path("0 0.315, -0.07 0.27, -0.2 0.315, -0.3 0.37, -0.34 0.46"), *[np.array([-0.36, below])] * 2]
    right = np.array(left)[:0:-1] * (-1, 1)
    sheet.shape(np.concatenate([left, right]), ("accent", "third", "leaf", "second")[rng.integers(4)], shade=0.04)
    for side in (-1, 1):
        sheet.line(path("0.25 0.45, 0.235 0.55") * (side, 1), weight=0.8)
    if rng.random() < 0.5:
        _collar(sheet)
    else:
        _scarf(sheet)


def _collar(sheet: Sheet) -> None:
    for side in (-1, 1):
        with sheet.at(mirrored=side < 0):
            sheet.shape(path("0.065 0.26!, 0.2 0.31!, 0.17 0.38, 0 0.46!"), "light", shade=0.015)
            sheet.line(path("0.175 0.325, 0.15 0.365, 0.02 0.43"), weight=0.6)
            sheet.shape(path("0 0.445, 0.08 0.42, 0.085 0.48, 0 0.46"), "second", shade=0.01)
    sheet.disc(0, 0.453, 0.02, "second")


def _scarf(sheet: Sheet) -> None:
    sheet.shape(path("0.05 0.33, 0.11 0.33, 0.14 0.47!, 0.065 0.48!"), "light", shade=0.015)
    for y in (0.38, 0.41, 0.44):
        stripe = path("0.06 0, 0.127 -0.003, 0.13 0.012, 0.062 0.015", 0, y)
        sheet.tint(stripe, "accent", curved=False)
    ring = path("-0.12 0.25, -0.15 0.3, -0.1 0.345, 0 0.36, 0.1 0.345, 0.15 0.3, 0.12 0.25, 0 0.29")
    sheet.shape(ring, "light", shade=0.02)
    for x in (-0.06, 0.0, 0.06):
        sheet.line([(x, 0.3 - abs(x) * 0.2), (x * 1.15, 0.34 - abs(x) * 0.2)], weight=0.6)


def _hair_before(sheet: Sheet, rng: np.random.Generator, hair: Colour) -> None:
    """A lock on either side, the crown with its fringe, a band of gleam."""
    for side in (-1, 1):
        drop = 0.14 + 0.08 * rng.random()
        lock = [(0.158, -0.12), (0.15, 0.0), (0.165, drop), (0.165, drop), (0.2, 0.05), (0.205, -0.08)]
        sheet.shape(np.array(lock) * (side, 1), hair, shade=0.012)
    count = int(rng.integers(4, 7))
    edges = np.linspace(-0.165, 0.165, count + 1) + np.array([0, *rng.normal(0, 0.008, count - 1), 0])
    fringe: list[tuple[float, float]] = []
    for left, right in pairwise(edges.tolist()):  # each lock ends in a point, notches between
        fringe += [(left * 0.45 + right * 0.55, -0.035 + 0.02 * rng.random())] * 2
        fringe += [(right, -0.11 - 0.1 * right**2 + 0.02 * rng.random())] * 2
    crown = path(
        "-0.17 -0.08, -0.198 0!, -0.212 -0.12, -0.165 -0.245, -0.06 -0.305, 0.06 -0.305, 0.165 -0.245, 0.212 -0.12, "
        "0.198 0!, 0.17 -0.08"
    )
    sheet.shape([*crown, *fringe[-3::-1]], hair, shade=0.02)
    gleam = path(
        "-0.16 -0.17, -0.08 -0.22, 0.08 -0.22, 0.16 -0.17, 0.1 -0.185, 0.05 -0.2, 0 -0.18, -0.05 -0.2, -0.1 -0.185"
    )
    sheet.tint(gleam, mixed(hair, WHITE, 0.4), 0.7)
    for x in edges[1:-1]:
        sheet.line(path("1 -0.11, 0.9 -0.17, 0.5 -0.235") * (x, 1), weight=0.6)
        sheet.line([(x + 0.02, -0.08), (x * 0.75, -0.15)], weight=0.4)


def _worn(sheet: Sheet, kind: int, rng: np.random.Generator) -> None:
    """Flowers, a ribbon, a witch's hat or nothing on the hair."""
    if kind == 0:
        blossom(sheet, rng, 0.155, -0.2, 0.055, "accent", "second")
        blossom(sheet, rng, 0.205, -0.135, 0.035, "light", "second")
    elif kind == 1:
        for side in (-1, 1):
            wing = path("0 -0.29, 0.06 -0.36, 0.13 -0.37, 0.13 -0.29, 0.11 -0.235, 0.05 -0.26") * (side, 1)
            sheet.shape(wing, "accent", shade=0.015)
            sheet.line(path("0.025 -0.295, 0.08 -0.31") * (side, 1), weight=0.6)
        sheet.disc(0, -0.293, 0.026, "accent", high=0.03, shade=0.008)
    elif kind == 2:
        crown = path("-0.17 -0.23, -0.1 -0.34, 0.0 -0.41, 0.12 -0.43!, 0.09 -0.37, 0.14 -0.31, 0.18 -0.23")
        band = path("-0.17 -0.235, -0.155 -0.275, 0 -0.25, 0.16 -0.275, 0.178 -0.235, 0 -0.2")
        brim = path("-0.33 -0.17, -0.2 -0.26, 0 -0.225, 0.2 -0.26, 0.33 -0.17, 0.18 -0.165, 0 -0.15, -0.18 -0.165")
        for part, colour, shade in ((crown, "third", 0.03), (band, "second", 0.01), (brim, "third", 0.015)):
            sheet.shape(part, colour, shade=shade)
