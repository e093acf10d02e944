"""A face: eyes, brows, nose, mouth."""

import numpy as np

from datasets_cards.procedural.drawing_palettes import WHITE, mixed
from datasets_cards.procedural.drawing_sheet import Sheet
from datasets_cards.procedural.drawing_strokes import ellipse, path

_ROSE = (226, 92, 92)  # of lips and cheeks, whatever the palette


def face(sheet: Sheet, rng: np.random.Generator) -> None:
    """The oval of the face and all that is in it."""
    left = path("0 -0.25, -0.1 -0.23, -0.175 -0.12, -0.172 0, -0.145 0.1, -0.075 0.178, 0 0.212")
    sheet.shape(np.concatenate([left, left[-2:0:-1] * (-1, 1)]), "skin", shade=0.02)
    iris = ("third", "leaf", "accent", "wood", "sky")[rng.integers(5)]
    tall = 0.052 * rng.uniform(0.85, 1.1)
    for side in (-1, 1):
        for cheek in (0.03, 0.02):
            sheet.tint(ellipse(side * 0.106, 0.1, cheek * 1.3, cheek), _ROSE, 0.18, curved=False)
        with sheet.at(side * 0.085, 0.02, mirrored=side < 0):
            _eye(sheet, iris, tall)
            sheet.line(path("-0.04 -0.088, 0.01 -0.103, 0.052 -0.086"), weight=0.9)
        for dx, dy, radius in ((-0.011, -0.022, 0.011), (0.012, 0.022, 0.006)):  # light comes from one side
            sheet.disc(side * 0.085 + dx, 0.02 + dy, radius, WHITE, weight=0.0)
    sheet.line(path("0.004 0.07, 0.012 0.095, 0 0.1"), weight=0.7)
    _mouth(sheet, int(rng.integers(3)))


def _eye(sheet: Sheet, iris: str, tall: float) -> None:
    """A right eye around the origin, `tall` half its height."""
    white = path("-0.045 0.2, -0.02 -0.8, 0.02 -0.85, 0.052 -0.1, 0.03 0.85, -0.02 0.85") * (1, tall)
    sheet.shape(white, WHITE, weight=0.0)
    sheet.disc(0.004, 0.002, 0.031, iris, high=0.92 * tall, weight=0.7)
    upper = ellipse(0.004, -0.42 * tall, 0.027, 0.45 * tall)
    sheet.tint(upper, mixed(sheet.colour(iris), sheet.palette["ink"], 0.6), 0.8, curved=False)
    sheet.black(ellipse(0.004, 0.004, 0.013, 0.42 * tall), curved=False)
    lash = path("-0.052 0.04, -0.02 -1, 0.025 -1.05, 0.062 -0.12, 0.068 -0.35, 0.052 0.12, 0.02 -0.82, -0.02 -0.78")
    sheet.black(lash * (1, tall))
    sheet.line(path("-0.016 0.98, 0.03 0.93") * (1, tall), weight=0.6)
    sheet.line(path("-0.025 -1.28, 0.02 -1.36, 0.045 -1.1") * (1, tall), weight=0.45)


def _mouth(sheet: Sheet, kind: int) -> None:
    if kind == 0:
        sheet.line(path("-0.035 0.142, 0 0.152, 0.035 0.142"), weight=0.9)
    elif kind == 1:
        lips = path("-0.036 0.136!, 0 0.142, 0.036 0.136!, 0 0.176")
        sheet.shape(lips, mixed(_ROSE, sheet.palette["ink"], 0.3), weight=0.8)
    else:
        sheet.line(path("-0.03 0.145, -0.015 0.152, 0 0.145, 0.015 0.152, 0.03 0.145"), weight=0.8)
