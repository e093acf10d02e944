"""What the events of the line art part do."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from pipelines.lineart_colorizer.tab_layers import LAYERED_MEGAPIXELS, write_layers
from ui import Services
from ui.languages import UserError, say
from ui.picture_actions import PictureActions, number_between
from ui.previews import write_preview
from ui.services import chosen_index, explained, request_folder
from ui.stroke_canvas import Stroke, painted_strokes, read_strokes

MAX_REFERENCES = 8
SHEET_PIXELS = 1_000_000  # of the drawing under the hints
THUMBNAIL_PIXELS = 40_000


class Actions(PictureActions):
    """What the part's events do.

    Args:
        references: example pictures to take colours from; the rest as `PictureActions`.
    """

    def __init__(
        self, name: str, method: str, services: Services, examples: Sequence[Path], references: Sequence[Path] = ()
    ):
        super().__init__(name, method, services, examples)
        self.references = references

    def pick_reference(self, event: gr.SelectData, request: gr.Request) -> tuple[list[str], Any]:
        """An example reference takes the place of those there were."""
        with explained(request):
            copy = self.as_upload(self.references[chosen_index(event) % len(self.references)])
        return [copy], gr.Gallery(selected_index=None)

    def show(self, picture: str | None, request: gr.Request) -> list[Any]:
        """Lay the drawing out for hints; what the one before had goes. Updates for `DrawingStage.everything`."""
        hidden = gr.update(visible=False)
        if not picture:
            return [gr.update(value=None, visible=False), gr.update(visible=True), *[hidden] * 5]
        with explained(request), request_folder() as folder:
            path, *_ = self.checked(picture)
            sheet = folder / "sheet.png"
            write_preview(path, sheet, self.services.limits.pixels, SHEET_PIXELS)
        return [gr.update(value=str(sheet), visible=True), *[hidden] * 6]

    def show_references(self, pictures: list[str] | None, request: gr.Request) -> Any:
        """Small copies of the references."""
        if not pictures:
            return gr.update(value=None, visible=False)
        with explained(request), request_folder() as folder:
            small = self.small_references(self.checked_references(pictures), folder, THUMBNAIL_PIXELS)
        return gr.update(value=[str(file) for file in small], visible=True)

    def checked_references(self, pictures: list[str] | None) -> list[Path]:
        """The references' paths; UserError for none, too many, and what is no picture within the limits."""
        if not pictures:
            raise UserError("lineart_no_reference")
        if len(pictures) > MAX_REFERENCES:
            raise UserError("lineart_too_many_references", limit=MAX_REFERENCES, count=len(pictures))
        return [self.checked(picture)[0] for picture in pictures]

    def small_references(self, paths: Sequence[Path], folder: Path, area: int) -> list[Path]:
        """PNG copies of the references in `folder`, of at most `area` pixels."""
        small = [folder / f"reference-{number}.png" for number in range(len(paths))]
        for path, target in zip(paths, small, strict=True):
            write_preview(path, target, self.services.limits.pixels, area)
        return small

    def colorize(
        self,
        drawing: str | None,
        references: list[str] | None,
        hints: str,
        keep_lines: bool,
        evenness: float,
        model: str,
        revision: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  gradio finds it by this default
    ) -> tuple[tuple[str, str], str, str]:
        """Colour a line drawing in the colours of one or more reference pictures.

        Args:
            drawing: a picture file; of a picture that is no line drawing the lines are extracted.
            references: 1 to 8 picture files to take the colours from.
            hints: strokes as JSON: [{"colour": "#d03020", "radius": 0.02, "points": [[0.5, 0.5]]}], in shares; or "".
            keep_lines: whether every line stays as dark as it is.
            evenness: 0 (brushwork and blotches) to 1 (flat within lines).
            model: Hub id of a model in place of the app's own; "" for that.
            revision: its branch, tag or commit on the Hub; "" for the newest.

        Returns:
            The drawing before and after, shrunk if large.
            The coloured drawing at full size, PNG.
            Lines about it.
        """
        with explained(request), request_folder() as folder:
            path, width, height = self.checked(drawing)
            evenness = number_between(evenness, 0, 1, "error_evenness")
            palettes, strokes = self.checked_references(references), read_strokes(hints)
            with self.at_work(request, progress, model, revision, width * height) as job:
                options = {
                    "reference": self.small_references(palettes, folder, SHEET_PIXELS),
                    "keep_lines": bool(keep_lines),
                    "evenness": evenness,
                    "hints": _hint_layer(strokes, path, self.services.limits.pixels),
                }
                target = folder / f"{path.stem}-coloured.png"
                notes = job.paint(path, target, **options)
                seconds = job.seconds
                pair = job.pair(path, target)
            text = say(request, "lineart_done", width=width, height=height, seconds=seconds)
        return pair, str(target), "\n\n".join([text, *_translated(notes, request)])

    def offer_layers(self) -> list[Any]:
        """There is a new result: it can be taken apart; the layers of the one before go."""
        return [gr.update(visible=True), gr.update(visible=False)]

    def layers(
        self,
        drawing: str | None,
        coloured: str | None,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  gradio finds it by this default
    ) -> str:
        """Take a coloured drawing apart into the layers of a PSD file.

        Args:
            drawing: the line drawing, as it was given to colorize_drawing.
            coloured: what colorize_drawing made of it, at full size.

        Returns:
            Flat colour, shade, light and lines as the layers of a PSD file.
        """
        with explained(request), request_folder() as folder:
            path, width, height = self.checked(drawing)
            if not coloured:
                raise UserError("lineart_layers_nothing")
            result, *_ = self.checked(coloured)
            if width * height > LAYERED_MEGAPIXELS * 1_000_000:
                size = f"{width} × {height}"
                raise UserError("lineart_layers_too_large", size=size, limit=LAYERED_MEGAPIXELS)
            with self.services.workers.work(request.session_hash or "", self.kind):
                progress(0, desc=say(request, "lineart_layers_working"))
                target = folder / f"{result.stem}.psd"
                write_layers(path, result, target)
        return str(target)


def _hint_layer(strokes: Sequence[Stroke], path: Path, max_pixels: int) -> Any:
    """The strokes painted on a sheet of the drawing's shape, upright; None where there are none."""
    from pipelines.large_images import LargeImage
    from pipelines.tiles import view_size

    if not strokes:
        return None
    try:
        drawing = LargeImage(path, max_pixels)
    except (OSError, ValueError) as error:
        raise UserError("error_damaged", name=path.name) from error
    height, width = view_size(drawing.height, drawing.width, SHEET_PIXELS)
    return painted_strokes(strokes, width, height)


def _translated(notes: Sequence[str], request: gr.Request) -> list[str]:
    """The pipeline's notes in the page's language; another model may say anything."""
    from pipelines.lineart_colorizer import pipeline_lineart_colorizer as pipeline

    keys = {
        pipeline.NOT_A_DRAWING: "lineart_note_lines",
        pipeline.BLANK: "lineart_note_blank",
        pipeline.GREY_REFERENCE: "lineart_note_grey",
    }
    return [say(request, keys[note]) for note in notes if note in keys]
