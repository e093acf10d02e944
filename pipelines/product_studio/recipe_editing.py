"""The presets of the editing half, and which recipe each configuration takes."""

from typing import Any

from pipelines.product_studio.recipe_enhancer import EnhanceConfig, EnhancerRecipe
from pipelines.product_studio.recipe_style import StyleConfig, StyleRecipe
from train.recipe import TrainConfig

_TINY: dict[str, Any] = {
    "precision": "no",
    "channels_last": False,
    "steps": 4,
    "batch_size": 2,
    "save_every": 2,
    "validate_every": 4,
    "limit": 4,
}

PRESETS_EDITING: dict[str, tuple[str, TrainConfig]] = {
    "enhance-denoise": ("noise and JPEG blocks taken away", EnhanceConfig(kind="denoise")),
    "enhance-deblur": ("blur by focus or motion taken away", EnhanceConfig(kind="deblur")),
    "enhance-tone": ("contrast and white balance", EnhanceConfig(kind="tone", size=96, width=24, precision="no")),
    "enhance-upscale": ("twice the size", EnhanceConfig(kind="upscale", size=96, batch_size=8)),
    "enhance-cutout": ("the product's mask", EnhanceConfig(kind="cutout", size=128, width=24, batch_size=8)),
    "style": ("style transfer, any style picture", StyleConfig()),
    "edit-tiny": ("a rehearsal of an enhancer, seconds", EnhanceConfig(size=32, width=8, blocks=1, **_TINY)),
    "style-tiny": (
        "a rehearsal of style transfer, seconds",
        StyleConfig(size=32, width=24, encoder_width=8, seeds=1, **_TINY),
    ),
}


def build_editing_recipe(config: TrainConfig) -> Any:
    """The recipe of a configuration in `PRESETS_EDITING`.

    Raises:
        TypeError: for a configuration of another kind.
    """
    if isinstance(config, EnhanceConfig):
        return EnhancerRecipe(config)
    if isinstance(config, StyleConfig):
        return StyleRecipe(config)
    raise TypeError(f"No editing recipe takes a {type(config).__name__}.")
