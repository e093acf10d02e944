"""The details part of the Generate tab: pictures of groceries from noise, or from a picture of one's own."""

from typing import Any

import gradio as gr

from pipelines.detail_generator.tab_actions import Actions
from pipelines.detail_generator.tab_strings import STRINGS
from ui import Services, generation_tab, generation_widgets, picture_tab
from ui.languages import add_strings, label
from ui.widgets import OpenSlider, PictureUpload, model_picker

NAME, METHOD_NAME = "details", "detail_generator"
CATEGORIES = ("fruit", "vegetables", "packages")

add_strings(STRINGS)


def build(services: Services) -> None:
    """Lay out the part inside the caller's `gr.Tab` and wire its events."""
    actions = Actions(NAME, METHOD_NAME, services, buttons=4)
    picture_tab.missing_weights(services, METHOD_NAME, NAME)
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=290):
            category = generation_widgets.choice(NAME, "category", CATEGORIES)
            options = generation_widgets.SamplingOptions(NAME)
            with gr.Row():
                make = gr.Button(label("details_button"), variant="primary", elem_id="details-button", scale=3)
                stop = generation_widgets.stop_button(NAME)
            picture, distance, vary = _own_picture()
            model = model_picker(services.models.folders)
        with gr.Column(scale=7, min_width=300):
            grid = generation_widgets.Grid(NAME)
            film = generation_widgets.Film(NAME)

    buttons, on = [make, vary, grid.like, film.button, stop], [grid.empty, grid.gallery]
    inputs: list[Any] = [category, *options.inputs, *model]
    one = generation_tab.wire_work(
        actions, make, buttons, actions.generate, inputs, grid.results, on, api_name="generate_details"
    )
    inputs = [picture, category, distance, options.count, options.seed, *model]
    own = generation_tab.wire_work(
        actions, vary, buttons, actions.vary, inputs, grid.results, on, api_name="vary_details"
    )
    for run in (one, own):
        generation_tab.wire_results(run, grid)
    more = generation_tab.wire_chosen(actions, grid, film, buttons, model)
    generation_tab.wire_stop(actions, buttons, [one, own, *more])


def _own_picture() -> tuple[PictureUpload, OpenSlider, gr.Button]:
    """A drawer: a picture to start from, how far to go from it, and the button."""
    with gr.Accordion(label("details_own"), open=False, elem_id="details-own"):
        picture = PictureUpload(label=label("details_own_picture"), height=140, elem_id="details-picture")
        gr.Markdown(label("details_own_tip"))
        distance = OpenSlider(0, 1, value=0.4, step=0.05, label=label("sample_distance"))
        button = gr.Button(label("details_own_button"), elem_id="details-vary")
    return picture, distance, button
