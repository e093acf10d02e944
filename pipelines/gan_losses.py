"""Losses that several methods share: tensors in, one value for each picture out. Nothing here steps, reduces or logs.

Sources: [1] pix2pix, Isola et al., 2017, https://arxiv.org/abs/1611.07004; [2] LSGAN, Mao et al., 2017,
https://arxiv.org/abs/1611.04076; [3] hinge GAN, Lim and Ye, 2017, https://arxiv.org/abs/1705.02894.
"""

import torch.nn.functional as F
from torch import Tensor


def per_image(values: Tensor) -> Tensor:
    """Mean over all that belongs to an image; (B, ...) -> (B,)."""
    return values.flatten(1).mean(1)


def check_pair(output: Tensor, target: Tensor) -> None:
    """Raise ValueError where the shapes differ: broadcasting would compare what does not belong together."""
    if output.shape != target.shape:
        raise ValueError(f"Output and target must have one shape, got {tuple(output.shape)} and {tuple(target.shape)}.")


def least_squares_loss(logits: Tensor, target: float) -> Tensor:
    """Least squares against an all-`target` map, [2]: mean of (D - target)^2.

    Args:
        logits: (B, ...) map of patches, or (B, 1) scores; higher = more real.
        target: 1 for what shall count as real, 0 for generated.

    Returns:
        (B,) in [0, inf).
    """
    return per_image((logits - target).square())


def hinge_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Hinge loss of D, [3]: mean max(0, 1 - D(real)) + mean max(0, 1 + D(fake)); (B, ...) both -> (B,)."""
    return per_image(F.relu(1 - real_logits)) + per_image(F.relu(1 + fake_logits))


def hinge_generator_loss(fake_logits: Tensor) -> Tensor:
    """Hinge loss of G, [3]: -mean D(fake); (B, ...) -> (B,), unbounded."""
    return -per_image(fake_logits)


def absolute_error_loss(output: Tensor, target: Tensor) -> Tensor:
    """L1, the mean of |output - target| over an image, [1]; (B, ...) both -> (B,). ValueError if shapes differ."""
    check_pair(output, target)
    return per_image((output - target).abs())


def range_penalty(output: Tensor) -> Tensor:
    """How far values leave [-1, 1], mean square; (B, ...) -> (B,)."""
    return per_image(F.relu(output.abs() - 1).square())
