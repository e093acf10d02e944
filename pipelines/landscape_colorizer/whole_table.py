"""The table's second part: whole paintings and scrolls, as they are and cut up.

Each row colours the grey of a painting, whose own colours are the truth. Beside the likeness it is measured whether
joints show, whether the place of the tiles matters, and whether the whole is as vivid as its 256x256 crops. The paper's
demonstration stands beside the default: its networks tiled and stitched, ResNet-9 as a whole, and ResNet-9 with its
statistics at the training scale.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from evaluation.bootstrap import draw_clusters, mean_interval
from evaluation.colour import colour_measures
from evaluation.perceptual import PerceptualDistance, lpips_network
from evaluation.seams import chroma_of_whole_and_crops, seam_ratio
from evaluation.tables import Cell, Column, Row, Table
from pipelines.color import grey_of
from pipelines.landscape_colorizer import baselines
from pipelines.landscape_colorizer.networks_pix2pix import ResNetGenerator
from pipelines.landscape_colorizer.pipeline_landscape_colorizer import LandscapeColorizer
from pipelines.tiles import paint_tiles, sample, shrink, tiles

TILE = 256
SHIFT = 96  # px that the tiles are moved by to see whether their place matters; a multiple of 8
_MOST_CROPS = 24  # of a picture, evenly spread
_PERCEPTUAL_AREA = 2_000_000  # px: larger pictures are shrunk for LPIPS, whose memory grows with them
_LEAST_SIDE = 2 * TILE

COLUMNS = (
    Column("lpips_alex", "LPIPS Alex ↓", 4),
    Column("ciede2000", "CIEDE2000 ↓", 2),
    Column("colourfulness_ratio", "colourfulness, of real", 3),
    Column("whole_crops", "chroma, whole over crops", 3),
    Column("seam", "seam ratio", 3),
    Column("shift", "grid shift, levels", 0),
)
_CAPTION = (
    "Colourfulness: M3, of the real pictures' mean. Whole over crops: mean chroma of the whole over that of its "
    "256x256 crops, each coloured alone. Seam ratio: CIEDE2000 steps across tile borders over steps elsewhere, over "
    "the same of the grey. Grid shift: the most that a channel changes when the tiles move by 96 px, in 8-bit levels. "
    "LPIPS beyond 2 megapixels is of the pictures shrunk to that. Brackets: 95 % bootstrap intervals over paintings."
)

Paint = Callable[[np.ndarray, int], np.ndarray]
"""(H, W, 3) uint8 grey, and by how many pixels the grid of tiles is shifted -> the same, coloured."""


@dataclass(frozen=True)
class Painter:
    """A row: how it colours a picture, and in what tiles, None if it does not cut."""

    paint: Paint
    tile: int | None


def whole_table(
    sources: tuple[Path, ...], pipelines: dict[str, LandscapeColorizer], colours: baselines.TrainingColours, seed: int
) -> Table:
    """Colour every picture by every row and measure it.

    Args:
        sources: picture files, and parquet files, of which the coloured pictures are taken.
        pipelines: row name -> pipeline.
        colours: the training set's, for the baselines.
        seed: of the bootstrap.

    Raises:
        OSError, ValueError: for a source that is missing, holds no picture, or only pictures too small to be cut.
    """
    lpips = lpips_network("alex")
    values: dict[str, list[dict[str, float]]] = {}
    count = 0
    for real in tqdm(read_sources(sources), "whole paintings"):
        count += 1
        truth = torch.from_numpy(real.copy()).permute(2, 0, 1)[None]
        pixels = grey_copy(real)
        grey = torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()
        for name, output in baseline_outputs(grey, truth, colours).items():
            values.setdefault(name, []).append(likeness(truth, output, lpips))
        for name, painter in painters(pipelines).items():
            values.setdefault(name, []).append(measure(painter, pixels, truth, lpips))
    if not count:
        raise ValueError(f"No picture with sides of at least {_LEAST_SIDE} px in {', '.join(map(str, sources))}.")
    rows = [Row(name, summarise(measures, seed)) for name, measures in values.items()]
    return Table("Whole paintings", COLUMNS, rows, f"N = {count} paintings. {_CAPTION}")


def read_sources(sources: tuple[Path, ...]) -> Iterator[np.ndarray]:
    """Each coloured picture with sides of at least 512 px, (H, W, 3) uint8."""
    for source in sources:
        if source.suffix == ".parquet":
            columns = [name for name in ("image", "group") if name in pq.read_schema(source).names]
            rows = pq.read_table(source, columns=columns).to_pylist()
            files = [io.BytesIO(row["image"]["bytes"]) for row in rows if row.get("group") != "ink"]
        else:
            files = [source]
        for file in files:
            picture = np.asarray(Image.open(file).convert("RGB"))
            if min(picture.shape[:2]) >= _LEAST_SIDE:
                yield picture


def grey_copy(real: np.ndarray) -> np.ndarray:
    """A painting in grey of its luminance, which is what a colorizer is given: (H, W, 3) uint8 both."""
    rgb = torch.from_numpy(real.copy()).permute(2, 0, 1)[None] / 255
    return (grey_of(rgb) * 255).round().byte()[0].expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy()


def baseline_outputs(grey: Tensor, truth: Tensor, colours: baselines.TrainingColours) -> dict[str, Tensor]:
    """What needs no model: row name -> (1, 3, H, W) uint8."""
    return {
        "grey": grey,
        "mean colour": baselines.mean_colour(grey, colours),
        "own mean colour (oracle)": baselines.own_mean_colour(grey, truth),
        "true colour of 64 px cells (oracle)": baselines.cell_colour(grey, truth, 64),
        "true colour of 32 px cells (oracle)": baselines.cell_colour(grey, truth, 32),
    }


def painters(pipelines: dict[str, LandscapeColorizer]) -> dict[str, Painter]:
    """The rows of models: the default in tiles, the paper's cut into tiles, whole, and with placed statistics."""
    rows: dict[str, Painter] = {}
    for name, pipe in pipelines.items():
        if hasattr(pipe.generator, "plan"):
            rows[name] = Painter(by_canvas(pipe), TILE)
            continue
        rows[f"{name}, tiled and stitched"] = Painter(stitched(pipe), TILE)
        if isinstance(pipe.generator, ResNetGenerator):
            rows[f"{name}, whole"] = Painter(by_canvas(pipe), None)
            if pipe.generator.config.norm == "instance":
                rows[f"{name}, statistics at training scale"] = Painter(by_canvas(pipe, statistics="training"), None)
    return rows


def by_canvas(pipe: LandscapeColorizer, statistics: str | None = None) -> Paint:
    """Decide once, then paint tile by tile where the network can."""

    def paint(pixels: np.ndarray, shift: int) -> np.ndarray:
        view, samples = shrink(pixels, pipe.view_area), sample(pixels, pipe.sample_side)
        canvas = pipe.canvas(view, *pixels.shape[:2], statistics=statistics, samples=samples)
        return paint_tiles(canvas, pixels, TILE, offset=(shift, shift))

    return paint


def stitched(pipe: LandscapeColorizer) -> Paint:
    """The paper's demonstration: each tile a picture of its own."""

    def paint(pixels: np.ndarray, shift: int) -> np.ndarray:
        painted = np.empty_like(pixels)
        height, width = pixels.shape[:2]
        for box in tiles(height, width, TILE, 0, offset=(shift, shift)):
            part = np.ascontiguousarray(pixels[box.top : box.bottom, box.left : box.right])
            canvas = pipe.canvas(part, box.bottom - box.top, box.right - box.left)
            painted[box.top : box.bottom, box.left : box.right] = canvas.paint(part, 0, 0)
        return painted

    return paint


def measure(painter: Painter, pixels: np.ndarray, truth: Tensor, lpips: PerceptualDistance) -> dict[str, float]:
    """Every column of one picture by one row."""
    painted = painter.paint(pixels, 0)
    found = likeness(truth, torch.from_numpy(painted.copy()).permute(2, 0, 1)[None], lpips)
    found["whole_crops"] = whole_over_crops(painter.paint, pixels, painted)
    if painter.tile is not None:
        found["seam"] = seam_ratio(painted, pixels, painter.tile)
        moved = painter.paint(pixels, SHIFT)
        found["shift"] = float(np.abs(painted.astype(np.int16) - moved).max())
    return found


def whole_over_crops(paint: Paint, pixels: np.ndarray, painted: np.ndarray) -> float:
    """Mean chroma of a picture that was painted whole, over that of its 256x256 crops, each painted alone."""
    places = list(crop_places(*pixels.shape[:2]))
    crops = [paint(np.ascontiguousarray(pixels[y : y + TILE, x : x + TILE]), 0) for y, x in places]
    same = np.concatenate([painted[y : y + TILE, x : x + TILE] for y, x in places])
    return chroma_of_whole_and_crops(same, crops)


def crop_places(height: int, width: int) -> Iterator[tuple[int, int]]:
    """(top, left) of at most 24 crops on a grid, evenly picked."""
    places = [(y, x) for y in range(0, height - TILE + 1, TILE) for x in range(0, width - TILE + 1, TILE)]
    picked = np.unique(np.linspace(0, len(places) - 1, min(len(places), _MOST_CROPS)).round().astype(int))
    yield from (places[number] for number in picked)


def likeness(truth: Tensor, output: Tensor, lpips: PerceptualDistance) -> dict[str, float]:
    """LPIPS, CIEDE2000 and colourfulness of one picture, (1, 3, H, W) uint8 both."""
    first, second = truth.float() / 255, output.float() / 255
    measured = colour_measures(first, second)
    scale = min(1.0, (_PERCEPTUAL_AREA / (truth.shape[2] * truth.shape[3])) ** 0.5)
    if scale < 1:
        small = {"scale_factor": scale, "mode": "area"}
        first, second = (torch.nn.functional.interpolate(x, **small) for x in (first, second))
    with torch.no_grad():
        distance = float(lpips(first * 2 - 1, second * 2 - 1))
    names = ("ciede2000", "colourfulness", "real_colourfulness")
    return {"lpips_alex": distance} | {name: float(measured[name]) for name in names}


def summarise(measures: list[dict[str, float]], seed: int) -> dict[str, Cell]:
    """Means over the pictures with intervals; the grid shift's largest."""
    draws = draw_clusters([str(number) for number in range(len(measures))], seed=seed)
    table = {key: np.array([one[key] for one in measures]) for key in measures[0]}
    cells = {"colourfulness_ratio": Cell(table["colourfulness"].mean() / max(table["real_colourfulness"].mean(), 1e-9))}
    for key in ("lpips_alex", "ciede2000", "whole_crops", "seam"):
        if key in table:
            cells[key] = Cell(float(table[key].mean()), *mean_interval(table[key], draws))
    if "shift" in table:
        cells["shift"] = Cell(float(table["shift"].max()))
    return cells
