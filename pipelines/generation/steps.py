"""What happens at a training step of the default generators: VAE alone at first, then generator and judge in turn."""

import torch
from torch import Tensor, nn

from pipelines.gan_losses import (
    absolute_error_loss,
    hinge_discriminator_loss,
    hinge_generator_loss,
    range_penalty,
)
from pipelines.generation.augment import Shift
from pipelines.generation.encoder import LatentPrior
from pipelines.generation.judge import view
from pipelines.generation.losses import feature_distance, latent_divergence_loss
from pipelines.generation.options import GenerationConfig
from train.recipe import Batch

RANGE = 10.0  # weight of the penalty on values outside [-1, 1]


class GenerationSteps:
    """Losses of the phases, (B,) values by name.

    Args:
        config: weights and sizes.
        networks: generator, encoder, judge and reader, wrapped for the devices at hand.
        features: the frozen feature network.
        prior: where noise is placed.
    """

    def __init__(
        self, config: GenerationConfig, networks: dict[str, nn.Module], features: nn.Module, prior: LatentPrior
    ):
        self.config, self.features, self.prior = config, features, prior
        self.generator, self.encoder = networks["generator"], networks["encoder"]
        self.judge, self.reader = networks["judge"], networks["reader"]
        self._seen: list[tuple[list[Tensor], list[Tensor]]] = []  # features of what the generator's phase saw, in order

    def train_autoencoder(self, batch: Batch) -> dict[str, Tensor]:
        """The VAE alone, every picture of the batch."""
        image, shift = batch["image"], Shift(len(batch["image"]), self.config.size)
        latents, divergence = self._read(batch, len(image))
        output = self.generator(latents, batch["category"], batch["colour"]).float()
        with torch.no_grad():
            real = self._seen_as(image, shift)
        terms = {
            "pixels": absolute_error_loss(output, image),
            "likelihood": feature_distance(self._seen_as(output, shift), real),
            "divergence": divergence,
        }
        return terms | {"loss": self._weighted(terms) + RANGE * range_penalty(output)}

    def train_generator(self, batch: Batch) -> dict[str, Tensor]:
        """Some pictures of the batch rebuilt, samples of what the others show; all of them judged."""
        image, category, colour = batch["image"], batch["category"], batch["colour"]
        count = max(1, round(len(image) * self.config.rebuilt))
        drawn, divergence = self._read(batch, count)
        noise = torch.randn(len(image) - count, self.config.latents, device=image.device)
        placed = self.prior.place(noise, category[count:])
        output = self.generator(torch.cat([drawn, placed]), category, colour).float()
        shift = Shift(len(image), self.config.size)
        with torch.no_grad():
            real = self._seen_as(image, shift)
        fake = self._seen_as(output, shift)
        judged = [hinge_generator_loss(logits) for logits in self.judge(fake[1:], category, colour)]
        terms = {"adversarial": torch.stack(judged).mean(0), "reader": self.reader(fake, category, colour)}
        rebuilt = {
            "pixels": absolute_error_loss(output[:count], image[:count]),
            "likelihood": feature_distance([x[:count] for x in fake], [x[:count] for x in real]),
            "divergence": divergence,
        }
        terms |= {name: _of_some(values, len(image), 0) for name, values in rebuilt.items()}
        if count < len(image):
            lost = self._recovery([x[count:] for x in fake], output[count:], placed, category[count:], colour[count:])
            terms["recovery"] = _of_some(lost, len(image), count)
        self._seen.append((real, [x.detach() for x in fake]))
        return terms | {"loss": self._weighted(terms) + RANGE * range_penalty(output)}

    def train_judge(self, batch: Batch) -> dict[str, Tensor]:
        """Judge and reader, on what the generator's phase of this step saw."""
        real, fake = self._seen.pop(0)
        asked = batch["category"], batch["colour"]
        pairs = list(zip(self.judge(real[1:], *asked), self.judge(fake[1:], *asked), strict=True))
        hinge = torch.stack([hinge_discriminator_loss(one, other) for one, other in pairs]).mean(0)
        right = [((one > 0).float().mean(1) + (other < 0).float().mean(1)) / 2 for one, other in pairs]
        reading = self.reader(real, *asked)
        accuracy = torch.stack(right).mean(0).detach()
        return {"loss": hinge + reading, "hinge": hinge, "reader": reading, "accuracy": accuracy}

    def _seen_as(self, image: Tensor, shift: Shift) -> list[Tensor]:
        """Features of pictures (B, 3, S, S) in [-1, 1], moved and made a little noisy."""
        moved = shift(image)
        return self.features(view(moved + self.config.blurring_noise * torch.randn_like(moved)))

    def _read(self, batch: Batch, count: int) -> tuple[Tensor, Tensor]:
        """Latents drawn for the first `count` pictures, (count, latents), and their divergence, (count,)."""
        image, asked = batch["image"][:count], (batch["category"][:count], batch["colour"][:count])
        with torch.no_grad():
            clean = self.features(view(image))
        mean, log_variance = self.encoder(clean, image, *asked)
        self.prior.update(mean, log_variance, asked[0])
        drawn = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        return drawn, latent_divergence_loss(mean, log_variance)

    def _recovery(self, fake: list[Tensor], output: Tensor, placed: Tensor, category: Tensor, colour: Tensor) -> Tensor:
        """Error of reading samples' latents back from them, each in units of its variance: 1 for not reading at all."""
        read, _ = self.encoder(fake, output, category, colour)
        return ((read - placed).square() / self.prior.covariance.diagonal()).mean(1)

    def _weighted(self, terms: dict[str, Tensor]) -> Tensor:
        return torch.stack([getattr(self.config, name) * value for name, value in terms.items()]).sum(0)


def _of_some(values: Tensor, count: int, start: int) -> Tensor:
    """Losses of some pictures of a batch of `count`, from `start` on, as (count,) values with their mean."""
    rest = count - start - len(values)
    padded = torch.cat([values.new_zeros(start), values, values.new_zeros(rest)])
    return padded * (count / len(values))
