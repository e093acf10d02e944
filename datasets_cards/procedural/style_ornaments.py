"""Styles of ornament: scale-shaped waves, blue flowers on porcelain, layers of cut paper."""

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import distance_transform_edt

from datasets_cards.procedural.canvas import Noise, smoothstep
from datasets_cards.procedural.drawing_strokes import ellipse, smooth
from datasets_cards.procedural.style_patches import grid

_PAPERS = np.array([(248, 232, 200), (240, 176, 128), (222, 96, 88), (150, 60, 96), (70, 48, 96), (34, 36, 70)], float)


def waves(rng: np.random.Generator, size: int) -> np.ndarray:
    """Rows of overlapping arches, as the sea is drawn on screens: indigo rings and foam, a gold line here and there."""
    x, y = grid(size)
    radius = 0.11 + 0.02 * rng.random()
    picture = np.full((size, size, 3), (226, 222, 206), float)
    shades = np.array([(24, 52, 100), (52, 96, 146), (232, 230, 216)], float)
    noise = Noise(rng)
    for row in range(-1, int(2 / radius) + 3):
        middle_y = row * radius / 2
        shift = radius * (row % 2)
        column = np.round((x - shift) / (2 * radius))
        distance = np.hypot(x - shift - 2 * radius * column, y - middle_y) / radius
        band = np.minimum((distance * 5.2).astype(int), 5)
        gold = np.sin(37.7 * column + 11.3 * row) > 0.8
        colour = shades[np.where(band % 2 == 0, 2, (band // 2 + row) % 2)]
        colour = np.where((gold & (band == 3))[..., None], (206, 162, 78.0), colour)
        inside = smoothstep(1.0, 1.0 - 1.6 / (radius * size), distance)[..., None]
        picture += inside * (colour - picture)
    return picture * (1 + 0.04 * noise(9 * x, 9 * y, octaves=3))[..., None]


def porcelain(rng: np.random.Generator, size: int) -> np.ndarray:
    """Cobalt blossoms, leaves and tendrils on white glaze, darker where the brush turned."""
    over = 2
    side = size * over
    sheet = Image.new("L", (side, side))
    pen = ImageDraw.Draw(sheet)
    for _ in range(16):
        _tendril(pen, rng, side)
    for x, y in _spread(rng, 9, 0.26):
        _blossom(pen, rng, x, y, 0.07 + 0.04 * rng.random(), side)
    x, y = grid(size)
    wash = np.asarray(sheet.resize((size, size), Image.Resampling.BOX), float) / 255
    brush = np.clip(wash * (0.82 + 0.22 * Noise(rng)(12 * x, 12 * y, octaves=3)), 0, 1)[..., None]
    glaze = np.array([240, 244, 246.0]) + 3 * Noise(rng)(2 * x, 2 * y)[..., None]
    return glaze + brush * (np.array([24, 48, 136.0]) - glaze)


def cut_paper(rng: np.random.Generator, size: int) -> np.ndarray:
    """Hills of coloured paper one before the other, each with its shadow on the next, under a round sun."""
    x, y = grid(size)
    papers = _PAPERS if rng.random() < 0.5 else _PAPERS[:, ::-1]
    picture = np.broadcast_to(papers[0], (size, size, 3)).copy()
    sun = np.hypot(x - 0.3 - 0.4 * rng.random(), y - 0.3) < 0.13
    masks = [sun] + [
        y > 0.26 + 0.15 * number + 0.07 * Noise(rng)((1.2 + 0.3 * number) * x, 3.1 * number, octaves=2)
        for number in range(len(papers) - 1)
    ]
    for number, mask in enumerate(masks):
        away = np.asarray(distance_transform_edt(~mask)) / size
        picture *= 1 - 0.35 * np.exp(-away / 0.02)[..., None]
        fibre = 1 + 0.025 * rng.normal(0, 1, (size, size, 1))
        picture = np.where(mask[..., None], papers[max(number, 1)] * fibre, picture)
    return picture


def _spread(rng: np.random.Generator, count: int, apart: float) -> list[tuple[float, float]]:
    """Places in the unit square that keep their distance from each other."""
    places: list[tuple[float, float]] = []
    for x, y in rng.random((400, 2)).tolist():
        if len(places) < count and all(np.hypot(x - a, y - b) > apart for a, b in places):
            places.append((x, y))
    return places


def _blossom(pen: ImageDraw.ImageDraw, rng: np.random.Generator, x: float, y: float, radius: float, side: int) -> None:
    turn, petals = rng.random() * 6.28, int(rng.integers(6, 10))
    for length, shade in ((1.0, 235), (0.93, 120), (0.6, 220), (0.54, 70)):
        for number in range(petals):
            angle = turn + 2 * np.pi * number / petals
            middle = (x + 0.55 * length * radius * np.cos(angle), y + 0.55 * length * radius * np.sin(angle))
            petal = ellipse(*middle, 0.48 * length * radius, 0.27 * length * radius, angle)
            pen.polygon([tuple(point) for point in petal * side], fill=shade)
    heart = ellipse(x, y, 0.2 * radius)
    pen.polygon([tuple(point) for point in heart * side], fill=255)


def _tendril(pen: ImageDraw.ImageDraw, rng: np.random.Generator, side: int) -> None:
    """A winding stem with pointed leaves."""
    at, angle, bend = rng.random(2), rng.random() * 6.28, rng.normal(0, 0.22)
    points = [at]
    for _ in range(14):
        angle += bend
        at = at + 0.035 * np.array([np.cos(angle), np.sin(angle)])
        points.append(at)
    curve = smooth(np.array(points))
    pen.line([tuple(point) for point in curve * side], fill=225, width=max(1, side // 150), joint="curve")
    for number in range(2, len(points), 2):
        way = points[number] - points[number - 1]
        turn = float(np.arctan2(way[1], way[0])) + (0.8 if number % 4 else -0.8)
        middle = points[number] + 0.035 * np.array([np.cos(turn), np.sin(turn)])
        for scale, shade in ((1.0, 230), (0.72, 150)):
            leaf = ellipse(*middle.tolist(), 0.034 * scale, 0.013 * scale, turn)
            pen.polygon([tuple(point) for point in leaf * side], fill=shade)
