"""Even colours within lines: what differs without a line in between is drawn together, what a line parts stays apart.

Hints spread in the same way.

Colours spread along rows and columns, each held back by ink and by sudden changes of colour: `pipelines.domain_filter`,
under normalised convolution (Knutsson and Westin, 1993), in which ink counts for little: lines lend their darkness to
nothing. It cures blotches and spilling that networks leave (Feng and Li's "colour spilling").
"""

import torch
from torch import Tensor

from pipelines.domain_filter import domain_filter

REACH = 0.16  # how far colours spread, as a share of the shorter side
_INK, _COLOUR = 4.0, 1.0  # how much a step from white to black, in ink and in one channel of the colours, holds back
_HINTED = 3e-4  # share of hinted places around a place at which the hint has half the say


def even_out(coloured: Tensor, lines: Tensor, strength: float, reach: float = REACH) -> Tensor:
    """Draw together the colours of what no line parts.

    Args:
        coloured: (1, 3, H, W) in [-1, 1].
        lines: (1, 1, H, W) in [-1, 1], 1 = paper, -1 = ink; paper of any tone.
        strength: 0 leaves the colours as they are, 1 takes all of the evened ones.
        reach: deviation of the spreading over plain paper, as a share of the shorter side.

    Returns:
        (1, 3, H, W); ink keeps its colours.
    """
    if not strength:
        return coloured
    picture, light = coloured[0].float(), cleaned(lines)
    weight = light**4
    steps = torch.cat([_INK * light, _COLOUR / 2 * picture])
    spread = domain_filter(torch.cat([picture * weight, weight]), steps, reach * min(picture.shape[1:]))
    even = spread[:3] / spread[3:].clamp_min(1e-4)
    return (picture + strength * weight * (even - picture))[None].to(coloured.dtype)


def spread_hints(coloured: Tensor, lines: Tensor, hints: Tensor, reach: float = REACH) -> Tensor:
    """Hand the hints' colours on to what no line parts from them; the nearest hint has the most say.

    Args:
        coloured: (1, 3, H, W) in [-1, 1].
        lines: (1, 1, H, W) in [-1, 1], 1 = paper, -1 = ink.
        hints: (1, 4, H, W), colour in [-1, 1] and 1 where it is given, 0 elsewhere.
        reach: see `even_out`.

    Returns:
        (1, 3, H, W); ink keeps its colours.
    """
    picture, light = coloured[0].float(), cleaned(lines)
    weight = light**4
    given = hints[0, 3:].float() * weight.clamp_min(1e-3)  # a hint on a line still counts a little
    steps = torch.cat([_INK * light, _COLOUR / 4 * picture])
    fields = torch.cat([hints[0, :3].float() * given, given, weight])
    spread = domain_filter(fields, steps, reach * min(picture.shape[1:]))
    share = spread[3:4] / spread[4:].clamp_min(1e-4)
    say = weight * share / (share + _HINTED)
    colour = spread[:3] / spread[3:4].clamp_min(1e-12)
    return (picture + say * (colour - picture))[None].to(coloured.dtype)


def cleaned(lines: Tensor) -> Tensor:
    """(1, 1, H, W) in [-1, 1], on paper of any tone -> (1, H, W) in [0, 1], 1 = paper."""
    light = (lines[0].float() + 1) / 2
    return (light / paper_of(light)).clamp(0, 1)


def paper_of(light: Tensor) -> Tensor:
    """Brightness of the paper, the 80th percentile, at least 0.1; of (1, H, W) in [0, 1]."""
    ranked = light.flatten().sort().values
    return ranked[int(0.8 * (len(ranked) - 1))].clamp_min(0.1)
