"""What tabs that turn one picture into another share: their widgets and how these are wired.

A tab has a name, "colorize" say, and its texts begin with it: NAME_picture, NAME_examples, NAME_button and so on.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from ui.languages import label
from ui.picture_actions import PictureActions
from ui.services import named
from ui.widgets import PictureUpload

PRIVATE: dict[str, Any] = {"api_visibility": "private"}
WAITING = 4  # of each method leave gradio's queue; the slots of `ui.workers` are for the work itself
QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", **PRIVATE}


def missing_weights(services: Any, method: str, name: str) -> None:
    """A line on top of the tab where there is nothing to work with."""
    if not services.models.has_default(method):
        gr.Markdown(label(f"{name}_no_weights"), elem_classes="notice")


def picture_input(name: str, upload_id: str) -> PictureUpload:
    return PictureUpload(label=label(f"{name}_picture"), height=140, elem_id=upload_id)


def example_gallery(name: str, paths: Sequence[Path], gallery_id: str, row: bool = False) -> gr.Gallery:
    """Small pictures to choose from, three abreast; or all in one row."""
    return gr.Gallery(
        [(str(path), None) for path in paths],
        label=label(f"{name}_examples"),
        columns=len(paths) if row else 3,
        height="auto",
        object_fit="cover",
        buttons=[],
        allow_preview=False,
        interactive=False,
        elem_classes=["examples", "one-row"] if row else "examples",
        elem_id=gallery_id,
    )


def stop_button(name: str) -> gr.Button:
    return gr.Button(label(f"{name}_stop"), visible=False, elem_id=f"{name}-stop", scale=1, min_width=90)


class Stage:
    """Where the picture is shown and then the result: one of `empty`, `preview` and the results at a time.

    Args:
        several: whether there is also room for several results side by side, with their files.

    Attributes:
        result: slider, download and caption, what an event that makes one picture hands back, in this order.
        more: gallery and files, where there may be several.
    """

    def __init__(self, name: str, several: bool = False):
        look: dict[str, Any] = {"interactive": False, "visible": False, "format": "png", "buttons": ["fullscreen"]}
        self.empty = gr.Markdown(label(f"{name}_empty"), elem_classes=["stage", "stage-empty"], elem_id=f"{name}-empty")
        self.preview = gr.Image(
            label=label(f"{name}_picture"), height=520, elem_classes="stage", elem_id=f"{name}-preview", **look
        )
        self.slider = gr.ImageSlider(
            label=label(f"{name}_result"), max_height=560, elem_classes="stage", elem_id=f"{name}-result", **look
        )
        self.more: list[Any] = [_results(name)] if several else []
        self.caption = gr.Markdown(visible=False, elem_classes="caption", elem_id=f"{name}-caption")
        self.download = gr.DownloadButton(label(f"{name}_download"), visible=False, elem_id=f"{name}-download")
        self.more += [_files(name)] if several else []

    @property
    def result(self) -> list[Any]:
        return [self.slider, self.download, self.caption]

    @property
    def parts(self) -> list[Any]:
        return [self.empty, self.preview, self.caption, self.slider, self.download, *self.more]


def _results(name: str) -> gr.Gallery:
    return gr.Gallery(
        label=label(f"{name}_results"),
        columns=2,
        height="auto",
        object_fit="contain",
        format="png",
        buttons=["fullscreen"],
        interactive=False,
        visible=False,
        elem_classes=["stage", "side-by-side"],
        elem_id=f"{name}-results",
    )


def _files(name: str) -> gr.File:
    return gr.File(
        label=label(f"{name}_files"),
        file_count="multiple",
        interactive=False,
        visible=False,
        elem_classes="file-list",
        elem_id=f"{name}-files",
    )


def wire_choice(actions: PictureActions, upload: Any, gallery: Any, stage: Stage) -> None:
    """A picture chosen, by upload or from the examples, is shown."""
    gallery.select(actions.pick, None, [upload, gallery], show_progress="hidden", **PRIVATE)
    options = {"show_progress": "minimal", "concurrency_limit": 4, **PRIVATE}
    upload.change(actions.show, upload, stage.parts, **options)


def wire_run(
    actions: PictureActions,
    button: Any,
    buttons: Sequence[Any],
    work: Callable,
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    stage: Stage,
    last: Any,
    api_name: str | None = None,
) -> Any:
    """A button that does the tab's work: the buttons wait meanwhile, Stop shows, and the result is revealed.

    Args:
        button: the one that is pressed.
        buttons: all that must wait meanwhile, Stop last.
        work: from `inputs`, the upload first, to `outputs`.
        outputs: what is shown on the stage in the end.
        last: the lowest of them, brought into view on a phone, where the result lies below the buttons.
        api_name: makes the work a public endpoint of this name.

    Returns:
        the event of the work, for Stop to cancel.
    """
    begin = button.click(actions.begin, inputs[0], buttons, concurrency_limit=8, show_progress="hidden", **PRIVATE)
    run = begin.success(
        named(work, api_name),
        inputs,
        outputs,
        api_name=api_name,
        api_visibility="public" if api_name else "private",
        concurrency_id=actions.kind,
        concurrency_limit=WAITING,
        show_progress_on=[stage.empty, stage.preview, stage.slider, *stage.more[:1]],
    )
    shown = [part in outputs for part in stage.parts]
    revealed = run.success(lambda: [gr.update(visible=one) for one in shown], None, stage.parts, **QUIET)
    revealed.then(None, js=_show(last.elem_id), **PRIVATE)
    run.success(actions.end, None, buttons, **QUIET)
    run.failure(actions.end, None, buttons, **QUIET)  # gradio's `then` does not follow a failure
    return run


def wire_stop(actions: PictureActions, buttons: Sequence[Any], runs: Sequence[Any]) -> None:
    buttons[-1].click(actions.stop, None, buttons, cancels=list(runs), **QUIET)


def _show(element: str) -> str:
    return f"""() => setTimeout(() => document.getElementById("{element}")
    ?.scrollIntoView({{behavior: "smooth", block: "nearest"}}), 400)"""
