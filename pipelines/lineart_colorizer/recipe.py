"""How the line art colorizer is trained: presets, and which recipe each one takes."""

from pipelines.lineart_colorizer.recipe_base import BaseConfig, BaseRecipe
from pipelines.lineart_colorizer.recipe_paper import PAPER_PRESETS, PaperConfig, PaperRecipe

PRESETS = {
    "base": ("the bundled model; under an hour on two CPU cores", BaseConfig()),
    "tiny": ("the bundled model in miniature: seconds, for tests", BaseConfig.miniature()),
    **PAPER_PRESETS,
}


def build_recipe(config: BaseConfig | PaperConfig) -> BaseRecipe | PaperRecipe:
    """The recipe that a preset's configuration belongs to."""
    return PaperRecipe(config) if isinstance(config, PaperConfig) else BaseRecipe(config)
