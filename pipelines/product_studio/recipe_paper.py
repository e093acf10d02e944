"""Training of the article's GAN and of its counter-measures to collapse: D, then G, a step of each in turn.

Options and presets are in presets_paper.py.
"""

from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn

from pipelines.gan_losses import per_image
from pipelines.generation.dataset import ConditionedPictures
from pipelines.generation.gate import score
from pipelines.generation.losses import discriminator_accuracy
from pipelines.generation.validation import Validation
from pipelines.product_studio.dataset_paper import AugmentedProducts
from pipelines.product_studio.losses_paper import (
    cross_entropy_loss,
    non_saturating_generator_loss,
    printed_generator_loss,
)
from pipelines.product_studio.networks_paper_products import (
    CONVOLUTIONS,
    ProductPaperDiscriminator,
    ProductPaperGenerator,
)
from pipelines.product_studio.presets_paper import ProductPaperConfig
from train.recipe import Batch, Phase

if TYPE_CHECKING:
    from pipelines.product_studio.pipeline_product_studio import ProductStudio

ACCEPTED = 0.1  # quantile of the held-out pictures' scores from which on a sample counts as accepted
BATCH = 16  # pictures at a time in validation: D's maps are as large as the pictures


class ProductPaperRecipe:
    """The generator, and the discriminator that goes into the pipeline as its judge.

    Raises:
        ValueError: for a size or depth that the networks do not take.
    """

    averaged = ("generator", "judge")

    def __init__(self, config: ProductPaperConfig):
        self.config = config
        told = {"categories": list(config.categories), "colours": list(config.colours)} if config.conditional else {}
        latents = config.latents + CONVOLUTIONS * config.level_latents
        width = config.capacity * config.width
        self.networks: dict[str, nn.Module] = {
            "generator": ProductPaperGenerator(
                config.size, latents, **told, width=width, level_latents=config.level_latents
            ),
            "judge": ProductPaperDiscriminator(config.size, **told, width=config.width, depth=config.judge_depth),
        }
        self.frozen: dict[str, nn.Module] = {}
        printed = config.loss == "printed"
        self.generator_loss = printed_generator_loss if printed else non_saturating_generator_loss
        self._pictures: AugmentedProducts | None = None
        self._held_out: ConditionedPictures | None = None
        self._validation: Validation | None = None

    def dataset(self) -> AugmentedProducts:
        if self._pictures is None:
            c = self.config
            chosen = {"categories": c.categories, "colours": c.colours, "subset": c.subset}
            self._pictures = AugmentedProducts(c.data, c.size, c.smallest, c.rotation, c.mirror, **chosen)
        return self._pictures

    def weights(self) -> None:
        """Pictures as often as they are."""

    def optimizers(self, networks: dict[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        """Adam with Keras's defaults beside the rate."""
        rates = {"G": ("generator", self.config.lr), "D": ("judge", self.config.judge_lr)}
        return {
            key: torch.optim.Adam(networks[name].parameters(), lr=rate, betas=(0.9, 0.999), eps=1e-7)
            for key, (name, rate) in rates.items()
        }

    def learning_rate(self, optimizer: str, step: int) -> float:
        return 1.0

    def phases(self, networks: dict[str, nn.Module], frozen: dict[str, nn.Module]) -> list[Phase]:
        generator, judge = networks["generator"], networks["judge"]

        def samples(batch: Batch) -> Tensor:
            noise = torch.randn(len(batch["image"]), self.latents, device=batch["image"].device)
            return generator(noise, batch["category"], batch["colour"])

        def train_discriminator(batch: Batch) -> dict[str, Tensor]:
            asked = batch["category"], batch["colour"]
            with torch.no_grad():
                made = samples(batch)
            of_real, of_fake = judge(batch["image"], *asked), judge(made, *asked)
            real, fake = cross_entropy_loss(of_real[:, None], True), cross_entropy_loss(of_fake[:, None], False)
            accuracy = discriminator_accuracy(of_real[:, None], of_fake[:, None])
            return {"loss": real + fake, "real": real, "fake": fake, "accuracy": accuracy}

        def train_generator(batch: Batch) -> dict[str, Tensor]:
            logits = judge(samples(batch), batch["category"], batch["colour"])[:, None]
            return {"loss": self.generator_loss(logits), "taken_for_real": per_image(logits.detach().sigmoid())}

        return [Phase("D", ("judge",), train_discriminator), Phase("G", ("generator",), train_generator)]

    @property
    def latents(self) -> int:
        """Numbers that a picture is made from, those of single levels included."""
        return cast(ProductPaperGenerator, self.networks["generator"]).config.latents

    def validate(self, averaged: dict[str, nn.Module]) -> dict[str, float]:
        """See `Validation`; and "acceptance", the article's "is the picture good enough?": the share of samples that D
        scores as high as all but the poorest tenth of the held-out pictures."""
        held_out, generator, judge = self._real(), averaged["generator"], averaged["judge"]
        if self._validation is None:
            self._validation = Validation(held_out, told=self.config.conditional)
        device, scores = next(generator.parameters()).device, []

        def sample(category: Tensor, colour: Tensor, rng: torch.Generator) -> Tensor:
            noise = torch.randn(len(category), self.latents, generator=rng)
            asked = category.to(device), colour.to(device)
            made = generator(noise.to(device), *asked)
            scores.append(judge(made, *asked).float().cpu())
            return made

        values = self._validation(sample, BATCH)
        pictures = held_out.pictures.float() / 127.5 - 1
        real = score(judge, pictures, held_out.category.tolist(), held_out.colour.tolist(), BATCH)
        accepted = torch.cat(scores).numpy() >= np.quantile(real, ACCEPTED)
        return values | {"acceptance": float(accepted.mean())}

    def _real(self) -> ConditionedPictures:
        if self._held_out is None:
            c = self.config
            self._held_out = ConditionedPictures(c.data, "val", c.size, c.categories, c.colours, c.subset)
        return self._held_out

    def pipeline(self, averaged: dict[str, nn.Module]) -> "ProductStudio":
        from pipelines.product_studio.pipeline_product_studio import ProductStudio

        config, generator = self.config, cast(ProductPaperGenerator, averaged["generator"])
        if config.conditional:
            frequencies = self.dataset().frequencies(len(config.categories), len(config.colours))
            generator.register_to_config(frequencies=frequencies)
        return ProductStudio(generator.eval(), cast(ProductPaperDiscriminator, averaged["judge"]).eval())
