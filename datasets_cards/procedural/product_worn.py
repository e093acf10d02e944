"""Watches and sunglasses."""

import numpy as np

from datasets_cards.procedural.drawing_strokes import path, smooth
from datasets_cards.procedural.product_stage import Stage, oval, tinted

_STEEL, _GOLD, _INK, _PAPER = (190, 193, 198), (208, 172, 98), (30, 30, 34), (240, 240, 236)


def watch(stage: Stage, rng: np.random.Generator, colour: np.ndarray) -> None:
    """A wrist watch from the front: strap and dial in the colour, the case of metal."""
    metal = (_STEEL, _GOLD)[int(rng.random() < 0.3)]
    links, chronograph = rng.random(2) < 0.4
    radius = 0.17 + 0.03 * rng.random()
    wide = 1.15 * radius
    for end in (-1, 1):
        strap = [(0.0, 0.06 * end), (0.0, 0.3 * end), (0.0, 0.46 * end)]
        stage.ribbon(strap, (wide, 0.72 * wide), colour, rounding=0.045, gloss=0.2, grain=0.03)
        if links:
            for y in np.arange(radius + 0.035, 0.45, 0.036):
                half = wide * (0.47 - 0.12 * (y - radius))
                stage.line([(-half, y * end), (half, y * end)], 0.007, tinted(colour, -0.45), curved=False)
        else:
            thread = tinted(colour, 0.45 if colour.mean() < 90 else -0.4)
            for side in (-1, 1):
                x = wide * 0.42 * side
                stage.line(
                    [(x, (radius + 0.02) * end), (x * 0.74, 0.44 * end)], 0.004, thread, curved=False, dash=0.012
                )
    stage.part(oval(radius * 1.12, 0, 0.026, 0.028), metal, curved=False, rounding=0.02, gloss=0.6)
    stage.disc(0, 0, radius * 1.12, metal, rounding=0.05, gloss=0.7)
    stage.disc(0, 0, radius * 0.94, tinted(metal, -0.35), rounding=0.01, gloss=0.3)
    dial = colour if colour.mean() > 60 else tinted(colour, 0.05)
    stage.disc(0, 0, radius * 0.9, dial, rounding=0.012, gloss=0.05, fade=0.15)
    _dial(stage, rng, radius, _INK if dial.mean() > 130 else _PAPER, bool(chronograph))
    stage.gleam(oval(-0.3 * radius, -0.42 * radius, 0.42 * radius, 0.2 * radius), 0.14, curved=False)


def _dial(stage: Stage, rng: np.random.Generator, radius: float, ink: tuple[int, int, int], chronograph: bool) -> None:
    """Marks, small dials and hands."""
    if chronograph:
        for x, y in ((-0.42, 0), (0.42, 0), (0, 0.42)):
            stage.disc(x * radius, y * radius, 0.2 * radius, tinted(ink, 0.2), rounding=0.01)
            stage.disc(
                x * radius, y * radius, 0.17 * radius, tinted(ink, 0.55 if np.mean(ink) < 99 else -0.55), rounding=0.01
            )
    for hour in range(12):
        way = np.array([np.sin(hour * np.pi / 6), -np.cos(hour * np.pi / 6)])
        mark = np.outer([0.7 if hour % 3 else 0.64, 0.82], way * radius)
        stage.line(mark, 0.009 if hour % 3 else 0.015, ink)
    minute = rng.random() * 2 * np.pi
    hands = ((minute, 0.7, 0.014), (minute / 12 + np.pi * 1.6, 0.45, 0.02), (rng.random() * 6.28, 0.74, 0.005))
    for angle, length, width in hands:
        way = np.array([np.sin(angle), -np.cos(angle)]) * radius
        stage.line(np.outer([-0.12, length], way), width, ink if width > 0.01 else (196, 60, 52), curved=False)
    stage.disc(0, 0, 0.018, ink, rounding=0.01)


def sunglasses(stage: Stage, rng: np.random.Generator, colour: np.ndarray) -> None:
    """A pair from the front, a little turned: frame in the colour, lenses tinted by it."""
    shape = _LENSES[rng.integers(len(_LENSES))]
    rim = 0.014 + 0.02 * rng.random()
    lens = tinted(colour, -0.08)
    near, far = np.array([0.98, 1.0]), np.array([0.84, 0.94])  # the left one is nearer
    for side, scale, x in ((-1, near, -0.2), (1, far, 0.2)):
        end = np.array([x + side * 0.19 * scale[0], -0.085])
        temple = [
            end,
            np.add(end, (side * 0.03, -0.02)),
            np.add(end, (-0.09 * side + 0.11, -0.15)),
            np.add(end, (-0.13 * side + 0.11, -0.13)),
        ]
        stage.ribbon(np.array(temple), (0.03, 0.018), tinted(colour, -0.2), rounding=0.012, gloss=0.4)
    for side, scale, x in ((-1, near, -0.2), (1, far, 0.2)):
        outline = smooth(path(shape) * scale * (-side, 1.0), closed=True) + np.array([x, 0.0])
        middle = outline.mean(0)
        frame = middle + (outline - middle) * (1 + rim / 0.13)
        stage.part(frame, colour, curved=False, rounding=0.02, gloss=0.5)
        stage.part(outline, lens, curved=False, rounding=0.012, gloss=0.1, fade=0.25)
        stage.gleam(middle + (outline - middle) * (0.5, 0.24) + (-0.03, -0.055), 0.25, curved=False)
    stage.ribbon(
        [(-0.062, -0.05), (-0.01, -0.075), (0.052, -0.05)], 0.02 + rim * 0.4, colour, rounding=0.012, gloss=0.5
    )


_LENSES = (  # outlines around the middle, the nose to the right
    "-0.155 -0.085, 0 -0.11, 0.13 -0.085, 0.14 0, 0.1 0.095, 0 0.125, -0.1 0.1, -0.155 0.02",  # aviator
    "-0.14 0, -0.1 -0.095, 0 -0.13, 0.1 -0.095, 0.14 0, 0.1 0.095, 0 0.13, -0.1 0.095",  # round
    "-0.165 -0.1!, 0 -0.105, 0.14 -0.095!, 0.135 0.02, 0.1 0.085, -0.02 0.1, -0.125 0.075",  # square
)
