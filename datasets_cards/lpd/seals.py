"""Red seals, told from leaves, robes and roofs by colour, shape and surroundings."""

import cv2
import numpy as np

from datasets_cards.lpd.marks import Mark

_SMALLEST, _LEAST_AREA = 5, 50  # pixels a side, square pixels
_LARGEST = 0.25  # of the painting's longer side
_LONGEST = 5  # times as long as wide: a column of seals that run together
_CLOSINGS = 5, 9  # pixels across which carved strokes are joined: small seals, large ones
_MARGIN = 6  # pixels around a patch that show what it stands on

# Logistic regression on 311 red patches of training pictures, 174 of them seals, labelled by eye. A seal is compact,
# redder than what surrounds it, on plain ground as light as the painting's, near an edge, in a painting that has little
# red elsewhere. In ten-fold cross-validation by painting the limit keeps 97 % of the seals, and 88 % of what passes is
# a seal.
_WEIGHTS = {
    "fill": 3.65,  # area of the patch over that of its upright box
    "redder": 0.108,  # mean a* above the median around it
    "ground_contrast": -0.176,  # standard deviation of L* around it
    "ground_lightness": -0.0526,  # how far the median L* around it lies from the painting's ground
    "red_elsewhere": -0.616,  # natural logarithm of the red share of the painting
    "from_side": -6.79,  # distance to the nearer of the left and right edges, in widths of the painting
    "from_end": -3.92,  # distance to the nearer of the upper and lower edges, in heights
}
_BIAS = -2.06
_LIMIT = -0.5


def find_seals(lab: np.ndarray, tone: np.ndarray) -> list[Mark]:
    """Red seals in (H, W, 3) CIELAB of a painting whose ground has the colour `tone` (L, a, b)."""
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1]))
    # Vermilion, faded or not: redder than the ground, its hue around 35 degrees.
    red = (lab[..., 1] - tone[1] > 7) & (lab[..., 1] > 12) & (hue > -15) & (hue < 56)
    marks = []
    for size in _CLOSINGS:
        closed = cv2.morphologyEx(red.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
        for label in range(1, count):
            left, top, width, height, area = (int(v) for v in stats[label])
            if not _may_be_seal(width, height, area, max(red.shape)):
                continue
            window = (slice(top, top + height), slice(left, left + width))
            score = _score(lab, red, tone, (labels[window] == label) & red[window], area, window)
            if score > _LIMIT:
                marks.append(Mark("seal", left, top, left + width, top + height, round(score, 3)))
    return list(dict.fromkeys(marks))  # both closings find a solid seal


def _may_be_seal(width: int, height: int, area: int, long_side: int) -> bool:
    short, long = min(width, height), max(width, height)
    return (
        short >= _SMALLEST
        and area >= max(_LEAST_AREA, 0.35 * width * height)
        and long <= min(_LARGEST * long_side, _LONGEST * short)
    )


def _score(
    lab: np.ndarray, red: np.ndarray, tone: np.ndarray, strokes: np.ndarray, area: int, window: tuple[slice, slice]
) -> float:
    """The logit of a patch being a seal; `strokes` are its red pixels within `window`, `area` its size once closed."""
    rows, columns = window
    height, width = red.shape
    above, before = max(rows.start - _MARGIN, 0), max(columns.start - _MARGIN, 0)
    around = lab[above : rows.stop + _MARGIN, before : columns.stop + _MARGIN]
    ring = np.ones(around.shape[:2], bool)
    ring[rows.start - above : rows.stop - above, columns.start - before : columns.stop - before] = False
    ground = around[ring]
    lightness, redness = np.median(ground[:, :2], axis=0)
    features = {
        "fill": area / strokes.size,
        "redder": lab[window][strokes][:, 1].mean() - redness,
        "ground_contrast": ground[:, 0].std(),
        "ground_lightness": abs(lightness - tone[0]),
        "red_elsewhere": np.log(red.mean() + 1e-4),
        "from_side": min(columns.start, width - columns.stop) / width,
        "from_end": min(rows.start, height - rows.stop) / height,
    }
    return float(sum(_WEIGHTS[name] * value for name, value in features.items()) + _BIAS)
