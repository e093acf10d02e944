"""Styles of strokes: thick paint that follows a stream, lines cut in wood, hatching with a pencil."""

import numpy as np
from PIL import Image, ImageDraw

from datasets_cards.procedural.canvas import Noise, smoothstep
from datasets_cards.procedural.style_patches import grid, ramp, relief, scenery

_NIGHT = np.array(
    [(20, 34, 84), (34, 74, 146), (74, 130, 186), (150, 190, 196), (240, 214, 110), (252, 240, 190)], float
)


def impasto(rng: np.random.Generator, size: int) -> np.ndarray:
    """Short strokes of thick paint along the eddies of a stream, in blues and yellows."""
    noise, over = Noise(rng), 2
    side, count = size * over, 2600
    places = rng.random((count, 2))
    share = scenery(rng, places[:, 0], places[:, 1])
    colours = ramp(_NIGHT, share) + rng.normal(0, 12, (count, 3))
    sheet, height = Image.new("RGB", (side, side), tuple(int(v) for v in _NIGHT[1])), Image.new("F", (side, side))
    paint, thick = ImageDraw.Draw(sheet), ImageDraw.Draw(height)
    at = places.copy()
    paths = [at.copy()]
    for _ in range(4):
        at = at + 0.012 * _stream(noise, at)
        paths.append(at.copy())
    tracks = np.stack(paths, 1) * side  # (count, 5, 2)
    width = rng.integers(max(2, side // 85), max(3, side // 40) + 1, count)
    for track, colour, wide in zip(
        tracks, colours.round().clip(0, 255).astype(int).tolist(), width.tolist(), strict=True
    ):
        for shift, light in ((0.3, -14), (0.0, 6)):
            points = [(x + shift * wide, y + shift * wide) for x, y in track.tolist()]
            paint.line(points, tuple(int(np.clip(c + light, 0, 255)) for c in colour), wide)
        thick.line([tuple(point) for point in track.tolist()], float(rng.random()), wide)
    flat = np.asarray(sheet.resize((size, size), Image.Resampling.BOX), float)
    return flat * relief(np.asarray(height.resize((size, size), Image.Resampling.BOX)), 0.07)


def _stream(noise: Noise, at: np.ndarray) -> np.ndarray:
    """Direction of a stream without sources at places (N, 2): the turned gradient of a noise; (N, 2) of length 1."""
    x, y, step = 2.4 * at[:, 0], 2.4 * at[:, 1], 0.02
    right = noise(x + step, y) - noise(x - step, y)
    down = noise(x, y + step) - noise(x, y - step)
    way = np.stack([-down, right], 1)
    return way / np.maximum(np.hypot(*way.T), 1e-6)[:, None]


def woodcut(rng: np.random.Generator, size: int) -> np.ndarray:
    """Black lines on paper that follow hills, thick in the shadow and thin in the light, two flat colours below."""
    x, y = grid(size)
    noise = Noise(rng)
    hills = scenery(rng, x, y)
    phase = 46 * y + 7 * noise(1.5 * x, 1.5 * y, octaves=2)
    line = 0.5 + 0.5 * np.cos(2 * np.pi * phase) + 0.12 * noise(40 * x, 9 * y)
    ink = smoothstep(-0.06, 0.06, line - (0.28 + 0.62 * hills))[..., None]
    paper = np.where(
        hills[..., None] > 0.62, (238, 226, 196.0), np.where(hills[..., None] > 0.36, (206, 124, 80.0), (58, 96, 112.0))
    )
    return ink * np.array([28, 26, 30.0]) + (1 - ink) * (paper + 5 * noise(60 * x, 4 * y)[..., None])


def pencil(rng: np.random.Generator, size: int) -> np.ndarray:
    """Hatching in three directions, denser where it is dark, on white paper with a tooth."""
    x, y = grid(size)
    noise, tooth = Noise(rng), rng.normal(0, 1, (size, size))
    dark = 1 - scenery(rng, x, y)
    grey = np.zeros((size, size))
    for number, angle in enumerate((0.7, -0.6, 1.5)):
        along = np.cos(angle) * x + np.sin(angle) * y
        across = -np.sin(angle) * x + np.cos(angle) * y
        stroke = 0.5 + 0.5 * np.cos(2 * np.pi * (58 * across + 0.35 * noise(6 * along, 3 * across + 7 * number)))
        need = np.clip(dark * 2.6 - 0.8 * number - 0.25, 0, 1)
        grey += 0.30 * need * smoothstep(0.35, 0.8, stroke + 0.15 * noise(30 * along, 30 * across)) * (1 + 0.25 * tooth)
    return (250 - 215 * np.clip(grey, 0, 1))[..., None] * np.array([1.0, 0.99, 0.97])
