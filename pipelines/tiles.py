"""Pictures of any size, piece by piece: tiles with halos, and the small view of the whole that steers them.

A network of bounded receptive field gives each pixel the same value from a tile with a wide enough halo as from the
whole picture; what the whole picture decides reaches it through the view, and through a few samples at full size where
a pipeline wants them. This module needs numpy only and goes
into Hub files. `paint_tiles` is the loop in memory, `pipelines.large_images` the one for files.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

Progress = Callable[[int, int], None]
"""Called with (tiles done, tiles in all) after each tile; an exception raised inside cancels the work."""

MOST_SAMPLES = 9  # of a picture: enough for a mean, little beside a large picture's tiles
_ROWS_PER_SHRINK_STEP = 64  # rows taken at once: few enough to stay in the processor's cache


class Canvas(Protocol):
    """One picture being painted: what a pipeline's `canvas(view, height, width, **options)` returns.

    `halo` is how many pixels around a pixel can change its result, None if all of them can; `multiple` is the
    network's stride: tiles start at multiples of it.
    """

    halo: int | None
    multiple: int

    def paint(self, pixels: np.ndarray, top: int, left: int) -> np.ndarray:
        """Paint the part (h, w, 3) uint8 or uint16 whose first pixel is (top, left): same shape, same dtype."""
        ...


@dataclass(frozen=True)
class Sample:
    """A part of a picture at full size: (h, w, 3) `pixels` whose first is (top, left), both even."""

    top: int
    left: int
    pixels: np.ndarray


@dataclass(frozen=True)
class Tile:
    """One step of the loop, in pixels of the whole picture: paint the outer box, keep the inner one."""

    top: int
    left: int
    bottom: int
    right: int
    outer_top: int
    outer_left: int
    outer_bottom: int
    outer_right: int

    def inner_of(self, painted: np.ndarray) -> np.ndarray:
        """Cut the inner box from the painted outer box (h, w, ...)."""
        rows = slice(self.top - self.outer_top, self.bottom - self.outer_top)
        return painted[rows, self.left - self.outer_left : self.right - self.outer_left]


def tiles(
    height: int,
    width: int,
    tile: int | tuple[int, int],
    halo: int | None,
    multiple: int = 1,
    offset: tuple[int, int] = (0, 0),
) -> Iterator[Tile]:
    """Cover a picture with tiles, row by row; inner boxes neither overlap nor leave a gap.

    Args:
        height, width: of the picture, at least 1.
        tile: side of the inner box, or its (height, width); rounded up to a multiple of `multiple`.
        halo: pixels around the inner box, rounded up likewise and clipped at the picture's border, so that a network
            pads there as it would the whole picture. None: a single tile.
        multiple: all boxes start at multiples of it.
        offset: (rows, columns) by which the grid is shifted, rounded up likewise: the first tiles end there.

    Raises:
        ValueError: for sizes below 1, a negative halo or a negative offset.
    """
    tile_height, tile_width = tile_shape(tile, multiple)
    if height < 1 or width < 1 or (halo is not None and halo < 0):
        raise ValueError(f"Cannot tile {width}x{height} with halo {halo}: sides must be at least 1, halo at least 0.")
    if halo is None:
        yield Tile(0, 0, height, width, 0, 0, height, width)
        return
    halo = _round_up_to_multiple(halo, multiple)
    rows = _cuts(height, tile_height, offset[0], multiple)
    columns = _cuts(width, tile_width, offset[1], multiple)
    for top, bottom in itertools.pairwise(rows):
        for left, right in itertools.pairwise(columns):
            outer = (max(top - halo, 0), max(left - halo, 0), min(bottom + halo, height), min(right + halo, width))
            yield Tile(top, left, bottom, right, *outer)


def tile_shape(tile: int | tuple[int, int], multiple: int = 1) -> tuple[int, int]:
    """(height, width) of the inner boxes that `tiles` cuts; ValueError for a side below 1."""
    sides = (tile, tile) if isinstance(tile, int) else tile
    if min(sides) < 1 or multiple < 1:
        raise ValueError(f"tile and multiple must be at least 1, got tile={tile}, multiple={multiple}.")
    return _round_up_to_multiple(sides[0], multiple), _round_up_to_multiple(sides[1], multiple)


def count_tiles(
    height: int,
    width: int,
    tile: int | tuple[int, int],
    halo: int | None,
    multiple: int = 1,
    offset: tuple[int, int] = (0, 0),
) -> int:
    """How many tiles `tiles` yields."""
    if halo is None:
        return 1
    sides = zip((height, width), tile_shape(tile, multiple), offset, strict=True)
    return math.prod(len(_cuts(side, step, shift, multiple)) - 1 for side, step, shift in sides)


def paint_tiles(
    canvas: Canvas,
    pixels: np.ndarray,
    tile: int | tuple[int, int] = 1024,
    progress: Progress | None = None,
    offset: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """Paint a picture in memory, tile by tile.

    Args:
        canvas: made for this picture.
        pixels: (H, W, 3) uint8 or uint16.
        tile: side of a tile; the result does not depend on it.
        progress: called after each tile.
        offset: (rows, columns) by which the grid of tiles is shifted; nor does it depend on that.

    Returns:
        (H, W, 3) of the same dtype.
    """
    height, width = pixels.shape[:2]
    painted = np.empty_like(pixels)
    layout = (height, width, tile, canvas.halo, canvas.multiple, offset)
    total = count_tiles(*layout)
    for done, box in enumerate(tiles(*layout), start=1):
        part = pixels[box.outer_top : box.outer_bottom, box.outer_left : box.outer_right]
        painted[box.top : box.bottom, box.left : box.right] = box.inner_of(
            canvas.paint(np.ascontiguousarray(part), box.outer_top, box.outer_left)
        )
        if progress is not None:
            progress(done, total)
    return painted


def view_size(height: int, width: int, max_area: int) -> tuple[int, int]:
    """(height, width) of the view: at most `max_area` pixels, sides in proportion, at least 1, never enlarged.

    Raises:
        ValueError: for sizes or an area below 1.
    """
    if min(height, width, max_area) < 1:
        raise ValueError(f"Sizes must be at least 1, got {width}x{height} and max_area={max_area}.")
    if height * width <= max_area:
        return height, width
    scale = math.sqrt(max_area / (height * width))
    view_height, view_width = max(1, int(height * scale)), max(1, int(width * scale))
    return min(view_height, max_area // view_width or 1), min(view_width, max_area)


def shrink(pixels: np.ndarray, max_area: int) -> np.ndarray:
    """The view: (H, W, 3) uint8 or uint16, shrunk to `view_size` by the mean over each new pixel's area."""
    old = pixels.shape[:2]
    new = view_size(*old, max_area)
    if new == old:
        return pixels
    view = AreaShrink(old, new, pixels.dtype)
    view.add(pixels)
    return view.result()


def sample(pixels: np.ndarray, side: int) -> list[Sample]:
    """The samples of a picture in memory, (H, W, 3): see `Samples`."""
    samples = Samples(pixels.shape[0], pixels.shape[1], side, pixels.dtype)
    samples.add(pixels)
    return samples.result()


class Samples:
    """At most `MOST_SAMPLES` squares of a picture, evenly spread over it, cut from its rows as they come from the top.

    Args:
        height, width: of the picture.
        side: of the squares, even; a side of the picture that is shorter is taken whole. A picture that does not hold
            two of them gives none, and so does a side of 0.
        dtype: of the rows.
    """

    def __init__(self, height: int, width: int, side: int, dtype: np.dtype | type):
        self._rows, self._parts = 0, list[Sample]()
        if side < 1:
            return
        down, across = max(height // side, 1), max(width // side, 1)
        if down * across < 2:
            return
        if down * across > MOST_SAMPLES:
            down = min(max(round(math.sqrt(MOST_SAMPLES * height / width)), 1), down, MOST_SAMPLES)
            across = min(MOST_SAMPLES // down, across)
        shape = (min(side, height), min(side, width), 3)
        places = itertools.product(_starts(height, side, down), _starts(width, side, across))
        self._parts = [Sample(top, left, np.empty(shape, dtype)) for top, left in places]

    def add(self, rows: np.ndarray) -> None:
        """Take the next rows, (h, W, 3)."""
        above, below = self._rows, self._rows + len(rows)
        for part in self._parts:
            height, width = part.pixels.shape[:2]
            first, last = max(part.top, above), min(part.top + height, below)
            if first < last:
                taken = rows[first - above : last - above, part.left : part.left + width]
                part.pixels[first - part.top : last - part.top] = taken
        self._rows = below

    def result(self) -> list[Sample]:
        """All samples, once all rows have come."""
        return self._parts


class AreaShrink:
    """The area filter of `shrink`, fed rows from the top, in portions of any height.

    All sums are whole numbers: an old pixel i covers [i * new, (i + 1) * new) and a new pixel j covers
    [j * old, (j + 1) * old) of the same axis. So the result does not depend on the portions, not even in a last bit.

    Args:
        old, new: (height, width), new no larger than old.
        dtype: uint8 or uint16.

    Raises:
        ValueError: if `new` is larger than `old` or below 1, or the dtype is another.
    """

    def __init__(self, old: tuple[int, int], new: tuple[int, int], dtype: np.dtype | type):
        if not (1 <= new[0] <= old[0] and 1 <= new[1] <= old[1]):
            raise ValueError(f"Cannot shrink {old[1]}x{old[0]} to {new[1]}x{new[0]}.")
        if np.dtype(dtype) not in (np.uint8, np.uint16):
            raise ValueError(f"Cannot shrink dtype {np.dtype(dtype)}; allowed are uint8 and uint16.")
        self.old, self.new, self.dtype, self.rows = old, new, np.dtype(dtype), 0
        self._sums = np.zeros((*new, 3), np.int64)
        edges = np.arange(new[1] + 1) * old[1]
        # Column that each new pixel's edge falls in, and how far into it, in 1 / new of a column.
        self._column, self._offset = edges // new[1], (edges % new[1])[:, None]

    def add(self, rows: np.ndarray) -> None:
        """Take the next rows, (h, W, 3)."""
        for start in range(0, len(rows), _ROWS_PER_SHRINK_STEP):
            self._add(rows[start : start + _ROWS_PER_SHRINK_STEP])

    def result(self) -> np.ndarray:
        """The new picture, rounded half up; ValueError if rows are missing."""
        if self.rows != self.old[0]:
            raise ValueError(f"Got {self.rows} of {self.old[0]} rows.")
        area = self.old[0] * self.old[1]
        return ((2 * self._sums + area) // (2 * area)).astype(self.dtype)

    def _add(self, rows: np.ndarray) -> None:
        (old_height, old_width), (new_height, _) = self.old, self.new
        old = np.arange(self.rows, self.rows + len(rows))
        first, last = old[0] * new_height // old_height, ((old[-1] + 1) * new_height - 1) // old_height
        new = np.arange(first, last + 1)[:, None]
        overlap = np.minimum((old + 1) * new_height, (new + 1) * old_height) - np.maximum(
            old * new_height, new * old_height
        )
        # A product of whole numbers far below 2^53: exact in float64, where it runs on BLAS.
        weights = overlap.clip(0).astype(np.float64)
        summed = (weights @ rows.reshape(len(rows), -1).astype(np.float64)).astype(np.int64)
        self._sums[first : last + 1] += self._across(summed.reshape(len(new), old_width, 3))
        self.rows += len(rows)

    def _across(self, rows: np.ndarray) -> np.ndarray:
        """Sum (h, W, 3) over the columns of each new pixel -> (h, new width, 3)."""
        before = np.zeros((len(rows), rows.shape[1] + 1, 3), np.int64)
        np.cumsum(rows, axis=1, out=before[:, 1:])
        whole = np.diff(before[:, self._column], axis=1) * self.new[1]
        inside = np.minimum(self._column, rows.shape[1] - 1)  # the last edge lies behind the last column, offset 0
        return whole + np.diff(rows[:, inside] * self._offset, axis=1)


def _cuts(side: int, step: int, offset: int, multiple: int) -> list[int]:
    """Where tiles of `step` pixels begin and end along one side: 0, offset, offset + step, ..., side."""
    if offset < 0:
        raise ValueError(f"A grid of tiles is shifted by 0 pixels or more, got {offset}.")
    first = _round_up_to_multiple(offset, multiple) % step
    return [0, *range(first or step, side, step), side]


def _starts(length: int, side: int, count: int) -> list[int]:
    """Where squares begin that are spread over a length; even numbers."""
    spare = max(length - side, 0)
    return [int(start / 2) * 2 for start in (np.linspace(0, spare, count) if count > 1 else [spare / 2])]


def _round_up_to_multiple(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
