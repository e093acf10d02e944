"""Lays the colours that a network found for a view over the drawing at its full size, tile by tile."""

import numpy as np
import torch

from pipelines.guided_upsampling import GuidedUpsampling
from pipelines.line_extraction import xdog
from pipelines.lineart_colorizer.drawing_pixels import to_grey, to_tensor

_LINES_HALO = 24  # px around a pixel that can change its extracted line


class ColouringCanvas:
    """Lays the colours of a view over the drawing; what it does to a pixel depends on its surroundings only where
    lines have to be extracted first.

    Attributes:
        notes: what the drawing's owner should know of it.
    """

    multiple = 1

    def __init__(self, change: GuidedUpsampling, keep_lines: bool, extract: bool, notes: list[str]):
        self.change, self.keep_lines, self.extract, self.notes = change, keep_lines, extract, notes
        self.halo: int | None = _LINES_HALO if extract else 0

    @torch.no_grad()
    def paint(self, pixels: np.ndarray, top: int, left: int) -> np.ndarray:
        """(h, w, 3) uint8 or uint16 at (top, left) of the drawing -> the same, coloured."""
        device = self.change.change.device
        lines = xdog(to_tensor(pixels, device)) if self.extract else to_grey(pixels, device)
        lines = lines.expand(-1, 3, -1, -1)
        coloured = self.change.apply(lines, top, left).clamp(-1, 1)
        if self.keep_lines:
            coloured = torch.minimum(coloured, lines)
        scale = float(np.iinfo(pixels.dtype).max) / 2
        return ((coloured[0].permute(1, 2, 0) + 1) * scale).round().cpu().numpy().astype(pixels.dtype)
