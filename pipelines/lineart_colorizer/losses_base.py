"""Losses of the default line art colorizer beside those of the paper: tensors in, one value for each picture out."""

import torch
import torch.nn.functional as F
from torch import Tensor


def palette_loss(output: Tensor, reference: Tensor, directions: Tensor) -> Tensor:
    """How far apart two pictures' colours lie, wherever they are: sliced Wasserstein distance (Rabin et al., 2011).

    Args:
        output, reference: (B, 3, H, W) in [-1, 1], of any sizes.
        directions: (K, 3) of length 1, on which the colours are projected.

    Returns:
        (B,) mean distance of the sorted projections, 0 for equal palettes.
    """
    places = 32 * 32
    clouds = [F.adaptive_avg_pool2d(image.float(), 32).flatten(2).transpose(1, 2) for image in (output, reference)]
    first, second = ((cloud @ directions.T).sort(dim=1).values for cloud in clouds)
    assert first.shape[1] == places
    return (first - second).abs().mean((1, 2))


def palette_directions(count: int, device: torch.device) -> Tensor:
    """Random directions in colour space, (count, 3) of length 1, from torch's global generator."""
    return F.normalize(torch.randn(count, 3), dim=1).to(device)


def hint_loss(output: Tensor, hints: Tensor) -> Tensor:
    """Mean difference to the hints where they are given, 0 where there is none.

    Args:
        output: (B, 3, H, W).
        hints: (B, 4, H, W), the fourth channel 1 where a colour is given.

    Returns:
        (B,).
    """
    given = hints[:, 3:]
    difference = ((output - hints[:, :3]).abs() * given).flatten(1).sum(1)
    return difference / (3 * given.flatten(1).sum(1)).clamp_min(1)
