"""Every measure of a row's pictures against real ones, and what the tables say of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from torch import Tensor
from tqdm import tqdm

from evaluation.bootstrap import ClusterDraws, draw_clusters, mean_interval
from evaluation.coverage import Coverage, coverage_measures
from evaluation.distribution import Inception, fid
from evaluation.diversity import Diversity, class_diversity
from evaluation.feature_cache import FeatureCache
from evaluation.grey_statistics import grey_statistics
from evaluation.memorisation import Memorisation, memorisation
from evaluation.packaged_weights import INCEPTION
from evaluation.paired import kid_cell
from evaluation.perceptual import PerceptualDistance, lpips_network
from evaluation.picture_classifier import VggStatistics, standardisation
from evaluation.tables import Cell
from pipelines.generation.measured_pictures import PictureSet

LOOK = 64  # side in pixels at which VGG-16 looks at pictures: thousands of training pictures, both ways, in minutes


@dataclass(frozen=True)
class Ground:
    """The real pictures that all rows of one size stand on."""

    test: PictureSet
    test_features: np.ndarray  # (N, 2048) of Inception
    train: PictureSet
    looks: "Looks"

    @property
    def labels(self) -> tuple[str, ...]:
        """The categories."""
        return tuple(sorted(set(self.test.labels)))


@dataclass(frozen=True)
class Looks:
    """Where memorisation is looked for: VGG-16's statistics, standardised, which are cheap and which nobody trained on.

    Training may have mirrored its pictures, so they are looked at both ways.
    """

    mean: np.ndarray  # (2944,), of the training pictures
    scale: np.ndarray
    train: np.ndarray  # (2 M, 2944), those of the mirrored pictures below the others'
    test: np.ndarray  # (N, 2944)

    def of(self, features: np.ndarray) -> np.ndarray:
        """(N, 2944), standardised."""
        return (features - self.mean) / self.scale


@dataclass(frozen=True)
class MeasuredRow:
    """A row's pictures, as many of each category as the test split has, and all that was measured of them."""

    shown: PictureSet
    features: np.ndarray  # (N, 2048) of Inception
    coverage: Coverage
    diversity: Diversity
    memorisation: Memorisation
    grey: dict[str, np.ndarray]  # (N,) each

    def nearest(self, ground: Ground) -> PictureSet:
        """The training picture nearest to each of the row's."""
        return ground.train.take(self.memorisation.samples.index % len(ground.train))


class SampleMeasures:
    """Measures sets of pictures.

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
        return VggStatistics(LOOK, self.batch)

    @cached_property
    def _lpips(self) -> PerceptualDistance:
        return lpips_network("alex")

    def inception(self, pictures: Tensor, keep: bool = False) -> np.ndarray:
        """(N, 3, H, W) uint8 -> (N, 2048). `keep`: the pictures do not change from run to run."""
        name = f"inception-{INCEPTION.sha256[:8]}"
        return self.cache(name, pictures, lambda new: self._inception(tqdm(new, "Inception", leave=False)), keep)

    def vgg(self, pictures: Tensor, keep: bool = False) -> np.ndarray:
        """(N, 3, H, W) uint8 -> (N, 2944), see `VggStatistics`, at `LOOK` pixels."""
        return self.cache(self._vgg.name, pictures, self._vgg, keep)

    def ground(self, test: PictureSet, train: PictureSet) -> Ground:
        """Look at the real pictures."""
        as_they_are, mirrored = (self.vgg(pictures, True) for pictures in (train.pictures, train.pictures.flip(3)))
        mean, scale = standardisation(as_they_are, np.ones(len(train)))
        known = (np.concatenate([as_they_are, mirrored]) - mean) / scale
        looks = Looks(mean, scale, known, (self.vgg(test.pictures, True) - mean) / scale)
        return Ground(test, self.inception(test.pictures, True), train, looks)

    def __call__(self, shown: PictureSet, ground: Ground, keep: bool = False, seed: int = 0) -> MeasuredRow:
        """Measure a row's pictures.

        Args:
            seed: of the pictures that pairwise distances are taken of, where there are many.

        Raises:
            ValueError: if there are too few pictures, or their sizes or categories are not those of the real ones.
        """
        if sorted(shown.labels) != sorted(ground.test.labels):
            raise ValueError("A row needs as many pictures of each category as it is compared with.")
        features, test, looks = self.inception(shown.pictures, keep), ground.test, ground.looks
        return MeasuredRow(
            shown,
            features,
            coverage_measures(ground.test_features, features),
            class_diversity(shown.pictures, shown.labels, test.pictures, test.labels, self._lpips, seed=seed),
            memorisation(looks.of(self.vgg(shown.pictures, keep)), looks.train, looks.test),
            {name: values.numpy() for name, values in grey_statistics(shown.pictures).items()},
        )


def quality_cells(row: MeasuredRow, ground: Ground, seed: int) -> dict[str, Cell]:
    """All categories pooled: FID, KID, coverage, and variety within categories as a share of the real pictures'."""
    kid = _kid(row.features, ground.test_features, seed)
    coverage = {name: Cell(value) for name, value in vars(row.coverage).items()}
    variety = {
        "lpips": Cell(row.diversity.samples),
        "lpips_of_real": Cell(row.diversity.ratio),
    }
    return {"fid": Cell(fid(ground.test_features, row.features)), "kid": kid} | coverage | variety


def category_cells(row: MeasuredRow, ground: Ground, seed: int) -> dict[str, Cell]:
    """Each category by itself: "kid_<category>" and "lpips_<category>", the share of the real pictures' variety."""
    cells = {}
    for label in ground.labels:
        own, real = row.features[row.shown.are(label)], ground.test_features[ground.test.are(label)]
        cells[f"kid_{label}"] = _kid(own, real, seed)
        variety = row.diversity.classes[label]
        cells[f"lpips_{label}"] = Cell(variety.samples / max(variety.real, 1e-12), *variety.ratio)
    return cells


def copying_cells(row: MeasuredRow) -> dict[str, Cell]:
    """How near the pictures come to training pictures, and how near held-out ones do."""
    found = row.memorisation
    return {
        "nearer": Cell(found.nearer),
        "z": Cell(found.z),
        "copies": Cell(found.copies),
        "distance": Cell(float(np.median(found.samples.distance))),
        "held_out_distance": Cell(float(np.median(found.held_out.distance))),
    }


def grey_cells(values: Mapping[str, np.ndarray], chosen: np.ndarray, seed: int) -> dict[str, Cell]:
    """Means with intervals of the grey statistics of some pictures, a boolean array (N,)."""
    draws = draw_clusters(_names(int(chosen.sum())), seed=seed)
    return {name: mean_cell(one[chosen], draws) for name, one in values.items()}


def share_cell(right: np.ndarray, seed: int) -> Cell:
    """A share of pictures, (N,) bool, with its interval."""
    return mean_cell(right.astype(np.float64), draw_clusters(_names(len(right)), seed=seed))


def mean_cell(values: np.ndarray, draws: ClusterDraws) -> Cell:
    """Mean of (N,) with its bootstrap interval."""
    return Cell(float(values.mean()), *mean_interval(values, draws))


def _kid(output: np.ndarray, real: np.ndarray, seed: int) -> Cell:
    real_draws, draws = draw_clusters(_names(len(real)), seed=seed + 1), draw_clusters(_names(len(output)), seed=seed)
    return kid_cell(real, output, real_draws, draws, seed)


def _names(count: int) -> list[str]:
    """Every picture is a cluster of its own, in order."""
    return [f"{number:06d}" for number in range(count)]
