"""What the events of the details part do."""

from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image, ImageOps

from ui.generation_actions import GenerationActions, Results, checked_request
from ui.generation_checks import count_of, seed_of
from ui.generation_files import write_results
from ui.generation_job import GenerationJob
from ui.languages import UserError, say
from ui.limits import check_upload
from ui.picture_actions import number_between
from ui.previews import write_preview
from ui.services import explained, request_folder

VIEW_PIXELS = 1_000_000  # of a picture to start from


class Actions(GenerationActions):
    """What the part's events do."""

    def generate(
        self,
        category: str | None,
        count: float,
        seed: str | None,
        variety: float,
        model: str,
        revision: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  gradio finds it by this default
    ) -> Results:
        """Make pictures of groceries from noise.

        Args:
            category: fruit, vegetables or packages; "" draws one for each picture by its seed.
            count: how many, 1 to 64.
            seed: of the first, the others take those that follow; "" for one by chance.
            variety: 0 (the average) over 1 (as learnt) to 1.5, the truncation.
            model: Hub id of a model in place of the app's own; "" for that.
            revision: its branch, tag or commit on the Hub; "" for the newest.

        Returns:
            The pictures with captions, PNG that tells model, revision and seed.
            All of them as a ZIP archive.
            A line about them.
        """
        with explained(request), request_folder() as folder:
            number, first, truncation = checked_request(count, seed, variety)
            with self.at_work(request, progress, model, revision) as job:
                asked = self.known("category", category, job.pipe.categories, request)
                output = job.call("__call__", asked, number, first, truncation, progress=job.on_step)
                return self.results(job, output, folder, request, truncation)

    def vary(
        self,
        picture: str | None,
        category: str | None,
        distance: float,
        count: float,
        seed: str | None,
        model: str,
        revision: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  gradio finds it by this default
    ) -> Results:
        """Rebuild a picture of groceries and make others like it.

        Args:
            picture: a picture file: JPEG, PNG, TIFF, WebP, GIF or BMP.
            category: what it shows, fruit, vegetables or packages; "" lets the model say.
            distance: 0 (alike) to 1 (far from it).
            count: how many variations, 1 to 64.
            seed: of the first, the others take those that follow; "" for one by chance.
            model: Hub id of a model in place of the app's own; "" for that.
            revision: its branch, tag or commit on the Hub; "" for the newest.

        Returns:
            The picture, its reconstruction and the variations with captions, PNG.
            All of them as a ZIP archive.
            A line about them.
        """
        with explained(request), request_folder() as folder:
            path = self._checked(picture)
            number, first = count_of(count), seed_of(seed)
            distance = number_between(distance, 0, 1, "sample_error_distance")
            small = folder / "small.png"
            write_preview(path, small, self.services.limits.pixels, VIEW_PIXELS)
            with self.at_work(request, progress, model, revision) as job:
                if job.pipe.encoder is None:
                    raise UserError("details_no_encoder")
                asked = self.known("category", category, job.pipe.categories, request)
                job.on_step(0, 2)
                rebuilt = job.call("reconstruct", small, asked)
                job.on_step(1, 2)
                options = {"strength": distance, "batch_size": number, "seed": first}
                output = job.call("vary", small, rebuilt.categories[0], **options)
                job.on_step(2, 2)
                yours = _middle_square(small, folder / "yours.png", job.pipe.size)
                before = [(yours, say(request, "details_own_yours"))]
                before += self._rebuilt(job, rebuilt, folder, request)
                return self.results(job, output, folder, request, by_seed=False, before=before)

    def _rebuilt(self, job: GenerationJob, output: Any, folder: Path, request: gr.Request) -> list[tuple[Path, str]]:
        (file,) = write_results(job.pipe, output, folder, job.model, 1.0, by_seed=False)
        return [(file.rename(folder / "rebuilt.png"), say(request, "details_own_rebuilt"))]

    def _checked(self, picture: str | None) -> Path:
        from pipelines.images import PICTURE_FORMATS

        if not picture:
            raise UserError("details_own_nothing_chosen")
        return check_upload(picture, self.services.limits, PICTURE_FORMATS)[0]


def _middle_square(path: Path, target: Path, size: int) -> Path:
    """A small copy of a picture's middle square, as the model sees it."""
    with Image.open(path) as image:
        ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.BICUBIC).save(target)
    return target
