"""Trivial ways to colour, which a model must beat. All keep the grey picture's L* exactly."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pipelines.color import grey_to_lightness, lab_to_rgb, rgb_to_lab
from pipelines.landscape_colorizer.measured_crops import painting_order, read_photographs
from pipelines.sampling import sample_bilinear

_BINS = 50  # of 2 L* each
_EVERY = 4  # training pixels looked at, in each direction
_BATCH = 64


@dataclass(frozen=True)
class TrainingColours:
    """Average chroma of the coloured training crops: of all pixels, and of the pixels of a lightness."""

    mean: Tensor  # (2,) a*, b*
    by_lightness: Tensor  # (50, 2), at L* = 1, 3, ..., 99

    @classmethod
    def measure(cls, train: Path) -> "TrainingColours":
        """Average over LPD's training file; every fourth pixel of every fourth row of every coloured crop.

        A lightness that no pixel has takes the nearest one's colours.
        """
        sums, counts = torch.zeros(_BINS, 2, dtype=torch.float64), torch.zeros(_BINS, dtype=torch.float64)
        rows = sorted(painting_order(train, None, seed=0))
        for start in range(0, len(rows), _BATCH):
            pixels = read_photographs(train, rows[start : start + _BATCH])[0][:, :, ::_EVERY, ::_EVERY]
            lightness, chroma = rgb_to_lab(pixels.double() / 255).split([1, 2], dim=1)
            bins = (lightness.flatten() / 100 * _BINS).long().clamp(0, _BINS - 1)
            sums.index_add_(0, bins, chroma.permute(0, 2, 3, 1).reshape(-1, 2))
            counts += torch.bincount(bins, minlength=_BINS)
        found = torch.nonzero(counts).flatten().numpy()
        means = (sums / counts[:, None]).numpy()
        filled = np.stack([np.interp(np.arange(_BINS), found, means[found, channel]) for channel in range(2)], axis=1)
        return cls((sums.sum(0) / counts.sum()).float(), torch.from_numpy(filled).float())


def tinted(grey: Tensor, chroma: Tensor) -> Tensor:
    """Lay chroma over grey pictures.

    Args:
        grey: (N, 3, H, W) uint8, three equal channels.
        chroma: a*, b* of any shape that broadcasts to (N, 2, H, W).

    Returns:
        (N, 3, H, W) uint8; a colour outside sRGB is drawn toward grey, see `lab_to_rgb`.
    """
    painted = []
    for position, picture in enumerate(grey):
        lightness = grey_to_lightness(picture[:1].float() / 255)[None]
        own = chroma[position : position + 1] if len(chroma) == len(grey) else chroma
        lab = torch.cat([lightness, own.expand(1, 2, *lightness.shape[2:])], dim=1)
        painted.append((lab_to_rgb(lab)[0] * 255).round().byte())
    return torch.stack(painted)


def mean_colour(grey: Tensor, colours: TrainingColours) -> Tensor:
    """The training set's mean a*, b* everywhere; (N, 3, H, W) uint8 both."""
    return tinted(grey, colours.mean.view(1, 2, 1, 1))


def mean_colour_by_lightness(grey: Tensor, colours: TrainingColours) -> Tensor:
    """The training set's mean a*, b* of each pixel's own lightness, linear between bins; (N, 3, H, W) uint8 both."""
    positions = (grey_to_lightness(grey[:, :1].double() / 255) / 100 * _BINS - 0.5).numpy()
    table = colours.by_lightness.numpy()
    chroma = np.concatenate([np.interp(positions, np.arange(_BINS), table[:, channel]) for channel in range(2)], axis=1)
    return tinted(grey, torch.from_numpy(chroma).float())


def own_mean_colour(grey: Tensor, real: Tensor) -> Tensor:
    """Each true picture's own mean a*, b*: an oracle, since it knows the tint; (N, 3, H, W) uint8 each."""
    return tinted(grey, _chroma(real).mean((2, 3), keepdim=True))


def cell_colour(grey: Tensor, real: Tensor, cell: int) -> Tensor:
    """The true a*, b* averaged over cells of `cell` px and read between their centres: an oracle that knows the colours
    of every place, but no stroke's; (N, 3, H, W) uint8 each."""
    height, width = real.shape[2:]
    chroma = _chroma(real)
    padded = F.pad(chroma, (0, -width % cell, 0, -height % cell), mode="replicate")
    cells = sample_bilinear(F.avg_pool2d(padded, cell), (height, width), (0, 0), (1 / cell, 1 / cell))
    return tinted(grey, cells)


def true_colour(grey: Tensor, real: Tensor) -> Tensor:
    """The true a*, b* on the grey's rounded lightness: the floor that keeping luminance in 8 bits sets."""
    return tinted(grey, _chroma(real))


def _chroma(real: Tensor) -> Tensor:
    """(N, 3, H, W) uint8 -> a*, b*, (N, 2, H, W)."""
    return torch.cat([rgb_to_lab(picture[None].float() / 255)[:, 1:] for picture in real])
