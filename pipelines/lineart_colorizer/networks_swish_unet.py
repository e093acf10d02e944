"""The paper's generator: a U-Net of gated blocks, told the style at its bottleneck.

Source: the paper, sections 2.1 and 2.2, equations (1) and (2), figures 2, 4 and 5. It names widths and joints, but no
kernels, norms or first weights. Ours: 3x3 convolutions, of stride 2 on the way down, 2x2 transposed ones of stride 2 on
the way up; no norms, since the gates are there to keep amplitudes in bounds; first weights as in He et al., 2015,
https://arxiv.org/abs/1502.01852.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

SLOPE = 0.2  # of leaky ReLUs
LEVELS = (1, 2, 4, 8, 16)  # channels at strides 1 to 16, in widths
MIDDLE = 64  # channels of the bottleneck, in widths

Style = dict[str, Tensor]


class SwishMod(nn.Module):
    """S(x) = x * sigmoid(G(x)), G a convolution that keeps the shape (1): a shortcut that weighs what it passes on."""

    def __init__(self, channels: int):
        super().__init__()
        self.gate = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(x).sigmoid()


class EnhancedResidualBlock(nn.Module):
    """T(x) and S(x) beside each other (2), T two convolutions with leaky ReLU: twice the channels."""

    def __init__(self, channels: int):
        super().__init__()
        self.residual = nn.Sequential(*conv(channels, channels), *conv(channels, channels))
        self.shortcut = SwishMod(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) -> (B, 2 channels, h, w)."""
        return torch.cat([self.residual(x), self.shortcut(x)], dim=1)


class EncoderStage(nn.Module):
    """One size on the way down: reach it, then an enhanced block, [T, S]."""

    def __init__(self, in_channels: int, channels: int, stride: int):
        super().__init__()
        self.fit = nn.Sequential(*conv(in_channels, channels, stride))
        self.block = EnhancedResidualBlock(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, h, w) -> (B, 2 channels, h / stride, w / stride)."""
        return self.block(self.fit(x))


class DecoderStage(nn.Module):
    """One size on the way up: [T, S, S_left], S_left the encoder's map of the size, let through by a gate."""

    def __init__(self, in_channels: int, channels: int):
        super().__init__()
        self.fit = nn.Sequential(*up(in_channels, channels))
        self.block = EnhancedResidualBlock(channels)
        self.left = SwishMod(2 * channels)

    def forward(self, x: Tensor, left: Tensor) -> Tensor:
        """(B, in_channels, h, w) and (B, 2 channels, 2h, 2w) -> (B, 4 channels, 2h, 2w)."""
        return torch.cat([self.block(self.fit(x)), self.left(left)], dim=1)


class Middle(NamedTuple):
    """What comes out of the generator, and the maps that the guide decoders look at."""

    output: Tensor  # (B, 3, H, W)
    entrance: Tensor  # (B, 64 width, H / 32, W / 32), before the style is added
    exit: Tensor  # (B, 128 width, H / 32, W / 32)


class SwishUNetGenerator(ModelMixin, ConfigMixin):
    """The paper's generator (figures 4 and 5): 32, 64, 128, 256, 512 channels, 2048 at the bottleneck, and back.

    The style vector is brought to the bottleneck's channels by a linear layer and added at every place. 186.3 M
    parameters with VGG-19's vector, 183.9 M with VGG-16's, of which the bottleneck's block has 113.3 M; the two guide
    decoders have 8.2 M more.

    Args:
        width: channels at full size; the paper's is 32.
        style: length of the style vector: 4096 of VGG-19, 2944 of `Vgg16ConvStyle`.
        view_area: pixels of the largest view that the pipeline runs this network on.
    """

    multiple = 32  # of a picture's sides, for five halvings
    takes_hints = False

    @register_to_config
    def __init__(self, width: int = 32, style: int = 4096, view_area: int = 512 * 512):
        super().__init__()
        widths = [count * width for count in LEVELS]
        inputs = [1, *(2 * count for count in widths)]
        self.encoder = nn.ModuleList(
            EncoderStage(inputs[i], widths[i], stride=1 if i == 0 else 2) for i in range(len(LEVELS))
        )
        self.entrance = nn.Sequential(*conv(inputs[-1], MIDDLE * width, 2))
        self.inject = nn.Linear(style, MIDDLE * width)
        self.bottleneck = EnhancedResidualBlock(MIDDLE * width)
        deeper = [2 * MIDDLE * width, *(4 * count for count in widths[:0:-1])]
        self.decoder = nn.ModuleList(
            DecoderStage(below, count) for below, count in zip(deeper, widths[::-1], strict=True)
        )
        self.leave = nn.Conv2d(4 * width, 3, 3, padding=1)
        initialise(self)

    def forward(self, drawing: Tensor, style: Style, hints: Tensor | None = None) -> Tensor:
        """Colour drawings.

        Args:
            drawing: (B, 1, H, W) in [-1, 1], 1 = paper, sides multiples of 32.
            style: "vector" (B, style) of the encoder that it was trained with.
            hints: not looked at: the paper's model takes none.

        Returns:
            (B, 3, H, W) in [-1, 1].

        Raises:
            ValueError: if a side is no multiple of 32, or the vector is of another length.
        """
        return self.paint(drawing, style).output

    def paint(self, drawing: Tensor, style: Style) -> Middle:
        """As `forward`, with the maps at both ends of the bottleneck."""
        height, width = drawing.shape[2:]
        if height % self.multiple or width % self.multiple or not height * width:
            raise ValueError(f"Sides must be multiples of {self.multiple}, got {width}x{height}.")
        vector = style["vector"].to(drawing.dtype)
        if vector.shape[1] != self.inject.in_features:
            wanted = f"This generator takes style vectors of {self.inject.in_features} numbers, got {vector.shape[1]}"
            raise ValueError(f"{wanted}: it was trained with another style encoder.")
        maps, x = [], drawing
        for stage in self.encoder:
            x = stage(x)
            maps.append(x)
        entrance = self.entrance(x)
        exit_ = self.bottleneck(entrance + self.inject(vector)[:, :, None, None])
        x = exit_
        for stage, left in zip(self.decoder, reversed(maps), strict=True):
            x = stage(x, left)
        return Middle(self.leave(x).float().tanh().to(drawing.dtype), entrance, exit_)


def conv(in_channels: int, channels: int, stride: int = 1) -> tuple[nn.Module, ...]:
    """3x3 convolution, leaky ReLU."""
    return nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1), nn.LeakyReLU(SLOPE)


def up(in_channels: int, channels: int) -> tuple[nn.Module, ...]:
    """Twice the size: 2x2 transposed convolution of stride 2, whose windows do not overlap; leaky ReLU."""
    return nn.ConvTranspose2d(in_channels, channels, 2, stride=2), nn.LeakyReLU(SLOPE)


def initialise(network: nn.Module) -> None:
    """Draw weights so that amplitudes last: normal(0, g / sqrt(n)) of n inputs, biases zero.

    g is sqrt(2 / (1 + slope^2)) where a leaky ReLU follows, else 1: gates, linear layers, the last convolution.
    """
    lists = [module for module in network.modules() if isinstance(module, nn.Sequential)]
    leaky = {layer for parts in lists for layer, after in pairwise(parts) if isinstance(after, nn.LeakyReLU)}
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            # A transposed convolution's windows do not overlap: each output has one place's channels as its inputs.
            count = module.weight.shape[0] if isinstance(module, nn.ConvTranspose2d) else module.weight[0].numel()
            gain = (2 / (1 + SLOPE**2)) ** 0.5 if module in leaky else 1.0
            nn.init.normal_(module.weight, 0.0, gain * count**-0.5)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
