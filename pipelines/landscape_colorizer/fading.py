"""How a painting's colours fade, as a formula: to test restoration on paintings whose colours are known.

A faded painting keeps the share `left` of its chroma; over the rest lies a veil of one tone, yellow to brown, as aged
silk, varnish and dust give: ab' = left * ab + (1 - left) * tone. Lightness stays: ink is carbon and does not fade,
and a colorizer cannot give lightness back. What an eight-bit photograph then rounds away is lost, as it is in life.
This module goes into Hub files.
"""

import torch
from torch import Tensor

LEFT = (0.15, 0.6)  # least and most of the chroma that is left
TONE = ((1.0, 6.0), (4.0, 16.0))  # of the veil, (least, most) a* and (least, most) b*: old silk's


def fade(chroma: Tensor, left: Tensor, tone: Tensor) -> Tensor:
    """Fade (B, 2, H, W) CIELAB a*, b*, keeping the share `left`, (B,), under a veil of `tone`, (B, 2)."""
    share = left.view(-1, 1, 1, 1)
    return share * chroma + (1 - share) * tone[:, :, None, None]


def draw_fading(uniform: Tensor) -> tuple[Tensor, Tensor]:
    """(B, 3) in [0, 1) -> `left` (B,) and `tone` (B, 2), each evenly over its range."""
    low = torch.tensor([LEFT[0], TONE[0][0], TONE[1][0]]).to(uniform)
    high = torch.tensor([LEFT[1], TONE[0][1], TONE[1][1]]).to(uniform)
    values = low + (high - low) * uniform
    return values[:, 0], values[:, 1:]
