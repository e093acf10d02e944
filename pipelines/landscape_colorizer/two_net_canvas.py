"""One painting being coloured by the default generator: decided once on the view, then laid out tile by tile.

What the network is unsure of it paints paler, and a whole scroll shrunk to a view is stranger to it than the crops that
it was trained on. So a few crops are coloured alone, and the whole is made as vivid as they are.

This module goes into Hub files.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines.color import grey_of, grey_to_lightness, lab_to_rgb, rgb_to_lab
from pipelines.landscape_colorizer.chroma_layer import ChromaLayer
from pipelines.landscape_colorizer.gamut import scale_chroma
from pipelines.landscape_colorizer.hint_spreading import hints_on_view, spread_hints
from pipelines.landscape_colorizer.palettes import Palette, palette_of_lab
from pipelines.landscape_colorizer.recolouring import recolour
from pipelines.landscape_colorizer.restoration import restored
from pipelines.landscape_colorizer.traditions import BANK
from pipelines.landscape_colorizer.variants import palette_of_seed
from pipelines.tiles import Sample

_MOST_VIGOUR = 1.5  # beyond, the samples are of another kind than the whole


@dataclass(frozen=True)
class Wishes:
    """What a person asks of one colouring; see `LandscapeColorizer.__call__`.

    Raises:
        ValueError: for a number out of range.
    """

    vividness: float = 1.0
    strength: float = 1.0
    palette: Palette | None = None
    hints: Sequence[Any] | None = None
    restore: float = 0.0
    seed: int | None = None

    def __post_init__(self) -> None:
        for name, most in (("vividness", 2), ("strength", 1), ("restore", 1)):
            value = getattr(self, name)
            if not 0 <= value <= most:
                raise ValueError(f"{name} must be between 0 and {most}, got {value}.")


class TwoNetCanvas:
    """Paints with a `TwoNetGenerator`: the colours are decided here, once; each tile then runs the refiner.

    Args:
        generator: a `TwoNetGenerator`.
        view: the whole picture shrunk, (h, w, 3) uint8 or uint16.
        height, width: of the picture.
        wishes: of the person.
        samples: parts of the picture at full size.
        palette: a quicker copy of the generator's palette network, None for itself.
    """

    halo: int | None = 16  # px a tile must see around itself; the refiner's field is 30 px
    multiple = 2  # tiles begin at even rows and columns, where the refiner's 2x2 blocks do

    @torch.no_grad()
    def __init__(
        self,
        generator: Any,
        view: np.ndarray,
        height: int,
        width: int,
        wishes: Wishes,
        samples: Sequence[Sample] = (),
        palette: nn.Module | None = None,
    ):
        self.generator, self.wishes = generator, wishes
        self.size, self.notes = (height, width), list[str]()
        rgb = view_tensor(view, generator)
        self._view_size, self._own = (view.shape[0], view.shape[1]), rgb_to_lab(rgb)[:, 1:]
        self._lightness = normalised_lightness(rgb)
        self.plan = generator.plan(self._lightness, palette)
        self.scale = (self._view_size[0] / 4 / height, self._view_size[1] / 4 / width)
        self.vigour = self._vigour(samples, palette) if samples else 1.0
        self.layer: ChromaLayer | None = None
        if wishes.palette or wishes.hints or wishes.restore or wishes.seed is not None:
            change = self._wished(self._chosen) - self._chosen
            self.layer = ChromaLayer(self._lightness, change, height, width)

    @torch.no_grad()
    def paint(self, pixels: np.ndarray, top: int, left: int) -> np.ndarray:
        """(h, w, 3) uint8 or uint16 at (top, left) of the picture, both even -> the same, coloured."""
        height, width = pixels.shape[:2]
        rgb = view_tensor(pixels, self.generator)
        lightness = normalised_lightness(rgb)
        even = F.pad(lightness, (0, width % 2, 0, height % 2), mode="replicate")
        chroma = self.generator.paint(even, self.plan, (top, left), self.scale)[:, :, :height, :width] * self.vigour
        if self.layer is not None:
            chroma = chroma + self.layer.read(lightness, top, left)
        lab = torch.cat([(lightness + 1) * 50, chroma], dim=1)
        return to_pixels(lab_to_rgb(self._blended(lab, rgb)), pixels.dtype)

    @torch.no_grad()
    def uncertainty(self) -> np.ndarray:
        """How far the true chroma may be: (h, w) float32 at the view's size, radii in the plane of a*, b* that hold it
        with 90 %, for the network's own colouring.

        Raises:
            ValueError: if the weights were trained without it.
        """
        radius = self.generator.radius(self.plan)
        return F.interpolate(radius, size=self._view_size, mode="bilinear")[0, 0].cpu().numpy()

    @cached_property
    def palette(self) -> Palette:
        """The colours that this canvas paints with, measured on the view."""
        with torch.no_grad():
            lab = torch.cat([(self._lightness + 1) * 50, self._wished(self._chosen)], dim=1)
            return palette_of_lab(scale_chroma(lab, self.wishes.vividness))

    @cached_property
    def _chosen(self) -> Tensor:
        """What the network chose, (1, 2, h, w) CIELAB."""
        height, width = self._view_size
        even = F.pad(self._lightness, (0, width % 2, 0, height % 2), mode="replicate")
        return self.generator.paint(even, self.plan, (0, 0), (0.25, 0.25))[:, :, :height, :width] * self.vigour

    def _vigour(self, samples: Sequence[Sample], palette: nn.Module | None) -> float:
        """Mean chroma of the samples planned alone, over that of the same places in the plan of the whole."""
        alone = together = 0.0
        for one in samples:
            plan = self.generator.plan(normalised_lightness(view_tensor(one.pixels, self.generator)), palette)
            cells = [
                slice(int(start * scale), math.ceil((start + length) * scale))
                for start, length, scale in zip((one.top, one.left), one.pixels.shape[:2], self.scale, strict=True)
            ]
            alone += float(plan[:, :2].norm(dim=1).mean())
            together += float(self.plan[:, :2, cells[0], cells[1]].norm(dim=1).mean())
        return min(max(alone / max(together, 1e-6), 1 / _MOST_VIGOUR), _MOST_VIGOUR)

    def _wished(self, chroma: Tensor) -> Tensor:
        """The view's chroma as the person wants it."""
        wishes, first = self.wishes, chroma
        palette = wishes.palette
        if wishes.seed is not None:
            palette = palette_of_seed(wishes.seed, BANK, palette)
        if palette is not None:
            chroma = recolour(self._lightness, chroma, palette)
        if wishes.restore:
            mean = first.mean((2, 3))
            spread = float((first - mean[:, :, None, None]).square().sum(1).mean().sqrt())
            chroma = restored(chroma, self._own, spread, mean, wishes.restore)
        hints = hints_on_view(wishes.hints, self.size, self._view_size, self._lightness.cpu())
        return chroma if hints is None else spread_hints(chroma, self._lightness, hints.to(chroma))

    def _blended(self, lab: Tensor, rgb: Tensor) -> Tensor:
        """Vividness, then as much of it as `strength` says over the picture's own colours."""
        lab = scale_chroma(lab, self.wishes.vividness)
        if self.wishes.strength == 1:
            return lab
        return torch.cat([lab[:, :1], torch.lerp(rgb_to_lab(rgb)[:, 1:], lab[:, 1:], self.wishes.strength)], dim=1)


def view_tensor(pixels: np.ndarray, generator: Any) -> Tensor:
    """(h, w, 3) uint8 or uint16 -> (1, 3, h, w) float32 in [0, 1] on the generator's device."""
    scale = float(np.iinfo(pixels.dtype).max)
    floats = torch.from_numpy(pixels.astype(np.float32)).to(generator.device)
    return floats.permute(2, 0, 1)[None] / scale


def normalised_lightness(rgb: Tensor) -> Tensor:
    """(B, 3, H, W) in [0, 1] -> L* / 50 - 1, (B, 1, H, W) in [-1, 1]."""
    return grey_to_lightness(grey_of(rgb)) / 50 - 1


def to_pixels(rgb: Tensor, dtype: np.dtype) -> np.ndarray:
    """(1, 3, h, w) in [0, 1] -> (h, w, 3) uint8 or uint16, rounded."""
    top = float(np.iinfo(dtype).max)
    return (rgb[0].permute(1, 2, 0) * top).round().cpu().numpy().astype(dtype)
