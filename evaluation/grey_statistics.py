"""Statistics of single pictures that say whether a generator's pictures have the real ones' light, contrast and detail.

Pictures are (N, 3, H, W) uint8; every measure gives one value a picture, (N,) float64. Grey is 8-bit luma (ITU-R
BT.601), with the integer rounding of PIL's "L". The numbers depend on the size of the pictures, the last one strongly:
compare only pictures of one size that came by it in one way.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

_LAPLACIAN = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))


def grey_statistics(pictures: Tensor, batch: int = 64) -> dict[str, Tensor]:
    """All of this module's measures.

    Args:
        pictures: (N, 3, H, W) uint8, sides at least 3.
        batch: pictures at a time; it bounds the memory.

    Returns:
        (N,) each: "grey_mean" and "grey_std" (of the pixels, divided by their number) in grey levels of 0 to 255,
        "entropy_rgb" and "entropy_grey" in bits (see `entropy`), and "laplacian" (see `mean_laplacian`).

    Raises:
        ValueError: for another type or shape.
    """
    if pictures.dtype != torch.uint8 or pictures.ndim != 4 or pictures.shape[1] != 3 or min(pictures.shape[2:]) < 3:
        raise ValueError(
            f"Pictures must be (N, 3, H, W) uint8 of 3 x 3 or more, got {tuple(pictures.shape)} {pictures.dtype}."
        )
    parts = [_statistics(part) for part in pictures.split(batch)]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def luma(pictures: Tensor) -> Tensor:
    """(N, 3, H, W) uint8 -> (N, 1, H, W) uint8: 0.299 R + 0.587 G + 0.114 B, equal to PIL's `convert("L")`."""
    red, green, blue = pictures.int().unbind(1)
    return ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16).to(torch.uint8)[:, None]


def entropy(pictures: Tensor) -> Tensor:
    """Entropy of the 8-bit histogram of every channel, added up: (N, C, H, W) uint8 -> (N,) bits, at most 8 C.

    Three colour channels give at most 24 bits. That is how entropies above 8, as published for VAE-MSGAN, can come
    about; its text gives no formula.
    """
    n, channels, pixels = *pictures.shape[:2], pictures[0, 0].numel() if len(pictures) else 1
    counts = torch.zeros(n, channels, 256, dtype=torch.float64)
    counts.scatter_add_(2, pictures.flatten(2).long(), torch.ones(n, channels, pixels, dtype=torch.float64))
    return -torch.special.xlogy(counts / pixels, counts / pixels).sum((1, 2)) / torch.log(torch.tensor(2.0).double())


def mean_laplacian(grey: Tensor) -> Tensor:
    """Mean absolute response of the 3x3 Laplacian (4 neighbours) where it lies wholly inside the picture.

    (N, 1, H, W) uint8 -> (N,) in grey levels, 0 to 1020, not scaled. The texts that publish a "Laplacian gradient"
    give no scale, so their figures say only which of two sets has more detail.
    """
    kernel = torch.tensor(_LAPLACIAN, dtype=torch.float64)[None, None]
    return F.conv2d(grey.double(), kernel).abs().mean((1, 2, 3))


def _statistics(pictures: Tensor) -> dict[str, Tensor]:
    grey = luma(pictures)
    pixels = grey.double().flatten(1)
    return {
        "grey_mean": pixels.mean(1),
        "grey_std": pixels.std(1, correction=0),
        "entropy_rgb": entropy(pictures),
        "entropy_grey": entropy(grey),
        "laplacian": mean_laplacian(grey),
    }
