"""What the events of a tab that makes pictures from noise do; each stands behind the app's limits."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr

from pipelines.generation.identity import model_of
from pipelines.generation.png_metadata import PictureFacts, read_facts, write_png
from ui.generation_checks import count_of, seed_of, whole
from ui.generation_files import write_results, write_zip
from ui.generation_job import GenerationJob
from ui.languages import UserError, say, strings
from ui.picture_actions import number_between
from ui.services import Services, explained, request_folder

ALIKE = 8  # pictures that "more like this" makes
MAX_STOPS, STEPS = 5, (2, 12)  # of a film strip: 49 frames at most
Results = tuple[list[tuple[str, str]], list[str], str, str]  # gallery, files, archive, a line of text


class GenerationActions:
    """Making pictures, choosing one, more like it, films and stopping, with answers in the page's language.

    Args:
        name: what the tab's own texts begin with: NAME_category_fruit and so on.
        method: the method whose pipeline does the work.
        buttons: how many buttons wait during the work.
    """

    def __init__(self, name: str, method: str, services: Services, buttons: int = 3):
        self.name, self.method, self.services, self.buttons = name, method, services, buttons
        self.kind = method  # of work, see `ui.workers`

    def begin(self) -> list[Any]:
        """A button was pressed: offer Stop instead."""
        return [gr.update(interactive=False)] * self.buttons + [gr.update(visible=True)]

    def end(self) -> list[Any]:
        """Done, failed or stopped: the buttons again."""
        return [gr.update(interactive=True)] * self.buttons + [gr.update(visible=False)]

    def stop(self, request: gr.Request) -> list[Any]:
        """Stop this page's work at the next step."""
        self.services.workers.stop(request.session_hash or "")
        return self.end()

    @contextmanager
    def at_work(
        self, request: gr.Request, progress: gr.Progress, source: str, revision: str
    ) -> Iterator[GenerationJob]:
        """Wait for a slot, load the model, and hand out the job; the slot is held until the block ends."""
        workers, models = self.services.workers, self.services.models
        with workers.work(request.session_hash or "", self.kind) as work:
            progress(0, desc=say(request, "sample_loading"))
            with models.use(self.method, source, revision) as pipe:
                if pipe.generator is None:
                    raise UserError(f"{self.name}_no_generator")
                own = (source or "").strip() or None
                named = own or models.sources.get(self.method)
                model_name = model_of(pipe, self.method, named, (revision or "").strip() if own else None)
                yield GenerationJob(pipe, model_name, work, progress, say(request, "sample_working"))

    def results(
        self,
        job: GenerationJob,
        output: Any,
        folder: Path,
        request: gr.Request,
        truncation: float = 1.0,
        by_seed: bool = True,
        before: Sequence[tuple[Path, str]] = (),
    ) -> Results:
        """Write what was made, and an archive of it.

        Args:
            before: pictures with captions to show before those that were made.
        """
        files = write_results(job.pipe, output, folder, job.model, truncation, by_seed)
        captions = [self.caption(output, number, request) for number in range(len(files))]
        archive = folder / f"{self.name}.zip"
        write_zip(files, archive)
        shown = [*before, *zip(files, captions, strict=True)]
        counts = {"count": len(files), "size": job.pipe.size, "seconds": job.seconds}
        text = [say(request, "sample_done", **counts), *self.notes(output, request), say(request, "sample_hint")]
        paths = [str(file) for file, _ in shown]
        return [(str(file), caption) for file, caption in shown], paths, str(archive), " ".join(text)

    def caption(self, output: Any, number: int, request: gr.Request) -> str:
        """What stands under a picture: its category and seed."""
        return f"{self.spoken('category', output.categories[number], request)} {output.seeds[number]}"

    def notes(self, output: Any, request: gr.Request) -> list[str]:
        """Sentences about what was made."""
        return []

    def pick(self, files: list[str], event: gr.SelectData, request: gr.Request) -> list[Any]:
        """A picture of the grid was chosen: show it larger. Updates for `Grid.chosen`."""
        with explained(request):
            number = event.index if isinstance(event.index, int) else -1
            if not 0 <= number < len(files or []):
                raise UserError("sample_error_nothing_chosen")
            path = _there(files[number])
            text = self.told(read_facts(path), request)
        return [gr.update(visible=True), str(path), str(path), text]

    def told(self, facts: PictureFacts | None, request: gr.Request) -> str:
        """What a picture was made from, in words."""
        if facts is None:
            return ""
        words = [self.spoken("category", facts.category, request)]
        words += [self.spoken("colour", facts.colour, request)] if facts.colour else []
        by_seed = facts.seed is not None
        words.append(say(request, "sample_facts_seed" if by_seed else "sample_facts_latents", seed=facts.seed))
        return "  \n".join([" · ".join(filter(None, words)), f"`{facts.model}` `{facts.revision}`"])

    def more_like(
        self,
        chosen: str | None,
        distance: float,
        model: str,
        revision: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  gradio finds it by this default
    ) -> Results:
        """Make pictures like one that the app has made.

        Args:
            chosen: a picture of the app's own making: the PNG tells what it was made from.
            distance: 0 (alike) to 1 (far from it).
            model: Hub id of a model in place of the app's own; "" for that.
            revision: its branch, tag or commit on the Hub; "" for the newest.

        Returns:
            The picture and eight like it with captions, PNG.
            All of them as a ZIP archive.
            A line about them.
        """
        from pipelines.generation.chosen import nearby_request, paint_request

        with explained(request), request_folder() as folder:
            distance = number_between(distance, 0, 1, "sample_error_distance")
            facts = facts_in(chosen)
            with self.at_work(request, progress, model, revision) as job:
                asked = _fitting(nearby_request, job, [facts], facts, ALIKE, distance, seed_of(None))
                output = job.run(paint_request, asked)
                return self.results(job, output, folder, request, by_seed=False)

    def add_stop(self, chosen: str | None, stops: list[str] | None, request: gr.Request) -> list[Any]:
        """The film goes on to the chosen picture. Updates for `Film.stops`."""
        with explained(request):
            facts_in(chosen)
            stops = [*(stops or []), str(chosen)]
            if len(stops) > MAX_STOPS:
                raise UserError("sample_error_too_many_stops", limit=MAX_STOPS)
        return [stops, gr.update(value=stops, visible=True), gr.update(open=True)]

    def clear_stops(self) -> list[Any]:
        """A new film. Updates for `Film.stops`, frames and download."""
        return [[], gr.update(value=None, visible=False), gr.update(), *[gr.update(visible=False)] * 2]

    def film(
        self,
        stops: list[str] | None,
        steps: float,
        model: str,
        revision: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  gradio finds it by this default
    ) -> tuple[list[str], str]:
        """Make the pictures on the way from one picture to the next.

        Args:
            stops: 2 to 5 pictures of the app's own making, in order.
            steps: from one to the next, 2 to 12.
            model: Hub id of a model in place of the app's own; "" for that.
            revision: its branch, tag or commit on the Hub; "" for the newest.

        Returns:
            The pictures on the way, PNG.
            All of them as one strip, PNG.
        """
        from pipelines.generation.chosen import film_request, paint_request
        from pipelines.generation.noise import contact_sheet

        with explained(request), request_folder() as folder:
            steps = whole(steps, *STEPS, "sample_error_steps", low=STEPS[0], high=STEPS[1])
            stops = list(stops or [])
            if len(stops) < 2:
                raise UserError("sample_error_too_few_stops")
            if len(stops) > MAX_STOPS:
                raise UserError("sample_error_too_many_stops", limit=MAX_STOPS)
            facts = [facts_in(stop) for stop in stops]
            with self.at_work(request, progress, model, revision) as job:
                asked = _fitting(film_request, job, facts, facts, steps)
                output = job.run(paint_request, asked)
                files = write_results(job.pipe, output, folder, job.model, 1.0, by_seed=False)
                strip = folder / f"{self.name}-film.png"
                write_png(contact_sheet(output.images, len(files)), strip, PictureFacts(*job.model, facts[0].category))
        return [str(file) for file in files], str(strip)

    def known(self, kind: str, value: Any, names: Sequence[str], request: gr.Request) -> str | None:
        """A category or colour that the model knows, None for any; UserError otherwise."""
        if value is None or value == "":
            return None
        if value not in names:
            known = ", ".join(self.spoken(kind, name, request) for name in names)
            raise UserError("sample_error_category", value=str(value)[:40], known=known)
        return str(value)

    def spoken(self, kind: str, name: str, request: gr.Request) -> str:
        """A category or colour in the page's language; another model's may be called anything."""
        key = f"{self.name}_{kind}_{name}"
        return say(request, key) if key in strings("en") else name[:40]


def checked_request(count: Any, seed: Any, variety: Any) -> tuple[int, int, float]:
    """How many, from which seed, and how varied; UserError for what is out of range."""
    return count_of(count), seed_of(seed), number_between(variety, 0, 1.5, "sample_error_variety")


def facts_in(path: str | None) -> PictureFacts:
    """What a chosen picture was made from; UserError for none, and for one that does not tell."""
    file = _there(path)
    try:
        facts = read_facts(file)
    except OSError as error:
        raise UserError("error_damaged", name=file.name) from error
    if facts is None or (facts.seed is None and facts.latents is None):
        raise UserError("sample_error_not_ours")
    return facts


def _there(path: str | None) -> Path:
    """Files of results go after an hour."""
    if not path or not Path(path).is_file():
        raise UserError("sample_error_nothing_chosen")
    return Path(path)


def _fitting(make: Any, job: GenerationJob, pictures: Sequence[PictureFacts], *arguments: Any) -> Any:
    """make(pipe, *arguments); UserError where the pictures are of other weights."""
    if any((facts.model, facts.revision) != job.model for facts in pictures):
        raise UserError("sample_error_other_model")
    try:
        return make(job.pipe, *arguments)
    except ValueError as error:
        raise UserError("sample_error_other_model") from error
