"""Losses of the colorizer: tensors in, one value for each picture out. Nothing here steps, reduces or logs.

Sources: [1] pix2pix, Isola et al., 2017, https://arxiv.org/abs/1611.07004; [2] LSGAN, Mao et al., 2017,
https://arxiv.org/abs/1611.04076; [3] hinge GAN, Lim and Ye, 2017, https://arxiv.org/abs/1705.02894.
"""

import torch.nn.functional as F
from torch import Tensor


def _per_image(values: Tensor) -> Tensor:
    return values.flatten(1).mean(1)


def _check_pair(output: Tensor, target: Tensor) -> None:
    if output.shape != target.shape:
        raise ValueError(f"Output and target must have one shape, got {tuple(output.shape)} and {tuple(target.shape)}.")


def least_squares_loss(logits: Tensor, target: float) -> Tensor:
    """Least squares against an all-`target` map, [2]: mean over patches of (D - target)^2.

    Args:
        logits: (B, ...) patch map; higher = more real.
        target: 1 for what shall count as real, 0 for generated.

    Returns:
        (B,) in [0, inf).
    """
    return _per_image((logits - target).square())


def absolute_error_loss(output: Tensor, target: Tensor) -> Tensor:
    """L1, the mean of |output - target| over an image, [1]; (B, ...) both -> (B,). ValueError if shapes differ."""
    _check_pair(output, target)
    return _per_image((output - target).abs())


def squared_error_loss(output: Tensor, target: Tensor) -> Tensor:
    """L2, the mean of (output - target)^2 over an image: the paper's comparison to L1, blurrier."""
    _check_pair(output, target)
    return _per_image((output - target).square())


def hinge_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Hinge loss of D, [3]: mean max(0, 1 - D(real)) + mean max(0, 1 + D(fake)); (B, ...) both -> (B,)."""
    return _per_image(F.relu(1 - real_logits)) + _per_image(F.relu(1 + fake_logits))


def hinge_generator_loss(fake_logits: Tensor) -> Tensor:
    """Hinge loss of G, [3]: -mean D(fake); (B, ...) -> (B,), unbounded."""
    return -_per_image(fake_logits)


def chroma_loss(chroma: Tensor, target: Tensor, beta: float) -> Tensor:
    """Huber loss on chroma: squared below `beta`, linear above, continuous; (B, 2, H, W) both -> (B,).

    d^2 / (2 beta) where |d| < beta, else |d| - beta / 2. Linear tails, since a wrong hue must not outweigh all else.
    """
    _check_pair(chroma, target)
    return _per_image(F.smooth_l1_loss(chroma, target, beta=beta, reduction="none"))


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
    _check_pair(chroma, target)

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
    _check_pair(chroma, target)

    def strength(ab: Tensor) -> Tensor:
        return (1 + ab.square().sum(1)).sqrt().mean((1, 2))  # the 1 keeps the root smooth at grey

    return (strength(chroma) - strength(target)).abs() / 20
