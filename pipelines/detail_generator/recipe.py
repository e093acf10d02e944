"""How the detail generator is trained: presets, and which recipe each one takes."""

from dataclasses import replace

from pipelines.detail_generator.networks_detail_generator import DetailPictureEncoder, DetailPictureGenerator
from pipelines.detail_generator.pipeline_detail_generator import DetailGenerator
from pipelines.detail_generator.presets_paper import PAPER_PRESETS, PaperConfig
from pipelines.detail_generator.recipe_paper import PaperRecipe
from pipelines.generation.judge import PictureJudge
from pipelines.generation.options import GenerationConfig
from pipelines.generation.recipe import GenerationRecipe

BASE = GenerationConfig(
    steps=6000,
    size=64,
    latents=128,
    categories=("fruit", "packages", "vegetables"),
    mirror=True,
    zoom=0.88,
    warm_up=500,
    pixels=6.0,
    divergence=1e-3,
    spread=1.3,
)
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
PRESETS = {
    "base": ("the bundled model, three categories at 64 px", BASE),
    "vae": (
        "the same without an adversarial loss: what the GAN adds to the VAE",
        replace(BASE, adversarial=0.0, spread=1.0),
    ),
    "tiny": ("the bundled model in miniature: seconds, for tests", TINY),
    **PAPER_PRESETS,
}


def build_recipe(config: GenerationConfig | PaperConfig) -> GenerationRecipe | PaperRecipe:
    """The recipe that a preset's configuration belongs to."""
    if isinstance(config, PaperConfig):
        return PaperRecipe(config)
    return GenerationRecipe(
        config,
        (DetailPictureGenerator, DetailPictureEncoder, PictureJudge),
        lambda generator, encoder, judge: DetailGenerator(generator, encoder),
    )
