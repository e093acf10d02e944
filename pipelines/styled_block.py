"""A decoder's step whose instance norm is given a style back. This module needs torch only and goes into Hub files."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class StyledBlock(nn.Module):
    """Double the size of the deeper map by resizing, join the shallower one, mix, and style by scale and shift.

    Resizing before a convolution, not transposed convolution: no checkerboards (Odena et al., 2016,
    https://doi.org/10.23915/distill.00003). The style replaces the statistics that instance norm takes away
    (AdaIN, Huang and Belongie, 2017, https://arxiv.org/abs/1703.06868).
    """

    def __init__(self, deep: int, shallow: int, out_channels: int, style: int):
        super().__init__()
        self.conv1 = nn.Conv2d(deep + shallow, out_channels, 3, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.style1, self.style2 = nn.Linear(style, 2 * out_channels), nn.Linear(style, 2 * out_channels)

    def forward(self, deep: Tensor, shallow: Tensor, style: Tensor) -> Tensor:
        """(B, deep, h, w), (B, shallow, H, W) and (B, style) -> (B, out_channels, H, W)."""
        deep = F.interpolate(deep, size=shallow.shape[2:], mode="bilinear", align_corners=False)
        x = styled(self.conv1(torch.cat([deep, shallow], dim=1)), self.style1(style))
        return styled(self.conv2(x), self.style2(style))


def styled(x: Tensor, style: Tensor) -> Tensor:
    """Instance norm, then scale 1 + s and shift t; (B, C, h, w) and (B, 2 C) -> leaky ReLU of (B, C, h, w)."""
    scale, shift = style.to(x.dtype)[:, :, None, None].chunk(2, dim=1)
    return F.leaky_relu(F.instance_norm(x) * (1 + scale) + shift, 0.2)
