"""The Colorize tab: a painting in, the coloured painting out."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from pipelines.landscape_colorizer.tab_actions import Actions
from pipelines.landscape_colorizer.tab_palettes import palette_pictures
from pipelines.landscape_colorizer.tab_stage import ScrollStage, small_pictures
from pipelines.landscape_colorizer.tab_strings import STRINGS
from ui import Services, picture_tab
from ui.examples import ink_landscapes
from ui.languages import add_strings, label
from ui.services import named
from ui.widgets import OpenNumber, OpenSlider, PictureUpload, model_picker, optional

NAME, METHOD_NAME = "colorize", "landscape_colorizer"

add_strings(STRINGS)


def build(services: Services) -> None:
    """Lay out the tab inside the caller's `gr.Tab` and wire its events."""
    actions = Actions(NAME, METHOD_NAME, services, ink_landscapes(), buttons=3)
    picture_tab.missing_weights(services, METHOD_NAME, NAME)
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=290):
            painting = picture_tab.picture_input(NAME, "painting")
            gallery = picture_tab.example_gallery(NAME, actions.examples, "examples", row=True)
            swatches = small_pictures("colorize_palettes", "palettes", value=palette_pictures())
            palette = gr.Textbox("", visible=False, max_length=40, label=label("colorize_palettes"))
            with gr.Row():
                colour = gr.Button(label("colorize_button"), variant="primary", elem_id="colorize-button", scale=3)
                stop = picture_tab.stop_button(NAME)
            with gr.Row():
                several = gr.Button(label("colorize_several"), elem_id="colorize-several", min_width=120)
                every = gr.Button(label("colorize_every"), elem_id="colorize-every", min_width=120)
            vividness = _slider("vividness", 0, 2, 1)
            with gr.Accordion(label("colorize_more"), open=False):
                upload = PictureUpload(label=label("colorize_reference"), height=140, elem_id="palette-reference")
                reference = optional(upload)
                strength = _slider("strength", 0, 1, 1)
                restore = _slider("restore", 0, 1, 0)
                variant = OpenNumber(
                    0, label=label("colorize_variant"), info=label("colorize_variant_info"), precision=0, minimum=0
                )
            model, revision = model_picker(services.models.folders)
        with gr.Column(scale=7, min_width=300, elem_classes="stays-in-sight"):
            stage = ScrollStage(NAME)

    quick: dict[str, Any] = {"concurrency_limit": 4, **picture_tab.PRIVATE}
    gallery.select(actions.pick, None, [painting, gallery], show_progress="hidden", **quick)
    painting.change(actions.show, painting, stage.everything, show_progress="minimal", **quick)
    painting.change(actions.begin_anew, None, [variant, palette, swatches], **picture_tab.QUIET)
    swatches.select(actions.choose_palette, None, [palette, reference], show_progress="hidden", **quick)
    reference.upload(actions.no_palette, None, [palette, swatches], **picture_tab.QUIET)

    options = [palette, reference, stage.preview, strength, restore]
    inputs = [painting, vividness, model, revision, *options, variant]
    buttons = [colour, several, every, stop]
    run = picture_tab.wire_run(
        actions, colour, buttons, actions.colorize, inputs, stage.result, stage, stage.download, "colorize"
    )
    run.success(actions.present, [painting, stage.download], stage.preview, show_progress="hidden", **quick)
    chosen = stage.variants.select(actions.choose_variant, None, variant, show_progress="hidden", **quick)
    chosen.then(None, js=_PRESS, **picture_tab.PRIVATE)
    stage.preview.submit(None, js=_PRESS, **picture_tab.PRIVATE)
    runs = [run]
    for button, work, given, pictures, name in (
        (several, actions.several, inputs[:-1], stage.variants, "colorize_variants"),
        (every, actions.every, [*inputs[:4], *options[2:]], swatches, "colorize_palettes"),
    ):
        runs.append(_wire_small(actions, button, buttons, work, given, pictures, name))
    picture_tab.wire_stop(actions, buttons, runs)


_PRESS = """() => setTimeout(() => document.getElementById("colorize-button").click(), 300)"""


def _slider(name: str, low: float, high: float, value: float) -> OpenSlider:
    text = f"colorize_{name}"
    return OpenSlider(low, high, value=value, step=0.05, label=label(text), info=label(f"{text}_info"))


def _wire_small(
    actions: Actions,
    button: Any,
    buttons: list[Any],
    work: Callable,
    inputs: list[Any],
    pictures: gr.Gallery,
    api_name: str,
) -> Any:
    """A button that fills a gallery of small pictures; returns the event of the work."""
    begin = button.click(
        actions.begin, inputs[0], buttons, concurrency_limit=8, show_progress="hidden", **picture_tab.PRIVATE
    )
    run = begin.success(
        named(work, api_name),
        inputs,
        pictures,
        api_name=api_name,
        concurrency_id=actions.kind,
        concurrency_limit=picture_tab.WAITING,
    )
    run.success(actions.end, None, buttons, **picture_tab.QUIET)
    run.failure(actions.end, None, buttons, **picture_tab.QUIET)
    return run
