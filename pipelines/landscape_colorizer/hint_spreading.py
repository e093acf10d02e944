"""Colour hints on the view: each spreads to what belongs to it. This module goes into Hub files.

What belongs together is told by the picture: a hint's say spreads along rows and columns and is held back by steps of
lightness and of the colours that the network chose (`pipelines.domain_filter`). Hints that meet share by nearness.

A colour lighter places take as a wash: a pigment thinned on white paper until it is as light as they are (Beer and
Lambert). Ink shows through whatever is laid over it: darker places take less, in proportion to their lightness.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from pipelines.color import linear_to_srgb, rgb_to_lab, srgb_to_linear
from pipelines.domain_filter import domain_filter
from pipelines.hints import hint_points

REACH = 0.25  # how far a hint spreads over an even area, as a share of the view's shorter side
_HINT_LIGHTNESS, _HINT_CHROMA = 4.0, 0.03  # how much a step from black to white, and one unit of a* or b*, hold back
_TEXTURE = 0.3  # of such steps, those below it hold back little: brushwork inside a form is no border
_SMOOTH = 0.02  # of the view's shorter side: strokes thinner than this part nothing
_THINNEST, _STEPS = 1 / 64, 64  # of a wash; how many are looked at
_HALF = 0.02  # share of the largest spread say at which a hint has half of it
_LEAST_RADIUS = 1.5  # px of the view: a point smaller than a pixel would be lost


def hints_on_view(
    hints: Sequence[Any] | None, size: tuple[int, int], view: tuple[int, int], lightness: Tensor | None = None
) -> Tensor | None:
    """Hints given in pixels of the full picture as a map over the view.

    Args:
        hints: see `pipelines.hints.hint_points`; None or empty gives None.
        size: (height, width) of the full picture.
        view: (height, width) of the view.
        lightness: (1, 1, h, w) of the view, L* / 50 - 1, to thin each colour to where it lies; None takes it as it is.

    Returns:
        (1, 3, h, w): a*, b* in CIELAB and the mask, 1 where a hint lies.

    Raises:
        ValueError: for a point outside the picture, or a colour that is none.
    """
    if not hints:
        return None
    found = torch.zeros(1, 3, *view)
    rows, columns = torch.arange(view[0])[:, None] + 0.5, torch.arange(view[1]) + 0.5
    for x, y, colour, radius in hint_points(hints, *size):
        rgb = torch.tensor(colour, dtype=torch.float32).view(1, 3, 1, 1) / 255
        reach = max(radius * (view[0] / size[0] * view[1] / size[1]) ** 0.5, _LEAST_RADIUS)
        disc = (rows - (y + 0.5) * view[0] / size[0]) ** 2 + (columns - (x + 0.5) * view[1] / size[1]) ** 2 <= reach**2
        there = None if lightness is None else float((lightness[0, 0, disc].mean() + 1) * 50)
        found[0, :2, disc] = rgb_to_lab(rgb)[0, 1:, :, 0] if there is None else thinned(rgb, there)
        found[0, 2, disc] = 1
    return found


def thinned(rgb: Tensor, lightness: float) -> Tensor:
    """Chroma of a colour laid where the picture has some lightness.

    Args:
        rgb: (1, 3, 1, 1) in [0, 1].
        lightness: L* of the place.

    Returns:
        (2, 1): a*, b*; the colour's own where it is as light as the place.
    """
    own = rgb_to_lab(rgb)[0, :, 0]
    if lightness <= own[0]:
        return own[1:] * (lightness / own[0].clamp_min(1e-6))  # black on black has none
    amounts = torch.linspace(1, _THINNEST, _STEPS, dtype=rgb.dtype)
    washes = rgb_to_lab(linear_to_srgb(srgb_to_linear(rgb.clamp_min(1 / 255)) ** amounts))[
        0, :, 0
    ]  # (3, steps), ever lighter
    after = int(torch.searchsorted(washes[0].contiguous(), lightness).clamp(1, _STEPS - 1))
    before, beyond = washes[:, after - 1], washes[:, after]
    share = float(((lightness - before[0]) / (beyond[0] - before[0]).clamp_min(1e-6)).clamp(0, 1))
    return torch.lerp(before[1:], beyond[1:], share)[:, None]


def spread_hints(chroma: Tensor, lightness: Tensor, hints: Tensor, reach: float = REACH) -> Tensor:
    """Draw the chroma of a view toward its hints.

    Args:
        chroma: (1, 2, h, w) CIELAB, what the network chose.
        lightness: (1, 1, h, w), L* / 50 - 1.
        hints: (1, 3, h, w), see `hints_on_view`.
        reach: see `REACH`.

    Returns:
        (1, 2, h, w): the hints' own chroma where they lie, and less of it the more parts a place from them.
    """
    side = min(chroma.shape[2:])
    guide = torch.cat([_HINT_LIGHTNESS / 2 * lightness[0], _HINT_CHROMA * chroma[0]])
    guide = domain_filter(guide, guide, max(_SMOOTH * side, 2.0), texture=_TEXTURE) if side > 8 else guide
    mask = hints[0, 2:]
    spread = domain_filter(torch.cat([hints[0, :2] * mask, mask]), guide, max(reach * side, 1.0), texture=_TEXTURE)
    share = spread[2:] / spread[2:].amax().clamp_min(1e-9)
    say = torch.maximum(share / (share + _HALF), mask)
    asked = torch.where(mask > 0, hints[0, :2], spread[:2] / spread[2:].clamp_min(1e-9))
    return torch.lerp(chroma, asked[None], say[None])
