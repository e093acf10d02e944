"""What another reference changes in an output, and what the places in the reference do: palette, not structure."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from evaluation.bootstrap import draw_clusters
from evaluation.colour import ciede2000
from evaluation.image_quality import fsim
from evaluation.palette import palette_distance, palettes
from evaluation.tables import Cell, Row
from pipelines.lineart_colorizer.baselines import palette_by_brightness
from pipelines.lineart_colorizer.measured_drawings import OTHER, TARGET, Drawings
from pipelines.lineart_colorizer.table_rows import PALETTE, Models, Outputs, colour
from pipelines.lineart_colorizer.table_summaries import mean_cell, ratio_cell

SWAPPED = 48  # drawings looked at, evenly spread
_BATCH = 8

Painter = Callable[[Tensor, Tensor], Tensor]  # lines (N, 1, H, W) and references (N, 3, h, w) -> (N, 3, H, W), uint8


def painters(models: Models) -> dict[str, Painter]:
    """The rows that look at references: a baseline that copies no place, then the trained ones."""
    painters: dict[str, Painter] = {PALETTE: palette_by_brightness}
    for name, pipe in models.pipelines.items():
        painters[name] = lambda lines, references, pipe=pipe, name=name: colour(
            pipe, lines, references, f"{name}, mirrored"
        )
    return painters


def swapped_rows(
    drawings: Drawings, outputs: Outputs, painters: Mapping[str, Painter], seed: int, limit: int = SWAPPED
) -> tuple[list[Row], int]:
    """How far two outputs of one drawing are apart: with either kind of reference, and with one mirrored.

    Returns:
        a row for each painter, and the number of drawings that were looked at.
    """
    some = np.linspace(0, len(drawings) - 1, min(limit, len(drawings))).round().astype(int)
    picked = torch.from_numpy(some)
    lines, references = drawings.lines[picked], drawings.others[picked]
    between = _palette_distances(drawings.pictures[picked], references)
    draws = draw_clusters([drawings.pages[row] for row in some], seed=seed)
    rows = []
    for name, paint in painters.items():
        first, second = (outputs[kind][name][picked] for kind in (TARGET, OTHER))
        mirrored = paint(lines, references.flip(3))
        colours = _palette_distances(first, second)
        cells: dict[str, Cell] = {
            "swap_colours": mean_cell(colours, draws),
            "swap_part": ratio_cell(colours, between, draws),
            "swap_structure": mean_cell(_measured(fsim, first, second), draws),
            "swap_difference": mean_cell(_measured(ciede2000, first, second), draws),
            "mirror_difference": mean_cell(_measured(ciede2000, second, mirrored), draws),
        }
        rows.append(Row(name, cells))
    return rows, len(some)


def _palette_distances(first: Tensor, second: Tensor) -> np.ndarray:
    """Of pairs of pictures, (N, 3, H, W) uint8: (N,)."""
    pairs = zip(palettes(first.float() / 255), palettes(second.float() / 255), strict=True)
    return np.array([palette_distance(one, other) for one, other in pairs])


def _measured(measure: Callable[[Tensor, Tensor], Tensor], first: Tensor, second: Tensor) -> np.ndarray:
    """A measure of pairs of pictures, (N, 3, H, W) uint8: (N,)."""
    batches = zip(first.split(_BATCH), second.split(_BATCH), strict=True)
    return torch.cat([measure(one.float() / 255, other.float() / 255) for one, other in batches]).double().numpy()
