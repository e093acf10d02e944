"""Shoes of three cuts, seen from the side, and what leaves the foot bare: pumps and flip-flops."""

import numpy as np

from datasets_cards.procedural.drawing_strokes import path, smooth
from datasets_cards.procedural.product_stage import Stage, oval, tinted

_RUBBER = (242, 240, 236)
_DARK = (44, 38, 38)


def shoe(stage: Stage, rng: np.random.Generator, colour: np.ndarray) -> None:
    """A sneaker, a lace-up or a boot, the toe to the right."""
    stage.shadow(0.0, 0.19, 0.24, 0.025)
    (_sneaker, _lace_up, _boot)[rng.integers(3)](stage, rng, colour)


def sandal(stage: Stage, rng: np.random.Generator, colour: np.ndarray) -> None:
    """A pump or a flip-flop."""
    (_pump, _flip_flop)[rng.integers(2)](stage, rng, colour)


def _sneaker(stage: Stage, rng: np.random.Generator, colour: np.ndarray) -> None:
    high = 0.06 * rng.random()
    accent = tinted(colour, 0.55 if colour.mean() < 150 else -0.45)
    stage.part(
        path(f"-0.355 {-0.185 - high}!, -0.24 {-0.215 - high}, -0.12 {-0.18 - high}!, -0.2 -0.08!"),
        tinted(colour, -0.5),
        gloss=0.0,
    )
    stage.part(
        path(
            f"-0.385 0.13!, -0.405 0.02, -0.375 -0.11, -0.36 {-0.19 - high}!, -0.25 {-0.135 - high}, "
            f"-0.125 {-0.185 - high}!, -0.03 -0.09, 0.11 -0.015, 0.27 0.025, 0.385 0.075, 0.415 0.13!"
        ),
        colour,
        rounding=0.09,
        gloss=0.16,
        grain=0.02,
    )
    stage.part(path("0.245 0.025, 0.33 0.045, 0.395 0.085, 0.415 0.13!, 0.2 0.13!"), tinted(colour, -0.12), gloss=0.2)
    stage.part(path("-0.395 0.06, -0.375 -0.08, -0.3 -0.07, -0.27 0.13!, -0.385 0.13!"), tinted(colour, -0.15))
    for i in range(int(rng.integers(1, 4))):
        x = -0.17 + 0.085 * i
        stage.ribbon([(x, 0.12), (x + 0.055, 0.03), (x + 0.06, -0.06 + 0.035 * i)], 0.03, accent, rounding=0.012)
    for i in range(5):
        x, y = -0.125 + 0.048 * i, -0.145 - high * (1 - i / 4) + 0.03 * i
        stage.ribbon([(x - 0.045, y + 0.028), (x + 0.012, y - 0.014)], 0.016, _RUBBER, rounding=0.008, gloss=0.0)
    stage.part(
        path(
            "-0.41 0.115!, -0.1 0.125, 0.2 0.125, 0.425 0.12!, 0.44 0.15, 0.4 0.185!, 0 0.19, -0.39 0.185!, -0.425 0.15"
        ),
        _RUBBER,
        rounding=0.03,
        gloss=0.1,
    )
    stage.line([(-0.415, 0.158), (0, 0.163), (0.425, 0.155)], 0.008, colour)


def _lace_up(stage: Stage, rng: np.random.Generator, colour: np.ndarray) -> None:
    stage.part(path("-0.35 -0.1!, -0.22 -0.15, -0.08 -0.11!, -0.2 0!"), tinted(colour, -0.5), gloss=0.0)
    stage.part(
        path(
            "-0.38 0.13!, -0.4 0.05, -0.375 -0.06, -0.36 -0.115!, -0.22 -0.07, -0.085 -0.125!, "
            "0.0 -0.055, 0.12 -0.005, 0.27 0.025, 0.4 0.075, 0.445 0.13!"
        ),
        colour,
        rounding=0.1,
        gloss=0.45,
    )
    seam = tinted(colour, -0.4)
    for shift in (0.0, 0.014):
        stage.line([(0.2 + shift, 0.015), (0.17 + shift, 0.08), (0.2 + shift, 0.13)], 0.004, seam, dash=0.012)
    stage.line([(-0.1, 0.13), (-0.13, 0.03), (-0.08, -0.09)], 0.005, seam)
    for i in range(4):
        x, y = -0.075 + 0.04 * i, -0.09 + 0.026 * i
        stage.ribbon([(x - 0.03, y + 0.022), (x + 0.012, y - 0.014)], 0.01, tinted(colour, -0.35), rounding=0.006)
    stage.part(path("-0.395 0.125!, 0 0.13, 0.45 0.125!, 0.44 0.15!, -0.1 0.155!, -0.395 0.15!"), tinted(colour, -0.45))
    stage.part(path("-0.395 0.15!, -0.17 0.15!, -0.18 0.195!, -0.39 0.195!"), tinted(colour, -0.55), rounding=0.015)
    if rng.random() < 0.5:
        stage.line([(0.25, 0.04), (0.31, 0.075), (0.34, 0.12)], 0.005, seam, dash=0.006)


def _boot(stage: Stage, rng: np.random.Generator, colour: np.ndarray) -> None:
    top = -0.3 - 0.08 * rng.random()
    stage.part(path(f"-0.36 {top}!, -0.22 {top - 0.03}, -0.08 {top + 0.01}!, -0.2 {top + 0.1}!"), tinted(colour, -0.5))
    stage.part(
        path(
            f"-0.37 0.13!, -0.385 0.03, -0.36 -0.14, -0.365 {top}!, -0.22 {top + 0.035}, -0.075 {top + 0.005}!, "
            "-0.06 -0.14, 0.03 -0.045, 0.2 0, 0.36 0.05, 0.41 0.13!"
        ),
        colour,
        rounding=0.1,
        gloss=0.2,
        grain=0.03,
    )
    seam = tinted(colour, -0.4)
    stage.line([(-0.2, top + 0.04), (-0.19, -0.1), (-0.1, 0.13)], 0.005, seam, dash=0.012)
    for i in range(6):
        y = top + 0.06 + (0.0 - top - 0.1) / 6 * i
        stage.ribbon([(-0.135 + 0.008 * i, y + 0.02), (-0.06 + 0.008 * i, y)], 0.012, tinted(colour, -0.45))
    sole = _DARK if rng.random() < 0.5 else tuple(tinted(colour, -0.6))
    stage.part(
        path(
            "-0.39 0.12!, 0 0.13, 0.425 0.12!, 0.43 0.16, 0.4 0.18!, -0.13 0.18!, -0.15 0.165!, -0.17 0.195!, "
            "-0.385 0.195!"
        ),
        sole,
        rounding=0.02,
        gloss=0.1,
    )


def _pump(stage: Stage, rng: np.random.Generator, colour: np.ndarray) -> None:
    lift = 0.12 + 0.13 * rng.random()  # of the heel
    seat = 0.19 - lift
    stage.shadow(0.08, 0.2, 0.22, 0.02)
    stage.part(
        path(
            f"-0.345 {seat - 0.02}!, -0.24 {seat + 0.02}!, -0.275 {seat + 0.1}, -0.285 0.2!, -0.315 0.2!, "
            f"-0.32 {seat + 0.1}"
        ),
        tinted(colour, -0.25),
        rounding=0.02,
        gloss=0.4,
    )
    stage.part(
        path(f"-0.3 {seat - 0.1}!, 0.0 {seat * 0.4 + 0.04}, 0.2 0.09!, 0.0 0.12!, -0.3 {seat}!"),
        tinted(colour, 0.35 if colour.mean() < 150 else -0.3),
        gloss=0.05,
    )
    stage.part(
        path(
            f"-0.345 {seat + 0.015}!, -0.35 {seat - 0.06}, -0.325 {seat - 0.13}!, -0.2 {seat - 0.04}, "
            f"-0.03 {seat * 0.45 + 0.085}, 0.12 0.115, 0.22 0.075!, 0.33 0.1, 0.42 0.16, 0.43 0.19!, 0.2 0.19!, "
            f"-0.03 {seat * 0.5 + 0.11}, -0.2 {seat + 0.02}"
        ),
        colour,
        rounding=0.05,
        gloss=0.5,
    )
    stage.line(
        [(-0.33, seat + 0.02), (-0.18, seat + 0.035), (-0.02, seat * 0.5 + 0.12), (0.2, 0.195), (0.43, 0.194)],
        0.009,
        tinted(colour, -0.6),
    )
    if rng.random() < 0.5:
        for side in (-1, 1):
            bow = [(0.24, 0.085), (0.24 + side * 0.06, 0.045), (0.24 + side * 0.065, 0.105)]
            stage.part(bow, tinted(colour, -0.1), rounding=0.02)
        stage.disc(0.24, 0.083, 0.013, tinted(colour, -0.25), rounding=0.01)


def _flip_flop(stage: Stage, rng: np.random.Generator, colour: np.ndarray) -> None:
    """Seen from above and aside: the footprint, turned."""
    turn = -0.5 + 0.15 * rng.random()
    cos, sin = np.cos(turn), np.sin(turn)

    def turned(points) -> np.ndarray:
        points = np.asarray(points, float)
        flat = np.stack([points[:, 0] * cos - points[:, 1] * sin, points[:, 0] * sin + points[:, 1] * cos], 1)
        return flat * (1.0, 0.78)

    foot = path(
        "-0.4 0, -0.37 -0.11, -0.22 -0.12, 0 -0.1, 0.2 -0.15, 0.36 -0.12, 0.42 0, 0.36 0.13, 0.2 0.15, 0 0.11, "
        "-0.22 0.12, -0.37 0.11"
    )
    outline = turned(smooth(foot, closed=True))
    stage.shadow(0.0, 0.07, 0.26, 0.1, 0.18)
    stage.part(outline + np.array([0.0, 0.045]), tinted(colour, -0.35), curved=False, rounding=0.02, gloss=0.05)
    middle = _RUBBER if rng.random() < 0.5 else tinted(colour, 0.4)
    stage.part(outline + np.array([0.0, 0.025]), middle, curved=False, gloss=0.05)
    stage.part(outline, colour, curved=False, rounding=0.025, gloss=0.08, grain=0.03)
    strap = tinted(colour, -0.3 if colour.mean() > 90 else 0.25)
    for side in (-1, 1):
        curve = turned([(-0.08, 0.115 * side), (0.08, 0.1 * side), (0.2, 0.045 * side), (0.27, 0.0)])
        stage.ribbon(curve - (0, 0.02), (0.055, 0.035), strap, rounding=0.022, gloss=0.3)
    toe = turned([(0.27, 0.0)])[0] - (0, 0.02)
    stage.part(oval(toe[0], toe[1], 0.024, 0.02), strap, curved=False, rounding=0.02, gloss=0.3)
