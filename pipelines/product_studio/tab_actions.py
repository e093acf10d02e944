"""What the events of the products part do that make pictures."""

from typing import Any

import gradio as gr

from ui.generation_actions import GenerationActions, Results, checked_request
from ui.generation_checks import whole
from ui.languages import say
from ui.services import explained, request_folder

MAX_TRIES = 16  # a picture, on the page


class Actions(GenerationActions):
    """What the part's events do."""

    def generate(
        self,
        category: str | None,
        colour: str | None,
        count: float,
        seed: str | None,
        variety: float,
        gate: bool,
        tries: float,
        source: str,
        revision: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  gradio finds it by this default
    ) -> Results:
        """Make pictures of products.

        Args:
            category, colour: of those that the model knows; None or "" draws them for each picture by its seed.
            count: 1 to 64.
            seed: of the first, the others take those that follow; None or "": by chance.
            variety: 0 to 1.5, the truncation.
            gate: make a picture again that the judge finds too poor.
            tries: 1 to 16 a picture.

        Returns:
            pictures with their scores, their files (PNG with model, revision and seed), all as a ZIP, and a line of
            text.
        """
        with explained(request), request_folder() as folder:
            number, first, truncation = checked_request(count, seed, variety)
            tries = whole(tries, 1, MAX_TRIES, "products_error_tries", limit=MAX_TRIES)
            with self.at_work(request, progress, source, revision) as job:
                pipe = job.pipe
                kind = self.known("category", category, pipe.categories, request)
                wanted = self.known("colour", colour, pipe.colours, request)
                options = {"gate": bool(gate), "tries": tries, "progress": job.on_step}
                output = pipe(kind, wanted, number, first, truncation, **options)
                gallery, files, archive, text = self.results(job, output, folder, request, truncation)
        rate = "products_rate" if gate else "products_rate_off"
        return gallery, files, archive, self._with_rate(text, rate, output.acceptance_rate, request)

    def caption(self, output: Any, number: int, request: gr.Request) -> str:
        """The judge's score, and whether it passes."""
        if output.scores is None:
            return super().caption(output, number, request)
        passed = "" if output.accepted is None else (" ✓" if output.accepted[number] else " ✗")
        return f"{output.scores[number]:.2f}{passed}"

    def notes(self, output: Any, request: gr.Request) -> list[str]:
        """What the numbers under the pictures are."""
        if output.scores is None:
            return []
        missed = output.accepted is not None and not all(output.accepted)
        return [say(request, key) for key in ("products_score", *(("products_not_passed",) if missed else ()))]

    @staticmethod
    def _with_rate(text: str, key: str, rate: float | None, request: gr.Request) -> str:
        return text if rate is None else f"{say(request, key, share=round(100 * rate))} {text}"
