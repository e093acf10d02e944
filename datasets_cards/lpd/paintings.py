"""The paintings of a build: decoded, checked, split and rid of doubles, before any crop is cut."""

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from datasets_cards.lpd.crops import MAX_ENLARGEMENT, SIZE, crop_sides
from datasets_cards.lpd.filters import cast, group_of, lab_of, without_margins
from datasets_cards.lpd.splits import assign_splits, near_duplicates, work_of
from datasets_cards.perceptual_hash import perceptual_hash
from datasets_cards.sources import SourceImage

Image.MAX_IMAGE_PIXELS = 400_000_000  # a whole scroll; beyond it Pillow warns, and at twice that refuses


@dataclass(frozen=True)
class Painting:
    """One picture that may be cut into crops."""

    image: SourceImage
    work: str  # the painting it shows; tiles of one scroll share it
    split: str
    group: str  # "colour", "pale", "ink"


@dataclass(frozen=True)
class Left:
    """One picture that was left out, and why."""

    painting: str
    reason: str  # "unreadable", "too small", "near-duplicate", "off-colour"
    detail: str


@dataclass
class _Look:
    image: SourceImage
    hash: np.ndarray
    group: str


@dataclass(frozen=True)
class Scan:
    """A decoded picture without its margins."""

    pixels: np.ndarray  # (H, W, 3) uint8, upright, RGB
    top: int  # where it begins in the source picture
    left: int


def decode(image: SourceImage) -> Scan:
    """Decode a picture and cut its white or black margins off; OSError where it cannot be decoded."""
    try:
        picture = Image.open(io.BytesIO(image.read()))
        pixels = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise OSError(str(error) or type(error).__name__) from error
    top, left, bottom, right = without_margins(pixels)
    return Scan(np.ascontiguousarray(pixels[top:bottom, left:right]), top, left)


def survey(
    images: Sequence[SourceImage], *, one_painting: Sequence[str], seed: int, val: float, test: float, max_cast: float
) -> tuple[list[Painting], list[Left]]:
    """Look at every picture once; returns those to cut, in order, and those left out.

    Args:
        images: what the sources hold.
        one_painting: collections whose pictures are tiles of one scroll.
        seed, val, test: see `assign_splits`, for pictures that come without a split.
        max_cast: see `Thresholds.cast`.

    Raises:
        ValueError: no picture could be read.
    """
    looks, left = _look_at_all(images, max_cast)
    if not looks:
        raise ValueError(f"None of the {len(images)} pictures can be used: {left[0].reason} ({left[0].detail}).")
    works = [work_of(look.image, one_painting) for look in looks]
    open_works = {w: look.group for w, look in zip(works, looks, strict=True) if look.image.split is None}
    dealt = assign_splits(open_works, seed, val, test)
    splits = [look.image.split or dealt[work] for look, work in zip(looks, works, strict=True)]
    splits = _one_split_per_work(works, splits)
    twins = near_duplicates(np.array([look.hash for look in looks]), splits, works)
    paintings = []
    for i, look in enumerate(looks):
        if i in twins:
            left.append(Left(look.image.name, "near-duplicate", f"of {looks[twins[i]].image.name}"))
        else:
            paintings.append(Painting(look.image, works[i], splits[i], look.group))
    return paintings, left


def _look_at_all(images: Sequence[SourceImage], max_cast: float) -> tuple[list[_Look], list[Left]]:
    looks, left = [], []
    for image in tqdm(images, desc="paintings", unit="picture"):
        try:
            pixels = decode(image).pixels
        except OSError as error:
            left.append(Left(image.name, "unreadable", str(error)))
            continue
        height, width = pixels.shape[:2]
        if not crop_sides(height, width):
            detail = f"{width}x{height}; the short side needs {int(np.ceil(SIZE / MAX_ENLARGEMENT))}"
            left.append(Left(image.name, "too small", detail))
            continue
        lab = lab_of(pixels)
        strength = cast(lab)
        if strength > max_cast:
            left.append(Left(image.name, "off-colour", f"cast {strength:.2f}"))
            continue
        looks.append(_Look(image, perceptual_hash(pixels), image.group or group_of(lab)))
    return looks, left


def _one_split_per_work(works: Sequence[str], splits: Sequence[str]) -> list[str]:
    """Where a source spreads one painting over splits, all of it goes where most of it is."""
    votes: dict[str, Counter] = {}
    for work, split in zip(works, splits, strict=True):
        votes.setdefault(work, Counter())[split] += 1
    return [votes[work].most_common(1)[0][0] for work in works]
