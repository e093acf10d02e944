"""Line drawings from colour pictures, by four classical extractors: no weights, a few milliseconds, any size.

Each takes (B, 3, H, W) in [-1, 1] and gives (B, 1, H, W) in [-1, 1], 1 paper and -1 ink; their arguments may be swung
to draw another hand. They see different things: `xdog` the dark side of every edge, and black where it is nearly
black; `dilation_difference` dark strokes of any width, by how much darker they are; `pencil` strokes and soft shades;
`contour` thin lines between colours, even where nobody drew one. Widths count pixels of the picture as it is.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

_LUMA = (0.299, 0.587, 0.114)  # Rec. 601
_EPS = 1e-6


def xdog(
    image: Tensor, sigma: float = 0.9, k: float = 1.6, tau: float = 0.98, epsilon: float = 0.0, phi: float = 80.0
) -> Tensor:
    """Extended difference of Gaussians (Winnemoeller, Kyprianidis & Olsen 2012, equations 1 and 5).

    Args:
        image: (B, 3, H, W) in [-1, 1].
        sigma: deviation of the inner Gaussian in pixels: half the width of the lines it looks for.
        k: of the outer Gaussian, as a multiple of `sigma`.
        tau: weight of the outer one; plain areas of brightness b have the response b (1 - tau).
        epsilon: responses below become ink. 0 or less leaves plain areas white; more blackens areas whose brightness
            is under epsilon / (1 - tau), as an inker fills in shadows.
        phi: how fast ink deepens below the threshold; several hundred gives plain black.

    Returns:
        (B, 1, H, W) in [-1, 1].
    """
    luma = _luma(image)
    response = _blur(luma, sigma) - tau * _blur(luma, k * sigma)
    return 2 * (1 + torch.tanh(phi * (response - epsilon))).clamp(0, 1) - 1


def dilation_difference(image: Tensor, radius: int = 2, gain: float = 2.5, floor: float = 0.04) -> Tensor:
    """How much brighter the neighbourhood is: a grey dilation minus the picture, the largest of the channels.

    Args:
        image: (B, 3, H, W) in [-1, 1].
        radius: of the square that is looked at; strokes up to twice as wide are found whole.
        gain: ink for a difference of 1; larger is harder.
        floor: differences below leave no ink: grain, soft shades.

    Returns:
        (B, 1, H, W) in [-1, 1].
    """
    unit = _unit(image)
    side = 2 * radius + 1
    highest = F.max_pool2d(F.max_pool2d(unit, (1, side), 1, (0, radius)), (side, 1), 1, (radius, 0))
    ink = ((highest - unit).amax(1, keepdim=True) - floor) * gain
    return 1 - 2 * ink.clamp(0, 1)


def pencil(image: Tensor, sigma: float = 4.0, gain: float = 1.6, floor: float = 0.05) -> Tensor:
    """Colour dodge, as painting programs turn photographs into pencil: brightness over its blurred self.

    Args:
        image: (B, 3, H, W) in [-1, 1].
        sigma: deviation of the blur in pixels; wide gives broad soft strokes and some shade.
        gain: ink for a picture that is wholly darker than its surroundings.
        floor: share of darkness that leaves no ink.

    Returns:
        (B, 1, H, W) in [-1, 1].
    """
    luma = _luma(image) + 0.05  # black on black is paper, not ink
    ink = (1 - luma / _blur(luma, sigma) - floor) * gain
    return 1 - 2 * ink.clamp(0, 1)


def contour(image: Tensor, sigma: float = 1.2, threshold: float = 0.03, softness: float = 1.0) -> Tensor:
    """Thin lines along the ridges of the colour gradient: Di Zenzo's tensor, then Canny's non-maximum suppression.

    Args:
        image: (B, 3, H, W) in [-1, 1].
        sigma: deviation of the blur before the gradient; larger leaves fine detail out.
        threshold: gradients below, per pixel in a range of 1, leave no ink.
        softness: ink grows from none at `threshold` to full at `threshold` * (1 + softness).

    Returns:
        (B, 1, H, W) in [-1, 1].
    """
    smooth = F.pad(_blur(_unit(image), sigma), (1, 1, 1, 1), mode="replicate")
    dx = (smooth[:, :, 1:-1, 2:] - smooth[:, :, 1:-1, :-2]) / 2
    dy = (smooth[:, :, 2:, 1:-1] - smooth[:, :, :-2, 1:-1]) / 2
    xx, yy, xy = (value.sum(1, keepdim=True) for value in (dx * dx, dy * dy, dx * dy))
    spread = torch.sqrt((xx - yy) ** 2 + 4 * xy**2 + _EPS**2)
    strength = torch.sqrt((xx + yy + spread) / 2)  # of the steepest direction, (B, 1, H, W)
    ridge = _ridge(strength, xx - yy, xy)
    ink = (strength / threshold - 1) / softness * ridge
    return 1 - 2 * _blur(ink.clamp(0, 1), 0.5).mul(1.6).clamp(0, 1)


EXTRACTORS: dict[str, Callable[..., Tensor]] = {
    "xdog": xdog,
    "dilation": dilation_difference,
    "pencil": pencil,
    "contour": contour,
}


def _ridge(strength: Tensor, difference: Tensor, product: Tensor) -> Tensor:
    """1 where `strength` is not less than on both sides along the steepest direction, else 0.

    The direction has twice the angle atan2(2 product, difference); it is taken as the nearest of four.
    """
    level = difference.abs() >= 2 * product.abs()  # within 22.5 degrees of an axis, else nearer a diagonal
    padded = F.pad(strength, (1, 1, 1, 1), mode="replicate")

    def sides(across: int, down: int) -> Tensor:
        height, width = strength.shape[-2:]
        one = padded[..., 1 + down : 1 + down + height, 1 + across : 1 + across + width]
        other = padded[..., 1 - down : 1 - down + height, 1 - across : 1 - across + width]
        return torch.maximum(one, other)

    straight = torch.where(difference >= 0, sides(1, 0), sides(0, 1))
    slanted = torch.where(product >= 0, sides(1, 1), sides(1, -1))
    return (strength >= torch.where(level, straight, slanted)).to(strength.dtype)


def _unit(image: Tensor) -> Tensor:
    """[-1, 1] -> [0, 1]."""
    return (image.clamp(-1, 1) + 1) / 2


def _luma(image: Tensor) -> Tensor:
    """(B, 3, H, W) in [-1, 1] -> brightness (B, 1, H, W) in [0, 1]."""
    weights = torch.tensor(_LUMA, dtype=image.dtype, device=image.device)
    return torch.einsum("c,bchw->bhw", weights, _unit(image))[:, None]


def _blur(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of each channel, cut at three deviations; edges are repeated, so plain areas stay as they are."""
    radius = max(1, round(3 * sigma))
    place = torch.arange(-radius, radius + 1, dtype=x.dtype, device=x.device)
    kernel = torch.exp(-(place**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum())[None, None, None]
    planes = x.flatten(0, 1)[:, None]
    planes = F.conv2d(F.pad(planes, (radius, radius, 0, 0), mode="replicate"), kernel)
    planes = F.conv2d(F.pad(planes, (0, 0, radius, radius), mode="replicate"), kernel.transpose(2, 3))
    return planes.reshape(x.shape)
