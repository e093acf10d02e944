"""The mask that a picture on white gives away: what is not connected to the border through white is product.

Training and measures only; it needs scipy.
"""

import numpy as np
from scipy import ndimage

WHITE = 244
"""Background pixels have no channel below this."""
PURE, HOLE = 253, 0.003
"""Enclosed patches of at least `PURE` and this share of the picture are background too: through a handle, say."""
SOFT = 24.0
"""Levels below white over which the outermost pixels of a product count as partly background."""


def white_mask(pixels: np.ndarray) -> np.ndarray:
    """Opacity of the product in a picture on white.

    Args:
        pixels: (H, W, 3) uint8.

    Returns:
        (H, W) float32 in [0, 1]: 0 on the background, 1 inside; at the outline by how far a pixel is from white.
    """
    lowest = pixels.min(2)
    labels, count = ndimage.label(lowest >= WHITE)
    border = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    outside = np.zeros(count + 1, bool)
    outside[border] = True
    holes, found = ndimage.label(lowest >= PURE)
    sizes = np.bincount(holes.ravel(), minlength=found + 1)
    sizes[0] = 0
    outside[0] = False
    background = outside[labels] | (sizes >= HOLE * lowest.size)[holes]
    outline = ndimage.binary_dilation(background, iterations=2) & ~background
    softness = np.clip((255 - lowest.astype(np.float32)) / SOFT, 0, 1)
    return np.where(background, 0, np.where(outline, softness, 1)).astype(np.float32)


def unmixed(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The product's own colours: white taken out of the pixels that were partly background.

    Args:
        pixels: (H, W, 3) uint8 on white.
        mask: (H, W) in [0, 1], of `white_mask`.

    Returns:
        (H, W, 3) float32 in [0, 1]; F of x = a F + (1 - a) 1. Meaningless where the mask is 0.
    """
    share = np.maximum(mask, 0.05)[..., None]
    return np.clip((pixels.astype(np.float32) / 255 - (1 - mask[..., None])) / share, 0, 1)


def cut_from_white(pixels: np.ndarray) -> np.ndarray:
    """A picture on white -> (H, W, 4) uint8: the product's own colours, and its opacity as the fourth channel."""
    mask = white_mask(pixels)
    return (np.dstack([unmixed(pixels, mask), mask]) * 255).round().astype(np.uint8)
