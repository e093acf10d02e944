"""The training loop: every method, any number of devices."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, set_seed
from torch import Tensor, nn
from tqdm import tqdm

from train.average import Average
from train.data import batches
from train.journal import Journal
from train.recipe import Batch, Phase, Recipe

Save = Callable[..., Any]
"""save(pipeline, folder, training=dict): write a pipeline and what training.json shall say into an empty folder."""


class NonFiniteLossError(ArithmeticError):
    """A loss became NaN or infinite; the message names the phase and the step."""


def train(recipe: Recipe, save: Save, *, name: str = "", preset: str = "") -> dict[str, nn.Module]:
    """Train `recipe` for `recipe.config.steps` steps, from where `config.out` stopped if it holds a run.

    Args:
        recipe: networks, data, optimizers and phases.
        save: writes a pipeline, see `Save`; handed in, so that the engine does not depend on how
            pipelines are stored.
        name, preset: of the method, for training.json.

    Returns:
        The averaged networks, or the networks themselves where nothing is averaged.

    Raises:
        NonFiniteLossError: nothing is saved over; the last checkpoint stands.
        ValueError: if `config.out` holds a run with other options.
    """
    return _Run(recipe, save, Journal(recipe.config, name, preset)).until_done()


class _Run:
    """One process's part of a run."""

    def __init__(self, recipe: Recipe, save: Save, journal: Journal):
        config = recipe.config
        # D runs twice before one backward, so DDP must not rewrite its buffers in between.
        self.accelerator = Accelerator(
            mixed_precision=config.precision,
            kwargs_handlers=[DistributedDataParallelKwargs(broadcast_buffers=False)],
            log_with=config.tracker,
            project_dir=str(config.out) if config.tracker else None,
        )
        set_seed(config.seed, device_specific=True)
        self.recipe, self.config, self.journal, self._save = recipe, config, journal, save
        device = self.accelerator.device
        self.average = Average({key: recipe.networks[key] for key in recipe.averaged}, config.ema_images)
        for net in self.average.networks.values():
            net.to(device)
        for net in recipe.frozen.values():
            net.to(device).eval().requires_grad_(False)
        # What a network holds frozen itself stays frozen when its phase comes.
        self.trainable = {key: [p.requires_grad for p in net.parameters()] for key, net in recipe.networks.items()}
        prepare = self.accelerator.prepare
        self.networks = {key: prepare(net.train()) for key, net in recipe.networks.items()}
        self.optimizers = {key: prepare(opt) for key, opt in recipe.optimizers(self.networks).items()}
        self.base_rates = {key: [group["lr"] for group in opt.param_groups] for key, opt in self.optimizers.items()}
        self.phases = recipe.phases(self.networks, recipe.frozen)
        self.accelerator.register_for_checkpointing(journal, self.average)
        if journal.resumes():
            self.accelerator.load_state(str(journal.state))
            self._set_rates_back()
        if config.tracker:
            self.accelerator.init_trackers("danqing")

    def _set_rates_back(self) -> None:
        """A loaded optimizer brings its decayed rates; the schedule multiplies the recipe's own."""
        for key, rates in self.base_rates.items():
            for group, rate in zip(self.optimizers[key].param_groups, rates, strict=True):
                group["lr"] = rate

    def until_done(self) -> dict[str, nn.Module]:
        config, journal = self.config, self.journal
        journal.start(self.accelerator)
        loader = batches(
            self.recipe.dataset(),
            self.recipe.weights(),
            batch_size=config.batch_size,
            seed=config.seed,
            step=journal.step,
            process=self.accelerator.process_index,
            processes=self.accelerator.num_processes,
            workers=config.workers,
        )
        bar = tqdm(total=config.steps, initial=journal.step, unit="step", disable=not self.accelerator.is_main_process)
        with stop_signals() as stopped, bar:
            while journal.step < config.steps and not self._anybody(stopped() or journal.out_of_time()):
                values = self._step(next(loader))
                bar.update()
                self._after_step(values, bar)
            if journal.step % config.save_every and journal.step != config.steps:
                self._checkpoint()
        if config.tracker:
            self.accelerator.end_training()
        return self._averaged()

    def _anybody(self, flag: bool) -> bool:
        """Whether any process wants to stop: all must leave the loop at the same step."""
        if self.accelerator.num_processes == 1:
            return flag
        flags = torch.tensor([float(flag)], device=self.accelerator.device)
        return bool(self.accelerator.reduce(flags, "sum").item())

    def _step(self, batch: Batch) -> dict[str, Tensor]:
        step, values = self.journal.step, {}
        batch = {key: value.to(self.accelerator.device, non_blocking=True) for key, value in batch.items()}
        for phase in self.phases:
            if not phase.runs(step):
                continue
            key = phase.optimizer or phase.name
            factor = self.recipe.learning_rate(key, step)
            for group, rate in zip(self.optimizers[key].param_groups, self.base_rates[key], strict=True):
                group["lr"] = rate * factor
            values |= {f"{phase.name}/{name}": value for name, value in self._run_phase(phase, key, batch).items()}
        self.journal.step += 1
        unwrapped = {key: self.accelerator.unwrap_model(self.networks[key]) for key in self.recipe.averaged}
        self.average.update(unwrapped, self.journal.step * self.config.batch_size, self.config.batch_size)
        return values

    def _run_phase(self, phase: Phase, key: str, batch: Batch) -> dict[str, Tensor]:
        """One optimizer step: gradients over micro-batches, for the phase's own networks only."""
        self._switch_gradients(phase.trains)
        optimizer, sums = self.optimizers[key], {}
        pieces = split(batch, self.config.micro_batch)
        optimizer.zero_grad(set_to_none=True)
        for i, piece in enumerate(pieces):
            with ExitStack() as stack:
                if i < len(pieces) - 1:
                    for name in phase.trains:
                        stack.enter_context(self.accelerator.no_sync(self.networks[name]))
                with self.accelerator.autocast():
                    values = phase.loss(piece)
                loss = values["loss"].mean() / len(pieces)
                if not torch.isfinite(loss):
                    raise NonFiniteLossError(
                        f"The loss of phase {phase.name} is {loss.item()} at step {self.journal.step}."
                    )
                self.accelerator.backward(loss)
            for name, value in values.items():
                sums[name] = sums.get(name, 0) + value.detach().float().mean() / len(pieces)
        optimizer.step()
        return sums

    def _switch_gradients(self, trains: tuple[str, ...]) -> None:
        for name, network in self.networks.items():
            for parameter, wanted in zip(network.parameters(), self.trainable[name], strict=True):
                parameter.requires_grad_(wanted and name in trains)

    def _after_step(self, values: dict[str, Tensor], bar: tqdm) -> None:
        config, step = self.config, self.journal.step
        last = step == config.steps
        if step % config.validate_every == 0 or last:
            self._validate()
        if step % config.save_every == 0 or last:
            self._checkpoint()
        if config.keep_every and step % config.keep_every == 0 and self.accelerator.is_main_process:
            self.journal.keep(self._save, self.recipe.pipeline(self._averaged()))
        if step % self.journal.LOG_EVERY == 0 or last:
            rates = {f"lr/{key}": opt.param_groups[0]["lr"] for key, opt in self.optimizers.items()}
            numbers = {key: round(value.item(), 6) for key, value in values.items()} | rates
            bar.set_postfix({key: f"{value:.3g}" for key, value in list(numbers.items())[:4]})
            self.accelerator.log(numbers, step=step)
            if self.accelerator.is_main_process:
                self.journal.log(numbers)

    def _averaged(self) -> dict[str, nn.Module]:
        return dict(self.average.networks)

    def _validate(self) -> None:
        if self.accelerator.is_main_process:
            with torch.no_grad():
                metrics = self.recipe.validate(self._averaged())
            if self.journal.add_metrics(metrics):
                self.journal.keep_best(self._save, self.recipe.pipeline(self._averaged()))
        self.accelerator.wait_for_everyone()

    def _checkpoint(self) -> None:
        self.journal.checkpoint(self.accelerator, self._save, self.recipe.pipeline(self._averaged()))


def split(batch: Batch, size: int | None) -> list[Batch]:
    """Cut every tensor of `batch` along dim 0 into pieces of `size`; None keeps it whole."""
    if size is None:
        return [batch]
    pieces = {key: value.split(size) for key, value in batch.items()}
    return [dict(zip(pieces, values, strict=True)) for values in zip(*pieces.values(), strict=True)]


@contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Turn SIGTERM and the first Ctrl-C into a wish that the loop asks for; a second Ctrl-C interrupts."""
    asked: list[int] = []

    def ask(number: int, _: Any) -> None:
        asked.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    try:
        old = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    except ValueError:  # not the main thread: signals are somebody else's
        old = {}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
