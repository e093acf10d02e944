"""Flowers and leaves, for bunches, branches, hair and the wind."""

import numpy as np

from datasets_cards.procedural.drawing_palettes import Colour, mixed
from datasets_cards.procedural.drawing_sheet import Sheet
from datasets_cards.procedural.drawing_strokes import ellipse, path


def blossom(
    sheet: Sheet, rng: np.random.Generator, x: float, y: float, size: float, colour: str | Colour, heart: str | Colour
) -> None:
    """Five to eight notched petals around a heart."""
    count, start = int(rng.integers(5, 9)), rng.random() * 2 * np.pi
    with sheet.at(x, y, size):
        for turn in start + 2 * np.pi * np.arange(count) / count:
            with sheet.at(turn=turn):
                petal = path("0 -0.18, 0.3 -0.62, 0.2 -0.98, 0 -0.9, -0.2 -0.98, -0.3 -0.62")
                sheet.shape(petal, colour, weight=0.8, shade=0.12)
                sheet.line(path("0 -0.25, 0 -0.55"), weight=0.45, curved=False)
        sheet.disc(0, 0, 0.24, heart, weight=0.8, shade=0.06)


def rose(sheet: Sheet, x: float, y: float, size: float, colour: str | Colour) -> None:
    """A rose: a round of outer petals, then smaller ones turned into each other."""
    base = sheet.colour(colour)
    with sheet.at(x, y, size):
        for ring, (radius, count) in enumerate(((1.0, 5), (0.7, 4), (0.42, 3))):
            tone = mixed(base, sheet.palette["ink"], 0.09 * ring)
            for turn in 2 * np.pi * (np.arange(count) + 0.37 * ring) / count:
                with sheet.at(turn=turn):
                    petal = ellipse(0.42 * radius, 0, 0.46 * radius, 0.56 * radius, count=24)
                    sheet.shape(petal, tone, curved=False, weight=0.8, shade=0.08)
        angle = np.linspace(0, 9, 40)
        sheet.line(0.02 * np.stack([angle * np.cos(angle), angle * np.sin(angle)], 1), weight=0.7)


def tulip(sheet: Sheet, x: float, y: float, size: float, colour: str | Colour) -> None:
    """A tulip from the side."""
    with sheet.at(x, y, size):
        side = path("0.1 0.1, 0.5 -0.1, 0.52 -0.6, 0.42 -0.95!, 0.12 -0.5")
        for petal in (
            path("-0.4 -0.5, -0.2 -1!, 0 -0.7, 0.2 -1!, 0.4 -0.5, 0 0"),
            side * (-1, 1),
            side,
            path("0 0.12, -0.3 -0.1, -0.26 -0.55, 0 -0.88!, 0.26 -0.55, 0.3 -0.1"),
        ):
            sheet.shape(petal, colour, weight=0.8, shade=0.1)


def leaf(sheet: Sheet, x: float, y: float, length: float, turn: float, colour: str | Colour = "leaf") -> None:
    """A pointed leaf with its rib, growing from (x, y) towards `turn`, 0 upwards, clockwise."""
    with sheet.at(x, y, length, turn):
        outline = path("0 0!, 0.2 -0.35, 0.16 -0.7, 0 -1!, -0.16 -0.7, -0.2 -0.35")
        sheet.shape(outline, colour, weight=0.8, shade=0.1)
        sheet.line(path("0 0, 0.02 -0.5, 0 -0.9"), weight=0.5)
        for start in (-0.35, -0.55):
            for side in (-1, 1):
                sheet.line([(0, start), (side * 0.11, start - 0.14)], weight=0.35, curved=False)


def petals_falling(sheet: Sheet, rng: np.random.Generator, count: int) -> None:
    """Single petals blown across the sheet."""
    for _ in range(count):
        x, y = rng.uniform(-sheet.right, sheet.right), rng.uniform(-sheet.bottom, sheet.bottom)
        with sheet.at(x, y, rng.uniform(0.014, 0.028), rng.uniform(0, 2 * np.pi)):
            colour = ("accent", "light", "second")[rng.integers(3)]
            sheet.shape(path("0 -1!, 0.7 -0.2, 0 1, -0.7 -0.2"), colour, weight=0.7, shade=0.15)
            sheet.line(path("0 -0.6, 0.05 0.5"), weight=0.4)
