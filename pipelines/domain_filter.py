"""Smooth or spread values along rows and columns, held back by edges of a guide: the domain transform.

Source: Gastal and Oliveira (2011), https://doi.org/10.1145/2010324.1964964, recursive filter. This module needs torch
only and goes into Hub files.
"""

import math

import torch
from torch import Tensor

_ROUNDS = 3


def domain_filter(x: Tensor, guide: Tensor, sigma: float, rounds: int = _ROUNDS, texture: float = 0.0) -> Tensor:
    """The recursive edge-preserving filter, equations 11, 14 and 21 of Gastal and Oliveira.

    Args:
        x: (C, H, W).
        guide: (G, H, W); a step of 1 in it keeps apart like `sigma` pixels of distance.
        sigma: deviation in pixels where the guide is constant, above 0.
        rounds: of a pass along the rows and one along the columns.
        texture: steps d of the guide count as d² / (d + texture): those well below it hardly keep apart.

    Returns:
        (C, H, W); a constant stays what it is.
    """
    steps = (guide.diff(dim=axis).abs().sum(0) for axis in (2, 1))
    rows, columns = (1 + sigma * step.square() / (step + texture).clamp_min(1e-12) for step in steps)  # distances
    across = (2, 0, 1)
    for number in range(rounds):
        deviation = sigma * math.sqrt(3) * 2 ** (rounds - number - 1) / math.sqrt(4**rounds - 1)
        feedback = math.exp(-math.sqrt(2) / deviation)
        x = _pass(x.permute(across), feedback ** rows.T[:, None]).permute(1, 2, 0)
        x = _pass(x.permute(1, 0, 2), feedback ** columns[:, None]).permute(1, 0, 2)
    return x


def _pass(x: Tensor, feedback: Tensor) -> Tensor:
    """There and back along the first axis: (L, ...) and the (L - 1, ...) shares of each neighbour before."""
    x = x.clone(memory_format=torch.contiguous_format)
    for i in range(1, len(x)):
        x[i] = torch.lerp(x[i], x[i - 1], feedback[i - 1].expand_as(x[i]))
    for i in range(len(x) - 2, -1, -1):
        x[i] = torch.lerp(x[i], x[i + 1], feedback[i].expand_as(x[i]))
    return x
