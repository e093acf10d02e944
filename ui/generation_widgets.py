"""The widgets that tabs which make pictures from noise share."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from ui import generation_texts  # noqa: F401  adds its texts
from ui.generation_actions import STEPS
from ui.generation_checks import MAX_COUNT
from ui.languages import label
from ui.widgets import OpenRadio, OpenSlider, PictureUpload, ResultDownload


class SamplingOptions:
    """How many pictures, from which seed, how varied.

    Attributes:
        count, seed, variety: the widgets, in `inputs` in this order.
    """

    def __init__(self, name: str):
        self.count = OpenSlider(1, MAX_COUNT, value=12, step=1, label=label("sample_count"), elem_id=f"{name}-count")
        self.seed = gr.Textbox(
            label=label("sample_seed"),
            info=label("sample_seed_info"),
            value="",
            placeholder=label("sample_seed_placeholder"),
            max_lines=1,
            max_length=20,
            elem_id=f"{name}-seed",
        )
        self.variety = OpenSlider(
            0, 1.5, value=1, step=0.05, label=label("sample_variety"), info=label("sample_variety_info")
        )

    @property
    def inputs(self) -> list[Any]:
        return [self.count, self.seed, self.variety]


def choice(name: str, kind: str, names: Sequence[str]) -> OpenRadio:
    """Any, or one of the names; texts NAME_KIND and NAME_KIND_<name>."""
    choices = [(label("sample_any"), ""), *((label(f"{name}_{kind}_{one}"), one) for one in names)]
    return OpenRadio(choices, value="", label=label(f"{name}_{kind}"), elem_id=f"{name}-{kind}")


def stop_button(name: str) -> gr.Button:
    return gr.Button(label("sample_stop"), visible=False, elem_id=f"{name}-stop", scale=1, min_width=90)


class Grid:
    """Where the pictures are shown, and the chosen one of them.

    Attributes:
        results: gallery, files, archive and caption, what an event that makes pictures hands back, in this order.
        chosen: the chosen picture's panel, picture, download and words.
        like, distance, add: what can be done with it, beside what a tab adds in `row`.
    """

    def __init__(self, name: str):
        self.name, self.files = name, gr.State([])
        self.empty = gr.Markdown(label(f"{name}_empty"), elem_classes=["stage", "stage-empty"], elem_id=f"{name}-empty")
        self.gallery = gr.Gallery(
            label=label("sample_pictures"),
            columns=4,
            height="auto",
            object_fit="contain",
            format="png",
            buttons=[],
            allow_preview=False,
            interactive=False,
            visible=False,
            elem_classes=["stage", "sampled"],
            elem_id=f"{name}-gallery",
        )
        self.caption = gr.Markdown(visible=False, elem_classes="caption", elem_id=f"{name}-caption")
        self.archive = gr.DownloadButton(label("sample_zip"), visible=False, elem_id=f"{name}-zip")
        with gr.Row(visible=False, elem_classes="chosen", elem_id=f"{name}-chosen") as self.panel:
            self.picture = gr.Image(
                label=label("sample_chosen"), height=240, format="png", buttons=[], interactive=False, min_width=200
            )
            with gr.Column(min_width=220, scale=2):
                self.words = gr.Markdown(elem_id=f"{name}-facts")
                self.distance = OpenSlider(0, 1, value=0.4, step=0.05, label=label("sample_distance"))
                with gr.Row() as self.row:
                    self.like = gr.Button(label("sample_like"), elem_id=f"{name}-like", size="md", min_width=150)
                    self.add = gr.Button(label("sample_add"), elem_id=f"{name}-add", size="md", min_width=150)
                    self.download = ResultDownload(
                        label("sample_download"), elem_id=f"{name}-download", size="md", min_width=150
                    )

    @property
    def results(self) -> list[Any]:
        return [self.gallery, self.files, self.archive, self.caption]

    @property
    def chosen(self) -> list[Any]:
        return [self.panel, self.picture, self.download, self.words]

    @property
    def parts(self) -> list[Any]:
        return [self.empty, self.gallery, self.caption, self.archive, self.panel]


class Film:
    """A strip of pictures on the way from one chosen picture to the next.

    Attributes:
        files: the chosen pictures, in order, which nobody sees.
        stops: the files, how they are shown, and the drawer they lie in.
        frames, download: the strip.
    """

    def __init__(self, name: str):
        self.files = PictureUpload(label=label("sample_film_stops"), file_count="multiple", visible=False)
        with gr.Accordion(label("sample_film"), open=False, elem_id=f"{name}-film") as drawer:
            gr.Markdown(label("sample_film_tip"))
            shown = _row("sample_film_stops", f"{name}-stops", ["examples", "one-row"])
            self.steps = OpenSlider(*STEPS, value=6, step=1, label=label("sample_film_steps"))
            with gr.Row():
                self.button = gr.Button(label("sample_film_button"), elem_id=f"{name}-film-button", scale=2)
                self.clear = gr.Button(label("sample_film_clear"), scale=1, min_width=110)
            self.frames = _row("sample_film_frames", f"{name}-frames", ["stage", "film-strip"])
            self.download = gr.DownloadButton(
                label("sample_film_download"), visible=False, elem_id=f"{name}-film-download"
            )
        self.stops = [self.files, shown, drawer]


def _row(text: str, element: str, classes: list[str]) -> gr.Gallery:
    return gr.Gallery(
        label=label(text),
        columns=6,
        height="auto",
        object_fit="cover",
        format="png",
        buttons=[],
        allow_preview=False,
        interactive=False,
        visible=False,
        elem_classes=classes,
        elem_id=element,
    )
