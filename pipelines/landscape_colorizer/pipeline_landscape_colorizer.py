"""Colour a grey or ink-wash Chinese landscape painting."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers import ModelMixin
from diffusers.utils import BaseOutput

from pipelines.folding import FoldedCopy
from pipelines.images import Picture, read_pictures, write_pictures
from pipelines.landscape_colorizer.palettes import Palette, palette_of
from pipelines.landscape_colorizer.traditions import TRADITIONS
from pipelines.landscape_colorizer.training_scale_norm import TrainingScaleCanvas
from pipelines.landscape_colorizer.two_net_canvas import TwoNetCanvas, Wishes
from pipelines.landscape_colorizer.whole_canvas import WholeCanvas
from pipelines.pretrained import PretrainedPipeline
from pipelines.tiles import Canvas, Progress, Sample, paint_tiles, sample, shrink

Seeds = int | Sequence[int | None] | None


@dataclass
class LandscapeColorizerOutput(BaseOutput):
    """What `LandscapeColorizer` returns; of several colourings of one picture, one after the other.

    Args:
        images: the pictures in the form asked for.
        seeds: the seed of each, None for the network's own colouring.
        palettes: None, or the colours of each, measured on it; of one by a paper's network None.
        uncertainty: None, or of each (H, W) float32: the radius around the network's own choice of chroma, in the
            plane of a*, b*, that holds the true chroma with 90 %, as calibrated on crops of validation paintings.
            Palettes, hints and the like do not change it.
    """

    images: Any
    seeds: list[int | None]
    palettes: list[Palette | None] | None = None
    uncertainty: list[np.ndarray] | None = None


class LandscapeColorizer(PretrainedPipeline):
    """Colour Chinese landscape paintings of any size, keeping their luminance.

    The default generator decides the palette once, from a small view of the whole picture, and lays it out tile by
    tile at full resolution: a scroll has no seams, and costs memory for one tile. Luminance (CIE Y, hence L*) is
    the input's own, to the rounding of the output's bits; a colour input is treated as its grey version unless
    `restore` or `strength` says otherwise.

    Args:
        generator: a `TwoNetGenerator` (the default), or the paper's `ResNetGenerator` or `UNetGenerator`, which map
            a grey picture to a coloured one as a whole and do not keep the luminance.
    """

    model_cpu_offload_seq = "generator"

    def __init__(self, generator: ModelMixin):
        super().__init__()
        self.register_modules(generator=generator)
        self._quick = FoldedCopy()

    @property
    def view_area(self) -> int:
        """Pixels of the largest view that `canvas` wants to see of the whole picture."""
        return getattr(self.generator.config, "view_area", 1)

    @property
    def sample_side(self) -> int:
        """Pixels a side of the samples at full size that `canvas` wants to see, 0 for none."""
        return getattr(self.generator.config, "sample_side", 0)

    @torch.no_grad()
    def __call__(
        self,
        image: Any,
        *,
        vividness: float = 1.0,
        strength: float = 1.0,
        palette: Any = None,
        hints: Sequence[Any] | None = None,
        restore: float = 0.0,
        num_images_per_prompt: int = 1,
        seed: Seeds = None,
        generator: torch.Generator | None = None,
        return_palettes: bool = False,
        return_uncertainty: bool = False,
        output_type: str = "pil",
        return_dict: bool = True,
        progress: Progress | None = None,
    ) -> LandscapeColorizerOutput | tuple:
        """Colour one picture or several.

        Args:
            image: a PIL image, a path, an (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) array, a (1 | 3 | 4, H, W)
                tensor in [0, 1], or a list of these, of any sizes. Transparency is kept; 16 bits are kept in "np"
                and "pt" output.
            vividness: how strong the colours are to be, 0 to 2. 0 is grey, 1 the model's own choice; above, weak
                colours gain more than strong ones, none clips, and none changes its hue.
            strength: how much of the new colours lies over the picture's own, 0 to 1.
            palette: the colours to paint with: a tradition's name ("blue-green", "light-ochre", "gold-green",
                "boneless", "autumn", or its Chinese name), a reference picture (all that `image` may be), or a
                `Palette`.
            hints: colours of single places: a list of (x, y, colour) or (x, y, colour, radius) in pixels of the
                picture, a colour being "#rrggbb", a name, or (r, g, b) from 0 to 255. Hue and chroma count, lightness
                stays. Each spreads to what belongs to it. Where `image` is a list: a list with the hints of each.
            restore: how far a faded picture's own weak colours are evidence, 0 to 1: their hue is kept, their strength
                brought back.
            num_images_per_prompt: colourings of each picture.
            seed: None for the model's own colouring first and the seeds 0, 1, ... after it; a number for that seed and
                those that follow; a list with the seed of each, None being the model's own. One seed gives one
                colouring, whatever else is asked for beside it.
            generator: draws the first seed where `seed` is None.
            return_palettes: also measure the colours of each colouring.
            return_uncertainty: also say how far the true colours may be.
            output_type: "pil", "np" (H, W, 3) in [0, 1], or "pt" (3, H, W) in [0, 1].
            return_dict: return a `LandscapeColorizerOutput` rather than a tuple.
            progress: called as progress(tiles done, tiles in all) for each picture; an exception raised in it stops
                the work and reaches the caller.

        Returns:
            `.images`: a list with one picture for each input and seed, of its size, the first input's first.

        Raises:
            ValueError, OSError: for an input that is no picture, or options out of range; the message says what
                was given and what is allowed.

        Example:
            >>> pipe = LandscapeColorizer.from_pretrained()
            >>> pipe("painting.jpg", palette="blue-green").images[0].save("coloured.png")
        """
        pictures, seeds = read_pictures(image), read_seeds(seed, num_images_per_prompt, generator)
        palette = read_wished_palette(palette)  # a reference is looked at once
        several = isinstance(image, (list, tuple)) or len(pictures) > 1
        each = list(hints) if several and hints is not None else [hints] * len(pictures)
        if len(each) != len(pictures):
            raise ValueError(f"Got hints for {len(each)} pictures and {len(pictures)} pictures.")
        coloured, palettes, radii = [], [], []
        for picture, given in zip(pictures, each, strict=True):
            seen = (shrink(picture.pixels, self.view_area), picture.height, picture.width)
            samples = sample(picture.pixels, self.sample_side)
            for one in seeds:
                wishes = Wishes(vividness, strength, palette, given, restore, one)
                canvas = self._canvas(*seen, wishes, samples)
                coloured.append(Picture(paint_tiles(canvas, picture.pixels, progress=progress), picture.alpha))
                if return_palettes:
                    palettes.append(canvas.palette if isinstance(canvas, TwoNetCanvas) else None)
                if return_uncertainty:
                    radii.append(full_size_uncertainty(canvas, picture.height, picture.width))
        output = LandscapeColorizerOutput(
            images=write_pictures(coloured, output_type),
            seeds=seeds * len(pictures),
            palettes=palettes if return_palettes else None,
            uncertainty=radii if return_uncertainty else None,
        )
        return output if return_dict else output.to_tuple()

    def canvas(
        self,
        view: np.ndarray,
        height: int,
        width: int,
        *,
        vividness: float = 1.0,
        strength: float = 1.0,
        palette: Any = None,
        hints: Sequence[Any] | None = None,
        restore: float = 0.0,
        seed: int | None = None,
        statistics: str | None = None,
        samples: Sequence[Sample] = (),
    ) -> Canvas:
        """Get ready to paint a picture tile by tile: everything is decided here, from the view.

        Args:
            view: the whole picture shrunk to at most `view_area` pixels, (h, w, 3) uint8 or uint16.
            height, width: size of the picture in pixels.
            vividness, strength, palette, hints, restore: see `__call__`.
            seed: of the colouring; None is the model's own.
            statistics: "training" paints with the paper's `ResNetGenerator` in tiles, its instance norms reading
                statistics at the scale it was trained at; None paints the picture as a whole.
            samples: of the picture, `pipelines.tiles.sample` with `sample_side`: without them the whole may come out
                duller than its parts would.

        Raises:
            ValueError, OSError: as `__call__`.
        """
        wishes = Wishes(vividness, strength, read_wished_palette(palette), hints, restore, seed)
        return self._canvas(view, height, width, wishes, samples, statistics)

    def _canvas(
        self,
        view: np.ndarray,
        height: int,
        width: int,
        wishes: Wishes,
        samples: Sequence[Sample],
        statistics: str | None = None,
    ) -> TwoNetCanvas | WholeCanvas | TrainingScaleCanvas:
        if hasattr(self.generator, "plan"):
            if statistics is not None:
                raise ValueError("The default network has no statistics of the picture; leave `statistics` out.")
            quick = self._quick.of(self.generator.palette)
            return TwoNetCanvas(self.generator, view, height, width, wishes, samples, quick)
        whole = WholeCanvas(self.generator, wishes)  # which refuses what these networks do not take
        if statistics not in (None, "training"):
            raise ValueError(f'statistics is None or "training", got {statistics!r}.')
        return whole if statistics is None else TrainingScaleCanvas(self.generator, wishes)


def read_wished_palette(palette: Any) -> Palette | None:
    """A palette from a tradition's name, a reference picture, or itself.

    Raises:
        ValueError: for a name that is neither a tradition's nor a file's; OSError, TypeError: as `read_picture`.
    """
    if palette is None or isinstance(palette, Palette):
        return palette
    if isinstance(palette, str):
        for tradition in TRADITIONS.values():
            if palette in (tradition.name, tradition.title_zh):
                return tradition.palette
        try:
            return palette_of(palette)
        except FileNotFoundError as error:
            names = ", ".join(f"{one.name} ({one.title_zh})" for one in TRADITIONS.values())
            raise ValueError(f"{palette!r} is neither a tradition ({names}) nor a picture's file.") from error
    return palette_of(palette)


def read_seeds(seed: Seeds, count: int, generator: torch.Generator | None = None) -> list[int | None]:
    """The seed of each colouring of a picture; see `LandscapeColorizer.__call__`.

    Raises:
        ValueError: for a count below 1, a list of another length, or a negative seed.
    """
    if count < 1:
        raise ValueError(f"num_images_per_prompt must be at least 1, got {count}.")
    if seed is None and generator is not None:
        seed = int(torch.randint(1 << 30, (), generator=generator, device=generator.device))
    if seed is None:
        seeds: list[int | None] = [None, *range(count - 1)]
    elif isinstance(seed, int):
        seeds = list(range(seed, seed + count))
    else:
        seeds = list(seed)
    if len(seeds) != count or any(one is not None and one < 0 for one in seeds):
        raise ValueError(f"seed takes {count} numbers of 0 or more, as many as num_images_per_prompt, got {seed}.")
    return seeds


def full_size_uncertainty(canvas: Any, height: int, width: int) -> np.ndarray:
    """The canvas's uncertainty stretched over the picture, (H, W) float32; ValueError of a network that has none."""
    if not isinstance(canvas, TwoNetCanvas):
        raise ValueError("The paper's networks do not say how sure they are; the default network does.")
    view = torch.from_numpy(canvas.uncertainty())[None, None]
    return torch.nn.functional.interpolate(view, size=(height, width), mode="bilinear")[0, 0].numpy()
