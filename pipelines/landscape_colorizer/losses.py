"""Losses of the colorizer alone: tensors in, one value for each picture out. Nothing here steps, reduces or logs."""

import torch.nn.functional as F
from torch import Tensor

from pipelines.gan_losses import check_pair, per_image


def squared_error_loss(output: Tensor, target: Tensor) -> Tensor:
    """L2, the mean of (output - target)^2 over an image: the paper's comparison to L1, blurrier."""
    check_pair(output, target)
    return per_image((output - target).square())


def chroma_loss(chroma: Tensor, target: Tensor, beta: float) -> Tensor:
    """Huber loss on chroma: squared below `beta`, linear above, continuous; (B, 2, H, W) both -> (B,).

    d^2 / (2 beta) where |d| < beta, else |d| - beta / 2. Linear tails, since a wrong hue must not outweigh all else.
    """
    check_pair(chroma, target)
    return per_image(F.smooth_l1_loss(chroma, target, beta=beta, reduction="none"))


def spread_loss(chroma: Tensor, target: Tensor) -> Tensor:
    """How far the spread of the chroma within a picture is off, as a ratio: |log s(chroma) - log s(target)|.

    s = sqrt(1 + var a + var b), in CIELAB units; the 1, about one just noticeable difference, keeps flat pictures
    from asking for a ratio of two noises. A tint has s = 1 whatever its colour: this is the loss that a colorizer
    pays for painting everything brown.

    Args:
        chroma, target: (B, 2, H, W) CIELAB.

    Returns:
        (B,) in [0, inf).
    """
    check_pair(chroma, target)

    def log_spread(ab: Tensor) -> Tensor:
        return 0.5 * (1 + ab.var((2, 3), correction=0).sum(1)).log()

    return (log_spread(chroma) - log_spread(target)).abs()


def moment_loss(chroma: Tensor, target: Tensor) -> Tensor:
    """How far the mean strength of the colours is off: |mean |chroma| - mean |target|| / 20 CIELAB units.

    Args:
        chroma, target: (B, 2, H, W) CIELAB.

    Returns:
        (B,) in [0, inf); 20 units are about the mean chroma of a strongly coloured painting.
    """
    check_pair(chroma, target)

    def strength(ab: Tensor) -> Tensor:
        return (1 + ab.square().sum(1)).sqrt().mean((1, 2))  # the 1 keeps the root smooth at grey

    return (strength(chroma) - strength(target)).abs() / 20
