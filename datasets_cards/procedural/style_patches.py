"""Styles of patches: tiles in mortar, panes in lead, dots of pure colour."""

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import KDTree

from datasets_cards.procedural.canvas import Noise, smoothstep

_EARTH = np.array([(178, 58, 44), (222, 158, 66), (240, 222, 172), (44, 92, 120), (86, 140, 132), (52, 44, 60)], float)
_GLASS = np.array([(188, 30, 46), (240, 176, 40), (34, 84, 166), (36, 130, 88), (122, 50, 140), (90, 176, 206)], float)


def grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y of every pixel's middle, in shares of the side: two (size, size)."""
    row, column = np.mgrid[:size, :size]
    return (column + 0.5) / size, (row + 0.5) / size


def scenery(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A soft field in [0, 1] with hills of a third of the picture: what patches take their colours from."""
    field = 0.5 + 0.32 * Noise(rng)(2.2 * np.asarray(x, np.float32), 2.2 * np.asarray(y, np.float32), octaves=2)
    return np.clip(field, 0, 1)


def ramp(colours: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Colours (K, 3) blended along a value in [0, 1]: (..., 3)."""
    at = np.linspace(0, 1, len(colours))
    return np.stack([np.interp(value, at, colours[:, channel]) for channel in range(3)], -1)


def mosaic(rng: np.random.Generator, size: int) -> np.ndarray:
    """Square tiles in rows that follow a bent grid, each of its own shade, in pale mortar."""
    x, y = grid(size)
    bend, count = Noise(rng), 26
    u = count * x + 1.1 * bend(1.6 * x, 1.6 * y)
    v = count * y + 1.1 * bend(1.6 * x + 9, 1.6 * y + 4)
    column, row = np.floor(u).astype(int), np.floor(v).astype(int)
    numbers = (row - row.min()) * (np.ptp(column) + 1) + column - column.min()
    tiles = rng.normal(0, 1, (numbers.max() + 1, 2))
    colours = _EARTH[rng.permutation(len(_EARTH))]
    steps = np.round(scenery(rng, column / count, row / count) * 5) / 5 + 0.05 * tiles[numbers, 0]
    edge = np.minimum(np.minimum(u % 1, 1 - u % 1), np.minimum(v % 1, 1 - v % 1))
    tile = smoothstep(0.05, 0.12, edge)[..., None]
    lit = (
        1 + 0.10 * tiles[numbers, 1:2].reshape(size, size, 1) + 0.16 * ((0.5 - u % 1) + (0.5 - v % 1))[..., None] * 0.5
    )
    return tile * ramp(colours, np.clip(steps, 0, 1)) * lit + (1 - tile) * np.array([206, 198, 182.0])


def stained_glass(rng: np.random.Generator, size: int) -> np.ndarray:
    """Panes of clear colours between strips of lead, lighter in their middles."""
    x, y = grid(size)
    nodes = rng.random((70, 2))
    nearest = KDTree(nodes).query(np.stack([x, y], -1), k=2)
    pane, gap = nearest[1][..., 0], nearest[0][..., 1] - nearest[0][..., 0]
    own = _GLASS[rng.integers(len(_GLASS), size=len(nodes))] + rng.normal(0, 12, (len(nodes), 3))
    streaks = 1 + 0.10 * Noise(rng)(5 * x, 22 * y, octaves=2)
    lead = smoothstep(0.018, 0.010, gap)[..., None]
    glow = (0.72 + 0.5 * np.clip(gap / 0.12, 0, 1))[..., None]
    return (1 - lead) * own[pane] * glow * streaks[..., None] + lead * np.array([30, 28, 32.0])


def pointillism(rng: np.random.Generator, size: int) -> np.ndarray:
    """Dots of pure colours on canvas, mixed by the eye to hills under a sky."""
    x, y = grid(size)
    picture = np.full((size, size, 3), (236, 226, 204), float)
    radius = max(1.0, size / 128)
    field = Noise(rng)
    ways = np.array(
        [(70, 120, 196), (236, 196, 84), (88, 150, 84), (206, 92, 84), (244, 236, 214), (92, 70, 140)], float
    )
    for _ in range(4):  # layers: later dots lie on earlier ones
        dots = rng.random((5200, 2))
        land = dots[:, 1] + 0.10 * field(2 * dots[:, 0], 0.0, octaves=2) > 0.55
        share = scenery(rng, dots[:, 0], dots[:, 1])
        number = np.where(land, np.where(share > 0.5, 2, 1), np.where(share > 0.6, 4, 0))
        stray = rng.random(len(dots)) < 0.28
        number = np.where(stray, rng.integers(len(ways), size=len(dots)), number)
        distance, owner = KDTree(dots).query(np.stack([x, y], -1))
        inside = smoothstep(radius * 1.1, radius * 0.7, distance * size)[..., None]
        picture += inside * (ways[number][owner] + rng.normal(0, 9, (len(dots), 3))[owner] - picture)
    return picture


def relief(height: np.ndarray, depth: float) -> np.ndarray:
    """Shade of a surface of that height (H, W) under a lamp from above left: (H, W, 1) around 1."""
    down, right = np.gradient(gaussian_filter(height, 0.7))
    return (1 + depth * np.clip(-(0.7 * right + 0.7 * down) / (height.std() + 1e-6), -1.5, 1.5))[..., None]
