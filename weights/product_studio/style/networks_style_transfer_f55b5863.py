# One file that stands alone, written by the exporter of the Danqing project from its modules.
"""Style transfer in one pass: the picture's features take over the style picture's statistics.

Sources: [1] AdaIN, Huang and Belongie, 2017, https://arxiv.org/abs/1703.06868; [2] VGG-16, Simonyan and Zisserman,
2015, https://arxiv.org/abs/1409.1556; [3] conditional instance norm for any style, Ghiasi et al., 2017,
https://arxiv.org/abs/1705.06830.
"""

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn


_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pictures in [0, 1]
_BLOCKS = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))  # VGG-16's convolutions, as torchvision numbers
_FACTORS = (1, 2, 4, 8, 8)  # channels of its blocks
_OCTAVES = (1, 2, 4, 8)  # px of the grain's spots
_FLAT = 0.08  # deviation in a window, of a range of 2, at which grain has half its variance


class VggTaps(nn.Module):
    """VGG-16 [2] up to the first convolution of a block; key names are torchvision's, whose published weights fit.

    Args:
        width: channels of the first convolution; 64 fits the published weights.
        depth: number of blocks, 1 to 5.
    """

    def __init__(self, width: int = 64, depth: int = 3):
        super().__init__()
        self.channels = tuple(width * factor for factor in _FACTORS[:depth])
        self.blocks = (*_BLOCKS[: depth - 1], _BLOCKS[depth - 1][:1])
        self.features, before = nn.ModuleDict(), 3
        for block, channels in zip(self.blocks, self.channels, strict=True):
            for position in block:
                self.features[str(position)] = nn.Conv2d(before, channels, 3, padding=1)
                before = channels
        self.requires_grad_(False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(B, 3, H, W) in [-1, 1] -> relu1_1, relu2_1, ... at strides 1, 2, ...; H, W multiples of the last stride."""
        mean, std = (image.new_tensor(values).view(1, 3, 1, 1) for values in (_MEAN, _STD))
        x, taps = ((image + 1) / 2 - mean) / std, []
        for block in self.blocks:
            x = F.max_pool2d(x, 2) if taps else x
            for position in block:
                x = F.relu(self.features[str(position)](x))
                if position == block[0]:
                    taps.append(x)
        return taps


class StyleNetwork(ModelMixin, ConfigMixin):
    """Give a picture the style of another: frozen VGG-16 taps, AdaIN at each, and a small trained decoder.

    A style is a code: mean and deviation of each channel at three depths. Because the statistics are exchanged as they
    are, no style needs to have been seen in training [1]. Named styles are codes that the network carries.

    Args:
        width: channels of the decoder at stride 4; halved at each doubling.
        styles: names of the styles whose codes are carried.
        encoder_width: channels of the encoder's first convolution; 64 fits the published weights.
        view_area: pixels of the largest view that is styled; larger pictures take the change over from it.
        grain: deviation of the noise laid over flat places before they are styled, see `grained`.
        style_area: pixels of the largest style picture that a code is taken of; larger ones are shrunk, for the same
            texture in fewer pixels is another texture.
    """

    multiple = 4

    @register_to_config
    def __init__(
        self,
        width: int = 96,
        styles: tuple[str, ...] = (),
        encoder_width: int = 64,
        view_area: int = 512 * 512,
        grain: float = 0.0,
        style_area: int = 256 * 256,
    ):
        super().__init__()
        self.encoder = VggTaps(encoder_width)
        first, second, third = self.encoder.channels
        self.code_length = 2 * (first + second + third)
        self.register_buffer("codes", torch.zeros(len(styles), self.code_length))
        half, quarter = width // 2, width // 4
        self.deep = nn.ModuleList([same(third, width), same(width, width)])
        self.join2 = nn.Conv2d(second, width // 3, 1)
        self.middle = nn.ModuleList([same(width + width // 3, half), same(half, half)])
        self.join1 = nn.Conv2d(first, width // 6, 1)
        self.shallow = nn.ModuleList([same(half + width // 6, quarter), same(quarter, quarter)])
        self.last = same(quarter, 3)

    def train(self, mode: bool = True) -> "StyleNetwork":
        super().train(mode)
        self.encoder.eval()
        return self

    def code(self, style: Tensor) -> Tensor:
        """Style pictures (B, 3, H, W) in [-1, 1], sides multiples of 4 -> codes (B, code_length), float32."""
        height, width = style.shape[2:]
        factor = (self.config["style_area"] / (height * width)) ** 0.5
        if factor < 1:
            sides = [max(1, round(factor * side / self.multiple)) * self.multiple for side in (height, width)]
            style = F.interpolate(style, sides, mode="bilinear", align_corners=False, antialias=True)
        return torch.cat([torch.cat(moments(tap), 1).flatten(1) for tap in self.encoder(style)], dim=1)

    def named_code(self, name: str) -> Tensor:
        """The carried code of a named style, (1, code_length); ValueError for a name that there is not."""
        names = list(self.config["styles"])
        if name not in names:
            raise ValueError(f"style must be a picture or one of {', '.join(names) or 'no names'}, got {name!r}.")
        return self.codes[names.index(name)][None].float()

    def forward(
        self, image: Tensor, code: Tensor, weight: Tensor | None = None, taps: list[Tensor] | None = None
    ) -> Tensor:
        """Style pictures.

        Args:
            image: (B, 3, H, W) in [-1, 1], sides multiples of 4.
            code: (B, code_length) of the styles.
            weight: (B, 1, H, W) in [0, 1]: how much each pixel counts in the picture's own statistics; None: all alike.
            taps: what the encoder says of `image` with its grain, where it was asked already.

        Returns:
            (B, 3, H, W), hardly beyond [-1, 1].
        """
        if taps is None:
            taps = self.encoder(grained(image, self.config["grain"], torch.Generator().manual_seed(0)))
        first, second, third = self.restyled(taps, code, weight)
        x = third
        for conv in self.deep:
            x = F.relu(conv(x))
        x = torch.cat([F.interpolate(x, scale_factor=2, mode="nearest"), self.join2(second)], dim=1)
        for conv in self.middle:
            x = F.relu(conv(x))
        x = torch.cat([F.interpolate(x, scale_factor=2, mode="nearest"), self.join1(first)], dim=1)
        for conv in self.shallow:
            x = F.relu(conv(x))
        return self.last(x)

    def restyled(self, taps: list[Tensor], code: Tensor, weight: Tensor | None = None) -> list[Tensor]:
        """Bring each tap's mean and deviation to the code's [1, equation 8]."""
        sizes = [2 * channels for channels in self.encoder.channels]
        parts = zip(taps, code.split(sizes, dim=1), strict=True)
        return [renormed(tap, *part[:, :, None, None].chunk(2, dim=1), weight) for tap, part in parts]


def same(in_channels: int, out_channels: int) -> nn.Conv2d:
    """A 3x3 convolution that mirrors the picture at its border, where zeros would show as a frame."""
    return nn.Conv2d(in_channels, out_channels, 3, padding=1, padding_mode="reflect")


def grained(image: Tensor, amount: float, rng: torch.Generator | None = None) -> Tensor:
    """Lay noise over the flat places of pictures.

    A plain background has no variation that an exchange of statistics could make into texture: without grain all that
    the style asks for gathers at the outlines, and what JPEG left around them is blown up.

    Args:
        image: (B, 3, H, W) in [-1, 1].
        amount: deviation of the noise where nothing varies; 0 gives the pictures back.
        rng: of the CPU; None: torch's global one.
    """
    if amount == 0:
        return image
    height, width = image.shape[2:]
    noise = torch.zeros(len(image), 3, height, width)
    for size in _OCTAVES:
        spots = torch.randn(len(image), 3, -(-height // size), -(-width // size), generator=rng)
        noise += F.interpolate(spots, scale_factor=size, mode="nearest")[..., :height, :width]
    noise = noise.to(image) / len(_OCTAVES) ** 0.5
    grey = image.float().mean(1, keepdim=True)
    mean, square = (F.avg_pool2d(x, 5, 1, 2, count_include_pad=False) for x in (grey, grey.square()))
    flat = 1 / (1 + (square - mean.square()).clamp_min(0) / _FLAT**2)
    return image + amount * flat.sqrt().to(image) * noise


def moments(tap: Tensor, weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel over the picture, (B, C, 1, 1) float32 each; 1e-5 added to the variance.

    Args:
        tap: (B, C, h, w).
        weight: (B, 1, H, W) in [0, 1], brought to the tap's size; where it is 0 throughout, all pixels count alike.
    """
    tap = tap.float()
    if weight is None:
        variance, mean = torch.var_mean(tap, (2, 3), correction=0, keepdim=True)
        return mean, (variance + 1e-5).sqrt()
    shares = F.adaptive_avg_pool2d(weight.float(), (tap.shape[2], tap.shape[3])) + 1e-4
    shares = shares / shares.sum((2, 3), keepdim=True)
    mean = (tap * shares).sum((2, 3), keepdim=True)
    variance = ((tap - mean).square() * shares).sum((2, 3), keepdim=True)
    return mean, (variance + 1e-5).sqrt()


def renormed(tap: Tensor, mean: Tensor, deviation: Tensor, weight: Tensor | None = None) -> Tensor:
    """AdaIN [1]: (B, C, h, w) with the mean and deviation (B, C, 1, 1) given, in the tap's precision."""
    own_mean, own_deviation = moments(tap, weight)
    # Channels that hardly vary in the picture must not become a storm of their rounding errors.
    gain = deviation / own_deviation.clamp_min(0.05)
    return ((tap.float() - own_mean) * gain + mean).to(tap.dtype)
