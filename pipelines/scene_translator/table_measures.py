"""Every measure of every translated scene, and what the table says of a row of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from evaluation.bootstrap import ClusterDraws, draw_clusters, mean_interval
from evaluation.colour import colourfulness, mean_chroma
from evaluation.distribution import Inception, fid
from evaluation.feature_cache import FeatureCache
from evaluation.image_quality import fsim, psnr, ssim
from evaluation.packaged_weights import INCEPTION
from evaluation.paired import Measured, kid_cell, select
from evaluation.picture_classifier import VggStatistics
from evaluation.tables import Cell
from pipelines.scene_translator.classifier import Judge
from pipelines.scene_translator.table_rows import Outputs

FLOOR_DRAWS = 20
_STRENGTHS = ("chroma", "colourfulness")
_OF_EQUALS = {"psnr": np.inf, "ssim": 1.0, "fsim": 1.0}


_LIKENESS = {"psnr": psnr, "ssim": ssim, "fsim": fsim}


class SceneMeasures:
    """Measures scenes by themselves and translations against their inputs.

    Args:
        cache: remembers the features of pictures.
        batch: pictures at a time.
    """

    def __init__(self, cache: FeatureCache, batch: int = 8):
        self.cache, self.batch = cache, batch

    @cached_property
    def _inception(self) -> Inception:
        return Inception(self.batch)

    @cached_property
    def _vgg(self) -> VggStatistics:
        return VggStatistics(batch=self.batch)

    def inception(self, pictures: Tensor, keep: bool = False) -> np.ndarray:
        """(N, 3, H, W) uint8 -> (N, 2048). `keep`: the pictures do not change from run to run."""
        name = f"inception-{INCEPTION.sha256[:8]}"
        return self.cache(name, pictures, lambda new: self._inception(tqdm(new, "Inception", leave=False)), keep)

    def vgg(self, pictures: Tensor, keep: bool = False) -> np.ndarray:
        """(N, 3, H, W) uint8 -> (N, 2944)."""
        return self.cache(self._vgg.name, pictures, self._vgg, keep)

    def scenes(self, pictures: Tensor, judge: Judge, target: str, keep: bool = False) -> Measured:
        """What pictures, (N, 3, H, W) uint8, show by themselves: strength of colour, class, features."""
        parts = [part.float() / 255 for part in pictures.split(self.batch)]
        values = {
            "chroma": torch.cat(list(map(mean_chroma, parts))).numpy(),
            "colourfulness": torch.cat(list(map(colourfulness, parts))).numpy(),
        }
        return Measured(values | judge.assigned(self.vgg(pictures, keep), target), self.inception(pictures, keep))

    def __call__(self, inputs: Tensor, outputs: Outputs, judge: Judge, target: str, keep: bool = False) -> Measured:
        """Measure a row's outputs by themselves and against their inputs, (N, 3, H, W) uint8.

        Raises:
            ValueError: if the outputs differ in shape from the inputs.
        """
        measured = self.scenes(outputs.there, judge, target, keep)
        likeness = self.likeness(inputs, outputs.there, ("psnr", "ssim", "fsim"))
        if outputs.back is not None:
            back = self.likeness(inputs, outputs.back, ("psnr", "ssim"))
            likeness |= {f"back_{name}": values for name, values in back.items()}
        return Measured(measured.values | likeness, measured.features)

    @torch.no_grad()
    def likeness(self, inputs: Tensor, outputs: Tensor, measures: Sequence[str]) -> dict[str, np.ndarray]:
        """ "psnr", "ssim" and "fsim" of pairs of pictures, (N, 3, H, W) uint8: (N,) each. Equal ones are not looked at.

        Raises:
            ValueError: if the shapes differ.
        """
        if inputs.shape != outputs.shape:
            raise ValueError(f"Outputs are {tuple(outputs.shape)}, their inputs {tuple(inputs.shape)}.")
        values = {name: np.full(len(inputs), _OF_EQUALS[name]) for name in measures}
        differ = (inputs != outputs).flatten(1).any(1).nonzero().flatten()
        for rows in tqdm(differ.split(self.batch) if len(differ) else (), "likeness", leave=False):
            first, second = inputs[rows].float() / 255, outputs[rows].float() / 255
            for name in measures:
                values[name][rows.numpy()] = _LIKENESS[name](first, second).double().numpy()
        return values


@dataclass(frozen=True)
class Ground:
    """What the rows of one direction stand on: real pictures and what was measured of them."""

    inputs: Measured  # pictures of the source class
    input_ids: list[str]
    targets: Measured  # pictures of the target class, of the same split
    target_ids: list[str]
    training: np.ndarray  # (M, 2048), Inception's features of training pictures of the target class

    def select(self, inputs: np.ndarray, targets: np.ndarray, training: np.ndarray) -> "Ground":
        """The pictures picked by boolean arrays."""
        own, others = (
            [name for name, inside in zip(ids, chosen, strict=True) if inside]
            for ids, chosen in ((self.input_ids, inputs), (self.target_ids, targets))
        )
        return Ground(select(self.inputs, inputs), own, select(self.targets, targets), others, self.training[training])


def summarise_row(measured: Measured, ground: Ground, seed: int) -> dict[str, Cell]:
    """A row's means with intervals over pictures, FID, KID, and how strong its colours are beside those of others."""
    draws, target_draws = _draws(ground, seed)
    cells = {name: mean_cell(values, draws) for name, values in measured.values.items()}
    cells |= _relations(cells, ground)
    cells["fid"] = Cell(fid(ground.targets.features, measured.features))
    cells["kid"] = kid_cell(ground.targets.features, measured.features, target_draws, draws, seed)
    return cells


def summarise_targets(ground: Ground, seed: int) -> dict[str, Cell]:
    """The real pictures of the target class by themselves: what share is recognised, how strong are their colours."""
    draws = _draws(ground, seed)[1]
    cells = {name: mean_cell(values, draws) for name, values in ground.targets.values.items()}
    return cells | _relations(cells, ground)


def summarise_training(ground: Ground, seed: int) -> tuple[dict[str, Cell], dict[str, Cell]]:
    """Real training pictures against the test pictures of the same class: as near as a row can be expected to come.

    FID falls with the number of pictures, so it is given twice: of as many as are translated, the mean over draws, and
    of all at once. KID has no such bias.
    """
    size = min(len(ground.input_ids), len(ground.training))
    rng = np.random.default_rng(seed)
    drawn = [ground.training[rng.permutation(len(ground.training))[:size]] for _ in range(FLOOR_DRAWS)]
    distances = np.array([fid(ground.targets.features, features) for features in drawn])
    draws = draw_clusters([str(number) for number in range(len(ground.training))], seed=seed)
    kid = kid_cell(ground.targets.features, ground.training, _draws(ground, seed)[1], draws, seed)
    as_many = {"fid": Cell(float(distances.mean()), std=float(distances.std())), "kid": kid}
    return as_many, {"fid": Cell(fid(ground.targets.features, ground.training)), "kid": kid}


def mean_cell(values: np.ndarray, draws: ClusterDraws) -> Cell:
    """Mean with its interval; without one where a value is infinite, as PSNR of equal pictures is."""
    mean = float(values.mean())
    return Cell(mean, *mean_interval(values, draws)) if np.isfinite(values).all() else Cell(mean)


def _draws(ground: Ground, seed: int) -> tuple[ClusterDraws, ClusterDraws]:
    """Bootstrap samples of the inputs and, independent of them, of the target class's pictures."""
    return draw_clusters(ground.input_ids, seed=seed), draw_clusters(ground.target_ids, seed=seed + 1)


def _relations(cells: dict[str, Cell], ground: Ground) -> dict[str, Cell]:
    """Strength of colour as a fraction of the inputs' and of the real targets'; the share assigned, of real ones'."""
    relations = {}
    for name in _STRENGTHS:
        relations[f"{name}_of_input"] = _fraction(cells[name], ground.inputs.values[name])
        relations[f"{name}_of_target"] = _fraction(cells[name], ground.targets.values[name])
    relations["assigned_of_real"] = _fraction(cells["assigned"], ground.targets.values["assigned"])
    return relations


def _fraction(cell: Cell, values: np.ndarray) -> Cell:
    return Cell(cell.value / max(float(values.mean()), 1e-6))
