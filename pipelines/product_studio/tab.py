"""The products part of the Generate tab: pictures of products from noise, through a gate, and edited."""

from typing import Any

import gradio as gr

from pipelines.product_studio.tab_actions import MAX_TRIES, Actions
from pipelines.product_studio.tab_edit import EditPanel
from pipelines.product_studio.tab_strings import STRINGS
from ui import Services, generation_tab, generation_widgets, picture_tab
from ui.languages import add_strings, label
from ui.widgets import OpenSlider, model_picker

NAME, METHOD_NAME = "products", "product_studio"
CATEGORIES = ("shoes", "sandals_heels", "bags", "watches", "sunglasses", "wallets")
COLOURS = ("black", "white", "brown", "blue", "red", "green", "pink", "yellow")

add_strings(STRINGS)


def build(services: Services) -> None:
    """Lay out the part inside the caller's `gr.Tab` and wire its events."""
    actions = Actions(NAME, METHOD_NAME, services)
    picture_tab.missing_weights(services, METHOD_NAME, NAME)
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=290):
            asked = [
                generation_widgets.choice(NAME, "category", CATEGORIES),
                generation_widgets.choice(NAME, "colour", COLOURS),
                *generation_widgets.SamplingOptions(NAME).inputs,
                gr.Checkbox(value=True, label=label("products_gate"), info=label("products_gate_info")),
                OpenSlider(1, MAX_TRIES, value=8, step=1, label=label("products_tries")),
            ]
            with gr.Row():
                make = gr.Button(label("products_button"), variant="primary", elem_id="products-button", scale=3)
                stop = generation_widgets.stop_button(NAME)
            model = model_picker(services.models.folders)
        with gr.Column(scale=7, min_width=300):
            grid = generation_widgets.Grid(NAME)
            with grid.row:
                edit = gr.Button(label("products_edit_this"), elem_id="products-edit-this", size="md", min_width=150)
            film = generation_widgets.Film(NAME)

    buttons: list[Any] = [make, grid.like, film.button, stop]
    one = generation_tab.wire_work(
        actions,
        make,
        buttons,
        actions.generate,
        [*asked, *model],
        grid.results,
        [grid.empty, grid.gallery],
        api_name="generate_products",
    )
    generation_tab.wire_results(one, grid)
    more = generation_tab.wire_chosen(actions, grid, film, buttons, model)
    generation_tab.wire_stop(actions, buttons, [one, *more])
    EditPanel(services, METHOD_NAME, model).take(edit, grid.download)
