"""Averages of what the phases report, from one log line to the next."""

import time

import torch
from accelerate import Accelerator
from torch import Tensor


class Meter:
    """Means over steps and processes, and the speed; a phase that skips steps counts those it ran in."""

    def __init__(self) -> None:
        self._values: dict[str, list[Tensor]] = {}
        self._images, self._seconds, self._since = 0, 0.0, 0.0

    def start_step(self) -> None:
        """The clock of the speed runs from here to `add`: validation and saving do not count."""
        self._since = time.perf_counter()

    def add(self, values: dict[str, Tensor], images: int) -> None:
        """Take in one step's values, each (), and its number of images over all processes."""
        for name, value in values.items():
            self._values.setdefault(name, []).append(value)
        self._images += images
        self._seconds += time.perf_counter() - self._since

    def read(self, accelerator: Accelerator) -> dict[str, float]:
        """The means since the last reading, and images a second; every process calls this."""
        means = torch.stack([torch.stack(values).mean() for values in self._values.values()])
        means = accelerator.reduce(means, "mean").tolist()
        numbers = {name: round(mean, 6) for name, mean in zip(self._values, means, strict=True)}
        numbers["images_per_second"] = round(self._images / max(self._seconds, 1e-9), 2)
        self._values, self._images, self._seconds = {}, 0, 0.0
        return numbers
