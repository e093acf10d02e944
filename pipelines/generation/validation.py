"""What training watches: how far samples are from pictures that were held out."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from evaluation.coverage import coverage_measures
from evaluation.distribution import Inception, KernelDistance, fid
from pipelines.generation.dataset import ConditionedPictures

Sample = Callable[[Tensor, Tensor, torch.Generator], Tensor]
"""sample(category (N,), colour (N,), generator on the CPU): (N, 3, S, S) in [-1, 1]."""


class Validation:
    """KID, FID, precision and recall of samples that are asked for what the held-out pictures show.

    Args:
        pictures: held-out pictures; their features are kept.
        limit: pictures at most, evenly over the set.
    """

    SEED = 1234  # of the samples: the same latents at every validation

    def __init__(self, pictures: ConditionedPictures, limit: int = 320):
        chosen = np.linspace(0, len(pictures) - 1, min(limit, len(pictures))).round().astype(int)
        self.category, self.colour = pictures.category[chosen], pictures.colour[chosen]
        self.inception = Inception()
        self.features = self.inception(pictures.pictures[chosen])

    @torch.no_grad()
    def __call__(self, sample: Sample, batch: int = 50) -> dict[str, float]:
        """Measure a generator: {"kid", "fid", "precision", "recall"}."""
        rng = torch.Generator().manual_seed(self.SEED)
        asked = zip(self.category.split(batch), self.colour.split(batch), strict=True)
        made = torch.cat([sample(category, colour, rng).float().cpu() for category, colour in asked])
        output = self.inception(((made.clamp(-1, 1) + 1) * 127.5).round().byte())
        found = coverage_measures(self.features, output)
        return {
            "kid": KernelDistance(self.features, output).value(),
            "fid": fid(self.features, output),
            "precision": found.precision,
            "recall": found.recall,
        }
