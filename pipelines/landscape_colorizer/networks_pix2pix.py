"""The paper's networks: ResNet-9 and U-Net-256 generators, and the 70x70 patch discriminator of pix2pix.

Sources: [1] pix2pix, Isola et al., 2017, https://arxiv.org/abs/1611.07004, appendix 6.1; [2] CycleGAN, Zhu et al.,
2017, https://arxiv.org/abs/1703.10593, appendix 7.2; [3] pre-activation, He et al., 2016,
https://arxiv.org/abs/1603.05027. Names of layers follow them: c7s1-k is a 7x7 convolution, dk a stride 2 one, uk its
transpose. Pictures are (B, 3, H, W) in [-1, 1]; a grey one repeats its channel.

[1] runs its generator in training mode at test time too: dropout stays on, and batch norm takes the test batch's own
statistics. We do not: in `eval()` dropout is off and batch norm takes its running averages, so that a picture's colours
depend neither on chance nor on what else is in the batch.
"""

from functools import partial
from typing import Literal

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

Norm = Literal["instance", "batch", "none"]


def norm_layer(norm: Norm, channels: int) -> nn.Module:
    """The normalisation called `norm`; instance norm is affine-free, as in [1].

    Raises:
        ValueError: for another name.
    """
    layers = {
        "instance": partial(nn.InstanceNorm2d, affine=False),
        "batch": nn.BatchNorm2d,
        "none": lambda _: nn.Identity(),
    }
    if norm not in layers:
        raise ValueError(f"norm must be one of {', '.join(layers)}, got {norm!r}.")
    return layers[norm](channels)


def initialise(network: nn.Module) -> None:
    """Draw convolutions from normal(0, 0.02) and batch norm gains from normal(1, 0.02), biases zero, [1]."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and the sum, with reflected borders.

    Post-activation (default, [2]): conv, norm, ReLU, conv, norm. Pre-activation ([3], what the paper's text describes):
    norm and ReLU before each convolution.
    """

    def __init__(self, channels: int, norm: Norm, dropout: float, preactivation: bool):
        super().__init__()
        bias = norm != "batch"  # batch norm brings its own

        def conv() -> list[nn.Module]:
            return [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3, bias=bias)]

        drop = [nn.Dropout(dropout)] if dropout else []
        if preactivation:
            first = [norm_layer(norm, channels), nn.ReLU(), *conv()]
            steps = [*first, norm_layer(norm, channels), nn.ReLU(), *drop, *conv()]
        else:
            steps = [*conv(), norm_layer(norm, channels), nn.ReLU(), *drop, *conv(), norm_layer(norm, channels)]
        self.branch = nn.Sequential(*steps)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


class ResNetGenerator(ModelMixin, ConfigMixin):
    """c7s1-64, d128, d256, nine residual blocks at 256 channels, u128, u64, c7s1-3, tanh; [2].

    11.378 M parameters with instance norm. Fully convolutional: any size whose sides are multiples
    of 8. Without normalisation its receptive field is 169 px, 165 for pixels that the transposed convolutions reach
    by fewer taps; instance norm makes every pixel see all others.

    Args:
        width: channels of the first layer.
        blocks: residual blocks.
        norm: "instance", "batch" or "none".
        dropout: pix2pix's noise in each block, 0 for none. It acts in training only: results are reproducible.
        preactivation: residual units with the norm and ReLU first, and one more of both after the last sum, [3].
    """

    multiple = 8  # of a picture's sides: 4 for the two halvings, and the reflections need two rows down there

    @register_to_config
    def __init__(
        self,
        width: int = 64,
        blocks: int = 9,
        norm: Norm = "instance",
        dropout: float = 0.0,
        preactivation: bool = False,
    ):
        super().__init__()
        bias = norm != "batch"
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, width, 7, bias=bias)]
        layers += [norm_layer(norm, width), nn.ReLU()]
        for channels in (width, 2 * width):
            down = nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1, bias=bias)
            layers += [down, norm_layer(norm, 2 * channels), nn.ReLU()]
        layers += [ResidualBlock(4 * width, norm, dropout, preactivation) for _ in range(blocks)]
        if preactivation:
            layers += [norm_layer(norm, 4 * width), nn.ReLU()]
        for channels in (4 * width, 2 * width):
            up = nn.ConvTranspose2d(channels, channels // 2, 3, stride=2, padding=1, output_padding=1, bias=bias)
            layers += [up, norm_layer(norm, channels // 2), nn.ReLU()]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh()]
        self.stack = nn.Sequential(*layers)
        initialise(self)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1], H and W multiples of 8 -> (B, 3, H, W) in [-1, 1]."""
        _check_sides(image, self.multiple)
        return self.stack(image)


class UNetLevel(nn.Module):
    """One level of the U-Net: halve the size, let the level below work, double it, join with the input by channels.

    Args:
        outer: channels in, and channels of the way up.
        inner: channels of the way down.
        below: the next level; None at the innermost.
        norm: of both ways; the innermost way down has none, at 1x1 there is nothing to normalise by.
        dropout: on the way up.
    """

    def __init__(self, outer: int, inner: int, below: "UNetLevel | None", norm: Norm, dropout: float):
        super().__init__()
        bias = norm != "batch"
        down: list[nn.Module] = [nn.LeakyReLU(0.2), nn.Conv2d(outer, inner, 4, stride=2, padding=1, bias=bias)]
        joined = inner if below is None else 2 * inner
        up: list[nn.Module] = [nn.ReLU(), nn.ConvTranspose2d(joined, outer, 4, stride=2, padding=1, bias=bias)]
        if below is not None:
            down.append(norm_layer(norm, inner))
        up.append(norm_layer(norm, outer))
        if dropout:
            up.append(nn.Dropout(dropout))
        self.down, self.below, self.up = nn.Sequential(*down), below, nn.Sequential(*up)

    def forward(self, x: Tensor) -> Tensor:
        """(B, outer, h, w) -> (B, 2 outer, h, w): the input beside what came up from below."""
        deep = self.down(x)
        return torch.cat([x, self.up(deep if self.below is None else self.below(deep))], dim=1)


class UNetGenerator(ModelMixin, ConfigMixin):
    """pix2pix's U-Net: eight halvings (256 to 1 px) and a skip connection at every level, tanh; [1].

    54.414 M parameters with batch norm. Sides must be multiples of 2 ** levels. Its innermost path sees over a
    thousand pixels, so it cannot be tiled consistently.

    Args:
        width: channels of the first level; the deeper ones have 2, 4 and from then on 8 times as many.
        levels: halvings, at least 5.
        norm: "batch", "instance" or "none".
        dropout: of the levels with 8 x width channels above the innermost, pix2pix's noise; in training only.

    Raises:
        ValueError: for fewer than 5 levels.
    """

    @register_to_config
    def __init__(self, width: int = 64, levels: int = 8, norm: Norm = "batch", dropout: float = 0.5):
        super().__init__()
        if levels < 5:
            raise ValueError(f"levels must be at least 5, got {levels}.")
        level = UNetLevel(8 * width, 8 * width, None, norm, 0.0)
        for _ in range(levels - 5):
            level = UNetLevel(8 * width, 8 * width, level, norm, dropout)
        for outer in (4, 2, 1):
            level = UNetLevel(outer * width, 2 * outer * width, level, norm, 0.0)
        self.enter = nn.Conv2d(3, width, 4, stride=2, padding=1, bias=norm != "batch")
        self.level = level
        self.leave = nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(2 * width, 3, 4, stride=2, padding=1), nn.Tanh())
        initialise(self)

    @property
    def multiple(self) -> int:
        """What both sides of a picture must be multiples of."""
        return 2**self.config.levels

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1], H and W multiples of `multiple` -> (B, 3, H, W) in [-1, 1]."""
        _check_sides(image, self.multiple)
        return self.leave(self.level(self.enter(image)))


class PatchDiscriminator(ModelMixin, ConfigMixin):
    """Judge 70x70 patches of a pair: C64-C128-C256-C512 and a map of logits, [1]; 2.769 M parameters with batch norm.

    Args:
        in_channels: 6, a grey picture and its colours.
        width: channels of the first layer.
        layers: stride 2 layers; 3 give the field of 70 px.
        norm: "batch", "instance" or "none"; the first layer has none.
    """

    @register_to_config
    def __init__(self, in_channels: int = 6, width: int = 64, layers: int = 3, norm: Norm = "batch"):
        super().__init__()
        steps: list[nn.Module] = [nn.Conv2d(in_channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        channels = width
        for i in range(1, layers + 1):
            wider = width * min(2**i, 8)
            stride = 2 if i < layers else 1
            conv = nn.Conv2d(channels, wider, 4, stride=stride, padding=1, bias=norm != "batch")
            steps += [conv, norm_layer(norm, wider), nn.LeakyReLU(0.2)]
            channels = wider
        self.stack = nn.Sequential(*steps, nn.Conv2d(channels, 1, 4, stride=1, padding=1))
        initialise(self)

    def forward(self, pair: Tensor) -> Tensor:
        """(B, in_channels, H, W) in [-1, 1] -> (B, 1, h, w) logits, higher = more real; h = H / 2 ** layers - 2.

        Raises:
            ValueError: for a side that leaves no logit.
        """
        height, width = pair.shape[-2:]
        if min(height, width) < (smallest := 3 * 2**self.config.layers):
            raise ValueError(f"Sides must be at least {smallest}, got {width}x{height}.")
        return self.stack(pair)


def _check_sides(image: Tensor, multiple: int) -> None:
    height, width = image.shape[-2:]
    if height % multiple or width % multiple or not height * width:
        raise ValueError(f"Sides must be multiples of {multiple}, got {width}x{height}.")
