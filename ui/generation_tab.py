"""How the widgets of tabs that make pictures from noise are wired."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from ui.generation_actions import GenerationActions
from ui.generation_widgets import Film, Grid
from ui.picture_tab import PRIVATE, QUIET, WAITING
from ui.services import named


def wire_work(
    actions: Any,
    button: Any,
    buttons: Sequence[Any],
    work: Callable,
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    on: Sequence[Any],
    api_name: str | None = None,
    begin: Callable | None = None,
) -> Any:
    """A button that does work: the buttons wait meanwhile, and Stop, the last of them, shows.

    Args:
        actions: its `begin` and `end` update the buttons; `GenerationActions`, or what has the like.
        on: where progress is shown.
        api_name: makes the work a public endpoint of this name.
        begin: in place of the actions' own.

    Returns:
        the event of the work, to reveal what it made and for Stop to cancel.
    """
    run = button.click(begin or actions.begin, None, buttons, **QUIET).success(
        named(work, api_name),
        inputs,
        outputs,
        api_name=api_name,
        api_visibility="public" if api_name else "private",
        concurrency_id=actions.kind,
        concurrency_limit=WAITING,
        show_progress_on=list(on),
    )
    run.success(actions.end, None, buttons, **QUIET)
    run.failure(actions.end, None, buttons, **QUIET)  # gradio's `then` does not follow a failure
    return run


def wire_results(run: Any, grid: Grid) -> None:
    """Show what a run made, in as many columns as suit it, and bring it into view."""
    shown = run.success(_revealed, grid.files, grid.parts, **QUIET)
    shown.then(None, js=scroll_to(f"{grid.name}-gallery"), **PRIVATE)


def _revealed(files: list[str]) -> list[Any]:
    count = len(files)
    columns = next((side for side, most in ((3, 9), (4, 16), (6, 36)) if count <= most), 8)
    there = gr.update(visible=True)
    gallery = gr.update(visible=True, columns=columns, selected_index=None)
    return [gr.update(visible=False), gallery, there, there, gr.update(visible=False)]


def wire_chosen(
    actions: GenerationActions, grid: Grid, film: Film, buttons: Sequence[Any], model: Sequence[Any]
) -> list[Any]:
    """Choosing a picture, more like it, films; returns the events for Stop to cancel.

    Args:
        model: the two fields of the model picker.
    """
    quick: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": 4, **PRIVATE}
    picked = grid.gallery.select(actions.pick, grid.files, grid.chosen, **quick)
    picked.success(None, js=scroll_to(f"{grid.name}-chosen"), **PRIVATE)  # many pictures leave it far below
    on = [grid.empty, grid.gallery]
    inputs = [grid.download, grid.distance, *model]
    name = f"{grid.name}_like"
    like = wire_work(actions, grid.like, buttons, actions.more_like, inputs, grid.results, on, api_name=name)
    wire_results(like, grid)
    grid.add.click(actions.add_stop, [grid.download, film.files], film.stops, **quick)
    strip = [film.frames, film.download]
    film.clear.click(actions.clear_stops, None, [*film.stops, *strip], **QUIET)
    inputs = [film.files, film.steps, *model]
    name, on = f"{grid.name}_film", [film.frames, film.stops[1]]
    run = wire_work(actions, film.button, buttons, actions.film, inputs, strip, on, api_name=name)
    run.success(lambda: [gr.update(visible=True)] * 2, None, strip, **QUIET)
    return [like, run]


def wire_stop(actions: GenerationActions, buttons: Sequence[Any], runs: Sequence[Any]) -> None:
    buttons[-1].click(actions.stop, None, buttons, cancels=list(runs), **QUIET)


def scroll_to(element: str) -> str:
    """A script that brings an element into view where it is not."""
    return f"""() => setTimeout(() => document.getElementById("{element}")
    ?.scrollIntoView({{behavior: "smooth", block: "nearest"}}), 400)"""
