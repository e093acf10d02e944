# One file that stands alone, written by the exporter of the Danqing project from its modules.
"""The default scene generator: one network for all targets, on features that know what a scene is made of.

It does not paint a picture anew. At every pixel it gives an affine map of colours, and applies it to the input:
structure stays by construction, and the network's work is to know what is sky, grass or rock, and how each looks
in the weather and season asked for.
"""

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


# --- pipelines.styled_block ---
# A decoder's step whose instance norm is given a style back. This module needs torch only and goes into Hub files.

class StyledBlock(nn.Module):
    """Double the size of the deeper map by resizing, join the shallower one, mix, and style by scale and shift.

    Resizing before a convolution, not transposed convolution: no checkerboards (Odena et al., 2016,
    https://doi.org/10.23915/distill.00003). The style replaces the statistics that instance norm takes away
    (AdaIN, Huang and Belongie, 2017, https://arxiv.org/abs/1703.06868).
    """

    def __init__(self, deep: int, shallow: int, out_channels: int, style: int):
        super().__init__()
        self.conv1 = nn.Conv2d(deep + shallow, out_channels, 3, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.style1, self.style2 = nn.Linear(style, 2 * out_channels), nn.Linear(style, 2 * out_channels)

    def forward(self, deep: Tensor, shallow: Tensor, style: Tensor) -> Tensor:
        """(B, deep, h, w), (B, shallow, H, W) and (B, style) -> (B, out_channels, H, W)."""
        deep = F.interpolate(deep, size=shallow.shape[2:], mode="bilinear", align_corners=False)
        x = styled(self.conv1(torch.cat([deep, shallow], dim=1)), self.style1(style))
        return styled(self.conv2(x), self.style2(style))


def styled(x: Tensor, style: Tensor) -> Tensor:
    """Instance norm, then scale 1 + s and shift t; (B, C, h, w) and (B, 2 C) -> leaky ReLU of (B, C, h, w)."""
    scale, shift = style.to(x.dtype)[:, :, None, None].chunk(2, dim=1)
    return F.leaky_relu(F.instance_norm(x) * (1 + scale) + shift, 0.2)


TARGETS = ("summer", "winter", "cloudy", "sunny")
DIRECTIONS = (("summer", "winter"), ("winter", "summer"), ("cloudy", "sunny"), ("sunny", "cloudy"))


class SceneGenerator(ModelMixin, ConfigMixin):
    """Translate scenes to a target: pretrained encoder, styled decoder, an affine map of colours a pixel.

    The style comes from the target, from the source where it is told, and from what the whole picture shows.

    Args:
        targets: names of the targets, in the order of the embedding.
        encoder_width, encoder_depth: scale of the EfficientNet-Lite0; 1 and 1 fit the published weights.
        decoder: channels at strides 16, 8, 4 and 2 and at full size.
        style: length of the style vector.
        view_area: pixels of the largest view that the pipeline runs this network on.
    """

    multiple = 32
    directions = DIRECTIONS

    @register_to_config
    def __init__(
        self,
        targets: tuple[str, ...] = TARGETS,
        encoder_width: float = 1.0,
        encoder_depth: float = 1.0,
        decoder: tuple[int, ...] = (128, 96, 64, 40, 24),
        style: int = 64,
        view_area: int = 384 * 384,
    ):
        super().__init__()
        self.encoder = EfficientNetLite0(encoder_width, encoder_depth)
        c2, c4, c8, c16, c32 = self.encoder.out_channels
        d16, d8, d4, d2, d1 = decoder
        self.target = nn.Embedding(len(targets), style)
        self.source = nn.Embedding(len(targets) + 1, style)  # the last row: not told
        self.summary = nn.Linear(c32, style)
        self.mapping = nn.Sequential(nn.Linear(style, style), nn.LeakyReLU(0.2), nn.Linear(style, style))
        self.neck = nn.Conv2d(c32, d16, 1)
        self.up16 = StyledBlock(d16, c16, d16, style)
        self.up8 = StyledBlock(d16, c8, d8, style)
        self.up4 = StyledBlock(d8, c4, d4, style)
        self.up2 = StyledBlock(d4, c2, d2, style)
        self.shrink = nn.Conv2d(d2, d1, 1)
        self.mix = nn.Conv2d(d1 + 3, d1, 3, padding=1)
        self.to_map = nn.Conv2d(d1, 12, 1)
        self.overall = nn.Linear(style, 12)
        # It starts near the identity. At zero, where opposite targets pull the same weights, it would stay there long.
        nn.init.normal_(self.to_map.weight, std=0.02)
        nn.init.normal_(self.overall.weight, std=0.01)
        for bias in (self.to_map.bias, self.overall.bias):
            assert bias is not None
            nn.init.zeros_(bias)

    def train(self, mode: bool = True) -> "SceneGenerator":
        """The encoder keeps its ImageNet statistics in training: a batch mixes seasons and translated pictures."""
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(self, image: Tensor, target: Tensor, source: Tensor | None = None) -> Tensor:
        """Translate pictures.

        Args:
            image: (B, 3, H, W) in [-1, 1], sides multiples of 32.
            target: (B,) indices into `targets`.
            source: (B,) indices into `targets`, -1 where the picture's own kind is not told; None tells none.

        Returns:
            (B, 3, H, W), not clipped: it may leave [-1, 1] a little.

        Raises:
            ValueError: if a side is no multiple of 32.
        """
        height, width = image.shape[2:]
        if height % self.multiple or width % self.multiple or not height * width:
            raise ValueError(f"Sides must be multiples of {self.multiple}, got {width}x{height}.")
        m2, m4, m8, m16, m32 = self.encoder((image * 127.5 + 0.5) / 128)
        style = self._style(m32, target, source)
        x = self.up16(self.neck(m32), m16, style)
        x = self.up2(self.up4(self.up8(x, m8, style), m4, style), m2, style)
        x = F.interpolate(self.shrink(x), size=(height, width), mode="bilinear", align_corners=False)
        x = F.leaky_relu(self.mix(torch.cat([x, image.to(x.dtype)], dim=1)), 0.2)
        maps = self.to_map(x) + self.overall(style)[:, :, None, None]
        return colour_mapped(image, maps.to(image.dtype))

    def _style(self, deepest: Tensor, target: Tensor, source: Tensor | None) -> Tensor:
        unknown = self.source.num_embeddings - 1
        source = torch.full_like(target, unknown) if source is None else source.where(source >= 0, unknown)
        told = self.target(target) + self.source(source)
        return self.mapping(F.leaky_relu(told + self.summary(deepest.mean((2, 3))), 0.2))


def colour_mapped(image: Tensor, maps: Tensor) -> Tensor:
    """Apply an affine map of colours at each pixel: y = x + M x + b.

    Args:
        image: (B, 3, H, W).
        maps: (B, 12, H, W): for each output channel three weights and an offset.

    Returns:
        (B, 3, H, W).
    """
    maps = maps.unflatten(1, (3, 4))
    return image + (maps[:, :, :3] * image[:, None]).sum(2) + maps[:, :, 3]
