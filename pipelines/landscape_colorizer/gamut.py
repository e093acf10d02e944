"""Stronger and weaker colours that neither clip nor change their hue. This module goes into Hub files.

Chroma is scaled at constant L* and hue angle in CIELAB. Up to the factor 1 it is multiplied. Beyond, a colour at the
share x of the chroma that sRGB can show at its lightness and hue goes to v x / (1 + (v - 1) x): v times as strong where
it is weak, never past 1, and no two colours become one, as clipping would make them.
"""

import math
from functools import cache

import torch
from torch import Tensor

from pipelines.color import srgb_gap

_LEVELS, _HUES = 201, 720  # of the table: L* in steps of 0.5, hue in steps of half a degree
_LARGEST = 140.0  # no colour of sRGB has more chroma
_MARGIN = 0.995  # between its entries the table may be off by a little


def scale_chroma(lab: Tensor, factor: float) -> Tensor:
    """Scale the chroma of (B, 3, H, W) CIELAB by `factor`, 0 or more; L* and hue stay.

    A colour that sRGB cannot show to begin with is left as it is by a factor above 1.
    """
    if factor == 1:
        return lab
    chroma = lab[:, 1:].norm(dim=1, keepdim=True)
    most = largest_chroma(lab[:, :1], torch.atan2(lab[:, 2:], lab[:, 1:2])) * _MARGIN
    if factor < 1:  # close to pure yellow even less chroma can lie outside, hence the limit
        gain = torch.minimum(chroma * factor, most) / chroma.clamp_min(1e-6)
    else:
        gain = (factor / (1 + (factor - 1) * chroma / most.clamp_min(1e-3))).clamp_min(1)
    return torch.cat([lab[:, :1], lab[:, 1:] * gain], dim=1)


def largest_chroma(lightness: Tensor, hue: Tensor) -> Tensor:
    """The most chroma that sRGB shows at L* in [0, 100] and a hue in radians, of one shape; read between entries."""
    table = _largest_chroma_table().to(lightness)
    level = (lightness.clamp(0, 100) / 100 * (_LEVELS - 1)).clamp(0, _LEVELS - 1)
    angle = hue.remainder(2 * math.pi) / (2 * math.pi) * _HUES
    low, first = level.floor().long().clamp_max(_LEVELS - 2), angle.floor().long() % _HUES
    up, along = level - low, angle - angle.floor()
    second = (first + 1) % _HUES
    below = table[low, first] * (1 - along) + table[low, second] * along
    above = table[low + 1, first] * (1 - along) + table[low + 1, second] * along
    return below * (1 - up) + above * up


@cache
def _largest_chroma_table() -> Tensor:
    """(201, 720): where a line of growing chroma first leaves the sRGB cube, to 0.01."""
    lightness = torch.linspace(0, 100, _LEVELS, dtype=torch.float64)[:, None].expand(-1, _HUES)
    angle = torch.arange(_HUES, dtype=torch.float64) / _HUES * 2 * math.pi

    def outside(chroma: Tensor) -> Tensor:
        return srgb_gap(torch.stack([lightness, chroma * angle.cos(), chroma * angle.sin()])[None])[0, 0] > 1e-9

    low = torch.zeros_like(lightness)
    for step in (4.0, 1.0, 0.1, 0.01):
        going = torch.ones_like(lightness, dtype=torch.bool)
        while going.any():
            going &= (low + step <= _LARGEST) & ~outside(low + step)
            low = torch.where(going, low + step, low)
    return low.float()
