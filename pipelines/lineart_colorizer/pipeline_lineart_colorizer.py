"""Colour line art in the colours of a reference picture."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import ModelMixin
from diffusers.utils import BaseOutput
from PIL import Image
from torch import Tensor

from pipelines.guided_upsampling import GuidedUpsampling
from pipelines.hints import hint_map, read_hints
from pipelines.images import Picture, read_picture, read_pictures, write_pictures
from pipelines.line_extraction import xdog
from pipelines.lineart_colorizer.colouring_canvas import ColouringCanvas
from pipelines.lineart_colorizer.drawing_pixels import is_drawing, on_paper, spread, to_8_bit, to_grey, to_tensor
from pipelines.lineart_colorizer.even_colour import even_out, spread_hints
from pipelines.pretrained import PretrainedPipeline
from pipelines.tiles import Canvas, Progress, paint_tiles, shrink

REFERENCE_AREA = 256 * 256
EVENNESS = 0.7  # on validation drawings about as much changes inside regions, against across lines, as in real ones
NOT_A_DRAWING = "The picture is not a line drawing: its lines were extracted first."
BLANK = "The page is blank: there is nothing that colours could follow."
GREY_REFERENCE = "The reference has hardly any colour, and so has the result."


@dataclass
class LineArtOutput(BaseOutput):
    """What `LineArtColorizer` returns.

    Args:
        images: coloured drawings, one for each drawing.
        notes: for each drawing what its owner should know of it, as sentences; mostly none.
    """

    images: Any
    notes: list[list[str]] = field(default_factory=list)


class LineArtColorizer(PretrainedPipeline):
    """Colour a drawing, of any size, in the colours of one or more reference pictures.

    The networks run once, on a view of the whole drawing of at most `view_area` pixels; a larger drawing takes the
    colours over by guided upsampling, tile by tile: its lines stay sharp, it has no seams, and it costs memory for
    one tile.

    Args:
        generator: a `LineArtGenerator` (the default) or the paper's `SwishUNetGenerator`.
        style_encoder: what the generator was trained with: a `ReferenceEncoder`, or one of the paper's encoders.
    """

    model_cpu_offload_seq = "style_encoder->generator"

    def __init__(self, generator: ModelMixin, style_encoder: ModelMixin):
        super().__init__()
        self.register_modules(generator=generator, style_encoder=style_encoder)

    @property
    def view_area(self) -> int:
        """Pixels of the largest view that `canvas` wants to see of the whole drawing."""
        return getattr(self.generator.config, "view_area", 512 * 512)

    @torch.no_grad()
    def __call__(
        self,
        image: Any,
        reference: Any,
        hints: Any = None,
        keep_lines: bool = False,
        reference_weights: list[float] | None = None,
        evenness: float = EVENNESS,
        generator: torch.Generator | None = None,
        output_type: str = "pil",
        return_dict: bool = True,
        progress: Progress | None = None,
    ) -> LineArtOutput | tuple:
        """Colour one drawing or several.

        Args:
            image: the drawing: a PIL image, a path, an (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) array, a
                (1 | 3 | 4, H, W) tensor in [0, 1], or a list of these, of any sizes. Transparency is kept. Of a
                photograph or a coloured picture the lines are extracted first, and a note says so.
            reference: the picture whose colours are to be used, or a list of several.
            hints: colours of single places, see `hints.read_hints`; they spread to what no line parts from them.
                Where `image` is a list, a list with the hints (or None) of each.
            keep_lines: leave no pixel lighter than the drawing has it: its ink stays exactly as it is.
            reference_weights: how much each reference counts; None: all alike.
            evenness: 0 leaves the network's colours as they are, 1 makes them even within lines, see `even_out`.
            generator: accepted as in every pipeline; colouring draws no random numbers.
            output_type: "pil", "np" (H, W, 3) in [0, 1], or "pt" (3, H, W) in [0, 1].
            return_dict: return a `LineArtOutput` rather than a tuple.
            progress: called as progress(tiles done, tiles in all) for each drawing; an exception raised in it stops
                the work and reaches the caller.

        Returns:
            `.images`: a list with one picture for each drawing, of its size; `.notes`: a list of sentences for each.

        Raises:
            ValueError, OSError: for an input that is no picture, hints that do not fit, or options out of range; the
                message says what was given and what is allowed.

        Example:
            >>> pipe = LineArtColorizer.from_pretrained()
            >>> pipe("drawing.png", reference="palette.jpg").images[0].save("coloured.png")
        """
        check_evenness(evenness)
        drawings = read_pictures(image)
        style, grey = self._style(reference, reference_weights)
        several = isinstance(image, (list, tuple)) or len(drawings) > 1
        each = hints if several and hints is not None else [hints] * len(drawings)
        if len(each) != len(drawings):
            raise ValueError(f"Got hints for {len(each)} drawings and {len(drawings)} drawings.")
        coloured, notes = [], []
        for drawing, given in zip(drawings, each, strict=True):
            paper = on_paper(drawing)
            layer = read_hints(given, drawing.height, drawing.width)
            view = shrink(paper, self.view_area)
            canvas = self._canvas(view, drawing.height, drawing.width, style, layer, keep_lines, evenness)
            coloured.append(Picture(paint_tiles(canvas, paper, progress=progress), drawing.alpha))
            notes.append(canvas.notes + [GREY_REFERENCE] * grey)
        images = write_pictures(coloured, output_type)
        return LineArtOutput(images=images, notes=notes) if return_dict else (images, notes)

    def canvas(
        self,
        view: np.ndarray,
        height: int,
        width: int,
        reference: Any = "",
        keep_lines: bool = False,
        hints: Image.Image | None = None,
        evenness: float = EVENNESS,
    ) -> Canvas:
        """Get ready to colour a drawing tile by tile.

        Args:
            view: the whole drawing shrunk to at most `view_area` pixels, (h, w, 3) uint8 or uint16.
            height, width: size of the drawing in pixels.
            reference: file of the picture whose colours are to be used.
            keep_lines: leave no pixel lighter than the drawing has it.
            hints: an RGBA picture of any size that lies over the whole drawing, see `hints.read_hints`.
            evenness: 0 leaves the network's colours as they are, 1 makes them even within lines.

        Raises:
            ValueError: where no reference is given, or for an evenness out of range.
        """
        check_evenness(evenness)
        if not reference:
            raise ValueError("A reference is needed: a picture whose colours the drawing is to take.")
        style, grey = self._style(reference, None)
        layer = None if hints is None else read_hints(hints, hints.height, hints.width)
        canvas = self._canvas(view, height, width, style, layer, keep_lines, evenness)
        canvas.notes += [GREY_REFERENCE] * grey
        return canvas

    @torch.no_grad()
    def _canvas(
        self,
        view: np.ndarray,
        height: int,
        width: int,
        style: dict[str, Tensor],
        layer: np.ndarray | None,
        keep_lines: bool,
        evenness: float,
    ) -> ColouringCanvas:
        lines, extract = to_grey(view, self.device), not is_drawing(view)
        if extract:
            lines = xdog(to_tensor(view, self.device))
        hints = None if layer is None else hint_map(layer, *view.shape[:2]).to(self.device)
        coloured = even_out(self._run(lines, style, hints), lines, evenness)
        if hints is not None:
            coloured = spread_hints(coloured, lines, hints)
        notes = [NOT_A_DRAWING] * extract + [BLANK] * (float(lines.amax() - lines.amin()) < 0.1)
        change = GuidedUpsampling(lines.expand(-1, 3, -1, -1), coloured, height, width)
        return ColouringCanvas(change, keep_lines, extract, notes)

    def _run(self, lines: Tensor, style: dict[str, Tensor], hints: Tensor | None) -> Tensor:
        """The network's colouring of a view, (1, 1, h, w) -> (1, 3, h, w), in [-1, 1] both."""
        height, width = lines.shape[2:]
        pad = (0, -width % self.generator.multiple, 0, -height % self.generator.multiple)
        padded = F.pad(lines, pad, mode="replicate").to(self.generator.dtype)
        if hints is not None:
            hints = F.pad(hints, pad).to(self.generator.dtype)
        return self.generator(padded, style, hints)[:, :, :height, :width].float().clamp(-1, 1)

    def _style(self, reference: Any, weights: list[float] | None) -> tuple[dict[str, Tensor], bool]:
        """The style of one or more references, and whether all of them are grey."""
        given = list(reference) if isinstance(reference, (list, tuple)) else [reference]
        weights = [1.0] * len(given) if weights is None else list(weights)
        if not given or len(weights) != len(given) or min(weights) < 0 or sum(weights) <= 0:
            raise ValueError(
                f"Got {len(given)} references and the weights {weights}: at least one reference is needed, and a "
                "weight of 0 or more for each, not all 0."
            )
        pictures = [read_picture(one) for one, weight in zip(given, weights, strict=True) if weight > 0]
        weights = [weight for weight in weights if weight > 0]
        views = [self._reference_view(on_paper(picture)) for picture in pictures]
        styles = [self.style_encoder(view.to(self.style_encoder.dtype)) for view in views]
        return joined_style(styles, weights), all(float(spread(view)) < 0.04 for view in views)

    def _reference_view(self, pixels: np.ndarray) -> Tensor:
        """A reference at the size it is looked at: sides multiples of 32, about `REFERENCE_AREA` pixels."""
        scale = (REFERENCE_AREA / (pixels.shape[0] * pixels.shape[1])) ** 0.5
        size = [min(1024, max(1, round(side * scale / 32)) * 32) for side in pixels.shape[1::-1]]
        image = Image.fromarray(shrink(to_8_bit(pixels), 4 * REFERENCE_AREA))
        return to_tensor(np.asarray(image.resize(size, Image.Resampling.BICUBIC)), self.device)


def check_evenness(evenness: float) -> None:
    """ValueError unless it is in [0, 1]."""
    if not 0 <= evenness <= 1:
        raise ValueError(f"evenness goes from 0 to 1, got {evenness}.")


def joined_style(styles: list[dict[str, Tensor]], weights: list[float]) -> dict[str, Tensor]:
    """One style of several: the weighted mean of the vectors, and all tokens, each counting by its picture's weight."""
    shares = [weight / sum(weights) for weight in weights]
    joined = {"vector": torch.stack([s["vector"] * share for s, share in zip(styles, shares, strict=True)]).sum(0)}
    if "tokens" in styles[0]:
        joined |= {name: torch.cat([style[name] for style in styles], dim=1) for name in ("tokens", "colours")}
        counts = [style["tokens"].shape[1] for style in styles]
        rows = [torch.full((1, n), share / n).log() for n, share in zip(counts, shares, strict=True)]
        joined["weights"] = torch.cat(rows, dim=1).to(joined["vector"].device)
    return joined
