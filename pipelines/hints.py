"""Colour hints: what a person says of single places of a picture. This module goes into Hub files."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageColor, ImageDraw
from torch import Tensor

DEFAULT_RADIUS = 6

Point = tuple[float, float, tuple[int, int, int], float]
"""x, y, (red, green, blue), radius."""


def read_hints(hints: Any, height: int, width: int) -> np.ndarray | None:
    """Strokes or points as one picture over the picture to be coloured.

    Args:
        hints: None; an RGBA picture of that size (PIL, or (H, W, 4) uint8), transparent where nothing is said; or a
            list of points (x, y, colour) or (x, y, colour, radius), in pixels of the picture, a colour being "#rrggbb",
            a name, or (r, g, b) from 0 to 255.
        height, width: of the picture.

    Returns:
        (H, W, 4) uint8, or None where nothing is said.

    Raises:
        ValueError: for a picture of another size or without transparency, a point outside the picture, or a colour
            that is none.
    """
    if hints is None:
        return None
    if isinstance(hints, (list, tuple)):
        layer = _painted_points(hints, height, width)
    else:
        image = Image.fromarray(hints) if isinstance(hints, np.ndarray) else hints
        if not isinstance(image, Image.Image) or image.mode not in ("RGBA", "LA", "PA"):
            raise ValueError("hints must be an RGBA picture, transparent where nothing is said, or a list of points.")
        if image.size != (width, height):
            raise ValueError(f"hints are {image.width}x{image.height} pixels, the picture {width}x{height}.")
        layer = np.asarray(image.convert("RGBA"))
    return layer if layer[..., 3].any() else None


def hint_map(layer: np.ndarray, height: int, width: int) -> Tensor:
    """Hints at the size of a view.

    Args:
        layer: (H, W, 4) uint8, what `read_hints` gives; half-transparent counts as given from alpha 128 on.
        height, width: of the view, at most H and W.

    Returns:
        (1, 4, height, width) float32: the mean colour in [-1, 1] of what falls into a pixel and 1, or four times 0.
    """
    pixels = torch.from_numpy(layer.astype(np.float32)).permute(2, 0, 1)[None]
    given = (pixels[:, 3:] >= 128).float()
    colours = (pixels[:, :3] / 127.5 - 1) * given
    shares = F.adaptive_avg_pool2d(given, (height, width))
    means = F.adaptive_avg_pool2d(colours, (height, width)) / shares.clamp_min(1e-9)
    there = (shares > 0).float()
    return torch.cat([means * there, there], dim=1)


def hint_points(points: Sequence[Any], height: int, width: int) -> list[Point]:
    """Points as (x, y, (red, green, blue), radius), checked; see `read_hints` for what they may be and its errors."""
    checked: list[Point] = []
    for point in points:
        if not isinstance(point, (list, tuple)) or len(point) not in (3, 4):
            raise ValueError(f"A hint is (x, y, colour) or (x, y, colour, radius), got {point!r}.")
        x, y, colour, radius = (*point, DEFAULT_RADIUS)[:4]
        if not all(_is_number(value) for value in (x, y, radius)):
            raise ValueError(f"A hint's place and radius are numbers, got {point!r}.")
        if not (0 <= x < width and 0 <= y < height):
            raise ValueError(f"The hint at ({x}, {y}) lies outside the picture of {width}x{height} pixels.")
        if not 0 < radius <= max(height, width):
            raise ValueError(f"A hint's radius must be above 0 and within the picture, got {radius}.")
        checked.append((float(x), float(y), _colour(colour), float(radius)))
    return checked


def _painted_points(points: Sequence[Any], height: int, width: int) -> np.ndarray:
    layer = Image.new("RGBA", (width, height))
    draw = ImageDraw.Draw(layer)
    for x, y, colour, radius in hint_points(points, height, width):
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=(*colour, 255))
    return np.asarray(layer)


def _colour(colour: Any) -> tuple[int, int, int]:
    if isinstance(colour, str):
        try:
            return ImageColor.getrgb(colour)[:3]
        except ValueError as error:
            raise ValueError(f'A hint\'s colour is "#rrggbb", a name or (r, g, b), got {colour!r}.') from error
    channels = list(colour) if isinstance(colour, Sequence | np.ndarray) else []
    if len(channels) != 3 or not all(_is_number(value) and 0 <= value <= 255 for value in channels):
        raise ValueError(f"A hint's colour is three numbers from 0 to 255, got {colour!r}.")
    red, green, blue = (int(value) for value in channels)
    return red, green, blue


def _is_number(value: Any) -> bool:
    """Whether it is a real number, numpy's among them, and no truth value."""
    return isinstance(value, Real) and not isinstance(value, bool)
