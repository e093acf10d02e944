"""Paint with another palette: each colour that the network chose goes over to colours of the palette, by their shares.

Which goes where is optimal transport with entropy (Cuturi, 2013, https://arxiv.org/abs/1306.0895) between the colours
of the view and those of the palette: nearby colours go together, and every colour of the palette gets its share. So a
palette decides the colours, the network where they lie. This module goes into Hub files.
"""

import numpy as np
import torch
from torch import Tensor

from pipelines.landscape_colorizer.palettes import Palette, cluster_colours

SOURCE_COLOURS = 16
_TRANSPORT_LIGHTNESS = 1.2  # how much a step of 1 in L* counts beside one in a* or b*
_ENTROPY = 12.0  # squared CIELAB units; the smaller, the more a colour goes to one other
_SOFTNESS = 30.0  # squared CIELAB units: how softly a pixel belongs to the colours of the view
_SINKHORN_ROUNDS = 200


def recolour(lightness: Tensor, chroma: Tensor, palette: Palette) -> Tensor:
    """Chroma of a view, painted with a palette.

    Args:
        lightness: (1, 1, h, w) L* / 50 - 1.
        chroma: (1, 2, h, w) CIELAB, what the network chose.
        palette: the colours to paint with.

    Returns:
        (1, 2, h, w) CIELAB.
    """
    lab = torch.cat([(lightness + 1) * 50, chroma], dim=1)[0].flatten(1).T.cpu().numpy().astype(np.float64)
    source = cluster_colours(lab[:: max(1, len(lab) // 2304)], SOURCE_COLOURS).astype(np.float64)
    target = palette.array().astype(np.float64)
    plan = transport(_transport_points(source, source), _transport_points(target, target), source[:, 3], target[:, 3])
    moved = plan @ target[:, 1:3] / plan.sum(1, keepdims=True) - source[:, 1:3]
    pixels = torch.from_numpy(lab * [_TRANSPORT_LIGHTNESS, 1, 1])
    centres = torch.from_numpy(source[:, :3] * [_TRANSPORT_LIGHTNESS, 1, 1])
    belongs = (-torch.cdist(pixels, centres).square() / _SOFTNESS).softmax(1)
    change = (belongs @ torch.from_numpy(moved)).T.view(1, 2, *chroma.shape[2:])
    return chroma + change.to(chroma)


def transport(first: np.ndarray, second: np.ndarray, shares: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Entropic optimal transport by Sinkhorn's iteration, in logarithms.

    Args:
        first, second: (N, C) and (M, C) points.
        shares, others: (N,) and (M,) weights, each summing to 1.

    Returns:
        (N, M), rows summing to `shares` and columns to `others`.
    """
    costs = -np.square(first[:, None] - second[None]).sum(2) / _ENTROPY
    with np.errstate(divide="ignore"):
        log_shares, log_others = np.log(shares), np.log(others)
    f, g = np.zeros(len(first)), np.zeros(len(second))
    for _ in range(_SINKHORN_ROUNDS):
        f = log_shares - _log_sum(costs + g, axis=1)
        g = log_others - _log_sum(costs + f[:, None], axis=0)
    return np.exp(costs + f[:, None] + g)


def _transport_points(table: np.ndarray, weighted: np.ndarray) -> np.ndarray:
    """(K, 4) L*, a*, b*, share -> (K, 3), lightness counted from the mean: pictures differ in how dark they are."""
    lightness = table[:, 0] - weighted[:, 3] @ weighted[:, 0]
    return np.column_stack([_TRANSPORT_LIGHTNESS * lightness, table[:, 1:3]])


def _log_sum(values: np.ndarray, axis: int) -> np.ndarray:
    top = values.max(axis=axis, keepdims=True)
    return (np.log(np.exp(values - top).sum(axis=axis, keepdims=True)) + top).squeeze(axis)
