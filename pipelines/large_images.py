"""Paint files of any size in bounded memory: decoded in rows, painted in tiles, encoded in rows.

Every method shares this path; for lossless formats its pixels equal those of `pipelines.tiles.paint_tiles`. Memory
beside the model's own for a tile: a window of `ROW_PIXELS` (and its halo) decoded, as much painted, and about 100 MB
for the codecs: 300 MB in all at 8 bits and 500 MB at 16, however large the picture. Two kinds of picture need more:
one that its EXIF tag turns or flips is decoded whole, beyond 100 MB to a temporary file, and one that the model can
only paint as a whole is held in memory, so it is limited to `MAX_PICTURE_PIXELS`.

Importing this module sets up libvips for files from strangers, for the whole process: only decoders of
the formats below, no cache of operations.
"""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from pipelines.image_encoder import check_target, check_target_size, encode_rows
from pipelines.images import (
    MAX_PICTURE_PIXELS,
    Picture,
    check_picture_file,
    check_picture_size,
    profile_needs_conversion,
    read_picture,
)
from pipelines.tiles import AreaShrink, Canvas, Progress, Sample, Samples, Tile, count_tiles, tiles, view_size

MAX_FILE_PIXELS = 10_000_000_000
MAX_FILE_BYTES = 100_000_000_000
ROW_PIXELS = 32_000_000
_DECODERS = ("Jpeg", "Png", "Tiff", "Webp", "Nsgif", "Heif")
_DTYPES = {"uchar": np.dtype(np.uint8), "ushort": np.dtype(np.uint16)}
_STEP_BYTES = 1 << 20  # libvips holds several such pieces at once
_MIN_TILE_ROWS = 64

pyvips.block_untrusted_set(True)
pyvips.operation_block_set("VipsForeignLoad", True)
for _decoder in _DECODERS:
    pyvips.operation_block_set(f"VipsForeignLoad{_decoder}", False)
pyvips.cache_set_max(0)


def paint_file(
    pipe: Any,
    source: str | os.PathLike,
    target: str | os.PathLike,
    /,
    *,
    tile: int = 1024,
    offset: tuple[int, int] = (0, 0),
    progress: Progress | None = None,
    overwrite: bool = False,
    max_pixels: int = MAX_FILE_PIXELS,
    **options: Any,
) -> list[str]:
    """Paint `source` into `target`, whose suffix names the format; size, alpha and 16 bits are kept.

    JPEG and WebP reduce 16 bits to 8. The result is sRGB without metadata, upright.

    Args:
        pipe: has `view_area` and `canvas(view, height, width, **options)`, see `pipelines.tiles.Canvas`; with a
            `sample_side` above 0 its canvas also takes `samples`, see `pipelines.tiles.Samples`.
        source: PNG, JPEG, TIFF, WebP, GIF or AVIF by content; what PIL alone reads (BMP, JPEG 2000, PPM) is decoded
            in memory, up to `MAX_PICTURE_PIXELS`.
        target: ends in .png, .tif, .tiff, .jpg, .jpeg or .webp, in a folder that exists. It appears when whole.
        tile: side of a tile; the result does not depend on it. Wide pictures take lower tiles.
        offset: (rows, columns) by which the grid of tiles is shifted; nor does it depend on that.
        progress: called as progress(tiles done, tiles in all), with 0 done while the view is made; an exception
            raised in it cancels the work, removes what was written and reaches the caller.
        overwrite: replace a target that exists. The source itself is never replaced.
        max_pixels: the largest height x width accepted, known before anything is decoded.
        options: handed to `pipe.canvas`.

    Returns:
        what the picture's owner should know of it, as sentences: the canvas's `notes`, where it has any.

    Raises:
        OSError: if the source is missing, empty, damaged or no picture, or the target cannot be written.
        FileExistsError: if the target exists and `overwrite` is False.
        ValueError: for a picture too large for `max_pixels` or the target's format, transparency in a JPEG, an unknown
            suffix, or a target that is the source.
    """
    source, target = Path(source), Path(target)
    check_target(source, target, overwrite)
    image = LargeImage(source, max_pixels)
    check_target_size(target, image.height, image.width, image.channels == 4)

    sample_side = getattr(pipe, "sample_side", 0)
    view, samples = _view(image, pipe.view_area, sample_side, progress)
    if sample_side:
        options["samples"] = samples
    canvas = pipe.canvas(view, image.height, image.width, **options)
    if canvas.halo is None:
        check_picture_size(f"{source.name} (painted as a whole)", image.height, image.width, MAX_PICTURE_PIXELS)
    with encode_rows(target, image.height, image.width, image.channels, image.dtype, overwrite) as write:
        for rows in _painted_rows(image, canvas, tile, offset, progress):
            write(rows)
    return list(getattr(canvas, "notes", ()))


class LargeImage:
    """A picture file as a stream of sRGB rows; nothing but the header is decoded until they are asked for.

    Args:
        path: the file.
        max_pixels: largest height x width allowed.

    Attributes: height, width, channels (3, or 4 with alpha), dtype (uint8 or uint16).

    Raises:
        OSError, ValueError: as `paint_file`.
    """

    def __init__(self, path: Path, max_pixels: int = MAX_FILE_PIXELS):
        check_picture_file(path, MAX_FILE_BYTES)
        self.path, self._picture = path, None
        with as_os_error(path):
            image = self._open(max_pixels)
        if image is None:
            self._picture = read_picture(path, max_pixels=min(max_pixels, MAX_PICTURE_PIXELS))
            image = _from_picture(self._picture)
        self.height, self.width, self.channels = image.height, image.width, image.bands
        self.dtype = _DTYPES[image.format]

    def image(self) -> pyvips.Image:
        """The picture as libvips sees it, upright sRGB, to be read once from the top."""
        image = self._open() if self._picture is None else _from_picture(self._picture)
        if image is None:  # it could be opened before
            raise OSError(f"{self.path.name} changed while it was read.")
        return image

    def rows(self) -> Iterator[np.ndarray]:
        """All rows from the top, (h, W, channels), some at a time; OSError where the file proves damaged."""
        image = self.image()
        step = max(1, _STEP_BYTES // (self.width * self.channels * self.dtype.itemsize))
        with as_os_error(self.path):
            region = pyvips.Region.new(image)
            for top in range(0, self.height, step):
                count = min(step, self.height - top)
                data = region.fetch(0, top, self.width, count)
                yield np.frombuffer(data, self.dtype).reshape(count, self.width, self.channels)

    def _open(self, max_pixels: int = MAX_FILE_PIXELS) -> pyvips.Image | None:
        """The decoder, converted to upright sRGB; None if libvips has none for this file or its kind of pixels."""
        try:
            image = self._load("sequential")
        except pyvips.Error:
            return None
        check_picture_size(self.path.name, image.height, image.width, max_pixels)
        if image.format not in _DTYPES or not _is_grey_rgb_or_cmyk(image):
            return None
        if image.get_typeof("orientation") and image.get("orientation") not in (0, 1):
            image = self._load("random").autorot()  # turning needs the last row first
        return _to_srgb(image)

    def _load(self, access: str) -> pyvips.Image:
        # A source is told by content alone; a file name would be searched for options in square brackets.
        return pyvips.Image.new_from_source(
            pyvips.Source.new_from_file(str(self.path)), "", access=access, fail_on="error"
        )


def _is_grey_rgb_or_cmyk(image: pyvips.Image) -> bool:
    if image.interpretation == "cmyk":
        return image.bands in (4, 5)
    return image.bands <= 4 and image.interpretation in ("b-w", "grey16", "srgb", "rgb", "rgb16", "multiband")


def _to_srgb(image: pyvips.Image) -> pyvips.Image:
    """Any 8 or 16-bit picture -> sRGB of the same depth with 3 bands, or 4 with alpha."""
    alpha, colour = None, image
    if image.hasalpha():
        alpha, colour = image[image.bands - 1], image[0 : image.bands - 1]
    profile = image.get("icc-profile-data") if image.get_typeof("icc-profile-data") else None
    depth = 16 if image.format == "ushort" else 8
    if profile and profile_needs_conversion(profile, colour.bands):
        colour = colour.icc_transform("srgb", embedded=True, intent="perceptual", depth=depth)
    elif colour.bands == 4:
        light = colour.invert()  # CMYK without a profile, by the same plain formula as PIL
        colour = (light[0:3] * light[3] / (2**depth - 1)).rint().cast(image.format)
    elif colour.bands != 3:
        colour = colour[0].bandjoin([colour[0], colour[0]])
    colour = colour.copy(interpretation="rgb16" if depth == 16 else "srgb")
    return colour if alpha is None else colour.bandjoin(alpha)


def _from_picture(picture: Picture) -> pyvips.Image:
    array = picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])
    return pyvips.Image.new_from_array(array)


def _view(
    image: LargeImage, max_area: int, sample_side: int, progress: Progress | None
) -> tuple[np.ndarray, list[Sample]]:
    """The first pass over the file: `tiles.shrink` and `tiles.sample` of the whole picture, exactly."""
    view = AreaShrink((image.height, image.width), view_size(image.height, image.width, max_area), image.dtype)
    samples = Samples(image.height, image.width, sample_side, image.dtype)
    for rows in image.rows():
        colours = rows[..., :3]
        view.add(colours)
        samples.add(colours)
        if progress is not None:
            progress(0, 1)
    return view.result(), samples.result()


def _painted_rows(
    image: LargeImage, canvas: Canvas, tile: int, offset: tuple[int, int], progress: Progress | None
) -> Iterator[np.ndarray]:
    """The second pass: (h, W, channels) of painted rows from the top, one row of tiles at a time."""
    size = (min(tile, max(_MIN_TILE_ROWS, ROW_PIXELS // image.width)), tile)
    layout = (image.height, image.width, size, canvas.halo, canvas.multiple, offset)
    done, total = 0, count_tiles(*layout)
    window = _RowWindow(image)
    for _, group in itertools.groupby(tiles(*layout), key=lambda box: box.top):
        boxes: list[Tile] = list(group)
        first = boxes[0]
        held = window.take(first.outer_top, first.outer_bottom)
        painted = held[first.top - first.outer_top : first.bottom - first.outer_top].copy()  # the alpha plane stays
        for box in boxes:
            part = np.ascontiguousarray(held[:, box.outer_left : box.outer_right, :3])
            painted[:, box.left : box.right, :3] = box.inner_of(canvas.paint(part, box.outer_top, box.outer_left))
            done += 1
            if progress is not None:
                progress(done, total)
        yield painted


class _RowWindow:
    """The rows at hand of a picture that streams past from the top."""

    def __init__(self, image: LargeImage):
        self._image, self._stream = image, image.rows()
        self._held = np.empty((0, image.width, image.channels), image.dtype)
        self._top = 0
        self._ahead = self._held  # decoded, not yet asked for

    def take(self, top: int, bottom: int) -> np.ndarray:
        """Rows [top, bottom); `top` never goes back. Lets go of all rows above."""
        kept = self._held[top - self._top :].copy()
        self._held = np.empty((bottom - top, self._image.width, self._image.channels), self._image.dtype)
        self._held[: len(kept)], self._top = kept, top
        filled = len(kept)
        while filled < len(self._held):
            if not len(self._ahead):
                self._ahead = next(self._stream)
            count = min(len(self._ahead), len(self._held) - filled)
            self._held[filled : filled + count] = self._ahead[:count]
            self._ahead, filled = self._ahead[count:], filled + count
        return self._held


@contextmanager
def as_os_error(path: Path) -> Iterator[None]:
    """Turn libvips' errors while decoding into one sentence."""
    try:
        yield
    except pyvips.Error as error:
        lines = [line.strip() for line in error.detail.splitlines() if line.strip()] or ["cannot be decoded"]
        raise OSError(f"{path.name} is damaged or cut short ({lines[-1]}).") from error
