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
        source: str,
        revision: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  gradio finds it by this default
    ) -> Results:
        """Make pictures.

        Args:
            category: one that the model knows; None or "" draws one for each picture by its seed.
            count: 1 to 64.
            seed: of the first, the others take those that follow; None or "": by chance.
            variety: 0 to 1.5, the truncation.

        Returns:
            pictures with captions, their files (PNG with model, revision and seed), all as a ZIP, and a line of text.
        """
        with explained(request), request_folder() as folder:
            number, first, truncation = checked_request(count, seed, variety)
            with self.at_work(request, progress, source, revision) as job:
                asked = self.known("category", category, job.pipe.categories, request)
                output = job.pipe(asked, number, first, truncation, progress=job.on_step)
                return self.results(job, output, folder, request, truncation)

    def vary(
        self,
        picture: str | None,
        category: str | None,
        distance: float,
        count: float,
        seed: str | None,
        source: str,
        revision: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  gradio finds it by this default
    ) -> Results:
        """Rebuild a picture and make others like it: the picture, its reconstruction, then `count` variations."""
        with explained(request), request_folder() as folder:
            path = self._checked(picture)
            number, first = count_of(count), seed_of(seed)
            distance = number_between(distance, 0, 1, "sample_error_distance")
            small = folder / "small.png"
            write_preview(path, small, self.services.limits.pixels, VIEW_PIXELS)
            with self.at_work(request, progress, source, revision) as job:
                if job.pipe.encoder is None:
                    raise UserError("details_no_encoder")
                asked = self.known("category", category, job.pipe.categories, request)
                job.on_step(0, 2)
                rebuilt = job.pipe.reconstruct(small, asked)
                job.on_step(1, 2)
                output = job.pipe.vary(small, rebuilt.categories[0], strength=distance, batch_size=number, seed=first)
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
