"""Pictures of a category with their background, from noise."""

from typing import Any

from pipelines.method import Method

_FOLDER = "pipelines.detail_generator"


def _tiny() -> Any:
    from pipelines.detail_generator.networks_detail_generator import DetailPictureEncoder, DetailPictureGenerator
    from pipelines.detail_generator.pipeline_detail_generator import DetailGenerator

    asked = ["fruit", "packages", "vegetables"]
    generator = DetailPictureGenerator(16, 8, asked, channels=[16, 16, 8], context=16)
    encoder = DetailPictureEncoder(8, asked, encoder_width=0.25, encoder_depth=0.5)
    return DetailGenerator(generator.eval(), encoder.eval())


def _tiny_inputs() -> dict[str, Any]:
    return {"category": "fruit", "batch_size": 3}


METHOD = Method(
    name="detail_generator",
    title="Detail generator",
    paper="Generation of complex-detail images with a variational auto-encoding multi-scale GAN (VAE-MSGAN)",
    tab_title="Generate",
    pipeline=f"{_FOLDER}.pipeline_detail_generator:DetailGenerator",
    networks=(
        f"{_FOLDER}.networks_detail_generator:DetailPictureGenerator",
        f"{_FOLDER}.networks_detail_generator:DetailPictureEncoder",
        f"{_FOLDER}.networks_single_scale:TransposedGenerator",
        f"{_FOLDER}.networks_vae_msgan:VariationalEncoder",
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
