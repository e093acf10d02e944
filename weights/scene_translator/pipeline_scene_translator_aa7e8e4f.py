# One file that stands alone, written by the exporter of the Danqing project from its modules.
"""Translate photographs of scenes: summer and winter, cloudy and sunny."""

import io
import itertools
import math
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, IO, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageCms
from diffusers import DiffusionPipeline, ModelMixin
from diffusers.pipelines.pipeline_utils import ImagePipelineOutput
from torch import Tensor


# --- pipelines.sampling ---
# Read a coarse grid that lies over a whole picture at the pixels of one of its tiles.
#
# This module needs torch only and goes into Hub files.

def sample_bilinear(
    grid: Tensor, size: tuple[int, int], corner: tuple[int, int], scale: tuple[float, float], stride: int = 1
) -> Tensor:
    """Read the grid, bilinearly, at the centres of a tile's blocks of `stride` x `stride` pixels.

    Positions follow from a block's place in the whole picture alone, so neighbouring tiles read the same values. The
    two axes are done one after the other, each as a weighted sum of two gathered lines.

    Args:
        grid: (B, C, h, w) over the whole picture.
        size: (rows, columns) of blocks in the tile.
        corner: (top, left) of the tile, in pixels of the picture.
        scale: cells of the grid for each pixel of the picture, (rows, columns).
        stride: side of a block; 1 reads at every pixel.

    Returns:
        (B, C, *size).
    """
    for axis, count in ((2, size[0]), (3, size[1])):
        cells, start, step = grid.shape[axis], corner[axis - 2], scale[axis - 2]
        blocks = torch.arange(count, device=grid.device, dtype=torch.float64)
        centres = ((blocks + 0.5) * stride + start) * step - 0.5
        centres = centres.clamp(0, cells - 1)
        low = centres.floor().long().clamp_max(max(cells - 2, 0))
        share = (centres - low).to(grid.dtype).view((-1, 1) if axis == 2 else (-1,))
        high = (low + 1).clamp_max(cells - 1)
        grid = grid.index_select(axis, low) * (1 - share) + grid.index_select(axis, high) * share
    return grid


# --- pipelines.guided_upsampling ---
# Carry a change made to a small view over to the full-size picture, tile by tile and without seams.
#
# On the view the change is fitted, around every pixel, by an affine map of colours (the guided filter, He et al., 2013,
# https://doi.org/10.1109/TPAMI.2012.213; on a small view first, He and Sun, 2015, https://arxiv.org/abs/1505.00996). The
# maps are smooth, so they can be read between pixels, and are applied to the full-size picture, whose detail they keep.
# What no map explains, new texture, is read from the view itself and added. At the view's own size the two are together
# the change exactly. This module needs torch only and goes into Hub files.

class GuidedUpsampling:
    """The change from `before` to `after`, ready to be applied to any part of a larger picture.

    Args:
        before, after: (1, 3, h, w) float, the view and what became of it.
        height, width: of the full-size picture, at least h and w.
        radius: of the windows the maps are fitted in, in pixels of the view.
        eps: how little colours may vary in a window before the map is held to an offset, as a variance.
    """

    def __init__(self, before: Tensor, after: Tensor, height: int, width: int, radius: int = 4, eps: float = 1e-3):
        self.scale = (before.shape[2] / height, before.shape[3] / width)
        self.exact = self.scale == (1.0, 1.0)
        self.change = after - before
        if not self.exact:
            maps = box_mean(affine_maps(before, self.change, radius, eps), radius)
            rest = self.change - apply_maps(maps, before)
            self.maps = torch.cat([maps, rest], dim=1)

    def apply(self, picture: Tensor, top: int, left: int) -> Tensor:
        """Change the part (1, 3, H, W) of the full-size picture whose first pixel is (top, left)."""
        height, width = picture.shape[2:]
        if self.exact:
            return picture + self.change[:, :, top : top + height, left : left + width]
        maps = sample_bilinear(self.maps, (height, width), (top, left), self.scale)
        return picture + apply_maps(maps[:, :12], picture) + maps[:, 12:]


def affine_maps(guide: Tensor, target: Tensor, radius: int, eps: float) -> Tensor:
    """Least squares, in a window around each pixel: target ~ M guide + b, with M damped by `eps`.

    Args:
        guide, target: (B, 3, h, w).

    Returns:
        (B, 12, h, w): for each channel of the target three weights and an offset.
    """
    mean_g, mean_t = box_mean(guide, radius), box_mean(target, radius)
    products = (guide[:, :, None] * guide[:, None]).flatten(1, 2)
    covariance = box_mean(products, radius).unflatten(1, (3, 3)) - mean_g[:, :, None] * mean_g[:, None]
    products = (target[:, :, None] * guide[:, None]).flatten(1, 2)
    cross = box_mean(products, radius).unflatten(1, (3, 3)) - mean_t[:, :, None] * mean_g[:, None]
    damped = covariance.permute(0, 3, 4, 1, 2).double() + eps * torch.eye(3, dtype=torch.float64, device=guide.device)
    weights = torch.linalg.solve(damped, cross.permute(0, 3, 4, 2, 1).double())  # (B, h, w, guide, target)
    weights = weights.permute(0, 4, 3, 1, 2).to(guide.dtype)  # (B, target, guide, h, w)
    offset = mean_t - (weights * mean_g[:, None]).sum(2)
    return torch.cat([weights, offset[:, :, None]], dim=2).flatten(1, 2)


def apply_maps(maps: Tensor, picture: Tensor) -> Tensor:
    """(B, 12, h, w) as `affine_maps` gives them, on (B, 3, h, w) -> (B, 3, h, w)."""
    maps = maps.unflatten(1, (3, 4))
    return (maps[:, :, :3] * picture[:, None]).sum(2) + maps[:, :, 3]


def box_mean(x: Tensor, radius: int) -> Tensor:
    """Mean over the (2 radius + 1)^2 window around each pixel, cut off at the border; (B, C, h, w) both."""
    kernel = 2 * radius + 1
    for size in ((kernel, 1), (1, kernel)):
        padding = (size[0] // 2, size[1] // 2)
        x = F.avg_pool2d(x, size, stride=1, padding=padding, count_include_pad=False)
    return x


# --- pipelines.images ---
# Pictures in and out of the pipelines: whatever people hand in, decoded once, checked, and given back in kind.
#
# Inside, a picture is a `Picture`: sRGB pixels of 8 or 16 bits with the alpha plane kept apart. This module goes
# into Hub files, so it needs numpy, torch and PIL only. Uploads are hostile until proven: the type is told by
# content, never by name, the size is checked before any pixel is decoded, and no setting of PIL is changed.
#
# PIL has no 16-bit RGB: such a file is read at 8 bits here. `pipelines.large_images` keeps all 16.

MAX_PICTURE_PIXELS = 200_000_000
MAX_PICTURE_BYTES = 1 << 30
PICTURE_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "PPM", "JPEG2000", "AVIF")

# What PIL's decoders are known to raise on files that are damaged or made to harm.
_DECODE_ERRORS = (
    *(OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, EOFError, OverflowError),
    *(AttributeError, NotImplementedError, struct.error, zlib.error, Image.DecompressionBombError),
)
_FLOAT_RANGE_SLACK = 1e-3  # a quarter of an 8-bit level: rounding, not another range


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Args:
        pixels: (H, W, 3) uint8 or uint16, sRGB.
        alpha: (H, W) of the same dtype, or None for an opaque picture.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None

    @property
    def height(self) -> int:
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        return self.pixels.shape[1]


def read_picture(image: Any, *, max_pixels: int = MAX_PICTURE_PIXELS) -> Picture:
    """Decode one picture.

    PIL images and files: EXIF orientation applied, the first frame of an animation, palettes and transparent
    colours resolved, an embedded colour profile converted to sRGB (8-bit pictures only; a damaged profile counts
    as none), CMYK without profile by the plain formula. 16-bit grey keeps its 16 bits; PIL's mode "I" counts as
    16-bit grey, mode "F" as grey in [0, 1].

    Args:
        image: a path (str or `Path`), a PIL image, an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), or a
            tensor (H, W), (1, H, W), (3, H, W) or (4, H, W). Arrays and tensors are uint8, uint16, bool, or float
            in [0, 1]; float becomes 16 bits.
        max_pixels: the largest height x width accepted, checked before decoding.

    Raises:
        OSError: for a file that is missing, empty, damaged, cut short, or no picture.
        ValueError: for a picture that is too large, or values, dtypes or channel counts that are not allowed.
        TypeError: for anything else than a path, PIL image, array or tensor.
    """
    if isinstance(image, (str, os.PathLike)):
        return _read_picture_file(Path(image), max_pixels)
    if isinstance(image, Image.Image):
        return _read_pil_image(image, "The image", max_pixels)
    if isinstance(image, torch.Tensor):
        return _read_picture_tensor(image, max_pixels)
    if isinstance(image, np.ndarray):
        return _read_picture_array(image, max_pixels)
    raise TypeError(f"A picture is a path, a PIL image, an array or a tensor; got {type(image).__name__}.")


def read_pictures(image: Any, *, max_pixels: int = MAX_PICTURE_PIXELS) -> list[Picture]:
    """Decode one picture or several: what `read_picture` takes, a list of it, or a batch.

    An array batch is (B, H, W, C), a tensor batch (B, C, H, W).

    Raises:
        ValueError: for an empty list, and as `read_picture`; so for OSError and TypeError.
    """
    several = isinstance(image, (list, tuple)) or (isinstance(image, (np.ndarray, torch.Tensor)) and image.ndim == 4)
    images = list(image) if several else [image]
    if not images:
        raise ValueError("Got an empty list; hand in at least one picture.")
    return [read_picture(one, max_pixels=max_pixels) for one in images]


def write_pictures(pictures: Sequence[Picture], output_type: str = "pil") -> list[Image.Image] | Any:
    """Give pictures back in the form asked for; those with alpha have four channels.

    Args:
        pictures: any number, of any sizes.
        output_type: "pil": a list of RGB or RGBA images; 16 bits are rounded to 8, for PIL has no 16-bit RGB.
            "np": float32 (B, H, W, C) in [0, 1]. "pt": float32 (B, C, H, W) in [0, 1], on the CPU. Both keep 16-bit
            precision, and are lists of single pictures where the shapes differ.

    Raises:
        ValueError: for another `output_type`.
    """
    if output_type not in ("pil", "np", "pt"):
        raise ValueError(f'output_type must be "pil", "np" or "pt", got {output_type!r}.')
    arrays = [_join_alpha(picture) for picture in pictures]
    if output_type == "pil":
        return [Image.fromarray(_round_to_8_bit(array)) for array in arrays]
    floats = [array.astype(np.float32) / np.float32(np.iinfo(array.dtype).max) for array in arrays]
    same_shape = len({array.shape for array in floats}) == 1
    if output_type == "np":
        return np.stack(floats) if same_shape else floats
    tensors = [torch.from_numpy(array).permute(2, 0, 1).contiguous() for array in floats]
    return torch.stack(tensors) if same_shape else tensors


def profile_needs_conversion(profile: bytes, channels: int) -> bool:
    """Whether an ICC profile asks for a conversion to sRGB.

    Not so if it is sRGB under any of its names, if it is damaged, or if it was made for another number of colour
    channels than the picture has: viewers ignore such profiles, and so do we.
    """
    try:
        core = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile
    except (ImageCms.PyCMSError, OSError):
        return False
    fits = {"GRAY": 1, "RGB": 3, "CMYK": 4}.get(core.xcolor_space.strip()) == channels
    return fits and "srgb" not in (core.profile_description or "").lower()


def check_picture_size(name: str, height: int, width: int, max_pixels: int) -> None:
    """Raise a ValueError if a picture has no pixels or more than `max_pixels`."""
    if height < 1 or width < 1:
        raise ValueError(f"{name} is {width}x{height} pixels; a picture needs at least 1x1.")
    if height * width > max_pixels:
        raise ValueError(
            f"{name} is {width}x{height} = {height * width / 1e6:.1f} megapixels; "
            f"at most {max_pixels / 1e6:.1f} are allowed here."
        )


def check_picture_file(path: Path, max_bytes: int = MAX_PICTURE_BYTES) -> None:
    """Raise an OSError or ValueError if `path` is no file, is empty, or has more than `max_bytes`."""
    if not path.exists():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    if not path.is_file():
        raise OSError(f"{path.name} is not a file; hand in a picture file.")
    size = path.stat().st_size
    if size == 0:
        raise OSError(f"{path.name} is empty (0 bytes).")
    if size > max_bytes:
        raise ValueError(f"{path.name} has {size / 1e6:.0f} MB; at most {max_bytes / 1e6:.0f} MB are allowed here.")


def picture_format(prefix: bytes) -> str | None:
    """The format, one of `PICTURE_FORMATS`, whose signature the first 16 bytes of a file bear; None for no picture."""
    Image.init()
    for name in PICTURE_FORMATS:
        factory, accept = Image.OPEN.get(name, (None, None))
        answer = factory is not None and accept is not None and accept(prefix)
        if answer and not isinstance(answer, str):  # a string says why the decoder is missing
            return name
    return None


def _read_picture_file(path: Path, max_pixels: int) -> Picture:
    check_picture_file(path)
    with path.open("rb") as file:
        return _read_pil_image(_open_by_content(file, path.name), path.name, max_pixels)


def _open_by_content(file: IO[bytes], name: str) -> Image.Image:
    """Read the header with the one decoder whose signature fits.

    As `Image.open`, less its check against the process-wide `Image.MAX_IMAGE_PIXELS`: `max_pixels` decides here.
    """
    kind = picture_format(file.read(16))
    if kind is None:
        raise OSError(f"{name} is not a picture this can read; allowed are {', '.join(PICTURE_FORMATS)}.")
    file.seek(0)
    try:
        return Image.OPEN[kind][0](file, name)
    except _DECODE_ERRORS as error:
        raise OSError(f"{name} is a damaged or unsupported {kind} file ({_decoder_reason(error)}).") from error


def _read_pil_image(image: Image.Image, name: str, max_pixels: int) -> Picture:
    check_picture_size(name, image.height, image.width, max_pixels)
    try:
        image.load()
    except _DECODE_ERRORS as error:
        raise OSError(f"{name} is damaged or cut short ({_decoder_reason(error)}).") from error
    orientation = _exif_orientation(image)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        picture = _read_deep_grey(np.asarray(image), name)
    else:
        picture = _read_8_bit(image)
    alpha = None if picture.alpha is None else _turn_upright(picture.alpha, orientation)
    return Picture(_turn_upright(picture.pixels, orientation), alpha)


def _read_deep_grey(values: np.ndarray, name: str) -> Picture:
    """(H, W) of PIL's modes "I;16", "I" and "F" -> 16-bit grey."""
    if values.dtype.kind == "f":
        return Picture(_three_channels(_float_to_16_bit(values, f"{name} (mode F)")[..., None]))
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        raise ValueError(f"{name} has integer values from {low} to {high}; 0 to 65535 (16 bits) are allowed.")
    return Picture(_three_channels(values.astype(np.uint16)[..., None]))


def _read_8_bit(image: Image.Image) -> Picture:
    profile, alpha = image.info.get("icc_profile"), None
    if image.mode == "La":
        image = image.convert("LA")  # the only way out of premultiplied grey
    if image.has_transparency_data:
        whole = image.convert("RGBA")
        alpha = np.asarray(whole.getchannel("A"))
        image = whole.convert("RGB") if image.mode != "LA" else whole.getchannel("R")
    elif image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("RGB")
    if profile and profile_needs_conversion(profile, len(image.getbands())):
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        image = image if converted is None else converted
    return Picture(np.asarray(image.convert("RGB")), alpha)


def _exif_orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(0x0112, 1)
    except _DECODE_ERRORS:
        return 1  # a damaged tag block must not cost the picture


def _turn_upright(array: np.ndarray, orientation: int) -> np.ndarray:
    """Turn (H, W, ...) upright; EXIF 2.32, tag 0x0112, values 2 to 8."""
    if orientation in (5, 6, 7, 8):
        array = np.swapaxes(array, 0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)


def _read_picture_tensor(tensor: torch.Tensor, max_pixels: int) -> Picture:
    if tensor.ndim not in (2, 3) or (tensor.ndim == 3 and tensor.shape[0] not in (1, 3, 4)):
        raise ValueError(f"A tensor must be (C, H, W) with 1, 3 or 4 channels, got {tuple(tensor.shape)}.")
    check_picture_size("The tensor", *tensor.shape[-2:], max_pixels)
    tensor = tensor.detach().cpu()
    array = (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    return _from_channels(array[..., None] if array.ndim == 2 else np.moveaxis(array, 0, 2), "The tensor")


def _read_picture_array(array: np.ndarray, max_pixels: int) -> Picture:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise ValueError(f"An array must be (H, W) or (H, W, C) with 1, 3 or 4 channels, got {array.shape}.")
    check_picture_size("The array", *array.shape[:2], max_pixels)
    return _from_channels(array[..., None] if array.ndim == 2 else array, "The array")


def _from_channels(array: np.ndarray, name: str) -> Picture:
    """(H, W, 1 | 3 | 4) of any allowed dtype -> Picture."""
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * np.uint8(255)
    elif array.dtype.kind == "f":
        array = _float_to_16_bit(array, name)
    elif array.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"{name} has dtype {array.dtype}; allowed are uint8, uint16, bool, and float in [0, 1].")
    if array.shape[2] == 4:
        return Picture(np.ascontiguousarray(array[..., :3]), np.ascontiguousarray(array[..., 3]))
    return Picture(_three_channels(array))


def _float_to_16_bit(values: np.ndarray, name: str) -> np.ndarray:
    """Float in [0, 1] -> uint16."""
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(f"{name} holds NaN or infinite values; allowed are numbers in [0, 1].")
    if low < -_FLOAT_RANGE_SLACK or high > 1 + _FLOAT_RANGE_SLACK:
        raise ValueError(f"{name} has values from {low:.4g} to {high:.4g}; float pictures must be in [0, 1].")
    # In float32 65535 * x + 0.5 rounds right for every k / 255 and k / 65535; float16 could not hold it.
    clipped = np.clip(values, 0, 1).astype(np.float32, copy=False)
    return (clipped * np.float32(65535) + np.float32(0.5)).astype(np.uint16)


def _three_channels(array: np.ndarray) -> np.ndarray:
    """(H, W, 1 | 3) -> contiguous (H, W, 3) that shares no memory with the caller's grey."""
    return np.repeat(array, 3, axis=2) if array.shape[2] == 1 else np.ascontiguousarray(array)


def _join_alpha(picture: Picture) -> np.ndarray:
    return picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])


def _round_to_8_bit(array: np.ndarray) -> np.ndarray:
    """uint8 unchanged; uint16 rounded to the nearest of 256 levels (65535 = 255 * 257)."""
    return array if array.dtype == np.uint8 else ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _decoder_reason(error: BaseException) -> str:
    return str(error).split("\n")[0].rstrip(".")[:120] or type(error).__name__


# --- pipelines.tiles ---
# Pictures of any size, piece by piece: tiles with halos, and the small view of the whole that steers them.
#
# A network of bounded receptive field gives each pixel the same value from a tile with a wide enough halo as from the
# whole picture; what the whole picture decides reaches it through the view, and through a few samples at full size where
# a pipeline wants them. This module needs numpy only and goes
# into Hub files. `paint_tiles` is the loop in memory, `pipelines.large_images` the one for files.

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


class SceneTranslator(DiffusionPipeline):
    """Translate a photograph of a scene to another season or weather, at any size.

    The network runs once, on a view of the whole picture of at most `view_area` pixels; a larger picture takes the
    change over by guided upsampling, tile by tile. Its fine detail stays, it has no seams, and it costs memory for one
    tile. A picture no larger than the view is the network's own output.

    Args:
        generator: a `SceneGenerator` (the default, four targets) or the paper's `TwoWayGenerator` (two targets).
    """

    model_cpu_offload_seq = "generator"

    def __init__(self, generator: ModelMixin):
        super().__init__()
        self.register_modules(generator=generator)

    @property
    def targets(self) -> tuple[str, ...]:
        """What a picture can be translated to."""
        return tuple(self.generator.config.targets)

    @property
    def directions(self) -> tuple[tuple[str, str], ...]:
        """(source, target) of the translations that the model was trained for."""
        return tuple(tuple(direction) for direction in self.generator.directions)

    @property
    def view_area(self) -> int:
        """Pixels of the largest view that `canvas` wants to see of the whole picture."""
        return getattr(self.generator.config, "view_area", 512 * 512)

    @torch.no_grad()
    def __call__(
        self,
        image: Any,
        target: str,
        source: str | None = None,
        strength: float = 1.0,
        generator: torch.Generator | None = None,
        output_type: str = "pil",
        return_dict: bool = True,
        progress: Progress | None = None,
    ) -> ImagePipelineOutput | tuple:
        """Translate one picture or several.

        Args:
            image: a PIL image, a path, an (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) array, a (1 | 3 | 4, H, W)
                tensor in [0, 1], or a list of these, of any sizes. Transparency is kept; 16 bits are kept in "np"
                and "pt" output.
            target: what the scene is to become, one of `targets`.
            source: what it is, where you know; the pair must be one of `directions`.
            strength: 0 gives the input, 1 the translation, values between blend them.
            generator: accepted as in every pipeline; translating draws no random numbers.
            output_type: "pil", "np" (H, W, 3) in [0, 1], or "pt" (3, H, W) in [0, 1].
            return_dict: return an `ImagePipelineOutput` rather than a tuple.
            progress: called as progress(tiles done, tiles in all) for each picture; an exception raised in it stops
                the work and reaches the caller.

        Returns:
            `.images`: a list with one picture for each input, of its size.

        Raises:
            ValueError, OSError: for an input that is no picture, an unknown target or direction, or options out of
                range; the message says what was given and what is allowed.

        Example:
            >>> pipe = SceneTranslator.from_pretrained()
            >>> pipe("valley.jpg", target="winter").images[0].save("valley in winter.png")
        """
        self._check(target, source, strength)
        pictures = [self._translate(picture, target, source, strength, progress) for picture in read_pictures(image)]
        images = write_pictures(pictures, output_type)
        return ImagePipelineOutput(images=images) if return_dict else (images,)

    def canvas(
        self,
        view: np.ndarray,
        height: int,
        width: int,
        target: str = "winter",
        source: str = "",
        strength: float = 1.0,
    ) -> Canvas:
        """Get ready to translate a picture tile by tile.

        Args:
            view: the whole picture shrunk to at most `view_area` pixels, (h, w, 3) uint8 or uint16.
            height, width: size of the picture in pixels.
            target: what the scene is to become: summer, winter, cloudy or sunny.
            source: what the scene is, where known; empty: not told.
            strength: between 0, the picture as it is, and 1, the translation.

        Raises:
            ValueError: for an unknown target or direction, or `strength` out of range.
        """
        self._check(target, source, strength)
        before = to_tensor(view, self.generator.device)
        after = self._run(before, target, source) if strength else before
        return TranslationCanvas(GuidedUpsampling(before, after, height, width), strength)

    def _translate(
        self, picture: Picture, target: str, source: str | None, strength: float, progress: Progress | None
    ) -> Picture:
        view = shrink(picture.pixels, self.view_area)
        canvas = self.canvas(view, picture.height, picture.width, target, source or "", strength)
        return Picture(paint_tiles(canvas, picture.pixels, progress=progress), picture.alpha)

    @torch.no_grad()
    def _run(self, image: Tensor, target: str, source: str | None) -> Tensor:
        """The network's translation of a view, (1, 3, h, w) in [-1, 1] both."""
        height, width = image.shape[2:]
        down, right = -height % self.generator.multiple, -width % self.generator.multiple
        padded = F.pad(image, (0, right, 0, down), mode="replicate").to(self.generator.dtype)
        index = [torch.tensor([self._index(name)], device=image.device) for name in (target, source)]
        return self.generator(padded, *index)[:, :, :height, :width].float().clamp(-1, 1)

    def _index(self, name: str | None) -> int:
        return self.targets.index(name) if name else -1

    def _check(self, target: str, source: str | None, strength: float) -> None:
        if target not in self.targets:
            raise ValueError(f"target must be one of {', '.join(self.targets)}, got {target!r}.")
        if source and (source, target) not in self.directions:
            allowed = ", ".join(f"{first} to {second}" for first, second in self.directions)
            raise ValueError(f"The model knows no direction {source} to {target}. It knows {allowed}.")
        if not 0 <= strength <= 1:
            raise ValueError(f"strength must be between 0 and 1, got {strength}.")


class TranslationCanvas:
    """Lays a translation of the view out over the picture; what it does to a pixel depends on nothing around it."""

    halo: int | None = 0
    multiple = 1

    def __init__(self, change: GuidedUpsampling, strength: float):
        self.change, self.strength = change, strength

    @torch.no_grad()
    def paint(self, pixels: np.ndarray, top: int, left: int) -> np.ndarray:
        """(h, w, 3) uint8 or uint16 at (top, left) of the picture -> the same, translated."""
        before = to_tensor(pixels, self.change.change.device)
        after = self.change.apply(before, top, left)
        return to_pixels(before + self.strength * (after.clamp(-1, 1) - before), pixels.dtype)


def to_tensor(pixels: np.ndarray, device: torch.device) -> Tensor:
    """(h, w, 3) uint8 or uint16 -> (1, 3, h, w) float32 in [-1, 1]."""
    scale = float(np.iinfo(pixels.dtype).max) / 2
    return torch.from_numpy(pixels.astype(np.float32)).to(device).permute(2, 0, 1)[None] / scale - 1


def to_pixels(image: Tensor, dtype: np.dtype) -> np.ndarray:
    """(1, 3, h, w) in [-1, 1] -> (h, w, 3) uint8 or uint16, rounded."""
    scale = float(np.iinfo(dtype).max) / 2
    return ((image[0].permute(1, 2, 0) + 1) * scale).round().cpu().numpy().astype(dtype)
