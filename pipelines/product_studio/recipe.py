"""How the product studio's networks are trained: presets, and which recipe each one takes."""

from dataclasses import replace
from typing import Any

from pipelines.generation.options import GenerationConfig
from pipelines.generation.recipe import GenerationRecipe
from pipelines.product_studio.asked import CATEGORIES, COLOURS
from pipelines.product_studio.networks_product_studio import (
    ProductPictureEncoder,
    ProductPictureGenerator,
    ProductPictureJudge,
)
from pipelines.product_studio.pipeline_product_studio import ProductStudio
from pipelines.product_studio.presets_paper import PAPER_PRESETS, ProductPaperConfig
from pipelines.product_studio.recipe_editing import PRESETS_EDITING, build_editing_recipe
from pipelines.product_studio.recipe_paper import ProductPaperRecipe
from train.recipe import TrainConfig

BASE = GenerationConfig(
    steps=6000,
    size=128,
    latents=100,
    categories=CATEGORIES,
    colours=COLOURS,
    subset="studio",
    channels=(256, 192, 128, 64, 48, 24),
    warm_up=200,
    blurring_noise=0.06,
    likelihood=6.0,
    pixels=4.0,
    divergence=1e-3,
    spread=1.2,
)
BASE_64 = replace(BASE, size=64, channels=BASE.channels[:-1])
TINY = replace(
    BASE,
    steps=4,
    batch_size=4,
    precision="no",
    channels_last=False,
    save_every=2,
    validate_every=4,
    warm_up=0,
    size=16,
    latents=8,
    channels=(16, 16, 8),
    context=16,
    judge_width=8,
    encoder_width=0.25,
    encoder_depth=0.5,
)
PRESETS: dict[str, tuple[str, TrainConfig]] = {
    "base": ("the bundled generator, six kinds of product in eight colours at 128 px", BASE),
    "base-64": (
        "the same at 64 px, where training of the larger one begins",
        replace(BASE, size=64, channels=BASE.channels[:-1]),
    ),
    "vae": (
        "the same without an adversarial loss: what the GAN adds to the VAE",
        replace(BASE, adversarial=0.0, spread=1.0),
    ),
    "tiny": ("the bundled generator in miniature: seconds, for tests", TINY),
    **PAPER_PRESETS,
    **PRESETS_EDITING,
}


def build_recipe(config: TrainConfig) -> Any:
    """The recipe that a preset's configuration belongs to."""
    if isinstance(config, ProductPaperConfig):
        return ProductPaperRecipe(config)
    if not isinstance(config, GenerationConfig):
        return build_editing_recipe(config)
    return GenerationRecipe(
        config,
        (ProductPictureGenerator, ProductPictureEncoder, ProductPictureJudge),
        lambda generator, encoder, judge: ProductStudio(generator, judge, encoder),
    )
