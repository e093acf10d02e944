"""Paint a large picture with the paper's ResNet as if it were small: instance norm at the scale it was trained at.

Instance norm takes each channel's mean and variance over the whole picture; of a scroll these are not what they were of
the crops it was trained on, and the colours turn dull. Cut into tiles, each tile has statistics of its own, and the
colours jump at the joints. Kernelized instance norm (Ho et al., ECCV 2022, https://arxiv.org/abs/2207.11231) measures
the statistics on windows of the training size and smooths them over neighbouring windows; dense normalisation (Ho et
al., ECCV 2024, https://arxiv.org/abs/2407.04245) reads them between windows for every pixel. Here both: measured on
windows, smoothed over `radius` neighbours, read bilinearly. Every pixel's norm then depends on its place alone, so that
tiles with a halo of the network's field equal the whole. This module goes into Hub files.
"""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines.color import grey_of
from pipelines.guided_upsampling import box_mean
from pipelines.landscape_colorizer.two_net_canvas import Wishes, to_pixels, view_tensor
from pipelines.sampling import sample_bilinear
from pipelines.tiles import tiles

WINDOW = 256  # px: the paper's training crops
HALO = 88  # px: half the network's field of 169 px, as a multiple of 8
_LEAST = 0.25  # least deviation of a window, as a share of the median one's: blank silk must not turn to noise


class PlacedNorm(nn.Module):
    """Instance norm without affine whose statistics are measured on windows and read by place.

    `window` and `box` say what the next forward pass sees: a window of the grid, whose statistics are kept, or a part
    (top, left, height) of the picture.
    """

    def __init__(self, channels: int, grid: tuple[int, int], size: tuple[int, int], eps: float):
        super().__init__()
        self.eps, self.size = eps, size
        self.mean, self.deviation = torch.zeros(1, channels, *grid), torch.ones(1, channels, *grid)
        self.window: tuple[int, int] | None = None
        self.box: tuple[int, int, int] = (0, 0, size[0])

    def settle(self, radius: int) -> None:
        """After the last window: hold small deviations up, smooth over neighbouring windows."""
        least = self.deviation.flatten(2).median(dim=2).values[..., None, None] * _LEAST
        self.mean, self.deviation = (box_mean(x, radius) for x in (self.mean, self.deviation.maximum(least)))

    def forward(self, x: Tensor) -> Tensor:
        if self.window is not None:
            variance, mean = torch.var_mean(x.float(), (2, 3), correction=0)
            row, column = self.window
            self.mean[0, :, row, column] = mean[0]
            self.deviation[0, :, row, column] = (variance[0] + self.eps).sqrt()
            return F.instance_norm(x, eps=self.eps)
        top, left, height = self.box
        scale = (self.mean.shape[2] / self.size[0], self.mean.shape[3] / self.size[1])
        place = ((x.shape[2], x.shape[3]), (top, left), scale, height // x.shape[2])
        mean, inverse = sample_bilinear(self.mean, *place), sample_bilinear(1 / self.deviation, *place)
        return (x - mean.to(x.dtype)) * inverse.to(x.dtype)


class TrainingScaleCanvas:
    """Paints with a `ResNetGenerator`, tile by tile inside one picture in memory.

    Args:
        generator: with instance norm.
        wishes: vividness and strength.
        tile: side of the inner tiles, in pixels; the result does not depend on it.
        radius: neighbouring windows on each side that statistics are smoothed over; 0 for none.

    Raises:
        ValueError: for another network or norm.
    """

    halo: int | None = None  # the windows come first, so the picture must be at hand
    multiple = 1

    def __init__(self, generator: Any, wishes: Wishes, tile: int = 512, radius: int = 1):
        if getattr(generator.config, "norm", None) != "instance" or getattr(generator, "multiple", 0) != 8:
            raise ValueError("Statistics at the training scale are for a ResNetGenerator with instance norm.")
        self.generator, self.wishes, self.tile, self.radius = generator, wishes, tile, radius
        self.notes: list[str] = []

    @torch.no_grad()
    def paint(self, pixels: np.ndarray, top: int, left: int) -> np.ndarray:
        """(h, w, 3) uint8 or uint16, the whole picture -> the same, coloured."""
        height, width = pixels.shape[:2]
        rgb = view_tensor(pixels, self.generator)
        grey = grey_of(rgb)
        padded = F.pad(grey * 2 - 1, (0, -width % 8, 0, -height % 8), mode="replicate").to(self.generator.dtype)
        coloured = (paint_placed(self.generator, padded, self.tile, self.radius)[:, :, :height, :width] + 1) / 2
        coloured = grey + (coloured - grey) * self.wishes.vividness
        coloured = torch.lerp(rgb, coloured, self.wishes.strength)
        return to_pixels(coloured.clamp(0, 1), pixels.dtype)


def paint_placed(generator: Any, grey: Tensor, tile: int, radius: int) -> Tensor:
    """(1, 1, H, W) grey in [-1, 1], sides multiples of 8 -> (1, 3, H, W) in [-1, 1]; two passes."""
    height, width = grey.shape[2:]
    grid = (max(1, round(height / WINDOW)), max(1, round(width / WINDOW)))
    network, norms = with_placed_norms(generator, grid, (height, width))
    for row, column, top, left in windows(height, width, grid):
        for norm in norms:
            norm.window = (row, column)
        window = grey[:, :, top : top + min(WINDOW, height), left : left + min(WINDOW, width)]
        network(window.expand(-1, 3, -1, -1))
    for norm in norms:
        norm.window = None
        norm.settle(radius)
    painted = torch.empty(1, 3, height, width)
    for box in tiles(height, width, tile, HALO, 8):
        for norm in norms:
            norm.box = (box.outer_top, box.outer_left, box.outer_bottom - box.outer_top)
        part = grey[:, :, box.outer_top : box.outer_bottom, box.outer_left : box.outer_right]
        result = network(part.expand(-1, 3, -1, -1))[0].permute(1, 2, 0).float().cpu().numpy()
        painted[0, :, box.top : box.bottom, box.left : box.right] = torch.from_numpy(box.inner_of(result)).permute(
            2, 0, 1
        )
    return painted.to(grey.device)


def windows(height: int, width: int, grid: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    """(row, column, top, left) of each window: at the centre of its cell, moved inside the picture."""
    for row in range(grid[0]):
        for column in range(grid[1]):
            top = round((row + 0.5) * height / grid[0] - WINDOW / 2)
            left = round((column + 0.5) * width / grid[1] - WINDOW / 2)
            yield row, column, max(0, min(top, height - WINDOW)), max(0, min(left, width - WINDOW))


def with_placed_norms(
    generator: Any, grid: tuple[int, int], size: tuple[int, int]
) -> tuple[nn.Module, list[PlacedNorm]]:
    """A copy of the network whose instance norms are placed ones."""
    network, norms = copy.deepcopy(generator), list[PlacedNorm]()
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.InstanceNorm2d):
                norms.append(PlacedNorm(child.num_features, grid, size, child.eps).to(generator.device))
                setattr(module, name, norms[-1])
    return network.eval(), norms
