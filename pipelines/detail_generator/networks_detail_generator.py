"""The default detail generator's networks."""

from pipelines.generation.encoder import PictureEncoder
from pipelines.generation.generator import PictureGenerator


class DetailPictureGenerator(PictureGenerator):
    """Noise and a category -> a picture with its background; decoder of the VAE and generator of the GAN in one."""


class DetailPictureEncoder(PictureEncoder):
    """A picture and its category -> the latents that it could have been made from."""
