"""What the events of a tab that turns one picture into another do; each stands behind the app's limits."""

import math
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr

from ui import gpu
from ui.languages import UserError, say
from ui.limits import check_upload
from ui.previews import write_preview
from ui.services import Services, chosen_index, explained, request_folder
from ui.workers import LARGE, Work


class PictureActions:
    """Choosing, showing, working and stopping, with answers in the page's language.

    Args:
        name: what the tab's texts begin with.
        method: the method whose pipeline does the work.
        buttons: how many buttons wait during the work.
        more: how many parts the tab's `Stage` has beside the usual five.
        kind: of work, see `ui.workers`; by default each method's is one.
    """

    def __init__(
        self,
        name: str,
        method: str,
        services: Services,
        examples: Sequence[Path],
        buttons: int = 1,
        more: int = 0,
        kind: str = "",
    ):
        self.name, self.method, self.services, self.examples = name, method, services, examples
        self.buttons, self.more, self.kind = buttons, more, kind or method

    def pick(self, event: gr.SelectData, request: gr.Request) -> tuple[str, Any]:
        """An example was chosen: hand it on as if uploaded. Nothing stays selected, so it can be chosen again."""
        with explained(request):
            copy = self.as_upload(self.examples[chosen_index(event) % len(self.examples)])
        return copy, gr.Gallery(selected_index=None)

    def as_upload(self, path: str | Path) -> str:
        """A copy of a file, in a folder of its own."""
        with request_folder() as folder:
            return str(shutil.copy(path, folder))

    def show(self, picture: str | None, request: gr.Request) -> list[Any]:
        """Show the chosen picture; the old result goes. Updates for `Stage.parts`."""
        hidden = gr.update(visible=False)
        rest = [hidden] * (2 + self.more)
        if not picture:
            return [gr.update(visible=True), gr.update(value=None, visible=False), hidden, *rest]
        with explained(request), request_folder() as folder:
            path, width, height = self.checked(picture)
            write_preview(path, folder / f"{path.stem}.png", self.services.limits.pixels)
            size = f"{width} × {height}"
        shown = gr.update(value=str(folder / f"{path.stem}.png"), visible=True)
        return [hidden, shown, gr.update(value=size, visible=True), *rest]

    def begin(self, picture: str | None, request: gr.Request) -> list[Any]:
        """A button was pressed: offer Stop instead."""
        with explained(request):
            self.checked(picture)
        return [gr.update(interactive=False)] * self.buttons + [gr.update(visible=True)]

    def end(self) -> list[Any]:
        """Done, failed or stopped: the buttons again."""
        return [gr.update(interactive=True)] * self.buttons + [gr.update(visible=False)]

    def stop(self, request: gr.Request) -> list[Any]:
        """Stop this page's work at the next tile."""
        self.services.workers.stop(request.session_hash or "")
        return self.end()

    def checked(self, picture: str | None) -> tuple[Path, int, int]:
        """Path, width and height of an upload; UserError for what is no picture within the limits."""
        from pipelines.images import PICTURE_FORMATS

        if not picture:
            raise UserError(f"{self.name}_nothing_chosen")
        return check_upload(picture, self.services.limits, PICTURE_FORMATS)

    @contextmanager
    def at_work(
        self,
        request: gr.Request,
        progress: gr.Progress,
        source: str,
        revision: str,
        pixels: int,
        parts: int = 1,
    ) -> Iterator["Job"]:
        """Wait for a slot, load the model, and hand out the job; the slot is held until the block ends.

        Args:
            source, revision: as typed into the model picker.
            pixels: of what is worked on; from `Limits.large_megapixels` on it is work of a kind of its own.
            parts: how many pictures are to be painted.
        """
        kind = LARGE if pixels > self.services.limits.large_megapixels * 1_000_000 else self.kind
        with self.services.workers.work(request.session_hash or "", kind) as work:
            progress(0, desc=say(request, f"{self.name}_loading"))
            with self.services.models.use(self.method, source, revision) as pipe:
                texts = (say(request, f"{self.name}_painting_tiles"), say(request, f"{self.name}_saving"))
                yield Job(pipe, work, progress, texts, self.services.limits.pixels, parts)


class Job:
    """One piece of work: `paint` files and `preview` them, with progress, until it is stopped."""

    def __init__(
        self, pipe: Any, work: Work, progress: gr.Progress, texts: tuple[str, str], max_pixels: int, parts: int = 1
    ):
        self.pipe, self._work, self._progress, self._texts = pipe, work, progress, texts
        self._max_pixels, self._parts, self._done, self._start = max_pixels, parts, 0, time.monotonic()

    @property
    def seconds(self) -> str:
        """Time since the model was there, for the caption."""
        return f"{time.monotonic() - self._start:.1f}"

    def paint(self, path: Path, target: Path, /, *, by: Callable | None = None, **options: Any) -> list[str]:
        """Run `paint_file`; a file whose header was fine and whose rest is not is the person's to replace.

        Args:
            by: a function of a module, called as `paint_file` and in its place.

        Returns:
            what the model has to say of the picture.
        """
        from pipelines.large_images import paint_file  # loads torch and libvips, which the first page need not wait for

        self._work.check()
        try:
            options |= {"progress": self.on_tile, "max_pixels": self._max_pixels}
            notes = gpu.run(by or paint_file, self.pipe, path, target, **options)
        except UserError:
            raise
        except (OSError, ValueError) as error:
            raise UserError("error_damaged", name=path.name) from error
        self._done += 1
        return notes

    def preview(self, picture: Path, small: Path) -> str:
        """Write a copy of a picture for the page, shrunk if large, to `small`; returns its name."""
        write_preview(picture, small, self._max_pixels)
        return str(small)

    def pair(self, path: Path, target: Path) -> tuple[str, str]:
        """Copies of a picture and of what it became, for the slider, beside the latter."""
        before, after = (target.with_name(f"{path.stem}-{name}.png") for name in ("before", "after"))
        return self.preview(path, before), self.preview(target, after)

    def on_tile(self, done: int, total: int) -> None:
        """Show how far it is; raises where it is to end."""
        self._work.check()
        if self._parts > 1:
            self._progress((self._done + done / total, self._parts), desc=self._texts[0], unit="")
        elif done < total:
            self._progress((done, total), desc=self._texts[0], unit="")
        else:
            self._progress(1, desc=self._texts[1])


def number_between(value: Any, low: float, high: float, key: str) -> float:
    """A finite number from `low` to `high`; UserError with the text called `key` otherwise."""
    fine = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not fine or not low <= value <= high:
        raise UserError(key, value=str(value)[:40])
    return float(value)
