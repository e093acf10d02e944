"""Read a coarse grid that lies over a whole picture at the pixels of one of its tiles.

This module needs torch only and goes into Hub files.
"""

import torch
from torch import Tensor


def sample_bilinear(
    grid: Tensor, size: tuple[int, int], corner: tuple[int, int], scale: tuple[float, float], stride: int = 1
) -> Tensor:
    """Read the grid, bilinearly, at the centres of a tile's blocks of `stride` x `stride` pixels.

    Positions follow from a block's place in the whole picture alone, so neighbouring tiles read the same values. The
    two axes are done one after the other, each as a weighted sum of two gathered lines.

    Args:
        grid: (B, C, h, w) over the whole picture.
        size: (rows, columns) of blocks in the tile.
        corner: (top, left) of the tile, in pixels of the picture.
        scale: cells of the grid for each pixel of the picture, (rows, columns).
        stride: side of a block; 1 reads at every pixel.

    Returns:
        (B, C, *size).
    """
    for axis, count in ((2, size[0]), (3, size[1])):
        cells, start, step = grid.shape[axis], corner[axis - 2], scale[axis - 2]
        blocks = torch.arange(count, device=grid.device, dtype=torch.float64)
        centres = ((blocks + 0.5) * stride + start) * step - 0.5
        centres = centres.clamp(0, cells - 1)
        low = centres.floor().long().clamp_max(max(cells - 2, 0))
        share = (centres - low).to(grid.dtype).view((-1, 1) if axis == 2 else (-1,))
        high = (low + 1).clamp_max(cells - 1)
        grid = grid.index_select(axis, low) * (1 - share) + grid.index_select(axis, high) * share
    return grid
