"""What a method folder declares."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Method:
    """One paper, packaged.

    Targets are `"module:attribute"` strings, resolved on use: the app never imports training code, and
    training never imports gradio.
    """

    name: str  # folder name; with dashes, the command and Hub name
    title: str  # what people call it: "Landscape colorizer"
    paper: str  # one line: the source
    tab_title: str  # the tab of the app it belongs to: "Colorize", "Translate" or "Generate"
    pipeline: str  # "module:Class", a `PretrainedPipeline`
    networks: tuple[str, ...]  # "module:Class" of every class that may be a component of the pipeline
    recipe: str  # "module:Class", see `train.recipe.Recipe`
    presets: str  # "module:PRESETS", {name: (description, config)}
    tab: str  # "module:build"
    table: str  # "module:build_table", what `python -m evaluation` runs
    card: str  # model card template, relative to the method's folder
    tiny: Callable[[], Any]  # a randomly initialised pipeline that answers on a CPU in under a second
    tiny_inputs: Callable[[], dict[str, Any]]  # keyword arguments of one small call
    onnx: str | None = None  # "module:build_graph", see `pipelines.onnx_graph`; None: no ONNX form

    def load(self, target: str) -> Any:
        """Import what the field called `target` points at."""
        module, attribute = getattr(self, target).split(":")
        return getattr(import_module(module), attribute)

    def network_classes(self) -> dict[str, type]:
        """The classes that may be components, by class name."""
        classes = {}
        for target in self.networks:
            module, attribute = target.split(":")
            classes[attribute] = getattr(import_module(module), attribute)
        return classes

    @property
    def folder(self) -> Path:
        """Where the method's source lies."""
        return Path(__file__).parent / self.name
