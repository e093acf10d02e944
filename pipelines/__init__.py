"""Every method this project packages, one line each.

A method is a folder here; `METHODS` maps its name to the import path of that folder. Nothing heavy is
imported until asked for: listing the methods costs no torch, and `from pipelines import LandscapeColorizer`
costs what that one class needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pipelines.method import Method

if TYPE_CHECKING:
    from pipelines.detail_generator.pipeline_detail_generator import DetailGenerator
    from pipelines.landscape_colorizer.pipeline_landscape_colorizer import LandscapeColorizer
    from pipelines.lineart_colorizer.pipeline_lineart_colorizer import LineArtColorizer
    from pipelines.product_studio.pipeline_product_studio import ProductStudio
    from pipelines.scene_translator.pipeline_scene_translator import SceneTranslator

METHODS = {
    "landscape_colorizer": "pipelines.landscape_colorizer",
    "lineart_colorizer": "pipelines.lineart_colorizer",
    "scene_translator": "pipelines.scene_translator",
    "detail_generator": "pipelines.detail_generator",
    "product_studio": "pipelines.product_studio",
}

__all__ = [
    "METHODS",
    "DetailGenerator",
    "LandscapeColorizer",
    "LineArtColorizer",
    "Method",
    "ProductStudio",
    "SceneTranslator",
    "get_method",
]


def get_method(name: str) -> Method:
    """Return the `Method` called `name`; dashes count as underscores.

    Raises:
        KeyError: naming the choices, if there is no such method.
    """
    key = name.replace("-", "_")
    if key not in METHODS:
        raise KeyError(f"Unknown method {name!r}. Choose from: {', '.join(sorted(METHODS))}.")
    return import_module(METHODS[key]).METHOD


def __getattr__(name: str) -> Any:
    """Import a pipeline class on first use: `from pipelines import LandscapeColorizer` (PEP 562)."""
    for method in METHODS:
        if name in __all__ and name.lower() == method.replace("_", ""):
            import torchvision_guard  # noqa: F401  here, since three lines of Python start a process too

            return get_method(method).load("pipeline")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
