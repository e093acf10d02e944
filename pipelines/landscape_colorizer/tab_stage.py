"""Where a painting is shown, and then its colours: a viewer that goes from the whole scroll to the single pixel."""

from typing import Any

import gradio as gr

from ui import picture_tab
from ui.languages import label
from ui.scroll_viewer import ScrollViewer
from ui.widgets import ResultDownload, optional


class ScrollStage(picture_tab.Stage):
    """Unlike other tabs' stage it has one place for the painting and its colours.

    The slider is for programs, which get a pair of small pictures from the tab's endpoint; the page has the viewer.

    Attributes:
        preview: the viewer.
        variants: small pictures of several colourings, to choose one from.
    """

    def __init__(self, name: str):
        self.empty = gr.Markdown(label(f"{name}_empty"), elem_classes=["stage", "stage-empty"], elem_id=f"{name}-empty")
        viewer = ScrollViewer(
            f"{name}_viewer", value="", visible=False, elem_classes=["stage", "scroll-stage"], elem_id=f"{name}-preview"
        )
        self.preview = optional(viewer, "")
        self.slider = gr.ImageSlider(visible=False, interactive=False, format="png", label=label(f"{name}_result"))
        self.caption = gr.Markdown(visible=False, elem_classes="caption", elem_id=f"{name}-caption")
        self.download = ResultDownload(label(f"{name}_download"), visible=False, elem_id=f"{name}-download")
        self.variants = small_pictures(f"{name}_variants", f"{name}-variants", visible=False)
        self.more: list[Any] = []

    @property
    def parts(self) -> list[Any]:
        """What a finished run shows or hides; the viewer stays."""
        return [self.empty, self.caption, self.download]

    @property
    def everything(self) -> list[Any]:
        """What a new painting changes."""
        return [self.preview, *self.parts, self.variants]


def small_pictures(text: str, element: str, columns: int = 3, **options: Any) -> gr.Gallery:
    """A few small pictures to choose one of, the name under each."""
    return gr.Gallery(
        label=label(text),
        columns=columns,
        height="auto",
        object_fit="cover",
        format="jpeg",
        buttons=[],
        allow_preview=False,
        interactive=False,
        elem_classes=["examples", "swatches"],
        elem_id=element,
        **options,
    )
