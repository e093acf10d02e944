"""Widgets that gradio does not have in the form the tabs need."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote

import gradio as gr
from gradio.data_classes import FileData, ImageData, ListFiles
from gradio.utils import get_upload_folder
from gradio_client.utils import is_http_url_like

from ui.languages import UserError, label


def _local_only(component: Any) -> Any:
    """Class decorator: hand on the path of an uploaded file, decode nothing, and fetch no web address in its place.

    gradio's components decode an upload before the app's own code runs, so no limit could come first, and fetch
    addresses that a program names in place of a file, of any length. The address of a file that was uploaded here
    stands for the file.
    """

    def preprocess(self: Any, payload: Any) -> str | list[str] | None:
        if isinstance(payload, ListFiles):
            return [file.path for file in payload]
        return payload.path if isinstance(payload, FileData | ImageData) else None

    async def async_move(self: Any, url_or_file_path: str | Path | None) -> str | None:
        return await super(component, self).async_move_resource_to_block_cache(_local(url_or_file_path))

    def move(self: Any, url_or_file_path: str | Path | None) -> str | None:
        return super(component, self).move_resource_to_block_cache(_local(url_or_file_path))

    component.preprocess = preprocess
    component.async_move_resource_to_block_cache = async_move
    component.move_resource_to_block_cache = move
    return component


@_local_only
class PictureUpload(gr.File):
    """A drop zone for one picture that hands on the file's path; `gr.File` would judge it by its name.

    With file_count="multiple", for several, with a list of paths.
    """

    is_template = True  # drawn in the page as its parent is


@_local_only
class PictureArea(gr.Image):
    """A place to drop or paste one picture, which shows it and hands on its file's path.

    It takes the arguments of `gr.Image`: gradio reads from a constructor's own signature what the page is told.
    """

    is_template = True


@_local_only
class Camera(gr.Image):
    """A camera whose frame is handed on as a file's path, as an upload is."""

    is_template = True


@_local_only
class ResultDownload(gr.DownloadButton):
    """A button to download a result, whose path the next event takes as its input."""

    is_template = True


def optional(component: Any, default: Any = None) -> Any:
    """The component, whose value other programs need not name: it is `default` then."""
    component.api_default = default
    return component


def _unjudged(component: Any) -> Any:
    """Class decorator: hand on whatever value was sent; the app's own checks answer in the page's language.

    gradio's components refuse values out of range by themselves, in English on every page.
    """
    component.preprocess = lambda self, payload: payload
    return component


@_unjudged
class OpenRadio(gr.Radio):
    """A choice of one, whose value need not be among those offered: a program may name what another model knows."""

    is_template = True


@_unjudged
class OpenSlider(gr.Slider):
    """A slider whose value need not be in its range, nor a number."""

    is_template = True


@_unjudged
class OpenNumber(gr.Number):
    """A field for a number that may be anything."""

    is_template = True


@_unjudged
class OpenDropdown(gr.Dropdown):
    """A list to choose one of, whose value need not be among those offered."""

    is_template = True


@_unjudged
class OpenChecks(gr.CheckboxGroup):
    """A choice of several, whose values need not be among those offered."""

    is_template = True


def _local(path: str | Path | None) -> str | Path | None:
    """A path as it is, that of an upload's address here; UserError for any other address."""
    if path is None or not is_http_url_like(str(path)):
        return path
    named = Path(unquote(str(path).partition("/gradio_api/file=")[2])).resolve()
    if named.is_relative_to(Path(get_upload_folder()).resolve()) and named.is_file():
        return str(named)
    raise UserError("error_web_address").shown(gr.context.LocalContext.request.get(None))


def model_picker(folders: bool) -> tuple[gr.Textbox, gr.Textbox]:
    """A closed drawer with two fields: a model in place of the default one, and its revision on the Hub."""
    with gr.Accordion(label("model"), open=False):
        source = gr.Textbox(
            label=label("model_source"),
            info=label("model_source_info_folders" if folders else "model_source_info"),
            value="",
            placeholder=label("model_default"),
            max_lines=1,
            max_length=300,
        )
        revision = gr.Textbox(
            label=label("model_revision"), info=label("model_revision_info"), value="", max_lines=1, max_length=100
        )
    return source, revision
