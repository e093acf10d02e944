"""From a batch to optimizer steps: gradient switching, micro-batches, learning rates."""

from contextlib import ExitStack

import torch
from accelerate import Accelerator
from torch import Tensor

from train.recipe import Batch, Phase, Recipe
from train.stopping import NonFiniteError


class PhaseRunner:
    """Networks and optimizers, wrapped for the devices at hand, and the phases that use them.

    Raises:
        ValueError: where a phase names a network or an optimizer that the recipe does not have.
    """

    def __init__(self, recipe: Recipe, accelerator: Accelerator):
        self.recipe, self.config, self.accelerator = recipe, recipe.config, accelerator
        # What a network holds frozen itself stays frozen when its phase comes.
        self.trainable = {key: [p.requires_grad for p in net.parameters()] for key, net in recipe.networks.items()}
        self.networks = {key: accelerator.prepare(net) for key, net in recipe.networks.items()}
        self.plain = {key: accelerator.unwrap_model(net) for key, net in self.networks.items()}
        self.optimizers = {key: accelerator.prepare(opt) for key, opt in recipe.optimizers(self.networks).items()}
        self.base_rates = {key: [group["lr"] for group in opt.param_groups] for key, opt in self.optimizers.items()}
        self.phases = recipe.phases(self.networks, recipe.frozen)
        for phase in self.phases:
            _check("network", phase.name, phase.trains, self.networks)
            _check("optimizer", phase.name, (phase.optimizer or phase.name,), self.optimizers)

    def run(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Run every phase that belongs to step `step`; what they report, as `phase/value`, each ()."""
        batch = {key: self._placed(value) for key, value in batch.items()}
        values: dict[str, Tensor] = {}
        for phase in self.phases:
            if phase.runs(step):
                found = self._run_phase(phase, batch, step)
                values |= {f"{phase.name}/{name}": value for name, value in found.items()}
        return values

    def learning_rates(self) -> dict[str, float]:
        """Present learning rate of each optimizer's first group."""
        return {f"lr/{key}": optimizer.param_groups[0]["lr"] for key, optimizer in self.optimizers.items()}

    def _placed(self, value: Tensor) -> Tensor:
        images = self.config.channels_last and value.dim() == 4
        layout = torch.channels_last if images else torch.preserve_format
        return value.to(self.accelerator.device, non_blocking=True, memory_format=layout)

    def _run_phase(self, phase: Phase, batch: Batch, step: int) -> dict[str, Tensor]:
        """One optimizer step: gradients over micro-batches, for the phase's own networks only."""
        optimizer = self._ready_optimizer(phase.optimizer or phase.name, step)
        self._switch_gradients(phase.trains)
        pieces, total = split(batch, self.config.micro_batch), length(batch)
        sums: dict[str, Tensor] = {}
        for i, piece in enumerate(pieces):
            share = length(piece) / total
            with ExitStack() as stack:
                if i < len(pieces) - 1:  # processes exchange gradients once, after the last piece
                    for name in phase.trains:
                        stack.enter_context(self.accelerator.no_sync(self.networks[name]))
                with self.accelerator.autocast():
                    values = phase.loss(piece)
                loss = values["loss"].float().mean() * share
                if not torch.isfinite(loss):
                    raise NonFiniteError(f"The loss of phase {phase.name} is {loss.item()} at step {step}.")
                self.accelerator.backward(loss)
            for name, value in values.items():
                mean = value.detach().float().mean() * share
                sums[name] = sums[name] + mean if name in sums else mean
        optimizer.step()
        return sums

    def _ready_optimizer(self, key: str, step: int) -> torch.optim.Optimizer:
        """The optimizer with the step's learning rates and no gradients."""
        optimizer, factor = self.optimizers[key], self.recipe.learning_rate(key, step)
        for group, rate in zip(optimizer.param_groups, self.base_rates[key], strict=True):
            group["lr"] = rate * factor
        optimizer.zero_grad(set_to_none=True)
        return optimizer

    def _switch_gradients(self, trains: tuple[str, ...]) -> None:
        for name, network in self.plain.items():
            for parameter, wanted in zip(network.parameters(), self.trainable[name], strict=True):
                parameter.requires_grad_(wanted and name in trains)


def _check(kind: str, phase: str, wanted: tuple[str, ...], known: dict) -> None:
    for name in wanted:
        if name not in known:
            raise ValueError(f"Phase {phase} asks for the {kind} {name!r}; the recipe has {', '.join(known)}.")


def length(batch: Batch) -> int:
    """Number of images in a batch."""
    return len(next(iter(batch.values())))


def split(batch: Batch, size: int | None) -> list[Batch]:
    """Cut every tensor of `batch` along dim 0 into pieces of `size`, the last perhaps smaller; None keeps it whole."""
    if size is None:
        return [batch]
    pieces = {key: value.split(size) for key, value in batch.items()}
    return [dict(zip(pieces, values, strict=True)) for values in zip(*pieces.values(), strict=True)]
