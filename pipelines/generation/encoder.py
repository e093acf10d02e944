"""From a picture back to the latents it could be made from. This module needs torch and diffusers only."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from pipelines.efficientnet_lite import EfficientNetLite0
from pipelines.generation.generator import Conditions
from pipelines.generation.judge import view

GRID = 8  # side of the maps that are read


class LatentPrior(nn.Module):
    """Running moments of the latents of training pictures: a mean for each category, one covariance for all.

    Args:
        latents: how many.
        categories: how many.
        memory: weight of the old moments at an update.
    """

    def __init__(self, latents: int, categories: int, memory: float = 0.998):
        super().__init__()
        self.memory = memory
        self.centre: Tensor
        self.covariance: Tensor
        self.pictures: Tensor
        self.register_buffer("centre", torch.zeros(categories, latents))
        self.register_buffer("covariance", torch.eye(latents))
        self.register_buffer("pictures", torch.zeros(categories))  # taken in so far, of each category

    @torch.no_grad()
    def update(self, mean: Tensor, log_variance: Tensor, category: Tensor) -> None:
        """Take in q(z | picture) of some pictures: (B, latents) both, and (B,) int64."""
        mean, variance = mean.float(), log_variance.float().exp()
        for number in category.unique():
            rows = mean[category == number]
            self.pictures[number] += len(rows)
            # A plain mean at first; later a rare category moves as far for each of its pictures as a frequent one.
            share = max(1 - self.memory ** len(rows), len(rows) / float(self.pictures[number]))
            self.centre[number].lerp_(rows.mean(0), share)
        apart = mean - self.centre[category]
        share = max(1 - self.memory, len(mean) / float(self.pictures.sum()))
        self.covariance.lerp_(apart.mT @ apart / len(mean) + variance.mean(0).diag(), share)

    def factor(self) -> Tensor:
        """(latents, latents) lower triangular L, L L^T the covariance."""
        ridge = 1e-4 * torch.eye(len(self.covariance), device=self.covariance.device)
        return torch.linalg.cholesky(self.covariance + ridge)

    def place(self, noise: Tensor, category: Tensor) -> Tensor:
        """Normal noise where the pictures of a category lie: (B, latents) and (B,) int64 -> (B, latents)."""
        return self.centre[category] + noise @ self.factor().mT


class LatentHead(nn.Module):
    """Mean and log-variance of the latents from feature maps and the picture in small.

    Args:
        channels: of the maps, at strides 2, 4, 8, 16 and 32.
        latents: how many.
        categories, colours: how many; 0 colours: none is told.
        hidden: width of the layer between.
    """

    STRIDES = slice(2, 5)  # of the maps: 8, 16 and 32

    def __init__(self, channels: Sequence[int], latents: int, categories: int, colours: int, hidden: int = 512):
        super().__init__()
        self.reduce = nn.ModuleList(nn.Conv2d(count, 32, 1) for count in channels[self.STRIDES])
        self.conditions = Conditions(categories, colours, 64)
        self.prior = LatentPrior(latents, categories)
        self.hidden = nn.Linear((3 * 32 + 3) * GRID * GRID + 64, hidden)
        # Feature maps reach values in the tens: without norms nearly all hidden units end up silent, and the latents
        # tell a dozen numbers of a picture.
        self.norm = nn.LayerNorm(hidden)
        self.moments = nn.Linear(hidden, 2 * latents)
        nn.init.zeros_(self.moments.bias)
        nn.init.normal_(self.moments.weight, std=0.01)

    def forward(
        self, maps: Sequence[Tensor], image: Tensor, category: Tensor, colour: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Maps (B, C, h, w), picture (B, 3, H, W) in [-1, 1], conditions (B,) -> (B, latents) both."""
        grid = (GRID, GRID)
        read = [
            F.adaptive_avg_pool2d(reduce(features.float()), grid)
            if features.shape[2] >= GRID
            else F.interpolate(reduce(features.float()), size=grid, mode="bilinear", align_corners=False)
            for reduce, features in zip(self.reduce, maps[self.STRIDES], strict=True)
        ]
        read = [F.layer_norm(features, features.shape[1:]) for features in read]
        read.append(F.adaptive_avg_pool2d(image.float(), grid))
        x = torch.cat([torch.cat(read, dim=1).flatten(1), self.conditions(category, colour)], dim=1)
        mean, log_variance = self.moments(F.silu(self.norm(self.hidden(x)))).chunk(2, dim=1)
        return mean, log_variance.clamp(-12, 6)


class PictureEncoder(ModelMixin, ConfigMixin):
    """q(z | picture, category, colour), a normal distribution without covariances, read from frozen features.

    Args:
        latents, categories, colours: as the generator's.
        encoder_width, encoder_depth: scale of the feature network; 1 and 1 take the published weights.
    """

    @register_to_config
    def __init__(
        self,
        latents: int = 128,
        categories: Sequence[str] = ("picture",),
        colours: Sequence[str] = (),
        encoder_width: float = 1.0,
        encoder_depth: float = 1.0,
    ):
        super().__init__()
        self.features = EfficientNetLite0(encoder_width, encoder_depth).requires_grad_(False)
        # The way back from where the pictures of a category lie to normal noise.
        self.whiten: Tensor
        self.register_buffer("whiten", torch.eye(latents))
        self.head = LatentHead(self.features.out_channels, latents, len(categories), len(colours))

    def forward(self, image: Tensor, category: Tensor, colour: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) in [-1, 1], (B,) int64 and (B,) int64 or None -> mean and log-variance, (B, latents) both."""
        mean, log_variance = self.head(self.features(view(image)), image, category, colour)
        mean = (mean - self.head.prior.centre[category]) @ self.whiten.mT
        return mean, (log_variance.exp() @ self.whiten.square().mT).log()
