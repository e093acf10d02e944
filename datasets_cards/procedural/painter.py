"""Compose and paint one landscape from a seed."""

import numpy as np
from PIL import Image

from datasets_cards.procedural.canvas import Canvas
from datasets_cards.procedural.motifs import (
    paint_birds,
    paint_boat,
    paint_grove,
    paint_pavilion,
    paint_pine,
    paint_tree,
    paint_water,
)
from datasets_cards.procedural.mountains import Peak, Pigments, paint_distance, paint_mist, paint_peak

MIN_SIDE, MAX_SIDE = 64, 4096

BLUE_GREEN = Pigments(  # azurite, malachite and ochre, laid on thick
    summit=(0.17, 0.42, 0.66),
    slope=(0.33, 0.66, 0.55),
    foot=(0.88, 0.72, 0.47),
    distance=(0.55, 0.72, 0.86),
    water=(0.72, 0.86, 0.88),
    leaves=((0.24, 0.47, 0.33), (0.36, 0.56, 0.30), (0.84, 0.38, 0.22), (0.90, 0.66, 0.28)),
    roof=(0.74, 0.30, 0.22),
    strength=0.92,
)
LIGHT_CRIMSON = Pigments(  # thin ochre on the faces, indigo on the heights
    summit=(0.70, 0.74, 0.70),
    slope=(0.90, 0.73, 0.55),
    foot=(0.93, 0.80, 0.64),
    distance=(0.70, 0.78, 0.82),
    water=(0.86, 0.90, 0.90),
    leaves=((0.46, 0.52, 0.38), (0.58, 0.60, 0.42), (0.82, 0.50, 0.34), (0.86, 0.68, 0.42)),
    roof=(0.66, 0.45, 0.36),
    strength=0.75,
)
INK = Pigments(  # washes of ink, darkest on the heights
    summit=(0.50, 0.50, 0.50),
    slope=(0.74, 0.74, 0.74),
    foot=(0.93, 0.93, 0.93),
    distance=(0.72, 0.72, 0.72),
    water=(0.94, 0.94, 0.94),
    leaves=((0.46, 0.46, 0.46), (0.56, 0.56, 0.56), (0.66, 0.66, 0.66), (0.76, 0.76, 0.76)),
    roof=(0.55, 0.55, 0.55),
    strength=0.72,
)
PALETTES = (BLUE_GREEN, LIGHT_CRIMSON)
PAPERS = ((0.90, 0.83, 0.69), (0.94, 0.90, 0.81), (0.86, 0.77, 0.60), (0.95, 0.93, 0.88))  # silks and papers


def landscape(seed: int, width: int = 640, height: int = 480, ink: bool = False) -> Image.Image:
    """Paint the landscape number `seed`.

    Args:
        seed: any whole number from 0; the same seed and size give the same pixels.
        width, height: in pixels, each from 64 to 4096.
        ink: the same scene in ink alone on the same paper.

    Returns:
        an RGB image. Odd seeds are light crimson, even ones blue-green.

    Raises:
        ValueError: for a size or seed out of range.
    """
    if not (MIN_SIDE <= width <= MAX_SIDE and MIN_SIDE <= height <= MAX_SIDE):
        raise ValueError(f"A landscape's sides are {MIN_SIDE} to {MAX_SIDE} pixels, got {width}x{height}.")
    if seed < 0:
        raise ValueError(f"A seed is 0 or more, got {seed}.")
    rng = np.random.default_rng(seed)
    canvas, pigments = Canvas(width, height, rng), INK if ink else PALETTES[seed % 2]
    paper = np.array(PAPERS[rng.integers(len(PAPERS))], np.float32)
    side = rng.choice([-1, 1])  # the great mountain stands on this side, the near bank on the other
    shore = height * rng.uniform(0.70, 0.78)

    _far(canvas, pigments, shore)
    _great_mountain(canvas, pigments, side, shore)
    paint_water(canvas, shore, pigments)
    paint_mist(canvas, shore - 0.01 * height, 0.035 * height, 0.95)
    _islet(canvas, pigments, side, shore)
    paint_boat(canvas, width * (0.5 + 0.14 * side), shore + 0.36 * (height - shore), 40 * canvas.unit, pigments)
    _near_bank(canvas, pigments, -side)
    paint_birds(
        canvas, width * (0.5 - side * rng.uniform(0.2, 0.36)), height * rng.uniform(0.14, 0.26), 9 * canvas.unit
    )
    return canvas.picture(paper, grey=ink)


def _far(canvas: Canvas, pigments: Pigments, shore: float) -> None:
    """Three pale ranges behind everything, the farthest highest."""
    for depth in (1.0, 0.6, 0.2):
        rise = canvas.height * (0.16 + 0.20 * depth) * canvas.rng.uniform(0.8, 1.2)
        paint_distance(canvas, shore - canvas.height * 0.10 * depth, rise, pigments, depth)


def _great_mountain(canvas: Canvas, pigments: Pigments, side: int, shore: float) -> None:
    """A host peak, its guests beside it and hills at its feet, painted from the back to the front."""
    rng, width, height = canvas.rng, canvas.width, canvas.height
    centre = width * (0.5 + side * rng.uniform(0.10, 0.20))
    span = min(width, 1.3 * height)
    rows = ((1, 0.98, 0.0), (2, 0.72, 0.16), (4, 0.52, 0.26), (5, 0.34, 0.36), (6, 0.20, 0.44))
    for number, (count, tall, wide) in enumerate(rows):
        spots = np.linspace(-1, 1, count) if count > 1 else np.zeros(1)
        for spot in rng.permutation(spots):
            rise = (shore - 0.07 * height) * tall * rng.uniform(0.85, 1.0) * 0.97
            peak = Peak(
                x=centre + span * (wide * spot + rng.normal(0, 0.025)),
                foot=shore + rng.uniform(-0.015, 0.005) * height,
                rise=rise,
                reach=max(rise * rng.uniform(0.36, 0.55), 0.07 * span),
                ink=0.70 + 0.07 * number,
                mist=rng.uniform(0.32, 0.55) if number < 4 else 0.18,
            )
            ridge = paint_peak(canvas, peak, pigments)
            if ridge is not None and number:
                paint_grove(canvas, *ridge, pigments, peak.ink, (3.0 + 0.9 * number) * canvas.unit)
        if number in (1, 2):
            paint_mist(canvas, shore - height * (0.26 - 0.07 * number), 0.03 * height, 0.75)


def _islet(canvas: Canvas, pigments: Pigments, side: int, shore: float) -> None:
    """A low far bank with small trees on the open side of the water."""
    rng, x = canvas.rng, canvas.width * (0.5 - side * canvas.rng.uniform(0.22, 0.36))
    foot = shore + 0.10 * (canvas.height - shore)
    for offset in (-26, 22, -4):
        peak = Peak(x + offset * canvas.unit, foot, rng.uniform(9, 17) * canvas.unit, 52 * canvas.unit, 0.7, 0.25)
        ridge = paint_peak(canvas, peak, pigments)
        if ridge is not None:
            paint_grove(canvas, *ridge, pigments, 0.8, 5.5 * canvas.unit)


def _near_bank(canvas: Canvas, pigments: Pigments, side: int) -> None:
    """Rocks in the corner nearest the viewer, with pines, a leafy tree and a pavilion."""
    rng, unit, height = canvas.rng, canvas.unit, canvas.height
    corner = canvas.width * (0.5 + 0.5 * side)

    def inward(distance: float) -> float:
        return corner - side * distance * unit

    paint_peak(canvas, Peak(inward(20), height * 1.02, 120 * unit, 150 * unit, 0.85, 0.05), pigments)
    paint_tree(canvas, inward(122), height - 38 * unit, 88 * unit, pigments)
    paint_peak(canvas, Peak(inward(105), height * 1.02, 62 * unit, 120 * unit, 0.9, 0.05), pigments)
    paint_pavilion(canvas, inward(92), height - 50 * unit, 56 * unit, pigments)
    for distance, root, size in ((28, 66, 130), (52, 50, 165), (10, 40, 105)):
        paint_pine(canvas, inward(distance), height - root * unit, size * unit * rng.uniform(0.9, 1.1), pigments)
    for distance, rise in ((0, 58), (70, 34), (165, 26), (132, 20), (30, 30)):
        reach = rise * rng.uniform(1.3, 1.9) * unit
        paint_peak(canvas, Peak(inward(distance), height * 1.02, rise * unit, reach, 1.0, 0.03), pigments)
