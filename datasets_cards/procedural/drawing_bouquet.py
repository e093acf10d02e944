"""Flowers in a vase."""

import numpy as np

from datasets_cards.procedural.drawing_flowers import blossom, leaf, rose, tulip
from datasets_cards.procedural.drawing_palettes import WHITE, mixed
from datasets_cards.procedural.drawing_sheet import Sheet
from datasets_cards.procedural.drawing_strokes import path


def bouquet(sheet: Sheet, rng: np.random.Generator) -> None:
    """Flowers in a vase on a table, before a striped wall."""
    _wall_and_table(sheet, rng)
    heads = _heads(rng)
    for x, y, _ in heads:  # stems, then leaves, lie behind all flowers
        sheet.line([(x, y), (x * 0.45, 0.0), (x * 0.12, 0.16)], weight=1.6)
    for angle in rng.uniform(-1.75, 1.75, 15):
        leaf(sheet, 0.11 * np.sin(angle), 0.04 - 0.05 * np.cos(angle), rng.uniform(0.18, 0.3), angle)
    kinds = rng.permutation(3)
    tones = rng.permutation(["accent", "second", "third", "light"]).tolist()
    for number, (x, y, size) in enumerate(sorted(heads, key=lambda head: head[1])):
        colour = tones[number % 4]
        if kinds[number % 3] == 0:
            rose(sheet, x, y, size * 0.85, colour)
        elif kinds[number % 3] == 1:
            blossom(sheet, rng, x, y, size * 1.1, colour, "wood" if colour == "second" else "second")
        else:
            tulip(sheet, x, y + 0.4 * size, size, colour)
    _vase(sheet, rng)


def _heads(rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Places and sizes of flower heads, well apart, in a dome."""
    heads: list[tuple[float, float, float]] = []
    for _ in range(400):
        angle, radius, size = rng.uniform(-1.5, 1.5), np.sqrt(rng.uniform(0.02, 1)), rng.uniform(0.07, 0.105)
        x, y = 0.33 * radius * np.sin(angle), -0.36 * radius * np.cos(angle)
        if all(np.hypot(x - a, y - b) > 0.8 * (size + c) for a, b, c in heads):
            heads.append((float(x), float(y), float(size)))
    return heads[:13]


def _wall_and_table(sheet: Sheet, rng: np.random.Generator) -> None:
    right, bottom = sheet.right + 0.05, sheet.bottom + 0.05
    sheet.sky("glow", mixed(sheet.palette["glow"], sheet.palette["sky"], 0.5))
    for x in np.arange(-right, right, 0.12):
        sheet.tint([(x, -bottom), (x + 0.05, -bottom), (x + 0.05, bottom), (x, bottom)], "sky", 0.25, curved=False)
    sheet.box(-right, 0.3, right, bottom, "wood")
    for y in np.arange(0.34, bottom, 0.05):
        with sheet.at(rng.uniform(-right, right), y):
            sheet.line(path("0 0, 0.15 0.006, 0.35 0"), weight=0.5)
    sheet.shape(path("-0.36 0.37, 0.36 0.36, 0.44 0.45!, 0 0.475, -0.44 0.455!"), "light", shade=0.02)


def _vase(sheet: Sheet, rng: np.random.Generator) -> None:
    right = path("0.1 0.4!, 0.16 0.3, 0.15 0.2, 0.085 0.11, 0.1 0.06!")
    sheet.shape(np.concatenate([right, right[::-1] * (-1, 1)]), "third", shade=0.05)
    sheet.tint(path("-0.115 0.2, -0.095 0.19, -0.11 0.33, -0.13 0.3"), WHITE, 0.6)
    if rng.random() < 0.6:
        for y in (0.185, 0.335):
            sheet.line([(-0.145, y), (0, y + 0.025), (0.145, y)], weight=0.8)
        for x in np.linspace(-0.1, 0.1, 5).tolist():
            blossom(sheet, rng, x, 0.272 - 2 * x * x, 0.027, "light", "second")
    sheet.disc(0, 0.06, 0.104, "third", high=0.02)
