"""Losses of style transfer: tensors in, one value for each picture out. [1] Huang and Belongie, 2017,
https://arxiv.org/abs/1703.06868, equation 13."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from pipelines.product_studio.networks_style_transfer import moments

Moments = tuple[Tensor, Tensor]


def style_loss(output: Sequence[Moments], style: Sequence[Moments], scales: Sequence[float]) -> Tensor:
    """Differences of the channels' means and deviations at several depths [1, eq. 13]; squares, averaged over channels.

    Args:
        output, style: mean and deviation of each depth's channels, (B, C, 1, 1) each.
        scales: what the squares at each depth are divided by, for channels answer more strongly at some depths.

    Returns:
        (B,) in [0, inf).
    """
    depths = [
        torch.stack([(x - y).square().flatten(1).mean(1) for x, y in zip(found, wanted, strict=True)]).sum(0) / scale
        for found, wanted, scale in zip(output, style, scales, strict=True)
    ]
    return torch.stack(depths).sum(0)


def content_loss(output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Squared difference of feature maps, each channel brought to mean 0 and deviation 1; (B, C, h, w) each -> (B,).

    Without their statistics, which are the style's to decide, maps say what is where; 2 is the value of unrelated ones.

    Args:
        weight: (B, 1, H, W) in [0, 1], brought to the maps' size: how much a place counts; None: all alike.
    """
    errors = (standardised(output, weight) - standardised(target, weight)).square().mean(1, keepdim=True)
    if weight is None:
        return errors.flatten(1).mean(1)
    shares = F.adaptive_avg_pool2d(weight.float(), (errors.shape[2], errors.shape[3])) + 1e-4
    return (errors * shares).flatten(1).sum(1) / shares.flatten(1).sum(1)


def standardised(maps: Tensor, weight: Tensor | None = None) -> Tensor:
    """(B, C, h, w) with the mean and deviation of each channel taken out; channels that hardly vary stay small."""
    mean, deviation = moments(maps, weight)
    return (maps.float() - mean) / deviation.clamp_min(0.05)


def total_variation(image: Tensor) -> Tensor:
    """Mean absolute difference of neighbours, (B, C, H, W) -> (B,); it holds down checkerboards and speckles."""
    down, right = image.diff(dim=2).abs().flatten(1).mean(1), image.diff(dim=3).abs().flatten(1).mean(1)
    return down + right
