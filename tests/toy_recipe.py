"""A GAN of a few numbers for the tests of the engine: three networks, two phases, a frozen part, its own batch keys."""

import json
import math
from dataclasses import dataclass

import torch
from torch import nn

from train.loop import train
from train.recipe import Phase, TrainConfig


@dataclass(frozen=True)
class ToyConfig(TrainConfig):
    steps: int = 6
    batch_size: int = 4
    save_every: int = 2
    validate_every: int = 3
    ema_images: float = 8.0
    best: str = "error"
    noise: float = 0.1  # from torch's global generator
    discriminator_every: int = 1
    items: int = 10
    fault: str = ""  # what goes wrong in step 3: "loss", "gradient"


class Points:
    """Own batch keys; the augmentation comes from the generator handed in."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return self.items

    def draw(self, index, rng):
        return {"points": torch.full((3,), float(index)) + torch.randn(3, generator=rng), "index": torch.tensor(index)}


class Toy:
    """A generator of two networks in one phase, a discriminator with a frozen part, a frozen feature network."""

    averaged = ("encoder", "decoder")

    def __init__(self, config, on_step=None):
        self.config, self.on_step, self.seen = config, on_step, []
        torch.manual_seed(0)
        held = nn.Linear(3, 3).requires_grad_(False)
        self.networks = {
            "encoder": nn.Linear(3, 2),
            "decoder": nn.Linear(2, 3),
            "discriminator": nn.Sequential(held, nn.Linear(3, 1)),
        }
        self.frozen = {"features": nn.Linear(3, 3)}

    def dataset(self):
        return Points(self.config.items)

    def weights(self):
        return None

    def optimizers(self, networks):
        autoencoder = [*networks["encoder"].parameters(), *networks["decoder"].parameters()]
        heads = [p for p in networks["discriminator"].parameters() if p.requires_grad]
        return {"G": torch.optim.Adam(autoencoder, lr=0.01), "D": torch.optim.SGD(heads, lr=0.01, momentum=0.9)}

    def learning_rate(self, optimizer, step):
        return 1.0 if optimizer == "D" else 1 / (1 + step)

    def phases(self, networks, frozen):
        def generate(points):
            return networks["decoder"](networks["encoder"](points + self.config.noise * torch.randn_like(points)))

        def train_discriminator(batch):
            logits = networks["discriminator"](batch["points"]) - networks["discriminator"](generate(batch["points"]))
            return {"loss": nn.functional.softplus(-logits).mean(1)}

        def train_generator(batch):
            self.seen.append(batch["index"].tolist())
            if self.on_step:
                self.on_step(len(self.seen))
            output = generate(batch["points"])
            error = (frozen["features"](output) - frozen["features"](batch["points"])).square().mean(1)
            loss = error - 0.1 * networks["discriminator"](output).mean(1)
            return {"loss": self.spoiled(loss, output), "error": error}

        return [
            Phase("D", ("discriminator",), train_discriminator, every=self.config.discriminator_every),
            Phase("G", ("encoder", "decoder"), train_generator),
        ]

    def spoiled(self, loss, output):
        """The loss, with the fault that the test asks for."""
        if len(self.seen) > 3 and self.config.fault == "loss":
            return loss * math.nan
        if len(self.seen) > 3 and self.config.fault == "gradient":  # sqrt has an infinite slope at 0
            return loss + (output * 0).abs().sum(1).sqrt()
        return loss

    def validate(self, averaged):
        points = torch.ones(1, 3) + 0 * torch.rand(1, 3)  # draws a number, which must not change the training
        return {"error": float((averaged["decoder"](averaged["encoder"](points)) - points).square().mean())}

    def pipeline(self, averaged):
        return averaged


def save(pipeline, folder, training):
    """What `pipelines.hub.save_for_hub` is to the engine."""
    torch.save({name: net.state_dict() for name, net in pipeline.items()}, folder / "weights.pt")
    (folder / "training.json").write_text(json.dumps(training))


def weights_of(networks) -> torch.Tensor:
    return torch.cat([p.detach().flatten().cpu() for net in networks.values() for p in net.parameters()])


def run(config, toy=None, saver=save) -> torch.Tensor:
    """All weights after training, the averaged ones first."""
    toy = toy or Toy(config)
    averaged = train(toy, saver)
    return torch.cat([weights_of(averaged), weights_of(toy.networks)])
