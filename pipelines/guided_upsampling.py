"""Carry a change made to a small view over to the full-size picture, tile by tile and without seams.

On the view the change is fitted, around every pixel, by an affine map of colours (the guided filter, He et al., 2013,
https://doi.org/10.1109/TPAMI.2012.213; on a small view first, He and Sun, 2015, https://arxiv.org/abs/1505.00996). The
maps are smooth, so they can be read between pixels, and are applied to the full-size picture, whose detail they keep.
What no map explains, new texture, is read from the view itself and added. At the view's own size the two are together
the change exactly. This module needs torch only and goes into Hub files.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from pipelines.sampling import sample_bilinear


class GuidedUpsampling:
    """The change from `before` to `after`, ready to be applied to any part of a larger picture.

    Args:
        before, after: (1, 3, h, w) float, the view and what became of it.
        height, width: of the full-size picture, at least h and w.
        radius: of the windows the maps are fitted in, in pixels of the view.
        eps: how little colours may vary in a window before the map is held to an offset, as a variance.
    """

    def __init__(self, before: Tensor, after: Tensor, height: int, width: int, radius: int = 4, eps: float = 1e-3):
        self.scale = (before.shape[2] / height, before.shape[3] / width)
        self.exact = self.scale == (1.0, 1.0)
        self.change = after - before
        if not self.exact:
            maps = box_mean(affine_maps(before, self.change, radius, eps), radius)
            rest = self.change - apply_maps(maps, before)
            self.maps = torch.cat([maps, rest], dim=1)

    def apply(self, picture: Tensor, top: int, left: int) -> Tensor:
        """Change the part (1, 3, H, W) of the full-size picture whose first pixel is (top, left)."""
        height, width = picture.shape[2:]
        if self.exact:
            return picture + self.change[:, :, top : top + height, left : left + width]
        maps = sample_bilinear(self.maps, (height, width), (top, left), self.scale)
        return picture + apply_maps(maps[:, :12], picture) + maps[:, 12:]


def affine_maps(guide: Tensor, target: Tensor, radius: int, eps: float) -> Tensor:
    """Least squares, in a window around each pixel: target ~ M guide + b, with M damped by `eps`.

    Args:
        guide, target: (B, 3, h, w).

    Returns:
        (B, 12, h, w): for each channel of the target three weights and an offset.
    """
    mean_g, mean_t = box_mean(guide, radius), box_mean(target, radius)
    products = (guide[:, :, None] * guide[:, None]).flatten(1, 2)
    covariance = box_mean(products, radius).unflatten(1, (3, 3)) - mean_g[:, :, None] * mean_g[:, None]
    products = (target[:, :, None] * guide[:, None]).flatten(1, 2)
    cross = box_mean(products, radius).unflatten(1, (3, 3)) - mean_t[:, :, None] * mean_g[:, None]
    damped = covariance.permute(0, 3, 4, 1, 2).double() + eps * torch.eye(3, dtype=torch.float64, device=guide.device)
    weights = torch.linalg.solve(damped, cross.permute(0, 3, 4, 2, 1).double())  # (B, h, w, guide, target)
    weights = weights.permute(0, 4, 3, 1, 2).to(guide.dtype)  # (B, target, guide, h, w)
    offset = mean_t - (weights * mean_g[:, None]).sum(2)
    return torch.cat([weights, offset[:, :, None]], dim=2).flatten(1, 2)


def apply_maps(maps: Tensor, picture: Tensor) -> Tensor:
    """(B, 12, h, w) as `affine_maps` gives them, on (B, 3, h, w) -> (B, 3, h, w)."""
    maps = maps.unflatten(1, (3, 4))
    return (maps[:, :, :3] * picture[:, None]).sum(2) + maps[:, :, 3]


def box_mean(x: Tensor, radius: int) -> Tensor:
    """Mean over the (2 radius + 1)^2 window around each pixel, cut off at the border; (B, C, h, w) both."""
    kernel = 2 * radius + 1
    for size in ((kernel, 1), (1, kernel)):
        padding = (size[0] // 2, size[1] // 2)
        x = F.avg_pool2d(x, size, stride=1, padding=padding, count_include_pad=False)
    return x
