"""Square pictures: what lies on white is padded with white, all else is cut to its middle."""

import io

import numpy as np
from PIL import Image

from datasets_cards.scenes.pictures import KEPT_FORMATS, decode, is_plain, jpeg

_WHITE = 235  # least channel of a border pixel that counts as white
_ON_WHITE = 0.75  # least share of such pixels


def on_white(picture: Image.Image) -> bool:
    """Whether an RGB picture shows its subject on white: three quarters of its outermost pixels are nearly so."""
    pixels = np.asarray(picture)
    border = np.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]])
    return bool((border.min(-1) >= _WHITE).mean() >= _ON_WHITE)


def square(picture: Image.Image) -> Image.Image:
    """An RGB picture padded with white to a square where it lies on white, else its middle square."""
    width, height = picture.size
    if width == height:
        return picture
    if on_white(picture):
        sheet = Image.new("RGB", (max(width, height),) * 2, "white")
        sheet.paste(picture, ((sheet.width - width) // 2, (sheet.height - height) // 2))
        return sheet
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def squared(data: bytes, side: int) -> tuple[bytes, str, bool]:
    """An encoded picture as a square of `side` pixels at most, encoded; never enlarged.

    Returns:
        the file, its suffix, and whether it is another than `data`: upright square RGB in JPEG, PNG or WebP that fits
        stays as it is, all else becomes JPEG of quality 95 without chroma subsampling.
    """
    stored = Image.open(io.BytesIO(data))
    if is_plain(stored) and stored.width == stored.height <= side:
        return data, KEPT_FORMATS[stored.format or ""], False
    picture = square(decode(data))
    if picture.width > side:
        picture = picture.resize((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return jpeg(picture), "jpg", True
