"""Losses of style transfer: tensors in, one value for each picture out. [1] Huang and Belongie, 2017,
https://arxiv.org/abs/1703.06868, equations 12 and 13."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

Moments = tuple[Tensor, Tensor]


def style_loss(output: Sequence[Moments], style: Sequence[Moments]) -> Tensor:
    """Differences of the channels' means and deviations at several depths [1, eq. 13]; squares, averaged over channels.

    Args:
        output, style: mean and deviation of each depth's channels, (B, C, 1, 1) each.

    Returns:
        (B,) in [0, inf).
    """
    pairs = zip(output, style, strict=True)
    depths = [
        (x - y).square().flatten(1).mean(1) for found, wanted in pairs for x, y in zip(found, wanted, strict=True)
    ]
    return torch.stack(depths).sum(0)


def content_loss(output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Squared difference of feature maps [1, eq. 12], (B, C, h, w) each -> (B,).

    Args:
        weight: (B, 1, H, W) in [0, 1], brought to the maps' size: how much a place counts; None: all alike.
    """
    errors = (output.float() - target.float()).square().mean(1, keepdim=True)
    if weight is None:
        return errors.flatten(1).mean(1)
    shares = F.adaptive_avg_pool2d(weight.float(), (errors.shape[2], errors.shape[3])) + 1e-4
    return (errors * shares).flatten(1).sum(1) / shares.flatten(1).sum(1)


def total_variation(image: Tensor) -> Tensor:
    """Mean absolute difference of neighbours, (B, C, H, W) -> (B,); it holds down checkerboards and speckles."""
    down, right = image.diff(dim=2).abs().flatten(1).mean(1), image.diff(dim=3).abs().flatten(1).mean(1)
    return down + right
