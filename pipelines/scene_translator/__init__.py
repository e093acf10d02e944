"""Scene translation: photographs of scenes in another season or weather."""

from typing import Any

from pipelines.method import Method

_FOLDER = "pipelines.scene_translator"


def _tiny() -> Any:
    from pipelines.scene_translator.networks_scene_translator import SceneGenerator
    from pipelines.scene_translator.pipeline_scene_translator import SceneTranslator

    generator = SceneGenerator(
        encoder_width=0.25, encoder_depth=0.5, decoder=(16, 16, 8, 8, 8), style=16, view_area=64 * 64
    )
    return SceneTranslator(generator.eval())


def _tiny_inputs() -> dict[str, Any]:
    from PIL import Image

    return {"image": Image.linear_gradient("L").convert("RGB").resize((48, 40)), "target": "winter"}


METHOD = Method(
    name="scene_translator",
    title="Scene translator",
    paper="Scene image translation with a skip-connected generative adversarial network (Jin Yang, He Lili)",
    tab_title="Translate",
    pipeline=f"{_FOLDER}.pipeline_scene_translator:SceneTranslator",
    networks=(
        f"{_FOLDER}.networks_scene_translator:SceneGenerator",
        f"{_FOLDER}.networks_skip_resnet:TwoWayGenerator",
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
