"""The steps of an edit, on pictures of any size: restore, correct the tone, cut out, style.

Restoring runs tile by tile, and a tile gives what the whole picture would. Tone, mask and style are decided on a small
view of the whole picture and carried over to its pixels. In a view, transparent parts count as white.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pipelines.guided_upsampling import GuidedUpsampling
from pipelines.images import MAX_PICTURE_PIXELS, Picture, check_picture_size
from pipelines.tiles import Progress, count_tiles, shrink, tiles

EDIT_TILE = 512
_TONE_AREA = 256 * 256  # px of the view that the tone is decided on
_FRAME = 16  # px of border repeated around a view that is styled: VGG-16 pads with zeros, which would show as a frame
_LEVELS = (0.08, 0.92)  # opacities that become 0 and 1: a clean background is white, not nearly so

Paint = Callable[[np.ndarray, int, int], Tensor]
"""(pixels of a part, top, left) -> (1, 3, h, w) in [-1, 1], or twice as large."""


@torch.no_grad()
def enhanced(network: Any, name: str, picture: Picture, progress: Progress) -> Picture:
    """One enhancement of one picture."""
    if name == "tone":
        plan = network.plan(view_over_white(picture, _TONE_AREA, network))
        return painted(
            picture, lambda part, top, left: network.corrected(as_image(part, network), plan), 0, 1, progress
        )
    if name == "cutout":
        opacity = opacity_of(network, picture)

        def on_white(part: np.ndarray, top: int, left: int) -> Tensor:
            image = as_image(part, network)
            return 1 + (image - 1) * opacity(image, top, left)

        return painted(picture, on_white, 0, 1, progress)
    check_picture_size(
        "The enlarged picture", picture.height * network.scale, picture.width * network.scale, MAX_PICTURE_PIXELS
    )
    return painted(picture, lambda part, top, left: restored(network, part), network.field, network.scale, progress)


def restored(network: Any, part: np.ndarray) -> Tensor:
    """What a `Restorer` makes of a part; an odd row or column is repeated for the network, and cut off again."""
    height, width = part.shape[:2]
    image = as_image(part, network)
    image = F.pad(image, (0, -width % network.multiple, 0, -height % network.multiple), mode="replicate")
    output = network(image.to(network.dtype)).float()
    return output[:, :, : height * network.scale, : width * network.scale]


@torch.no_grad()
def styled_picture(
    network: Any, picture: Picture, code: Tensor, strength: float, opacity: "Opacity | None", progress: Progress
) -> Picture:
    """A picture in the style of a code: the view is styled, and the change carried over.

    Args:
        network: a `StyleNetwork`.
        strength: 0 leaves the picture as it is, 1 gives the style wholly.
        opacity: of the product, where the rest is to stay; None: all of the picture is styled.
    """
    before = view_over_white(picture, network.config["view_area"], network)
    height, width = before.shape[2:]
    room = [max(-side % network.multiple, 4 * network.multiple - side) for side in (width, height)]
    frame = (_FRAME, _FRAME + room[0], _FRAME, _FRAME + room[1])
    weight = torch.ones_like(before[:, :1]) if opacity is None else opacity.at_size(height, width)
    wide, counted = F.pad(before, frame, mode="replicate"), F.pad(weight, frame)
    styled = network(wide.to(network.dtype), code.to(network.dtype), counted.to(network.dtype)).float()
    after = styled[:, :, _FRAME : _FRAME + height, _FRAME : _FRAME + width].clamp(-1, 1)
    change = GuidedUpsampling(before, after, picture.height, picture.width)

    def in_style(part: np.ndarray, top: int, left: int) -> Tensor:
        image = as_image(part, network)
        moved = strength * (change.apply(image, top, left).clamp(-1, 1) - image)
        return image + (moved if opacity is None else moved * opacity(image, top, left))

    return painted(picture, in_style, 0, 1, progress)


class Opacity:
    """How much of each pixel is product, for any part of a picture.

    Args:
        view: (1, 3, h, w) in [-1, 1], what the network saw.
        mask: (1, 1, h, w) in [0, 1], what it said.
        height, width: of the picture.
    """

    def __init__(self, view: Tensor, mask: Tensor, height: int, width: int):
        self.mask = mask
        self._carried = GuidedUpsampling(view, view + mask, height, width)

    def __call__(self, image: Tensor, top: int, left: int) -> Tensor:
        """The part (1, 3, h, w) in [-1, 1] of the picture at (top, left) -> (1, 1, h, w) in [0, 1]."""
        low, high = _LEVELS
        opacity = (self._carried.apply(image, top, left) - image).mean(1, keepdim=True)
        return ((opacity - low) / (high - low)).clamp(0, 1)

    def at_size(self, height: int, width: int) -> Tensor:
        """The mask as the network gave it, resized, (1, 1, height, width)."""
        return F.interpolate(self.mask, (height, width), mode="bilinear", align_corners=False)


@torch.no_grad()
def opacity_of(network: Any, picture: Picture) -> Opacity:
    """Ask a `CutoutNetwork` for the mask of a picture."""
    side = network.config["view"]
    factor = min(1.0, side / max(picture.height, picture.width))
    size = (max(1, picture.height * factor), max(1, picture.width * factor))
    view = at_multiples(view_over_white(picture, 4 * side * side, network), network.multiple, size, smallest=2)
    mask = network(view.to(network.dtype)).float().sigmoid()
    return Opacity(view, mask, picture.height, picture.width)


def painted(picture: Picture, paint: Paint, halo: int, scale: int, progress: Progress) -> Picture:
    """Paint a picture tile by tile.

    Args:
        paint: sees a tile with its halo.
        halo: pixels around a pixel that can change its result.
        scale: how much larger the result is.
    """
    height, width = picture.height, picture.width
    pixels = np.empty((height * scale, width * scale, 3), picture.pixels.dtype)
    total = count_tiles(height, width, EDIT_TILE, halo, 2)
    for done, box in enumerate(tiles(height, width, EDIT_TILE, halo, 2), start=1):
        part = picture.pixels[box.outer_top : box.outer_bottom, box.outer_left : box.outer_right]
        whole = as_pixels(paint(np.ascontiguousarray(part), box.outer_top, box.outer_left), pixels.dtype)
        rows = slice(scale * (box.top - box.outer_top), scale * (box.bottom - box.outer_top))
        columns = slice(scale * (box.left - box.outer_left), scale * (box.right - box.outer_left))
        pixels[scale * box.top : scale * box.bottom, scale * box.left : scale * box.right] = whole[rows, columns]
        progress(done, total)
    return Picture(pixels, enlarged_alpha(picture.alpha, scale))


def enlarged_alpha(alpha: np.ndarray | None, scale: int) -> np.ndarray | None:
    """Transparency at `scale` times the size, bilinearly; (H, W) both."""
    if alpha is None or scale == 1:
        return alpha
    plane = torch.from_numpy(alpha.astype(np.float32))[None, None]
    plane = F.interpolate(plane, scale_factor=scale, mode="bilinear", align_corners=False)
    return plane[0, 0].round().numpy().astype(alpha.dtype)


def view_over_white(picture: Picture, max_area: int, network: Any) -> Tensor:
    """The picture shrunk to at most `max_area` pixels, transparent parts over white, (1, 3, h, w) in [-1, 1]."""
    image = as_image(shrink(picture.pixels, max_area), network)
    if picture.alpha is None:
        return image
    planes = np.ascontiguousarray(np.repeat(picture.alpha[..., None], 3, axis=2))
    opacity = (as_image(shrink(planes, max_area), network) + 1) / 2
    return 1 + (image - 1) * opacity


def at_multiples(view: Tensor, multiple: int, size: Sequence[float], smallest: int = 4) -> Tensor:
    """Resize a view to the nearest sides that are multiples of `multiple`, at least `smallest` of them."""
    sides = [max(smallest, round(side / multiple)) * multiple for side in size]
    if sides == list(view.shape[2:]):
        return view
    return F.interpolate(view, sides, mode="bilinear", align_corners=False, antialias=True)


def as_image(pixels: np.ndarray, network: Any) -> Tensor:
    """(h, w, 3) uint8 or uint16 -> (1, 3, h, w) float32 in [-1, 1] on the network's device."""
    half = float(np.iinfo(pixels.dtype).max) / 2
    return torch.from_numpy(pixels.astype(np.float32)).to(network.device).permute(2, 0, 1)[None] / half - 1


def as_pixels(image: Tensor, dtype: np.dtype) -> np.ndarray:
    """(1, 3, h, w) in [-1, 1] and somewhat beyond -> (h, w, 3) uint8 or uint16, rounded."""
    top = float(np.iinfo(dtype).max)
    return ((image[0].permute(1, 2, 0) + 1) * (top / 2)).round().clamp(0, top).cpu().numpy().astype(dtype)
