"""The rows of the table: which pictures each of them paints from the same grey."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from evaluation.gallery import picture_grid, to_image
from evaluation.options import EvaluationOptions
from evaluation.training_record import checkpoints, unfinished
from pipelines.landscape_colorizer import baselines
from pipelines.landscape_colorizer.measured_crops import Crops
from pipelines.landscape_colorizer.pipeline_landscape_colorizer import LandscapeColorizer
from pipelines.pretrained import bundled_folder

METHOD = "landscape_colorizer"
GREY, MEAN, BY_LIGHTNESS = "grey", "mean colour", "mean colour by lightness"
ORACLE, TRUE, DEFAULT = "own mean colour (oracle)", "true colour, kept L* (floor)", "default"


@dataclass(frozen=True)
class Models:
    """The colorizers of the table: row name -> pipeline, and why a row must be marked."""

    pipelines: dict[str, LandscapeColorizer]
    notes: dict[str, str | None]


def load_models(options: EvaluationOptions) -> Models:
    """The paper's rows first, then the default."""
    pipelines, notes = {}, {}
    for name, folder in options.paper_rows().items():
        pipelines[name], notes[name] = LandscapeColorizer.from_pretrained(str(folder)), unfinished(folder)
    if not options.baselines_only:
        pipelines[DEFAULT] = LandscapeColorizer.from_pretrained(options.weights)
        folder = Path(options.weights) if options.weights else bundled_folder(METHOD)
        notes[DEFAULT] = unfinished(folder) if folder.is_dir() else None  # a Hub model's record stays on the Hub
    return Models(pipelines, notes)


def coloured_outputs(
    crops: Crops, colours: baselines.TrainingColours, models: Models, ink: bool = False
) -> dict[str, Tensor]:
    """Row name -> what that row makes of the crops' grey, (N, 3, H, W) uint8; ink has no true colours to know."""
    outputs = {
        GREY: crops.grey,
        MEAN: baselines.mean_colour(crops.grey, colours),
        BY_LIGHTNESS: baselines.mean_colour_by_lightness(crops.grey, colours),
    }
    if not ink:
        outputs[ORACLE] = baselines.own_mean_colour(crops.grey, crops.real)
        for cell in (64, 32):
            outputs[f"true colour of {cell} px cells (oracle)"] = baselines.cell_colour(crops.grey, crops.real, cell)
        outputs[TRUE] = baselines.true_colour(crops.grey, crops.real)
    return outputs | {name: colour(pipe, crops.grey, name) for name, pipe in models.pipelines.items()}


def colour(pipe: LandscapeColorizer, grey: Tensor, name: str) -> Tensor:
    """Run a pipeline as people do, one picture at a time: (N, 3, H, W) uint8 both."""
    pictures = [np.array(pipe(to_image(picture), return_dict=False)[0][0]) for picture in tqdm(grey, name, leave=False)]
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()


def epochs_figure(run: Path, crops: Crops, rows: int = 5) -> Image.Image:
    """The paper's figure: one crop a row, a run's checkpoints as columns, at most eight of them."""
    kept = list(checkpoints(run).items())
    picked = [kept[round(i * (len(kept) - 1) / max(min(len(kept), 8) - 1, 1))] for i in range(min(len(kept), 8))]
    some = torch.linspace(0, len(crops) - 1, min(rows, len(crops))).round().long()
    columns = {"real": crops.real[some], GREY: crops.grey[some]}
    for name, folder in picked:
        columns[name] = colour(LandscapeColorizer.from_pretrained(str(folder)), crops.grey[some], name)
    return picture_grid({name: [to_image(picture) for picture in pictures] for name, pictures in columns.items()})
