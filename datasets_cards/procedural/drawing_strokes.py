"""Curves through points, and the hand that draws along them: pressure, wobble, gaps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Points = Sequence[tuple[float, float]] | np.ndarray  # (N, 2): x to the right, y down


@dataclass(frozen=True)
class Hand:
    """How somebody draws. Lengths are shares of the picture's short side."""

    width: float  # of a line of weight 1
    pressure: float  # share of the width that pressure takes away at ends and in between
    wobble: float  # deviation from the curve meant
    gaps: float  # share of a line's length where the pen is off the paper
    passes: int = 1  # times that a line is gone over
    grain: float = 0.0  # share of the ink that the teeth of the paper leave out
    darkness: float = 1.0  # of the ink


HANDS = {
    "pen": Hand(width=0.0046, pressure=0.55, wobble=0.0010, gaps=0.0),
    "brush": Hand(width=0.0085, pressure=0.8, wobble=0.0012, gaps=0.01),
    "felt": Hand(width=0.0070, pressure=0.12, wobble=0.0014, gaps=0.0),
    "pencil": Hand(width=0.0046, pressure=0.5, wobble=0.0020, gaps=0.012, passes=2, grain=0.5, darkness=0.85),
    "fineliner": Hand(width=0.0032, pressure=0.2, wobble=0.0016, gaps=0.035),
}


def path(text: str, right: float = 0.0, down: float = 0.0) -> np.ndarray:
    """Points written as "x y, x y!, ...", then moved: (N, 2). An exclamation mark makes a corner, see `smooth`."""
    points = []
    for part in text.split(","):
        x, y = part.strip().rstrip("!").split()
        points += [(float(x), float(y))] * (2 if part.endswith("!") else 1)
    return np.array(points) + np.array([right, down])


def smooth(points: Points, closed: bool = False, steps: int = 10) -> np.ndarray:
    """A Catmull-Rom curve through `points`; a point given twice is a corner. (N, 2) -> (M, 2)."""
    given = np.asarray(points, float)
    count = len(given) if closed else len(given) - 1
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts = []
    for i in range(count):
        if closed:
            p0, p1, p2, p3 = (given[(i + k) % len(given)] for k in (-1, 0, 1, 2))
        else:
            p0, p1, p2, p3 = (given[min(max(i + k, 0), len(given) - 1)] for k in (-1, 0, 1, 2))
        if np.array_equal(p1, p2):
            continue
        m1, m2 = (p2 - p0) / 2, (p3 - p1) / 2
        m1, m2 = (p2 - p1 if np.array_equal(p0, p1) else m1), (p2 - p1 if np.array_equal(p2, p3) else m2)
        late = 3 * t**2 - 2 * t**3  # Hermite's base: 0 at p1, 1 at p2
        parts.append((1 - late) * p1 + (t**3 - 2 * t**2 + t) * m1 + late * p2 + (t**3 - t**2) * m2)
    end = given[:1] if closed else given[-1:]
    return np.concatenate([*parts, end])


def ellipse(x: float, y: float, rx: float, ry: float | None = None, turn: float = 0.0, count: int = 40) -> np.ndarray:
    """A closed ellipse around (x, y), turned by `turn` radians; (count, 2), the first point not repeated."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    along, across = rx * np.cos(angle), (rx if ry is None else ry) * np.sin(angle)
    cos, sin = np.cos(turn), np.sin(turn)
    return np.stack([x + along * cos - across * sin, y + along * sin + across * cos], 1)


def resampled(curve: np.ndarray, spacing: float) -> np.ndarray:
    """Points along a curve at even distances of about `spacing`; at least two."""
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(curve, axis=0).T))])
    count = max(2, int(length[-1] / spacing) + 1)
    at = np.linspace(0, length[-1], count)
    return np.stack([np.interp(at, length, curve[:, 0]), np.interp(at, length, curve[:, 1])], 1)


def wavering(rng: np.random.Generator, along: np.ndarray, period: float) -> np.ndarray:
    """Smooth noise of deviation about 0.7 at the places `along` a line."""
    knots = rng.standard_normal(max(2, int(along[-1] / period) + 3))
    return np.interp(along / period + rng.random(), np.arange(len(knots)), knots)


def drawn(
    curve: np.ndarray, hand: Hand, rng: np.random.Generator, weight: float, tapered: bool
) -> tuple[np.ndarray, np.ndarray]:
    """One pass of the hand along a curve.

    Args:
        curve: (N, 2), shares of the short side.
        hand: who draws.
        rng: source of its errors.
        weight: of the line; 1 is the hand's own width.
        tapered: pressure fades at both ends, as in a line that is not closed.

    Returns:
        (M, 2) points, and (M,) widths there; 0 where the pen is up.
    """
    points = resampled(curve, 0.002)
    along = np.arange(len(points)) * 0.002
    shift = np.stack([wavering(rng, along, 0.05), wavering(rng, along, 0.05)], 1)
    shift += 0.6 * (hand.passes - 1) * rng.standard_normal(2)
    pressure = 1 - hand.pressure * np.clip(0.35 + 0.3 * wavering(rng, along, 0.12), 0, 1)
    if tapered:
        ends = np.minimum(along, along[-1] - along) / max(0.3 * along[-1], 1e-6)
        pressure *= 1 - hand.pressure * np.clip(1 - ends, 0, 1) ** 1.5
    width = hand.width * weight * pressure
    if hand.gaps:
        width[wavering(rng, along, 0.04) > 1.9 - 12 * hand.gaps] = 0
    return points + hand.wobble * shift, width
