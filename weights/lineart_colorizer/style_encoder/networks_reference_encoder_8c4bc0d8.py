# One file that stands alone, written by the exporter of the Danqing project from its modules.
"""The default's style encoder: what colours a reference has, and what wears them. It ships, and needs no download."""

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn


# --- pipelines.efficientnet_lite ---
# EfficientNet-Lite0, the pretrained encoder that the default models share: features of a picture at five strides.
#
# This module needs torch only and goes into Hub files.

class DepthwiseConv(nn.Conv2d):
    """One filter a channel, in the weights' own precision even under autocast.

    On CPUs the bfloat16 gradient of a depthwise convolution takes two to seven times as long as the float32 one,
    and these layers hold a tenth of the network's multiplications and were half of a training step.
    """

    def __init__(self, channels: int, kernel: int, stride: int):
        super().__init__(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu":
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.to(self.weight.dtype))


class ConvNormAct(nn.Sequential):
    """Convolution, batch norm, ReLU6; the names of its parts are those of the published ImageNet weights."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, depthwise: bool = False):
        super().__init__(
            DepthwiseConv(in_channels, kernel, stride)
            if depthwise
            else nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(out_channels, eps=1e-3, momentum=0.01),
            nn.ReLU6(inplace=True),
        )


class InvertedResidual(nn.Module):
    """Expand 1x1, depthwise kxk, project 1x1 (MobileNetV2, Sandler et al., 2018); the sum where shapes allow it."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        hidden = in_channels * expansion
        self.expand = ConvNormAct(in_channels, hidden, 1) if expansion > 1 else nn.Identity()
        self.depthwise = ConvNormAct(hidden, hidden, kernel, stride, depthwise=True)
        self.project = nn.Conv2d(hidden, out_channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels, eps=1e-3, momentum=0.01)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.project(self.depthwise(self.expand(x))))
        return x + y if self.residual else y


class EfficientNetLite0(nn.Module):
    """The convolutional part of EfficientNet-Lite0 without its head (Tan and Le, 2019, https://arxiv.org/abs/1905.11946).

    Lite0 has neither squeeze-excitation nor swish, so it is quick on a CPU. `width` and `depth` below 1 make the
    small copies that tests use; the published weights fit 1 and 1 only.
    """

    # expansion, channels, blocks, stride, kernel
    STAGES = (
        (1, 16, 1, 1, 3),
        (6, 24, 2, 2, 3),
        (6, 40, 2, 2, 5),
        (6, 80, 3, 2, 3),
        (6, 112, 3, 1, 5),
        (6, 192, 4, 2, 5),
        (6, 320, 1, 1, 3),
    )

    def __init__(self, width: float = 1.0, depth: float = 1.0):
        super().__init__()
        scaled = [max(8, int(stage[1] * width)) for stage in self.STAGES]
        channels = max(8, int(32 * width))
        self.stem = ConvNormAct(3, channels, 3, 2)
        self.stages = nn.ModuleList()
        for (expansion, _, blocks, stride, kernel), out_channels in zip(self.STAGES, scaled, strict=True):
            stage = nn.Sequential()
            for i in range(max(1, int(blocks * depth))):
                block = InvertedResidual(channels, out_channels, kernel, stride if i == 0 else 1, expansion)
                stage.append(block)
                channels = out_channels
            self.stages.append(stage)
        # Channels of the maps at strides 2, 4, 8, 16 and 32.
        self.out_channels = (scaled[0], scaled[1], scaled[2], scaled[4], scaled[6])

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, 3, H, W), ImageNet pictures as (value - 127) / 128 -> maps at strides 2, 4, 8, 16, 32."""
        maps, x = [], self.stem(x)
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i in (0, 1, 2, 4, 6):
                maps.append(x)
        return maps


STRIDE = 8  # side of the patch that a token stands for, in pixels


class ReferenceEncoder(ModelMixin, ConfigMixin):
    """Describe a reference by a vector and by one token a patch, each with the patch's own colour.

    The tokens say where a colour may belong (skin, hair, sky) without saying where it lies: a generator looks them up
    by likeness. The vector holds the palette as a whole: the picture's colours sorted by brightness, and means of the
    deepest features.

    Args:
        kind: "danqing-small"; it is no VGG-19 and does not pretend to be.
        width, depth: scale of the EfficientNet-Lite0; 1 and 1 fit the published weights.
        key: length of a token.
        style: length of the vector.
    """

    multiple = 32

    @register_to_config
    def __init__(
        self,
        kind: str = "danqing-small",
        width: float = 1.0,
        depth: float = 1.0,
        key: int = 64,
        style: int = 128,
    ):
        super().__init__()
        self.encoder = EfficientNetLite0(width, depth)
        _, _, c8, c16, c32 = self.encoder.out_channels
        self.key8, self.key16, self.key32 = (nn.Conv2d(count, key, 1) for count in (c8, c16, c32))
        self.summary = nn.Linear(c32, style)
        self.palette = nn.Sequential(nn.Linear(3 * PALETTE, style), nn.LeakyReLU(0.2), nn.Linear(style, style))

    def train(self, mode: bool = True) -> "ReferenceEncoder":
        """The encoder keeps its ImageNet statistics in training."""
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(self, reference: Tensor) -> dict[str, Tensor]:
        """Describe references.

        Args:
            reference: (B, 3, H, W) in [-1, 1], sides multiples of 32.

        Returns:
            "vector" (B, style), "tokens" (B, N, key) and "colours" (B, N, 3) in [-1, 1], N = H W / 64.
        """
        _, _, m8, m16, m32 = self.encoder((reference * 127.5 + 0.5) / 128)
        keys = self.key8(m8)
        for deeper, key in ((m16, self.key16), (m32, self.key32)):
            keys = keys + F.interpolate(key(deeper), size=keys.shape[2:], mode="bilinear", align_corners=False)
        colours = patch_colours(reference)
        vector = self.summary(m32.mean((2, 3))) + self.palette(sorted_palette(colours).flatten(1).to(m32.dtype))
        return {
            "vector": vector,
            "tokens": keys.flatten(2).transpose(1, 2),
            "colours": colours.flatten(2).transpose(1, 2),
        }


PALETTE = 16  # colours of the sorted palette


def patch_colours(reference: Tensor) -> Tensor:
    """The colour of each patch of 8x8 px, lines left out: the mean of its brighter half; (B, 3, H, W) -> 1/8 the size.

    Black lines would pull a plain mean of a patch towards grey, the wearer's outline into its colour.
    """
    patches = F.pixel_unshuffle(reference.float(), STRIDE).unflatten(1, (3, STRIDE**2))
    light = patches.mean(1, keepdim=True)
    brighter = (light >= light.median(2, keepdim=True).values).to(patches.dtype)
    return (patches * brighter).sum(2) / brighter.sum(2)


def sorted_palette(colours: Tensor, count: int = PALETTE) -> Tensor:
    """A picture's colours in the order of their brightness, in `count` groups of one size.

    Args:
        colours: (B, 3, h, w), at least `count` places; fewer are repeated.

    Returns:
        (B, 3, count): the mean of each group, darkest first. It does not depend on where a colour lies.
    """
    flat = colours.flatten(2)
    order = flat.mean(1).argsort(1)[:, None].expand_as(flat)
    return F.adaptive_avg_pool1d(flat.gather(2, order), count)
