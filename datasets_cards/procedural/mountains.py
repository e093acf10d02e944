"""Mountains: overlapping peaks with outline, colour by height and texture strokes (cun) that run down the slopes."""

from dataclasses import dataclass

import numpy as np

from datasets_cards.procedural.canvas import Canvas, smoothstep


@dataclass(frozen=True)
class Pigments:
    """Colours of a scene as reflectances (red, green, blue) relative to the paper."""

    summit: tuple[float, float, float]  # upper half of a mountain
    slope: tuple[float, float, float]  # lower half
    foot: tuple[float, float, float]  # where it meets mist, water or sand
    distance: tuple[float, float, float]  # farthest ranges
    water: tuple[float, float, float]
    leaves: tuple[tuple[float, float, float], ...]
    roof: tuple[float, float, float]
    strength: float  # opacity of the body colour on mountains, in [0, 1]


@dataclass(frozen=True)
class Peak:
    """One rounded or pointed mass: `x` and `foot` (pixels) where it stands, `rise` and `reach` (pixels) its size."""

    x: float
    foot: float
    rise: float
    reach: float  # half width at the foot
    ink: float  # strength of its strokes in [0, 1]
    mist: float  # part of the height, from below, that dissolves into mist


def outline(canvas: Canvas, peak: Peak, x: np.ndarray) -> np.ndarray:
    """Height (in pixels above the foot) of the peak's upper edge at columns `x`."""
    lean = canvas.rng.uniform(-0.18, 0.18)
    across = np.abs((x - peak.x) / peak.reach + lean * (1 - np.abs((x - peak.x) / peak.reach)))
    blunt, steep = canvas.rng.uniform(1.25, 2.3), canvas.rng.uniform(0.85, 1.35)
    arch = np.clip(1 - across**blunt, 0, 1) ** steep
    seed, fine = canvas.rng.uniform(0, 80), peak.reach / (26 * canvas.unit)
    crags = canvas.noise((x - peak.x) / peak.reach * 2.2 + seed, seed, octaves=2)
    knobs = canvas.noise((x - peak.x) / peak.reach * 5 * max(1, fine) + seed, seed + 9, octaves=2)
    return peak.rise * np.clip(arch * (1 + 0.11 * crags) + 0.015 * knobs * arch**0.5, 0, None)


def paint_peak(canvas: Canvas, peak: Peak, pigments: Pigments) -> tuple[np.ndarray, np.ndarray] | None:
    """Paint one peak over what lies behind it.

    Returns:
        columns (pixels) and rows (pixels) of its upper edge, for the trees to stand on; None if off the sheet.
    """
    left, right = max(0, int(peak.x - peak.reach)), min(canvas.width, int(peak.x + peak.reach) + 1)
    top, bottom = max(0, int(peak.foot - peak.rise * 1.35)), min(canvas.height, int(peak.foot))
    if right - left < 4 or bottom - top < 4:
        return None
    columns = np.arange(left, right, dtype=np.float32)
    edge = peak.foot - outline(canvas, peak, columns)
    y = np.arange(top, bottom, dtype=np.float32)[:, None]
    below = y - edge[None]  # pixels under the upper edge, negative in the air
    inside = smoothstep(-0.7, 0.7, below)
    depth = np.clip((y - edge.min()) / max(1.0, peak.foot - edge.min()), 0, 1) + 0 * below  # 0 summit, 1 foot
    clear = smoothstep(1.0, 1 - peak.mist, depth)

    box = (left, top, right, bottom)
    canvas.cover(box, inside * clear, _colour(canvas, peak, pigments, columns, depth))
    canvas.ink(box, inside * clear**0.7 * peak.ink * _strokes(canvas, peak, columns, below, depth))
    return columns, edge


def _colour(canvas: Canvas, peak: Peak, pigments: Pigments, columns: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Body colour (h, w, 3): summit to slope to foot, uneven as mineral pigment is."""
    seed = canvas.rng.uniform(0, 80)
    x = ((columns - peak.x) / (60 * canvas.unit))[None] + 0 * depth
    uneven = canvas.noise(x + seed, depth * peak.rise / (60 * canvas.unit) + seed, octaves=3)
    level = depth + 0.07 * uneven
    turn, warm = smoothstep(0.12, 0.52, level)[..., None], smoothstep(0.55, 0.92, level)[..., None]
    summit, slope, foot = (np.array(c, np.float32) for c in (pigments.summit, pigments.slope, pigments.foot))
    colour = summit + turn * (slope - summit)
    colour = colour + warm * (foot - colour)
    strength = pigments.strength * (1 - 0.12 * np.abs(uneven))[..., None]
    return 1 - np.clip(strength, 0, 1) * (1 - colour)


def _strokes(canvas: Canvas, peak: Peak, columns: np.ndarray, below: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Ink density (h, w): a contour, hemp-fibre strokes fanning out from the summit, and a wash in the hollows."""
    unit, seed = canvas.unit, canvas.rng.uniform(0, 80)
    spread = 0.30 + 0.70 * depth  # strokes fan out as the mass widens
    fan = (columns - peak.x)[None] / (peak.reach * spread)
    run = below / (70 * unit)
    bend = 0.16 * canvas.noise(fan * 1.5 + seed, run * 0.8 + seed, octaves=2)
    folds = canvas.noise((fan + bend) * 2.6 + seed, run * 0.35 + seed)  # great folds: shadow side and lit side
    count = max(3.0, peak.reach / (9 * unit))
    fibres = canvas.noise.ridged((fan + bend) * count + seed, run * 1.15 + seed, octaves=1)
    fibres = smoothstep(0.55, 0.98, fibres) * smoothstep(
        -0.9, 0.9, canvas.noise(fan * 6 + seed, run * 2.4, octaves=2) + folds
    )
    contour = np.exp(-((np.clip(below, 0, None) / (1.15 * unit)) ** 1.3))
    contour *= 0.55 + 0.45 * np.clip(canvas.noise(columns / (22 * unit) + seed, seed)[None] + 0.6, 0, 1)
    creases = smoothstep(0.90, 1.0, canvas.noise.ridged((fan + bend) * 2.6 + seed, run * 0.35 + seed))
    wash = 0.20 * smoothstep(-0.4, 1.4, folds) + 0.10 * np.exp(-np.clip(below, 0, None) / (16 * unit))
    fade = smoothstep(1.05, 0.35, depth)
    return np.clip(0.72 * contour + fade * (0.52 * fibres + 0.5 * creases) + wash, 0, 0.92)


def paint_distance(canvas: Canvas, foot: float, rise: float, pigments: Pigments, depth: float) -> None:
    """A far range in one pale wash, dissolving downwards; `depth` in [0, 1], 1 is the farthest and palest."""
    x = np.arange(canvas.width, dtype=np.float32)
    seed = canvas.rng.uniform(0, 80)
    scale = 130 * canvas.unit
    hills = (
        0.5 + 0.34 * canvas.noise(x / scale + seed, seed, octaves=4) + 0.12 * canvas.noise.ridged(x / scale * 2 + seed)
    )
    edge = foot - rise * np.clip(hills, 0.02, None)
    top, bottom = max(0, int(edge.min()) - 2), min(canvas.height, int(foot))
    if bottom - top < 4:
        return
    y = np.arange(top, bottom, dtype=np.float32)[:, None]
    below = y - edge[None]
    opacity = (
        smoothstep(-0.8, 1.2, below)
        * np.exp(-np.clip(below, 0, None) / (0.55 * rise))
        * smoothstep(foot, foot - 0.35 * rise, y)
    )
    canvas.cover(
        (0, top, canvas.width, bottom), opacity * (0.75 - 0.4 * depth), np.array(pigments.distance, np.float32)
    )


def paint_mist(canvas: Canvas, level: float, thickness: float, strength: float = 0.9) -> None:
    """A band of mist at row `level`, `thickness` pixels, with a ragged edge."""
    top, bottom = max(0, int(level - 2 * thickness)), min(canvas.height, int(level + 2 * thickness))
    if bottom <= top:
        return
    y, x = np.mgrid[top:bottom, 0 : canvas.width].astype(np.float32)
    drift = canvas.noise(x / (150 * canvas.unit), y / (34 * canvas.unit), octaves=3)
    opacity = strength * np.exp(-(((y - level) / thickness - 0.45 * drift) ** 2))
    canvas.cover((0, top, canvas.width, bottom), opacity, np.ones(3, np.float32))
