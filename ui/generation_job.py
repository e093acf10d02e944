"""One piece of a generator's work."""

import time
from collections.abc import Callable
from typing import Any

import gradio as gr

from ui import gpu
from ui.workers import Work


class GenerationJob:
    """One piece of work: a pipeline, the name of its weights, and progress that ends when it is stopped."""

    def __init__(self, pipe: Any, model: tuple[str, str], work: Work, progress: gr.Progress, text: str):
        self.pipe, self.model = pipe, model
        self._work, self._progress, self._text, self._start = work, progress, text, time.monotonic()

    def run(self, function: Callable, *arguments: Any, **options: Any) -> Any:
        """function(pipe, *arguments, progress=..., **options) on the device, showing how far it is."""
        return gpu.run(function, self.pipe, *arguments, progress=self.on_step, **options)

    def call(self, name: str, *arguments: Any, **options: Any) -> Any:
        """A method of the pipeline, "__call__" for itself, on the device."""
        return gpu.call(self.pipe, name, *arguments, **options)

    @property
    def seconds(self) -> str:
        """Time since the model was there, for the caption."""
        return f"{time.monotonic() - self._start:.1f}"

    def on_step(self, done: int, total: int) -> None:
        """Show how far it is; raises where it is to end."""
        self._work.check()
        self._progress((done, total), desc=self._text, unit="")
