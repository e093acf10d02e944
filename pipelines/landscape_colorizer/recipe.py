"""How the colorizer is trained: presets, and which recipe each one takes."""

from pipelines.landscape_colorizer.recipe_pix2pix import Pix2PixConfig, Pix2PixRecipe
from pipelines.landscape_colorizer.recipe_two_net import TwoNetConfig, TwoNetRecipe

_PAPER_CROPS = 8467  # the paper's training crops: its epochs in steps of batch 1
_PAPER = Pix2PixConfig(steps=200 * _PAPER_CROPS, keep_every=5 * _PAPER_CROPS)

PRESETS = {
    "base": ("the bundled two-net model; about an hour on two CPU cores", TwoNetConfig()),
    "tiny": ("the two-net model in miniature: seconds, for tests", TwoNetConfig.miniature()),
    "paper": ("ResNet-9 as published: 200 epochs of 8467 crops, a day on one GPU", _PAPER),
    "paper-unet": ("U-Net-256 as published", Pix2PixConfig.variant(_PAPER, backbone="unet")),
    "paper-tiny": ("the paper's recipe with a narrow ResNet: seconds, for tests", Pix2PixConfig.miniature()),
}


def build_recipe(config: Pix2PixConfig | TwoNetConfig) -> Pix2PixRecipe | TwoNetRecipe:
    """The recipe that a preset's configuration belongs to."""
    return Pix2PixRecipe(config) if isinstance(config, Pix2PixConfig) else TwoNetRecipe(config)
