"""Colour a grey or ink-wash Chinese landscape painting."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import ModelMixin
from diffusers.pipelines.pipeline_utils import ImagePipelineOutput
from torch import Tensor

from pipelines.color import grey_of, grey_to_lightness, lab_to_rgb
from pipelines.images import Picture, read_pictures, write_pictures
from pipelines.pretrained import PretrainedPipeline
from pipelines.tiles import Canvas, Progress, paint_tiles, shrink


class LandscapeColorizer(PretrainedPipeline):
    """Colour Chinese landscape paintings of any size, keeping their luminance.

    The default generator decides the palette once, from a small view of the whole picture, and lays it out tile by
    tile at full resolution: a scroll has no seams, and costs memory for one tile. Luminance (CIE Y, hence L*) is
    the input's own, to the rounding of the output's bits; a colour input is treated as its grey version.

    Args:
        generator: a `TwoNetGenerator` (the default), or the paper's `ResNetGenerator` or `UNetGenerator`, which map
            a grey picture to a coloured one as a whole and do not keep the luminance.
    """

    model_cpu_offload_seq = "generator"

    def __init__(self, generator: ModelMixin):
        super().__init__()
        self.register_modules(generator=generator)

    @property
    def view_area(self) -> int:
        """Pixels of the largest view that `canvas` wants to see of the whole picture."""
        return getattr(self.generator.config, "view_area", 1)

    @torch.no_grad()
    def __call__(
        self,
        image: Any,
        vividness: float = 1.0,
        generator: torch.Generator | None = None,
        output_type: str = "pil",
        return_dict: bool = True,
        progress: Progress | None = None,
    ) -> ImagePipelineOutput | tuple:
        """Colour one picture or several.

        Args:
            image: a PIL image, a path, an (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) array, a (1 | 3 | 4, H, W)
                tensor in [0, 1], or a list of these, of any sizes. Transparency is kept; 16 bits are kept in "np"
                and "pt" output.
            vividness: how strong the colours are to be, 0 to 2. 1 is the model's own choice; below, its colours fade
                to grey; above, it is asked to paint with stronger pigment.
            generator: accepted as in every pipeline; colouring draws no random numbers.
            output_type: "pil", "np" (H, W, 3) in [0, 1], or "pt" (3, H, W) in [0, 1].
            return_dict: return an `ImagePipelineOutput` rather than a tuple.
            progress: called as progress(tiles done, tiles in all) for each picture; an exception raised in it stops
                the work and reaches the caller.

        Returns:
            `.images`: a list with one picture for each input, of its size.

        Raises:
            ValueError, OSError: for an input that is no picture, or options out of range; the message says what
                was given and what is allowed.

        Example:
            >>> pipe = LandscapeColorizer.from_pretrained()
            >>> pipe("painting.jpg").images[0].save("coloured.png")
        """
        pictures = [self._colour(picture, vividness, progress) for picture in read_pictures(image)]
        images = write_pictures(pictures, output_type)
        return ImagePipelineOutput(images=images) if return_dict else (images,)

    def canvas(self, view: np.ndarray, height: int, width: int, vividness: float = 1.0) -> Canvas:
        """Get ready to paint a picture tile by tile.

        Args:
            view: the whole picture shrunk to at most `view_area` pixels, (h, w, 3) uint8 or uint16.
            height, width: size of the picture in pixels.
            vividness: how strong the colours are to be: 0 grey, 1 the model's own choice, 2 at most.

        Raises:
            ValueError: if `vividness` is out of range.
        """
        if not 0 <= vividness <= 2:
            raise ValueError(f"vividness must be between 0 and 2, got {vividness}.")
        if hasattr(self.generator, "plan"):
            return TwoNetCanvas(self.generator, view, height, width, vividness)
        return WholeCanvas(self.generator, vividness)

    def _colour(self, picture: Picture, vividness: float, progress: Progress | None) -> Picture:
        canvas = self.canvas(shrink(picture.pixels, self.view_area), picture.height, picture.width, vividness)
        return Picture(paint_tiles(canvas, picture.pixels, progress=progress), picture.alpha)


class TwoNetCanvas:
    """Paints with a `TwoNetGenerator`: the palette is decided here, once; each tile then runs the refiner."""

    halo: int | None = 16  # px a tile must see around itself; the refiner's field is 30 px
    multiple = 2  # tiles begin at even rows and columns, where the refiner's 2x2 blocks do

    @torch.no_grad()
    def __init__(self, generator: Any, view: np.ndarray, height: int, width: int, vividness: float):
        self.generator, self.fade = generator, min(vividness, 1.0)
        self.plan = generator.plan(normalised_lightness(view_tensor(view, generator)), max(vividness, 1.0))
        self.scale = (view.shape[0] / 4 / height, view.shape[1] / 4 / width)

    @torch.no_grad()
    def paint(self, pixels: np.ndarray, top: int, left: int) -> np.ndarray:
        """(h, w, 3) uint8 or uint16 at (top, left) of the picture, both even -> the same, coloured."""
        height, width = pixels.shape[:2]
        grey = normalised_lightness(view_tensor(pixels, self.generator))
        even = F.pad(grey, (0, width % 2, 0, height % 2), mode="replicate")
        chroma = self.generator.paint(even, self.plan, (top, left), self.scale)[:, :, :height, :width]
        lab = torch.cat([(grey + 1) * 50, chroma * self.fade], dim=1)
        return to_pixels(lab_to_rgb(lab), pixels.dtype)


class WholeCanvas:
    """Paints with one of the paper's networks, which turn a grey picture into a coloured one, luminance included."""

    halo: int | None = None  # their instance norm looks at every pixel: the picture is one tile
    multiple = 1

    def __init__(self, generator: Any, vividness: float):
        self.generator, self.vividness = generator, vividness

    @torch.no_grad()
    def paint(self, pixels: np.ndarray, top: int, left: int) -> np.ndarray:
        """(h, w, 3) uint8 or uint16 -> the same, coloured."""
        height, width = pixels.shape[:2]
        grey = grey_of(view_tensor(pixels, self.generator)).to(self.generator.dtype)
        multiple = self.generator.multiple
        down, right = -height % multiple, -width % multiple
        padded = F.pad(grey * 2 - 1, (0, right, 0, down), mode="replicate").expand(-1, 3, -1, -1)
        coloured = (self.generator(padded)[:, :, :height, :width].float() + 1) / 2
        coloured = grey + (coloured - grey) * self.vividness
        return to_pixels(coloured.clamp(0, 1), pixels.dtype)


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
