"""One painting into crops: planned, tested, and moved aside where a mark or an empty ground spoils the place."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from datasets_cards.lpd.crops import SIZE, Box, moved, plan_crops
from datasets_cards.lpd.filters import Thresholds, blank_share, detail, lab_of, paper_tone
from datasets_cards.lpd.marks import Mark, marks_in
from datasets_cards.lpd.paintings import Painting, decode
from datasets_cards.lpd.seals import find_seals
from datasets_cards.lpd.text import TextFinder

MAX_SAME = 0.6  # a crop that stands in for a dropped one overlaps no other by more (intersection over union)


@dataclass
class Crop:
    """One crop: kept, or dropped for a reason."""

    painting: Painting
    box: Box
    pixels: np.ndarray  # (256, 256, 3) uint8
    reason: str | None = None  # "watermark", "inscription", "seal", "blank", "blurred"
    stands_in: bool = False  # moved away from a place that was dropped


def seed_of(seed: int, name: str) -> np.random.Generator:
    """Random numbers that depend on `seed` and `name` alone, so that one painting's fate decides no other's."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def cut(painting: Painting, text: TextFinder, thresholds: Thresholds, seed: int) -> Iterator[Crop]:
    """All planned crops of one painting, dropped ones included, then those that stand in for the dropped."""
    scan = decode(painting.image)
    pixels, lab = scan.pixels, lab_of(scan.pixels)
    marks = [*text(pixels), *find_seals(lab, paper_tone(lab))]
    height, width = pixels.shape[:2]

    def crop(box: Box, reason: str | None = None, stands_in: bool = False) -> Crop:
        in_source = Box(box.x + scan.left, box.y + scan.top, box.side)
        return Crop(painting, in_source, take(pixels, box), reason, stands_in)

    kept: list[Box] = []
    spoiled: list[Box] = []
    for box in plan_crops(height, width, seed_of(seed, painting.image.name)):
        reason = judge(lab, box, marks, thresholds)
        (spoiled if reason else kept).append(box)
        yield crop(box, reason)
    for box in spoiled:
        for place in moved(box, height, width):
            if all(place.overlap(other) <= MAX_SAME for other in kept) and not judge(lab, place, marks, thresholds):
                kept.append(place)
                yield crop(place, stands_in=True)
                break


def judge(lab: np.ndarray, box: Box, marks: Sequence[Mark], thresholds: Thresholds) -> str | None:
    """The reason to drop `box` of a painting in (H, W, 3) CIELAB, or None."""
    shown = {mark.kind for mark in marks_in(box, marks)}
    for kind in ("watermark", "inscription", "seal"):
        if kind in shown:
            return kind
    square = take(lab, box)
    if blank_share(square, thresholds.flat) > thresholds.blank:
        return "blank"
    if detail(square[..., 0]) < thresholds.detail:
        return "blurred"
    return None


def take(pixels: np.ndarray, box: Box) -> np.ndarray:
    """The square `box` of (H, W) or (H, W, 3) `pixels`, resampled to 256x256."""
    square = pixels[box.y : box.y + box.side, box.x : box.x + box.side]
    if box.side == SIZE:
        return square
    return cv2.resize(square, (SIZE, SIZE), interpolation=cv2.INTER_AREA if box.side > SIZE else cv2.INTER_CUBIC)
