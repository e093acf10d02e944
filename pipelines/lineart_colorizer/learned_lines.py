"""The learned extractor: holistically-nested edges (Xie and Tu, 2015, https://arxiv.org/abs/1504.06375) as drawings.

The weights come as a package (MIT, trained on BSDS500), so only training and evaluation can draw with it.
"""

from functools import lru_cache
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evaluation.packaged_weights import hed_state

_BLOCKS = ((3, 64, 64), (64, 128, 128), (128, 256, 256, 256), (256, 512, 512, 512), (512, 512, 512, 512))
_MEAN = (104.00699, 116.66877, 122.67892)  # of blue, green and red


class HolisticEdges(nn.Module):
    """VGG-16's convolutions with an edge map at each of five sizes, and one fused of them."""

    def __init__(self):
        super().__init__()
        blocks = [nn.ModuleList(nn.Conv2d(*ends, 3, padding=1) for ends in pairwise(widths)) for widths in _BLOCKS]
        self.blocks = nn.ModuleList(blocks)
        self.sides = nn.ModuleList(nn.Conv2d(widths[-1], 1, 1) for widths in _BLOCKS)
        self.fuse = nn.Conv2d(5, 1, 1)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1] -> probability of an edge, (B, 1, H, W)."""
        x = (image.flip(1) + 1) * 127.5 - self.mean
        maps = []
        for number, (block, side) in enumerate(zip(self.blocks, self.sides, strict=True)):
            x = F.max_pool2d(x, 2, ceil_mode=True) if number else x
            for convolution in block.children():
                x = F.relu(convolution(x))
            maps.append(F.interpolate(side(x), size=image.shape[2:], mode="bilinear", align_corners=False))
        return self.fuse(torch.cat(maps, dim=1)).sigmoid()


@lru_cache(maxsize=1)
def holistic_edges() -> HolisticEdges:
    """The network with its weights, frozen.

    Raises:
        OSError: if the package is not installed or not the one expected.
    """
    network = HolisticEdges()
    network.load_state_dict(hed_state())
    return network.eval().requires_grad_(False)


@torch.no_grad()
def learned_edges(image: Tensor, thin: float = 0.6, gain: float = 1.5) -> Tensor:
    """Lines where people see the borders of things, whatever the artist drew there.

    Args:
        image: (B, 3, H, W) in [-1, 1].
        thin: how much of an edge's surroundings, a Gaussian of 3 px, is taken off it: edges come out broad.
        gain: of what is left.

    Returns:
        (B, 1, H, W) in [-1, 1], 1 paper and -1 ink.
    """
    edges = holistic_edges()(image.float())
    offsets = torch.arange(-6, 7, dtype=torch.float32, device=image.device)
    line = torch.exp(-(offsets / 3).square() / 2)
    line = (line / line.sum()).view(1, 1, 1, -1)
    padded = F.pad(edges, (6, 6, 6, 6), mode="replicate")
    around = F.conv2d(F.conv2d(padded, line), line.transpose(2, 3))
    return 1 - 2 * (gain * (edges - thin * around)).clamp(0, 1)
