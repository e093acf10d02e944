"""Products as the article augments them: random crop, rotation and flip."""

import math
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from pipelines.generation.dataset import ConditionedPictures


class AugmentedProducts(ConditionedPictures):
    """Random squares of pictures, turned and mirrored. Beyond the border it is repeated, so that white stays white.

    A class of its own because turning resamples every picture, where the other recipes cut whole pixels.

    Args:
        folder, size, categories, colours, subset: see `ConditionedPictures`; the training pictures are taken.
        smallest: side of the smallest square as a share of the picture's, from 0.5 on; 1 takes whole pictures.
        rotation: degrees by which a square is turned at most, to either side.
        mirror: hand out half of the squares mirrored.

    Raises:
        FileNotFoundError: if there are no such pictures.
        ValueError: for a share or an angle out of range.
    """

    def __init__(self, folder: Path, size: int, smallest: float, rotation: float, mirror: bool, **chosen: Any):
        if not 0.5 <= smallest <= 1:
            raise ValueError(f"smallest must be from 0.5 to 1, got {smallest}.")
        if not 0 <= rotation <= 180:
            raise ValueError(f"rotation must be from 0 to 180 degrees, got {rotation}.")
        super().__init__(folder, "train", size, mirror=mirror, crops=(smallest, 1.0), **chosen)
        self.smallest, self.rotation = smallest, rotation

    def draw(self, index: int, rng: torch.Generator) -> dict[str, Tensor]:
        """{"image": (3, size, size) float32 in [-1, 1], "category": () int64, "colour": () int64}."""
        share, across, down, angle, turn = torch.rand(5, generator=rng).tolist()
        share = self.smallest + (1 - self.smallest) * share
        radians = math.radians(self.rotation * (2 * angle - 1))
        flip = -1.0 if self.mirror and turn < 0.5 else 1.0
        cosine, sine = share * math.cos(radians), share * math.sin(radians)
        place = ((1 - share) * (2 * across - 1), (1 - share) * (2 * down - 1))
        grid = torch.tensor([[[flip * cosine, -sine, place[0]], [flip * sine, cosine, place[1]]]])
        points = F.affine_grid(grid, [1, 3, self.size, self.size], align_corners=False)
        picture = self.pictures[index][None].float() / 127.5 - 1
        image = F.grid_sample(picture, points, "bilinear", "border", align_corners=False)[0]
        return {"image": image, "category": self.category[index], "colour": self.colour[index]}
