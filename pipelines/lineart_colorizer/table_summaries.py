"""What the table says of a row of measured drawings: means, spill, FID, KID and their bootstrap intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.bootstrap import ClusterDraws, draw_clusters, interval
from evaluation.distribution import fid
from evaluation.paired import Measured, kid_cell
from evaluation.tables import Cell
from pipelines.lineart_colorizer.measured_drawings import Drawings, Pictures
from pipelines.lineart_colorizer.table_measures import LineArtMeasures

FLOOR_DRAWS = 20
LEAST_STEP = 0.5  # change of a*, b* across lines below which there is hardly a colour to spill


@dataclass(frozen=True)
class Ground:
    """What the rows of a table stand on: real pictures and what was seen in them."""

    real: np.ndarray  # (N, 2048), Inception's features of the targets
    pages: list[str]  # of the targets
    subsets: list[str]
    training: np.ndarray  # (M, 2048), of training pictures
    training_subsets: list[str]
    training_clusters: list[str]

    @classmethod
    def measure(cls, measures: LineArtMeasures, drawings: Drawings, training: Pictures) -> "Ground":
        real, others = (measures.inception(found.pictures, keep=True) for found in (drawings, training))
        return cls(real, drawings.pages, drawings.subsets, others, training.subsets, training.clusters)

    def of(self, subset: str | None) -> "Ground":
        """The pictures of a subset; None is every one."""
        own, other = (
            np.array([subset in (None, name) for name in names], dtype=bool)
            for names in (self.subsets, self.training_subsets)
        )
        pages, subsets = (
            [x for x, inside in zip(names, own, strict=True) if inside] for names in (self.pages, self.subsets)
        )
        names, clusters = (
            [x for x, inside in zip(found, other, strict=True) if inside]
            for found in (self.training_subsets, self.training_clusters)
        )
        return Ground(self.real[own], pages, subsets, self.training[other], names, clusters)


def summarise_row(measured: Measured, pages: Sequence[str], real: np.ndarray | None, seed: int) -> dict[str, Cell]:
    """A row's means with intervals over pages, its spill, FID and KID.

    Args:
        pages: of the pictures, (N,); they are drawn whole.
        real: (N, 2048), features of the targets; None where there are too few for FID and KID.
    """
    draws = draw_clusters(pages, seed=seed)
    cells = {name: mean_cell(values, draws) for name, values in measured.values.items()}
    inside, across = measured.values["inside"], measured.values["across"]
    known = ~np.isnan(inside) & ~np.isnan(across)
    if cells["across"].value >= LEAST_STEP:
        cells["spill"] = ratio_cell(np.where(known, inside, 0), np.where(known, across, 0), draws)
    if real is not None:
        cells["fid"] = Cell(max(fid(real, measured.features), 0.0))
        cells["kid"] = kid_cell(real, measured.features, draws, draws, seed)
    return cells


def summarise_training(ground: Ground, seed: int) -> dict[str, Cell]:
    """Real training pictures against the targets, as many of each subset: another FID, KID is not to be expected.

    FID, biased by the number of pictures, is the mean over draws of as many as there are targets, or as there are
    training pictures, where those are fewer; KID is of all of them.
    """
    rng, drawn = np.random.default_rng(seed), []
    kinds = np.asarray(ground.training_subsets)
    for _ in range(FLOOR_DRAWS):
        rows = [
            rng.permutation(np.flatnonzero(kinds == name))[: ground.subsets.count(name)]
            for name in sorted(set(ground.subsets))
        ]
        drawn.append(fid(ground.real, ground.training[np.concatenate(rows)]))
    draws = draw_clusters(ground.pages, seed=seed), draw_clusters(ground.training_clusters, seed=seed + 1)
    return {
        "fid": Cell(float(np.mean(drawn)), std=float(np.std(drawn))),
        "kid": kid_cell(ground.real, ground.training, *draws, seed),
    }


def difference(first: Measured, second: Measured, name: str, pages: Sequence[str], seed: int) -> Cell:
    """Mean of the paired differences first - second of one measure, with its interval over pages."""
    return mean_cell(first.values[name] - second.values[name], draw_clusters(pages, seed=seed))


def mean_cell(values: np.ndarray, draws: ClusterDraws) -> Cell:
    """Mean of the numbers that are known, with its interval; without one where a number is infinite."""
    known = ~np.isnan(values)
    if not known.any():
        return Cell(float("nan"))
    if np.isinf(values).any():
        return Cell(float(values[known].mean()))
    return ratio_cell(np.where(known, values, 0), known.astype(np.float64), draws)


def ratio_cell(above: np.ndarray, below: np.ndarray, draws: ClusterDraws) -> Cell:
    """sum(above) / sum(below) with its bootstrap interval; (N,) both."""
    with np.errstate(invalid="ignore", divide="ignore"):  # a sample may hold nothing that counts: nan
        samples = (draws.weights @ above) / (draws.weights @ below)
    return Cell(float(above.sum() / below.sum()), *interval(samples))
