"""The Edit panel of the products part: what a picture of a product is to become, one file or many."""

from collections.abc import Collection
from typing import Any

import gradio as gr

from pipelines.product_studio.tab_edit_actions import EditActions
from ui import Services, generation_tab, picture_tab
from ui.examples import STYLE_NAMES, products, styles
from ui.languages import label
from ui.widgets import OpenChecks, OpenDropdown, OpenSlider, PictureArea, PictureUpload, optional

NAME = "edit"
ENHANCEMENTS = ("denoise", "deblur", "tone", "upscale", "cutout")


class EditPanel:
    """Lays out the panel inside the caller's tab and wires its events.

    Args:
        method: the method whose pipeline edits.
        model: the two fields of the tab's model picker.
    """

    def __init__(self, services: Services, method: str, model: Any):
        self.actions = EditActions(NAME, method, services, products(), buttons=2, kind=NAME)
        self.parts = editing_parts(services.models.default_parts(method))
        gr.Markdown(label("edit_heading"), elem_classes="section", elem_id="edit-heading")
        with gr.Row(equal_height=False):
            with gr.Column(scale=4, min_width=290):
                self.picture = PictureArea(
                    label=label("edit_picture"),
                    sources=["upload", "clipboard"],
                    type="filepath",
                    height=180,
                    buttons=[],
                    elem_id="product",
                )
                gallery = picture_tab.example_gallery(NAME, self.actions.examples, "edit-examples", row=True)
                options = self._options()
                with gr.Row():
                    button = gr.Button(label("edit_button"), variant="primary", elem_id="edit-button", scale=3)
                    stop = picture_tab.stop_button(NAME)
            with gr.Column(scale=7, min_width=300):
                stage = picture_tab.Stage(NAME)
                files, every, archive, said = _batch()
        picture_tab.wire_choice(self.actions, self.picture, gallery, stage)
        model[0].change(self._offered, model[0], self.offered, trigger_mode="always_last", **picture_tab.QUIET)
        buttons, settings = [button, every, stop], [*options, *model]
        one = picture_tab.wire_run(
            self.actions,
            button,
            buttons,
            self.actions.edit,
            [self.picture, *settings],
            stage.result,
            stage,
            last=stage.download,
            api_name="edit_product",
        )
        outputs = [archive, said]
        many = generation_tab.wire_work(
            self.actions,
            every,
            buttons,
            self.actions.edit_files,
            [files, *settings],
            outputs,
            on=[files],
            api_name="edit_products",
            begin=self.actions.begin_files,
        )
        many.success(lambda: [gr.update(visible=True)] * 2, None, outputs, **picture_tab.QUIET)
        picture_tab.wire_stop(self.actions, buttons, [one, many])

    def take(self, button: Any, chosen: Any) -> None:
        """A button that hands a generated picture, whose file `chosen` has, to the panel."""
        taken = button.click(self.actions.take, chosen, self.picture, show_progress="hidden", **picture_tab.PRIVATE)
        taken.success(None, js=_TO_THE_PANEL, **picture_tab.PRIVATE)

    def _options(self) -> list[Any]:
        """What is to be done, in the order of the inputs of `EditActions.edit`."""
        enhance = OpenChecks(_enhancements(self.parts), label=label("edit_enhance"), elem_id="edit-enhance")
        named = [(label(f"edit_style_{name.replace(' ', '_').replace('-', '_')}"), name) for name in STYLE_NAMES]
        with gr.Column(visible="style" in self.parts, elem_id="edit-styling") as styling:
            style = OpenDropdown(
                [(label("edit_style_none"), ""), *named],
                value="",
                label=label("edit_style"),
                filterable=False,
                elem_id="edit-style",
            )
            gallery = picture_tab.example_gallery("edit_styles", styles(), "edit-styles", row=True)
            with gr.Accordion(label("edit_own"), open=False, elem_id="edit-own"):
                own = optional(PictureUpload(label=label("edit_own_info"), height=140, elem_id="edit-own-style"))
            strength = OpenSlider(0, 1, value=0.8, step=0.05, label=label("edit_strength"))
            told = "cutout" in self.parts
            keep = gr.Checkbox(value=told, visible=told, label=label("edit_keep"), info=label("edit_keep_info"))
        gallery.select(self.actions.pick_style, None, [style, gallery], show_progress="hidden", **picture_tab.PRIVATE)
        self.offered = [enhance, styling, keep]
        return [enhance, style, own, strength, keep]

    def _offered(self, source: str | None) -> list[Any]:
        """What can be chosen with the default model, or, with another, all there is. Updates for `offered`."""
        parts = editing_parts(None) if (source or "").strip() else self.parts
        told = "cutout" in parts
        choices = gr.update(choices=_enhancements(parts))
        return [choices, gr.update(visible="style" in parts), gr.update(visible=told, value=told)]


def editing_parts(parts: Collection[str] | None) -> tuple[str, ...]:
    """The networks whose work the panel offers.

    Args:
        parts: those of the model; None where they are not known. Where they are not, or none of them edits, all are
            offered, and `EditActions.edit` says what the model cannot do.
    """
    every = (*ENHANCEMENTS, "style")
    return tuple(name for name in every if name in (parts or ())) or every


def _enhancements(parts: Collection[str]) -> list[tuple[Any, str]]:
    return [(label(f"edit_enhance_{name}"), name) for name in ENHANCEMENTS if name in parts]


# The page goes to the panel; the heading, not the picture, since that is what stands on top of it.
_TO_THE_PANEL = """() => setTimeout(() => document.getElementById("edit-heading")
    ?.scrollIntoView({behavior: "smooth", block: "start"}), 300)"""


def _batch() -> tuple[PictureUpload, gr.Button, gr.DownloadButton, gr.Markdown]:
    """A drawer for many files: where to drop them, the button, the archive and a line about it."""
    with gr.Accordion(label("edit_batch"), open=False, elem_id="edit-batch"):
        gr.Markdown(label("edit_batch_tip"))
        files = PictureUpload(label=label("edit_batch_files"), file_count="multiple", height=160, elem_id="edit-files")
        button = gr.Button(label("edit_batch_button"), elem_id="edit-all")
        said = gr.Markdown(visible=False, elem_classes="caption", elem_id="edit-batch-caption")
        archive = gr.DownloadButton(label("edit_batch_download"), visible=False, elem_id="edit-zip")
    return files, button, archive, said
