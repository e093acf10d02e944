"""Red seals, told from leaves, robes and roofs by colour, shape and surroundings."""

import cv2
import numpy as np

from datasets_cards.lpd.marks import Mark

_SMALLEST = 7  # pixels a side
_LARGEST = 0.25  # of the painting's longer side
_LONGEST = 5  # times as long as wide: a column of seals that run together
_MARGIN = 6  # pixels around a patch that show what it stands on

# Logistic regression on 188 red patches of training pictures, 77 of them seals, labelled by eye. A seal is a rectangle
# or an oval, of one hue, well redder than its ground, on plain ground of the painting's own tone, near an edge, in a
# painting that has little red elsewhere. In ten-fold cross-validation the limit keeps 90 to 94 % of the seals, and
# 81 to 83 % of what passes is a seal.
_WEIGHTS = {
    "convex_fill": 8.14,  # area of the patch's convex hull over that of the rectangle around it
    "redder": 0.142,  # mean a* above the ground's
    "hue_spread": -0.351,  # standard deviation in degrees
    "ground_contrast": -0.192,  # standard deviation of L* around the patch
    "ground_tone": -0.226,  # distance in (a*, b*) of what lies around from the painting's ground
    "red_elsewhere": -0.654,  # natural logarithm of the red share of the painting
    "from_edge": -2.94,  # distance to the nearer of the left and right edges, in widths of the painting
}
_BIAS = -6.68
_LIMIT = -0.75


def find_seals(lab: np.ndarray, tone: np.ndarray) -> list[Mark]:
    """Red seals in (H, W, 3) CIELAB of a painting whose ground has the colour `tone` (L, a, b)."""
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1]))
    # Vermilion, faded or not: redder than the ground, its hue around 35 degrees.
    red = (lab[..., 1] - tone[1] > 8) & (lab[..., 1] > 13) & (hue > -15) & (hue < 52)
    # Closing joins the carved strokes into one patch.
    closed = cv2.morphologyEx(red.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    marks = []
    for label in range(1, count):
        left, top, width, height, area = (int(v) for v in stats[label])
        short, long = min(width, height), max(width, height)
        if short < _SMALLEST or long > min(_LARGEST * max(red.shape), _LONGEST * short) or area < 0.35 * width * height:
            continue
        window = (slice(top, top + height), slice(left, left + width))
        score = _score(lab, hue, red, tone, labels[window] == label, window)
        if score > _LIMIT:
            marks.append(Mark("seal", left, top, left + width, top + height, round(score, 3)))
    return marks


def _score(
    lab: np.ndarray, hue: np.ndarray, red: np.ndarray, tone: np.ndarray, patch: np.ndarray, window: tuple[slice, slice]
) -> float:
    """The logit of a patch being a seal; `patch` is its mask within `window` of the painting."""
    rows, columns = window
    height, width = red.shape
    inside = patch & red[window]
    around = (
        slice(max(rows.start - _MARGIN, 0), min(rows.stop + _MARGIN, height)),
        slice(max(columns.start - _MARGIN, 0), min(columns.stop + _MARGIN, width)),
    )
    ring = np.ones(lab[around].shape[:2], bool)
    ring[rows.start - around[0].start :, columns.start - around[1].start :][: patch.shape[0], : patch.shape[1]] = False
    ground = lab[around][ring]
    contours, _ = cv2.findContours(patch.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(contours, key=cv2.contourArea)
    _, (wide, high), _ = cv2.minAreaRect(outline)
    features = {
        "convex_fill": cv2.contourArea(cv2.convexHull(outline)) / max(wide * high, 1.0),
        "redder": lab[window][inside][:, 1].mean() - tone[1],
        "hue_spread": hue[window][inside].std(),
        "ground_contrast": ground[:, 0].std(),
        "ground_tone": np.linalg.norm(np.median(ground[:, 1:], axis=0) - tone[1:]),
        "red_elsewhere": np.log(red.mean() + 1e-4),
        "from_edge": min(columns.start, width - columns.stop) / width,
    }
    return float(sum(_WEIGHTS[name] * value for name, value in features.items()) + _BIAS)
