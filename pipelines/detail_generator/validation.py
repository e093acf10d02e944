"""What a training run watches: how far samples are from pictures that were held out, and signs of collapse."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from evaluation.distribution import Inception, KernelDistance
from evaluation.perceptual import PerceptualDistance
from pipelines.generation.collapse_watch import CollapseWatch
from pipelines.generation.labelled_pictures import decode, load_pictures, square

Sample = Callable[[Tensor, torch.Generator], Tensor]
"""sample((N,) int64 categories, generator on the CPU): (N, 3, S, S) in [-1, 1]."""


class Validation:
    """KID to the validation pictures, as many samples of each category as pictures; the pictures' features are kept.

    Args:
        folder: see `load_pictures`.
        categories: labels in the order of their numbers; those without validation pictures are left out.
        size: side in pixels at which both are compared.
        limit: pictures of a category at most.
        inception, lpips: the feature networks, where they are at hand.

    Raises:
        FileNotFoundError: if no category has two validation pictures.
    """

    SEED = 1234  # of the samples: the same latents at every validation

    def __init__(
        self,
        folder: Path,
        categories: Sequence[str],
        size: int,
        limit: int = 100,
        inception: Inception | None = None,
        lpips: PerceptualDistance | None = None,
    ):
        rows = load_pictures(folder, "val")
        labels = np.array([str(label) for label in rows["label"]])
        self.inception, self.categories = inception or Inception(), tuple(categories)
        self.numbers: list[int] = []
        pictures: list[Tensor] = []
        for number, name in enumerate(categories):
            found = np.flatnonzero(labels == name)
            if len(found) < 2:
                continue
            chosen = found[np.linspace(0, len(found) - 1, min(limit, len(found))).round().astype(int)]
            squares = (square(decode(row), size) for row in rows.select(chosen))
            pictures += [torch.from_numpy(pixels.copy()).permute(2, 0, 1) for pixels in squares]
            self.numbers += [number] * len(chosen)
        if not pictures:
            raise FileNotFoundError(f"{folder} has no validation pictures labelled {', '.join(categories)}.")
        self.features = self.inception(pictures)
        self.collapse = CollapseWatch(torch.stack(pictures), np.array(self.numbers), self.features, True, lpips)

    @torch.no_grad()
    def __call__(self, sample: Sample, batch: int = 50) -> dict[str, float]:
        """Measure a generator.

        Returns:
            "kid", all categories pooled, "kid_<category>" for each where there are several, and what `CollapseWatch`
            tells.
        """
        rng = torch.Generator().manual_seed(self.SEED)
        asked = torch.tensor(self.numbers)
        made = torch.cat([sample(part, rng).float().cpu() for part in asked.split(batch)])
        pixels = ((made.clamp(-1, 1) + 1) * 127.5).round().byte()
        output = self.inception(pixels)
        values = {"kid": KernelDistance(self.features, output).value()} | self.collapse(pixels, output)
        if len(set(self.numbers)) > 1:
            for number in sorted(set(self.numbers)):
                rows = (asked == number).numpy()
                distance = KernelDistance(self.features[rows], output[rows])
                values[f"kid_{self.categories[number]}"] = distance.value()
        return values
