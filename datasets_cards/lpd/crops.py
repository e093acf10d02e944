"""Where the crops of a painting lie: a grid at several scales that covers it."""

from dataclasses import dataclass

import numpy as np

SIZE = 256  # pixels a side of every crop written
MIN_CROPS, MAX_CROPS = 4, 20  # per painting, as the paper says
MAX_ENLARGEMENT = 1.3  # a crop may show fewer source pixels than it has, by this factor at most
_SCALE_STEP = 2**0.5


@dataclass(frozen=True)
class Box:
    """A square of the source picture, in its pixels."""

    x: int
    y: int
    side: int

    def overlap(self, other: "Box") -> float:
        """Intersection over union with `other`, in [0, 1]."""
        width = min(self.x + self.side, other.x + other.side) - max(self.x, other.x)
        height = min(self.y + self.side, other.y + other.side) - max(self.y, other.y)
        common = max(width, 0) * max(height, 0)
        return common / (self.side**2 + other.side**2 - common)


def crop_sides(height: int, width: int) -> list[int]:
    """Sides of the crops of one painting in source pixels, finest first; empty if it is too small.

    The finest is 256, or less where the painting is so small that 256 would leave room for one place only:
    such crops are enlarged, by `MAX_ENLARGEMENT` at most. Coarser ones follow in steps of sqrt(2).
    """
    short = min(height, width)
    if short < SIZE / MAX_ENLARGEMENT:
        return []
    finest = min(SIZE, max(int(np.ceil(SIZE / MAX_ENLARGEMENT)), int(short * 0.8)))
    sides = [finest]
    while (side := round(SIZE * _SCALE_STEP ** len(sides))) <= short:
        sides.append(side)
    return sides


def plan_crops(height: int, width: int, rng: np.random.Generator) -> list[Box]:
    """4 to 20 boxes that cover a painting of `height` x `width` pixels; fewer only where places coincide.

    At each scale the boxes form the smallest grid that covers the painting. Where that makes more than 20,
    the coarse scales keep theirs (up to half) and the finest is thinned at random.
    """
    sides = crop_sides(height, width)
    if not sides:
        return []
    grids = [_grid(height, width, side) for side in sides]
    extra = 0
    while sum(map(len, grids)) < MIN_CROPS and extra < MIN_CROPS:
        extra += 1  # a small painting: let its finest crops overlap more
        grids[0] = _grid(height, width, sides[0], extra)
    boxes: list[Box] = []
    for grid in reversed(grids[1:]):  # coarsest first
        boxes += _thin(grid, MAX_CROPS // 2 - len(boxes), rng)
    return boxes + _thin(grids[0], MAX_CROPS - len(boxes), rng)


def moved(box: Box, height: int, width: int, step: int = 32) -> list[Box]:
    """Places for `box` inside the painting at most half its side away, nearest first."""
    reach = range(-(box.side // 2 // step) * step, box.side // 2 + 1, step)
    offsets = sorted(((dx, dy) for dx in reach for dy in reach if dx or dy), key=lambda o: (o[0] ** 2 + o[1] ** 2, o))
    places = [Box(box.x + dx, box.y + dy, box.side) for dx, dy in offsets]
    return [p for p in places if 0 <= p.x <= width - p.side and 0 <= p.y <= height - p.side]


def _grid(height: int, width: int, side: int, extra: int = 0) -> list[Box]:
    """The smallest grid of squares that covers the painting; `extra` more along the longer side."""
    across, down = -(-width // side), -(-height // side)
    across, down = (across + extra, down) if width >= height else (across, down + extra)
    xs, ys = _places(width - side, across), _places(height - side, down)
    return [Box(x, y, side) for y in ys for x in xs]


def _places(room: int, count: int) -> list[int]:
    return sorted({int(p) for p in np.linspace(0, room, count).round()}) if count > 1 else [room // 2]


def _thin(grid: list[Box], count: int, rng: np.random.Generator) -> list[Box]:
    if len(grid) <= count:
        return grid
    return [grid[i] for i in sorted(rng.choice(len(grid), max(count, 0), replace=False))]
