"""One piece of a generator's work."""

import time
from typing import Any

import gradio as gr

from ui.limits import Work


class GenerationJob:
    """One piece of work: a pipeline, the name of its weights, and progress that ends when it is stopped."""

    def __init__(self, pipe: Any, model: tuple[str, str], work: Work, progress: gr.Progress, text: str):
        self.pipe, self.model = pipe, model
        self._work, self._progress, self._text, self._start = work, progress, text, time.monotonic()

    @property
    def seconds(self) -> str:
        """Time since the model was there, for the caption."""
        return f"{time.monotonic() - self._start:.1f}"

    def on_step(self, done: int, total: int) -> None:
        """Show how far it is; raises where it is to end."""
        self._work.check()
        self._progress((done, total), desc=self._text, unit="")
