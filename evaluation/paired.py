"""Measure pictures against the true ones: every measure of every pair, and what is said of a group of pairs."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from evaluation.bootstrap import ClusterDraws, Interval, draw_clusters, interval, mean_interval
from evaluation.colour import colour_measures
from evaluation.distribution import Inception, KernelDistance, fid
from evaluation.image_quality import fsim, psnr, ssim
from evaluation.perceptual import PerceptualDistance, lpips_network
from evaluation.tables import Cell

KID_SUBSETS = 100
KID_SUBSET_SIZE = 50
_INTERVALS = ("lpips_alex", "lpips_vgg", "psnr")


@dataclass(frozen=True)
class Measured:
    """The measures of N pictures: `values` has (N,) arrays by name, `features` is (N, 2048) of Inception."""

    values: dict[str, np.ndarray]
    features: np.ndarray


class PairedMeasures:
    """Measures pictures against the true ones.

    Args:
        batch: pairs at a time; it bounds the memory.
    """

    def __init__(self, batch: int = 4):
        self.batch = batch

    @cached_property
    def inception(self) -> Inception:
        return Inception(self.batch)

    @cached_property
    def _lpips(self) -> dict[str, PerceptualDistance]:
        return {f"lpips_{net}": lpips_network(net) for net in ("alex", "vgg")}

    def __call__(self, real: Tensor, outputs: dict[str, Tensor]) -> dict[str, Measured]:
        """Measure each row's pictures against the true ones, all (N, 3, H, W) uint8.

        Raises:
            ValueError: if a row differs in shape from the true pictures.
        """
        for name, output in outputs.items():
            if real.shape != output.shape:
                raise ValueError(f"{name}: outputs are {tuple(output.shape)}, the true pictures {tuple(real.shape)}.")
        values: dict[str, dict[str, list[Tensor]]] = {name: {} for name in outputs}
        batches = zip(real.split(self.batch), *(output.split(self.batch) for output in outputs.values()), strict=True)
        for first, *others in tqdm(list(batches), "pairs", leave=False):
            measured = self._measure(first.float() / 255, [other.float() / 255 for other in others])
            for name, measures in zip(outputs, measured, strict=True):
                for measure, numbers in measures.items():
                    values[name].setdefault(measure, []).append(numbers)
        return {
            name: Measured(
                {measure: torch.cat(parts).double().numpy() for measure, parts in values[name].items()},
                self.inception(tqdm(output, name, leave=False)),
            )
            for name, output in outputs.items()
        }

    @torch.no_grad()
    def _measure(self, real: Tensor, outputs: list[Tensor]) -> list[dict[str, Tensor]]:
        """The measures of a batch of every row; LPIPS looks at the true pictures once for all rows."""
        seen = {name: network.features(real * 2 - 1) for name, network in self._lpips.items()}
        return [
            {name: network.compare(seen[name], network.features(y * 2 - 1)) for name, network in self._lpips.items()}
            | {"psnr": psnr(real, y), "ssim": ssim(real, y), "fsim": fsim(real, y)}
            | colour_measures(real, y)
            for y in outputs
        ]


def summarise(measured: Measured, real_features: np.ndarray, paintings: list[str], seed: int) -> dict[str, Cell]:
    """What the table says of N pairs: means, FID, KID and intervals over paintings.

    Args:
        measured: of the outputs.
        real_features: (N, 2048) of the true pictures, in the same order.
        paintings: the painting that each pair comes from.
        seed: of the bootstrap and of KID's subsets.
    """
    draws = draw_clusters(paintings, seed=seed)
    cells = {name: Cell(float(values.mean())) for name, values in measured.values.items()}
    for name in _INTERVALS:
        cells[name] = Cell(cells[name].value, *mean_interval(measured.values[name], draws))
    for name in ("chroma", "spread"):
        cells[f"{name}_ratio"] = Cell(cells[name].value / max(cells[f"real_{name}"].value, 1e-6))
    cells["fid"] = Cell(fid(real_features, measured.features))
    cells["kid"] = kid_cell(real_features, measured.features, draws, draws, seed)
    return cells


def kid_cell(
    real: np.ndarray, output: np.ndarray, real_draws: ClusterDraws, output_draws: ClusterDraws, seed: int
) -> Cell:
    """KID as mean and deviation over subsets of half the smaller set, 50 at most, with a bootstrap interval.

    Args:
        real, output: features, (N, 2048) and (M, 2048).
        real_draws, output_draws: bootstrap samples of their clusters; one and the same where the sets are pairs.
    """
    distance = KernelDistance(real, output)
    size = kid_subset_size(len(real), len(output))
    mean, std = distance.over_subsets(size, KID_SUBSETS, seed)
    return Cell(mean, *interval(distance.bootstrap(real_draws, output_draws)), std)


def kid_subset_size(first: int, second: int) -> int:
    """Pictures in each of KID's subsets: half the smaller set, 50 at most, so that subsets differ."""
    return max(2, min(KID_SUBSET_SIZE, min(first, second) // 2))


def difference(first: Measured, second: Measured, name: str, paintings: list[str], seed: int) -> Cell:
    """Mean of the paired differences first - second of one measure, with its interval over paintings."""
    values = first.values[name] - second.values[name]
    bounds: Interval = mean_interval(values, draw_clusters(paintings, seed=seed))
    return Cell(float(values.mean()), *bounds)


def select(measured: Measured, chosen: np.ndarray) -> Measured:
    """The pairs picked by a boolean array, (N,)."""
    return Measured({name: values[chosen] for name, values in measured.values.items()}, measured.features[chosen])
