"""Widgets that gradio does not have in the form the tabs need."""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData
from gradio_client.utils import is_http_url_like

from ui.languages import UserError, label
from ui.limits import Limits


class PictureUpload(gr.File):
    """A drop zone for one picture that hands on the file's path and decodes nothing.

    `gr.Image` decodes an upload before the app's own code runs, so no limit could come first. `gr.File` fetches web
    addresses that a program names in place of a file, of any length, and judges by the file's name; neither is wanted.
    """

    is_template = True  # drawn in the page as its parent is

    def preprocess(self, payload: Any) -> str | None:
        return payload.path if isinstance(payload, FileData) else None

    async def async_move_resource_to_block_cache(self, url_or_file_path: str | Path | None) -> str | None:
        _refuse_web_address(url_or_file_path)
        return await super().async_move_resource_to_block_cache(url_or_file_path)

    def move_resource_to_block_cache(self, url_or_file_path: str | Path | None) -> str | None:
        _refuse_web_address(url_or_file_path)
        return super().move_resource_to_block_cache(url_or_file_path)


def _refuse_web_address(path: str | Path | None) -> None:
    if path is not None and is_http_url_like(str(path)):
        raise UserError("error_web_address").shown(gr.context.LocalContext.request.get(None))


def file_limit(limits: Limits) -> str:
    """The server's own limit on an upload, as `launch(max_file_size=...)` takes it."""
    return f"{limits.upload_megabytes}mb"


def model_picker(folders: bool) -> tuple[gr.Textbox, gr.Textbox]:
    """A closed drawer with two fields: a model in place of the default one, and its revision on the Hub."""
    with gr.Accordion(label("model"), open=False):
        source = gr.Textbox(
            label=label("model_source"),
            info=label("model_source_info_folders" if folders else "model_source_info"),
            placeholder=label("model_default"),
            max_lines=1,
            max_length=300,
        )
        revision = gr.Textbox(
            label=label("model_revision"), info=label("model_revision_info"), max_lines=1, max_length=100
        )
    return source, revision
