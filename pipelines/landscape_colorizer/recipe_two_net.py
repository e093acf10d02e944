"""Training of the default, two-net model.

Colours of a painting cannot be told from its grey version, and a loss that averages over what they might have been
paints brown silk. Three things keep this model vivid: it is told how strong the colours are to be (and learns to
estimate that too); a discriminator on pretrained features compares its colours with a painter's; and vivid paintings
are drawn more often. The discriminator sees both under one mean tint: that of the paper and of its age cannot be told
from grey, and a network that must look real there too guesses, and errs further than one that takes the mean.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from evaluation.colour import colour_validation
from evaluation.packaged_weights import efficientnet_lite0_state
from evaluation.perceptual import lpips_network
from pipelines.color import lab_to_rgb, rgb_to_lab
from pipelines.efficientnet_lite_weights import load_imagenet
from pipelines.feature_discriminator import FeatureDiscriminator
from pipelines.gan_losses import hinge_discriminator_loss, hinge_generator_loss
from pipelines.landscape_colorizer.dataset import PaintingCrops, validation_crops
from pipelines.landscape_colorizer.losses import chroma_loss, moment_loss, spread_loss
from pipelines.landscape_colorizer.networks_landscape_colorizer import CHROMA_UNIT, TwoNetGenerator
from pipelines.landscape_colorizer.pipeline_landscape_colorizer import LandscapeColorizer
from train.recipe import Batch, Phase, TrainConfig


@dataclass(frozen=True)
class TwoNetConfig(TrainConfig):
    """Options of `train landscape_colorizer base`."""

    steps: int = 600
    batch_size: int = 16
    precision: Literal["no", "bf16"] = "bf16"
    ema_images: float = 3000
    save_every: int = 100
    validate_every: int = 100
    best: str = "score"
    size: int = 160
    """Side of the training crops in pixels, a multiple of 32."""
    lr: float = 1e-3
    """AdamW learning rate of the decoder and the refiner, warmed up over 50 steps, cosine to 5 %."""
    discriminator_lr: float = 5e-4
    """Adam learning rate of the discriminator's heads."""
    chroma: float = 1.0
    """Weight of the Huber loss on a, b (in units of 50)."""
    perceptual: float = 1.5
    """Weight of LPIPS (AlexNet)."""
    spread: float = 0.2
    """Weight of the loss on the spread of the chroma within a picture."""
    moment: float = 0.1
    """Weight of the loss on the mean chroma of a picture."""
    adversarial: float = 0.15
    """Weight of the generator's hinge loss."""
    adversarial_from: int = 150
    """Step at which the discriminator joins; its weight then rises over 200 steps."""
    tint_known: float = 0.4
    """Share of the crops whose mean tint the generator is told."""
    tone: float = 0.2
    """Strength of the random change of the lightness curve."""
    spread_gain: float = 1.0
    """Factor on the estimated spread of the chroma at inference; chosen on validation."""
    spread_floor: float = 0.0
    """Least spread of the chroma at inference, in CIELAB units; chosen on validation."""
    encoder_width: float = 1.0
    """Scale of the encoder's channels; below 1 it starts from random weights (for tests)."""
    encoder_depth: float = 1.0
    """Scale of the encoder's number of blocks; below 1 it starts from random weights (for tests)."""

    @staticmethod
    def miniature() -> "TwoNetConfig":
        """Random narrow encoders, 64 px crops, four steps."""
        return TwoNetConfig(
            steps=4,
            batch_size=4,
            precision="no",
            size=64,
            adversarial_from=2,
            save_every=2,
            validate_every=4,
            encoder_width=0.25,
            encoder_depth=0.5,
        )


class TwoNetRecipe:
    """Generator, discriminator heads on frozen features, LPIPS."""

    averaged = ("generator",)

    def __init__(self, config: TwoNetConfig):
        if config.size % 32:
            raise ValueError(f"size must be a multiple of 32, got {config.size}.")
        self.config = config
        shape = {"encoder_width": config.encoder_width, "encoder_depth": config.encoder_depth}
        generator = TwoNetGenerator(spread_gain=config.spread_gain, spread_floor=config.spread_floor, **shape)
        discriminator = FeatureDiscriminator(**shape)
        if config.encoder_width == config.encoder_depth == 1:
            state = efficientnet_lite0_state()
            load_imagenet(generator.palette.encoder, state)
            load_imagenet(discriminator.features, state)
        networks = {"generator": generator, "discriminator": discriminator}
        # Channels last: a third faster here, on CPUs and GPUs alike.
        self.networks: dict[str, nn.Module] = {
            name: network.to(memory_format=torch.channels_last) for name, network in networks.items()
        }
        self.frozen: dict[str, nn.Module] = {"lpips": lpips_network("alex")}
        self._crops: PaintingCrops | None = None

    def dataset(self) -> PaintingCrops:
        if self._crops is None:
            self._crops = PaintingCrops(self.config.data, self.config.size, "train", self.config.tone)
        return self._crops

    def weights(self) -> Tensor:
        return self.dataset().weights()

    def optimizers(self, networks: dict[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        trained = [p for p in networks["generator"].parameters() if p.requires_grad]
        heads = [p for p in networks["discriminator"].parameters() if p.requires_grad]
        return {
            "G": torch.optim.AdamW(trained, lr=self.config.lr, betas=(0.5, 0.99), weight_decay=1e-3),
            "D": torch.optim.Adam(heads, lr=self.config.discriminator_lr, betas=(0.0, 0.99)),
        }

    def learning_rate(self, optimizer: str, step: int) -> float:
        """Warm-up and cosine for the generator, constant for the discriminator."""
        if optimizer == "D":
            return 1.0
        cosine = 0.5 * (1 + math.cos(math.pi * min(step / self.config.steps, 1)))
        return min(1.0, (step + 1) / 50) * (0.05 + 0.95 * cosine)

    def phases(self, networks: dict[str, nn.Module], frozen: dict[str, nn.Module]) -> list[Phase]:
        config, generator, discriminator = self.config, networks["generator"], networks["discriminator"]

        def paint(batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
            lab = with_tone(rgb_to_lab(batch["rgb"]), batch["tone"])
            spread, tint = wishes(lab[:, 1:], batch["noise"], batch["chance"] < config.tint_known)
            chroma, estimate = generator(lab[:, :1] / 50 - 1, spread, tint)
            return lab, chroma.float(), estimate.float()

        def train_discriminator(batch: Batch) -> dict[str, Tensor]:
            with torch.no_grad():
                lab, chroma, _ = paint(batch)
                real, painted = lab_to_rgb(lab), lab_to_rgb(under_tint_of(lab, chroma))
            pairs = list(zip(discriminator(real), discriminator(painted), strict=True))
            return {"loss": torch.stack([hinge_discriminator_loss(r.float(), p.float()) for r, p in pairs]).mean(0)}

        def reconstruct(batch: Batch) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
            lab, chroma, estimate = paint(batch)
            painted = lab_to_rgb(torch.cat([lab[:, :1], chroma], dim=1))
            terms = {
                "chroma": chroma_loss(chroma / CHROMA_UNIT, lab[:, 1:] / CHROMA_UNIT, beta=0.1),
                "perceptual": frozen["lpips"](painted * 2 - 1, lab_to_rgb(lab) * 2 - 1).float(),
                "spread": spread_loss(chroma, lab[:, 1:]),
                "moment": moment_loss(chroma, lab[:, 1:]),
            }
            loss = torch.stack([getattr(config, name) * value for name, value in terms.items()]).sum(0)
            estimate_loss = (estimate - torch.log1p(chroma_spread(lab[:, 1:]))).abs()
            return lab, chroma, terms | {"estimate": estimate_loss, "loss": loss + 0.2 * estimate_loss}

        def train_generator(batch: Batch) -> dict[str, Tensor]:
            return reconstruct(batch)[2]

        def train_generator_adversarially(batch: Batch) -> dict[str, Tensor]:
            lab, chroma, terms = reconstruct(batch)
            logits = discriminator(lab_to_rgb(under_tint_of(lab, chroma)))
            adversarial = torch.stack([hinge_generator_loss(scale.float()) for scale in logits]).mean(0)
            return terms | {"adversarial": adversarial, "loss": terms["loss"] + config.adversarial * adversarial}

        start = config.adversarial_from
        return [
            Phase("D", ("discriminator",), train_discriminator, start=start),
            Phase("G", ("generator",), train_generator, until=start),
            Phase("G", ("generator",), train_generator_adversarially, start=start),
        ]

    def validate(self, averaged: dict[str, nn.Module]) -> dict[str, float]:
        """Colours of fixed validation crops; `score` is LPIPS plus what the chroma lacks in spread and strength."""
        pipe, lpips = self.pipeline(averaged), self.frozen["lpips"]
        real = validation_crops(self.config.data, limit=120)
        painted = torch.stack(list(pipe(list(real), output_type="pt", return_dict=False)[0])).to(real)
        measured = colour_validation(real, painted, lpips)
        lacking = max(0.0, 0.85 - measured["spread_ratio"]) + max(0.0, 0.85 - measured["chroma_ratio"])
        return measured | {"score": measured["lpips"] + 0.1 * lacking}

    def pipeline(self, averaged: dict[str, nn.Module]) -> LandscapeColorizer:
        return LandscapeColorizer(averaged["generator"])


def with_tone(lab: Tensor, tone: Tensor) -> Tensor:
    """Change the lightness curve, L' = lift + (1 - lift) L^gamma; (B, 3, H, W) CIELAB, (B, 2) gamma and lift."""
    gamma, lift = tone[:, 0].view(-1, 1, 1, 1), tone[:, 1].view(-1, 1, 1, 1)
    lightness = (lab[:, :1] / 100).clamp(1e-4, 1) ** gamma
    return torch.cat([(lift + (1 - lift) * lightness).clamp(0, 1) * 100, lab[:, 1:]], dim=1)


def under_tint_of(lab: Tensor, chroma: Tensor) -> Tensor:
    """A picture in other colours of the same mean: (B, 3, H, W) CIELAB and (B, 2, H, W) a, b -> (B, 3, H, W)."""
    shift = lab[:, 1:].mean((2, 3), keepdim=True) - chroma.mean((2, 3), keepdim=True)
    return torch.cat([lab[:, :1], chroma + shift], dim=1)


def chroma_spread(chroma: Tensor) -> Tensor:
    """Spread of the chroma within each picture, sqrt(var a + var b); (B, 2, H, W) CIELAB -> (B,)."""
    return chroma.var((2, 3)).sum(1).sqrt()


def wishes(chroma: Tensor, noise: Tensor, told: Tensor) -> tuple[Tensor, Tensor]:
    """What the generator is told of a picture: its spread, within about 15 %, and for some its mean tint.

    Args:
        chroma: (B, 2, H, W) CIELAB.
        noise: (B, 3) standard normal; without noise the network would take the wish for a promise.
        told: (B,) bool, whether the tint is given.

    Returns:
        (B,) spread and (B, 2) mean a, b with NaN where it is not given.
    """
    spread = chroma_spread(chroma) * (0.15 * noise[:, 0]).exp()
    tint = chroma.mean((2, 3)) + noise[:, 1:]
    return spread, tint.masked_fill(~told[:, None], torch.nan)
