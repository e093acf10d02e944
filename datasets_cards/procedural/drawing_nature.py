"""Clouds, hills, trees, grass and waves: what several drawings have around their motif."""

from itertools import pairwise

import numpy as np

from datasets_cards.procedural.drawing_palettes import Colour
from datasets_cards.procedural.drawing_sheet import Sheet
from datasets_cards.procedural.drawing_strokes import path


def cloud(sheet: Sheet, rng: np.random.Generator, x: float, y: float, size: float) -> None:
    """A heaped cloud with a flat foot."""
    tops = path("-1.5 0, -1.5 -0.5, -0.9 -0.7, -0.6 -1.2, 0.1 -1.25, 0.5 -0.85, 1.1 -0.8, 1.5 -0.3, 1.5 0")
    points: list[tuple[float, float]] = []
    for (ax, ay), (bx, by) in pairwise(tops.tolist()):
        out = rng.uniform(0.12, 0.2)
        points += [(ax, ay), (ax, ay), ((ax + bx) / 2 + out * (by - ay), (ay + by) / 2 - out * (bx - ax))]
    with sheet.at(x, y, size):
        sheet.shape([*points, (1.5, 0.0), (1.5, 0.0), (0.0, 0.07)], "light", weight=0.8, shade=0.18)


def ridge(sheet: Sheet, rng: np.random.Generator, y: float, height: float, colour: str | Colour) -> None:
    """A range of soft hills across the sheet."""
    xs = np.linspace(-sheet.right - 0.08, sheet.right + 0.08, 7)
    sheet.ground(np.stack([xs, y - height * rng.random(7)], 1), colour, weight=0.9, shade=0.02)


def tree(sheet: Sheet, rng: np.random.Generator, x: float, y: float, size: float, colour: str = "leaf") -> None:
    """A round tree, its crown in bulges."""
    with sheet.at(x, y, size):
        sheet.shape(path("-0.07 0, -0.045 -0.5, 0.045 -0.5, 0.07 0"), "wood", curved=False, shade=0.03)
        points: list[tuple[float, float]] = []
        for angle in np.linspace(0, 2 * np.pi, 11, endpoint=False):
            radius, bulge = rng.uniform(0.3, 0.36), angle + np.pi / 11
            points += [(radius * np.cos(angle), 1.1 * radius * np.sin(angle) - 0.75)] * 2
            points.append((0.395 * np.cos(bulge), 0.435 * np.sin(bulge) - 0.75))
        sheet.shape(points, colour, shade=0.09)
        for _ in range(5):
            with sheet.at(rng.uniform(-0.2, 0.2), rng.uniform(-0.95, -0.55)):
                sheet.line(path("-0.04 0, 0 0.03, 0.04 0"), weight=0.5)


def pine(sheet: Sheet, x: float, y: float, size: float, colour: str = "leaf") -> None:
    """A conifer in three tiers."""
    with sheet.at(x, y, size):
        sheet.box(-0.04, -0.2, 0.04, 0.0, "wood")
        for tier in (
            "0 -0.55!, 0.27 -0.15!, 0 -0.11, -0.27 -0.15!",
            "0 -0.78!, 0.21 -0.4!, 0 -0.36, -0.21 -0.4!",
            "0 -1!, 0.15 -0.62!, 0 -0.58, -0.15 -0.62!",
        ):
            sheet.shape(path(tier), colour, weight=0.8, shade=0.05)


def grass(sheet: Sheet, rng: np.random.Generator, count: int, top: float) -> None:
    """Tufts and small flowers in the foreground, below `top`."""
    for _ in range(count):
        with sheet.at(rng.uniform(-sheet.right, sheet.right), rng.uniform(top, sheet.bottom)):
            for lean in (-0.014, 0.0, 0.014):
                sheet.line([(lean / 3, 0.0), (lean * 0.6, -0.02), (lean, -0.032)], weight=0.6)
            if rng.random() < 0.45:
                colour = ("accent", "second", "light", "third")[rng.integers(4)]
                sheet.disc(0, -0.04, 0.013, colour, weight=0.7)


def waves(sheet: Sheet, rng: np.random.Generator, count: int, top: float) -> None:
    """Short strokes on water, below `top`."""
    for _ in range(count):
        with sheet.at(rng.uniform(-sheet.right, sheet.right), rng.uniform(top, sheet.bottom)):
            sheet.line(path("0 0, 0.025 -0.01, 0.05 0, 0.075 -0.01"), weight=0.6)
