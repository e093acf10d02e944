"""The colour name of a product on white: does a generated picture have the colour that was asked for?

Each pixel of the product votes for the nearest of fixed shades in CIELAB; nothing is learnt. A shop's names are loose
(its grey is another's silver, its brown leather nearly grey), so real held-out pictures belong beside every number.
"""

from collections.abc import Mapping

import numpy as np
from scipy import ndimage
from scipy.spatial.distance import cdist
from skimage.color import rgb2lab
from torch import Tensor

Shades = tuple[tuple[int, int, int], ...]  # sRGB, 8-bit

# Several shades a name, as products show them: muted by light and print, chosen on real training pictures. A single
# place would give strong blues to purple and brown leather to grey.
NAMED_COLOURS: dict[str, Shades] = {
    "black": ((20, 20, 22), (40, 40, 41), (60, 59, 60)),
    "white": ((245, 245, 245), (215, 215, 216)),
    "grey": ((110, 110, 112), (140, 140, 142), (180, 180, 182)),
    "brown": ((62, 50, 44), (88, 66, 54), (115, 75, 50), (155, 105, 70)),
    "beige": ((215, 195, 165), (185, 165, 140)),
    "red": ((170, 30, 40), (215, 30, 35), (110, 25, 35), (95, 48, 52)),
    "orange": ((225, 115, 40), (235, 140, 70)),
    "yellow": ((230, 200, 50), (245, 225, 100), (190, 160, 95)),
    "green": ((70, 110, 60), (40, 140, 70), (95, 100, 50), (130, 180, 80), (72, 80, 66)),
    "blue": ((40, 50, 85), (45, 75, 140), (30, 60, 200), (110, 150, 200), (40, 140, 160), (52, 56, 70)),
    "purple": ((90, 50, 100), (130, 80, 150), (72, 60, 78)),
    "pink": ((225, 110, 150), (235, 175, 190), (205, 45, 120), (190, 140, 150)),
}
AXES = np.array([0.5, 1.0, 1.0])  # of L*, a*, b* in a distance: shadow and light change lightness, not the name
WHITE = np.array([100.0, 0.0, 0.0])
NEAR_WHITE = 6.0  # CIE76, of the background
LEAST_SHARE = 0.005  # a smaller product is none: the picture counts as white


def product_mask(lab: np.ndarray) -> np.ndarray:
    """Where the product is: (H, W, 3) CIELAB -> (H, W) bool.

    The background is what is nearly white and joined to the picture's edge, so that white parts of a product, inside
    its outline, are kept.
    """
    light = np.linalg.norm(lab - WHITE, axis=-1) < NEAR_WHITE
    regions, _ = ndimage.label(light)
    border = np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]])
    return ~np.isin(regions, border[border > 0])


def product_pixels(picture: Tensor) -> np.ndarray:
    """CIELAB of a product's pixels: (3, H, W) uint8 -> (P, 3), one white pixel where there is no product.

    Raises:
        ValueError: for another type or shape.
    """
    if str(picture.dtype) != "torch.uint8" or picture.ndim != 3 or picture.shape[0] != 3:
        raise ValueError(f"A picture must be (3, H, W) uint8, got {tuple(picture.shape)} {picture.dtype}.")
    lab = rgb2lab(picture.permute(1, 2, 0).cpu().numpy())
    mask = product_mask(lab)
    return lab[mask] if mask.mean() >= LEAST_SHARE else WHITE[None]


def colour_shares(pictures: Tensor, places: np.ndarray) -> np.ndarray:
    """Share of the product's pixels nearest to each of K places in CIELAB: (N, 3, H, W) uint8, (K, 3) -> (N, K).

    Nearest by the Euclidean distance with lightness halved, see `AXES`.
    """
    shares = [_votes(product_pixels(picture), places) for picture in pictures]
    return np.array(shares).reshape(-1, len(places))


def nearest_named_colours(pictures: Tensor, named: Mapping[str, Shades] = NAMED_COLOURS) -> list[str]:
    """The named colour that most pixels of each product are nearest to, (N,); the first of equals.

    Args:
        pictures: (N, 3, H, W) uint8, products on white.
        named: name -> its shades; only names that could be asked for. A pixel votes for the name of the nearest shade.
    """
    names = list(named)
    places = rgb2lab(np.array([shade for name in names for shade in named[name]], dtype=np.uint8)[None])[0]
    starts = np.cumsum([0] + [len(named[name]) for name in names])[:-1]
    votes = np.add.reduceat(colour_shares(pictures, places), starts, axis=1)
    return [names[position] for position in votes.argmax(1)]


def _votes(pixels: np.ndarray, places: np.ndarray) -> np.ndarray:
    nearest = cdist(pixels * AXES, places * AXES, "sqeuclidean").argmin(1)
    return np.bincount(nearest, minlength=len(places)) / len(pixels)
