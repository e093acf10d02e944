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
        model: str,
        revision: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  gradio finds it by this default
    ) -> Results:
        """Make pictures of products from noise, through a gate that takes out the poor ones.

        Args:
            category: shoes, sandals_heels, bags, watches, sunglasses or wallets; "" draws one by the seed.
            colour: black, white, brown, blue, red, green, pink or yellow; "" draws one by the seed.
            count: how many, 1 to 64.
            seed: of the first, the others take those that follow; "" for one by chance.
            variety: 0 (the average) over 1 (as learnt) to 1.5, the truncation.
            gate: whether a picture is made again that the judge finds too poor.
            tries: how often at most, 1 to 16 a picture.
            model: Hub id of a model in place of the app's own; "" for that.
            revision: its branch, tag or commit on the Hub; "" for the newest.

        Returns:
            The pictures with their scores, PNG that tells model, revision and seed.
            All of them as a ZIP archive.
            A line about them.
        """
        with explained(request), request_folder() as folder:
            number, first, truncation = checked_request(count, seed, variety)
            tries = whole(tries, 1, MAX_TRIES, "products_error_tries", limit=MAX_TRIES)
            with self.at_work(request, progress, model, revision) as job:
                pipe = job.pipe
                kind = self.known("category", category, pipe.categories, request)
                wanted = self.known("colour", colour, pipe.colours, request)
                options = {"gate": bool(gate), "tries": tries, "progress": job.on_step}
                output = job.call("__call__", kind, wanted, number, first, truncation, **options)
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
