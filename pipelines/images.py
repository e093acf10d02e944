"""Pictures in and out of the pipelines: whatever people hand in, decoded once, checked, and given back in kind.

Inside, a picture is a `Picture`: sRGB pixels of 8 or 16 bits with the alpha plane kept apart. This module goes
into Hub files, so it needs numpy, torch and PIL only. Uploads are hostile until proven: the type is told by
content, never by name, the size is checked before any pixel is decoded, and no setting of PIL is changed.

PIL has no 16-bit RGB: such a file is read at 8 bits here. `pipelines.large_images` keeps all 16.
"""

import io
import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from PIL import Image, ImageCms

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
