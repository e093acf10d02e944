"""What the loop needs to know about a method. Imports nothing from this project."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import torch
from diffusers import DiffusionPipeline
from torch import Tensor, nn
from torch.utils.data import Dataset

Batch = dict[str, Tensor]
"""What the recipe's data set yields, stacked: its own keys, each (B, ...)."""


@dataclass(frozen=True)
class Phase:
    """One optimizer step. GAN training is a list of these, run in order at every step."""

    name: str  # prefix of its log entries
    trains: tuple[str, ...]  # the networks that receive gradients; all others are held still
    loss: Callable[[Batch], dict[str, Tensor]]  # (B,) values for each image; "loss" is minimised, all are logged
    optimizer: str | None = None  # key of the recipe's optimizers; None: the phase's name
    every: int = 1  # runs at every n-th step (lazy regularisation, fewer D steps)
    start: int = 0  # first step
    until: int | None = None  # first step at which it no longer runs

    def runs(self, step: int) -> bool:
        """Whether this phase belongs to step `step`, counted from 0."""
        return self.start <= step and (self.until is None or step < self.until) and step % self.every == 0


class Recipe(Protocol):
    """A method's side of training: networks, data, optimizers, phases.

    `averaged` names the networks whose moving average is validated and saved. `frozen` networks (features) are moved
    to the device and held in evaluation mode; they belong to no optimizer, no checkpoint and no wrapper.
    A data set may offer `draw(index, rng)` instead of `__getitem__`: it then draws its augmentation from `rng`,
    which the loop seeds by the sample's number, so that a resumed run equals an uninterrupted one.
    """

    config: "TrainConfig"
    networks: dict[str, nn.Module]
    frozen: dict[str, nn.Module]
    averaged: tuple[str, ...]

    def dataset(self) -> Dataset:
        """Map-style, of `dict[str, Tensor]`."""
        ...

    def weights(self) -> Tensor | None:
        """(len(dataset),) sampling weights; None draws every item once an epoch."""
        ...

    def optimizers(self, networks: dict[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        """Optimizers by key, over the wrapped networks."""
        ...

    def learning_rate(self, optimizer: str, step: int) -> float:
        """Factor on the learning rates of the optimizer called `optimizer`."""
        ...

    def phases(self, networks: dict[str, nn.Module], frozen: dict[str, nn.Module]) -> list[Phase]:
        """What happens at a step, in order; `networks` are wrapped for the devices at hand."""
        ...

    def validate(self, averaged: dict[str, nn.Module]) -> dict[str, float]:
        """Metrics on validation data; `config.best` names the one that chooses the checkpoint, lower is better."""
        ...

    def pipeline(self, averaged: dict[str, nn.Module]) -> DiffusionPipeline:
        """What is saved."""
        ...


@dataclass(frozen=True)
class TrainConfig:
    """Options that every method shares."""

    data: Path = Path("data")
    """Training data; what it may be is the recipe's to say."""
    out: Path = Path("runs/latest")
    """Where state, log and pipelines go. Repeating the command resumes what lies here."""
    steps: int = 100_000
    """Steps; each runs every phase once on one batch."""
    batch_size: int = 16
    """Images a step, over all devices."""
    micro_batch: int | None = None
    """Images a forward pass on each device; lower it when memory runs out. None: all at once."""
    ema_images: float = 10_000
    """Half-life of the moving average of the weights, in images; 0 averages nothing."""
    precision: Literal["no", "bf16"] = "no"
    """Autocast: bf16 is faster on GPUs and on CPUs that have it; no means float32."""
    save_every: int = 500
    """Steps between checkpoints."""
    validate_every: int = 500
    """Steps between validations of the moving average."""
    keep_every: int | None = None
    """Steps between pipelines kept for good in out/checkpoints."""
    max_seconds: float | None = None
    """Stop cleanly after so many seconds; repeating the command goes on."""
    best: str = "loss"
    """Validation metric that chooses the checkpoint; lower is better."""
    tracker: str | None = None
    """Accelerate tracker (tensorboard, wandb, trackio, ...) beside the run's own log.jsonl."""
    workers: int = 0
    """Processes that load data."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "save_every", "validate_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}.")
        if self.micro_batch is not None and (self.micro_batch < 1 or self.batch_size % self.micro_batch):
            raise ValueError(f"batch_size={self.batch_size} is not a multiple of micro_batch={self.micro_batch}.")
