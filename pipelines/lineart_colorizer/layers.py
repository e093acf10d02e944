"""A coloured drawing taken apart into layers that drawing programs open: flat colour, shade, light and lines."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage

_SMALLEST = 1e-3


@dataclass(frozen=True)
class Layers:
    """The layers from the bottom up; laid over each other they give the coloured drawing again.

    Args:
        flat: (H, W, 3) uint8, one colour for each region that lines close off, lines filled in from beside them.
        shade: (H, W, 3) uint8, to be multiplied with what lies under it.
        light: (H, W, 3) uint8, to be screened over what lies under it.
        lines: (H, W, 4) uint8, ink in its colours, transparent elsewhere.
        alpha: (H, W) uint8 of the whole, or None where it is opaque.
    """

    flat: np.ndarray
    shade: np.ndarray
    light: np.ndarray
    lines: np.ndarray
    alpha: np.ndarray | None = None

    def composite(self) -> np.ndarray:
        """(H, W, 3) uint8: the layers laid over each other."""
        colours = 1 - (1 - _unit(self.flat) * _unit(self.shade)) * (1 - _unit(self.light))
        ink = _unit(self.lines[..., 3:])
        return _bytes(ink * _unit(self.lines[..., :3]) + (1 - ink) * colours)


def layers_of(coloured: Image.Image, drawing: Image.Image) -> Layers:
    """Take a coloured drawing apart.

    Args:
        coloured: RGB or RGBA, what the pipeline gave.
        drawing: what it was given, of the same size; any mode.

    Raises:
        ValueError: if the sizes differ.
    """
    if coloured.size != drawing.size:
        sizes = " and ".join(f"{image.width}x{image.height}" for image in (coloured, drawing))
        raise ValueError(f"The coloured picture and its drawing must have one size, got {sizes}.")
    pixels = _unit(np.asarray(coloured.convert("RGB")))
    ink = ink_of(drawing)
    labels = regions(ink)
    _, nearest = _nearest(labels)
    under = pixels[nearest]  # under a line: the colours beside it
    flat = _medians(under, labels[nearest])
    flat_bytes = _bytes(flat)
    flat = np.maximum(_unit(flat_bytes), _SMALLEST)
    shade = _unit(_bytes(np.minimum(under / flat, 1)))
    shaded = _unit(flat_bytes) * shade
    light = _unit(_bytes(1 - (1 - under) / np.maximum(1 - shaded, _SMALLEST)))
    below = 1 - (1 - shaded) * (1 - light)
    amount = np.maximum(
        _least_amount(pixels, below), ink[..., None] * (np.abs(pixels - below).max(-1, keepdims=True) > 0)
    )
    amount = np.ceil(amount * 255 - 0.01) / 255  # rounding down would ask for a colour darker than black
    colour = (pixels - (1 - amount) * below) / np.maximum(amount, _SMALLEST)
    lines = np.concatenate([_bytes(colour), _bytes(amount)], axis=-1)
    alpha = np.asarray(coloured.getchannel("A")) if coloured.mode == "RGBA" else None
    return Layers(flat_bytes, _bytes(shade), _bytes(light), lines, alpha)


def ink_of(drawing: Image.Image) -> np.ndarray:
    """(H, W) in [0, 1]: 0 where there is paper, of whatever tone, 1 where there is black ink."""
    white = Image.new("RGBA", drawing.size, "white")
    white.alpha_composite(drawing.convert("RGBA"))
    grey = _unit(np.asarray(white.convert("L")))
    paper = max(float(np.percentile(grey, 80)), _SMALLEST)
    return np.clip(1 - grey / paper, 0, 1)


def regions(ink: np.ndarray, gap: int = 1, smallest: int = 24) -> np.ndarray:
    """Regions that lines close off.

    Args:
        ink: (H, W) in [0, 1], see `ink_of`.
        gap: lines are widened by so many pixels before regions are told apart, which closes gaps of twice as many.
        smallest: regions of fewer pixels belong to the lines.

    Returns:
        (H, W) int32: numbers of the regions from 1, 0 for lines.
    """
    open_ = ink < 0.25
    core = ndimage.binary_erosion(open_, iterations=gap, border_value=1)
    labels, count = ndimage.label(core)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    keep = sizes >= smallest
    keep[0] = False
    numbers = np.where(keep, np.cumsum(keep), 0)
    labels = numbers[labels].astype(np.int32)
    if not labels.any():
        return open_.astype(np.int32) if open_.any() else np.ones(ink.shape, np.int32)
    # What widening took away comes back: each open pixel joins the nearest region, if it is near.
    distance, nearest = _nearest(labels)
    return np.where(open_ & (distance <= 2 * gap + 1), labels[nearest], labels)


def write_psd(layers: Layers, file: Path) -> None:
    """Write the layers as a layered PSD with blend modes; it opens in Photoshop, Krita, Clip Studio Paint and GIMP."""
    from psd_tools import PSDImage
    from psd_tools.constants import BlendMode

    height, width = layers.flat.shape[:2]
    whole = layers.composite()
    psd = PSDImage.frompil(Image.fromarray(whole))
    stack = (
        ("flat", layers.flat, BlendMode.NORMAL),
        ("shade", layers.shade, BlendMode.MULTIPLY),
        ("light", layers.light, BlendMode.SCREEN),
        ("lines", layers.lines, BlendMode.NORMAL),
    )
    for name, pixels, mode in stack:
        if layers.alpha is not None:
            own = pixels[..., 3] if pixels.shape[2] == 4 else np.full((height, width), 255, np.uint8)
            cut = (own.astype(np.uint16) * layers.alpha // 255).astype(np.uint8)
            pixels = np.dstack([pixels[..., :3], cut])
        psd.create_pixel_layer(Image.fromarray(pixels), name=name, blend_mode=mode)
    psd.save(file)


def _nearest(labels: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """How far each pixel is from a numbered one, (H, W), and the row and column of the nearest."""
    found: Any = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    return found[0], (found[1][0], found[1][1])


def _least_amount(pixels: np.ndarray, below: np.ndarray) -> np.ndarray:
    """(H, W, 1): how opaque a pixel over `below` has to be so that some colour gives `pixels`; (H, W, 3) both."""
    darker = 1 - pixels / np.maximum(below, _SMALLEST)
    lighter = 1 - (1 - pixels) / np.maximum(1 - below, _SMALLEST)
    return np.maximum(darker, lighter).max(-1, keepdims=True).clip(0, 1)


def _medians(pixels: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Each region filled with the median of its colours, (H, W, 3)."""
    numbers = np.arange(int(labels.max()) + 1)
    channels = [ndimage.median(pixels[..., c], labels, numbers) for c in range(3)]
    return np.nan_to_num(np.stack(channels, axis=-1))[labels]


def _unit(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.float32) / 255


def _bytes(values: np.ndarray) -> np.ndarray:
    return (values.clip(0, 1) * 255 + 0.5).astype(np.uint8)
