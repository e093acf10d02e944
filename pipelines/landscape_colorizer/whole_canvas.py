"""One painting being coloured by one of the paper's networks. This module goes into Hub files."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from pipelines.color import grey_of
from pipelines.landscape_colorizer.two_net_canvas import Wishes, to_pixels, view_tensor


class WholeCanvas:
    """Paints with a network that turns a grey picture into a coloured one, luminance included.

    Args:
        generator: a `ResNetGenerator` or `UNetGenerator`.
        wishes: of the person; vividness and strength only.

    Raises:
        ValueError: for other wishes: these networks take none.
    """

    halo: int | None = None  # their instance norm looks at every pixel: the picture is one tile
    multiple = 1

    def __init__(self, generator: Any, wishes: Wishes):
        if wishes.palette or wishes.hints or wishes.restore or wishes.seed is not None:
            raise ValueError("The paper's networks take no palette, hints, restore or seed; the default network does.")
        self.generator, self.wishes = generator, wishes
        self.notes: list[str] = []

    @torch.no_grad()
    def paint(self, pixels: np.ndarray, top: int, left: int) -> np.ndarray:
        """(h, w, 3) uint8 or uint16 -> the same, coloured."""
        height, width = pixels.shape[:2]
        rgb = view_tensor(pixels, self.generator)
        grey = grey_of(rgb).to(self.generator.dtype)
        multiple = self.generator.multiple
        down, right = -height % multiple, -width % multiple
        padded = F.pad(grey * 2 - 1, (0, right, 0, down), mode="replicate").expand(-1, 3, -1, -1)
        coloured = (self.generator(padded)[:, :, :height, :width].float() + 1) / 2
        coloured = grey + (coloured - grey) * self.wishes.vividness
        if self.wishes.strength != 1:
            coloured = torch.lerp(rgb, coloured.float(), self.wishes.strength)
        return to_pixels(coloured.clamp(0, 1), pixels.dtype)
