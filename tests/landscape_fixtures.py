"""A colorizer of few weights that paints colours."""

import torch

from pipelines import LandscapeColorizer
from pipelines.landscape_colorizer.networks_landscape_colorizer import TwoNetGenerator


def coloured_tiny(radius: bool = False) -> LandscapeColorizer:
    torch.manual_seed(1)
    shape = {"encoder_width": 0.25, "encoder_depth": 0.5, "decoder": (16, 8, 8), "features": 4, "refiner_width": 8}
    generator = TwoNetGenerator(**shape, radius=radius).eval()
    torch.nn.init.normal_(generator.refiner.leave.weight, std=0.3)
    torch.nn.init.normal_(generator.palette.to_chroma.weight, std=0.3)
    return LandscapeColorizer(generator)
