"""Pictures of products: made by kind and colour, gated by the discriminator, and edited."""

from typing import Any

from pipelines.method import Method

_FOLDER = "pipelines.product_studio"


def _tiny() -> Any:
    from pipelines.product_studio.networks_product_studio import ProductPictureGenerator, ProductPictureJudge
    from pipelines.product_studio.pipeline_product_studio import ProductStudio

    asked = {"categories": ["bags", "shoes"], "colours": ["black", "red"]}
    generator = ProductPictureGenerator(16, 8, **asked, channels=[16, 16, 8], context=16)
    judge = ProductPictureJudge(**asked, width=8, bars=[-0.1, 0.1], encoder_width=0.25, encoder_depth=0.5)
    return ProductStudio(generator.eval(), judge.eval())


def _tiny_inputs() -> dict[str, Any]:
    return {"category": "shoes", "colour": "red", "batch_size": 3}


METHOD = Method(
    name="product_studio",
    title="Product studio",
    paper="Deep learning for the generation and editing of product images",
    tab_title="Generate",
    pipeline=f"{_FOLDER}.pipeline_product_studio:ProductStudio",
    networks=(
        f"{_FOLDER}.networks_product_studio:ProductPictureGenerator",
        f"{_FOLDER}.networks_product_studio:ProductPictureJudge",
        f"{_FOLDER}.networks_product_studio:ProductPictureEncoder",
        f"{_FOLDER}.networks_paper_products:ProductPaperGenerator",
        f"{_FOLDER}.networks_paper_products:ProductPaperDiscriminator",
        f"{_FOLDER}.networks_enhancers:Restorer",
        f"{_FOLDER}.networks_enhancers:ToneCorrector",
        f"{_FOLDER}.networks_enhancers:CutoutNetwork",
        f"{_FOLDER}.networks_style_transfer:StyleNetwork",
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
