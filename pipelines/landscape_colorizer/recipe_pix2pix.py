"""Training of the paper's models: pix2pix with ResNet-9 or U-Net-256, least squares and L1."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from evaluation.colour import colour_validation
from evaluation.perceptual import lpips_network
from pipelines.color import grey_of
from pipelines.gan_losses import absolute_error_loss, least_squares_loss
from pipelines.landscape_colorizer.dataset import PaintingCrops, validation_crops
from pipelines.landscape_colorizer.networks_pix2pix import PatchDiscriminator, ResNetGenerator, UNetGenerator
from pipelines.landscape_colorizer.pipeline_landscape_colorizer import LandscapeColorizer
from train.recipe import Batch, Phase, TrainConfig


@dataclass(frozen=True)
class Pix2PixConfig(TrainConfig):
    """Options of `train landscape_colorizer paper`."""

    batch_size: int = 1
    ema_images: float = 0.0  # the paper averages no weights
    best: str = "lpips"
    backbone: Literal["resnet", "unet"] = "resnet"
    """ResNet-9 with instance norm, or U-Net-256 with batch norm."""
    width: int = 64
    """Channels of the first layer of both networks."""
    size: int = 256
    """Side of the training crops in pixels."""
    lr: float = 2e-4
    """Adam learning rate: constant for the first half of the steps, then linear to 0."""
    l1: float = 100.0
    """Weight of the L1 loss, the paper's lambda."""

    @staticmethod
    def variant(config: "Pix2PixConfig", **changes) -> "Pix2PixConfig":
        """The same run with other options."""
        return replace(config, **changes)

    @staticmethod
    def miniature() -> "Pix2PixConfig":
        """A ResNet of width 8 on 64 px crops, four steps."""
        return Pix2PixConfig(steps=4, batch_size=2, precision="no", width=8, size=64, save_every=2, validate_every=4)


class Pix2PixRecipe:
    """Conditional GAN on pairs (grey, colour): D sees six channels, G adds lambda L1."""

    averaged = ("generator",)

    def __init__(self, config: Pix2PixConfig):
        self.config = config
        backbone = ResNetGenerator if config.backbone == "resnet" else UNetGenerator
        self.networks: dict[str, nn.Module] = {
            "generator": backbone(width=config.width, dropout=0.5),  # pix2pix's noise, in training only
            "discriminator": PatchDiscriminator(width=config.width),
        }
        self.frozen: dict[str, nn.Module] = {"lpips": lpips_network("alex")}
        self._crops: PaintingCrops | None = None

    def dataset(self) -> PaintingCrops:
        if self._crops is None:
            self._crops = PaintingCrops(self.config.data, self.config.size, "train", tone=0.0)
        return self._crops

    def weights(self) -> None:
        """The paper draws every crop alike."""

    def optimizers(self, networks: dict[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        adam = {"lr": self.config.lr, "betas": (0.5, 0.999)}
        return {
            "D": torch.optim.Adam(networks["discriminator"].parameters(), **adam),
            "G": torch.optim.Adam(networks["generator"].parameters(), **adam),
        }

    def learning_rate(self, optimizer: str, step: int) -> float:
        """1 for the first half of the run, then linear to 0 (100 + 100 epochs in the paper)."""
        return min(1.0, 2 * (1 - step / self.config.steps))

    def phases(self, networks: dict[str, nn.Module], frozen: dict[str, nn.Module]) -> list[Phase]:
        generator, discriminator = networks["generator"], networks["discriminator"]

        def pair(batch: Batch) -> tuple[Tensor, Tensor]:
            return grey_of(batch["rgb"]).expand(-1, 3, -1, -1) * 2 - 1, batch["rgb"] * 2 - 1

        def train_discriminator(batch: Batch) -> dict[str, Tensor]:
            grey, colour = pair(batch)
            with torch.no_grad():
                painted = generator(grey)
            real = least_squares_loss(discriminator(torch.cat([grey, colour], dim=1)).float(), 1.0)
            fake = least_squares_loss(discriminator(torch.cat([grey, painted], dim=1)).float(), 0.0)
            return {"loss": (real + fake) / 2, "real": real, "fake": fake}

        def train_generator(batch: Batch) -> dict[str, Tensor]:
            grey, colour = pair(batch)
            painted = generator(grey)
            adversarial = least_squares_loss(discriminator(torch.cat([grey, painted], dim=1)).float(), 1.0)
            l1 = absolute_error_loss(painted.float(), colour)
            return {"loss": adversarial + self.config.l1 * l1, "adversarial": adversarial, "l1": l1}

        return [
            Phase("D", ("discriminator",), train_discriminator),
            Phase("G", ("generator",), train_generator),
        ]

    def validate(self, averaged: dict[str, nn.Module]) -> dict[str, float]:
        """Colours of fixed validation crops; the paper chose its epoch by eye, we choose by LPIPS."""
        pipe, lpips = self.pipeline(averaged), self.frozen["lpips"]
        real = validation_crops(self.config.data, limit=60)
        painted = torch.stack(list(pipe(list(real), output_type="pt", return_dict=False)[0])).to(real)
        return colour_validation(real, painted, lpips)

    def pipeline(self, averaged: dict[str, nn.Module]) -> LandscapeColorizer:
        return LandscapeColorizer(averaged["generator"])
