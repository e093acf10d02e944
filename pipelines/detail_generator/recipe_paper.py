"""Training of the paper's two stages, of their ablations and of the row beside them: one recipe for all.

Stage 1, "single-scale", is D, then G. Stage 2, "vae-msgan", is equation (12) in the order the text gives: encoder and
generator by the VAE terms, then D on pictures, reconstructions and samples, then G; k steps of D for one of the others.
Options and presets are in presets_paper.py.
"""

from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pipelines.detail_generator.clipped_optimizer import ClippedRMSprop
from pipelines.detail_generator.losses import (
    feature_likelihood_loss,
    log_fake_loss,
    log_generator_loss,
    log_real_loss,
    wasserstein_fake_loss,
    wasserstein_real_loss,
)
from pipelines.detail_generator.networks_single_scale import SingleScaleDiscriminator, TransposedGenerator
from pipelines.detail_generator.networks_vae_msgan import MultiScaleDiscriminator, VariationalEncoder
from pipelines.detail_generator.presets_paper import PaperConfig
from pipelines.generation.dataset import ConditionedPictures
from pipelines.generation.labelled_pictures import find_categories
from pipelines.generation.losses import discriminator_accuracy, latent_divergence_loss
from pipelines.generation.validation import Validation
from train.recipe import Batch, Phase

if TYPE_CHECKING:
    from pipelines.detail_generator.pipeline_detail_generator import DetailGenerator


class PaperRecipe:
    """G, D and, in stage 2, E. Two optimizers move G, so that each loss keeps its own scale.

    D sees pictures, reconstructions and samples in batches of their own, whose statistics batch norm does not mix. The
    generated ones weigh as much as the real ones: half for each kind where there are two.

    Raises:
        ValueError: for sizes, kernels or levels that the networks do not take.
        FileNotFoundError: if there are no pictures, or none of the category.
    """

    def __init__(self, config: PaperConfig):
        self.config = config
        self.categories = find_categories(config.data, config.category)
        size, kinds = config.size, len(self.categories)
        generator = TransposedGenerator(size, config.width, config.latents, config.generator_kernel, self.categories)
        pooling = {"pooling": config.pooling, "pooled": config.pooled, "kinds": kinds}
        self.networks: dict[str, nn.Module] = {"generator": generator}
        if config.stage == "vae-msgan":
            kernel, width = config.generator_kernel, max(1, config.width // 2)
            self.networks["encoder"] = VariationalEncoder(size, config.width, config.latents, kernel, kinds)
            discriminator = MultiScaleDiscriminator(size, width, config.discriminator_kernels, **pooling)
        else:
            discriminator = SingleScaleDiscriminator(size, config.width, config.discriminator_kernels[0], **pooling)
        self.networks["discriminator"] = discriminator
        self.averaged = tuple(name for name in self.networks if name != "discriminator")
        self.frozen: dict[str, nn.Module] = {}
        log = config.adversarial == "log"
        self.real_loss = log_real_loss if log else wasserstein_real_loss
        self.fake_loss = log_fake_loss if log else wasserstein_fake_loss
        self.generator_loss = partial(log_generator_loss, saturating=config.saturating) if log else self.real_loss
        self._pictures: ConditionedPictures | None = None
        self._validation: Validation | None = None

    def dataset(self) -> ConditionedPictures:
        if self._pictures is None:
            crops = (self.config.smallest, 1.0)
            self._pictures = ConditionedPictures(
                self.config.data, "train", self.config.size, self.categories, mirror=True, crops=crops
            )
        return self._pictures

    def weights(self) -> Tensor:
        """Categories alike often."""
        return self.dataset().weights(1.0)

    def optimizers(self, networks: dict[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        config, decay = self.config, self.config.weight_decay

        def adaptive(*names: str) -> torch.optim.Optimizer:
            groups = decayed(decay, *(networks[name] for name in names))
            if config.adversarial == "wasserstein":
                return torch.optim.RMSprop(groups, lr=config.lr)
            return torch.optim.Adam(groups, lr=config.lr, betas=(0.5, 0.999))

        optimizers = {"G": adaptive("generator")}
        if "encoder" in networks:
            optimizers["VAE"] = adaptive("encoder", "generator")
        if config.adversarial == "wasserstein":
            optimizers["D"] = ClippedRMSprop(networks["discriminator"].parameters(), config.lr, config.clip)
        else:
            optimizers["D"] = adaptive("discriminator")
        return optimizers

    def learning_rate(self, optimizer: str, step: int) -> float:
        return 1.0

    def phases(self, networks: dict[str, nn.Module], frozen: dict[str, nn.Module]) -> list[Phase]:
        judge, every = networks["discriminator"], self.config.critic_steps

        def train_discriminator(batch: Batch) -> dict[str, Tensor]:
            labels = batch["category"]
            with torch.no_grad():
                fakes = self.generated(networks, batch)
            of_real, of_fakes = judge(batch["image"], labels)[0], [judge(image, labels)[0] for image in fakes]
            real = self.real_loss(of_real)
            fake = torch.stack([self.fake_loss(logits) for logits in of_fakes]).mean(0)
            return {"loss": real + fake, "real": real, "fake": fake, "accuracy": self.accuracy(of_real, of_fakes)}

        def train_generator(batch: Batch) -> dict[str, Tensor]:
            fakes = self.generated(networks, batch)
            losses = [self.generator_loss(judge(image, batch["category"])[0]) for image in fakes]
            return {"loss": torch.stack(losses).mean(0)}

        phases = [
            Phase("D", ("discriminator",), train_discriminator),
            Phase("G", ("generator",), train_generator, every=every),
        ]
        if "encoder" not in networks:
            return phases
        vae = Phase("VAE", ("encoder", "generator"), partial(self.autoencoder_loss, networks), every=every)
        return [vae, *phases]

    def accuracy(self, real: Tensor, fakes: list[Tensor]) -> Tensor:
        """Share that D tells right, (B,). A critic's scores have no zero: it is halfway between the batch's means."""
        fake = torch.cat(fakes, dim=1)
        critic = self.config.adversarial == "wasserstein"
        return discriminator_accuracy(real, fake, (real.mean() + fake.mean()) / 2 if critic else 0.0)

    def generated(self, networks: dict[str, nn.Module], batch: Batch) -> list[Tensor]:
        """What D tells from the batch's pictures: samples G(z) and, in stage 2, reconstructions G(E(x)).

        Returns:
            Pictures (B, 3, S, S), one tensor for each kind, of the categories of the batch. None passes gradients to E.
        """
        image, labels = batch["image"], batch["category"]
        latents = [torch.randn(len(image), self.config.latents, device=image.device)]
        if "encoder" in networks:
            with torch.no_grad():
                latents.append(drawn(*networks["encoder"](image, labels)))
        return [networks["generator"](z, labels) for z in latents]

    def autoencoder_loss(self, networks: dict[str, nn.Module], batch: Batch) -> dict[str, Tensor]:
        """L_KL + L_LL of equation (12), each with its weight; (B,) by name.

        D sees reconstructions and pictures as one batch: by statistics of their own, batch norm would hide a colour
        that all reconstructions lack.
        """
        image, labels = batch["image"], batch["category"]
        mean, log_variance = networks["encoder"](image, labels)
        output = networks["generator"](drawn(mean, log_variance), labels)
        features = networks["discriminator"](torch.cat([output, image]), torch.cat([labels, labels]))[1]
        found, wanted = features.chunk(2)
        likelihood = feature_likelihood_loss(found, wanted.detach())
        divergence = latent_divergence_loss(mean, log_variance)
        loss = self.config.likelihood * likelihood + self.config.divergence * divergence
        return {"loss": loss, "likelihood": likelihood, "divergence": divergence}

    def validate(self, averaged: dict[str, nn.Module]) -> dict[str, float]:
        """How far samples are from the validation pictures, see `Validation`."""
        if self._validation is None:
            self._validation = Validation(
                ConditionedPictures(self.config.data, "val", self.config.size, self.categories)
            )
        device = next(averaged["generator"].parameters()).device

        def sample(category: Tensor, _: Tensor, rng: torch.Generator) -> Tensor:
            latents = torch.randn(len(category), self.config.latents, generator=rng)
            return averaged["generator"](latents.to(device), category.to(device))

        return self._validation(sample)

    def pipeline(self, averaged: dict[str, nn.Module]) -> "DetailGenerator":
        from pipelines.detail_generator.pipeline_detail_generator import DetailGenerator

        encoder = averaged.get("encoder")
        return DetailGenerator(averaged["generator"].eval(), None if encoder is None else encoder.eval())


def drawn(mean: Tensor, log_variance: Tensor) -> Tensor:
    """A draw from q(z|x), by which gradients pass: mean + standard deviation * noise; (B, latents) all."""
    return mean + (log_variance / 2).exp() * torch.randn_like(mean)


def decayed(decay: float, *networks: nn.Module) -> list[dict]:
    """Parameter groups: the weights of layers with the penalty, biases and batch norm's gains and offsets without."""
    parameters = [parameter for network in networks for parameter in network.parameters()]
    weights = [parameter for parameter in parameters if parameter.ndim > 1]
    rest = [parameter for parameter in parameters if parameter.ndim <= 1]
    return [{"params": weights, "weight_decay": decay}, {"params": rest, "weight_decay": 0.0}]
