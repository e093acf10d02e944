"""Landscape colorization: grey or ink-wash Chinese landscape paintings in colour."""

from typing import Any

from pipelines.method import Method

_FOLDER = "pipelines.landscape_colorizer"


def _tiny() -> Any:
    from pipelines.landscape_colorizer.networks_landscape_colorizer import TwoNetGenerator
    from pipelines.landscape_colorizer.pipeline_landscape_colorizer import LandscapeColorizer

    generator = TwoNetGenerator(features=4, refiner_width=8, encoder_width=0.25, encoder_depth=0.5, decoder=(16, 8, 8))
    return LandscapeColorizer(generator.eval())


def _tiny_inputs() -> dict[str, Any]:
    from PIL import Image

    return {"image": Image.linear_gradient("L").resize((48, 40))}


METHOD = Method(
    name="landscape_colorizer",
    title="Landscape colorizer",
    paper="Colorization of Chinese landscape paintings with generative adversarial networks",
    tab_title="Colorize",
    pipeline=f"{_FOLDER}.pipeline_landscape_colorizer:LandscapeColorizer",
    networks=(
        f"{_FOLDER}.networks_landscape_colorizer:TwoNetGenerator",
        f"{_FOLDER}.networks_pix2pix:ResNetGenerator",
        f"{_FOLDER}.networks_pix2pix:UNetGenerator",
    ),
    recipe=f"{_FOLDER}.recipe:build_recipe",
    presets=f"{_FOLDER}.recipe:PRESETS",
    tab=f"{_FOLDER}.tab:build",
    table=f"{_FOLDER}.table:build_table",
    card="card.md",
    onnx=f"{_FOLDER}.onnx_graph:build_graph",
    tiny=_tiny,
    tiny_inputs=_tiny_inputs,
)
