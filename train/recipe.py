"""What the loop needs to know about a method. Imports nothing from this project."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline  # takes seconds to import, and the engine only hands pipelines on

Batch = dict[str, Tensor]
"""What the recipe's data set yields, stacked: its own keys, each (B, ...)."""

Precision = Literal["no", "bf16"]
"""Autocast: "bf16", or "no" for float32."""


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
    which the loop seeds by the sample's number, so that a resumed run equals an uninterrupted one. Losses may draw
    from torch's global generator: its state is part of a checkpoint. Each process draws numbers of its own there.
    """

    config: "TrainConfig"
    networks: dict[str, nn.Module]
    frozen: dict[str, nn.Module]
    averaged: tuple[str, ...]

    def dataset(self) -> Any:
        """Map-style: `len()`, and items of `dict[str, Tensor]`. Called once a run."""
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

    def validate(self, averaged: dict[str, nn.Module]) -> dict[str, float] | None:
        """Metrics on validation data; `config.best` names the one that chooses the checkpoint, lower is better.

        None where there is nothing to validate on: the run then keeps its newest pipeline only.
        """
        ...

    def pipeline(self, averaged: dict[str, nn.Module]) -> "DiffusionPipeline":
        """What is saved. The networks are the caller's to keep: it gets copies."""
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
    precision: Precision = "no"
    """Autocast: bf16 is faster on GPUs and on CPUs that have it; no means float32."""
    channels_last: bool = False
    """Hold networks and images with the channels innermost, which many convolutions prefer."""
    save_every: int = 500
    """Steps between checkpoints."""
    validate_every: int = 500
    """Steps between validations of the moving average."""
    keep_every: int | None = None
    """Steps between pipelines kept for good in out/checkpoints."""
    max_seconds: float | None = None
    """Stop cleanly after so many seconds of this command; repeating it goes on."""
    best: str = "loss"
    """Validation metric that chooses the checkpoint; lower is better."""
    tracker: str | None = None
    """Accelerate tracker (tensorboard, wandb, trackio, ...) beside the run's own log.jsonl."""
    workers: int = 0
    """Processes that load data."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "micro_batch", "save_every", "validate_every", "keep_every"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}.")
        for name in ("ema_images", "max_seconds", "workers"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} must not be negative, got {value}.")
