"""Global colour transfer, the trivial translator: a picture takes over the target class's average colours.

Reinhard et al. (2001), https://doi.org/10.1109/38.946629: each channel's mean and standard deviation are brought to
given ones. Here in CIELAB, not in their logarithmic space, which has no black.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from pipelines.color import lab_to_rgb, rgb_to_lab

_EVERY = 2  # pixels of the training pictures looked at, in each direction


@dataclass(frozen=True)
class ColourStatistics:
    """Mean and standard deviation of L*, a*, b* within a picture, averaged over the pictures of a class."""

    mean: Tensor  # (3,)
    std: Tensor  # (3,)

    @classmethod
    def measure(cls, pictures: Tensor) -> "ColourStatistics":
        """Of (N, 3, H, W) uint8, N at least 1; every second pixel of every second row is looked at."""
        if not len(pictures):
            raise ValueError("Colour statistics need at least one picture.")
        own = [_own(rgb_to_lab(picture[None, :, ::_EVERY, ::_EVERY].float() / 255)) for picture in pictures]
        means, stds = (torch.cat(parts).mean((0, 2, 3)) for parts in zip(*own, strict=True))
        return cls(means, stds)


def colour_transfer(pictures: Tensor, statistics: ColourStatistics) -> Tensor:
    """Bring each picture to the statistics; (N, 3, H, W) uint8 both. Colours outside sRGB are drawn toward grey."""
    moved = [lab_to_rgb(matched(rgb_to_lab(picture[None].float() / 255), statistics)) for picture in pictures]
    return torch.cat([(rgb * 255).round().clamp(0, 255).byte() for rgb in moved])


def matched(lab: Tensor, statistics: ColourStatistics) -> Tensor:
    """(N, 3, H, W) whose channels have exactly the mean and, unless a channel is flat, the deviation given."""
    mean, std = _own(lab)
    gain = statistics.std.view(1, 3, 1, 1) / std.clamp_min(1e-3)
    return (lab - mean) * gain + statistics.mean.view(1, 3, 1, 1)


def _own(lab: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each picture's channels, (N, 3, 1, 1) each."""
    return lab.mean((2, 3), keepdim=True), lab.std((2, 3), correction=0, keepdim=True)
