"""Balloons over a lake."""

import numpy as np

from datasets_cards.procedural.drawing_nature import cloud, grass, pine, waves
from datasets_cards.procedural.drawing_palettes import mixed
from datasets_cards.procedural.drawing_sheet import Sheet
from datasets_cards.procedural.drawing_strokes import path


def balloons(sheet: Sheet, rng: np.random.Generator) -> None:
    """Hot-air balloons over mountains and a lake."""
    sheet.sky("sky", "glow")
    for x in (-0.4, -0.05, 0.36):
        cloud(sheet, rng, x + rng.normal(0, 0.05), rng.uniform(-0.15, -0.02), rng.uniform(0.05, 0.075))
    _mountains(sheet, rng)
    _lake(sheet, rng)
    grass(sheet, rng, 14, 0.45)
    with sheet.at(mirrored=bool(rng.random() < 0.5)):
        for x, y, size in ((-0.4, -0.36, 0.075), (0.12, 0.02, 0.085), (0.27, -0.27, 0.135), (-0.16, -0.16, 0.21)):
            with sheet.at(x, y, size):
                _balloon(sheet, rng)


def _mountains(sheet: Sheet, rng: np.random.Generator) -> None:
    """Two ranges with snow on their peaks."""
    right = sheet.right + 0.1
    mountain = path("-1 1, -0.4 0.45, 0 0, 0.5 0.5, 1 1")
    snow = path("0 0, 0.3 0.3, 0.14 0.225, 0 0.345, -0.12 0.24, -0.265 0.3")
    for tone, top, count in (("far", -0.12, 4), ("mid", 0.02, 5)):
        for x in rng.permutation(np.linspace(-right, right, count)):
            peak = (x + rng.normal(0, 0.03), top + rng.uniform(-0.06, 0.06))
            spread = (rng.uniform(0.26, 0.36), 0.27 - peak[1])
            sheet.shape(mountain * spread + peak, tone, curved=False, shade=0.1)
            sheet.shape(snow * spread + peak, "light", curved=False, weight=0.8, shade=0.03)


def _lake(sheet: Sheet, rng: np.random.Generator) -> None:
    """Water, the near bank, and conifers on it."""
    right = sheet.right + 0.05
    water = mixed(sheet.palette["sky"], sheet.palette["third"], 0.35)
    sheet.ground([(-right, 0.24), (-0.2, 0.225), (0.2, 0.235), (right, 0.22)], water, weight=0.9)
    waves(sheet, rng, 14, 0.26)
    sheet.ground([(-right, 0.4), (-0.3, 0.38), (0.0, 0.46), (0.3, 0.41), (right, 0.36)], "near", shade=0.015)
    for x in np.linspace(-right + 0.05, right - 0.05, 9):
        if abs(x) > 0.16:
            y = 0.4 + rng.uniform(0, 0.05) - 0.1 * np.clip(abs(x) - 0.3, 0, 0.3)
            pine(sheet, x + rng.normal(0, 0.02), y, rng.uniform(0.13, 0.24))


def _balloon(sheet: Sheet, rng: np.random.Generator) -> None:
    """An envelope in gores, ropes and a basket."""
    tones = rng.permutation(["accent", "second", "third", "light"]).tolist()
    for side in (-1, 1):
        sheet.line(path("0.28 0.95, 0.13 1.4") * (side, 1), weight=0.6, curved=False)
    right = path("0 -1, 0.6 -0.84, 0.97 -0.15, 0.75 0.5, 0.3 0.97!")
    gore = np.concatenate([right, right[:0:-1] * (-1, 1)])
    for number, wide in enumerate((1.0, 0.66, 0.26)):  # the outer ones first
        sheet.shape(gore * (wide, 1), tones[number], shade=0.16 * (number == 0))
    sheet.shape(path("-0.3 0.9, 0.3 0.9, 0.26 1, -0.26 1"), tones[3], curved=False, weight=0.8)
    sheet.shape(path("-0.16 1.38, 0.16 1.38, 0.13 1.62, -0.13 1.62"), "wood", curved=False, shade=0.04)
