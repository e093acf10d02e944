"""The Colorize tab: a painting in, the coloured painting out."""

import math
import shutil
import time
from pathlib import Path
from typing import Any

import gradio as gr

from pipelines.landscape_colorizer.tab_strings import STRINGS
from ui import Services
from ui.examples import ink_landscapes
from ui.languages import UserError, add_strings, label, say
from ui.limits import check_upload
from ui.previews import write_preview
from ui.services import explained, request_folder
from ui.widgets import PictureUpload, model_picker

METHOD_NAME = "landscape_colorizer"
# On a phone the result lies below the buttons: bring it into view.
SHOW_RESULT = """() => setTimeout(() => document.getElementById("colorize-download")
    ?.scrollIntoView({behavior: "smooth", block: "nearest"}), 400)"""

add_strings(STRINGS)


def build(services: Services) -> None:
    """Lay out the tab inside the caller's `gr.Tab` and wire its events."""
    examples = [str(path) for path in ink_landscapes()]
    if not services.models.has_default(METHOD_NAME):
        gr.Markdown(label("colorize_no_weights"), elem_classes="notice")
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=290):
            painting = PictureUpload(label=label("colorize_painting"), height=140, elem_id="painting")
            gallery = gr.Gallery(
                [(path, None) for path in examples],
                label=label("colorize_examples"),
                columns=3,
                height="auto",
                object_fit="cover",
                buttons=[],
                allow_preview=False,
                interactive=False,
                elem_classes="examples",
                elem_id="examples",
            )
            vividness = gr.Slider(
                0, 2, value=1, step=0.05, label=label("colorize_vividness"), info=label("colorize_vividness_info")
            )
            with gr.Row():
                colour = gr.Button(label("colorize_button"), variant="primary", elem_id="colorize-button", scale=3)
                stop = gr.Button(label("colorize_stop"), visible=False, elem_id="colorize-stop", scale=1, min_width=90)
            source, revision = model_picker(services.models.folders)
        with gr.Column(scale=7, min_width=300):
            empty = gr.Markdown(label("colorize_empty"), elem_classes="stage", elem_id="colorize-empty")
            preview = gr.Image(
                label=label("colorize_painting"),
                interactive=False,
                visible=False,
                format="png",
                height=520,
                buttons=["fullscreen"],
                elem_classes="stage",
                elem_id="colorize-preview",
            )
            slider = gr.ImageSlider(
                label=label("colorize_result"),
                interactive=False,
                visible=False,
                format="png",
                max_height=560,
                buttons=["fullscreen"],
                elem_classes="stage",
                elem_id="colorize-result",
            )
            caption = gr.Markdown(visible=False, elem_classes="caption", elem_id="colorize-caption")
            download = gr.DownloadButton(label("colorize_download"), visible=False, elem_id="colorize-download")

    actions = Actions(services, examples)
    private: dict[str, Any] = {"api_visibility": "private"}
    stage = [empty, preview, slider, download, caption]
    gallery.select(actions.pick, None, [painting, gallery], show_progress="hidden", **private)
    painting.change(actions.show, painting, stage, show_progress="minimal", concurrency_limit=4, **private)

    begin = colour.click(
        actions.begin, painting, [colour, stop], concurrency_limit=8, show_progress="hidden", **private
    )
    run = begin.success(
        actions.colorize,
        [painting, vividness, source, revision],
        [slider, download, caption],
        api_name="colorize",
        concurrency_id="work",
        concurrency_limit=services.limits.at_once,
        show_progress_on=[empty, preview, slider],
    )
    revealed = run.success(actions.reveal, None, stage, queue=False, show_progress="hidden", **private)
    revealed.then(None, js=SHOW_RESULT, **private)
    run.then(actions.end, None, [colour, stop], queue=False, show_progress="hidden", **private)
    stop.click(actions.stop, None, [colour, stop], cancels=[run], queue=False, show_progress="hidden", **private)


class Actions:
    """What the tab's events do; each is behind `services.limits` and answers in the page's language."""

    def __init__(self, services: Services, examples: list[str]):
        self.services, self.examples = services, examples

    def pick(self, event: gr.SelectData) -> tuple[str, Any]:
        """An example was chosen: hand it on as if uploaded. Nothing stays selected, so it can be chosen again."""
        with request_folder() as folder:
            copy = shutil.copy(self.examples[int(event.index) % len(self.examples)], folder)
        return str(copy), gr.Gallery(selected_index=None)

    def show(self, painting: str | None, request: gr.Request) -> tuple[Any, ...]:
        """Show the chosen painting; the old result goes."""
        hidden = gr.update(visible=False)
        if not painting:
            return gr.update(visible=True), gr.update(value=None, visible=False), hidden, hidden, hidden
        with explained(request), request_folder() as folder:
            path, width, height = self._checked(painting)
            write_preview(path, folder / f"{path.stem}.png", self.services.limits.pixels)
            size = f"{width} × {height}"
        shown = gr.update(value=str(folder / f"{path.stem}.png"), visible=True)
        return hidden, shown, hidden, hidden, gr.update(value=size, visible=True)

    def begin(self, painting: str | None, request: gr.Request) -> tuple[Any, Any]:
        """The button was pressed: offer Stop instead."""
        with explained(request):
            self._checked(painting)
        return gr.update(interactive=False), gr.update(visible=True)

    def colorize(
        self,
        painting: str | None,
        vividness: float,
        source: str,
        revision: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  gradio finds it by this default
    ) -> tuple[tuple[str, str], str, str]:
        """Colour a painting.

        Returns:
            the pair for the slider (grey, coloured; shrunk if large), the full-size PNG, and a line of text.
        """
        with explained(request), request_folder() as folder:
            path, width, height = self._checked(painting)
            vividness = _checked_vividness(vividness)
            with self.services.workers.work(request.session_hash or "") as work:
                progress(0, desc=say(request, "colorize_loading"))
                pipe = self.services.models.get(METHOD_NAME, source, revision)
                start, target = time.monotonic(), folder / f"{path.stem}-coloured.png"

                def on_tile(done: int, total: int) -> None:
                    work.check()
                    if done < total:
                        progress((done, total), desc=say(request, "colorize_painting_tiles"), unit="")
                    else:
                        progress(1, desc=say(request, "colorize_saving"))

                work.check()
                _paint(
                    pipe, path, target, progress=on_tile, vividness=vividness, max_pixels=self.services.limits.pixels
                )
                seconds = time.monotonic() - start
                before, after = folder / f"{path.stem}-before.png", folder / f"{path.stem}-after.png"
                for picture, small in ((path, before), (target, after)):
                    write_preview(picture, small, self.services.limits.pixels)
            text = say(request, "colorize_done", width=width, height=height, seconds=f"{seconds:.1f}")
        return (str(before), str(after)), str(target), text

    def reveal(self) -> tuple[Any, ...]:
        """The result is there: show it in place of the painting."""
        hidden, shown = gr.update(visible=False), gr.update(visible=True)
        return hidden, hidden, shown, shown, shown

    def end(self) -> tuple[Any, Any]:
        """Done, failed or stopped: the button again."""
        return gr.update(interactive=True), gr.update(visible=False)

    def stop(self, request: gr.Request) -> tuple[Any, Any]:
        """Stop this page's work at the next tile."""
        self.services.workers.stop(request.session_hash or "")
        return self.end()

    def _checked(self, painting: str | None) -> tuple[Path, int, int]:
        from pipelines.images import PICTURE_FORMATS

        return check_upload(painting, self.services.limits, PICTURE_FORMATS)


def _checked_vividness(value: Any) -> float:
    """A number from 0 to 2; UserError otherwise."""
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not math.isfinite(value)
        or not 0 <= value <= 2
    ):
        raise UserError("error_vividness", value=str(value)[:40])
    return float(value)


def _paint(pipe: Any, path: Path, target: Path, **options: Any) -> None:
    """Run `paint_file`; a file whose header was fine and whose rest is not is the person's to replace."""
    from pipelines.large_images import paint_file  # loads torch and libvips, which the first page need not wait for

    try:
        paint_file(pipe, path, target, **options)
    except UserError:
        raise
    except (OSError, ValueError) as error:
        raise UserError("error_damaged", name=path.name) from error
