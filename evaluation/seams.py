"""Do joints show? How much colours jump where tiles meet, against elsewhere, and against what the picture itself does.

Pictures are (H, W, 3) uint8.
"""

import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab


def seam_ratio(output: np.ndarray, given: np.ndarray, tile: int, offset: int = 0) -> float:
    """Mean CIEDE2000 step between neighbouring pixels across tile borders, over that elsewhere: 1 shows no joint.

    Edges that happen to lie on a border would count as joints, so the ratio is divided by the same ratio of the
    picture that was given; what is left is the output's own.

    Args:
        output, given: (H, W, 3) uint8, the painted picture and the grey one it was made from.
        tile: side of the tiles in pixels.
        offset: row and column of the first border.

    Raises:
        ValueError: for unequal sizes, or a picture without a border inside.
    """
    if output.shape != given.shape:
        raise ValueError(f"The output is {output.shape}, the picture given {given.shape}.")
    first = offset if offset else tile
    if first >= max(output.shape[:2]):
        raise ValueError(f"No border of {tile} px tiles lies inside {output.shape[1]}x{output.shape[0]} pixels.")
    return _ratio(output, tile, offset) / _ratio(given, tile, offset)


def _ratio(picture: np.ndarray, tile: int, offset: int) -> float:
    lab = rgb2lab(picture)
    inside, outside = [], []
    for axis in (0, 1):
        lines = np.moveaxis(lab, axis, 0)
        steps = deltaE_ciede2000(lines[:-1], lines[1:])  # step i lies between the lines i and i + 1
        border = (np.arange(1, len(lines)) - offset) % tile == 0
        inside.append(steps[border].ravel())
        outside.append(steps[~border].ravel())
    return float(np.concatenate(inside).mean() / max(np.concatenate(outside).mean(), 1e-9))


def chroma_of_whole_and_crops(whole: np.ndarray, crops: list[np.ndarray]) -> float:
    """Mean C* of a picture painted as a whole over that of the same places painted as crops: 1 where neither is duller.

    Args:
        whole: (H, W, 3) uint8, the crops' places cut out of it or the whole of it.
        crops: (h, w, 3) uint8 each.
    """

    def strength(picture: np.ndarray) -> float:
        lab = rgb2lab(picture)
        return float(np.hypot(lab[..., 1], lab[..., 2]).mean())

    return strength(whole) / max(float(np.mean([strength(crop) for crop in crops])), 1e-9)
