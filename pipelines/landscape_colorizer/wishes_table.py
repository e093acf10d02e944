"""The table's third part: does the colorizer do what it is asked? On the middle of whole paintings.

Faded paintings are made by `pipelines.landscape_colorizer.fading`, and restored ones compared with leaving them as they
are. Hints are the painting's own colours at eight random places. Variants are measured against each other, and how sure
the network is against how far it is off.
"""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from evaluation.bootstrap import draw_clusters, mean_interval
from evaluation.colour import ciede2000
from evaluation.perceptual import PerceptualDistance, lpips_network
from evaluation.tables import Cell, Column, Row, Table
from pipelines.color import lab_to_rgb, rgb_to_lab
from pipelines.landscape_colorizer.fading import draw_fading, fade
from pipelines.landscape_colorizer.pipeline_landscape_colorizer import LandscapeColorizer
from pipelines.landscape_colorizer.whole_table import grey_copy, read_sources

SIDE = 256
HINTS = 8
VARIANTS = 4
COLUMNS = (
    Column("ciede2000", "CIEDE2000 to the painting ↓", 2),
    Column("lpips_alex", "LPIPS Alex ↓", 4),
    Column("between", "CIEDE2000 between variants ↑", 2),
    Column("covered", "true chroma within the radius", 3),
)


def wishes_table(sources: tuple[Path, ...], pipe: LandscapeColorizer, seed: int) -> Table:
    """Measure restoration, hints, variants and uncertainty of the default.

    Args:
        sources: see `whole_table`.
        pipe: with the default network.
        seed: of the fading, the hints' places and the bootstrap.
    """
    lpips, rows, count = lpips_network("alex"), dict[str, list[dict[str, float]]](), 0
    for picture in tqdm(read_sources(sources), "what is asked"):
        count += 1
        found = measure_wishes(middle(picture), pipe, lpips, seed + count)
        for name, values in found.items():
            rows.setdefault(name, []).append(values)
    caption = (
        f"N = {count}, the middle {SIDE}x{SIDE} px of each painting. Faded: 15 to 60 % of the chroma left under a veil "
        f"of old silk's tone. Hints: the painting's own colours at {HINTS} random places. Variants: mean of all pairs "
        f"of {VARIANTS}. Within the radius: nominally 0.9. Brackets: 95 % bootstrap intervals over paintings."
    )
    measured = [Row(name, means(values, seed)) for name, values in rows.items()]
    return Table("What is asked of the default", COLUMNS, measured, caption)


def middle(picture: np.ndarray) -> np.ndarray:
    """The middle square of `SIDE` px, (SIDE, SIDE, 3) uint8."""
    top, left = (picture.shape[0] - SIDE) // 2, (picture.shape[1] - SIDE) // 2
    return np.ascontiguousarray(picture[top : top + SIDE, left : left + SIDE])


def measure_wishes(
    real: np.ndarray, pipe: LandscapeColorizer, lpips: PerceptualDistance, seed: int
) -> dict[str, dict[str, float]]:
    """Row name -> measures of one picture."""
    rng = torch.Generator().manual_seed(seed)
    faded, grey = faded_picture(real, rng), grey_copy(real)
    places = (torch.rand(HINTS, 2, generator=rng) * SIDE).long().tolist()
    hints = [(x, y, tuple(real[y, x].tolist())) for x, y in places]
    knows = bool(pipe.generator.config.radius)
    images, _, *radii = pipe(grey, num_images_per_prompt=VARIANTS, return_uncertainty=knows, return_dict=False)
    pictures = [np.asarray(image) for image in images]
    rows = {"grey, coloured": likeness(real, pictures[0], lpips)}
    if knows:
        rows["grey, coloured"]["covered"] = share_covered(real, pictures[0], radii[0][0])
    rows["grey, coloured with hints"] = likeness(real, painted(pipe, grey, hints=hints), lpips)
    likely = [likeness(real, picture, lpips) for picture in pictures[1:]]
    rows["grey, variants"] = {key: float(np.mean([one[key] for one in likely])) for key in likely[0]}
    pairs = [ciede2000(as_tensor(a), as_tensor(b)) for a, b in itertools.combinations(pictures, 2)]
    rows["grey, variants"]["between"] = float(torch.cat(pairs).mean())
    rows["faded, as it is"] = likeness(real, faded, lpips)
    for restore in (0.5, 1.0):
        rows[f"faded, restore {restore}"] = likeness(real, painted(pipe, faded, restore=restore), lpips)
    return rows


def painted(pipe: LandscapeColorizer, picture: np.ndarray, **options: Any) -> np.ndarray:
    """One picture as the pipeline colours it, (H, W, 3) uint8."""
    return np.asarray(pipe(picture, return_dict=False, **options)[0][0])


@torch.no_grad()
def faded_picture(real: np.ndarray, rng: torch.Generator) -> np.ndarray:
    """A painting faded by the stated model, rounded to eight bits: (H, W, 3) uint8 both."""
    lab = rgb_to_lab(as_tensor(real))
    left, tone = draw_fading(torch.rand(1, 3, generator=rng))
    rgb = lab_to_rgb(torch.cat([lab[:, :1], fade(lab[:, 1:], left, tone)], dim=1))
    return (rgb[0].permute(1, 2, 0) * 255).round().byte().numpy()


def share_covered(real: np.ndarray, painted: np.ndarray, radius: np.ndarray) -> float:
    """Share of pixels whose true chroma lies within the radius around the painted one."""
    first, second = (rgb_to_lab(as_tensor(picture))[0, 1:] for picture in (real, painted))
    return float(((first - second).norm(dim=0).numpy() <= radius).mean())


@torch.no_grad()
def likeness(real: np.ndarray, output: np.ndarray, lpips: PerceptualDistance) -> dict[str, float]:
    """CIEDE2000 and LPIPS of one picture."""
    first, second = as_tensor(real), as_tensor(output)
    return {
        "ciede2000": float(ciede2000(first, second)),
        "lpips_alex": float(lpips(first * 2 - 1, second * 2 - 1)),
    }


def as_tensor(picture: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 -> (1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255


def means(values: list[dict[str, float]], seed: int) -> dict[str, Cell]:
    """Each measure's mean over the paintings, with its interval."""
    draws = draw_clusters([str(number) for number in range(len(values))], seed=seed)
    table = {key: np.array([one[key] for one in values]) for key in values[0]}
    return {key: Cell(float(column.mean()), *mean_interval(column, draws)) for key, column in table.items()}
