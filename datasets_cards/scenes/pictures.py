"""The pictures of a build: decoded, checked, labelled, fitted; those that cannot be used, with the reason."""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from tqdm import tqdm

from datasets_cards.perceptual_hash import perceptual_hash
from datasets_cards.sources import SourceImage, fingerprint

KEPT_FORMATS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
_JPEG_QUALITY = 95


@dataclass(frozen=True)
class Scene:
    """One picture that may go into the set."""

    image: SourceImage
    id: str  # 16 hexadecimal digits of the source file's hash
    label: str
    content: str
    hash: np.ndarray = field(repr=False, compare=False)  # (256,) bool


@dataclass(frozen=True)
class Left:
    """One picture that was left out, and why."""

    picture: str
    split: str | None  # where its source puts it
    reason: str
    detail: str


class Unfit(ValueError):
    """A picture that cannot be used: `reason` for the counts, `detail` for the list."""

    def __init__(self, reason: str, detail: str):
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


def survey(
    images: Sequence[SourceImage],
    labels: Mapping[str, str],
    content: Callable[[Image.Image], str],
    *,
    smallest: int,
    greyest: float,
) -> tuple[list[Scene], list[Left]]:
    """Look at every picture once; returns those that can be used, in order, and those left out.

    Args:
        images: what the sources hold.
        labels: name in the source -> label of the set; all others are left out.
        content: "nature" or "city" for an RGB picture.
        smallest: least short side, in pixels.
        greyest: least mean distance of the largest from the smallest channel, in [0, 255].
    """
    scenes, left = [], []
    for image in tqdm(images, desc="pictures", unit="picture"):
        try:
            label = labels.get(image.label or "")
            if label is None:
                raise Unfit("other label", image.label or "none")
            data = _read(image)
            picture = decode(data)
            _check(picture, smallest, greyest)
        except Unfit as unfit:
            left.append(Left(image.name, image.split, unfit.reason, unfit.detail))
            continue
        hashed = perceptual_hash(np.asarray(picture))
        scenes.append(Scene(image, fingerprint(data)[:16], label, content(picture), hashed))
    return scenes, left


def decode(data: bytes) -> Image.Image:
    """One encoded picture, upright and in RGB; `Unfit` where it cannot be decoded or moves."""
    try:
        picture = Image.open(io.BytesIO(data))
        if getattr(picture, "is_animated", False) and picture.format != "MPO":  # a telephone's JPEG with a preview
            raise Unfit("animated", f"{getattr(picture, 'n_frames', 2)} frames")
        return ImageOps.exif_transpose(picture).convert("RGB")
    except Unfit:
        raise
    except UnidentifiedImageError as error:  # its own text holds an address in memory
        raise Unfit("unreadable", "no known picture format") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Unfit("unreadable", str(error) or type(error).__name__) from error


def fitted(data: bytes, side: int) -> tuple[bytes, str, bool]:
    """A picture whose short side is `side` pixels at most, encoded; never enlarged, never cropped.

    Returns:
        the file, its suffix, and whether it is another than `data`: upright RGB in JPEG, PNG or WebP that fits stays
        as it is, all else becomes JPEG of quality 95 without chroma subsampling.
    """
    stored = Image.open(io.BytesIO(data))
    if is_plain(stored) and min(stored.size) <= side:
        return data, KEPT_FORMATS[stored.format or ""], False
    picture = decode(data)
    short = min(picture.size)
    if short > side:
        size = (round(picture.width * side / short), round(picture.height * side / short))
        picture = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return jpeg(picture), "jpg", True


def is_plain(stored: Image.Image) -> bool:
    """Whether a picture as it was opened is upright RGB in a format that may stay as it is."""
    turned = stored.getexif().get(0x0112, 1) != 1  # orientation
    return stored.mode == "RGB" and not turned and stored.format in KEPT_FORMATS


def jpeg(picture: Image.Image) -> bytes:
    """An RGB picture as JPEG of quality 95 without chroma subsampling."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return file.getvalue()


def label_names(labels: Iterable[str], rename: Sequence[str]) -> dict[str, str]:
    """{name in the source: label of the set}: the labels themselves, and what `rename` ("gloomy=cloudy") adds.

    Raises:
        ValueError: an entry of another form, or a label that the set does not have.
    """
    labels = tuple(labels)
    names = {label: label for label in labels}
    for entry in rename:
        name, mark, label = entry.partition("=")
        if not (mark and name) or label not in labels:
            raise ValueError(f"--rename takes NAME=LABEL with LABEL one of {', '.join(labels)}, got {entry!r}.")
        names[name] = label
    return names


def _read(image: SourceImage) -> bytes:
    try:
        return image.read()
    except OSError as error:
        raise Unfit("unreadable", str(error)) from error


def _check(picture: Image.Image, smallest: int, greyest: float) -> None:
    if min(picture.size) < smallest:
        raise Unfit("too small", f"{picture.width}x{picture.height}; the short side needs {smallest}")
    small = picture.copy()
    small.thumbnail((256, 256))
    pixels = np.asarray(small).astype(int)
    colour = float((pixels.max(-1) - pixels.min(-1)).mean())
    if colour < greyest:
        raise Unfit("grey", f"channels differ by {colour:.1f}")
