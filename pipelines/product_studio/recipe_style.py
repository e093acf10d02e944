"""Training of style transfer: a decoder that turns exchanged statistics of VGG-16 features into a picture."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evaluation.packaged_weights import vgg16_lpips_state
from pipelines.gan_losses import absolute_error_loss
from pipelines.product_studio.dataset_editing import load_paintings, studio_pictures
from pipelines.product_studio.losses_style import content_loss, style_loss, total_variation
from pipelines.product_studio.networks_style_transfer import StyleNetwork, VggTaps, grained, moments
from pipelines.product_studio.pipeline_product_studio import ProductStudio
from pipelines.product_studio.studio_parts import studio_of
from pipelines.product_studio.style_pictures import NAMES, StylePairs, named_styles
from train.recipe import Batch, Phase, TrainConfig

PUBLISHED_WIDTH = 64
DEPTH, CONTENT = 5, 3  # style is compared at relu1_1 to relu5_1, content at relu4_1


@dataclass(frozen=True)
class StyleConfig(TrainConfig):
    """Options of `train product_studio style`."""

    steps: int = 1500
    batch_size: int = 8
    precision: Literal["no", "bf16"] = "bf16"
    channels_last: bool = True
    ema_images: float = 1000
    save_every: int = 250
    validate_every: int = 250
    size: int = 96
    """Side of the training pictures, a multiple of 4."""
    width: int = 96
    """Channels of the decoder at stride 4."""
    encoder_width: int = PUBLISHED_WIDTH
    """Channels of the encoder's first convolution; other widths start from random weights (for tests)."""
    lr: float = 1e-3
    """Adam learning rate, warmed up over 50 steps, cosine to 2 %."""
    style: float = 1.0
    """Weight of the style loss."""
    content: float = 4.0
    """Weight of the content loss."""
    identity: float = 10.0
    """Weight of the L1 loss of pictures that are asked for their own style."""
    identity_share: float = 0.1
    """Share of the pictures that are."""
    masked_share: float = 0.4
    """Share of the others in which the product alone is styled, and counts."""
    variation: float = 0.3
    """Weight of the total variation."""
    grain: float = 0.025
    """Deviation of the noise laid over flat places before they are styled."""
    start_from: Path | None = None
    """Folder of a studio whose style network training starts from; unset: a random decoder."""
    paintings: Path | None = None
    """Folder with paintings (train.parquet) as further styles; unset: drawn styles alone."""
    seeds: int = 8
    """Drawn styles of each name."""
    limit: int | None = None
    """Take only so many pictures of each split, for a rehearsal; unset: all, and 24 for validation."""


class StyleRecipe:
    """One network. The encoder's weights are published ones and stay; the decoder learns."""

    averaged = ("style",)

    def __init__(self, config: StyleConfig):
        if config.size % 4:
            raise ValueError(f"size must be a multiple of 4, got {config.size}.")
        self.config = config
        network = StyleNetwork(
            width=config.width,
            styles=NAMES,
            encoder_width=config.encoder_width,
            grain=config.grain,
            style_area=(2 * config.size) ** 2,  # of 1.5 and 2 times the side the better on validation
        )
        if config.start_from is not None:
            network.load_state_dict(ProductStudio.from_pretrained(config.start_from).style.state_dict())
        features = VggTaps(config.encoder_width, depth=DEPTH)
        if config.encoder_width == PUBLISHED_WIDTH:
            load_published(features, vgg16_lpips_state())
        else:
            features.load_state_dict(network.encoder.state_dict(), strict=False)
        network.encoder.load_state_dict({key: features.state_dict()[key] for key in network.encoder.state_dict()})
        with torch.no_grad():  # the encoder is fixed, so the named styles' codes are known from the start
            network.codes.copy_(torch.cat([network.code(picture[None]) for picture in named_styles()]))
            self.scales = style_scales(features, named_styles())
        self.networks: dict[str, nn.Module] = {"style": network}
        self.frozen: dict[str, nn.Module] = {"features": features}
        self._validation: list[Batch] | None = None

    def dataset(self) -> StylePairs:
        return self._pairs("train", self.config.limit)

    def weights(self) -> None:
        return None

    def optimizers(self, networks: dict[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        trained = [value for value in networks["style"].parameters() if value.requires_grad]
        return {"S": torch.optim.Adam(trained, self.config.lr, (0.9, 0.99))}

    def learning_rate(self, optimizer: str, step: int) -> float:
        """Warm-up, then a cosine."""
        cosine = 0.5 * (1 + math.cos(math.pi * min(step / self.config.steps, 1)))
        return min(1.0, (step + 1) / 50) * (0.02 + 0.98 * cosine)

    def phases(self, networks: dict[str, nn.Module], frozen: dict[str, nn.Module]) -> list[Phase]:
        config = self.config

        def train_style(batch: Batch) -> dict[str, Tensor]:
            terms = style_terms(networks["style"], frozen["features"], batch, config, self.scales)
            return terms | {
                "loss": torch.stack([getattr(config, name) * value for name, value in terms.items()]).sum(0)
            }

        return [Phase("S", ("style",), train_style)]

    def validate(self, averaged: dict[str, nn.Module]) -> dict[str, float]:
        """The terms of the loss on fixed pairs and grain; `loss` is their weighted sum."""
        network, features, rng = averaged["style"], self.frozen["features"], torch.Generator().manual_seed(0)
        batches = self._validation_batches()
        found = [style_terms(network, features, batch, self.config, self.scales, rng) for batch in batches]
        means = {name: float(torch.cat([terms[name] for terms in found]).mean()) for name in found[0]}
        return means | {"loss": sum(getattr(self.config, name) * value for name, value in means.items())}

    def pipeline(self, averaged: dict[str, nn.Module]) -> Any:
        """A product studio with this one part."""
        return studio_of({"style": averaged["style"]})

    def _validation_batches(self) -> list[Batch]:
        if self._validation is None:
            data = self._pairs("val", self.config.limit or 24)
            items = [data.draw(number, torch.Generator().manual_seed(number)) for number in range(len(data))]
            self._validation = [
                {key: torch.stack([item[key] for item in items[start : start + 8]]) for key in items[0]}
                for start in range(0, len(items), 8)
            ]
        return self._validation

    def _pairs(self, split: str, limit: int | None) -> StylePairs:
        pictures = studio_pictures(self.config.data, split, limit)
        return StylePairs(pictures, load_paintings(self.config.paintings), self.config.size, self.config.seeds)


def style_terms(
    network: nn.Module,
    features: nn.Module,
    batch: Batch,
    config: StyleConfig,
    scales: Sequence[float],
    rng: torch.Generator | None = None,
) -> dict[str, Tensor]:
    """The unweighted terms of the loss, (B,) each: content, style, identity, variation.

    A picture is asked for its own style, or for another's as a whole, or for another's within its mask: there the
    statistics of the product alone are exchanged and compared, for white would drown them.

    Args:
        scales: see `style_scales`.
        rng: of the grain; None: torch's global one.
    """
    image, chance = batch["image"], batch["chance"].view(-1, 1, 1, 1)
    keeps = chance < config.identity_share
    within = ~keeps & (chance < config.identity_share + (1 - config.identity_share) * config.masked_share)
    weight = torch.where(within, batch["mask"], torch.ones_like(batch["mask"]))
    with torch.no_grad():
        wanted = torch.where(keeps, image, batch["style"])
        style_taps = [moments(tap) for tap in features(wanted)]
        depth = len(network_of(network).encoder.channels)
        code = torch.cat([torch.cat(pair, 1).flatten(1) for pair in style_taps[:depth]], dim=1)
        image_taps = network_of(network).encoder(grained(image, config.grain, rng))
        plain = features(image)[CONTENT]
    output = network(image, code, weight, image_taps)
    taps = features(output)
    keeps = keeps.view(-1)
    return {
        "content": content_loss(taps[CONTENT], plain, weight),
        "style": style_loss([moments(tap, weight) for tap in taps], style_taps, scales),
        "identity": absolute_error_loss(output.float(), image) * keeps,
        "variation": total_variation(output.float()) * ~keeps,
    }


def style_scales(features: nn.Module, styles: Tensor) -> list[float]:
    """How much channels' means and deviations vary over styles (K, 3, H, W), as one mean variance at each depth."""
    taps = features(F.interpolate(styles, (128, 128), mode="bilinear", antialias=True))
    return [float(sum(part.var(0).mean() for part in moments(tap))) for tap in taps]


def network_of(network: nn.Module) -> Any:
    """The network itself, without what distributes it over devices."""
    return getattr(network, "module", network)


def load_published(encoder: VggTaps, state: Mapping[str, Tensor]) -> None:
    """Copy VGG-16's published convolutions into `encoder`.

    Raises:
        RuntimeError: if a shape does not fit.
    """
    encoder.load_state_dict({key: state[key] for key in encoder.state_dict()})
