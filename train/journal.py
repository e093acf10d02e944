"""What a run remembers of itself: step, seconds, validation curve; and the folder it keeps them in."""

import json
import platform
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from diffusers import DiffusionPipeline

from train.checkpoints import recover, replace_folder, write_json
from train.recipe import TrainConfig

# Options that may differ when a run is resumed. `steps` may: a run is often cut short or drawn out; training.json says
# from which step on which length was planned, since schedules depend on it.
_FREE = {"out", "steps", "save_every", "validate_every", "keep_every", "max_seconds", "tracker", "workers", "data"}


class Journal:
    """Folder of a run: config.json, log.jsonl, training.json, state/, last/, best/, checkpoints/."""

    LOG_EVERY = 10

    def __init__(self, config: TrainConfig, name: str, preset: str):
        self.config, self.name, self.preset = config, name, preset
        self.step, self.seconds, self.curve = 0, 0.0, []
        self.plans: list[dict[str, int]] = []
        self.processes = 1
        self._started = time.monotonic()

    @property
    def state(self) -> Path:
        return self.config.out / "state"

    def state_dict(self) -> dict[str, Any]:
        return {"step": self.step, "seconds": self.elapsed(), "curve": self.curve, "plans": self.plans}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.step, self.seconds, self.curve = state["step"], state["seconds"], state["curve"]
        self.plans = state.get("plans", [{"from": 0, "steps": 2500}])
        self._started = time.monotonic()

    def elapsed(self) -> float:
        """Seconds of training, over all resumptions."""
        return self.seconds + time.monotonic() - self._started

    def out_of_time(self) -> bool:
        limit = self.config.max_seconds
        return limit is not None and time.monotonic() - self._started >= limit

    def resumes(self) -> bool:
        """Whether the folder holds a run to go on with.

        Raises:
            ValueError: if that run had other options.
        """
        if not recover(self.state):
            return False
        earlier = json.loads((self.config.out / "config.json").read_text())
        mine = json.loads(json.dumps(asdict(self.config), default=str))
        changed = [key for key in mine if key not in _FREE and earlier.get(key) != mine[key]]
        if changed:
            differences = ", ".join(f"{key}={earlier.get(key)} there, {mine[key]} now" for key in changed)
            raise ValueError(f"{self.config.out} holds a run with other options ({differences}): choose another --out.")
        return True

    def start(self, accelerator: Accelerator) -> None:
        self.processes = accelerator.num_processes
        if not self.plans or self.plans[-1]["steps"] != self.config.steps:
            self.plans.append({"from": self.step, "steps": self.config.steps})
        if accelerator.is_main_process:
            self.config.out.mkdir(parents=True, exist_ok=True)
            write_json(self.config.out / "config.json", asdict(self.config))
        self._started = time.monotonic()

    def log(self, numbers: dict[str, float]) -> None:
        """Append one line to log.jsonl."""
        rate = self.step * self.config.batch_size / max(self.elapsed(), 1e-9)
        line = {"step": self.step, "seconds": round(self.elapsed(), 1), "images_per_second": round(rate, 2)} | numbers
        with (self.config.out / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def add_metrics(self, metrics: dict[str, float]) -> bool:
        """Add a point to the validation curve; whether it is the best so far.

        Raises:
            ValueError: if `config.best` is none of the metrics.
        """
        best = self.config.best
        if best not in metrics:
            raise ValueError(f"best={best!r} is none of the validation metrics: {', '.join(sorted(metrics))}.")
        self.curve.append({"step": self.step, "images": self.step * self.config.batch_size} | metrics)
        with (self.config.out / "validation.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(self.curve[-1]) + "\n")
        return self.curve[-1] is self.best_point()

    def best_point(self) -> dict[str, float] | None:
        return min(self.curve, key=lambda point: point[self.config.best], default=None)

    def checkpoint(self, accelerator: Accelerator, save: Callable, pipeline: DiffusionPipeline) -> None:
        """Write state/ and last/, each replaced only by a whole one; every process calls this."""
        accelerator.wait_for_everyone()
        if accelerator.num_processes == 1:
            replace_folder(self.state, lambda folder: accelerator.save_state(str(folder)))
        else:
            fresh = self.state.with_name("state.writing")
            accelerator.save_state(str(fresh))
            accelerator.wait_for_everyone()
            if accelerator.is_main_process:
                replace_folder(self.state, lambda folder: folder.rmdir() or fresh.rename(folder))
        if accelerator.is_main_process:
            self._save(save, pipeline, self.config.out / "last", self.curve[-1] if self.curve else None)
            write_json(self.config.out / "training.json", self.training(self.best_point()))
        accelerator.wait_for_everyone()

    def keep_best(self, save: Callable, pipeline: DiffusionPipeline) -> None:
        self._save(save, pipeline, self.config.out / "best", self.curve[-1])

    def keep(self, save: Callable, pipeline: DiffusionPipeline) -> None:
        """A pipeline that no later one replaces."""
        self._save(save, pipeline, self.config.out / "checkpoints" / f"{self.step:08d}", None)

    def _save(self, save: Callable, pipeline: DiffusionPipeline, folder: Path, point: dict | None) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)

        def write(fresh: Path) -> None:
            save(pipeline, fresh, training=self.training(point))

        replace_folder(folder, write)

    def training(self, point: dict[str, float] | None) -> dict[str, Any]:
        """What training.json says: how the weights beside it were made."""
        chosen = f"lowest {self.config.best} on validation data" if point is self.best_point() else "the newest"
        return {
            "method": self.name,
            "preset": self.preset,
            "data": self.config.data.name,
            "steps": self.step,
            "images": self.step * self.config.batch_size,
            "seconds": round(self.elapsed()),
            "planned": self.plans,
            "finished": self.step >= self.config.steps,
            "machine": describe_machine(self.processes),
            "versions": {name: version(name) for name in ("torch", "diffusers", "accelerate")},
            "chosen": chosen,
            "metrics": point,
            "config": {key: value for key, value in asdict(self.config).items() if key not in ("out", "data")},
            "curve": self.curve,
        }


def describe_machine(processes: int) -> str:
    """The processor or GPU in words, without any name of the machine."""
    if torch.cuda.is_available():
        return f"{processes} x {torch.cuda.get_device_name()}"
    return f"{processes} process on {platform.machine()} CPU, {torch.get_num_threads()} threads"
