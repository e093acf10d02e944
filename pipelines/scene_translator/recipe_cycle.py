"""Training of the paper's model and of the three it is compared with, on one pair of targets: one recipe for all rows.

Two generators and two discriminators, as phases of the one loop. The generators go first, and the discriminators judge
what they have just made. All rows have the same networks, but for the skips and pix2pix's discriminators of pairs.
"""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from pipelines.gan_losses import absolute_error_loss, least_squares_loss
from pipelines.scene_translator.dataset import ScenePairs
from pipelines.scene_translator.losses import ssim_loss
from pipelines.scene_translator.networks_skip_resnet import SceneDiscriminator, SkipResNetGenerator, TwoWayGenerator
from pipelines.scene_translator.pipeline_scene_translator import SceneTranslator
from pipelines.scene_translator.validation import Validation
from train.recipe import Batch, Phase, TrainConfig

_PAPER_PICTURES = 5000  # of a class: the paper's epochs in steps of batch 1


@dataclass(frozen=True)
class CycleConfig(TrainConfig):
    """Options of `train scene_translator paper` and of the rows beside it. `data` holds one pair of targets."""

    steps: int = 200 * _PAPER_PICTURES
    batch_size: int = 1
    ema_images: float = 0.0  # the paper averages no weights
    save_every: int = 1000
    validate_every: int = 10_000
    best: str = "score"
    objective: Literal["gan", "pix2pix", "cycle"] = "cycle"
    """Adversarial only; conditional D and L1 to a target picture drawn at random, since no pairs exist; or cycles."""
    cycle_loss: Literal["ssim", "l1"] = "ssim"
    """What compares a picture with itself after it was translated forth and back."""
    cycle: float = 10.0
    """Weight of the cycle loss, the paper's lambda 1."""
    identity: float = 5.0
    """Weight of the identity loss, the paper's lambda 2; 0 leaves it out. It belongs to the objective "cycle"."""
    l1: float = 100.0
    """Weight of L1 in the objective "pix2pix", as there."""
    skips: bool = True
    """Join the maps of the way down to those of the way up."""
    width: int = 64
    """Channels of the first layer of all networks."""
    blocks: int = 9
    """Residual blocks of a generator."""
    size: int = 256
    """Side of the training crops in pixels, a multiple of 16."""
    smallest: float = 1.0
    """Side of the smallest crop as a share of a picture's short side; 1 takes whole pictures, as the paper does."""
    lr: float = 2e-4
    """Adam learning rate: constant for the first half of the steps, then linear to 0."""

    def changed(self, **changes) -> "CycleConfig":
        """The same run with other options."""
        return replace(self, **changes)


class Way(NamedTuple):
    """The networks of one direction."""

    forth: nn.Module
    back: nn.Module
    judge: nn.Module


class CycleRecipe:
    """Least squares GANs in both directions, and what the objective adds.

    Raises:
        ValueError: for a size that the networks do not take.
    """

    averaged = ("generator_xy", "generator_yx")

    def __init__(self, config: CycleConfig):
        if config.size % 16 or config.size < 32:
            raise ValueError(f"size must be a multiple of 16, at least 32, got {config.size}.")
        self.config = config
        self.identity = config.objective == "cycle" and config.identity > 0
        channels = 6 if config.objective == "pix2pix" else 3
        self.networks: dict[str, nn.Module] = {
            "generator_xy": SkipResNetGenerator(config.width, config.blocks, config.skips),
            "generator_yx": SkipResNetGenerator(config.width, config.blocks, config.skips),
            "discriminator_x": SceneDiscriminator(channels, config.width),
            "discriminator_y": SceneDiscriminator(channels, config.width),
        }
        self.frozen: dict[str, nn.Module] = {}
        self._pairs: ScenePairs | None = None
        self._validation: Validation | None = None

    def dataset(self) -> ScenePairs:
        if self._pairs is None:
            self._pairs = ScenePairs(self.config.data, self.config.size, self.config.smallest)
        return self._pairs

    def weights(self) -> None:
        """The data set draws its pictures itself, one of each class."""

    def optimizers(self, networks: dict[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        def adam(*names: str) -> torch.optim.Optimizer:
            parameters = [parameter for name in names for parameter in networks[name].parameters()]
            return torch.optim.Adam(parameters, lr=self.config.lr, betas=(0.5, 0.999))

        return {"G": adam("generator_xy", "generator_yx"), "D": adam("discriminator_x", "discriminator_y")}

    def learning_rate(self, optimizer: str, step: int) -> float:
        """1 for the first half of the steps, then linear to 0."""
        return min(1.0, 2 * (1 - step / self.config.steps))

    def phases(self, networks: dict[str, nn.Module], frozen: dict[str, nn.Module]) -> list[Phase]:
        to_y, to_x = networks["generator_xy"], networks["generator_yx"]
        ways = (Way(to_y, to_x, networks["discriminator_y"]), Way(to_x, to_y, networks["discriminator_x"]))
        made: list[tuple[Tensor, Tensor]] = []  # what phase G made, in order, for phase D

        def train_generators(batch: Batch) -> dict[str, Tensor]:
            x, y = batch["x"], batch["y"]
            fake_y, terms = self.generator_terms(ways[0], x, y)
            fake_x, others = self.generator_terms(ways[1], y, x)
            made.append((fake_y.detach(), fake_x.detach()))
            terms = {name: value + others[name] for name, value in terms.items()}
            weights = {"adversarial": 1.0, "l1": self.config.l1, "cycle": self.config.cycle}
            weights["identity"] = self.config.identity
            return terms | {"loss": torch.stack([weights[name] * value for name, value in terms.items()]).sum(0)}

        def train_discriminators(batch: Batch) -> dict[str, Tensor]:
            x, y = batch["x"], batch["y"]
            fake_y, fake_x = made.pop(0)
            real_y, false_y = self.discriminator_terms(ways[0], x, y, fake_y)
            real_x, false_x = self.discriminator_terms(ways[1], y, x, fake_x)
            real, fake = real_x + real_y, false_x + false_y
            return {"loss": (real + fake) / 2, "real": real / 2, "fake": fake / 2}

        return [
            Phase("G", ("generator_xy", "generator_yx"), train_generators),
            Phase("D", ("discriminator_x", "discriminator_y"), train_discriminators),
        ]

    def generator_terms(self, way: Way, given: Tensor, wanted: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """One direction's losses of G, not weighted.

        Args:
            given, wanted: (B, 3, H, W) in [-1, 1], pictures of the source and, no pairs, of the target.

        Returns:
            The translations (B, 3, H, W), and (B,) by name: "adversarial", 1/2 (D - 1)^2 (the factor is D's; the paper
            gives none), and what the objective adds.
        """
        painted = way.forth(torch.cat([given, wanted]) if self.identity else given)
        fake = painted[: len(given)]
        terms = {"adversarial": least_squares_loss(self._scores(way, given, fake), 1.0) / 2}
        if self.config.objective == "pix2pix":
            terms["l1"] = absolute_error_loss(fake, wanted)
        if self.config.objective == "cycle":
            lost = ssim_loss if self.config.cycle_loss == "ssim" else absolute_error_loss
            terms["cycle"] = lost(way.back(fake), given)
        if self.identity:
            terms["identity"] = absolute_error_loss(painted[len(given) :], wanted)
        return fake, terms

    def discriminator_terms(self, way: Way, given: Tensor, wanted: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """One direction's losses of D: (D - 1)^2 of real pictures and D^2 of translated ones, (B,) each."""
        real, false = self._scores(way, torch.cat([given, given]), torch.cat([wanted, fake])).chunk(2)
        return least_squares_loss(real, 1.0), least_squares_loss(false, 0.0)

    def _scores(self, way: Way, given: Tensor, picture: Tensor) -> Tensor:
        """(B, 1), the mean of D's map: the paper's D(y). pix2pix's looks at the generator's input, too."""
        seen = torch.cat([given, picture], dim=1) if self.config.objective == "pix2pix" else picture
        return way.judge(seen).float().mean((2, 3))

    def validate(self, averaged: dict[str, nn.Module]) -> dict[str, float]:
        """Distance to the target classes' validation pictures, see `Validation`."""
        if self._validation is None:
            first, second = self.dataset().names
            self._validation = Validation(self.config.data, ((first, second), (second, first)))
        return self._validation(self.pipeline(averaged))

    def pipeline(self, averaged: dict[str, nn.Module]) -> SceneTranslator:
        config = self.config
        both = TwoWayGenerator(self.dataset().names, config.width, config.blocks, config.skips)
        both.to_second.load_state_dict(averaged["generator_xy"].state_dict())
        both.to_first.load_state_dict(averaged["generator_yx"].state_dict())
        return SceneTranslator(both.eval())


_PAPER = CycleConfig(keep_every=20 * _PAPER_PICTURES)
_TINY = CycleConfig(steps=4, batch_size=2, size=64, width=4, blocks=1, save_every=2, validate_every=4)

CYCLE_PRESETS: dict[str, tuple[str, CycleConfig]] = {
    "paper": ("the paper's model on one pair of targets: 200 epochs of 5000 pictures a class", _PAPER),
    "paper-gan": ("its first baseline: the adversarial loss alone", _PAPER.changed(objective="gan")),
    "paper-pix2pix": ("its second: pix2pix on pairs drawn at random", _PAPER.changed(objective="pix2pix")),
    "paper-cyclegan": (
        "its third, CycleGAN: L1 cycles, and a generator without skips, as CycleGAN's is",
        _PAPER.changed(cycle_loss="l1", skips=False),
    ),
    "paper-no-skips": ("ablation: the paper's model without skips", _PAPER.changed(skips=False)),
    "paper-l1": ("ablation: L1 in place of the SSIM cycle loss", _PAPER.changed(cycle_loss="l1")),
    "paper-no-identity": ("ablation: without the identity loss", _PAPER.changed(identity=0.0)),
    "paper-tiny": ("the paper's recipe with narrow networks: seconds, for tests", _TINY),
}
