# One file that stands alone, written by the exporter of the Danqing project from its modules.
"""Colour line art in the colours of a reference picture."""

import io
import itertools
import math
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import Any, IO, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageCms, ImageColor, ImageDraw
from diffusers import DiffusionPipeline, ModelMixin
from diffusers.utils import BaseOutput
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


# --- pipelines.hints ---
# Colour hints: what a person says of single places of a picture. This module goes into Hub files.

DEFAULT_RADIUS = 6

Point = tuple[float, float, tuple[int, int, int], float]
"""x, y, (red, green, blue), radius."""


def read_hints(hints: Any, height: int, width: int) -> np.ndarray | None:
    """Strokes or points as one picture over the picture to be coloured.

    Args:
        hints: None; an RGBA picture of that size (PIL, or (H, W, 4) uint8), transparent where nothing is said; or a
            list of points (x, y, colour) or (x, y, colour, radius), in pixels of the picture, a colour being "#rrggbb",
            a name, or (r, g, b) from 0 to 255.
        height, width: of the picture.

    Returns:
        (H, W, 4) uint8, or None where nothing is said.

    Raises:
        ValueError: for a picture of another size or without transparency, a point outside the picture, or a colour
            that is none.
    """
    if hints is None:
        return None
    if isinstance(hints, (list, tuple)):
        layer = _painted_points(hints, height, width)
    else:
        image = Image.fromarray(hints) if isinstance(hints, np.ndarray) else hints
        if not isinstance(image, Image.Image) or image.mode not in ("RGBA", "LA", "PA"):
            raise ValueError("hints must be an RGBA picture, transparent where nothing is said, or a list of points.")
        if image.size != (width, height):
            raise ValueError(f"hints are {image.width}x{image.height} pixels, the picture {width}x{height}.")
        layer = np.asarray(image.convert("RGBA"))
    return layer if layer[..., 3].any() else None


def hint_map(layer: np.ndarray, height: int, width: int) -> Tensor:
    """Hints at the size of a view.

    Args:
        layer: (H, W, 4) uint8, what `read_hints` gives; half-transparent counts as given from alpha 128 on.
        height, width: of the view, at most H and W.

    Returns:
        (1, 4, height, width) float32: the mean colour in [-1, 1] of what falls into a pixel and 1, or four times 0.
    """
    pixels = torch.from_numpy(layer.astype(np.float32)).permute(2, 0, 1)[None]
    given = (pixels[:, 3:] >= 128).float()
    colours = (pixels[:, :3] / 127.5 - 1) * given
    shares = F.adaptive_avg_pool2d(given, (height, width))
    means = F.adaptive_avg_pool2d(colours, (height, width)) / shares.clamp_min(1e-9)
    there = (shares > 0).float()
    return torch.cat([means * there, there], dim=1)


def hint_points(points: Sequence[Any], height: int, width: int) -> list[Point]:
    """Points as (x, y, (red, green, blue), radius), checked; see `read_hints` for what they may be and its errors."""
    checked: list[Point] = []
    for point in points:
        if not isinstance(point, (list, tuple)) or len(point) not in (3, 4):
            raise ValueError(f"A hint is (x, y, colour) or (x, y, colour, radius), got {point!r}.")
        x, y, colour, radius = (*point, DEFAULT_RADIUS)[:4]
        if not all(_is_number(value) for value in (x, y, radius)):
            raise ValueError(f"A hint's place and radius are numbers, got {point!r}.")
        if not (0 <= x < width and 0 <= y < height):
            raise ValueError(f"The hint at ({x}, {y}) lies outside the picture of {width}x{height} pixels.")
        if not 0 < radius <= max(height, width):
            raise ValueError(f"A hint's radius must be above 0 and within the picture, got {radius}.")
        checked.append((float(x), float(y), _colour(colour), float(radius)))
    return checked


def _painted_points(points: Sequence[Any], height: int, width: int) -> np.ndarray:
    layer = Image.new("RGBA", (width, height))
    draw = ImageDraw.Draw(layer)
    for x, y, colour, radius in hint_points(points, height, width):
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=(*colour, 255))
    return np.asarray(layer)


def _colour(colour: Any) -> tuple[int, int, int]:
    if isinstance(colour, str):
        try:
            return ImageColor.getrgb(colour)[:3]
        except ValueError as error:
            raise ValueError(f'A hint\'s colour is "#rrggbb", a name or (r, g, b), got {colour!r}.') from error
    channels = list(colour) if isinstance(colour, Sequence | np.ndarray) else []
    if len(channels) != 3 or not all(_is_number(value) and 0 <= value <= 255 for value in channels):
        raise ValueError(f"A hint's colour is three numbers from 0 to 255, got {colour!r}.")
    red, green, blue = (int(value) for value in channels)
    return red, green, blue


def _is_number(value: Any) -> bool:
    """Whether it is a real number, numpy's among them, and no truth value."""
    return isinstance(value, Real) and not isinstance(value, bool)


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


# --- pipelines.line_extraction ---
# Line drawings from colour pictures, by four classical extractors: no weights, a few milliseconds, any size.
#
# Each takes (B, 3, H, W) in [-1, 1] and gives (B, 1, H, W) in [-1, 1], 1 paper and -1 ink; their arguments may be swung
# to draw another hand. They see different things: `xdog` the dark side of every edge, and black where it is nearly
# black; `dilation_difference` dark strokes of any width, by how much darker they are; `pencil` strokes and soft shades;
# `contour` thin lines between colours, even where nobody drew one. Widths count pixels of the picture as it is.

_LUMA = (0.299, 0.587, 0.114)  # Rec. 601
_EPS = 1e-6


def xdog(
    image: Tensor, sigma: float = 0.9, k: float = 1.6, tau: float = 0.98, epsilon: float = 0.0, phi: float = 80.0
) -> Tensor:
    """Extended difference of Gaussians (Winnemoeller, Kyprianidis & Olsen 2012, equations 1 and 5).

    Args:
        image: (B, 3, H, W) in [-1, 1].
        sigma: deviation of the inner Gaussian in pixels: half the width of the lines it looks for.
        k: of the outer Gaussian, as a multiple of `sigma`.
        tau: weight of the outer one; plain areas of brightness b have the response b (1 - tau).
        epsilon: responses below become ink. 0 or less leaves plain areas white; more blackens areas whose brightness
            is under epsilon / (1 - tau), as an inker fills in shadows.
        phi: how fast ink deepens below the threshold; several hundred gives plain black.

    Returns:
        (B, 1, H, W) in [-1, 1].
    """
    luma = _luma(image)
    response = _blur(luma, sigma) - tau * _blur(luma, k * sigma)
    return 2 * (1 + torch.tanh(phi * (response - epsilon))).clamp(0, 1) - 1


def dilation_difference(image: Tensor, radius: int = 2, gain: float = 2.5, floor: float = 0.04) -> Tensor:
    """How much brighter the neighbourhood is: a grey dilation minus the picture, the largest of the channels.

    Args:
        image: (B, 3, H, W) in [-1, 1].
        radius: of the square that is looked at; strokes up to twice as wide are found whole.
        gain: ink for a difference of 1; larger is harder.
        floor: differences below leave no ink: grain, soft shades.

    Returns:
        (B, 1, H, W) in [-1, 1].
    """
    unit = _unit(image)
    side = 2 * radius + 1
    highest = F.max_pool2d(F.max_pool2d(unit, (1, side), 1, (0, radius)), (side, 1), 1, (radius, 0))
    ink = ((highest - unit).amax(1, keepdim=True) - floor) * gain
    return 1 - 2 * ink.clamp(0, 1)


def pencil(image: Tensor, sigma: float = 4.0, gain: float = 1.6, floor: float = 0.05) -> Tensor:
    """Colour dodge, as painting programs turn photographs into pencil: brightness over its blurred self.

    Args:
        image: (B, 3, H, W) in [-1, 1].
        sigma: deviation of the blur in pixels; wide gives broad soft strokes and some shade.
        gain: ink for a picture that is wholly darker than its surroundings.
        floor: share of darkness that leaves no ink.

    Returns:
        (B, 1, H, W) in [-1, 1].
    """
    luma = _luma(image) + 0.05  # black on black is paper, not ink
    ink = (1 - luma / _blur(luma, sigma) - floor) * gain
    return 1 - 2 * ink.clamp(0, 1)


def contour(image: Tensor, sigma: float = 1.2, threshold: float = 0.03, softness: float = 1.0) -> Tensor:
    """Thin lines along the ridges of the colour gradient: Di Zenzo's tensor, then Canny's non-maximum suppression.

    Args:
        image: (B, 3, H, W) in [-1, 1].
        sigma: deviation of the blur before the gradient; larger leaves fine detail out.
        threshold: gradients below, per pixel in a range of 1, leave no ink.
        softness: ink grows from none at `threshold` to full at `threshold` * (1 + softness).

    Returns:
        (B, 1, H, W) in [-1, 1].
    """
    smooth = F.pad(_blur(_unit(image), sigma), (1, 1, 1, 1), mode="replicate")
    dx = (smooth[:, :, 1:-1, 2:] - smooth[:, :, 1:-1, :-2]) / 2
    dy = (smooth[:, :, 2:, 1:-1] - smooth[:, :, :-2, 1:-1]) / 2
    xx, yy, xy = (value.sum(1, keepdim=True) for value in (dx * dx, dy * dy, dx * dy))
    spread = torch.sqrt((xx - yy) ** 2 + 4 * xy**2 + _EPS**2)
    strength = torch.sqrt((xx + yy + spread) / 2)  # of the steepest direction, (B, 1, H, W)
    ridge = _ridge(strength, xx - yy, xy)
    ink = (strength / threshold - 1) / softness * ridge
    return 1 - 2 * _blur(ink.clamp(0, 1), 0.5).mul(1.6).clamp(0, 1)


EXTRACTORS: dict[str, Callable[..., Tensor]] = {
    "xdog": xdog,
    "dilation": dilation_difference,
    "pencil": pencil,
    "contour": contour,
}


def _ridge(strength: Tensor, difference: Tensor, product: Tensor) -> Tensor:
    """1 where `strength` is not less than on both sides along the steepest direction, else 0.

    The direction has twice the angle atan2(2 product, difference); it is taken as the nearest of four.
    """
    level = difference.abs() >= 2 * product.abs()  # within 22.5 degrees of an axis, else nearer a diagonal
    padded = F.pad(strength, (1, 1, 1, 1), mode="replicate")

    def sides(across: int, down: int) -> Tensor:
        height, width = strength.shape[-2:]
        one = padded[..., 1 + down : 1 + down + height, 1 + across : 1 + across + width]
        other = padded[..., 1 - down : 1 - down + height, 1 - across : 1 - across + width]
        return torch.maximum(one, other)

    straight = torch.where(difference >= 0, sides(1, 0), sides(0, 1))
    slanted = torch.where(product >= 0, sides(1, 1), sides(1, -1))
    return (strength >= torch.where(level, straight, slanted)).to(strength.dtype)


def _unit(image: Tensor) -> Tensor:
    """[-1, 1] -> [0, 1]."""
    return (image.clamp(-1, 1) + 1) / 2


def _luma(image: Tensor) -> Tensor:
    """(B, 3, H, W) in [-1, 1] -> brightness (B, 1, H, W) in [0, 1]."""
    weights = torch.tensor(_LUMA, dtype=image.dtype, device=image.device)
    return torch.einsum("c,bchw->bhw", weights, _unit(image))[:, None]


def _blur(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of each channel, cut at three deviations; edges are repeated, so plain areas stay as they are."""
    radius = max(1, round(3 * sigma))
    place = torch.arange(-radius, radius + 1, dtype=x.dtype, device=x.device)
    kernel = torch.exp(-(place**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum())[None, None, None]
    planes = x.flatten(0, 1)[:, None]
    planes = F.conv2d(F.pad(planes, (radius, radius, 0, 0), mode="replicate"), kernel)
    planes = F.conv2d(F.pad(planes, (0, 0, radius, radius), mode="replicate"), kernel.transpose(2, 3))
    return planes.reshape(x.shape)


# --- pipelines.lineart_colorizer.drawing_pixels ---
# A drawing's pixels: on paper, as numbers for networks, and whether they are a line drawing at all.

def on_paper(picture: Picture) -> np.ndarray:
    """A picture's pixels laid on white paper where it is transparent; (H, W, 3) of its dtype."""
    if picture.alpha is None:
        return picture.pixels
    full = np.iinfo(picture.pixels.dtype).max
    alpha = picture.alpha[..., None].astype(np.float32) / full
    return (picture.pixels * alpha + full * (1 - alpha) + 0.5).astype(picture.pixels.dtype)


def is_drawing(view: np.ndarray) -> bool:
    """Whether a picture is a line drawing: mostly paper, of any tint, and what is not paper has hardly any colour.

    Args:
        view: (h, w, 3) uint8 or uint16.
    """
    pixels = to_8_bit(view).reshape(-1, 3).astype(np.float32)
    grey = pixels.mean(1)
    paper = np.median(pixels[grey >= np.percentile(grey, 75)], axis=0)
    away = np.abs(pixels - paper).max(1)
    drawn = pixels[away > 48] / np.maximum(paper, 1)  # ink as a share of the paper: its tint is taken off
    colour = float((drawn.max(1) - drawn.min(1)).mean()) if len(drawn) else 0.0
    return float((away <= 48).mean()) >= 0.5 and colour < 0.15


def spread(image: Tensor) -> Tensor:
    """Mean distance of the largest from the smallest channel, (B, 3, H, W) in [-1, 1] -> (B,) in [0, 1]."""
    return (image.amax(1) - image.amin(1)).flatten(1).mean(1) / 2


def to_8_bit(pixels: np.ndarray) -> np.ndarray:
    """uint8 as it is, uint16 rounded to 8 bits."""
    return pixels if pixels.dtype == np.uint8 else ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def to_tensor(pixels: np.ndarray, device: torch.device) -> Tensor:
    """(h, w, 3) uint8 or uint16 -> (1, 3, h, w) float32 in [-1, 1]."""
    scale = float(np.iinfo(pixels.dtype).max) / 2
    return torch.from_numpy(pixels.astype(np.float32)).to(device).permute(2, 0, 1)[None] / scale - 1


def to_grey(pixels: np.ndarray, device: torch.device) -> Tensor:
    """(h, w, 3) uint8 or uint16 -> the drawing, (1, 1, h, w) in [-1, 1]; luma of ITU-R BT.601."""
    weights = torch.tensor([0.299, 0.587, 0.114], device=device).view(1, 3, 1, 1)
    return (to_tensor(pixels, device) * weights).sum(1, keepdim=True)


# --- pipelines.lineart_colorizer.colouring_canvas ---
# Lays the colours that a network found for a view over the drawing at its full size, tile by tile.

_LINES_HALO = 24  # px around a pixel that can change its extracted line


class ColouringCanvas:
    """Lays the colours of a view over the drawing; what it does to a pixel depends on its surroundings only where
    lines have to be extracted first.

    Attributes:
        notes: what the drawing's owner should know of it.
    """

    multiple = 1

    def __init__(self, change: GuidedUpsampling, keep_lines: bool, extract: bool, notes: list[str]):
        self.change, self.keep_lines, self.extract, self.notes = change, keep_lines, extract, notes
        self.halo: int | None = _LINES_HALO if extract else 0

    @torch.no_grad()
    def paint(self, pixels: np.ndarray, top: int, left: int) -> np.ndarray:
        """(h, w, 3) uint8 or uint16 at (top, left) of the drawing -> the same, coloured."""
        device = self.change.change.device
        lines = xdog(to_tensor(pixels, device)) if self.extract else to_grey(pixels, device)
        lines = lines.expand(-1, 3, -1, -1)
        coloured = self.change.apply(lines, top, left).clamp(-1, 1)
        if self.keep_lines:
            coloured = torch.minimum(coloured, lines)
        scale = float(np.iinfo(pixels.dtype).max) / 2
        return ((coloured[0].permute(1, 2, 0) + 1) * scale).round().cpu().numpy().astype(pixels.dtype)


# --- pipelines.domain_filter ---
# Smooth or spread values along rows and columns, held back by edges of a guide: the domain transform.
#
# Source: Gastal and Oliveira (2011), https://doi.org/10.1145/2010324.1964964, recursive filter. This module needs torch
# only and goes into Hub files.

_ROUNDS = 3


def domain_filter(x: Tensor, guide: Tensor, sigma: float, rounds: int = _ROUNDS, texture: float = 0.0) -> Tensor:
    """The recursive edge-preserving filter, equations 11, 14 and 21 of Gastal and Oliveira.

    Args:
        x: (C, H, W).
        guide: (G, H, W); a step of 1 in it keeps apart like `sigma` pixels of distance.
        sigma: deviation in pixels where the guide is constant, above 0.
        rounds: of a pass along the rows and one along the columns.
        texture: steps d of the guide count as d² / (d + texture): those well below it hardly keep apart.

    Returns:
        (C, H, W); a constant stays what it is.
    """
    steps = (guide.diff(dim=axis).abs().sum(0) for axis in (2, 1))
    rows, columns = (1 + sigma * step.square() / (step + texture).clamp_min(1e-12) for step in steps)  # distances
    across = (2, 0, 1)
    for number in range(rounds):
        deviation = sigma * math.sqrt(3) * 2 ** (rounds - number - 1) / math.sqrt(4**rounds - 1)
        feedback = math.exp(-math.sqrt(2) / deviation)
        x = _pass(x.permute(across), feedback ** rows.T[:, None]).permute(1, 2, 0)
        x = _pass(x.permute(1, 0, 2), feedback ** columns[:, None]).permute(1, 0, 2)
    return x


def _pass(x: Tensor, feedback: Tensor) -> Tensor:
    """There and back along the first axis: (L, ...) and the (L - 1, ...) shares of each neighbour before."""
    x = x.clone(memory_format=torch.contiguous_format)
    for i in range(1, len(x)):
        x[i] = torch.lerp(x[i], x[i - 1], feedback[i - 1].expand_as(x[i]))
    for i in range(len(x) - 2, -1, -1):
        x[i] = torch.lerp(x[i], x[i + 1], feedback[i].expand_as(x[i]))
    return x


# --- pipelines.lineart_colorizer.even_colour ---
# Even colours within lines: what differs without a line in between is drawn together, what a line parts stays apart.
#
# Hints spread in the same way.
#
# Colours spread along rows and columns, each held back by ink and by sudden changes of colour: `pipelines.domain_filter`,
# under normalised convolution (Knutsson and Westin, 1993), in which ink counts for little: lines lend their darkness to
# nothing. It cures blotches and spilling that networks leave (Feng and Li's "colour spilling").

REACH = 0.16  # how far colours spread, as a share of the shorter side
_INK, _COLOUR = 4.0, 1.0  # how much a step from white to black, in ink and in one channel of the colours, holds back
_HINTED = 3e-4  # share of hinted places around a place at which the hint has half the say


def even_out(coloured: Tensor, lines: Tensor, strength: float, reach: float = REACH) -> Tensor:
    """Draw together the colours of what no line parts.

    Args:
        coloured: (1, 3, H, W) in [-1, 1].
        lines: (1, 1, H, W) in [-1, 1], 1 = paper, -1 = ink; paper of any tone.
        strength: 0 leaves the colours as they are, 1 takes all of the evened ones.
        reach: deviation of the spreading over plain paper, as a share of the shorter side.

    Returns:
        (1, 3, H, W); ink keeps its colours.
    """
    if not strength:
        return coloured
    picture, light = coloured[0].float(), cleaned(lines)
    weight = light**4
    steps = torch.cat([_INK * light, _COLOUR / 2 * picture])
    spread = domain_filter(torch.cat([picture * weight, weight]), steps, reach * min(picture.shape[1:]))
    even = spread[:3] / spread[3:].clamp_min(1e-4)
    return (picture + strength * weight * (even - picture))[None].to(coloured.dtype)


def spread_hints(coloured: Tensor, lines: Tensor, hints: Tensor, reach: float = REACH) -> Tensor:
    """Hand the hints' colours on to what no line parts from them; the nearest hint has the most say.

    Args:
        coloured: (1, 3, H, W) in [-1, 1].
        lines: (1, 1, H, W) in [-1, 1], 1 = paper, -1 = ink.
        hints: (1, 4, H, W), colour in [-1, 1] and 1 where it is given, 0 elsewhere.
        reach: see `even_out`.

    Returns:
        (1, 3, H, W); ink keeps its colours.
    """
    picture, light = coloured[0].float(), cleaned(lines)
    weight = light**4
    given = hints[0, 3:].float() * weight.clamp_min(1e-3)  # a hint on a line still counts a little
    steps = torch.cat([_INK * light, _COLOUR / 4 * picture])
    fields = torch.cat([hints[0, :3].float() * given, given, weight])
    spread = domain_filter(fields, steps, reach * min(picture.shape[1:]))
    share = spread[3:4] / spread[4:].clamp_min(1e-4)
    say = weight * share / (share + _HINTED)
    colour = spread[:3] / spread[3:4].clamp_min(1e-12)
    return (picture + say * (colour - picture))[None].to(coloured.dtype)


def cleaned(lines: Tensor) -> Tensor:
    """(1, 1, H, W) in [-1, 1], on paper of any tone -> (1, H, W) in [0, 1], 1 = paper."""
    light = (lines[0].float() + 1) / 2
    return (light / paper_of(light)).clamp(0, 1)


def paper_of(light: Tensor) -> Tensor:
    """Brightness of the paper, the 80th percentile, at least 0.1; of (1, H, W) in [0, 1]."""
    ranked = light.flatten().sort().values
    return ranked[int(0.8 * (len(ranked) - 1))].clamp_min(0.1)


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


REFERENCE_AREA = 256 * 256
EVENNESS = 0.7  # on validation drawings about as much changes inside regions, against across lines, as in real ones
NOT_A_DRAWING = "The picture is not a line drawing: its lines were extracted first."
BLANK = "The page is blank: there is nothing that colours could follow."
GREY_REFERENCE = "The reference has hardly any colour, and so has the result."


@dataclass
class LineArtOutput(BaseOutput):
    """What `LineArtColorizer` returns.

    Args:
        images: coloured drawings, one for each drawing.
        notes: for each drawing what its owner should know of it, as sentences; mostly none.
    """

    images: Any
    notes: list[list[str]] = field(default_factory=list)


class LineArtColorizer(DiffusionPipeline):
    """Colour a drawing, of any size, in the colours of one or more reference pictures.

    The networks run once, on a view of the whole drawing of at most `view_area` pixels; a larger drawing takes the
    colours over by guided upsampling, tile by tile: its lines stay sharp, it has no seams, and it costs memory for
    one tile.

    Args:
        generator: a `LineArtGenerator` (the default) or the paper's `SwishUNetGenerator`.
        style_encoder: what the generator was trained with: a `ReferenceEncoder`, or one of the paper's encoders.
    """

    model_cpu_offload_seq = "style_encoder->generator"

    def __init__(self, generator: ModelMixin, style_encoder: ModelMixin):
        super().__init__()
        self.register_modules(generator=generator, style_encoder=style_encoder)

    @property
    def view_area(self) -> int:
        """Pixels of the largest view that `canvas` wants to see of the whole drawing."""
        return getattr(self.generator.config, "view_area", 512 * 512)

    @torch.no_grad()
    def __call__(
        self,
        image: Any,
        reference: Any,
        hints: Any = None,
        keep_lines: bool = False,
        reference_weights: list[float] | None = None,
        evenness: float = EVENNESS,
        generator: torch.Generator | None = None,
        output_type: str = "pil",
        return_dict: bool = True,
        progress: Progress | None = None,
    ) -> LineArtOutput | tuple:
        """Colour one drawing or several.

        Args:
            image: the drawing: a PIL image, a path, an (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) array, a
                (1 | 3 | 4, H, W) tensor in [0, 1], or a list of these, of any sizes. Transparency is kept. Of a
                photograph or a coloured picture the lines are extracted first, and a note says so.
            reference: the picture whose colours are to be used, or a list of several.
            hints: colours of single places, see `hints.read_hints`; they spread to what no line parts from them.
                Where `image` is a list, a list with the hints (or None) of each.
            keep_lines: leave no pixel lighter than the drawing has it: its ink stays exactly as it is.
            reference_weights: how much each reference counts; None: all alike.
            evenness: 0 leaves the network's colours as they are, 1 makes them even within lines, see `even_out`.
            generator: accepted as in every pipeline; colouring draws no random numbers.
            output_type: "pil", "np" (H, W, 3) in [0, 1], or "pt" (3, H, W) in [0, 1].
            return_dict: return a `LineArtOutput` rather than a tuple.
            progress: called as progress(tiles done, tiles in all) for each drawing; an exception raised in it stops
                the work and reaches the caller.

        Returns:
            `.images`: a list with one picture for each drawing, of its size; `.notes`: a list of sentences for each.

        Raises:
            ValueError, OSError: for an input that is no picture, hints that do not fit, or options out of range; the
                message says what was given and what is allowed.

        Example:
            >>> pipe = LineArtColorizer.from_pretrained()
            >>> pipe("drawing.png", reference="palette.jpg").images[0].save("coloured.png")
        """
        check_evenness(evenness)
        drawings = read_pictures(image)
        style, grey = self._style(reference, reference_weights)
        several = isinstance(image, (list, tuple)) or len(drawings) > 1
        each = hints if several and hints is not None else [hints] * len(drawings)
        if len(each) != len(drawings):
            raise ValueError(f"Got hints for {len(each)} drawings and {len(drawings)} drawings.")
        coloured, notes = [], []
        for drawing, given in zip(drawings, each, strict=True):
            paper = on_paper(drawing)
            layer = read_hints(given, drawing.height, drawing.width)
            view = shrink(paper, self.view_area)
            canvas = self._canvas(view, drawing.height, drawing.width, style, layer, keep_lines, evenness)
            coloured.append(Picture(paint_tiles(canvas, paper, progress=progress), drawing.alpha))
            notes.append(canvas.notes + [GREY_REFERENCE] * grey)
        images = write_pictures(coloured, output_type)
        return LineArtOutput(images=images, notes=notes) if return_dict else (images, notes)

    def canvas(
        self,
        view: np.ndarray,
        height: int,
        width: int,
        reference: Any = "",
        keep_lines: bool = False,
        hints: Image.Image | None = None,
        evenness: float = EVENNESS,
    ) -> Canvas:
        """Get ready to colour a drawing tile by tile.

        Args:
            view: the whole drawing shrunk to at most `view_area` pixels, (h, w, 3) uint8 or uint16.
            height, width: size of the drawing in pixels.
            reference: file of the picture whose colours are to be used.
            keep_lines: leave no pixel lighter than the drawing has it.
            hints: an RGBA picture of any size that lies over the whole drawing, see `hints.read_hints`.
            evenness: 0 leaves the network's colours as they are, 1 makes them even within lines.

        Raises:
            ValueError: where no reference is given, or for an evenness out of range.
        """
        check_evenness(evenness)
        if not reference:
            raise ValueError("A reference is needed: a picture whose colours the drawing is to take.")
        style, grey = self._style(reference, None)
        layer = None if hints is None else read_hints(hints, hints.height, hints.width)
        canvas = self._canvas(view, height, width, style, layer, keep_lines, evenness)
        canvas.notes += [GREY_REFERENCE] * grey
        return canvas

    @torch.no_grad()
    def _canvas(
        self,
        view: np.ndarray,
        height: int,
        width: int,
        style: dict[str, Tensor],
        layer: np.ndarray | None,
        keep_lines: bool,
        evenness: float,
    ) -> ColouringCanvas:
        lines, extract = to_grey(view, self.device), not is_drawing(view)
        if extract:
            lines = xdog(to_tensor(view, self.device))
        hints = None if layer is None else hint_map(layer, *view.shape[:2]).to(self.device)
        coloured = even_out(self._run(lines, style, hints), lines, evenness)
        if hints is not None:
            coloured = spread_hints(coloured, lines, hints)
        notes = [NOT_A_DRAWING] * extract + [BLANK] * (float(lines.amax() - lines.amin()) < 0.1)
        change = GuidedUpsampling(lines.expand(-1, 3, -1, -1), coloured, height, width)
        return ColouringCanvas(change, keep_lines, extract, notes)

    def _run(self, lines: Tensor, style: dict[str, Tensor], hints: Tensor | None) -> Tensor:
        """The network's colouring of a view, (1, 1, h, w) -> (1, 3, h, w), in [-1, 1] both."""
        height, width = lines.shape[2:]
        pad = (0, -width % self.generator.multiple, 0, -height % self.generator.multiple)
        padded = F.pad(lines, pad, mode="replicate").to(self.generator.dtype)
        if hints is not None:
            hints = F.pad(hints, pad).to(self.generator.dtype)
        return self.generator(padded, style, hints)[:, :, :height, :width].float().clamp(-1, 1)

    def _style(self, reference: Any, weights: list[float] | None) -> tuple[dict[str, Tensor], bool]:
        """The style of one or more references, and whether all of them are grey."""
        given = list(reference) if isinstance(reference, (list, tuple)) else [reference]
        weights = [1.0] * len(given) if weights is None else list(weights)
        if not given or len(weights) != len(given) or min(weights) < 0 or sum(weights) <= 0:
            raise ValueError(
                f"Got {len(given)} references and the weights {weights}: at least one reference is needed, and a "
                "weight of 0 or more for each, not all 0."
            )
        pictures = [read_picture(one) for one, weight in zip(given, weights, strict=True) if weight > 0]
        weights = [weight for weight in weights if weight > 0]
        views = [self._reference_view(on_paper(picture)) for picture in pictures]
        styles = [self.style_encoder(view.to(self.style_encoder.dtype)) for view in views]
        return joined_style(styles, weights), all(float(spread(view)) < 0.04 for view in views)

    def _reference_view(self, pixels: np.ndarray) -> Tensor:
        """A reference at the size it is looked at: sides multiples of 32, about `REFERENCE_AREA` pixels."""
        scale = (REFERENCE_AREA / (pixels.shape[0] * pixels.shape[1])) ** 0.5
        size = [min(1024, max(1, round(side * scale / 32)) * 32) for side in pixels.shape[1::-1]]
        image = Image.fromarray(shrink(to_8_bit(pixels), 4 * REFERENCE_AREA))
        return to_tensor(np.asarray(image.resize(size, Image.Resampling.BICUBIC)), self.device)


def check_evenness(evenness: float) -> None:
    """ValueError unless it is in [0, 1]."""
    if not 0 <= evenness <= 1:
        raise ValueError(f"evenness goes from 0 to 1, got {evenness}.")


def joined_style(styles: list[dict[str, Tensor]], weights: list[float]) -> dict[str, Tensor]:
    """One style of several: the weighted mean of the vectors, and all tokens, each counting by its picture's weight."""
    shares = [weight / sum(weights) for weight in weights]
    joined = {"vector": torch.stack([s["vector"] * share for s, share in zip(styles, shares, strict=True)]).sum(0)}
    if "tokens" in styles[0]:
        joined |= {name: torch.cat([style[name] for style in styles], dim=1) for name in ("tokens", "colours")}
        counts = [style["tokens"].shape[1] for style in styles]
        rows = [torch.full((1, n), share / n).log() for n, share in zip(counts, shares, strict=True)]
        joined["weights"] = torch.cat(rows, dim=1).to(joined["vector"].device)
    return joined
