"""The training loop: every method, any number of devices."""

import copy
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.tracking import get_available_trackers
from accelerate.utils import DistributedDataParallelKwargs, InitProcessGroupKwargs, set_seed
from torch import Tensor, nn
from tqdm import tqdm

from train.average import Average
from train.checkpoints import fresh_beside, put_in_place, replace_folder
from train.data import batches
from train.journal import Journal
from train.meter import Meter
from train.phase_runner import PhaseRunner
from train.recipe import Batch, Recipe, TrainConfig
from train.stopping import check_weights, stop_signals

LOG_EVERY = 10  # steps

Save = Callable[..., Any]
"""save(pipeline, folder, training=dict): write a pipeline and what training.json shall say into an empty folder."""


def train(recipe: Recipe, save: Save, *, name: str = "", preset: str = "") -> dict[str, nn.Module]:
    """Train `recipe` for `recipe.config.steps` steps, from where `config.out` stopped if it holds a run.

    Args:
        recipe: networks, data, optimizers and phases.
        save: writes a pipeline, see `Save`; handed in, so that the engine does not depend on how
            pipelines are stored.
        name, preset: of the method, for training.json.

    Returns:
        The averaged networks.

    Raises:
        NonFiniteError: nothing is saved over; the last checkpoint stands.
        ValueError: if `config.out` holds a run with other options or on other data, or the recipe names a network
            or an optimizer that it does not have.
    """
    journal = Journal(recipe.config, name, preset)
    accelerator = make_accelerator(recipe.config)
    return _Run(recipe, save, journal, accelerator).until_done()


def make_accelerator(config: TrainConfig) -> Accelerator:
    """Devices, precision and tracker.

    Raises:
        ValueError: if the tracker is not installed.
    """
    known = sorted(map(str, get_available_trackers()))
    if config.tracker is not None and config.tracker not in known:
        raise ValueError(f"tracker={config.tracker!r} is not installed; installed here: {', '.join(known) or 'none'}.")
    return Accelerator(
        mixed_precision=config.precision,
        kwargs_handlers=[
            # D runs twice before one backward, so its buffers must not be rewritten in between.
            DistributedDataParallelKwargs(broadcast_buffers=False),
            # The others wait while the main process validates.
            InitProcessGroupKwargs(timeout=timedelta(hours=2)),
        ],
        log_with=config.tracker,
        project_dir=str(config.out) if config.tracker else None,
    )


class _Run:
    """One process's part of a run."""

    def __init__(self, recipe: Recipe, save: Save, journal: Journal, accelerator: Accelerator):
        self.recipe, self.config, self.journal = recipe, recipe.config, journal
        self.accelerator, self._save = accelerator, save
        set_seed(self.config.seed, device_specific=True)
        self.data, self.weights = recipe.dataset(), recipe.weights()
        for net in recipe.frozen.values():
            net.to(accelerator.device).eval().requires_grad_(False)
        for net in recipe.networks.values():
            net.to(accelerator.device).train()
            if self.config.channels_last:
                net.to(memory_format=torch.channels_last)
        self.average = Average({key: recipe.networks[key] for key in recipe.averaged}, self.config.ema_images)
        self.runner = PhaseRunner(recipe, accelerator)
        self._resume()

    def _resume(self) -> None:
        journal, accelerator = self.journal, self.accelerator
        accelerator.register_for_checkpointing(journal, self.average)
        if accelerator.is_main_process:
            journal.recover()
        accelerator.wait_for_everyone()
        if journal.resumes():
            accelerator.load_state(str(journal.folder("state")))
            accelerator.print(f"Going on from step {journal.step} of {self.config.out}.")
        journal.start(len(self.data), accelerator.num_processes)
        accelerator.wait_for_everyone()  # all have read what the main process now writes
        if accelerator.is_main_process:
            journal.write_start()

    def until_done(self) -> dict[str, nn.Module]:
        config, journal, accelerator = self.config, self.journal, self.accelerator
        place = {"process": accelerator.process_index, "processes": accelerator.num_processes}
        loader = batches(self.data, self.weights, config, step=journal.step, **place)
        if config.tracker:
            options = {key: value for key, value in vars(config).items() if isinstance(value, int | float | str)}
            accelerator.init_trackers("danqing", config=options)
        meter, saved = Meter(), journal.step
        with stop_signals() as stopped, self._bar() as bar:
            while journal.step < config.steps and not self._anybody(stopped() or journal.out_of_time()):
                meter.start_step()
                meter.add(self._step(next(loader)), config.batch_size)
                bar.update()
                if journal.step % LOG_EVERY == 0 or journal.step == config.steps:
                    self._log(meter, bar)
                saved = self._after_step(saved)
            if saved < journal.step:
                self._checkpoint()
        if journal.step < config.steps:
            accelerator.print(f"Stopped at step {journal.step} of {config.steps}. Repeat the command to go on.")
        accelerator.end_training()
        return dict(self.average.networks)

    def _bar(self) -> tqdm:
        """Drawn anew ten times a second on a terminal, twice a minute in a file."""
        return tqdm(
            total=self.config.steps,
            initial=self.journal.step,
            unit="step",
            disable=not self.accelerator.is_main_process,
            mininterval=0.1 if sys.stderr.isatty() else 30.0,
        )

    def _anybody(self, flag: bool) -> bool:
        """Whether any process wants to stop: all must leave the loop at the same step."""
        if self.accelerator.num_processes == 1:
            return flag
        flags = torch.tensor([float(flag)], device=self.accelerator.device)
        return bool(self.accelerator.reduce(flags, "sum").item())

    def _step(self, batch: Batch) -> dict[str, Tensor]:
        """Run every phase that belongs to this step on one batch, then average the weights."""
        values = self.runner.run(batch, self.journal.step)
        self.journal.step += 1
        self.average.update(self.runner.plain, self.journal.step * self.config.batch_size, self.config.batch_size)
        return values

    def _log(self, meter: Meter, bar: tqdm) -> None:
        numbers = meter.read(self.accelerator) | self.runner.learning_rates()
        bar.set_postfix({key: f"{value:.3g}" for key, value in list(numbers.items())[:4]}, refresh=False)
        self.accelerator.log(numbers, step=self.journal.step)
        if self.accelerator.is_main_process:
            self.journal.log(numbers)

    def _after_step(self, saved: int) -> int:
        """Validate, save and keep where this step asks for it; the step of the newest checkpoint."""
        config, step = self.config, self.journal.step
        last = step == config.steps
        validates = last or step % config.validate_every == 0
        saves = last or step % config.save_every == 0
        keeps = config.keep_every is not None and step % config.keep_every == 0
        if not (validates or saves or keeps):
            return saved
        check_weights(self.runner.plain, step)
        if validates and self.accelerator.is_main_process:
            self._validate()
        if keeps and self.accelerator.is_main_process:
            self._save_pipeline(config.out / "checkpoints" / f"{step:06d}")
        self.accelerator.wait_for_everyone()
        if saves:
            self._checkpoint()
        return step if saves else saved

    def _validate(self) -> None:
        with undisturbed(self.accelerator.device), torch.no_grad():
            metrics = self.recipe.validate(dict(self.average.networks))
        if metrics is None:
            return
        improved = self.journal.add_metrics(metrics)
        named = {f"validation/{name}": value for name, value in metrics.items()}
        self.journal.log(named)
        self.accelerator.log(named, step=self.journal.step)
        if improved:
            self._save_pipeline(self.journal.folder("best"))

    def _checkpoint(self) -> None:
        """Write state/ and last/, each replaced only by a whole one; every process calls this."""
        check_weights(self.runner.plain, self.journal.step)
        state, accelerator = self.journal.folder("state"), self.accelerator
        fresh = state.with_name(state.name + ".new")
        if accelerator.is_main_process:
            fresh_beside(state)
        accelerator.wait_for_everyone()
        accelerator.save_state(str(fresh))
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            put_in_place(fresh, state)
            self._save_pipeline(self.journal.folder("last"))
            self.journal.write_training()
        accelerator.wait_for_everyone()

    def _save_pipeline(self, folder: Path) -> None:
        """Hand copies of the averaged networks out to be saved, with what is known of them."""
        point = self.journal.curve[-1] if self.journal.curve else None
        if point is not None and point["step"] != self.journal.step:
            point = None  # these weights were not validated
        training = self.journal.training(point)
        with undisturbed(self.accelerator.device):
            pipeline = self.recipe.pipeline(copy.deepcopy(self.average.networks))
            replace_folder(folder, lambda fresh: self._save(pipeline, fresh, training=training))


@contextmanager
def undisturbed(device: torch.device) -> Iterator[None]:
    """Leave the random generators as they were: validating or saving more often must not change the training."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield
    random.setstate(python)
    np.random.set_state(numpy)
