"""Backgrounds that products are put before in training: drawn by a program, or cut from paintings with open rights."""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

KINDS = ("white", "flat", "gradient", "clouds", "bands", "grain", "painting")


def backdrop(rng: torch.Generator, size: int, paintings: Sequence[np.ndarray] = ()) -> Tensor:
    """Draw a background of one of `KINDS`.

    Args:
        rng: decides alone.
        size: side in pixels.
        paintings: (H, W, 3) uint8 each, sides at least 32, to cut textures from; none: the other kinds alone.

    Returns:
        (3, size, size) in [0, 1].
    """
    kind = KINDS[_whole(rng, len(KINDS) if len(paintings) else len(KINDS) - 1)]
    first, second = _colour(rng), _colour(rng)
    if kind == "painting":
        return _cut(rng, size, paintings[_whole(rng, len(paintings))])
    if kind == "white":  # lit unevenly, a little grey
        level = 0.8 + 0.2 * torch.rand(1, generator=rng)
        shade = 0.12 * torch.rand(1, generator=rng) * _slope(rng, size)
        return (level * (1 + 0.02 * torch.randn(3, 1, 1, generator=rng)) - shade).expand(3, size, size).clamp(0, 1)
    if kind == "flat":
        return first.expand(3, size, size).clone()
    if kind == "gradient":
        return torch.lerp(first, second, _slope(rng, size))
    if kind == "clouds":
        return torch.lerp(first, second, _clouds(rng, size, 2 + _whole(rng, 6)))
    if kind == "bands":
        turns = 1 + 9 * torch.rand(1, generator=rng)
        share = torch.sin(_slope(rng, size) * turns * 2 * math.pi)
        return torch.lerp(first, second, (share > 0).float() if _whole(rng, 2) else (share + 1) / 2)
    grain = torch.randn(3, size, size, generator=rng) * (0.02 + 0.1 * torch.rand(1, generator=rng))
    return (torch.lerp(first, second, _clouds(rng, size, 3)) + grain).clamp(0, 1)


def shadowed(background: Tensor, mask: Tensor, rng: torch.Generator) -> Tensor:
    """Darken a background (3, S, S) by a soft shadow of the mask (1, S, S), moved a little; in half of the pictures."""
    u = torch.rand(4, generator=rng).tolist()
    if u[0] < 0.5:
        return background
    size = mask.shape[-1]
    blurry = F.avg_pool2d(F.avg_pool2d(mask[None], 9, 1, 4), 9, 1, 4)[0]
    shift = (round(size * 0.08 * u[1]), round(size * 0.08 * (2 * u[2] - 1)))
    return background * (1 - 0.6 * u[3] * torch.roll(blurry, shift, (1, 2)))


def _colour(rng: torch.Generator) -> Tensor:
    """(3, 1, 1): half of the time any colour, else a pale or greyish one as rooms and tables have."""
    colour = torch.rand(3, 1, 1, generator=rng)
    if torch.rand((), generator=rng) < 0.5:
        return colour
    return (0.25 + 0.75 * torch.rand(1, generator=rng) + 0.2 * (colour - 0.5)).clamp(0, 1)


def _slope(rng: torch.Generator, size: int) -> Tensor:
    """(1, size, size) in [0, 1]: rises in one direction, or outward from a place."""
    u = torch.rand(3, generator=rng).tolist()
    line = torch.linspace(-1, 1, size)
    if u[0] < 0.6:
        values = math.cos(2 * math.pi * u[1]) * line[None] + math.sin(2 * math.pi * u[1]) * line[:, None]
    else:
        values = ((line[None] - u[1]) ** 2 + (line[:, None] - u[2]) ** 2).sqrt()
    return ((values - values.min()) / (values.max() - values.min()).clamp_min(1e-6))[None]


def _clouds(rng: torch.Generator, size: int, cells: int) -> Tensor:
    """(1, size, size) in [0, 1]: smooth random patches."""
    coarse = torch.rand(1, 1, cells, cells, generator=rng)
    return F.interpolate(coarse, (size, size), mode="bicubic", align_corners=False)[0].clamp(0, 1)


def _cut(rng: torch.Generator, size: int, painting: np.ndarray) -> Tensor:
    height, width = painting.shape[:2]
    side = min(height, width)
    side = max(16, round(side * (0.4 + 0.6 * torch.rand((), generator=rng).item())))
    top, left = _whole(rng, height - side + 1), _whole(rng, width - side + 1)
    part = torch.from_numpy(np.ascontiguousarray(painting[top : top + side, left : left + side]))
    return F.interpolate(part.permute(2, 0, 1)[None].float() / 255, (size, size), mode="area")[0]


def _whole(rng: torch.Generator, below: int) -> int:
    return int(torch.randint(below, (), generator=rng))
