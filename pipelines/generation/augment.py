"""Augmentation of what the discriminator sees, real and generated alike, through which gradients pass."""

import torch
import torch.nn.functional as F
from torch import Tensor


class Shift:
    """Move pictures by up to `share` of their side and grey out a square of them (DiffAugment, Zhao et al., 2020,
    https://arxiv.org/abs/2006.10738). The border is repeated, so that a white background stays white.

    Args:
        count: pictures.
        size: their side in pixels.
        share: of the side that they move at most.
        hole: side of the square as a share of the picture's; 0 for none.
        rng: generator of the draws; None takes torch's own.
    """

    def __init__(self, count: int, size: int, share: float = 0.125, hole: float = 0.3, rng=None):
        self.reach, self.side = round(size * share), round(size * hole)
        self.moves = torch.randint(0, 2 * self.reach + 1, (count, 2), generator=rng)
        self.corners = torch.randint(-self.side // 2, max(1, size - self.side // 2), (count, 2), generator=rng)
        self.holed = torch.rand(count, generator=rng) < 0.5

    def __call__(self, image: Tensor) -> Tensor:
        """(count, 3, size, size) -> the same, moved."""
        size = image.shape[-1]
        wide = F.pad(image, [self.reach] * 4, mode="replicate")
        moved = torch.stack(
            [one[:, y : y + size, x : x + size] for one, (y, x) in zip(wide, self.moves.tolist(), strict=True)]
        )
        if not self.side:
            return moved
        at = torch.arange(size)
        inside = [(at >= first[:, None]) & (at < first[:, None] + self.side) for first in self.corners.T]
        hole = inside[0][:, :, None] & inside[1][:, None, :] & self.holed[:, None, None]
        return moved * ~hole[:, None].to(image.device)
