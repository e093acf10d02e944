"""Where a drawing is shown with the hints painted on it, and above it what became of it."""

from typing import Any

import gradio as gr

from ui import picture_tab
from ui.languages import label
from ui.stroke_canvas import StrokeCanvas
from ui.widgets import ResultDownload, optional


class DrawingStage(picture_tab.Stage):
    """Unlike other tabs' stage it keeps the drawing in sight, below the result: one more hint, and again.

    Attributes:
        canvas: the drawing, to paint hints on.
        layers, layers_file: a button that takes the result apart, and where the layers lie then.
    """

    def __init__(self, name: str):
        look: dict[str, Any] = {"interactive": False, "visible": False, "format": "png", "buttons": ["fullscreen"]}
        self.empty = gr.Markdown(label(f"{name}_empty"), elem_classes=["stage", "stage-empty"], elem_id=f"{name}-empty")
        self.slider = gr.ImageSlider(
            label=label(f"{name}_result"), max_height=560, elem_classes="stage", elem_id=f"{name}-result", **look
        )
        self.caption = gr.Markdown(visible=False, elem_classes="caption", elem_id=f"{name}-caption")
        with gr.Row():
            self.download = ResultDownload(label(f"{name}_download"), visible=False, elem_id=f"{name}-download")
            self.layers = gr.Button(label(f"{name}_layers"), visible=False, elem_id=f"{name}-layers")
            self.layers_file = gr.DownloadButton(
                label(f"{name}_layers_file"), visible=False, elem_id=f"{name}-layers-file"
            )
        canvas = StrokeCanvas(f"{name}_strokes", visible=False, elem_id=f"{name}-strokes")
        self.preview = self.canvas = optional(canvas, "")
        self.more: list[Any] = []

    @property
    def parts(self) -> list[Any]:
        """What a finished run shows or hides; the drawing stays."""
        return [self.empty, self.caption, self.slider, self.download]

    @property
    def everything(self) -> list[Any]:
        return [self.canvas, *self.parts, self.layers, self.layers_file]
