"""Different plausible colourings of one picture: each seed paints with the palette of another real painting.

This module goes into Hub files.
"""

from functools import cache

import numpy as np

from pipelines.landscape_colorizer.palettes import Palette

_GAP_LIGHTNESS = 0.3  # how much a step of 1 in L* counts beside one in a* or b*
_USUAL = 0.6  # share of the bank, the nearest to all of it together, that variants are drawn from


def palette_of_seed(seed: int, bank: tuple[Palette, ...], wished: Palette | None = None) -> Palette:
    """The palette that a seed paints with, whatever the picture: a smaller copy is coloured like the picture itself.

    The seeds 0, 1, 2, ... take palettes in farthest-point order, so that any first few differ as much as they can;
    beyond the bank they begin again.

    Args:
        seed: 0 or more.
        bank: the palettes of real paintings to draw from.
        wished: a palette that all variants are to keep to; each then takes two parts of three from it.

    Raises:
        ValueError: for a negative seed or an empty bank.
    """
    if seed < 0 or not bank:
        raise ValueError(f"A seed is 0 or more, got {seed}." if bank else "There is no palette to draw from.")
    order = drawing_order(bank)
    drawn = bank[order[seed % len(order)]]
    return drawn if wished is None else mixed(wished, drawn, 2 / 3)


@cache
def drawing_order(bank: tuple[Palette, ...]) -> list[int]:
    """Positions in the bank in the order of seeds, without the most unusual palettes."""
    tables = [palette.array() for palette in bank]
    together = np.concatenate([table * [1, 1, 1, 1 / len(bank)] for table in tables])
    gaps = np.array([palette_gap(together, table) for table in tables])
    usual = np.argsort(gaps, kind="stable")[: max(1, round(_USUAL * len(bank)))]
    return [int(usual[number]) for number in farthest_first([tables[number] for number in usual], together)]


def farthest_first(tables: list[np.ndarray], start: np.ndarray) -> list[int]:
    """Positions of palettes, each next the farthest from `start` and all before it."""
    least = np.array([palette_gap(start, table) for table in tables])
    order: list[int] = []
    while len(order) < len(tables):
        order.append(int(least.argmax()))
        gaps = [palette_gap(tables[order[-1]], table) for table in tables]
        least = np.minimum(least, gaps)
        least[order] = -1
    return order


def palette_gap(first: np.ndarray, second: np.ndarray) -> float:
    """How different two palettes are, (K, 4) and (M, 4): the mean distance to the nearest colour, both ways."""
    scale = np.array([_GAP_LIGHTNESS, 1, 1])
    distances = np.sqrt(np.square((first[:, None, :3] - second[None, :, :3]) * scale).sum(2))
    return float(first[:, 3] @ distances.min(1) + second[:, 3] @ distances.min(0)) / 2


def mixed(first: Palette, second: Palette, share: float) -> Palette:
    """Both palettes' colours, `share` of the first."""
    weights = [share * w for w in first.weights] + [(1 - share) * w for w in second.weights]
    return Palette(first.colours + second.colours, tuple(weights))
