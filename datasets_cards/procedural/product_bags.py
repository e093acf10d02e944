"""Bags, a handbag, a satchel or a backpack, and wallets."""

import numpy as np

from datasets_cards.procedural.drawing_strokes import path
from datasets_cards.procedural.product_stage import Stage, tinted

_GOLD, _STEEL = (206, 168, 92), (186, 188, 194)


def bag(stage: Stage, rng: np.random.Generator, colour: np.ndarray) -> None:
    """A handbag, a satchel with a flap or a backpack, from the front."""
    stage.shadow(0.0, 0.355, 0.24, 0.025)
    (_handbag, _satchel, _backpack)[rng.integers(3)](stage, rng, colour)


def wallet(stage: Stage, rng: np.random.Generator, colour: np.ndarray) -> None:
    """A folded wallet, a long purse with a zip, or one with a clasp."""
    wide, high = (0.28, 0.21) if (kind := rng.integers(3)) == 0 else (0.38, 0.2)
    high += 0.03 * rng.random()
    stage.shadow(0.0, high, 0.6 * wide, 0.025)
    seam = tinted(colour, 0.4 if colour.mean() < 90 else -0.4)
    if kind == 0:
        stage.part(_panel(-wide + 0.015, -high - 0.025, wide + 0.02, high, 0.02), tinted(colour, -0.25), curved=False)
    stage.part(_panel(-wide, -high, wide, high, 0.025), colour, curved=False, rounding=0.03, gloss=0.15, grain=0.03)
    _stitches(stage, -wide + 0.02, -high + 0.02, wide - 0.02, high - 0.02, seam)
    if kind == 0:
        stage.line([(-wide + 0.05, -high + 0.003), (wide - 0.05, -high + 0.003)], 0.006, tinted(colour, -0.5))
        stage.part(
            _panel(wide - 0.15, high - 0.08, wide - 0.05, high - 0.05, 0.006), _STEEL, curved=False, rounding=0.008
        )
    elif kind == 1:
        stage.line([(-wide + 0.03, -high + 0.055), (wide - 0.03, -high + 0.055)], 0.014, tinted(colour, -0.45))
        stage.line([(-wide + 0.03, -high + 0.055), (wide - 0.03, -high + 0.055)], 0.007, _GOLD, dash=0.008)
        stage.part(_panel(wide - 0.06, -high + 0.045, wide - 0.03, -high + 0.13, 0.01), _GOLD, curved=False, gloss=0.6)
    else:
        stage.part(
            _panel(-wide, -high, wide, 0.03, 0.025), tinted(colour, -0.06), curved=False, rounding=0.03, grain=0.03
        )
        _stitches(stage, -wide + 0.02, -high + 0.02, wide - 0.02, 0.012, seam)
        stage.part(_panel(-0.05, -0.04, 0.05, 0.09, 0.03), tinted(colour, -0.15), curved=False, rounding=0.02)
        stage.disc(0.0, 0.05, 0.022, _GOLD, rounding=0.02, gloss=0.7)


def _handbag(stage: Stage, rng: np.random.Generator, colour: np.ndarray) -> None:
    lean, rise = 0.05 + 0.06 * rng.random(), 0.22 + 0.06 * rng.random()
    metal = (_GOLD, _STEEL)[rng.integers(2)]
    handle = [(-0.17, -0.05), (-0.15, -0.05 - 0.8 * rise), (0, -0.07 - rise), (0.15, -0.05 - 0.8 * rise), (0.17, -0.05)]
    stage.ribbon(np.array(handle) * (0.9, 1) - (0, 0.03), 0.028, tinted(colour, -0.4), rounding=0.014)
    body = path(
        f"{-0.34 + lean} -0.08!, 0 -0.1, {0.34 - lean} -0.08!, 0.36 0.15, 0.35 0.33!, 0 0.36, -0.35 0.33!, -0.36 0.15"
    )
    stage.part(body, colour, rounding=0.08, gloss=0.22, grain=0.025, fade=-0.12)
    stage.part(
        path(
            f"{-0.345 + lean} -0.1!, 0 -0.115, {0.345 - lean} -0.1!, {0.345 - lean} -0.045!, 0 -0.055, "
            f"{-0.345 + lean} -0.045!"
        ),
        tinted(colour, -0.15),
        rounding=0.02,
    )
    for side in (-1, 1):
        stage.line(
            [(0.19 * side, -0.04), (0.215 * side, 0.14), (0.2 * side, 0.33)], 0.005, tinted(colour, -0.4), dash=0.012
        )
        stage.disc(0.155 * side, -0.03, 0.02, metal, rounding=0.02, gloss=0.7)
    stage.ribbon(handle, 0.03, tinted(colour, -0.15), rounding=0.015, gloss=0.3)
    if rng.random() < 0.6:
        stage.part(path("-0.06 0.05!, 0.06 0.05!, 0.05 0.12!, 0 0.14, -0.05 0.12!"), metal, rounding=0.015, gloss=0.6)


def _satchel(stage: Stage, rng: np.random.Generator, colour: np.ndarray) -> None:
    metal = (_GOLD, _STEEL)[rng.integers(2)]
    deep = 0.08 + 0.12 * rng.random()
    stage.ribbon([(-0.33, 0.0), (-0.27, -0.28), (0, -0.4), (0.27, -0.28), (0.33, 0.0)], 0.032, tinted(colour, -0.2))
    stage.part(_panel(-0.36, -0.12, 0.36, 0.33, 0.06), tinted(colour, -0.1), curved=False, rounding=0.06, grain=0.02)
    flap = path(
        f"-0.37 -0.16!, 0 -0.175, 0.37 -0.16!, 0.375 {deep}, 0.31 {deep + 0.07}, 0 {deep + 0.085}, "
        f"-0.31 {deep + 0.07}, -0.375 {deep}"
    )
    stage.part(flap, colour, rounding=0.05, gloss=0.25, grain=0.02)
    edge = [(-0.355, deep - 0.02), (-0.3, deep + 0.045), (0, deep + 0.06), (0.3, deep + 0.045), (0.355, deep - 0.02)]
    stage.line(edge, 0.005, tinted(colour, 0.4 if colour.mean() < 90 else -0.4), dash=0.012)
    for x in (-0.18, 0.18):
        stage.part(_panel(x - 0.028, deep - 0.02, x + 0.028, deep + 0.14, 0.02), tinted(colour, -0.25), curved=False)
        stage.part(_panel(x - 0.036, deep + 0.05, x + 0.036, deep + 0.1, 0.012), metal, curved=False, gloss=0.6)
        stage.part(_panel(x - 0.02, deep + 0.062, x + 0.02, deep + 0.088, 0.006), tinted(colour, -0.3), curved=False)


def _backpack(stage: Stage, rng: np.random.Generator, colour: np.ndarray) -> None:
    low = 0.04 + 0.06 * rng.random()
    accent = tinted(colour, -0.3 if colour.mean() > 90 else 0.2)
    for side in (-1, 1):
        stage.ribbon([(0.2 * side, -0.25), (0.33 * side, 0.0), (0.28 * side, 0.3)], 0.05, tinted(colour, -0.4))
    stage.ribbon([(-0.06, -0.36), (-0.05, -0.42), (0.05, -0.42), (0.06, -0.36)], 0.025, tinted(colour, -0.4))
    stage.part(
        path(
            "-0.27 0.33!, -0.3 0.1, -0.28 -0.18, -0.18 -0.35, 0 -0.385, 0.18 -0.35, 0.28 -0.18, 0.3 0.1, "
            "0.27 0.33!, 0 0.365"
        ),
        colour,
        rounding=0.1,
        gloss=0.1,
        grain=0.03,
    )
    stage.line(
        path("-0.245 -0.02, -0.22 -0.2, -0.13 -0.305, 0 -0.33, 0.13 -0.305, 0.22 -0.2, 0.245 -0.02"),
        0.012,
        tinted(colour, -0.5),
    )
    stage.part(
        path(f"-0.22 {low}!, 0 {low - 0.02}, 0.22 {low}!, 0.235 0.2, 0.21 0.325!, 0 0.34, -0.21 0.325!, -0.235 0.2"),
        tinted(colour, -0.08),
        rounding=0.05,
        gloss=0.1,
        grain=0.03,
    )
    stage.line([(-0.2, low + 0.035), (0, low + 0.015), (0.2, low + 0.035)], 0.01, accent)
    stage.part(_panel(0.13, low + 0.025, 0.155, low + 0.1, 0.01), accent, curved=False, rounding=0.01)
    if rng.random() < 0.6:
        stage.part(_panel(-0.05, -0.17, 0.05, -0.1, 0.015), accent, curved=False, rounding=0.012)


def _panel(x0: float, y0: float, x1: float, y1: float, radius: float) -> np.ndarray:
    """A rectangle with round corners: (N, 2)."""
    quarter = np.linspace(0, np.pi / 2, 9)
    parts = []
    for x, y, start in ((x1, y1, 0.0), (x0, y1, 1.0), (x0, y0, 2.0), (x1, y0, 3.0)):
        angle = quarter + start * np.pi / 2
        middle = (x - radius if x == x1 else x + radius, y - radius if y == y1 else y + radius)
        parts.append(np.stack([middle[0] + radius * np.cos(angle), middle[1] + radius * np.sin(angle)], 1))
    return np.concatenate(parts)


def _stitches(stage: Stage, x0: float, y0: float, x1: float, y1: float, colour: np.ndarray) -> None:
    stage.line([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)], 0.005, colour, curved=False, dash=0.014)
