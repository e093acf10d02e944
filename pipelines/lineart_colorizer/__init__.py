"""Line art colouring: a drawing takes the colours of a reference picture."""

from typing import Any

from pipelines.method import Method

_FOLDER = "pipelines.lineart_colorizer"


def _tiny() -> Any:
    from pipelines.lineart_colorizer.networks_lineart_colorizer import LineArtGenerator
    from pipelines.lineart_colorizer.networks_reference_encoder import ReferenceEncoder
    from pipelines.lineart_colorizer.pipeline_lineart_colorizer import LineArtColorizer

    generator = LineArtGenerator(
        encoder_width=0.25, encoder_depth=0.5, decoder=(16, 16, 8, 8, 8), key=16, style=16, view_area=64 * 64
    )
    encoder = ReferenceEncoder(width=0.25, depth=0.5, key=16, style=16)
    return LineArtColorizer(generator.eval(), encoder.eval())


def _tiny_inputs() -> dict[str, Any]:
    from PIL import Image, ImageDraw

    drawing = Image.new("L", (48, 40), 255)
    ImageDraw.Draw(drawing).ellipse([8, 6, 38, 34], outline=0, width=2)
    return {"image": drawing, "reference": Image.linear_gradient("L").convert("RGB").resize((48, 40))}


METHOD = Method(
    name="lineart_colorizer",
    title="Line art colorizer",
    paper="Style transfer to anime line art with a U-Net variant and a classifier (Feng Yuting, Li Zhiwei)",
    tab_title="Colorize",
    pipeline=f"{_FOLDER}.pipeline_lineart_colorizer:LineArtColorizer",
    networks=(
        f"{_FOLDER}.networks_lineart_colorizer:LineArtGenerator",
        f"{_FOLDER}.networks_reference_encoder:ReferenceEncoder",
        f"{_FOLDER}.networks_swish_unet:SwishUNetGenerator",
        f"{_FOLDER}.networks_style_encoder:Vgg16ConvStyle",
        f"{_FOLDER}.networks_style_encoder:Vgg19FcStyle",
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
