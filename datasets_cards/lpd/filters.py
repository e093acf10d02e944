"""What makes a crop or a painting unfit, told from its pixels. Thresholds were set on training pictures."""

from dataclasses import dataclass

import cv2
import numpy as np

_CELL = 16  # pixels a side of the cells that are called blank or not
_WIDEST_MARGIN = 0.15  # of the picture's side; a wider white strip may be the painting's own sky


@dataclass(frozen=True)
class Thresholds:
    """Limits of the filters; the defaults made the set that the card describes."""

    detail: float = 0.22
    """Least share of fine detail in a crop's contrast; below it the crop is blurred."""
    flat: float = 2.5
    """Spread of colour (CIELAB units) under which a 16x16 cell is blank."""
    blank: float = 0.8
    """Largest share of blank cells."""
    cast: float = 1.0
    """Largest colour cast, 1 being the edge of the colours that paper and silk take."""


def lab_of(pixels: np.ndarray) -> np.ndarray:
    """CIELAB of sRGB pixels; (H, W, 3) uint8 -> float32, L in [0, 100]."""
    return cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)


def detail(lightness: np.ndarray) -> float:
    """Share of fine detail in the contrast of (H, W) L*: median 0.43 on paintings, under 0.22 blurred.

    The standard deviation of what a Gaussian of one pixel takes away, over that of what one of eight takes away.
    """
    fine = lightness - cv2.GaussianBlur(lightness, (0, 0), 1.0)
    wide = lightness - cv2.GaussianBlur(lightness, (0, 0), 8.0)
    return float(fine.std() / max(wide.std(), 1e-3))


def blank_share(lab: np.ndarray, flat: float) -> float:
    """Share of 16x16 cells of (H, W, 3) CIELAB that show bare ground; the silk's grain is smoothed away first."""
    smooth = cv2.GaussianBlur(lab, (0, 0), 1.5)
    high, wide = (n // _CELL for n in smooth.shape[:2])
    cells = smooth[: high * _CELL, : wide * _CELL].reshape(high, _CELL, wide, _CELL, 3)
    spread = np.sqrt(cells.var(axis=(1, 3)).sum(-1))
    return float((spread < flat).mean())


def without_margins(pixels: np.ndarray) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) of (H, W, 3) uint8 pixels without white or black strips at the edges.

    Slides come with black frames, catalogue pictures on white pages.
    """
    white, black = (pixels > 240).all(-1), (pixels < 28).all(-1)
    ends = []
    for axis in (1, 0):
        empty = (white.mean(axis) > 0.98) | (black.mean(axis) > 0.98)
        limit = int(len(empty) * _WIDEST_MARGIN)
        first = int(np.argmin(np.append(empty[:limit], False)))
        last = int(np.argmin(np.append(empty[::-1][:limit], False)))
        ends.append((first, len(empty) - last))
    (top, bottom), (left, right) = ends
    return top, left, bottom, right


def paper_tone(lab: np.ndarray) -> np.ndarray:
    """The ground's colour (L, a, b): the median of the lightest fifth of (H, W, 3) CIELAB pixels."""
    pixels = lab.reshape(-1, 3)
    return np.median(pixels[pixels[:, 0] >= np.percentile(pixels[:, 0], 80)], axis=0)


def cast(lab: np.ndarray) -> float:
    """How far the ground's colour lies outside those of paper and silk; above 1 it is the cast of a bad slide.

    Paper and silk are white, yellow, olive or brown: hues of 70 degrees and more. Old slides fade to pink, purple
    and blue. 1 is five units beyond the hue of 70 degrees on the red side, or a b* of -6.
    """
    _, a, b = paper_tone(lab)
    beyond = a * np.sin(np.radians(70)) - b * np.cos(np.radians(70))
    return float(max(beyond / 5, -b / 6, 0))


def group_of(lab: np.ndarray) -> str:
    """ "ink", "pale" or "colour": the share of (H, W, 3) CIELAB pixels whose hue leaves that of the ground.

    For pictures that come without a group. Ink dulls the ground's colour in proportion to lightness; pigment leaves
    that line. On 600 labelled paintings 72 % of each group (mean of the three) are called by their name.
    """
    tone = paper_tone(lab)
    expected = tone[1:] * (lab[..., :1] / max(tone[0], 1.0))
    share = float((np.linalg.norm(lab[..., 1:] - expected, axis=-1) > 8).mean())
    return "ink" if share < 0.026 else "pale" if share < 0.145 else "colour"
