"""The Translate tab: a photograph in, the scene in another season or weather out, in one of them or all four."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from pipelines.scene_translator.tab_strings import STRINGS
from ui import Services, picture_tab
from ui.examples import scenes
from ui.languages import UserError, add_strings, label, say
from ui.picture_actions import Job, PictureActions, number_between
from ui.services import explained, request_folder
from ui.widgets import Camera, OpenDropdown, OpenRadio, OpenSlider, model_picker

NAME, METHOD_NAME = "translate", "scene_translator"
TARGETS = ("summer", "winter", "cloudy", "sunny")

add_strings(STRINGS)


def build(services: Services) -> None:
    """Lay out the tab inside the caller's `gr.Tab` and wire its events."""
    examples = scenes()
    choices = [(label(f"translate_{target}"), target) for target in TARGETS]
    picture_tab.missing_weights(services, METHOD_NAME, NAME)
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=290):
            photograph = picture_tab.picture_input(NAME, "photograph")
            camera = _camera()
            gallery = picture_tab.example_gallery(NAME, examples, "translate-examples")
            target = OpenRadio(
                choices,
                value="winter",
                label=label("translate_target"),
                elem_id="translate-target",
                elem_classes="two-by-two",
            )
            with gr.Row():
                translate = gr.Button(
                    label("translate_button"), variant="primary", elem_id="translate-button", scale=2, min_width=110
                )
                every = gr.Button(label("translate_all"), elem_id="translate-all", scale=2, min_width=90)
                stop = picture_tab.stop_button(NAME)
            strength = OpenSlider(
                0, 1, value=1, step=0.05, label=label("translate_strength"), info=label("translate_strength_info")
            )
            source = OpenDropdown(
                [(label("translate_source_auto"), ""), *choices],
                value="",
                label=label("translate_source"),
                filterable=False,
                elem_id="translate-source",
            )
            model, revision = model_picker(services.models.folders)
        with gr.Column(scale=7, min_width=300):
            stage = picture_tab.Stage(NAME, several=True)

    actions = Actions(NAME, METHOD_NAME, services, examples, buttons=2, more=len(stage.more))
    picture_tab.wire_choice(actions, photograph, gallery, stage)
    camera.change(actions.taken, camera, [photograph, camera], show_progress="hidden", **picture_tab.PRIVATE)
    buttons, options = [translate, every, stop], [strength, source, model, revision]
    one = picture_tab.wire_run(
        actions,
        translate,
        buttons,
        actions.translate,
        [photograph, target, *options],
        stage.result,
        stage,
        last=stage.download,
        api_name="translate",
    )
    inputs, outputs = [photograph, *options], [*stage.more, stage.caption]
    four = picture_tab.wire_run(
        actions,
        every,
        buttons,
        actions.translate_all,
        inputs,
        outputs,
        stage,
        last=stage.more[-1],
        api_name="translate_all",
    )
    picture_tab.wire_stop(actions, buttons, [one, four])


def _camera() -> Camera:
    """A drawer: the browser asks for the camera only once it is opened and pressed."""
    with gr.Accordion(label("translate_camera"), open=False, elem_id="translate-camera"):
        return Camera(
            label=label("translate_camera_frame"),
            sources=["webcam"],
            webcam_options=gr.WebcamOptions(mirror=False),
            height=240,
            buttons=[],
        )


class Actions(PictureActions):
    """What the tab's events do."""

    def taken(self, frame: str | None, request: gr.Request) -> tuple[Any, Any]:
        """A picture was taken: hand it on as if uploaded, and let the camera go."""
        if not frame:
            return gr.skip(), gr.skip()
        with explained(request):
            path, *_ = self.checked(frame)
            return self.as_upload(path), None

    def translate(
        self,
        photograph: str | None,
        target: str,
        strength: float,
        source: str,
        model: str,
        revision: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  gradio finds it by this default
    ) -> tuple[tuple[str, str], str, str]:
        """Translate a photograph of a scene to another season or weather.

        Args:
            photograph: a picture file: JPEG, PNG, TIFF, WebP, GIF or BMP.
            target: summer, winter, cloudy or sunny.
            strength: 0 (as it was) to 1 (the model's translation).
            source: what the photograph shows, of the same four; "" where that is not known.
            model: Hub id of a model in place of the app's own; "" for that.
            revision: its branch, tag or commit on the Hub; "" for the newest.

        Returns:
            The photograph before and after, shrunk if large.
            The translated photograph at full size, PNG.
            A line about it.
        """
        with explained(request), request_folder() as folder:
            path, width, height = self.checked(photograph)
            strength = number_between(strength, 0, 1, "translate_strength_range")
            with self.at_work(request, progress, model, revision, width * height) as job:
                _check_direction(job.pipe, target, source, request)
                result = folder / f"{path.stem}-{target}.png"
                job.paint(path, result, target=target, source=source, strength=strength)
                seconds = job.seconds
                pair = job.pair(path, result)
            text = say(request, "translate_done", width=width, height=height, seconds=seconds)
        return pair, str(result), text

    def translate_all(
        self,
        photograph: str | None,
        strength: float,
        source: str,
        model: str,
        revision: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  gradio finds it by this default
    ) -> tuple[list[tuple[str, str]], list[str], str]:
        """Translate a photograph of a scene to summer, winter, cloudy and sunny, whichever the model knows.

        Args:
            photograph: a picture file: JPEG, PNG, TIFF, WebP, GIF or BMP.
            strength: 0 (as it was) to 1 (the model's translation).
            source: what the photograph shows, of the same four; "" where that is not known.
            model: Hub id of a model in place of the app's own; "" for that.
            revision: its branch, tag or commit on the Hub; "" for the newest.

        Returns:
            Small pictures with their names.
            The translated photographs at full size, PNG.
            A line about them.
        """
        with explained(request), request_folder() as folder:
            path, width, height = self.checked(photograph)
            strength = number_between(strength, 0, 1, "translate_strength_range")
            with self.at_work(request, progress, model, revision, width * height, parts=len(TARGETS)) as job:
                _check_some_target(job.pipe, request)
                results = {name: folder / f"{path.stem}-{name}.png" for name in TARGETS if name in job.pipe.targets}
                small = [_paint_one(job, path, results[target], target, source, strength) for target in results]
                seconds = job.seconds
            captions = [_name(target, request) for target in results]
            text = say(request, "translate_done_all", width=width, height=height, seconds=seconds)
        return list(zip(small, captions, strict=True)), [str(file) for file in results.values()], text


def _paint_one(job: Job, path: Path, result: Path, target: str, source: str, strength: float) -> str:
    """One of several targets, and its small picture; the source is told where the model knows the direction."""
    known = source if (source, target) in job.pipe.directions else ""
    job.paint(path, result, target=target, source=known, strength=strength)
    return job.preview(result, result.with_name(f"{result.stem}-small.png"))


def _check_direction(pipe: Any, target: str, source: str, request: gr.Request) -> None:
    """UserError that names what the model knows, for a target or a direction that it does not."""
    if target not in pipe.targets:
        raise UserError("translate_unknown_target", target=_name(target, request), known=_names(pipe.targets, request))
    if source and (source, target) not in pipe.directions:
        known = ", ".join(" → ".join(_name(name, request) for name in pair) for pair in pipe.directions)
        names = {"source": _name(source, request), "target": _name(target, request)}
        raise UserError("translate_unknown_direction", known=known, **names)


def _check_some_target(pipe: Any, request: gr.Request) -> None:
    if not set(TARGETS) & set(pipe.targets):
        names = {"target": _names(TARGETS, request), "known": _names(pipe.targets, request)}
        raise UserError("translate_unknown_target", **names)


def _names(targets: Sequence[str], request: gr.Request) -> str:
    return ", ".join(_name(target, request) for target in targets)


def _name(target: str, request: gr.Request) -> str:
    """A target in the page's language; another model's may be called anything."""
    return say(request, f"translate_{target}") if target in TARGETS else str(target)[:40]
