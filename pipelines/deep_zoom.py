"""A picture of any size as a Deep Zoom pyramid: small tiles at every scale, for viewers that load what they show.

The format is Microsoft's DZI as libvips writes it and OpenSeadragon, Leaflet and IIIF tools read it: `NAME.dzi`, and
`NAME_files/LEVEL/COLUMN_ROW.jpg`, where level ceil(log2(longer side)) has the picture's own size and each level below
half of that.
"""

import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyvips

from pipelines.large_images import MAX_FILE_PIXELS, LargeImage, as_os_error

TILE = 512
_SUFFIX = ".jpg[Q=90,subsample_mode=off]"
_WHITE = [255, 255, 255]


@dataclass(frozen=True)
class DeepZoom:
    """A pyramid on the disk.

    Args:
        width, height: of the picture in pixels, upright.
        tiles: the folder of levels, `NAME_files`.
    """

    width: int
    height: int
    tiles: Path


def write_deep_zoom(
    source: str | os.PathLike,
    target: str | os.PathLike,
    *,
    max_pixels: int = MAX_FILE_PIXELS,
    check: Callable[[], None] | None = None,
) -> DeepZoom:
    """Cut a picture into tiles of `TILE` px, JPEG without chroma subsampling, transparent parts on white.

    The source streams past once; memory is bounded, see `pipelines.large_images`. Nothing has the final names before it
    is whole.

    Args:
        source: what `pipelines.large_images.LargeImage` reads.
        target: a path without suffix: `target`.dzi and `target`_files are written beside each other.
        max_pixels: the largest height x width accepted.
        check: called now and then; an exception raised in it ends the work and reaches the caller.

    Raises:
        OSError: if the source cannot be read to the end or the tiles not be written; nothing is left then.
        ValueError: for a picture too large.
        FileExistsError: if there is such a pyramid already.
    """
    source, target = Path(source), Path(target)
    pyramid_files = _tiles(target)
    if pyramid_files.exists():
        raise FileExistsError(f"{pyramid_files.name} exists already; choose another name.")
    large = LargeImage(source, max_pixels)
    image = _shown(large.image())
    partial = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    stopped = _watch(image, check) if check is not None else []
    try:
        with as_os_error(source):
            image.dzsave(str(partial), layout="dz", tile_size=TILE, overlap=0, suffix=_SUFFIX, keep="none")
        (_tiles(partial) / "vips-properties.xml").unlink()  # no part of the format
        if stopped:  # in the last rows, when libvips could finish all the same
            raise stopped[0]
        _tiles(partial).rename(pyramid_files)
        _index(partial).rename(_index(target))
    except BaseException as error:
        shutil.rmtree(_tiles(partial), ignore_errors=True)
        _index(partial).unlink(missing_ok=True)
        if stopped:
            raise stopped[0] from error
        raise
    return DeepZoom(large.width, large.height, pyramid_files)


def _tiles(target: Path) -> Path:
    return target.with_name(target.name + "_files")


def _index(target: Path) -> Path:
    return target.with_name(target.name + ".dzi")


def _shown(image: pyvips.Image) -> pyvips.Image:
    """8 bits, opaque."""
    if image.format == "ushort":
        image = (image / 257).rint().cast("uchar").copy(interpretation="srgb")
    return image.flatten(background=_WHITE) if image.hasalpha() else image


def _watch(image: pyvips.Image, check: Callable[[], None]) -> list[BaseException]:
    """Call `check` while `image` is computed; what it raises is kept in the list, for libvips could not hand it on."""
    raised: list[BaseException] = []

    def evaluate(watched: pyvips.Image, _: object) -> None:
        try:
            if not raised:
                check()
        except BaseException as error:
            raised.append(error)
            watched.set_kill(True)

    image.set_progress(True)
    image.signal_connect("eval", evaluate)
    return raised
