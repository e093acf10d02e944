"""Training of the paper's model and of its ablations: guides only, GAN only, both. One recipe for all rows.

Equation (7): min over G, max over D of L_GAN + lambda L_l1, as phases of the one loop. The output's own L1 loss stays
in every row: D is not shown the drawing, so L_GAN alone would not tie the colours to it. `--l1 0` leaves it out.
"""

import copy
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from evaluation.perceptual import lpips_network
from pipelines.gan_losses import absolute_error_loss
from pipelines.lineart_colorizer.dataset import LineArtCrops
from pipelines.lineart_colorizer.losses import guide_losses, style_class_loss, style_classes
from pipelines.lineart_colorizer.networks_style_encoder import Vgg16ConvStyle
from pipelines.lineart_colorizer.networks_swish_training import GuidedGenerator, StyleDiscriminator
from pipelines.lineart_colorizer.networks_swish_unet import SwishUNetGenerator
from pipelines.lineart_colorizer.pipeline_lineart_colorizer import LineArtColorizer
from pipelines.lineart_colorizer.style_weights import StyleKind, style_encoder
from pipelines.lineart_colorizer.validation import Validation
from train.recipe import Batch, Phase, TrainConfig

_PAPER_PICTURES = 5000
STANDARD = 128  # references whose style numbers set the standard


@dataclass(frozen=True)
class PaperConfig(TrainConfig):
    """Options of `train lineart_colorizer paper` and of the rows beside it.

    The paper gives the size, alpha and beta. Ours: 20 passes over its 5000 pictures in batches of 4, Adam, lambda.
    """

    steps: int = 20 * _PAPER_PICTURES // 4
    batch_size: int = 4
    ema_images: float = 0.0  # the paper averages no weights
    save_every: int = 1000
    validate_every: int = 2500
    best: str = "score"
    rights: Literal["open", "all"] = "open"
    """Which pictures are trained on: those under open licences, or all."""
    style: StyleKind = "vgg19-fc"
    """The style vector: the paper's VGG-19, which needs a download, or VGG-16's convolutions, which are installed."""
    guides: bool = True
    """Train with the two guide decoders and their losses."""
    adversarial: bool = True
    """Train against the discriminator of style classes."""
    l1: float = 10.0
    """Weight of all L1 losses, the paper's lambda."""
    alpha: float = 0.3
    """Weight of guide 1's loss, on the grey version, beside the output's."""
    beta: float = 0.9
    """Weight of guide 2's loss, on the colours."""
    width: int = 32
    """Channels of the generator at full size; the discriminator begins with twice as many."""
    size: int = 256
    """Side of the training crops in pixels, a multiple of 32."""
    reference_size: int = 224
    """Side of the references in pixels; "vgg16-conv" looks at all references in this size ever after."""
    lr: float = 2e-4
    """Adam learning rate of both networks: constant for the first half of the steps, then linear to 0."""

    def changed(self, **changes) -> "PaperConfig":
        """The same run with other options."""
        return replace(self, **changes)


class PaperRecipe:
    """The U-Net of gated blocks with its guides, against a discriminator of style classes.

    V(y) is taken from the reference, which is the target y disturbed so that its geometry cannot be copied, in all
    three places: what is injected, what D is to say of y, and what D shall say of the output.

    Raises:
        ValueError: for a size that the networks do not take.
        OSError: if the style encoder's weights cannot be had.
    """

    averaged = ("generator",)

    def __init__(self, config: PaperConfig):
        if config.size % 32 or config.size < 32 or config.reference_size < 32:
            sizes = f"{config.size} and {config.reference_size}"
            raise ValueError(f"size must be a multiple of 32 and reference_size at least 32, got {sizes}.")
        self.config = config
        encoder = style_encoder(config.style, config.reference_size)
        generator = SwishUNetGenerator(config.width, encoder.length)
        self.networks: dict[str, nn.Module] = {"generator": GuidedGenerator(generator, config.guides)}
        if config.adversarial:
            self.networks["discriminator"] = StyleDiscriminator(encoder.length, 2 * config.width)
        self.encoder = encoder
        self.frozen: dict[str, nn.Module] = {"style_encoder": encoder, "lpips": lpips_network("alex")}
        self._crops: LineArtCrops | None = None
        self._validation: Validation | None = None

    def dataset(self) -> LineArtCrops:
        """The pictures, each its own reference. "vgg16-conv" takes its standard from the first of them it is shown."""
        if self._crops is None:
            config = self.config
            sizes = (config.size, config.reference_size)
            self._crops = LineArtCrops(config.data, *sizes, config.rights, shares=(1.0, 0.0))
            if isinstance(self.encoder, Vgg16ConvStyle):
                set_standard(self.encoder, self._crops, config.seed)
        return self._crops

    def weights(self) -> None:
        return None

    def optimizers(self, networks: dict[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        names = {"generator": "G", "discriminator": "D"}
        return {
            names[key]: torch.optim.Adam(network.parameters(), lr=self.config.lr, betas=(0.5, 0.999))
            for key, network in networks.items()
        }

    def learning_rate(self, optimizer: str, step: int) -> float:
        """1 for the first half of the steps, then linear to 0."""
        return min(1.0, 2 * (1 - step / self.config.steps))

    def phases(self, networks: dict[str, nn.Module], frozen: dict[str, nn.Module]) -> list[Phase]:
        made: list[tuple[Tensor, Tensor]] = []  # what phase G made, in order, for phase D: pictures and their styles

        def train_generator(batch: Batch) -> dict[str, Tensor]:
            vector = frozen["style_encoder"](batch["reference"])["vector"]
            output, grey, colour = networks["generator"](batch["drawing"], {"vector": vector})
            terms = {"l1": absolute_error_loss(output, batch["image"])}
            if grey is not None:
                terms["guide_grey"], terms["guide_colour"] = guide_losses(grey, colour, batch["image"])
            if "discriminator" in networks:
                terms["adversarial"] = style_class_loss(networks["discriminator"](output), style_classes(vector))
                made.append((output.detach(), vector))
            return terms | {"loss": self.total(terms)}

        def train_discriminator(batch: Batch) -> dict[str, Tensor]:
            fake, vector = made.pop(0)
            real_logits, fake_logits = networks["discriminator"](torch.cat([batch["image"], fake])).chunk(2)
            classes = style_classes(vector)
            real = style_class_loss(real_logits, classes)
            false = style_class_loss(fake_logits, torch.zeros_like(classes))
            return {"loss": real + false, "real": real, "fake": false}

        phases = [Phase("G", ("generator",), train_generator)]
        return phases + [Phase("D", ("discriminator",), train_discriminator)] * self.config.adversarial

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """The weighted sum of G's losses, those that are there; (B,) each and in all."""
        l1 = self.config.l1
        weights = {"l1": l1, "guide_grey": l1 * self.config.alpha, "guide_colour": l1 * self.config.beta}
        return torch.stack([weights.get(name, 1.0) * value for name, value in terms.items()]).sum(0)

    def validate(self, averaged: dict[str, nn.Module]) -> dict[str, float]:
        """Likeness with both kinds of reference, and faithfulness to it, see `Validation`."""
        if self._validation is None:
            self._validation = Validation(self.config.data, "all", self.frozen["lpips"])
        return self._validation(self.pipeline(averaged))

    def pipeline(self, averaged: dict[str, nn.Module]) -> LineArtColorizer:
        """The generator without its guides, and the style encoder that it goes with."""
        return LineArtColorizer(averaged["generator"].generator, copy.deepcopy(self.encoder).eval())


@torch.no_grad()
def set_standard(encoder: Vgg16ConvStyle, crops: LineArtCrops, seed: int) -> None:
    """Standardise the style numbers on references as training draws them: the same ones for the same data and seed."""
    rng = torch.Generator().manual_seed(seed)
    indices = [index % len(crops) for index in range(STANDARD)]
    if len(crops) > STANDARD:
        indices = torch.randperm(len(crops), generator=rng)[:STANDARD].tolist()
    rows = [encoder.statistics(crops.draw(index, rng)["reference"][None]) for index in indices]
    encoder.standardise(torch.cat(rows))


_PAPER = PaperConfig()
_TINY = PaperConfig(
    steps=4,
    batch_size=2,
    save_every=2,
    validate_every=4,
    rights="all",
    style="vgg16-conv",
    width=2,
    size=64,
    reference_size=32,
)

PAPER_PRESETS: dict[str, tuple[str, PaperConfig]] = {
    "paper": ("the paper's model: guide decoders' losses and the GAN's; 100,000 pictures", _PAPER),
    "paper-guides": ("ablation: the guides' losses, no discriminator", _PAPER.changed(adversarial=False)),
    "paper-gan": ("ablation: the GAN's loss, no guides", _PAPER.changed(guides=False)),
    "paper-tiny": ("the paper's recipe with narrow networks: seconds, for tests", _TINY),
}
