"""What training watches: how far samples are from pictures that were held out, and signs of collapse."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from evaluation.coverage import DENSITY_NEIGHBOURS, coverage_measures
from evaluation.distribution import Inception, KernelDistance, fid
from evaluation.perceptual import PerceptualDistance
from pipelines.generation.collapse_watch import CollapseWatch, evenly
from pipelines.generation.dataset import ConditionedPictures

Sample = Callable[[Tensor, Tensor, torch.Generator], Tensor]
"""sample(category (N,), colour (N,), generator on the CPU): (N, 3, S, S) in [-1, 1]."""


class Validation:
    """KID, FID, precision, recall and signs of collapse of samples that are asked for what held-out pictures show.

    Args:
        pictures: held-out pictures; their features are kept.
        limit: pictures at most, evenly over the set.
        told: whether the generator is told the category; else its samples are compared as one class.
        inception, lpips: the feature networks, where they are at hand.

    Raises:
        ValueError: for a single picture.
    """

    SEED = 1234  # of the samples: the same latents at every validation

    def __init__(
        self,
        pictures: ConditionedPictures,
        limit: int = 320,
        told: bool = True,
        inception: Inception | None = None,
        lpips: PerceptualDistance | None = None,
    ):
        if len(pictures) < 2:
            raise ValueError(f"Validation takes two pictures or more, got {len(pictures)}.")
        chosen = evenly(np.arange(len(pictures)), limit)
        self.category, self.colour = pictures.category[chosen], pictures.colour[chosen]
        self.names = pictures.categories if told else ()
        self.inception = inception or Inception()
        self.features = self.inception(pictures.pictures[chosen])
        self.collapse = CollapseWatch(pictures.pictures[chosen], self.category.numpy(), self.features, told, lpips)

    @torch.no_grad()
    def __call__(self, sample: Sample, batch: int = 50) -> dict[str, float]:
        """Measure a generator.

        Returns:
            "kid" and "fid"; "precision" and "recall", where there are pictures enough; what `CollapseWatch` tells; and
            "kid_<category>" for each category of two pictures or more, where there are several that are told.
        """
        rng = torch.Generator().manual_seed(self.SEED)
        asked = zip(self.category.split(batch), self.colour.split(batch), strict=True)
        made = torch.cat([sample(category, colour, rng).float().cpu() for category, colour in asked])
        pixels = ((made.clamp(-1, 1) + 1) * 127.5).round().byte()
        output = self.inception(pixels)
        values = {"kid": KernelDistance(self.features, output).value(), "fid": fid(self.features, output)}
        if len(output) > DENSITY_NEIGHBOURS:
            found = coverage_measures(self.features, output)
            values |= {"precision": found.precision, "recall": found.recall}
        return values | self.collapse(pixels, output) | self._by_category(output)

    def _by_category(self, output: np.ndarray) -> dict[str, float]:
        of_each = {name: (self.category == number).numpy() for number, name in enumerate(self.names)}
        if sum(rows.any() for rows in of_each.values()) < 2:
            return {}
        return {
            f"kid_{name}": KernelDistance(self.features[rows], output[rows]).value()
            for name, rows in of_each.items()
            if rows.sum() > 1
        }
