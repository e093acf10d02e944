"""A drawing's pixels: on paper, as numbers for networks, and whether they are a line drawing at all."""

import numpy as np
import torch
from torch import Tensor

from pipelines.images import Picture


def on_paper(picture: Picture) -> np.ndarray:
    """A picture's pixels laid on white paper where it is transparent; (H, W, 3) of its dtype."""
    if picture.alpha is None:
        return picture.pixels
    full = np.iinfo(picture.pixels.dtype).max
    alpha = picture.alpha[..., None].astype(np.float32) / full
    return (picture.pixels * alpha + full * (1 - alpha) + 0.5).astype(picture.pixels.dtype)


def is_drawing(view: np.ndarray) -> bool:
    """Whether a picture is a line drawing: mostly paper, of any tint, and what is not paper has hardly any colour.

    Args:
        view: (h, w, 3) uint8 or uint16.
    """
    pixels = to_8_bit(view).reshape(-1, 3).astype(np.float32)
    grey = pixels.mean(1)
    paper = np.median(pixels[grey >= np.percentile(grey, 75)], axis=0)
    away = np.abs(pixels - paper).max(1)
    drawn = pixels[away > 48] / np.maximum(paper, 1)  # ink as a share of the paper: its tint is taken off
    colour = float((drawn.max(1) - drawn.min(1)).mean()) if len(drawn) else 0.0
    return float((away <= 48).mean()) >= 0.5 and colour < 0.15


def spread(image: Tensor) -> Tensor:
    """Mean distance of the largest from the smallest channel, (B, 3, H, W) in [-1, 1] -> (B,) in [0, 1]."""
    return (image.amax(1) - image.amin(1)).flatten(1).mean(1) / 2


def to_8_bit(pixels: np.ndarray) -> np.ndarray:
    """uint8 as it is, uint16 rounded to 8 bits."""
    return pixels if pixels.dtype == np.uint8 else ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def to_tensor(pixels: np.ndarray, device: torch.device) -> Tensor:
    """(h, w, 3) uint8 or uint16 -> (1, 3, h, w) float32 in [-1, 1]."""
    scale = float(np.iinfo(pixels.dtype).max) / 2
    return torch.from_numpy(pixels.astype(np.float32)).to(device).permute(2, 0, 1)[None] / scale - 1


def to_grey(pixels: np.ndarray, device: torch.device) -> Tensor:
    """(h, w, 3) uint8 or uint16 -> the drawing, (1, 1, h, w) in [-1, 1]; luma of ITU-R BT.601."""
    weights = torch.tensor([0.299, 0.587, 0.114], device=device).view(1, 3, 1, 1)
    return (to_tensor(pixels, device) * weights).sum(1, keepdim=True)
