"""Signs of mode collapse that are cheap enough for every validation of a training run.

Import `torchvision_guard` before this module's functions are called.
"""

import numpy as np
from scipy.spatial.distance import cdist
from torch import Tensor

from evaluation.diversity import FAIR_SHARE, pairwise_distances
from evaluation.perceptual import PerceptualDistance, lpips_network

MOST = 16  # pictures of a class that are compared, each with each
SMALLEST = 32  # side in pixels from which on LPIPS can be taken


class CollapseWatch:
    """How varied samples are within their classes, and how many of the classes they show.

    Args:
        pictures: (N, 3, S, S) uint8, held out.
        labels: (N,) whole numbers, what each of them shows; a class of one picture has no variety to compare with.
        features: (N, D) of the pictures.
        told: whether a generator is told the class of each sample; else all are compared as one class.
        lpips: the network, where one is at hand.
        most: pictures of a class that are compared, evenly over them.
    """

    def __init__(
        self,
        pictures: Tensor,
        labels: np.ndarray,
        features: np.ndarray,
        told: bool = True,
        lpips: PerceptualDistance | None = None,
        most: int = MOST,
    ):
        self.lpips = lpips or lpips_network("alex")
        self.classes, self.counts = np.unique(labels, return_counts=True)
        self.means = np.stack([features[labels == one].mean(0) for one in self.classes])
        groups = [np.flatnonzero(labels == one) for one in self.classes] if told else [np.arange(len(labels))]
        self.groups = [evenly(group, most) for group in groups if len(group) > 1]
        self.real = self._variety(pictures)

    def __call__(self, output: Tensor, features: np.ndarray) -> dict[str, float]:
        """Look at samples.

        Args:
            output: (N, 3, S, S) uint8, sample for picture of the class that the picture shows.
            features: (N, D) of the samples.

        Returns:
            "diversity": mean LPIPS between samples within a class, mean over classes, over that of the held-out
            pictures; about 1 is as it should be, 0 a single picture. Missing where no class has two pictures.
            "classes_covered": classes that have at least a quarter of the samples that their share of the held-out
            pictures lets expect, by the nearest mean of the held-out pictures' features. Missing for a single class.
        """
        values = {}
        if self.groups:
            values["diversity"] = self._variety(output) / max(self.real, 1e-12)
        if len(self.classes) > 1:
            values["classes_covered"] = float(self._covered(features))
        return values

    def _variety(self, pictures: Tensor) -> float:
        means = []
        for group in self.groups:
            matrix = pairwise_distances(large_enough(pictures[group]), self.lpips)
            means.append(matrix.sum() / (len(group) * (len(group) - 1)))
        return float(np.mean(means)) if means else 0.0

    def _covered(self, features: np.ndarray) -> int:
        nearest = cdist(features, self.means).argmin(1)
        found = np.bincount(nearest, minlength=len(self.classes))
        expected = self.counts / self.counts.sum() * len(features)
        return int(((found > 0) & (found >= FAIR_SHARE * expected)).sum())


def evenly(positions: np.ndarray, most: int) -> np.ndarray:
    """At most so many of (N,) positions, the first and the last among them."""
    return positions[np.linspace(0, len(positions) - 1, min(most, len(positions))).round().astype(int)]


def large_enough(pictures: Tensor) -> Tensor:
    """(N, 3, S, S) as they are or, below 32 px, every pixel repeated so often that LPIPS can be taken."""
    times = -(-SMALLEST // pictures.shape[-1])
    return pictures.repeat_interleave(times, 2).repeat_interleave(times, 3) if times > 1 else pictures
