"""What a run remembers of itself: step, seconds, validation curve; and the folder it keeps them in."""

import json
import math
import platform
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from train.checkpoints import recover, write_json
from train.recipe import TrainConfig

# Options that may differ when a run is resumed: they change when it stops and what it says, not what a step does.
# `steps` may too, since a run is often cut short or drawn out: training.json says from which step on which length was
# planned, because schedules depend on it.
_FREE = {"out", "steps", "save_every", "validate_every", "keep_every", "max_seconds", "tracker", "workers", "data"}


class Journal:
    """Folder of a run: config.json, log.jsonl, training.json, state/, last/, best/, checkpoints/."""

    def __init__(self, config: TrainConfig, name: str, preset: str):
        self.config, self.name, self.preset = config, name, preset
        self.step, self.items, self.processes = 0, 0, 1
        self.seconds = 0.0  # of earlier commands
        self.curve: list[dict[str, float]] = []
        self.plans: list[dict[str, int]] = []
        self._began = self._started = time.monotonic()

    def folder(self, name: str) -> Path:
        """Part of the run's folder: "state", "last", "best"."""
        return self.config.out / name

    def state_dict(self) -> dict[str, Any]:
        facts = {"step": self.step, "items": self.items, "seconds": self.elapsed()}
        return facts | {"curve": self.curve, "plans": self.plans}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.step, self.seconds = state["step"], state["seconds"]
        self.curve, self.plans, self.items = state["curve"], state["plans"], state.get("items", 0)

    def elapsed(self) -> float:
        """Seconds of training, over all commands."""
        return self.seconds + time.monotonic() - self._started

    def out_of_time(self) -> bool:
        """Whether this command has used up `config.max_seconds`."""
        limit = self.config.max_seconds
        return limit is not None and time.monotonic() - self._began >= limit

    def recover(self) -> None:
        """Undo what a killed process left between two renames."""
        for name in ("state", "last", "best"):
            recover(self.folder(name))

    def resumes(self) -> bool:
        """Whether the folder holds a run to go on with.

        Raises:
            ValueError: if that run had other options.
        """
        if not self.folder("state").exists():
            return False
        earlier = json.loads((self.config.out / "config.json").read_text(encoding="utf-8"))
        mine = json.loads(json.dumps(asdict(self.config), default=str))
        changed = [key for key in mine if key not in _FREE and key in earlier and earlier[key] != mine[key]]
        if changed:
            differences = ", ".join(f"{key}={earlier[key]} there, {mine[key]} now" for key in changed)
            raise ValueError(f"{self.config.out} holds a run with other options ({differences}): choose another --out.")
        return True

    def start(self, items: int, processes: int) -> None:
        """The clock starts, on a data set of `items` items.

        Raises:
            ValueError: if the run to be resumed had another data set.
        """
        if self.items and self.items != items:
            had, now = f"{self.items:,} items", f"{self.config.data} has {items:,}"
            raise ValueError(f"{self.config.out} holds a run on {had}, but {now}: choose another --out.")
        self.items, self.processes = items, processes
        if not self.plans or self.plans[-1]["steps"] != self.config.steps:
            self.plans.append({"from": self.step, "steps": self.config.steps})
        self._started = time.monotonic()

    def write_start(self) -> None:
        """Write the options, and forget the log lines of steps that will be taken anew."""
        self.config.out.mkdir(parents=True, exist_ok=True)
        write_json(self.config.out / "config.json", asdict(self.config))
        log = self.config.out / "log.jsonl"
        lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.exists() else []
        # A killed process may leave half a line, always the last.
        known = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= self.step]
        log.write_text("".join(known), encoding="utf-8")

    def log(self, numbers: dict[str, float]) -> None:
        """Append one line to log.jsonl."""
        line = {"step": self.step, "seconds": round(self.elapsed(), 1)} | numbers
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
        return self.curve[-1] is self.best_point()

    def best_point(self) -> dict[str, float] | None:
        """The point of the validation curve that chooses the checkpoint; None where there is none yet."""
        finite = [point for point in self.curve if math.isfinite(point[self.config.best])]
        return min(finite, key=lambda point: point[self.config.best], default=None)

    def write_training(self) -> None:
        """Bring training.json of the run and of its best pipeline up to date."""
        training = self.training(self.best_point())
        write_json(self.config.out / "training.json", training)
        if self.folder("best").exists():
            write_json(self.folder("best") / "training.json", training)

    def training(self, point: dict[str, float] | None) -> dict[str, Any]:
        """What training.json says: how the weights beside it were made.

        Args:
            point: of the validation curve, that belongs to these weights; None if they were not validated.
        """
        best = point is not None and point is self.best_point()
        return {
            "method": self.name,
            "preset": self.preset,
            "data": self.config.data.name,
            "items": self.items,
            "steps": self.step,
            "images": self.step * self.config.batch_size,
            "seconds": round(self.elapsed()),
            "planned": self.plans,
            "finished": self.step >= self.config.steps,
            "machine": describe_machine(self.processes),
            "versions": {name: version(name) for name in ("torch", "diffusers", "accelerate")},
            "chosen": f"lowest {self.config.best} on validation data" if best else "the newest",
            "metrics": point,
            "config": {key: _public(value) for key, value in asdict(self.config).items() if key not in ("out", "data")},
            "curve": self.curve,
        }


def _public(value: Any) -> Any:
    """An option as training.json says it: of a path the name alone, not where it lies on the maker's disk."""
    return value.name if isinstance(value, Path) else value


def describe_machine(processes: int) -> str:
    """The processor or GPU in words, without any name of the machine."""
    if torch.cuda.is_available():
        return f"{processes} x {torch.cuda.get_device_name()}"
    threads = processes * torch.get_num_threads()
    return f"{threads} threads of a CPU ({platform.machine()}, {torch.backends.cpu.get_cpu_capability()})"
