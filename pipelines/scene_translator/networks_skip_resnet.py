"""The paper's networks: a residual generator with skip connections, and a fully convolutional discriminator.

Sources: the paper, sections 3.1 and 3.2, figures 2 to 4; weights are drawn as in CycleGAN, Zhu et al., 2017,
https://arxiv.org/abs/1703.10593. Borders are zero, instance norm has no parameters, and convolutions before it have no
biases, which it would take away.
"""

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

SLOPE = 0.2  # of leaky ReLUs


class InstanceNorm(nn.InstanceNorm2d):
    """Instance norm of any size: a map of one place is its own mean, so it becomes 0, where torch refuses it."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if x.shape[2] * x.shape[3] > 1 else torch.zeros_like(x)


class PlainResidualBlock(nn.Module):
    """x + F(x), F two 3x3 convolutions with instance norm, ReLU between them (figure 2)."""

    def __init__(self, channels: int):
        super().__init__()

        def conv() -> list[nn.Module]:
            return [nn.Conv2d(channels, channels, 3, padding=1, bias=False), InstanceNorm(channels)]

        self.branch = nn.Sequential(*conv(), nn.ReLU(), *conv())

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


def down(in_channels: int, out_channels: int) -> nn.Sequential:
    """Half the size: 5x5 convolution of stride 2, instance norm, leaky ReLU."""
    conv = nn.Conv2d(in_channels, out_channels, 5, stride=2, padding=2, bias=False)
    return nn.Sequential(conv, InstanceNorm(out_channels), nn.LeakyReLU(SLOPE))


def up(in_channels: int, out_channels: int) -> nn.Sequential:
    """Twice the size: 5x5 transposed convolution of stride 2, instance norm, leaky ReLU."""
    conv = nn.ConvTranspose2d(in_channels, out_channels, 5, stride=2, padding=2, output_padding=1, bias=False)
    return nn.Sequential(conv, InstanceNorm(out_channels), nn.LeakyReLU(SLOPE))


class SkipResNetGenerator(nn.Module):
    """One direction's generator (figure 4): 64@128, 128@64, 256@32, nine residual blocks, and back.

    The text goes up to the picture's own size, and ends with a layer of three channels that keeps the size: three
    transposed convolutions of stride 2 and one of stride 1. After the first and the second, the map of the same size
    from the way down is joined on; at full size there is none. 13.084 M parameters: 1.029 M down, 10.617 M in the
    blocks, 1.434 M up and 0.005 M in the last layer. Instance norm sees the whole picture: tiles would not fit.

    Args:
        width: channels of the first map down and of the last one up.
        blocks: residual blocks.
        skips: whether the maps are joined; without, the way up sees only what came through the blocks.
    """

    multiple = 8  # of a picture's sides, for three halvings

    def __init__(self, width: int = 64, blocks: int = 9, skips: bool = True):
        super().__init__()
        self.skips = skips
        joined = 2 if skips else 1
        self.down1, self.down2, self.down3 = down(3, width), down(width, 2 * width), down(2 * width, 4 * width)
        self.blocks = nn.Sequential(*(PlainResidualBlock(4 * width) for _ in range(blocks)))
        self.up1, self.up2 = up(4 * width, 2 * width), up(joined * 2 * width, width)
        self.up3 = up(joined * width, width)
        self.leave = nn.ConvTranspose2d(width, 3, 5, padding=2)
        initialise(self)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1], H and W multiples of 8 -> (B, 3, H, W) in [-1, 1]; ValueError for other sides."""
        height, width = image.shape[2:]
        if height % self.multiple or width % self.multiple or not height * width:
            raise ValueError(f"Sides must be multiples of {self.multiple}, got {width}x{height}.")
        half = self.down1(image)
        quarter = self.down2(half)
        x = self.up1(self.blocks(self.down3(quarter)))
        x = self.up2(self._joined(x, quarter))
        x = self.up3(self._joined(x, half))
        return self.leave(x).tanh()

    def _joined(self, x: Tensor, left: Tensor) -> Tensor:
        return torch.cat([x, left], dim=1) if self.skips else x


class TwoWayGenerator(ModelMixin, ConfigMixin):
    """Both directions between two targets, one `SkipResNetGenerator` each: what the paper's recipes train.

    Args:
        targets: the two, X and Y.
        width, blocks, skips: see `SkipResNetGenerator`.
        view_area: pixels of the largest view that the pipeline runs this network on.

    Raises:
        ValueError: unless there are two different targets.
    """

    multiple = SkipResNetGenerator.multiple

    @register_to_config
    def __init__(
        self,
        targets: tuple[str, ...] = ("summer", "winter"),
        width: int = 64,
        blocks: int = 9,
        skips: bool = True,
        view_area: int = 384 * 384,
    ):
        super().__init__()
        if len(set(targets)) != 2 or len(targets) != 2:
            raise ValueError(f"targets must be two different names, got {', '.join(targets)}.")
        self.to_first = SkipResNetGenerator(width, blocks, skips)
        self.to_second = SkipResNetGenerator(width, blocks, skips)

    @property
    def directions(self) -> tuple[tuple[str, str], ...]:
        """(source, target) of both."""
        first, second = self.config.targets
        return (first, second), (second, first)

    def forward(self, image: Tensor, target: Tensor, source: Tensor | None = None) -> Tensor:
        """Translate pictures, each to its own target.

        Args:
            image: (B, 3, H, W) in [-1, 1], sides multiples of 8.
            target: (B,) indices into `targets`.
            source: taken for its place in the contract; the target says it all.

        Returns:
            (B, 3, H, W) in [-1, 1].

        Raises:
            ValueError: if a side is no multiple of 8, or a target is neither 0 nor 1.
        """
        output = torch.empty_like(image)
        if not ((target == 0) | (target == 1)).all():
            raise ValueError(f"There are targets 0 and 1, got {target.tolist()}.")
        for index, generator in enumerate((self.to_first, self.to_second)):
            chosen = target == index
            if chosen.any():
                output[chosen] = generator(image[chosen]).to(output.dtype)
        return output


class SceneDiscriminator(nn.Module):
    """Four 3x3 convolutions of stride 2, doubling the channels, and a 1x1 one: a 16x16 map of 256x256 px (figure 3).

    Instance norm and leaky ReLU in all but the first and the last, as the text has it. The score of a picture is the
    mean of its map. 1.551 M parameters.

    Args:
        in_channels: 3; 6 for a pair of pictures.
        width: channels of the first layer.
    """

    def __init__(self, in_channels: int = 3, width: int = 64):
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(in_channels, width, 3, stride=2, padding=1)]
        for channels in (width, 2 * width, 4 * width):
            conv = nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1, bias=False)
            layers += [conv, InstanceNorm(2 * channels), nn.LeakyReLU(SLOPE)]
        self.stack = nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 1))
        initialise(self)

    def forward(self, image: Tensor) -> Tensor:
        """(B, in_channels, H, W) in [-1, 1] -> (B, 1, H / 16, W / 16), rounded up: logits, higher = more real."""
        return self.stack(image)


def initialise(network: nn.Module) -> None:
    """Draw the weights of convolutions from normal(0, 0.02), biases zero."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
