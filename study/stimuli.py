"""How a file becomes a picture of a study: one way for real and generated ones.

Decode, turn upright, flatten onto white, crop to the study's shape, shrink, encode. The PNG holds the pixels
uncompressed and nothing else, so that pictures of one size have one length in bytes by construction.
"""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

MAX_PIXELS = 150_000_000


@dataclass(frozen=True)
class SourcePicture:
    """A picture before it is made ready.

    Args:
        family: the original it is or was made from.
        name: of the file, for the organiser.
        read: returns the encoded file.
    """

    family: str
    name: str
    read: Callable[[], bytes]

    @classmethod
    def from_file(cls, file: Path, family: str) -> "SourcePicture":
        """Of a file on disk."""
        return cls(family, file.name, file.read_bytes)


def decode(data: bytes, name: str) -> Image.Image:
    """The picture in RGB, upright, flattened onto white.

    Raises:
        ValueError: no picture, a damaged one, or one of more than `MAX_PIXELS`.
    """
    try:
        with Image.open(io.BytesIO(data)) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise ValueError(f"{name} has {opened.width} x {opened.height} pixels; {MAX_PIXELS:,} are the most.")
            image = ImageOps.exif_transpose(opened)
            if image.mode.startswith("I;16"):
                image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
            if image.has_transparency_data:
                rgba = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
            return image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{name} cannot be read as a picture: {error}") from error


def stimulus_png(image: Image.Image, size: tuple[int, int]) -> bytes:
    """The middle of `image` in the shape of `size`, shrunk to it (Lanczos), as PNG without compression or metadata."""
    pixels = ImageOps.fit(image, size, Image.Resampling.LANCZOS)
    return encode(pixels)


def encode(image: Image.Image) -> bytes:
    """PNG of an RGB picture: stored, not compressed, since a compressed length tells smooth pictures from others."""
    clean = Image.frombytes("RGB", image.size, image.tobytes())  # carries no metadata over
    buffer = io.BytesIO()
    clean.save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()


def spoil(image: Image.Image, seed: int) -> Image.Image:
    """An obvious fake for gold questions: colours turned over, squares of a sixth of the side changed about."""
    pixels = np.asarray(image)[..., [2, 0, 1]].copy()
    step = max(4, min(pixels.shape[:2]) // 6)
    rows, columns = pixels.shape[0] // step, pixels.shape[1] // step
    order = np.random.default_rng(seed).permutation(rows * columns)
    source = pixels.copy()
    for target, origin in enumerate(order):
        (y, x), (v, u) = (divmod(int(place), columns) for place in (target, origin))
        block = source[v * step : (v + 1) * step, u * step : (u + 1) * step]
        pixels[y * step : (y + 1) * step, x * step : (x + 1) * step] = 255 - block
    return Image.fromarray(pixels)


def key_of(png: bytes) -> str:
    """What a picture is called in plan, database and folder."""
    return hashlib.sha256(png).hexdigest()
