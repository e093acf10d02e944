"""Training of one enhancer: a network, a degradation to undo, a validation set degraded once and for all."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evaluation.image_quality import psnr
from pipelines.gan_losses import absolute_error_loss, per_image
from pipelines.product_studio.dataset_editing import DegradedCrops, StagedProducts, load_paintings, studio_pictures
from pipelines.product_studio.networks_enhancers import CutoutNetwork, Restorer, ToneCorrector
from pipelines.product_studio.studio_parts import studio_of
from train.recipe import Batch, Phase, TrainConfig

Kind = Literal["denoise", "deblur", "tone", "upscale", "cutout"]


@dataclass(frozen=True)
class EnhanceConfig(TrainConfig):
    """Options of `train product_studio enhance-...`."""

    steps: int = 3000
    batch_size: int = 16
    precision: Literal["no", "bf16"] = "bf16"
    channels_last: bool = True
    ema_images: float = 2000
    save_every: int = 500
    validate_every: int = 500
    kind: Kind = "denoise"
    """What is trained: which network, and what it undoes."""
    size: int = 64
    """Side of the training pictures in pixels; even, for cutout a multiple of 16."""
    width: int = 32
    """Channels of the network, see its class."""
    blocks: int = 8
    """Residual blocks of a restorer."""
    lr: float = 1e-3
    """AdamW learning rate, warmed up over 50 steps, cosine to 1 %."""
    paintings: Path | None = None
    """Folder with paintings (train.parquet) whose textures become backdrops of the cutout; unset: drawn ones alone."""
    limit: int | None = None
    """Take only so many pictures of each split, for a rehearsal; unset: all, and 64 for validation."""


class EnhancerRecipe:
    """One network, one loss: L1 to the clean picture, or for the mask cross-entropy and L1."""

    averaged = ("enhancer",)

    def __init__(self, config: EnhanceConfig):
        if config.kind == "cutout" and config.size % 16:
            raise ValueError(f"size must be a multiple of 16 for the cutout, got {config.size}.")
        self.config = config
        self.networks: dict[str, nn.Module] = {"enhancer": enhancer(config)}
        self.frozen: dict[str, nn.Module] = {}
        self._validation: list[Batch] | None = None

    def dataset(self) -> Any:
        return self._pictures("train", self.config.limit)

    def weights(self) -> None:
        return None

    def optimizers(self, networks: dict[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        return {"E": torch.optim.AdamW(networks["enhancer"].parameters(), self.config.lr, (0.9, 0.99))}

    def learning_rate(self, optimizer: str, step: int) -> float:
        """Warm-up, then a cosine."""
        cosine = 0.5 * (1 + math.cos(math.pi * min(step / self.config.steps, 1)))
        return min(1.0, (step + 1) / 50) * (0.01 + 0.99 * cosine)

    def phases(self, networks: dict[str, nn.Module], frozen: dict[str, nn.Module]) -> list[Phase]:
        network = networks["enhancer"]

        def restore(batch: Batch) -> dict[str, Tensor]:
            return {"loss": absolute_error_loss(network(batch["image"]).float(), batch["target"])}

        def cut_out(batch: Batch) -> dict[str, Tensor]:
            logits, mask = network(batch["image"]).float(), batch["mask"]
            entropy = per_image(F.binary_cross_entropy_with_logits(logits, mask, reduction="none"))
            error = absolute_error_loss(logits.sigmoid(), mask)
            return {"loss": entropy + error, "error": error.detach()}

        return [Phase("E", ("enhancer",), cut_out if self.config.kind == "cutout" else restore)]

    def validate(self, averaged: dict[str, nn.Module]) -> dict[str, float]:
        """Of the cutout the mask's mean error, else PSNR beside the input's; `loss` is what chooses."""
        network = averaged["enhancer"]
        training = network.training
        network.eval()
        values = [self._measured(network, batch) for batch in self._validation_batches()]
        network.train(training)
        means = {name: float(torch.cat([value[name] for value in values]).mean()) for name in values[0]}
        return means | {"loss": means["error"] if self.config.kind == "cutout" else -means["psnr"]}

    def pipeline(self, averaged: dict[str, nn.Module]) -> Any:
        """A product studio with this one part."""
        return studio_of({self.config.kind: averaged["enhancer"]})

    def _measured(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        if self.config.kind == "cutout":
            return {"error": absolute_error_loss(network(batch["image"]).sigmoid(), batch["mask"])}
        real = (batch["target"] + 1) / 2
        found = {"psnr": (network(batch["image"]).clamp(-1, 1) + 1) / 2}
        if self.config.kind != "upscale":
            found["psnr_input"] = (batch["image"] + 1) / 2
        return {name: psnr(real, picture).clamp_max(60) for name, picture in found.items()}  # untouched ones: infinite

    def _validation_batches(self) -> list[Batch]:
        """64 pictures, each degraded by a seed of its own, the same at every validation."""
        if self._validation is None:
            data = self._pictures("val", self.config.limit or 64)
            items = [data.draw(number, torch.Generator().manual_seed(number)) for number in range(len(data))]
            self._validation = [
                {key: torch.stack([item[key] for item in items[start : start + 16]]) for key in items[0]}
                for start in range(0, len(items), 16)
            ]
        return self._validation

    def _pictures(self, split: str, limit: int | None) -> Any:
        config = self.config
        pictures = studio_pictures(config.data, split, limit)
        if config.kind in ("cutout", "tone"):
            paintings = load_paintings(config.paintings if config.kind == "cutout" else None)
            return StagedProducts(pictures, paintings, config.size, config.kind)
        return DegradedCrops(pictures, config.kind, config.size)


def enhancer(config: EnhanceConfig) -> nn.Module:
    """The network that `config` asks for."""
    if config.kind == "tone":
        return ToneCorrector(width=config.width)
    if config.kind == "cutout":
        return CutoutNetwork(width=config.width)
    return Restorer(config.kind, config.width, config.blocks)
