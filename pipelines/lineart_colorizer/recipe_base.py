"""Training of the default line art colorizer: likeness where the colours are known, palette and judge where not."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from evaluation.packaged_weights import efficientnet_lite0_state
from evaluation.perceptual import lpips_network
from pipelines.efficientnet_lite_weights import load_imagenet
from pipelines.feature_discriminator import FeatureDiscriminator
from pipelines.gan_losses import absolute_error_loss, hinge_discriminator_loss, hinge_generator_loss
from pipelines.lineart_colorizer.dataset import OTHER, LineArtCrops
from pipelines.lineart_colorizer.losses_base import hint_loss, palette_directions, palette_loss
from pipelines.lineart_colorizer.networks_lineart_colorizer import LineArtGenerator
from pipelines.lineart_colorizer.networks_reference_encoder import ReferenceEncoder
from pipelines.lineart_colorizer.pipeline_lineart_colorizer import LineArtColorizer
from pipelines.lineart_colorizer.validation import Validation
from train.recipe import Batch, Phase, TrainConfig


@dataclass(frozen=True)
class BaseConfig(TrainConfig):
    """Options of `train lineart_colorizer base`."""

    steps: int = 2400
    batch_size: int = 8
    precision: Literal["no", "bf16"] = "bf16"
    channels_last: bool = True
    ema_images: float = 2000
    save_every: int = 100
    validate_every: int = 400
    best: str = "score"
    rights: Literal["open", "all"] = "open"
    """Which pictures are trained on: those under open licences, or all."""
    drawings: int = 640
    """How many of the project's own drawings are trained on beside them."""
    learned: float = 0.15
    """Share of line drawings that the learned extractor makes; the others are made by the classical ones."""
    size: int = 192
    """Side of the training crops in pixels, a multiple of 32."""
    reference_size: int = 160
    """Side of the references in pixels, a multiple of 32."""
    lr: float = 1e-3
    """AdamW learning rate of the decoder, warmed up over 50 steps, cosine to 5 %."""
    encoder_lr: float = 0.3
    """Learning rate of the pretrained encoders, as a factor on `lr`."""
    discriminator_lr: float = 1e-3
    """Adam learning rate of the discriminator's heads."""
    colour: float = 3.0
    """Weight of the L1 loss."""
    perceptual: float = 1.5
    """Weight of LPIPS (AlexNet)."""
    palette: float = 1.0
    """Weight of the palette loss against the reference."""
    hinted: float = 1.0
    """Weight of the loss on hints."""
    adversarial: float = 0.2
    """Weight of the generator's hinge loss."""
    adversarial_from: int = 300
    """Step at which the discriminator joins."""
    start_from: str | None = None
    """Folder or Hub id of a line art colorizer to start from; None: ImageNet encoders."""
    encoder_width: float = 1.0
    """Scale of the encoders' channels; below 1 they start from random weights (for tests)."""
    encoder_depth: float = 1.0
    """Scale of the encoders' number of blocks; below 1 they start from random weights (for tests)."""
    decoder: tuple[int, ...] = (160, 128, 64, 40, 32)
    """Channels of the decoder at strides 16, 8, 4 and 2 and at full size."""

    @staticmethod
    def miniature() -> "BaseConfig":
        """Random narrow encoders, 64 px crops, four steps."""
        return BaseConfig(
            steps=4,
            batch_size=4,
            precision="no",
            channels_last=False,
            rights="all",
            drawings=2,
            learned=0.0,
            size=64,
            reference_size=64,
            adversarial_from=2,
            save_every=2,
            validate_every=4,
            encoder_width=0.25,
            encoder_depth=0.5,
            decoder=(16, 16, 8, 8, 8),
        )


class BaseRecipe:
    """Generator and reference encoder, learning together; discriminator heads on frozen features; LPIPS."""

    averaged = ("generator", "style_encoder")

    def __init__(self, config: BaseConfig):
        if config.size % 32 or config.reference_size % 32:
            raise ValueError(f"Sizes must be multiples of 32, got {config.size} and {config.reference_size}.")
        self.config = config
        shape = {"encoder_width": config.encoder_width, "encoder_depth": config.encoder_depth}
        generator = LineArtGenerator(decoder=config.decoder, **shape)
        style_encoder = ReferenceEncoder(width=config.encoder_width, depth=config.encoder_depth)
        discriminator = FeatureDiscriminator(**shape)
        if config.encoder_width == config.encoder_depth == 1:
            state = efficientnet_lite0_state()
            for encoder in (generator.encoder, style_encoder.encoder, discriminator.features):
                load_imagenet(encoder, state)
        if config.start_from is not None:
            pipe = LineArtColorizer.from_pretrained(config.start_from)
            generator.load_state_dict(pipe.generator.state_dict())
            style_encoder.load_state_dict(pipe.style_encoder.state_dict())
        self.networks: dict[str, nn.Module] = {
            "generator": generator,
            "style_encoder": style_encoder,
            "discriminator": discriminator,
        }
        self.frozen: dict[str, nn.Module] = {"lpips": lpips_network("alex")}
        self._crops: LineArtCrops | None = None
        self._validation: Validation | None = None

    def dataset(self) -> LineArtCrops:
        if self._crops is None:
            config = self.config
            sizes = (config.size, config.reference_size)
            more = {"drawings": config.drawings, "learned": config.learned}
            self._crops = LineArtCrops(config.data, *sizes, config.rights, **more)
        return self._crops

    def weights(self) -> None:
        return None

    def optimizers(self, networks: dict[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        named = [item for key in ("generator", "style_encoder") for item in networks[key].named_parameters()]
        encoders = [p for name, p in named if "encoder." in name]
        rest = [p for name, p in named if "encoder." not in name]
        groups = [{"params": encoders, "lr": self.config.lr * self.config.encoder_lr}, {"params": rest}]
        heads = [p for p in networks["discriminator"].parameters() if p.requires_grad]
        return {
            "G": torch.optim.AdamW(groups, lr=self.config.lr, betas=(0.5, 0.99), weight_decay=1e-4),
            "D": torch.optim.Adam(heads, lr=self.config.discriminator_lr, betas=(0.0, 0.99)),
        }

    def learning_rate(self, optimizer: str, step: int) -> float:
        """Warm-up and cosine for the generator, constant for the discriminator."""
        if optimizer == "D":
            return 1.0
        cosine = 0.5 * (1 + math.cos(math.pi * min(step / self.config.steps, 1)))
        return min(1.0, (step + 1) / 50) * (0.05 + 0.95 * cosine)

    def phases(self, networks: dict[str, nn.Module], frozen: dict[str, nn.Module]) -> list[Phase]:
        config, discriminator = self.config, networks["discriminator"]
        painted: list[Tensor] = []  # what phase G painted, in order, for phase D

        def likeness(batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
            style = networks["style_encoder"](batch["reference"])
            output = networks["generator"](batch["drawing"], style, batch["hints"]).float()
            clipped = output.clamp(-1, 1)
            # Another picture's colours are not the target's: its likeness counts little, for the layout alone.
            counts = torch.where(batch["kind"] == OTHER, 0.15, 1.0)
            terms = {
                "colour": absolute_error_loss(output, batch["image"]) * counts,
                "perceptual": frozen["lpips"](clipped, batch["image"]).float() * counts,
                "palette": palette_loss(output, batch["reference"], palette_directions(16, output.device)),
                "hinted": hint_loss(output, batch["hints"]),
            }
            loss = torch.stack([getattr(config, name) * value for name, value in terms.items()]).sum(0)
            return clipped, terms | {"loss": loss}

        def train_generator(batch: Batch) -> dict[str, Tensor]:
            return likeness(batch)[1]

        def train_generator_adversarially(batch: Batch) -> dict[str, Tensor]:
            output, terms = likeness(batch)
            logits = discriminator((output + 1) / 2)
            adversarial = torch.stack([hinge_generator_loss(scale.float()) for scale in logits]).mean(0)
            painted.append(output.detach())
            return terms | {"adversarial": adversarial, "loss": terms["loss"] + config.adversarial * adversarial}

        def train_discriminator(batch: Batch) -> dict[str, Tensor]:
            real, fake = (batch["image"] + 1) / 2, (painted.pop(0) + 1) / 2
            pairs = zip(discriminator(real), discriminator(fake), strict=True)
            losses = [hinge_discriminator_loss(first.float(), second.float()) for first, second in pairs]
            return {"loss": torch.stack(losses).mean(0)}

        start, trains = config.adversarial_from, ("generator", "style_encoder")
        return [
            Phase("G", trains, train_generator, until=start),
            Phase("G", trains, train_generator_adversarially, start=start),
            Phase("D", ("discriminator",), train_discriminator, start=start),
        ]

    def validate(self, averaged: dict[str, nn.Module]) -> dict[str, float]:
        """Likeness with both kinds of reference, and faithfulness to it, see `Validation`."""
        if self._validation is None:
            self._validation = Validation(self.config.data, "all", self.frozen["lpips"])
        return self._validation(self.pipeline(averaged))

    def pipeline(self, averaged: dict[str, nn.Module]) -> LineArtColorizer:
        return LineArtColorizer(averaged["generator"], averaged["style_encoder"])
