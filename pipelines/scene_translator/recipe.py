"""How the scene translator is trained: presets, and which recipe each one takes."""

from pipelines.scene_translator.recipe_base import BaseConfig, BaseRecipe
from pipelines.scene_translator.recipe_cycle import CYCLE_PRESETS, CycleConfig, CycleRecipe

PRESETS = {
    "base": ("the bundled model, four targets; about an hour on two CPU cores", BaseConfig()),
    "tiny": ("the bundled model in miniature: seconds, for tests", BaseConfig.miniature()),
    **CYCLE_PRESETS,
}


def build_recipe(config: BaseConfig | CycleConfig) -> BaseRecipe | CycleRecipe:
    """The recipe that a preset's configuration belongs to."""
    return CycleRecipe(config) if isinstance(config, CycleConfig) else BaseRecipe(config)
