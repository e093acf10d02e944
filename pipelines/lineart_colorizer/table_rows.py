"""The rows of the table: which pictures each of them makes of the same drawings and references."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from evaluation.gallery import to_image
from evaluation.options import EvaluationOptions
from evaluation.tables import Cell, Row
from evaluation.training_record import read_training, unfinished
from pipelines.lineart_colorizer import baselines
from pipelines.lineart_colorizer.measured_drawings import REFERENCES, Drawings
from pipelines.lineart_colorizer.networks_lineart_colorizer import LineArtGenerator
from pipelines.lineart_colorizer.pipeline_lineart_colorizer import EVENNESS, LineArtColorizer
from pipelines.pretrained import bundled_folder

METHOD = "lineart_colorizer"
REAL, DEFAULT = "the target itself (floor)", "default"
RAW = f"{DEFAULT}, evenness 0"
GREY, MEAN = "grey: the drawing uncoloured", "mean colour of training pictures"
TINT, PALETTE = "mean colour of the reference", "palette by brightness"
BASELINES = (GREY, MEAN, TINT, PALETTE)

_PUBLISHED = (
    "published by the paper, on other pictures (not named); it says neither against which image PSNR, SSIM and FSIM "
    "are computed nor whether the reference was the target itself"
)
PUBLISHED = (
    Row("GAN only (published)", {"fid": Cell(99.663)}, _PUBLISHED),
    Row("guides (published)", {"fid": Cell(98.326)}, _PUBLISHED),
    Row("this method (published)", {"psnr": Cell(17.486), "ssim": Cell(0.812323), "fsim": Cell(0.819591)}, _PUBLISHED),
    Row("Style2paints (published)", {"psnr": Cell(15.632), "ssim": Cell(0.784283), "fsim": Cell(0.791362)}, _PUBLISHED),
)


@dataclass(frozen=True)
class Models:
    """The colorizers of the table: row name -> pipeline, and why a row must be marked."""

    pipelines: dict[str, LineArtColorizer]
    notes: dict[str, str | None]

    def dtypes(self) -> dict[str, str]:
        """What each row's networks compute in."""
        return {name: str(pipe.generator.dtype).removeprefix("torch.") for name, pipe in self.pipelines.items()}


def load_models(options: EvaluationOptions) -> Models:
    """The paper's rows in the order given, then the default.

    Raises:
        OSError, ValueError: if a folder holds no colorizer of drawings.
    """
    pipelines, notes = {}, {}
    for name, folder in options.paper_rows().items():
        pipelines[name] = LineArtColorizer.from_pretrained(str(folder))
        notes[name] = _note(pipelines[name], folder)
    if not options.baselines_only:
        pipelines[DEFAULT] = LineArtColorizer.from_pretrained(options.weights)
        folder = Path(options.weights) if options.weights else bundled_folder(METHOD)
        notes[DEFAULT] = unfinished(folder) if folder.is_dir() else None  # a Hub model's record stays on the Hub
    return Models(pipelines, notes)


Outputs = dict[str, dict[str, Tensor]]  # kind of reference -> row -> (N, 3, S, S) uint8


def coloured_outputs(drawings: Drawings, training_colour: Tensor, models: Models) -> Outputs:
    """What every row makes of the drawings, for both kinds of reference.

    Rows that look at no reference give one and the same tensor for both.

    Args:
        training_colour: (3,) from 0 to 255, mean of the training pictures.
    """
    lines = drawings.lines
    blind = {GREY: baselines.uncoloured(lines), MEAN: baselines.mean_colour(lines, training_colour)}
    outputs = {}
    for kind in REFERENCES:
        references = drawings.references(kind)[0]
        rows = {
            TINT: baselines.mean_colour(lines, references.float().mean((2, 3))),
            PALETTE: baselines.palette_by_brightness(lines, references),
        }
        for name, pipe in models.pipelines.items():
            rows[name] = colour(pipe, lines, references, f"{name}, {kind}")
            if name == DEFAULT:
                rows[RAW] = colour(pipe, lines, references, f"{RAW}, {kind}", evenness=0.0)
        outputs[kind] = {REAL: drawings.pictures} | blind | rows
    return outputs


def colour(
    pipe: LineArtColorizer, lines: Tensor, references: Tensor, name: str, evenness: float | None = None
) -> Tensor:
    """Run a pipeline as people do, one drawing and one reference at a time.

    Args:
        lines: (N, 1, H, W) uint8.
        references: (N, 3, h, w) uint8.
        name: of the work, for its progress.
        evenness: see `paint`.

    Returns:
        (N, 3, H, W) uint8.
    """
    pairs = tqdm(list(zip(lines, references, strict=True)), name, leave=False)
    outputs = [paint(pipe, drawing, reference, evenness) for drawing, reference in pairs]
    return torch.stack(outputs) if outputs else torch.empty(0, 3, *lines.shape[2:], dtype=torch.uint8)


def paint(pipe: LineArtColorizer, drawing: Tensor, reference: Tensor, evenness: float | None = None) -> Tensor:
    """Run a pipeline on one drawing.

    Args:
        drawing: (1, H, W) uint8.
        reference: (3, h, w) uint8.
        evenness: None: the pipeline's own, but none for the paper's networks, which are measured as they are.

    Returns:
        (3, H, W) uint8.
    """
    if evenness is None:
        evenness = EVENNESS if isinstance(pipe.generator, LineArtGenerator) else 0.0
    images = pipe(to_image(drawing.expand(3, -1, -1)), to_image(reference), evenness=evenness, return_dict=False)[0]
    return torch.from_numpy(np.array(images[0].convert("RGB"))).permute(2, 0, 1).contiguous()


def trained_names(outputs: Sequence[str]) -> list[str]:
    """The rows that were trained."""
    return [name for name in outputs if name not in (*BASELINES, REAL)]


def _note(pipe: LineArtColorizer, folder: Path) -> str | None:
    """What must be said of a row of the paper's model: style vector, width and size, whether it was trained to the end.

    The paper's are VGG-19's vector, 32 channels and 256 px.
    """
    kind = getattr(pipe.style_encoder.config, "kind", None)
    notes = [f"style vector {kind}" + ("" if kind == "vgg19-fc" else ", not the paper's vgg19-fc")] if kind else []
    config = (read_training(folder) or {}).get("config", {})
    if {"width", "size", "rights"} <= config.keys():
        size = f"{config['width']} channels, crops of {config['size']} px"
        notes.append(f"trained with {size} on pictures of {config['rights']} rights")
    return "; ".join(filter(None, [*notes, unfinished(folder)])) or None
