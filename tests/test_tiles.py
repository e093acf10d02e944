"""Tiles cover a picture exactly, hide no seam, and the view is the exact area mean."""

import numpy as np
import pytest

from pipelines.tiles import (
    MOST_SAMPLES,
    AreaShrink,
    Samples,
    count_tiles,
    paint_tiles,
    sample,
    shrink,
    tiles,
    view_size,
)


class BlurCanvas:
    """A box blur of radius `halo` on whole numbers, plus the view's mean: any seam or wrong offset shows."""

    def __init__(self, view: np.ndarray, halo: int = 5, multiple: int = 1):
        self.halo, self.multiple, self.mean = halo, multiple, int(view.mean())

    def paint(self, pixels: np.ndarray, top: int, left: int) -> np.ndarray:
        assert top % self.multiple == 0 and left % self.multiple == 0
        padded = np.pad(pixels.astype(np.int64), ((self.halo,) * 2, (self.halo,) * 2, (0, 0)))
        for axis in (0, 1):
            sums = np.cumsum(np.insert(padded, 0, 0, axis=axis), axis=axis)
            width = 2 * self.halo + 1
            padded = np.take(sums, range(width, sums.shape[axis]), axis) - np.take(
                sums, range(sums.shape[axis] - width), axis
            )
        rows, columns = np.indices(pixels.shape[:2])
        pattern = ((rows + top) // self.multiple + (columns + left) // self.multiple) % 7
        top_value = np.iinfo(pixels.dtype).max
        return ((padded // (2 * self.halo + 1) ** 2 + pattern[..., None] + self.mean) % (top_value + 1)).astype(
            pixels.dtype
        )


def noise(height: int, width: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, (height, width, 3)).astype(dtype)


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (130, 97), (64, 64)])
@pytest.mark.parametrize(("tile", "halo", "multiple"), [(64, 0, 1), (32, 5, 1), (30, 9, 4), ((16, 50), 3, 2)])
@pytest.mark.parametrize("offset", [(0, 0), (10, 20), (64, 1)])
def test_tiles_cover_once(size, tile, halo, multiple, offset):
    covered = np.zeros(size, int)
    boxes = list(tiles(*size, tile, halo, multiple, offset))
    for box in boxes:
        covered[box.top : box.bottom, box.left : box.right] += 1
        starts = (box.top, box.left, box.outer_top, box.outer_left)
        assert all(start % multiple == 0 for start in starts)
        assert 0 <= box.outer_top <= max(0, box.top - halo) and min(box.bottom + halo, size[0]) <= box.outer_bottom
        assert 0 <= box.outer_left <= max(0, box.left - halo) and min(box.right + halo, size[1]) <= box.outer_right
        assert box.outer_bottom <= size[0] and box.outer_right <= size[1]
    assert (covered == 1).all() and len(boxes) == count_tiles(*size, tile, halo, multiple, offset)


def test_an_offset_shifts_the_grid():
    boxes = list(tiles(100, 100, 40, 5, 4, offset=(10, 39)))
    assert sorted({box.top for box in boxes}) == [0, 12, 52, 92]  # 10 rounded up to the stride
    assert sorted({box.left for box in boxes}) == [0, 40, 80]  # a whole tile is no offset
    with pytest.raises(ValueError, match="shifted by 0 pixels or more, got -1"):
        list(tiles(100, 100, 40, 5, 4, offset=(-1, 0)))


def test_without_a_halo_there_is_one_tile():
    (box,) = tiles(500, 700, 64, None, offset=(3, 3))
    assert (box.bottom, box.right, box.outer_bottom, box.outer_right) == (500, 700, 500, 700)
    assert count_tiles(500, 700, 64, None) == 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("multiple", [1, 2, 8])
def test_tile_equals_whole(dtype, multiple):
    pixels = noise(133, 211, dtype)
    canvas = BlurCanvas(shrink(pixels, 1000), multiple=multiple)
    whole = canvas.paint(pixels, 0, 0)
    for tile in (16, 50, (40, 1000), 4096):
        for offset in ((0, 0), (9, 31)):
            np.testing.assert_array_equal(paint_tiles(canvas, pixels, tile=tile, offset=offset), whole)


def test_progress_counts_and_cancels():
    seen: list[tuple[int, int]] = []
    pixels = noise(100, 100)
    paint_tiles(BlurCanvas(pixels), pixels, tile=40, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 9) for i in range(1, 10)]

    def cancel(done: int, total: int) -> None:
        if done == 2:
            raise InterruptedError("enough")

    with pytest.raises(InterruptedError, match="enough"):
        paint_tiles(BlurCanvas(pixels), pixels, tile=40, progress=cancel)


@pytest.mark.parametrize("size", [(1, 1), (3000, 4000), (20000, 10), (1, 10**9), (10**9, 1), (707, 708), (99999, 3)])
@pytest.mark.parametrize("area", [1, 7, 1000, 500_000])
def test_view_size(size, area):
    height, width = view_size(*size, area)
    assert 1 <= height <= size[0] and 1 <= width <= size[1] and height * width <= area
    if size[0] * size[1] <= area:
        assert (height, width) == size


def area_mean(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """The definition: repeat every row `height` times, every column `width` times, and take means."""
    old_height, old_width = pixels.shape[:2]
    sums = pixels.astype(np.int64).repeat(height, 0).reshape(height, old_height, old_width, 3).sum(1)
    sums = sums.repeat(width, 1).reshape(height, width, old_width, 3).sum(2)
    return (2 * sums + old_height * old_width) // (2 * old_height * old_width)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("new", [(1, 1), (41, 57), (97, 131), (96, 130), (97, 2), (5, 131)])
def test_shrink_is_the_area_mean_whatever_the_portions(dtype, new):
    pixels = noise(97, 131, dtype)
    want = area_mean(pixels, *new)
    for cuts in ([], [1, 2, 70], [33, 96]):
        view = AreaShrink((97, 131), new, dtype)
        for rows in np.split(pixels, cuts):
            view.add(rows)
        np.testing.assert_array_equal(view.result(), want)


def test_shrink_keeps_small_pictures_and_full_range():
    pixels = noise(20, 30)
    assert shrink(pixels, 600) is pixels
    white = shrink(np.full((3000, 1111, 3), 65535, np.uint16), 5000)
    assert white.min() == 65535 and white.shape[0] * white.shape[1] <= 5000


@pytest.mark.parametrize("size", [(700, 300), (150, 900), (400, 400), (1000, 2)])
def test_samples_are_parts_of_the_picture(size):
    pixels = noise(*size)
    samples = Samples(*size, 64, pixels.dtype)
    for top in range(0, size[0], 37):
        samples.add(pixels[top : top + 37])
    parts = samples.result()
    assert 2 <= len(parts) <= MOST_SAMPLES and len({(one.top, one.left) for one in parts}) == len(parts)
    for one, other in zip(parts, sample(pixels, 64), strict=True):
        height, width = one.pixels.shape[:2]
        assert (height, width) == (min(64, size[0]), min(64, size[1])) and one.top % 2 == one.left % 2 == 0
        np.testing.assert_array_equal(
            one.pixels, pixels[one.top : one.top + height, one.left : one.left + width], strict=True
        )
        assert (one.top, one.left) == (other.top, other.left) and (one.pixels == other.pixels).all()
    spread = [one.top if size[0] > size[1] else one.left for one in parts]
    assert min(spread) <= 64 and max(spread) >= max(size) - 128


def test_small_pictures_give_no_samples():
    assert sample(noise(64, 64), 64) == sample(noise(100, 127), 64) == sample(noise(500, 500), 0) == []
    assert len(sample(noise(64, 128), 64)) == 2


def test_errors_name_what_was_given():
    with pytest.raises(ValueError, match="at least 1, got tile=0"):
        list(tiles(4, 4, 0, 1))
    with pytest.raises(ValueError, match="halo -1"):
        list(tiles(4, 4, 4, -1))
    with pytest.raises(ValueError, match="max_area=0"):
        view_size(4, 4, 0)
    with pytest.raises(ValueError, match="Cannot shrink 4x4 to 5x4"):
        AreaShrink((4, 4), (4, 5), np.uint8)
    with pytest.raises(ValueError, match="float32"):
        AreaShrink((4, 4), (2, 2), np.float32)
    view = AreaShrink((4, 4), (2, 2), np.uint8)
    view.add(noise(3, 4))
    with pytest.raises(ValueError, match="3 of 4 rows"):
        view.result()
