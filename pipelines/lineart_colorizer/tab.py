"""The line art part of the Colorize tab: a drawing in, coloured like its references and by the hints painted on it."""

from typing import Any

import gradio as gr

from pipelines.lineart_colorizer.tab_actions import Actions
from pipelines.lineart_colorizer.tab_stage import DrawingStage
from pipelines.lineart_colorizer.tab_strings import STRINGS
from ui import Services, picture_tab
from ui.examples import coloured_drawings, drawings
from ui.languages import add_strings, label
from ui.services import named
from ui.widgets import OpenSlider, PictureUpload, model_picker

NAME, METHOD_NAME = "lineart", "lineart_colorizer"

add_strings(STRINGS)


def build(services: Services) -> None:
    """Lay out the part inside the caller's `gr.Tab` and wire its events."""
    actions = Actions(NAME, METHOD_NAME, services, drawings(), coloured_drawings())
    picture_tab.missing_weights(services, METHOD_NAME, NAME)
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=290):
            drawing = picture_tab.picture_input(NAME, "drawing")
            gallery = picture_tab.example_gallery(NAME, actions.examples, "drawing-examples", row=True)
            references = PictureUpload(
                label=label("lineart_references"), file_count="multiple", height=140, elem_id="references"
            )
            swap = picture_tab.example_gallery(f"{NAME}_reference", actions.references, "reference-examples", row=True)
            chosen = _chosen_references()
            keep_lines = gr.Checkbox(
                value=False, label=label("lineart_keep_lines"), info=label("lineart_keep_lines_info")
            )
            evenness = OpenSlider(
                0, 1, value=0.7, step=0.05, label=label("lineart_evenness"), info=label("lineart_evenness_info")
            )
            with gr.Row():
                colour = gr.Button(label("lineart_button"), variant="primary", elem_id="lineart-button", scale=3)
                stop = picture_tab.stop_button(NAME)
            model, revision = model_picker(services.models.folders)
        with gr.Column(scale=7, min_width=300):
            stage = DrawingStage(NAME)

    quick: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": 4, **picture_tab.PRIVATE}
    gallery.select(actions.pick, None, [drawing, gallery], **quick)
    drawing.change(actions.show, drawing, stage.everything, **quick)
    references.change(actions.show_references, references, chosen, **quick)
    swapped = swap.select(actions.pick_reference, None, [references, swap], **quick)
    swapped.then(None, js=_PRESS_AGAIN, **picture_tab.PRIVATE)
    inputs, buttons = [drawing, references, stage.canvas, keep_lines, evenness, model, revision], [colour, stop]
    run = picture_tab.wire_run(
        actions, colour, buttons, actions.colorize, inputs, stage.result, stage, stage.download, "colorize_drawing"
    )
    run.success(actions.offer_layers, None, [stage.layers, stage.layers_file], **picture_tab.QUIET)
    picture_tab.wire_stop(actions, buttons, [run])
    _wire_layers(actions, stage, drawing)


# With a result in sight, another reference means: once more, with these colours.
_PRESS_AGAIN = """() => setTimeout(() => document.querySelector("#lineart-result img")?.offsetParent
    && document.getElementById("lineart-button").click(), 300)"""


def _chosen_references() -> gr.Gallery:
    return gr.Gallery(
        label=label("lineart_references_chosen"),
        columns=6,
        height="auto",
        object_fit="cover",
        format="png",
        buttons=[],
        allow_preview=False,
        interactive=False,
        visible=False,
        elem_classes=["examples", "one-row"],
        elem_id="references-chosen",
    )


def _wire_layers(actions: Actions, stage: DrawingStage, drawing: Any) -> None:
    run = stage.layers.click(
        named(actions.layers, "drawing_layers"),
        [drawing, stage.download],
        stage.layers_file,
        api_name="drawing_layers",
        concurrency_id=METHOD_NAME,
        concurrency_limit=picture_tab.WAITING,
        show_progress_on=stage.slider,
    )
    shown = [gr.update(visible=False), gr.update(visible=True)]
    run.success(lambda: shown, None, [stage.layers, stage.layers_file], **picture_tab.QUIET)
