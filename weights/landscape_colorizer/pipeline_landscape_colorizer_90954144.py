# One file that stands alone, written by the exporter of the Danqing project from its modules.
"""Colour a grey or ink-wash Chinese landscape painting."""

import copy
import io
import itertools
import math
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from numbers import Real
from pathlib import Path
from typing import Any, IO, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageCms, ImageColor, ImageDraw
from diffusers import DiffusionPipeline, ModelMixin
from diffusers.utils import BaseOutput
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


# --- pipelines.folding ---
# Networks that only look, quicker on a CPU: batch norms folded into the convolutions before them, channels last.
#
# A batch norm in evaluation is a factor and a term for each channel, and so can be part of the convolution; what is left
# are the same sums in another order. It saves a third of an EfficientNet-Lite0's time. This module goes into Hub files.

def folded(network: nn.Module) -> nn.Module:
    """A copy without the batch norms that follow a convolution, channels last, without gradients.

    Parts are taken to run in the order in which they are registered.

    Args:
        network: in evaluation.

    Raises:
        ValueError: for a network in training.
    """
    if network.training:
        raise ValueError("A network in training cannot be folded: its batch norms read the batch.")
    dtype = next(network.parameters()).dtype
    quick = copy.deepcopy(network).float()
    for module in list(quick.modules()):
        for (first, conv), (second, norm) in itertools.pairwise(list(module.named_children())):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, first, fuse_conv_bn_eval(conv, norm))
                setattr(module, second, nn.Identity())
    return quick.to(dtype=dtype, memory_format=torch.channels_last).requires_grad_(False)


class FoldedCopy:
    """The folded copy of a network, made when it is first asked for, and anew when the network has changed."""

    def __init__(self) -> None:
        self._state: list[tuple[int, int]] = []
        self._quick: nn.Module | None = None

    def of(self, network: nn.Module) -> nn.Module:
        """The copy; the network itself while it trains."""
        if network.training:
            return network
        state = [_state(tensor) for tensor in itertools.chain(network.parameters(), network.buffers())]
        if self._quick is None or state != self._state:
            self._quick, self._state = folded(network), state
        return self._quick


def _state(tensor: Tensor) -> tuple[int, int]:
    """Changes with the place and the values."""
    return tensor.data_ptr(), 0 if tensor.is_inference() else tensor._version


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


# --- pipelines.color ---
# sRGB and CIELAB on tensors, and the one definition of luminance that every part of the project keeps.
#
# Colours are (B, 3, H, W). sRGB is in [0, 1]; CIELAB (D65, 2 degree observer) has L in [0, 100] and a, b of about
# [-110, 110]. Luminance is CIE relative luminance Y, of which L* is a function, so "keeps the luminance" and
# "keeps L*" say the same. Source: IEC 61966-2-1 and CIE 015:2018.

# Linear sRGB -> XYZ, each row divided by the white point, so that white is (1, 1, 1).
_TO_XYZ = torch.tensor(
    [
        [0.4124564 / 0.95047, 0.3575761 / 0.95047, 0.1804375 / 0.95047],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339 / 1.08883, 0.1191920 / 1.08883, 0.9503041 / 1.08883],
    ],
    dtype=torch.float64,
)
_TO_XYZ /= _TO_XYZ.sum(1, keepdim=True)  # the published digits sum to 1 only to seven places
_FROM_XYZ = torch.linalg.inv(_TO_XYZ)
_EPSILON, _KAPPA = 216 / 24389, 24389 / 27


def srgb_to_linear(srgb: Tensor) -> Tensor:
    """Undo the sRGB transfer curve; any shape, [0, 1] -> [0, 1]."""
    return torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(linear: Tensor) -> Tensor:
    """Apply the sRGB transfer curve; any shape, [0, 1] -> [0, 1]."""
    return torch.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055)


def _mix(matrix: Tensor, image: Tensor) -> Tensor:
    return torch.einsum("ij,bjhw->bihw", matrix.to(image), image)


def _lightness(y: Tensor) -> Tensor:
    """The CIE cube root f, scaled so that L* = 116 f - 16; Y in [0, 1]."""
    return torch.where(y > _EPSILON, y.clamp_min(_EPSILON) ** (1 / 3), (_KAPPA * y + 16) / 116)


def _inverse_lightness(f: Tensor) -> Tensor:
    return torch.where(f > 6 / 29, f**3, (116 * f - 16) / _KAPPA)


def luminance(rgb: Tensor) -> Tensor:
    """CIE relative luminance Y of sRGB; (B, 3, H, W) in [0, 1] -> (B, 1, H, W) in [0, 1]."""
    return _mix(_TO_XYZ[1:2], srgb_to_linear(rgb)).clamp(0, 1)


def grey_of(rgb: Tensor) -> Tensor:
    """The sRGB grey of the same L*: (B, 3, H, W) in [0, 1] -> (B, 1, H, W) in [0, 1]."""
    return linear_to_srgb(luminance(rgb))


def grey_to_lightness(grey: Tensor) -> Tensor:
    """L* of a grey sRGB value; any shape, [0, 1] -> [0, 100]."""
    return 116 * _lightness(srgb_to_linear(grey)) - 16


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """sRGB in [0, 1] -> CIELAB; (B, 3, H, W) both."""
    fx, fy, fz = _lightness(_mix(_TO_XYZ, srgb_to_linear(rgb))).unbind(1)
    return torch.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], dim=1)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """CIELAB -> sRGB in [0, 1], of exactly the L* given; (B, 3, H, W) both.

    A colour that sRGB cannot show is drawn toward grey along a straight line in linear RGB. Luminance is
    linear there, so every point of the line has the Y asked for; the nearest one inside the cube is taken.
    Clipping each channel would change the luminance by up to 10 L* in strong blues and greens.
    """
    lightness, a, b = lab.unbind(1)
    fy = (lightness.clamp(0, 100) + 16) / 116
    xyz = _inverse_lightness(torch.stack([fy + a / 500, fy, fy - b / 200], dim=1))
    y = xyz[:, 1:2].clamp(0, 1)
    offset = _mix(_FROM_XYZ, xyz) - y
    # Largest t in [0, 1] with 0 <= y + t * offset <= 1 in every channel.
    room = torch.where(offset > 0, 1 - y, y)
    t = (room / offset.abs().clamp_min(1e-6)).amin(1, keepdim=True).clamp(0, 1)
    return linear_to_srgb((y + t * offset).clamp(0, 1))


def srgb_gap(lab: Tensor) -> Tensor:
    """How far a CIELAB colour lies outside linear sRGB, 0 if inside: the most that a channel is below 0 or above 1.

    (B, 3, H, W) -> (B, 1, H, W).
    """
    lightness, a, b = lab.unbind(1)
    fy = (lightness + 16) / 116
    linear = _mix(_FROM_XYZ, _inverse_lightness(torch.stack([fy + a / 500, fy, fy - b / 200], dim=1)))
    return torch.maximum(-linear, linear - 1).amax(1, keepdim=True).clamp_min(0)


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


# --- pipelines.landscape_colorizer.palettes ---
# Palettes of a few numbers: some CIELAB colours of a painting and how much of it each one covers.
#
# A palette says what a painting is coloured with and nothing of what it shows. This module goes into Hub files.

COLOURS = 6
_CLUSTER_LIGHTNESS = 0.4  # how much a difference in L* counts beside one in a*, b*: a palette is to tell hues apart
_PALETTE_PIXELS = 48 * 48  # of a picture that are looked at
_KMEANS_ROUNDS = 10
_KMEANS_STARTS = 2


@dataclass(frozen=True)
class Palette:
    """A few colours and their shares.

    Args:
        colours: L*, a*, b* of each.
        weights: share of the painting of each, 0 or more; they are made to sum to 1.

    Raises:
        ValueError: without a colour, for another number of weights, or numbers out of range.
    """

    colours: tuple[tuple[float, float, float], ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        table, weights = np.asarray(self.colours, dtype=np.float64), np.asarray(self.weights, dtype=np.float64)
        if table.ndim != 2 or table.shape[1:] != (3,) or weights.shape != table.shape[:1]:
            raise ValueError(f"A palette has colours (L*, a*, b*) and a weight for each, got {self}.")
        fits = (
            np.isfinite(table).all() and (np.abs(table[:, 1:]) <= 130).all() and (np.abs(table[:, 0] - 50) <= 50).all()
        )
        if not (fits and np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0):
            raise ValueError(f"L* goes from 0 to 100, a* and b* from -130 to 130, weights from 0, got {self}.")
        object.__setattr__(self, "weights", tuple((weights / weights.sum()).tolist()))

    def array(self) -> np.ndarray:
        """(K, 4) float32: L*, a*, b*, weight."""
        return np.column_stack([np.asarray(self.colours), np.asarray(self.weights)]).astype(np.float32)

    def swatches(self) -> list[tuple[str, float]]:
        """("#rrggbb", share) of each colour, the largest share first."""
        rgb = lab_to_rgb(torch.tensor(self.colours, dtype=torch.float64).T[None, :, :, None])[0, :, :, 0].T
        codes = ["#" + "".join(f"{value:02x}" for value in row) for row in (rgb * 255).round().int().tolist()]
        return sorted(zip(codes, self.weights, strict=True), key=lambda pair: -pair[1])


def palette_of(image: Any, colours: int = COLOURS) -> Palette:
    """The palette of a picture: k-means in CIELAB over at most 2304 evenly shrunk pixels.

    Args:
        image: whatever `read_picture` takes.
        colours: how many; a picture of fewer has fewer.

    Raises:
        OSError, ValueError, TypeError: as `read_picture`.
    """
    pixels = shrink(read_picture(image).pixels, _PALETTE_PIXELS)
    rgb = torch.from_numpy(pixels.astype(np.float32) / np.iinfo(pixels.dtype).max).permute(2, 0, 1)[None]
    return palette_of_lab(rgb_to_lab(rgb), colours)


def palette_of_lab(lab: Tensor, colours: int = COLOURS) -> Palette:
    """The palette of a picture in CIELAB, (1, 3, H, W); of a large one, of evenly spread pixels."""
    points = lab[0].flatten(1).T.cpu().numpy()
    table = cluster_colours(points[:: max(1, len(points) // _PALETTE_PIXELS)], colours)
    return Palette(tuple(map(tuple, table[:, :3].tolist())), tuple(table[:, 3].tolist()))


def read_palette(text: str) -> Palette:
    """Read "L a b share" of each colour, colours parted by commas, as `measure_palettes` writes them."""
    rows = [tuple(float(number) for number in colour.split()) for colour in text.split(",")]
    return Palette(tuple((row[0], row[1], row[2]) for row in rows), tuple(row[3] for row in rows))


def cluster_colours(lab: np.ndarray, colours: int, starts: int = _KMEANS_STARTS, seed: int = 0) -> np.ndarray:
    """k-means with k-means++ starts (Arthur and Vassilvitskii, 2007), the best of `starts`.

    Args:
        lab: (N, 3) CIELAB.
        colours: clusters at most.

    Returns:
        (K, 4) float32: mean L*, a*, b* and share of each cluster, empty ones left out, in order of lightness.
    """
    rng = np.random.default_rng(seed)
    points = (lab * np.array([_CLUSTER_LIGHTNESS, 1, 1])).astype(np.float32)
    best, least = np.zeros(len(points), dtype=np.int64), np.inf
    for _ in range(starts):
        centres = _spread_out(points, colours, rng)
        for _ in range(_KMEANS_ROUNDS - 1):
            centres = _means(points, _squared_distances(points, centres).argmin(1), centres)
        distances = _squared_distances(points, centres)
        nearest, cost = distances.argmin(1), float(distances.min(1).sum())
        if cost < least:
            best, least = nearest, cost
    counts = np.bincount(best, minlength=colours)
    means = np.stack([lab[best == number].mean(0) for number in np.flatnonzero(counts)])
    table = np.column_stack([means, counts[counts > 0] / len(lab)]).astype(np.float32)
    return table[np.argsort(table[:, 0], kind="stable")]


def _spread_out(points: np.ndarray, colours: int, rng: np.random.Generator) -> np.ndarray:
    """k-means++: each next centre is a point drawn by its squared distance to those there are."""
    centres = points[rng.integers(len(points), size=1)]
    while len(centres) < colours:
        far = _squared_distances(points, centres).min(1).astype(np.float64)
        if far.sum() <= 0:
            break  # fewer colours than asked for
        centres = np.concatenate([centres, points[rng.choice(len(points), size=1, p=far / far.sum())]])
    return centres


def _squared_distances(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    return np.square(points[:, None] - centres[None]).sum(2)


def _means(points: np.ndarray, nearest: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The mean of each cluster; an empty one stays where it was."""
    counts = np.bincount(nearest, minlength=len(centres))[:, None]
    sums = np.stack([np.bincount(nearest, axis, minlength=len(centres)) for axis in points.T], axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), centres).astype(points.dtype)


# --- pipelines.landscape_colorizer.traditions ---
# Palettes measured on real paintings, all old works in the public domain; numbers only.
#
# Written by `python -m pipelines.landscape_colorizer.measure_palettes`, whose rules say what each is. Each colour is
# L* a* b* and its share in percent. This module goes into Hub files.

@dataclass(frozen=True)
class Tradition:
    """A way of colouring, by its palette."""

    name: str
    title_en: str
    title_zh: str
    palette: Palette


TRADITIONS: dict[str, Tradition] = {
    "blue-green": Tradition(
        "blue-green",
        "Blue-green",
        "青绿",
        read_palette("38 10 -34 7, 40 -11 19 28, 40 3 -14 17, 45 4 -1 19, 49 7 29 11, 50 10 14 18"),
    ),
    "light-ochre": Tradition(
        "light-ochre",
        "Light ochre",
        "浅绛",
        read_palette("39 6 10 11, 47 8 14 11, 57 10 19 9, 59 4 11 23, 59 6 15 24, 71 5 15 22"),
    ),
    "gold-green": Tradition(
        "gold-green",
        "Gold and green",
        "金碧",
        read_palette("30 -3 15 24, 38 6 -10 1, 44 1 23 23, 59 -2 31 30, 68 11 36 18, 70 -1 13 4"),
    ),
    "boneless": Tradition(
        "boneless",
        "Boneless",
        "没骨",
        read_palette("37 -1 6 9, 44 6 14 13, 45 0 -8 10, 51 15 25 9, 70 2 2 26, 83 1 9 33"),
    ),
    "autumn": Tradition(
        "autumn",
        "Autumn",
        "秋",
        read_palette("37 10 18 9, 48 12 26 44, 58 17 35 31, 65 28 55 7, 66 14 47 7, 80 1 6 1"),
    ),
}

BANK: tuple[Palette, ...] = tuple(
    read_palette(line)
    for line in (
        "42 3 9 8, 50 6 22 3, 51 3 11 17, 58 3 12 18, 63 3 14 52, 74 3 8 2",
        "37 -9 21 30, 40 -4 25 16, 43 -1 28 15, 45 -8 24 22, 49 3 33 11, 51 -13 22 6",
        "33 6 20 18, 40 9 26 20, 47 12 31 25, 47 38 39 1, 53 15 38 20, 57 19 45 17",
        "36 7 -15 12, 38 6 -8 33, 40 6 0 21, 41 10 -29 6, 47 9 10 15, 55 11 21 15",
        "54 35 36 1, 63 20 30 6, 67 7 23 38, 74 7 28 44, 82 3 27 9, 91 1 16 2",
        "22 7 10 18, 34 19 14 19, 37 13 19 21, 54 17 23 21, 60 11 13 16, 70 9 3 6",
        "30 1 4 5, 43 2 16 12, 50 3 23 16, 59 5 31 25, 63 5 37 28, 64 5 43 14",
        "58 -1 -3 12, 59 4 2 10, 62 -7 -9 8, 63 -1 3 15, 64 -8 -3 21, 65 3 6 34",
        "41 -0 9 13, 51 -2 17 18, 64 -3 23 23, 71 -8 16 5, 81 -3 23 27, 82 -1 29 13",
        "65 0 5 5, 74 2 37 4, 79 0 31 2, 82 -0 6 16, 89 -1 16 4, 92 -1 6 68",
        "36 -2 20 13, 39 -6 -12 17, 39 -9 7 13, 46 3 32 17, 46 -5 27 24, 50 -17 20 16",
        "45 3 1 5, 46 5 11 14, 50 9 18 19, 56 15 25 16, 59 20 38 12, 62 18 31 34",
        "40 -1 19 10, 49 -2 25 18, 58 -2 30 18, 71 -4 34 24, 71 12 46 1, 77 -2 39 28",
        "7 4 2 4, 13 6 8 6, 19 7 14 7, 24 7 20 9, 30 7 24 10, 35 8 28 64",
        "42 6 0 10, 57 8 5 15, 60 13 11 6, 60 6 -1 16, 70 6 4 16, 83 4 1 37",
        "38 6 -10 4, 39 3 16 15, 57 8 27 18, 63 -7 26 13, 71 11 37 42, 72 -1 11 8",
        "33 -1 17 5, 38 0 19 7, 41 1 21 27, 41 1 23 24, 45 2 25 20, 45 0 22 17",
        "49 2 16 3, 64 1 18 8, 74 1 18 15, 81 1 18 23, 88 0 17 25, 89 1 15 25",
        "35 8 7 6, 53 11 10 22, 63 10 12 19, 68 8 10 20, 74 8 15 14, 76 8 11 19",
        "29 -6 9 9, 41 -2 20 13, 51 4 29 16, 62 7 38 30, 88 -4 28 11, 94 -3 18 20",
        "33 3 14 13, 41 -7 -3 4, 41 3 18 12, 41 7 19 25, 45 -6 13 10, 46 8 20 36",
        "36 -6 -0 11, 47 -3 10 15, 56 -11 7 12, 63 -0 23 9, 77 -3 7 17, 82 2 15 36",
        "23 6 24 8, 34 6 30 21, 40 7 35 19, 48 6 32 18, 49 7 39 20, 65 4 34 14",
        "19 13 2 8, 27 10 7 12, 37 10 11 15, 47 10 16 14, 55 11 21 21, 61 13 26 30",
        "47 -2 8 8, 60 -2 12 16, 67 -3 14 22, 73 -4 16 23, 75 -1 11 8, 75 -3 14 24",
        "23 4 9 8, 40 8 19 17, 47 18 25 7, 51 10 26 19, 61 9 32 22, 63 11 37 27",
        "21 3 5 18, 25 5 10 29, 30 9 15 20, 34 3 17 22, 35 27 26 1, 38 12 22 11",
        "41 -5 9 9, 47 -2 13 14, 53 1 17 19, 58 4 20 21, 62 6 24 18, 67 8 28 19",
        "27 -1 1 10, 42 0 5 9, 50 -1 1 13, 64 7 16 3, 65 0 5 18, 80 1 0 47",
        "33 -3 19 20, 39 -9 -0 9, 40 1 28 20, 41 -7 -17 7, 41 -10 24 32, 43 -12 12 12",
        "46 5 10 7, 51 7 13 15, 55 9 15 22, 60 12 18 14, 62 8 17 16, 69 10 20 26",
        "39 -0 3 12, 53 -0 5 12, 64 -0 7 19, 66 13 15 4, 71 0 9 26, 82 1 10 28",
    )
)


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


# --- pipelines.landscape_colorizer.chroma_layer ---
# Carry a change of chroma made on the view over to the full-size picture, along the edges of its lightness.
#
# Around each pixel of the view the change is fitted by a line in L* (the guided filter, He et al., 2013,
# https://doi.org/10.1109/TPAMI.2012.213); slope and offset are smooth and can be read between pixels, and the full-size
# lightness puts the edges back. So colours end where the brush stroke does, at any size, and tiles read the same lines.
# At the view's own size the change is taken as it is. This module goes into Hub files.

class ChromaLayer:
    """A change of a*, b*, ready to be read for any part of a larger picture.

    Args:
        lightness: (1, 1, h, w) of the view, L* / 50 - 1.
        change: (1, 2, h, w) CIELAB.
        height, width: of the full-size picture, at least h and w.
        radius: of the windows, in pixels of the view.
        eps: how little L* / 50 may vary in a window before the line is held level, as a variance.
    """

    def __init__(self, lightness: Tensor, change: Tensor, height: int, width: int, radius: int = 3, eps: float = 2e-3):
        self.scale = (lightness.shape[2] / height, lightness.shape[3] / width)
        self.exact = change if self.scale == (1.0, 1.0) else None
        mean_l, mean_c = box_mean(lightness, radius), box_mean(change, radius)
        variance = box_mean(lightness.square(), radius) - mean_l.square()
        slope = (box_mean(lightness * change, radius) - mean_l * mean_c) / (variance.clamp_min(0) + eps)
        slope, offset = box_mean(slope, radius), box_mean(mean_c - slope * mean_l, radius)
        self.lines = torch.cat([slope, offset], dim=1)

    def read(self, lightness: Tensor, top: int, left: int) -> Tensor:
        """The change for the part (1, 1, H, W) whose first pixel is (top, left): (1, 2, H, W)."""
        height, width = lightness.shape[2:]
        if self.exact is not None:
            return self.exact[:, :, top : top + height, left : left + width]
        lines = sample_bilinear(self.lines, (height, width), (top, left), self.scale)
        return lines[:, :2] * lightness + lines[:, 2:]


# --- pipelines.landscape_colorizer.gamut ---
# Stronger and weaker colours that neither clip nor change their hue. This module goes into Hub files.
#
# Chroma is scaled at constant L* and hue angle in CIELAB. Up to the factor 1 it is multiplied. Beyond, a colour at the
# share x of the chroma that sRGB can show at its lightness and hue goes to v x / (1 + (v - 1) x): v times as strong where
# it is weak, never past 1, and no two colours become one, as clipping would make them.

_LEVELS, _HUES = 201, 720  # of the table: L* in steps of 0.5, hue in steps of half a degree
_LARGEST = 140.0  # no colour of sRGB has more chroma
_MARGIN = 0.995  # between its entries the table may be off by a little


def scale_chroma(lab: Tensor, factor: float) -> Tensor:
    """Scale the chroma of (B, 3, H, W) CIELAB by `factor`, 0 or more; L* and hue stay.

    A colour that sRGB cannot show to begin with is left as it is by a factor above 1.
    """
    if factor == 1:
        return lab
    chroma = lab[:, 1:].norm(dim=1, keepdim=True)
    most = largest_chroma(lab[:, :1], torch.atan2(lab[:, 2:], lab[:, 1:2])) * _MARGIN
    if factor < 1:  # close to pure yellow even less chroma can lie outside, hence the limit
        gain = torch.minimum(chroma * factor, most) / chroma.clamp_min(1e-6)
    else:
        gain = (factor / (1 + (factor - 1) * chroma / most.clamp_min(1e-3))).clamp_min(1)
    return torch.cat([lab[:, :1], lab[:, 1:] * gain], dim=1)


def largest_chroma(lightness: Tensor, hue: Tensor) -> Tensor:
    """The most chroma that sRGB shows at L* in [0, 100] and a hue in radians, of one shape; read between entries."""
    table = _largest_chroma_table().to(lightness)
    level = (lightness.clamp(0, 100) / 100 * (_LEVELS - 1)).clamp(0, _LEVELS - 1)
    angle = hue.remainder(2 * math.pi) / (2 * math.pi) * _HUES
    low, first = level.floor().long().clamp_max(_LEVELS - 2), angle.floor().long() % _HUES
    up, along = level - low, angle - angle.floor()
    second = (first + 1) % _HUES
    below = table[low, first] * (1 - along) + table[low, second] * along
    above = table[low + 1, first] * (1 - along) + table[low + 1, second] * along
    return below * (1 - up) + above * up


@cache
def _largest_chroma_table() -> Tensor:
    """(201, 720): where a line of growing chroma first leaves the sRGB cube, to 0.01."""
    lightness = torch.linspace(0, 100, _LEVELS, dtype=torch.float64)[:, None].expand(-1, _HUES)
    angle = torch.arange(_HUES, dtype=torch.float64) / _HUES * 2 * math.pi

    def outside(chroma: Tensor) -> Tensor:
        return srgb_gap(torch.stack([lightness, chroma * angle.cos(), chroma * angle.sin()])[None])[0, 0] > 1e-9

    low = torch.zeros_like(lightness)
    for step in (4.0, 1.0, 0.1, 0.01):
        going = torch.ones_like(lightness, dtype=torch.bool)
        while going.any():
            going &= (low + step <= _LARGEST) & ~outside(low + step)
            low = torch.where(going, low + step, low)
    return low.float()


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


# --- pipelines.landscape_colorizer.hint_spreading ---
# Colour hints on the view: each spreads to what belongs to it. This module goes into Hub files.
#
# What belongs together is told by the picture: a hint's say spreads along rows and columns and is held back by steps of
# lightness and of the colours that the network chose (`pipelines.domain_filter`). Hints that meet share by nearness.
#
# A colour lighter places take as a wash: a pigment thinned on white paper until it is as light as they are (Beer and
# Lambert). Ink shows through whatever is laid over it: darker places take less, in proportion to their lightness.

REACH = 0.25  # how far a hint spreads over an even area, as a share of the view's shorter side
_HINT_LIGHTNESS, _HINT_CHROMA = 4.0, 0.03  # how much a step from black to white, and one unit of a* or b*, hold back
_TEXTURE = 0.3  # of such steps, those below it hold back little: brushwork inside a form is no border
_SMOOTH = 0.02  # of the view's shorter side: strokes thinner than this part nothing
_THINNEST, _STEPS = 1 / 64, 64  # of a wash; how many are looked at
_HALF = 0.02  # share of the largest spread say at which a hint has half of it
_LEAST_RADIUS = 1.5  # px of the view: a point smaller than a pixel would be lost


def hints_on_view(
    hints: Sequence[Any] | None, size: tuple[int, int], view: tuple[int, int], lightness: Tensor | None = None
) -> Tensor | None:
    """Hints given in pixels of the full picture as a map over the view.

    Args:
        hints: see `pipelines.hints.hint_points`; None or empty gives None.
        size: (height, width) of the full picture.
        view: (height, width) of the view.
        lightness: (1, 1, h, w) of the view, L* / 50 - 1, to thin each colour to where it lies; None takes it as it is.

    Returns:
        (1, 3, h, w): a*, b* in CIELAB and the mask, 1 where a hint lies.

    Raises:
        ValueError: for a point outside the picture, or a colour that is none.
    """
    if not hints:
        return None
    found = torch.zeros(1, 3, *view)
    rows, columns = torch.arange(view[0])[:, None] + 0.5, torch.arange(view[1]) + 0.5
    for x, y, colour, radius in hint_points(hints, *size):
        rgb = torch.tensor(colour, dtype=torch.float32).view(1, 3, 1, 1) / 255
        reach = max(radius * (view[0] / size[0] * view[1] / size[1]) ** 0.5, _LEAST_RADIUS)
        disc = (rows - (y + 0.5) * view[0] / size[0]) ** 2 + (columns - (x + 0.5) * view[1] / size[1]) ** 2 <= reach**2
        there = None if lightness is None else float((lightness[0, 0, disc].mean() + 1) * 50)
        found[0, :2, disc] = rgb_to_lab(rgb)[0, 1:, :, 0] if there is None else thinned(rgb, there)
        found[0, 2, disc] = 1
    return found


def thinned(rgb: Tensor, lightness: float) -> Tensor:
    """Chroma of a colour laid where the picture has some lightness.

    Args:
        rgb: (1, 3, 1, 1) in [0, 1].
        lightness: L* of the place.

    Returns:
        (2, 1): a*, b*; the colour's own where it is as light as the place.
    """
    own = rgb_to_lab(rgb)[0, :, 0]
    if lightness <= own[0]:
        return own[1:] * (lightness / own[0].clamp_min(1e-6))  # black on black has none
    amounts = torch.linspace(1, _THINNEST, _STEPS, dtype=rgb.dtype)
    washes = rgb_to_lab(linear_to_srgb(srgb_to_linear(rgb.clamp_min(1 / 255)) ** amounts))[
        0, :, 0
    ]  # (3, steps), ever lighter
    after = int(torch.searchsorted(washes[0].contiguous(), lightness).clamp(1, _STEPS - 1))
    before, beyond = washes[:, after - 1], washes[:, after]
    share = float(((lightness - before[0]) / (beyond[0] - before[0]).clamp_min(1e-6)).clamp(0, 1))
    return torch.lerp(before[1:], beyond[1:], share)[:, None]


def spread_hints(chroma: Tensor, lightness: Tensor, hints: Tensor, reach: float = REACH) -> Tensor:
    """Draw the chroma of a view toward its hints.

    Args:
        chroma: (1, 2, h, w) CIELAB, what the network chose.
        lightness: (1, 1, h, w), L* / 50 - 1.
        hints: (1, 3, h, w), see `hints_on_view`.
        reach: see `REACH`.

    Returns:
        (1, 2, h, w): the hints' own chroma where they lie, and less of it the more parts a place from them.
    """
    side = min(chroma.shape[2:])
    guide = torch.cat([_HINT_LIGHTNESS / 2 * lightness[0], _HINT_CHROMA * chroma[0]])
    guide = domain_filter(guide, guide, max(_SMOOTH * side, 2.0), texture=_TEXTURE) if side > 8 else guide
    mask = hints[0, 2:]
    spread = domain_filter(torch.cat([hints[0, :2] * mask, mask]), guide, max(reach * side, 1.0), texture=_TEXTURE)
    share = spread[2:] / spread[2:].amax().clamp_min(1e-9)
    say = torch.maximum(share / (share + _HALF), mask)
    asked = torch.where(mask > 0, hints[0, :2], spread[:2] / spread[2:].clamp_min(1e-9))
    return torch.lerp(chroma, asked[None], say[None])


# --- pipelines.landscape_colorizer.recolouring ---
# Paint with another palette: each colour that the network chose goes over to colours of the palette, by their shares.
#
# Which goes where is optimal transport with entropy (Cuturi, 2013, https://arxiv.org/abs/1306.0895) between the colours
# of the view and those of the palette: nearby colours go together, and every colour of the palette gets its share. So a
# palette decides the colours, the network where they lie. This module goes into Hub files.

SOURCE_COLOURS = 16
_TRANSPORT_LIGHTNESS = 1.2  # how much a step of 1 in L* counts beside one in a* or b*
_ENTROPY = 12.0  # squared CIELAB units; the smaller, the more a colour goes to one other
_SOFTNESS = 30.0  # squared CIELAB units: how softly a pixel belongs to the colours of the view
_SINKHORN_ROUNDS = 200


def recolour(lightness: Tensor, chroma: Tensor, palette: Palette) -> Tensor:
    """Chroma of a view, painted with a palette.

    Args:
        lightness: (1, 1, h, w) L* / 50 - 1.
        chroma: (1, 2, h, w) CIELAB, what the network chose.
        palette: the colours to paint with.

    Returns:
        (1, 2, h, w) CIELAB.
    """
    lab = torch.cat([(lightness + 1) * 50, chroma], dim=1)[0].flatten(1).T.cpu().numpy().astype(np.float64)
    source = cluster_colours(lab[:: max(1, len(lab) // 2304)], SOURCE_COLOURS).astype(np.float64)
    target = palette.array().astype(np.float64)
    plan = transport(_transport_points(source, source), _transport_points(target, target), source[:, 3], target[:, 3])
    moved = plan @ target[:, 1:3] / plan.sum(1, keepdims=True) - source[:, 1:3]
    pixels = torch.from_numpy(lab * [_TRANSPORT_LIGHTNESS, 1, 1])
    centres = torch.from_numpy(source[:, :3] * [_TRANSPORT_LIGHTNESS, 1, 1])
    belongs = (-torch.cdist(pixels, centres).square() / _SOFTNESS).softmax(1)
    change = (belongs @ torch.from_numpy(moved)).T.view(1, 2, *chroma.shape[2:])
    return chroma + change.to(chroma)


def transport(first: np.ndarray, second: np.ndarray, shares: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Entropic optimal transport by Sinkhorn's iteration, in logarithms.

    Args:
        first, second: (N, C) and (M, C) points.
        shares, others: (N,) and (M,) weights, each summing to 1.

    Returns:
        (N, M), rows summing to `shares` and columns to `others`.
    """
    costs = -np.square(first[:, None] - second[None]).sum(2) / _ENTROPY
    with np.errstate(divide="ignore"):
        log_shares, log_others = np.log(shares), np.log(others)
    f, g = np.zeros(len(first)), np.zeros(len(second))
    for _ in range(_SINKHORN_ROUNDS):
        f = log_shares - _log_sum(costs + g, axis=1)
        g = log_others - _log_sum(costs + f[:, None], axis=0)
    return np.exp(costs + f[:, None] + g)


def _transport_points(table: np.ndarray, weighted: np.ndarray) -> np.ndarray:
    """(K, 4) L*, a*, b*, share -> (K, 3), lightness counted from the mean: pictures differ in how dark they are."""
    lightness = table[:, 0] - weighted[:, 3] @ weighted[:, 0]
    return np.column_stack([_TRANSPORT_LIGHTNESS * lightness, table[:, 1:3]])


def _log_sum(values: np.ndarray, axis: int) -> np.ndarray:
    top = values.max(axis=axis, keepdims=True)
    return (np.log(np.exp(values - top).sum(axis=axis, keepdims=True)) + top).squeeze(axis)


# --- pipelines.landscape_colorizer.fading ---
# How a painting's colours fade, as a formula: to test restoration on paintings whose colours are known.
#
# A faded painting keeps the share `left` of its chroma; over the rest lies a veil of one tone, yellow to brown, as aged
# silk, varnish and dust give: ab' = left * ab + (1 - left) * tone. Lightness stays: ink is carbon and does not fade,
# and a colorizer cannot give lightness back. What an eight-bit photograph then rounds away is lost, as it is in life.
# This module goes into Hub files.

LEFT = (0.15, 0.6)  # least and most of the chroma that is left
TONE = ((1.0, 6.0), (4.0, 16.0))  # of the veil, (least, most) a* and (least, most) b*: old silk's


def fade(chroma: Tensor, left: Tensor, tone: Tensor) -> Tensor:
    """Fade (B, 2, H, W) CIELAB a*, b*, keeping the share `left`, (B,), under a veil of `tone`, (B, 2)."""
    share = left.view(-1, 1, 1, 1)
    return share * chroma + (1 - share) * tone[:, :, None, None]


def draw_fading(uniform: Tensor) -> tuple[Tensor, Tensor]:
    """(B, 3) in [0, 1) -> `left` (B,) and `tone` (B, 2), each evenly over its range."""
    low = torch.tensor([LEFT[0], TONE[0][0], TONE[1][0]]).to(uniform)
    high = torch.tensor([LEFT[1], TONE[0][1], TONE[1][1]]).to(uniform)
    values = low + (high - low) * uniform
    return values[:, 0], values[:, 1:]


# --- pipelines.landscape_colorizer.restoration ---
# Bring back what a faded painting still shows: keep the hue of its weak colours, and give them their strength.
#
# By the model of `pipelines.landscape_colorizer.fading` a faded painting is a share of the old chroma under a veil of one
# tone, so two things are unknown: the share, and how much of the mean is veil. From the painting's grey the network
# expects a spread and a mean. The spread found over the one expected tells the share, with an error of about a half, and
# is taken half way to the middle of the model's shares. The mean is the likeliest one, given the mean found, the one
# expected, and the tones of veils, each with its own error (a Gaussian posterior). Chosen on validation paintings faded
# by the model. Goes into Hub files.

_EXPECTED_ERROR = (3.0, 7.5)  # CIELAB a*, b*: how far the mean expected is from the true one, on validation paintings
_NOISE = 0.6  # CIELAB units: spread of the chroma that rounding and compression alone give


def restored(chroma: Tensor, own: Tensor, spread: float, tint: Tensor, restore: float) -> Tensor:
    """Chroma of a view, restored.

    Args:
        chroma: (1, 2, h, w) CIELAB, what the network chose.
        own: (1, 2, h, w) CIELAB, the picture's own weak colours.
        spread: of the chroma that is expected.
        tint: (1, 2) mean a*, b* that are expected.
        restore: 0 trusts the network alone, 1 the picture's own colours as far as they stand out from noise.

    Returns:
        (1, 2, h, w) CIELAB.
    """
    smooth = box_mean(own, 1)
    mean = smooth.mean((2, 3), keepdim=True)
    found = float((smooth - mean).square().sum(1).mean().sqrt())
    left = share_left(found, spread)
    back = likely_mean(mean.flatten(1), tint.to(own), left)[:, :, None, None] + (smooth - mean) / left
    trust = restore * found**2 / (found**2 + _NOISE**2)
    return torch.lerp(chroma, back, trust)


def share_left(found: float, expected: float) -> float:
    """The share of the chroma that fading left, from the least that the model knows to 1.

    Args:
        found, expected: spreads of the chroma.
    """
    middle = sum(LEFT) / 2
    return min(max((found / max(expected, 1e-6) * middle) ** 0.5, LEFT[0]), 1.0)


def likely_mean(found: Tensor, expected: Tensor, left: float) -> Tensor:
    """The mean before fading: found = left * mean + (1 - left) * veil.

    Args:
        found, expected: (1, 2) mean a*, b*.
        left: the share of the chroma that is left.

    Returns:
        (1, 2) CIELAB.
    """
    least, most = torch.tensor(TONE).to(found).T
    veil, veil_variance = (least + most) / 2, (most - least).square() / 12  # of an even distribution
    variance = torch.tensor(_EXPECTED_ERROR).to(found).square()
    surprise = found - left * expected - (1 - left) * veil
    weight = left * variance / (left**2 * variance + (1 - left) ** 2 * veil_variance)
    return expected + weight * surprise


# --- pipelines.landscape_colorizer.variants ---
# Different plausible colourings of one picture: each seed paints with the palette of another real painting.
#
# This module goes into Hub files.

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


# --- pipelines.landscape_colorizer.two_net_canvas ---
# One painting being coloured by the default generator: decided once on the view, then laid out tile by tile.
#
# What the network is unsure of it paints paler, and a whole scroll shrunk to a view is stranger to it than the crops that
# it was trained on. So a few crops are coloured alone, and the whole is made as vivid as they are.
#
# This module goes into Hub files.

_MOST_VIGOUR = 1.5  # beyond, the samples are of another kind than the whole


@dataclass(frozen=True)
class Wishes:
    """What a person asks of one colouring; see `LandscapeColorizer.__call__`.

    Raises:
        ValueError: for a number out of range.
    """

    vividness: float = 1.0
    strength: float = 1.0
    palette: Palette | None = None
    hints: Sequence[Any] | None = None
    restore: float = 0.0
    seed: int | None = None

    def __post_init__(self) -> None:
        for name, most in (("vividness", 2), ("strength", 1), ("restore", 1)):
            value = getattr(self, name)
            if not 0 <= value <= most:
                raise ValueError(f"{name} must be between 0 and {most}, got {value}.")


class TwoNetCanvas:
    """Paints with a `TwoNetGenerator`: the colours are decided here, once; each tile then runs the refiner.

    Args:
        generator: a `TwoNetGenerator`.
        view: the whole picture shrunk, (h, w, 3) uint8 or uint16.
        height, width: of the picture.
        wishes: of the person.
        samples: parts of the picture at full size.
        palette: a quicker copy of the generator's palette network, None for itself.
    """

    halo: int | None = 16  # px a tile must see around itself; the refiner's field is 30 px
    multiple = 2  # tiles begin at even rows and columns, where the refiner's 2x2 blocks do

    @torch.no_grad()
    def __init__(
        self,
        generator: Any,
        view: np.ndarray,
        height: int,
        width: int,
        wishes: Wishes,
        samples: Sequence[Sample] = (),
        palette: nn.Module | None = None,
    ):
        self.generator, self.wishes = generator, wishes
        self.size, self.notes = (height, width), list[str]()
        rgb = view_tensor(view, generator)
        self._view_size, self._own = (view.shape[0], view.shape[1]), rgb_to_lab(rgb)[:, 1:]
        self._lightness = normalised_lightness(rgb)
        self.plan = generator.plan(self._lightness, palette)
        self.scale = (self._view_size[0] / 4 / height, self._view_size[1] / 4 / width)
        self.vigour = self._vigour(samples, palette) if samples else 1.0
        self.layer: ChromaLayer | None = None
        if wishes.palette or wishes.hints or wishes.restore or wishes.seed is not None:
            change = self._wished(self._chosen) - self._chosen
            self.layer = ChromaLayer(self._lightness, change, height, width)

    @torch.no_grad()
    def paint(self, pixels: np.ndarray, top: int, left: int) -> np.ndarray:
        """(h, w, 3) uint8 or uint16 at (top, left) of the picture, both even -> the same, coloured."""
        height, width = pixels.shape[:2]
        rgb = view_tensor(pixels, self.generator)
        lightness = normalised_lightness(rgb)
        even = F.pad(lightness, (0, width % 2, 0, height % 2), mode="replicate")
        chroma = self.generator.paint(even, self.plan, (top, left), self.scale)[:, :, :height, :width] * self.vigour
        if self.layer is not None:
            chroma = chroma + self.layer.read(lightness, top, left)
        lab = torch.cat([(lightness + 1) * 50, chroma], dim=1)
        return to_pixels(lab_to_rgb(self._blended(lab, rgb)), pixels.dtype)

    @torch.no_grad()
    def uncertainty(self) -> np.ndarray:
        """How far the true chroma may be: (h, w) float32 at the view's size, radii in the plane of a*, b* that hold it
        with 90 %, for the network's own colouring.

        Raises:
            ValueError: if the weights were trained without it.
        """
        radius = self.generator.radius(self.plan)
        return F.interpolate(radius, size=self._view_size, mode="bilinear")[0, 0].cpu().numpy()

    @cached_property
    def palette(self) -> Palette:
        """The colours that this canvas paints with, measured on the view."""
        with torch.no_grad():
            lab = torch.cat([(self._lightness + 1) * 50, self._wished(self._chosen)], dim=1)
            return palette_of_lab(scale_chroma(lab, self.wishes.vividness))

    @cached_property
    def _chosen(self) -> Tensor:
        """What the network chose, (1, 2, h, w) CIELAB."""
        height, width = self._view_size
        even = F.pad(self._lightness, (0, width % 2, 0, height % 2), mode="replicate")
        return self.generator.paint(even, self.plan, (0, 0), (0.25, 0.25))[:, :, :height, :width] * self.vigour

    def _vigour(self, samples: Sequence[Sample], palette: nn.Module | None) -> float:
        """Mean chroma of the samples planned alone, over that of the same places in the plan of the whole."""
        alone = together = 0.0
        for one in samples:
            plan = self.generator.plan(normalised_lightness(view_tensor(one.pixels, self.generator)), palette)
            cells = [
                slice(int(start * scale), math.ceil((start + length) * scale))
                for start, length, scale in zip((one.top, one.left), one.pixels.shape[:2], self.scale, strict=True)
            ]
            alone += float(plan[:, :2].norm(dim=1).mean())
            together += float(self.plan[:, :2, cells[0], cells[1]].norm(dim=1).mean())
        return min(max(alone / max(together, 1e-6), 1 / _MOST_VIGOUR), _MOST_VIGOUR)

    def _wished(self, chroma: Tensor) -> Tensor:
        """The view's chroma as the person wants it."""
        wishes, first = self.wishes, chroma
        palette = wishes.palette
        if wishes.seed is not None:
            palette = palette_of_seed(wishes.seed, BANK, palette)
        if palette is not None:
            chroma = recolour(self._lightness, chroma, palette)
        if wishes.restore:
            mean = first.mean((2, 3))
            spread = float((first - mean[:, :, None, None]).square().sum(1).mean().sqrt())
            chroma = restored(chroma, self._own, spread, mean, wishes.restore)
        hints = hints_on_view(wishes.hints, self.size, self._view_size, self._lightness.cpu())
        return chroma if hints is None else spread_hints(chroma, self._lightness, hints.to(chroma))

    def _blended(self, lab: Tensor, rgb: Tensor) -> Tensor:
        """Vividness, then as much of it as `strength` says over the picture's own colours."""
        lab = scale_chroma(lab, self.wishes.vividness)
        if self.wishes.strength == 1:
            return lab
        return torch.cat([lab[:, :1], torch.lerp(rgb_to_lab(rgb)[:, 1:], lab[:, 1:], self.wishes.strength)], dim=1)


def view_tensor(pixels: np.ndarray, generator: Any) -> Tensor:
    """(h, w, 3) uint8 or uint16 -> (1, 3, h, w) float32 in [0, 1] on the generator's device."""
    scale = float(np.iinfo(pixels.dtype).max)
    floats = torch.from_numpy(pixels.astype(np.float32)).to(generator.device)
    return floats.permute(2, 0, 1)[None] / scale


def normalised_lightness(rgb: Tensor) -> Tensor:
    """(B, 3, H, W) in [0, 1] -> L* / 50 - 1, (B, 1, H, W) in [-1, 1]."""
    return grey_to_lightness(grey_of(rgb)) / 50 - 1


def to_pixels(rgb: Tensor, dtype: np.dtype) -> np.ndarray:
    """(1, 3, h, w) in [0, 1] -> (h, w, 3) uint8 or uint16, rounded."""
    top = float(np.iinfo(dtype).max)
    return (rgb[0].permute(1, 2, 0) * top).round().cpu().numpy().astype(dtype)


# --- pipelines.landscape_colorizer.training_scale_norm ---
# Paint a large picture with the paper's ResNet as if it were small: instance norm at the scale it was trained at.
#
# Instance norm takes each channel's mean and variance over the whole picture; of a scroll these are not what they were of
# the crops it was trained on, and the colours turn dull. Cut into tiles, each tile has statistics of its own, and the
# colours jump at the joints. Kernelized instance norm (Ho et al., ECCV 2022, https://arxiv.org/abs/2207.11231) measures
# the statistics on windows of the training size and smooths them over neighbouring windows; dense normalisation (Ho et
# al., ECCV 2024, https://arxiv.org/abs/2407.04245) reads them between windows for every pixel. Here both: measured on
# windows, smoothed over `radius` neighbours, read bilinearly. Every pixel's norm then depends on its place alone, so that
# tiles with a halo of the network's field equal the whole. This module goes into Hub files.

WINDOW = 256  # px: the paper's training crops
HALO = 88  # px: half the network's field of 169 px, as a multiple of 8
_LEAST = 0.25  # least deviation of a window, as a share of the median one's: blank silk must not turn to noise


class PlacedNorm(nn.Module):
    """Instance norm without affine whose statistics are measured on windows and read by place.

    `window` and `box` say what the next forward pass sees: a window of the grid, whose statistics are kept, or a part
    (top, left, height) of the picture.
    """

    def __init__(self, channels: int, grid: tuple[int, int], size: tuple[int, int], eps: float):
        super().__init__()
        self.eps, self.size = eps, size
        self.mean, self.deviation = torch.zeros(1, channels, *grid), torch.ones(1, channels, *grid)
        self.window: tuple[int, int] | None = None
        self.box: tuple[int, int, int] = (0, 0, size[0])

    def settle(self, radius: int) -> None:
        """After the last window: hold small deviations up, smooth over neighbouring windows."""
        least = self.deviation.flatten(2).median(dim=2).values[..., None, None] * _LEAST
        self.mean, self.deviation = (box_mean(x, radius) for x in (self.mean, self.deviation.maximum(least)))

    def forward(self, x: Tensor) -> Tensor:
        if self.window is not None:
            variance, mean = torch.var_mean(x.float(), (2, 3), correction=0)
            row, column = self.window
            self.mean[0, :, row, column] = mean[0]
            self.deviation[0, :, row, column] = (variance[0] + self.eps).sqrt()
            return F.instance_norm(x, eps=self.eps)
        top, left, height = self.box
        scale = (self.mean.shape[2] / self.size[0], self.mean.shape[3] / self.size[1])
        place = ((x.shape[2], x.shape[3]), (top, left), scale, height // x.shape[2])
        mean, inverse = sample_bilinear(self.mean, *place), sample_bilinear(1 / self.deviation, *place)
        return (x - mean.to(x.dtype)) * inverse.to(x.dtype)


class TrainingScaleCanvas:
    """Paints with a `ResNetGenerator`, tile by tile inside one picture in memory.

    Args:
        generator: with instance norm.
        wishes: vividness and strength.
        tile: side of the inner tiles, in pixels; the result does not depend on it.
        radius: neighbouring windows on each side that statistics are smoothed over; 0 for none.

    Raises:
        ValueError: for another network or norm.
    """

    halo: int | None = None  # the windows come first, so the picture must be at hand
    multiple = 1

    def __init__(self, generator: Any, wishes: Wishes, tile: int = 512, radius: int = 1):
        if getattr(generator.config, "norm", None) != "instance" or getattr(generator, "multiple", 0) != 8:
            raise ValueError("Statistics at the training scale are for a ResNetGenerator with instance norm.")
        self.generator, self.wishes, self.tile, self.radius = generator, wishes, tile, radius
        self.notes: list[str] = []

    @torch.no_grad()
    def paint(self, pixels: np.ndarray, top: int, left: int) -> np.ndarray:
        """(h, w, 3) uint8 or uint16, the whole picture -> the same, coloured."""
        height, width = pixels.shape[:2]
        rgb = view_tensor(pixels, self.generator)
        grey = grey_of(rgb)
        padded = F.pad(grey * 2 - 1, (0, -width % 8, 0, -height % 8), mode="replicate").to(self.generator.dtype)
        coloured = (paint_placed(self.generator, padded, self.tile, self.radius)[:, :, :height, :width] + 1) / 2
        coloured = grey + (coloured - grey) * self.wishes.vividness
        coloured = torch.lerp(rgb, coloured, self.wishes.strength)
        return to_pixels(coloured.clamp(0, 1), pixels.dtype)


def paint_placed(generator: Any, grey: Tensor, tile: int, radius: int) -> Tensor:
    """(1, 1, H, W) grey in [-1, 1], sides multiples of 8 -> (1, 3, H, W) in [-1, 1]; two passes."""
    height, width = grey.shape[2:]
    grid = (max(1, round(height / WINDOW)), max(1, round(width / WINDOW)))
    network, norms = with_placed_norms(generator, grid, (height, width))
    for row, column, top, left in windows(height, width, grid):
        for norm in norms:
            norm.window = (row, column)
        window = grey[:, :, top : top + min(WINDOW, height), left : left + min(WINDOW, width)]
        network(window.expand(-1, 3, -1, -1))
    for norm in norms:
        norm.window = None
        norm.settle(radius)
    painted = torch.empty(1, 3, height, width)
    for box in tiles(height, width, tile, HALO, 8):
        for norm in norms:
            norm.box = (box.outer_top, box.outer_left, box.outer_bottom - box.outer_top)
        part = grey[:, :, box.outer_top : box.outer_bottom, box.outer_left : box.outer_right]
        result = network(part.expand(-1, 3, -1, -1))[0].permute(1, 2, 0).float().cpu().numpy()
        painted[0, :, box.top : box.bottom, box.left : box.right] = torch.from_numpy(box.inner_of(result)).permute(
            2, 0, 1
        )
    return painted.to(grey.device)


def windows(height: int, width: int, grid: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    """(row, column, top, left) of each window: at the centre of its cell, moved inside the picture."""
    for row in range(grid[0]):
        for column in range(grid[1]):
            top = round((row + 0.5) * height / grid[0] - WINDOW / 2)
            left = round((column + 0.5) * width / grid[1] - WINDOW / 2)
            yield row, column, max(0, min(top, height - WINDOW)), max(0, min(left, width - WINDOW))


def with_placed_norms(
    generator: Any, grid: tuple[int, int], size: tuple[int, int]
) -> tuple[nn.Module, list[PlacedNorm]]:
    """A copy of the network whose instance norms are placed ones."""
    network, norms = copy.deepcopy(generator), list[PlacedNorm]()
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.InstanceNorm2d):
                norms.append(PlacedNorm(child.num_features, grid, size, child.eps).to(generator.device))
                setattr(module, name, norms[-1])
    return network.eval(), norms


# --- pipelines.landscape_colorizer.whole_canvas ---
# One painting being coloured by one of the paper's networks. This module goes into Hub files.

class WholeCanvas:
    """Paints with a network that turns a grey picture into a coloured one, luminance included.

    Args:
        generator: a `ResNetGenerator` or `UNetGenerator`.
        wishes: of the person; vividness and strength only.

    Raises:
        ValueError: for other wishes: these networks take none.
    """

    halo: int | None = None  # their instance norm looks at every pixel: the picture is one tile
    multiple = 1

    def __init__(self, generator: Any, wishes: Wishes):
        if wishes.palette or wishes.hints or wishes.restore or wishes.seed is not None:
            raise ValueError("The paper's networks take no palette, hints, restore or seed; the default network does.")
        self.generator, self.wishes = generator, wishes
        self.notes: list[str] = []

    @torch.no_grad()
    def paint(self, pixels: np.ndarray, top: int, left: int) -> np.ndarray:
        """(h, w, 3) uint8 or uint16 -> the same, coloured."""
        height, width = pixels.shape[:2]
        rgb = view_tensor(pixels, self.generator)
        grey = grey_of(rgb).to(self.generator.dtype)
        multiple = self.generator.multiple
        down, right = -height % multiple, -width % multiple
        padded = F.pad(grey * 2 - 1, (0, right, 0, down), mode="replicate").expand(-1, 3, -1, -1)
        coloured = (self.generator(padded)[:, :, :height, :width].float() + 1) / 2
        coloured = grey + (coloured - grey) * self.wishes.vividness
        if self.wishes.strength != 1:
            coloured = torch.lerp(rgb, coloured.float(), self.wishes.strength)
        return to_pixels(coloured.clamp(0, 1), pixels.dtype)


Seeds = int | Sequence[int | None] | None


@dataclass
class LandscapeColorizerOutput(BaseOutput):
    """What `LandscapeColorizer` returns; of several colourings of one picture, one after the other.

    Args:
        images: the pictures in the form asked for.
        seeds: the seed of each, None for the network's own colouring.
        palettes: None, or the colours of each, measured on it; of one by a paper's network None.
        uncertainty: None, or of each (H, W) float32: the radius around the network's own choice of chroma, in the
            plane of a*, b*, that holds the true chroma with 90 %, as calibrated on crops of validation paintings.
            Palettes, hints and the like do not change it.
    """

    images: Any
    seeds: list[int | None]
    palettes: list[Palette | None] | None = None
    uncertainty: list[np.ndarray] | None = None


class LandscapeColorizer(DiffusionPipeline):
    """Colour Chinese landscape paintings of any size, keeping their luminance.

    The default generator decides the palette once, from a small view of the whole picture, and lays it out tile by
    tile at full resolution: a scroll has no seams, and costs memory for one tile. Luminance (CIE Y, hence L*) is
    the input's own, to the rounding of the output's bits; a colour input is treated as its grey version unless
    `restore` or `strength` says otherwise.

    Args:
        generator: a `TwoNetGenerator` (the default), or the paper's `ResNetGenerator` or `UNetGenerator`, which map
            a grey picture to a coloured one as a whole and do not keep the luminance.
    """

    model_cpu_offload_seq = "generator"

    def __init__(self, generator: ModelMixin):
        super().__init__()
        self.register_modules(generator=generator)
        self._quick = FoldedCopy()

    @property
    def view_area(self) -> int:
        """Pixels of the largest view that `canvas` wants to see of the whole picture."""
        return getattr(self.generator.config, "view_area", 1)

    @property
    def sample_side(self) -> int:
        """Pixels a side of the samples at full size that `canvas` wants to see, 0 for none."""
        return getattr(self.generator.config, "sample_side", 0)

    @torch.no_grad()
    def __call__(
        self,
        image: Any,
        *,
        vividness: float = 1.0,
        strength: float = 1.0,
        palette: Any = None,
        hints: Sequence[Any] | None = None,
        restore: float = 0.0,
        num_images_per_prompt: int = 1,
        seed: Seeds = None,
        generator: torch.Generator | None = None,
        return_palettes: bool = False,
        return_uncertainty: bool = False,
        output_type: str = "pil",
        return_dict: bool = True,
        progress: Progress | None = None,
    ) -> LandscapeColorizerOutput | tuple:
        """Colour one picture or several.

        Args:
            image: a PIL image, a path, an (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) array, a (1 | 3 | 4, H, W)
                tensor in [0, 1], or a list of these, of any sizes. Transparency is kept; 16 bits are kept in "np"
                and "pt" output.
            vividness: how strong the colours are to be, 0 to 2. 0 is grey, 1 the model's own choice; above, weak
                colours gain more than strong ones, none clips, and none changes its hue.
            strength: how much of the new colours lies over the picture's own, 0 to 1.
            palette: the colours to paint with: a tradition's name ("blue-green", "light-ochre", "gold-green",
                "boneless", "autumn", or its Chinese name), a reference picture (all that `image` may be), or a
                `Palette`.
            hints: colours of single places: a list of (x, y, colour) or (x, y, colour, radius) in pixels of the
                picture, a colour being "#rrggbb", a name, or (r, g, b) from 0 to 255. Hue and chroma count, lightness
                stays. Each spreads to what belongs to it. Where `image` is a list: a list with the hints of each.
            restore: how far a faded picture's own weak colours are evidence, 0 to 1: their hue is kept, their strength
                brought back.
            num_images_per_prompt: colourings of each picture.
            seed: None for the model's own colouring first and the seeds 0, 1, ... after it; a number for that seed and
                those that follow; a list with the seed of each, None being the model's own. One seed gives one
                colouring, whatever else is asked for beside it.
            generator: draws the first seed where `seed` is None.
            return_palettes: also measure the colours of each colouring.
            return_uncertainty: also say how far the true colours may be.
            output_type: "pil", "np" (H, W, 3) in [0, 1], or "pt" (3, H, W) in [0, 1].
            return_dict: return a `LandscapeColorizerOutput` rather than a tuple.
            progress: called as progress(tiles done, tiles in all) for each picture; an exception raised in it stops
                the work and reaches the caller.

        Returns:
            `.images`: a list with one picture for each input and seed, of its size, the first input's first.

        Raises:
            ValueError, OSError: for an input that is no picture, or options out of range; the message says what
                was given and what is allowed.

        Example:
            >>> pipe = LandscapeColorizer.from_pretrained()
            >>> pipe("painting.jpg", palette="blue-green").images[0].save("coloured.png")
        """
        pictures, seeds = read_pictures(image), read_seeds(seed, num_images_per_prompt, generator)
        palette = read_wished_palette(palette)  # a reference is looked at once
        several = isinstance(image, (list, tuple)) or len(pictures) > 1
        each = list(hints) if several and hints is not None else [hints] * len(pictures)
        if len(each) != len(pictures):
            raise ValueError(f"Got hints for {len(each)} pictures and {len(pictures)} pictures.")
        coloured, palettes, radii = [], [], []
        for picture, given in zip(pictures, each, strict=True):
            seen = (shrink(picture.pixels, self.view_area), picture.height, picture.width)
            samples = sample(picture.pixels, self.sample_side)
            for one in seeds:
                wishes = Wishes(vividness, strength, palette, given, restore, one)
                canvas = self._canvas(*seen, wishes, samples)
                coloured.append(Picture(paint_tiles(canvas, picture.pixels, progress=progress), picture.alpha))
                if return_palettes:
                    palettes.append(canvas.palette if isinstance(canvas, TwoNetCanvas) else None)
                if return_uncertainty:
                    radii.append(full_size_uncertainty(canvas, picture.height, picture.width))
        output = LandscapeColorizerOutput(
            images=write_pictures(coloured, output_type),
            seeds=seeds * len(pictures),
            palettes=palettes if return_palettes else None,
            uncertainty=radii if return_uncertainty else None,
        )
        return output if return_dict else output.to_tuple()

    def canvas(
        self,
        view: np.ndarray,
        height: int,
        width: int,
        *,
        vividness: float = 1.0,
        strength: float = 1.0,
        palette: Any = None,
        hints: Sequence[Any] | None = None,
        restore: float = 0.0,
        seed: int | None = None,
        statistics: str | None = None,
        samples: Sequence[Sample] = (),
    ) -> Canvas:
        """Get ready to paint a picture tile by tile: everything is decided here, from the view.

        Args:
            view: the whole picture shrunk to at most `view_area` pixels, (h, w, 3) uint8 or uint16.
            height, width: size of the picture in pixels.
            vividness, strength, palette, hints, restore: see `__call__`.
            seed: of the colouring; None is the model's own.
            statistics: "training" paints with the paper's `ResNetGenerator` in tiles, its instance norms reading
                statistics at the scale it was trained at; None paints the picture as a whole.
            samples: of the picture, `pipelines.tiles.sample` with `sample_side`: without them the whole may come out
                duller than its parts would.

        Raises:
            ValueError, OSError: as `__call__`.
        """
        wishes = Wishes(vividness, strength, read_wished_palette(palette), hints, restore, seed)
        return self._canvas(view, height, width, wishes, samples, statistics)

    def _canvas(
        self,
        view: np.ndarray,
        height: int,
        width: int,
        wishes: Wishes,
        samples: Sequence[Sample],
        statistics: str | None = None,
    ) -> TwoNetCanvas | WholeCanvas | TrainingScaleCanvas:
        if hasattr(self.generator, "plan"):
            if statistics is not None:
                raise ValueError("The default network has no statistics of the picture; leave `statistics` out.")
            quick = self._quick.of(self.generator.palette)
            return TwoNetCanvas(self.generator, view, height, width, wishes, samples, quick)
        whole = WholeCanvas(self.generator, wishes)  # which refuses what these networks do not take
        if statistics not in (None, "training"):
            raise ValueError(f'statistics is None or "training", got {statistics!r}.')
        return whole if statistics is None else TrainingScaleCanvas(self.generator, wishes)


def read_wished_palette(palette: Any) -> Palette | None:
    """A palette from a tradition's name, a reference picture, or itself.

    Raises:
        ValueError: for a name that is neither a tradition's nor a file's; OSError, TypeError: as `read_picture`.
    """
    if palette is None or isinstance(palette, Palette):
        return palette
    if isinstance(palette, str):
        for tradition in TRADITIONS.values():
            if palette in (tradition.name, tradition.title_zh):
                return tradition.palette
        try:
            return palette_of(palette)
        except FileNotFoundError as error:
            names = ", ".join(f"{one.name} ({one.title_zh})" for one in TRADITIONS.values())
            raise ValueError(f"{palette!r} is neither a tradition ({names}) nor a picture's file.") from error
    return palette_of(palette)


def read_seeds(seed: Seeds, count: int, generator: torch.Generator | None = None) -> list[int | None]:
    """The seed of each colouring of a picture; see `LandscapeColorizer.__call__`.

    Raises:
        ValueError: for a count below 1, a list of another length, or a negative seed.
    """
    if count < 1:
        raise ValueError(f"num_images_per_prompt must be at least 1, got {count}.")
    if seed is None and generator is not None:
        seed = int(torch.randint(1 << 30, (), generator=generator, device=generator.device))
    if seed is None:
        seeds: list[int | None] = [None, *range(count - 1)]
    elif isinstance(seed, int):
        seeds = list(range(seed, seed + count))
    else:
        seeds = list(seed)
    if len(seeds) != count or any(one is not None and one < 0 for one in seeds):
        raise ValueError(f"seed takes {count} numbers of 0 or more, as many as num_images_per_prompt, got {seed}.")
    return seeds


def full_size_uncertainty(canvas: Any, height: int, width: int) -> np.ndarray:
    """The canvas's uncertainty stretched over the picture, (H, W) float32; ValueError of a network that has none."""
    if not isinstance(canvas, TwoNetCanvas):
        raise ValueError("The paper's networks do not say how sure they are; the default network does.")
    view = torch.from_numpy(canvas.uncertainty())[None, None]
    return torch.nn.functional.interpolate(view, size=(height, width), mode="bilinear")[0, 0].numpy()
