"""Carry a change of chroma made on the view over to the full-size picture, along the edges of its lightness.

Around each pixel of the view the change is fitted by a line in L* (the guided filter, He et al., 2013,
https://doi.org/10.1109/TPAMI.2012.213); slope and offset are smooth and can be read between pixels, and the full-size
lightness puts the edges back. So colours end where the brush stroke does, at any size, and tiles read the same lines.
At the view's own size the change is taken as it is. This module goes into Hub files.
"""

import torch
from torch import Tensor

from pipelines.guided_upsampling import box_mean
from pipelines.sampling import sample_bilinear


class ChromaLayer:
    """A change of a*, b*, ready to be read for any part of a larger picture.

    Args:
        lightness: (1, 1, h, w) of the view, L* / 50 - 1.
        change: (1, 2, h, w) CIELAB.
        height, width: of the full-size picture, at least h and w.
        radius: of the windows, in pixels of the view.
        eps: how little L* / 50 may vary in a window before the line is held level, as a variance.
    """

    def __init__(self, lightness: Tensor, change: Tensor, height: int, width: int, radius: int = 3, eps: float = 2e-3):
        self.scale = (lightness.shape[2] / height, lightness.shape[3] / width)
        self.exact = change if self.scale == (1.0, 1.0) else None
        mean_l, mean_c = box_mean(lightness, radius), box_mean(change, radius)
        variance = box_mean(lightness.square(), radius) - mean_l.square()
        slope = (box_mean(lightness * change, radius) - mean_l * mean_c) / (variance.clamp_min(0) + eps)
        slope, offset = box_mean(slope, radius), box_mean(mean_c - slope * mean_l, radius)
        self.lines = torch.cat([slope, offset], dim=1)

    def read(self, lightness: Tensor, top: int, left: int) -> Tensor:
        """The change for the part (1, 1, H, W) whose first pixel is (top, left): (1, 2, H, W)."""
        height, width = lightness.shape[2:]
        if self.exact is not None:
            return self.exact[:, :, top : top + height, left : left + width]
        lines = sample_bilinear(self.lines, (height, width), (top, left), self.scale)
        return lines[:, :2] * lightness + lines[:, 2:]
