"""The networks that make product pictures and judge them."""

from pipelines.generation.encoder import PictureEncoder
from pipelines.generation.generator import PictureGenerator
from pipelines.generation.judge import PictureJudge


class ProductPictureGenerator(PictureGenerator):
    """Noise, a kind of product and a colour -> a picture of it on white."""


class ProductPictureJudge(PictureJudge):
    """The training's discriminator, which the quality gate asks."""


class ProductPictureEncoder(PictureEncoder):
    """A picture, its kind and colour -> the latents that it could have been made from; the bundled studio has none."""
