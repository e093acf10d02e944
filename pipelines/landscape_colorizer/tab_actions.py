"""What the events of the Colorize tab do."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from pipelines.hints import DEFAULT_RADIUS
from pipelines.landscape_colorizer.tab_painting import DOUBTS, paint_and_doubt
from pipelines.landscape_colorizer.tab_palettes import PALETTE_NAMES, PALETTES, palette_pictures
from ui import scroll_viewer
from ui.languages import UserError, say
from ui.picture_actions import Job, PictureActions, number_between
from ui.previews import write_preview
from ui.scroll_viewer import Spot, read_spots
from ui.services import chosen_index, explained, request_folder

VARIANTS = 6
MAX_VARIANT = 9999
SMALL_PIXELS = 160_000  # of each small picture to choose from
REFERENCE_PIXELS = 300_000


class Actions(PictureActions):
    """What the tab's events do."""

    _served: Sequence[tuple[str, str]] = ()

    def show(self, picture: str | None, request: gr.Request) -> list[Any]:
        """Show the chosen painting in the viewer; the old result goes. Updates for `ScrollStage.everything`."""
        from pipelines.deep_zoom import write_deep_zoom

        hidden = gr.update(visible=False)
        if not picture:
            return [hidden, gr.update(visible=True), hidden, hidden, hidden]
        with explained(request), request_folder() as folder:
            path, *_ = self.checked(picture)
            try:
                zoom = write_deep_zoom(path, folder / "before", max_pixels=self.services.limits.pixels)
            except (OSError, ValueError) as error:
                raise UserError("error_damaged", name=path.name) from error
        shown = gr.update(value=scroll_viewer.picture(str(path), zoom), visible=True)
        size = gr.update(value=f"{zoom.width} × {zoom.height}", visible=True)
        return [shown, hidden, size, hidden, hidden]

    def begin_anew(self) -> tuple[int, str, Any]:
        """For another painting: the model's own colouring, no palette, and swatches that show none."""
        return 0, "", gr.Gallery(list(self._swatches()), selected_index=None)

    def _swatches(self) -> Sequence[tuple[str, str]]:
        """Files that may be served, and captions: copied once, and again where they were swept away meanwhile."""
        if not self._served or not all(Path(file).is_file() for file, _ in self._served):
            self._served = [(self.as_upload(file), caption) for file, caption in palette_pictures()]
        for file, _ in self._served:
            os.utime(file)  # in use: not to be swept yet
        return self._served

    def choose_palette(self, event: gr.SelectData, request: gr.Request) -> tuple[str, None]:
        """A swatch was chosen: its name, and no reference beside it."""
        with explained(request):
            return PALETTE_NAMES[chosen_index(event) % len(PALETTE_NAMES)], None

    def no_palette(self) -> tuple[str, Any]:
        """A reference was given: no name, and no swatch that shows one."""
        return "", gr.Gallery(selected_index=None)

    def choose_variant(self, event: gr.SelectData, request: gr.Request) -> int:
        with explained(request):
            return chosen_index(event) % VARIANTS

    def colorize(
        self,
        painting: str | None,
        vividness: float,
        model: str,
        revision: str,
        palette: str = "",
        reference: str | None = None,
        spots: str = "",
        strength: float = 1.0,
        restore: float = 0.0,
        variant: int = 0,
        request: gr.Request | None = None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  gradio finds it by this default
    ) -> tuple[tuple[str, str], str, str]:
        """Colour a grey or ink-wash Chinese landscape painting.

        Args:
            painting: a picture file: JPEG, PNG, TIFF, WebP, GIF or BMP.
            vividness: 0 (grey) over 1 (the model's own choice) to 2.
            model: Hub id of a model in place of the app's own; "" for that.
            revision: its branch, tag or commit on the Hub; "" for the newest.
            palette: blue-green, light-ochre, gold-green, boneless or autumn; "" leaves it to the model.
            reference: a picture file to take the palette from, in place of a named one.
            spots: colours to start from as JSON: [[120, 80, "#2f5f9e"]], in pixels of the painting; or "".
            strength: 0 (the painting as it is) to 1 (all of the new colours).
            restore: 0 to 1: how far the painting's own weak colours are kept and brought back.
            variant: 0 for the model's own colouring, 1, 2, ... for others.

        Returns:
            The painting before and after, shrunk if large.
            The coloured painting at full size, PNG.
            A line about it.
        """
        with explained(request), request_folder() as folder:
            path, width, height = self._upright(painting)
            chosen = Choice(vividness, palette, reference, spots, strength, restore, (width, height))
            options = {**chosen.options(), **_seed(variant), **self._reference(reference, folder)}
            with self.at_work(request, progress, model, revision, width * height) as job:
                target = folder / f"{path.stem}-coloured.png"
                job.paint(path, target, by=paint_and_doubt, doubts=folder / DOUBTS, **options)
                seconds = job.seconds
                self._cut(target, folder, job)
                pair = job.pair(path, target)
            text = say(request, "colorize_done", width=width, height=height, seconds=seconds)
        return pair, str(target), text

    def present(self, painting: str | None, coloured: str | None, request: gr.Request) -> Any:
        """Lay a result of `colorize` over the painting in the viewer."""
        from pipelines.deep_zoom import DeepZoom

        with explained(request):
            path, width, height = self._upright(coloured)
            tiles, doubts = path.with_name("after_files"), path.with_name(DOUBTS)
            if not painting or not tiles.is_dir():
                raise UserError("colorize_nothing_chosen")
            zoom = DeepZoom(width, height, tiles)
        return scroll_viewer.result(painting, zoom, doubts if doubts.is_file() else None)

    def several(
        self,
        painting: str | None,
        vividness: float,
        model: str,
        revision: str,
        palette: str,
        reference: str | None,
        spots: str,
        strength: float,
        restore: float,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Any:
        """Colour a landscape painting in several ways: small pictures of variants 0 to 5.

        Args:
            painting: a picture file: JPEG, PNG, TIFF, WebP, GIF or BMP.
            vividness: 0 (grey) over 1 (the model's own choice) to 2.
            model: Hub id of a model in place of the app's own; "" for that.
            revision: its branch, tag or commit on the Hub; "" for the newest.
            palette: blue-green, light-ochre, gold-green, boneless or autumn; "" leaves it to the model.
            reference: a picture file to take the palette from, in place of a named one.
            spots: colours to start from as JSON: [[120, 80, "#2f5f9e"]], in pixels of the painting; or "".
            strength: 0 (the painting as it is) to 1 (all of the new colours).
            restore: 0 to 1: how far the painting's own weak colours are kept and brought back.

        Returns:
            Small pictures with their numbers, for the `variant` of colorize.
        """
        asked = [_seed(variant) for variant in range(VARIANTS)]
        given = (vividness, palette, reference, spots, strength, restore)
        files = self._small(painting, given, asked, (model, revision), request, progress)
        names = [say(request, "colorize_variant_number", number=number) for number in range(VARIANTS)]
        return gr.Gallery(list(zip(files, names, strict=True)), visible=True, selected_index=None)

    def every(
        self,
        painting: str | None,
        vividness: float,
        model: str,
        revision: str,
        spots: str,
        strength: float,
        restore: float,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Any:
        """Colour a landscape painting in every palette: small pictures.

        Args:
            painting: a picture file: JPEG, PNG, TIFF, WebP, GIF or BMP.
            vividness: 0 (grey) over 1 (the model's own choice) to 2.
            model: Hub id of a model in place of the app's own; "" for that.
            revision: its branch, tag or commit on the Hub; "" for the newest.
            spots: colours to start from as JSON: [[120, 80, "#2f5f9e"]], in pixels of the painting; or "".
            strength: 0 (the painting as it is) to 1 (all of the new colours).
            restore: 0 to 1: how far the painting's own weak colours are kept and brought back.

        Returns:
            Small pictures with the palettes' names, the model's own choice first.
        """
        asked: list[dict[str, Any]] = [{"palette": name or None} for name in PALETTE_NAMES]
        given = (vividness, "", None, spots, strength, restore)
        files = self._small(painting, given, asked, (model, revision), request, progress)
        return gr.Gallery(list(zip(files, PALETTES.values(), strict=True)))

    def _small(
        self,
        painting: str | None,
        given: tuple[Any, ...],
        asked: Sequence[dict[str, Any]],
        model: tuple[str, str],
        request: gr.Request,
        progress: gr.Progress,
    ) -> list[str]:
        """Small pictures of the painting, one for each of the options `asked` beside the `given` ones."""
        with explained(request), request_folder() as folder:
            path, width, height = self._upright(painting)
            chosen = Choice(*given, (width, height))
            with self.at_work(request, progress, *model, SMALL_PIXELS, parts=len(asked)) as job:
                small = folder / "small.png"
                write_preview(path, small, self.services.limits.pixels, SMALL_PIXELS)
                _, small_width, small_height = self.checked(str(small))
                options = {**chosen.options((small_width, small_height)), **self._reference(given[2], folder)}
                files = [folder / f"{path.stem}-{number}.png" for number in range(len(asked))]
                for file, one in zip(files, asked, strict=True):
                    job.paint(small, file, by=paint_and_doubt, **{**options, **one})
        return [str(file) for file in files]

    def _upright(self, picture: str | None) -> tuple[Path, int, int]:
        """As `checked`, width and height as the picture is seen."""
        from pipelines.large_images import LargeImage

        path, *_ = self.checked(picture)
        try:
            large = LargeImage(path, self.services.limits.pixels)
        except (OSError, ValueError) as error:
            raise UserError("error_damaged", name=path.name) from error
        return path, large.width, large.height

    def _reference(self, reference: str | None, folder: Path) -> dict[str, Any]:
        if not reference:
            return {}
        path, *_ = self.checked(reference)
        small = folder / "reference.png"
        write_preview(path, small, self.services.limits.pixels, REFERENCE_PIXELS)
        return {"palette": small}

    def _cut(self, target: Path, folder: Path, job: Job) -> None:
        """Cut a result into tiles for the viewer."""
        from pipelines.deep_zoom import write_deep_zoom

        write_deep_zoom(
            target, folder / "after", max_pixels=self.services.limits.pixels, check=_now_and_then(job.on_tile)
        )


class Choice:
    """What was asked for, checked; UserError for what is out of range.

    Args:
        size: width and height of the painting, upright.
    """

    def __init__(
        self,
        vividness: Any,
        palette: Any,
        reference: Any,
        spots: Any,
        strength: Any,
        restore: Any,
        size: tuple[int, int],
    ):
        if palette and palette not in PALETTE_NAMES:
            raise UserError("error_palette", palette=str(palette)[:40], names=", ".join(PALETTE_NAMES[1:]))
        if palette and reference:
            raise UserError("error_palette_twice")
        self.size, self.spots = size, read_spots(spots, *size)
        self._numbers = {
            "vividness": (number_between(vividness, 0, 2, "error_vividness"), 1.0),
            "strength": (number_between(strength, 0, 1, "error_strength"), 1.0),
            "restore": (number_between(restore, 0, 1, "error_restore"), 0.0),
        }
        self._palette = palette or None

    def options(self, size: tuple[int, int] | None = None) -> dict[str, Any]:
        """Options for the pipeline: those that ask for something, for the paper's networks do not know all.

        Args:
            size: of a smaller copy that is painted in place of the picture.
        """
        options: dict[str, Any] = {name: value for name, (value, usual) in self._numbers.items() if value != usual}
        if self._palette:
            options["palette"] = self._palette
        if self.spots:
            options["hints"] = [self._scaled(spot, size or self.size) for spot in self.spots]
        return options

    def _scaled(self, spot: Spot, size: tuple[int, int]) -> Spot | tuple[int, int, str, float]:
        if size == self.size:
            return spot
        x, y, colour = spot
        across, down = size[0] / self.size[0], size[1] / self.size[1]
        place = min(int(x * across), size[0] - 1), min(int(y * down), size[1] - 1)
        return *place, colour, DEFAULT_RADIUS * across


def _seed(variant: Any) -> dict[str, int]:
    if variant is None:  # the field was emptied
        return {}
    whole = isinstance(variant, int | float) and not isinstance(variant, bool) and variant in range(MAX_VARIANT + 1)
    if not whole:
        raise UserError("error_variant", limit=MAX_VARIANT, value=str(variant)[:40])
    return {"seed": int(variant) - 1} if variant else {}


def _now_and_then(tell: Callable[[int, int], None], seconds: float = 0.3) -> Callable[[], None]:
    """Call tell(1, 1), at most every so many seconds: libvips asks for each few rows."""
    last = 0.0

    def check() -> None:
        nonlocal last
        if time.monotonic() - last > seconds:
            last = time.monotonic()
            tell(1, 1)

    return check
