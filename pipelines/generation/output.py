"""What a generating pipeline hands out. This module goes into Hub files."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers.utils import BaseOutput
from PIL import Image
from torch import Tensor


@dataclass
class GenerationOutput(BaseOutput):
    """Pictures made from noise, and what they were made from; a list has one entry for each picture."""

    images: list[Any]
    categories: list[str] | None = None
    colours: list[str | None] | None = None  # None where the model is told none
    seeds: list[int] | None = None
    latents: Tensor | None = None  # (N, latents): handed back in, they make the same pictures
    scores: list[float] | None = None  # the judge's, where the model has one
    accepted: list[bool] | None = None  # whether the score reaches the bar
    acceptance_rate: float | None = None  # of all candidates that were made


def export(pictures: Tensor, output_type: str) -> list[Any]:
    """(N, 3, H, W) in [-1, 1] -> PIL pictures, (H, W, 3) arrays in [0, 1] or (3, H, W) tensors in [0, 1].

    All three hold the same 8-bit values.

    Raises:
        ValueError: for another output_type.
    """
    check_output_type(output_type)
    pixels = ((pictures.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).cpu()
    if output_type == "pt":
        return list(pixels.float() / 255)
    arrays = [np.ascontiguousarray(one.permute(1, 2, 0).numpy()) for one in pixels]
    if output_type == "np":
        return [one.astype(np.float32) / 255 for one in arrays]
    return [Image.fromarray(one) for one in arrays]


def check_output_type(output_type: str) -> None:
    """Raise a ValueError for anything but "pil", "np" and "pt"."""
    if output_type not in ("pil", "np", "pt"):
        raise ValueError(f'output_type must be "pil", "np" or "pt", got {output_type!r}.')
