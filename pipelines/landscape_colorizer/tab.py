"""The Colorize tab: a painting in, the coloured painting out."""

import gradio as gr

from pipelines.landscape_colorizer.tab_strings import STRINGS
from ui import Services, picture_tab
from ui.examples import ink_landscapes
from ui.languages import add_strings, label, say
from ui.picture_actions import PictureActions, number_between
from ui.services import explained, request_folder
from ui.widgets import model_picker

NAME, METHOD_NAME = "colorize", "landscape_colorizer"

add_strings(STRINGS)


def build(services: Services) -> None:
    """Lay out the tab inside the caller's `gr.Tab` and wire its events."""
    examples = ink_landscapes()
    picture_tab.missing_weights(services, METHOD_NAME, NAME)
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=290):
            painting = picture_tab.picture_input(NAME, "painting")
            gallery = picture_tab.example_gallery(NAME, examples, "examples")
            vividness = gr.Slider(
                0, 2, value=1, step=0.05, label=label("colorize_vividness"), info=label("colorize_vividness_info")
            )
            with gr.Row():
                colour = gr.Button(label("colorize_button"), variant="primary", elem_id="colorize-button", scale=3)
                stop = picture_tab.stop_button(NAME)
            source, revision = model_picker(services.models.folders)
        with gr.Column(scale=7, min_width=300):
            stage = picture_tab.Stage(NAME)

    actions = Actions(NAME, METHOD_NAME, services, examples)
    picture_tab.wire_choice(actions, painting, gallery, stage)
    inputs, buttons = [painting, vividness, source, revision], [colour, stop]
    run = picture_tab.wire_run(
        actions, colour, buttons, actions.colorize, inputs, stage.result, stage, stage.download, "colorize"
    )
    picture_tab.wire_stop(actions, buttons, [run])


class Actions(PictureActions):
    """What the tab's events do."""

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
            path, width, height = self.checked(painting)
            vividness = number_between(vividness, 0, 2, "error_vividness")
            with self.at_work(request, progress, source, revision) as job:
                target = folder / f"{path.stem}-coloured.png"
                job.paint(path, target, vividness=vividness)
                seconds = job.seconds
                pair = job.pair(path, target)
            text = say(request, "colorize_done", width=width, height=height, seconds=seconds)
        return pair, str(target), text
