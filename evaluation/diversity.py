"""Variety of generated pictures within their classes, against real ones: a collapsed generator repeats itself.

Import `torchvision_guard` before this module's functions are called.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from evaluation.bootstrap import SAMPLES, Interval, draw_clusters, interval
from evaluation.perceptual import PerceptualDistance

MOST = 64  # pictures of a class that are compared, each with each
FAIR_SHARE = 0.25  # of what even shares would give: a class below is not covered


@dataclass(frozen=True)
class ClassDiversity:
    """Mean LPIPS between different pictures of one class, samples and real ones, equally many."""

    samples: float
    real: float
    pictures: int  # of either
    ratio: Interval  # of samples / real, by a bootstrap over pictures


@dataclass(frozen=True)
class Diversity:
    """Mean LPIPS within classes: every class counts as much as another."""

    classes: dict[str, ClassDiversity]

    @property
    def samples(self) -> float:
        return float(np.mean([one.samples for one in self.classes.values()]))

    @property
    def real(self) -> float:
        return float(np.mean([one.real for one in self.classes.values()]))

    @property
    def ratio(self) -> float:
        """Variety of the samples as a share of the real pictures': about 1 is as it should be, 0 a single picture."""
        return self.samples / max(self.real, 1e-12)


def class_diversity(
    samples: Tensor,
    sample_labels: Sequence[str],
    real: Tensor,
    real_labels: Sequence[str],
    lpips: PerceptualDistance,
    most: int = MOST,
    seed: int = 0,
) -> Diversity:
    """Compare samples with each other and real pictures with each other, class by class.

    Args:
        samples, real: (N, 3, H, W) and (M, 3, H, W) uint8 of one size: LPIPS depends on it.
        sample_labels, real_labels: the class of each; for a generator without classes one name for all.
        lpips: `perceptual.lpips_network("alex")`.
        most: of a class that are compared; of larger ones as many are drawn by `seed`, of both sets alike.

    Raises:
        ValueError: if sizes, labels or classes do not fit each other, or a class has fewer than two pictures.
    """
    for pictures, labels in ((samples, sample_labels), (real, real_labels)):
        if len(pictures) != len(labels):
            raise ValueError(f"{len(pictures)} pictures have {len(labels)} labels.")
    if samples.shape[1:] != real.shape[1:]:
        raise ValueError(f"Samples are {tuple(samples.shape[1:])}, real pictures {tuple(real.shape[1:])}.")
    if set(sample_labels) != set(real_labels):
        raise ValueError(f"Samples show {sorted(set(sample_labels))}, real pictures {sorted(set(real_labels))}.")
    return Diversity(
        {
            label: _compare(_of(samples, sample_labels, label), _of(real, real_labels, label), lpips, most, seed)
            for label in sorted(set(real_labels))
        }
    )


@torch.no_grad()
def pairwise_distances(pictures: Tensor, lpips: PerceptualDistance, batch: int = 16) -> np.ndarray:
    """LPIPS of every picture to every other: (N, 3, H, W) uint8 -> (N, N) float64, symmetric, 0 on the diagonal.

    Each picture is looked at once; the features of all are held, 0.6 MB a picture of 128 x 128.
    """
    parts = [lpips.features(part.float() / 127.5 - 1) for part in pictures.split(batch)]
    taps = [torch.cat(tap) for tap in zip(*parts, strict=True)]
    matrix = np.zeros((len(pictures), len(pictures)))
    for row in range(1, len(pictures)):
        below = lpips.compare([tap[row : row + 1] for tap in taps], [tap[:row] for tap in taps])
        matrix[row, :row] = matrix[:row, row] = below.double().numpy()
    return matrix


def classes_covered(predicted: Sequence[str], classes: Sequence[str], fair_share: float = FAIR_SHARE) -> int:
    """How many classes a generator's samples show, as a classifier of real pictures sees them.

    Args:
        predicted: the class that the classifier gives each sample; of a conditional generator, as many samples are
            asked for of each class.
        classes: all there are.
        fair_share: a class counts from this share of len(predicted) / len(classes) samples on.

    Raises:
        ValueError: if a prediction is none of the classes.
    """
    if unknown := set(predicted) - set(classes):
        raise ValueError(f"Predicted {sorted(unknown)}, which are not among the classes {list(classes)}.")
    counts = [sum(label == name for label in predicted) for name in classes]
    bar = fair_share * len(predicted) / len(classes)
    return sum(count > 0 and count >= bar for count in counts)


def _of(pictures: Tensor, labels: Sequence[str], label: str) -> Tensor:
    return pictures[torch.tensor([one == label for one in labels])]


def _compare(samples: Tensor, real: Tensor, lpips: PerceptualDistance, most: int, seed: int) -> ClassDiversity:
    count = min(len(samples), len(real), most)
    if count < 2:
        raise ValueError(f"A class needs two samples and two real pictures, got {len(samples)} and {len(real)}.")
    rng = np.random.default_rng(seed)
    matrices = [pairwise_distances(_drawn(pictures, count, rng), lpips) for pictures in (samples, real)]
    means = [matrix.sum() / (count * (count - 1)) for matrix in matrices]
    made, true = (_bootstrap_means(matrix, seed + number) for number, matrix in enumerate(matrices))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = interval(np.where(true > 0, made / true, np.nan)) if means[1] > 0 else Interval(np.nan, np.nan)
    return ClassDiversity(float(means[0]), float(means[1]), count, ratio)


def _drawn(pictures: Tensor, count: int, rng: np.random.Generator) -> Tensor:
    if len(pictures) == count:
        return pictures
    return pictures[torch.from_numpy(np.sort(rng.permutation(len(pictures))[:count]))]


def _bootstrap_means(matrix: np.ndarray, seed: int, samples: int = SAMPLES) -> np.ndarray:
    """Means over pairs of different pictures of bootstrap samples, (samples,); two copies of one make no pair."""
    weights = draw_clusters([f"{number:06d}" for number in range(len(matrix))], samples, seed).weights
    sums = ((weights @ matrix) * weights).sum(1)
    pairs = np.square(weights.sum(1)) - np.square(weights).sum(1)
    with np.errstate(invalid="ignore"):
        return sums / pairs
