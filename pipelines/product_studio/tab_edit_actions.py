"""What the events of the Edit panel do."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from ui import gpu
from ui.examples import STYLE_NAMES
from ui.generation_files import free_name, write_zip
from ui.languages import UserError, say, strings
from ui.picture_actions import Job, PictureActions, number_between
from ui.previews import write_preview
from ui.services import chosen_index, explained, request_folder

EDITED_MEGAPIXELS = 32  # a picture; twice the size, it is held in memory whole
MAX_FILES = 20  # at once
STYLE_PIXELS = 1_000_000  # of a style picture


@dataclass(frozen=True)
class Wishes:
    """What a picture is to become, checked as far as it can be without the model."""

    enhance: tuple[str, ...]
    style: str | Path | None  # a name, or a style picture
    strength: float
    keep_background: bool

    def for_pipe(self, pipe: Any, request: gr.Request) -> dict[str, Any]:
        """Keyword arguments of `ProductStudio.edit`; UserError for what the model cannot do."""
        for name in self.enhance:
            if name not in pipe.enhancements:
                known = _spoken_all("enhance", pipe.enhancements, request)
                raise UserError("edit_unknown_enhancement", value=spoken("enhance", name, request), known=known)
        if self.style is not None and pipe.style is None:
            raise UserError("edit_no_style")
        if isinstance(self.style, str) and self.style not in pipe.styles:
            known = _spoken_all("style", pipe.styles, request)
            raise UserError("edit_unknown_style", value=spoken("style", self.style, request), known=known)
        if self.style is not None and self.keep_background and "cutout" not in pipe.enhancements:
            raise UserError("edit_no_background")
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


class EditActions(PictureActions):
    """What the panel's events do."""

    def take(self, chosen: str | None, request: gr.Request) -> str:
        """A generated picture, as if uploaded."""
        with explained(request):
            return self.as_upload(self.checked(chosen)[0])

    def pick_style(self, event: gr.SelectData, request: gr.Request) -> tuple[str, Any]:
        """A style was chosen in the gallery. Nothing stays selected, so it can be chosen again."""
        with explained(request):
            return STYLE_NAMES[chosen_index(event) % len(STYLE_NAMES)], gr.Gallery(selected_index=None)

    def begin_files(self) -> list[Any]:
        """The button for many was pressed: offer Stop instead. What is missing, `edit_files` says."""
        return [gr.update(interactive=False)] * self.buttons + [gr.update(visible=True)]

    def edit(
        self,
        picture: str | None,
        enhance: list[str] | None,
        style: str | None,
        own_style: str | None,
        strength: float,
        keep_background: bool,
        model: str,
        revision: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  gradio finds it by this default
    ) -> tuple[tuple[str, str], str, str]:
        """Edit a picture of a product: improve it, cut it out, or give it a style.

        Args:
            picture: a picture file: JPEG, PNG, TIFF, WebP, GIF or BMP.
            enhance: a list of denoise, deblur, tone, upscale and cutout.
            style: the name of a style, waves say; "" for none.
            own_style: a picture file to take the style from, in place of a named one; optional.
            strength: of the style, 0 to 1.
            keep_background: whether the style leaves the background as it is.
            model: Hub id of a model in place of the app's own; "" for that.
            revision: its branch, tag or commit on the Hub; "" for the newest.

        Returns:
            The picture before and after, shrunk if large.
            The edited picture at full size, PNG.
            A line about it.
        """
        with explained(request), request_folder() as folder:
            path, pixels = self._editable(picture)
            wishes = self._wishes(folder, enhance, style, own_style, strength, keep_background)
            with self.at_work(request, progress, model, revision, pixels) as job:
                options = wishes.for_pipe(job.pipe, request)
                target = folder / f"{path.stem}-edited.png"
                job.on_tile(0, 1)
                width, height = _edited(job, path, target, options)
                seconds = job.seconds
                pair = _same_size(*job.pair(path, target))
            text = say(request, "edit_done", width=width, height=height, seconds=seconds)
        return pair, str(target), text

    def edit_files(
        self,
        pictures: list[str] | None,
        enhance: list[str] | None,
        style: str | None,
        own_style: str | None,
        strength: float,
        keep_background: bool,
        model: str,
        revision: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  gradio finds it by this default
    ) -> tuple[str, str]:
        """Edit several pictures of products alike.

        Args:
            pictures: 1 to 20 picture files.
            enhance: a list of denoise, deblur, tone, upscale and cutout.
            style: the name of a style, waves say; "" for none.
            own_style: a picture file to take the style from, in place of a named one; optional.
            strength: of the style, 0 to 1.
            keep_background: whether the style leaves the background as it is.
            model: Hub id of a model in place of the app's own; "" for that.
            revision: its branch, tag or commit on the Hub; "" for the newest.

        Returns:
            The edited pictures at full size, PNG, as a ZIP archive.
            A line about them, which names those that could not be read.
        """
        with explained(request), request_folder() as folder:
            paths, pixels = self._several(pictures)
            wishes = self._wishes(folder, enhance, style, own_style, strength, keep_background)
            with self.at_work(request, progress, model, revision, pixels) as job:
                done, damaged = _all_edited(job, paths, folder, wishes.for_pipe(job.pipe, request))
                archive = folder / "edited.zip"
                write_zip(done, archive)
                text = say(request, "edit_batch_done", count=len(done), seconds=job.seconds)
            for file in done:
                file.unlink()
            if damaged:
                text += " " + say(request, "edit_batch_damaged", names=", ".join(damaged))
        return str(archive), text

    def _editable(self, picture: str | None) -> tuple[Path, int]:
        """Path and pixels of an upload; UserError for what is no picture within the limits."""
        path, width, height = self.checked(picture)
        if width * height > EDITED_MEGAPIXELS * 1_000_000:
            size = f"{width} × {height}"
            raise UserError("edit_too_large", name=path.name, size=size, limit=EDITED_MEGAPIXELS)
        return path, width * height

    def _several(self, pictures: list[str] | None) -> tuple[list[Path], int]:
        """Paths of uploads, and the pixels of all of them."""
        if not pictures:
            raise UserError("edit_batch_nothing")
        if len(pictures) > MAX_FILES:
            raise UserError("edit_batch_many", limit=MAX_FILES, count=len(pictures))
        found = [self._editable(picture) for picture in pictures]
        pixels, limit = sum(size for _, size in found), self.services.limits.megapixels
        if pixels > limit * 1_000_000:
            raise UserError("edit_batch_large", size=round(pixels / 1e6), limit=limit)
        return [path for path, _ in found], pixels

    def _wishes(
        self,
        folder: Path,
        enhance: list[str] | None,
        style: str | None,
        own_style: str | None,
        strength: float,
        keep_background: bool,
    ) -> Wishes:
        strength = number_between(strength, 0, 1, "edit_error_strength")
        asked = tuple(dict.fromkeys(str(name) for name in enhance or ()))
        if not asked and not style and not own_style:
            raise UserError("edit_nothing_to_do")
        taken: str | Path | None = str(style)[:100] if style else None
        if own_style:
            taken = folder / "style.png"
            write_preview(self.checked(own_style)[0], taken, self.services.limits.pixels, STYLE_PIXELS)
        return Wishes(asked, taken, strength, bool(keep_background))


def spoken(kind: str, name: str, request: gr.Request) -> str:
    """An enhancement or style in the page's language; another model's may be called anything."""
    key = f"edit_{kind}_{name.replace(' ', '_').replace('-', '_')}"
    return say(request, key) if key in strings("en") else name[:40]


def _spoken_all(kind: str, names: Sequence[str], request: gr.Request) -> str:
    return ", ".join(spoken(kind, name, request) for name in names) or say(request, "edit_nothing_known")


def _all_edited(job: Job, paths: Sequence[Path], folder: Path, options: dict[str, Any]) -> tuple[list[Path], list[str]]:
    """Edit files into PNGs in `folder`; returns these, and the names of those that cannot be read to the end.

    Raises:
        UserError: if none can be read, or the time is up.
    """
    done, damaged = [], []
    for number, path in enumerate(paths):
        job.on_tile(number, len(paths))
        target = free_name(folder / f"{path.stem}-edited.png")
        try:
            _edited(job, path, target, options, number, len(paths))
            done.append(target)
        except UserError as error:
            if error.key != "error_damaged":
                raise
            damaged.append(path.name)
    if not done:
        raise UserError("error_damaged", name=", ".join(damaged))
    return done, damaged


def _edited(
    job: Job, path: Path, target: Path, options: dict[str, Any], number: int = 0, count: int = 1
) -> tuple[int, int]:
    """Edit one file, the one with this number of so many, into a PNG; returns its new width and height.

    Raises:
        UserError: for a picture that cannot be read to the end.
    """

    def progress(done: int, total: int) -> None:
        job.on_tile(total * number + done, total * count)

    try:
        (image,) = gpu.call(job.pipe, "edit", path, **options, progress=progress).images
    except UserError:
        raise
    except (OSError, ValueError) as error:
        raise UserError("error_damaged", name=path.name) from error
    image.save(target, "PNG", compress_level=3)
    return image.size


def _same_size(before: str, after: str) -> tuple[str, str]:
    """The slider lays two pictures on each other: where the size was doubled, the first is enlarged."""
    with Image.open(before) as old, Image.open(after) as new:
        if old.size != new.size:
            old.resize(new.size, Image.Resampling.NEAREST).save(before, "PNG", compress_level=1)
    return before, after
