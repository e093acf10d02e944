"""What the paper's generator is trained with: two guide decoders for its middle, a discriminator of style classes.

Source: the paper, sections 2.2 and 2.3, figure 5. Nothing here is part of a saved pipeline.
"""

from itertools import pairwise
from typing import NamedTuple

from torch import Tensor, nn

from pipelines.lineart_colorizer.networks_swish_unet import (
    MIDDLE,
    SLOPE,
    Style,
    SwishUNetGenerator,
    conv,
    initialise,
    up,
)


class GuideDecoder(nn.Module):
    """A plain decoder that makes a picture of one map of stride 32: 256, 128, 64, 32, 16 channels.

    Args:
        in_channels: of the map.
        out_channels: 1 for the grey target, 3 for the coloured one.
        width: the generator's.
    """

    def __init__(self, in_channels: int, out_channels: int, width: int = 32):
        super().__init__()
        widths = [8 * width, 4 * width, 2 * width, width, max(1, width // 2)]
        layers: list[nn.Module] = []
        for below, channels in pairwise([in_channels, *widths]):
            layers += [*up(below, channels), *conv(channels, channels)]
        self.stack = nn.Sequential(*layers, nn.Conv2d(widths[-1], out_channels, 3, padding=1))
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, h, w) -> (B, out_channels, 32 h, 32 w) in [-1, 1], float32."""
        return self.stack(x).float().tanh()


class Guided(NamedTuple):
    """What training compares with the target; a guide's is None where there are no guides."""

    output: Tensor  # (B, 3, H, W)
    grey: Tensor | None  # (B, 1, H, W) of guide 1, from the bottleneck's entrance
    colour: Tensor | None  # (B, 3, H, W) of guide 2, from its exit


class GuidedGenerator(nn.Module):
    """The generator as it is trained: with the two guide decoders on its bottleneck, or without.

    Args:
        generator: what is kept when training is over.
        guides: whether there are any.
    """

    def __init__(self, generator: SwishUNetGenerator, guides: bool = True):
        super().__init__()
        self.generator = generator
        width = generator.config.width
        middle = MIDDLE * width
        self.guide_grey = GuideDecoder(middle, 1, width) if guides else None
        self.guide_colour = GuideDecoder(2 * middle, 3, width) if guides else None

    def forward(self, drawing: Tensor, style: Style) -> Guided:
        """(B, 1, H, W) and "vector" (B, style) -> what each of the three decoders makes of it, in [-1, 1]."""
        middle = self.generator.paint(drawing, style)
        grey = None if self.guide_grey is None else self.guide_grey(middle.entrance)
        colour = None if self.guide_colour is None else self.guide_colour(middle.exit)
        return Guided(middle.output, grey, colour)


class StyleDiscriminator(nn.Module):
    """Say of a picture which style classes it has: a vector like the style encoder's, and no real/fake unit.

    Ours: five 4x4 convolutions of stride 2 with leaky ReLU, 64, 128, 256, 512, 512 channels, the mean over all places,
    a linear layer. Without norms: instance norm would hide the very tints that it is to judge.

    Args:
        classes: length of the style vector.
        width: channels of the first layer.
    """

    def __init__(self, classes: int = 4096, width: int = 64):
        super().__init__()
        widths, layers = [count * width for count in (1, 2, 4, 8, 8)], []
        for below, channels in pairwise([3, *widths]):
            layers += [nn.Conv2d(below, channels, 4, stride=2, padding=1), nn.LeakyReLU(SLOPE)]
        self.stack = nn.Sequential(*layers)
        self.classes = nn.Linear(widths[-1], classes)
        initialise(self)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1], sides at least 32 -> logits (B, classes); higher = more of the class, real."""
        return self.classes(self.stack(image).mean((2, 3)))
