# One file that stands alone, written by the exporter of the Danqing project from its modules.
"""The default generator of line art: it reads the drawing, looks colours up in the reference, and paints."""

import math

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


class LineArtGenerator(ModelMixin, ConfigMixin):
    """Colour a drawing: pretrained encoder, colours looked up by attention, a decoder styled by the palette.

    Each place of the drawing asks the reference's tokens for its colour by likeness (as in Lee et al., 2020,
    https://arxiv.org/abs/2005.05207). Hints join at every size, and the place that a hint touches is told so. It
    runs once, on a view of the whole drawing: colours of distant places agree.

    Args:
        encoder_width, encoder_depth: scale of the EfficientNet-Lite0; 1 and 1 fit the published weights.
        decoder: channels at strides 16, 8, 4 and 2 and at full size.
        key: length of the reference's tokens.
        style: length of the reference's vector.
        view_area: pixels of the largest view that the pipeline runs this network on.
    """

    multiple = 32
    takes_hints = True

    @register_to_config
    def __init__(
        self,
        encoder_width: float = 1.0,
        encoder_depth: float = 1.0,
        decoder: tuple[int, ...] = (160, 128, 64, 40, 32),
        key: int = 64,
        style: int = 128,
        view_area: int = 512 * 512,
    ):
        super().__init__()
        self.encoder = EfficientNetLite0(encoder_width, encoder_depth)
        c2, c4, c8, c16, c32 = self.encoder.out_channels
        d16, d8, d4, d2, d1 = decoder
        self.neck = nn.Conv2d(c32, d16, 1)
        self.up16 = StyledBlock(d16, c16 + 4, d16, style)
        self.up8 = StyledBlock(d16, c8 + 4, d8, style)
        self.lookup = ColourLookup(d8, key)
        self.up4 = StyledBlock(d8, c4 + 4 + 3, d4, style)
        self.up2 = StyledBlock(d4, c2 + 4 + 3, d2, style)
        self.shrink = nn.Conv2d(d2, d1, 1)
        self.mix = nn.Conv2d(d1 + 1 + 4 + 3, d1, 3, padding=1)
        self.mix2 = nn.Conv2d(d1, d1, 3, padding=1)
        self.to_colour = nn.Conv2d(d1, 3, 1)

    def train(self, mode: bool = True) -> "LineArtGenerator":
        """The encoder keeps its ImageNet statistics in training."""
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(self, drawing: Tensor, style: dict[str, Tensor], hints: Tensor | None = None) -> Tensor:
        """Colour drawings.

        Args:
            drawing: (B, 1, H, W) in [-1, 1], 1 = paper, sides multiples of 32.
            style: what `ReferenceEncoder` gives: "vector" (B, style), "tokens" (B, N, key), "colours" (B, N, 3);
                "weights" (B, N), optional: logarithms of how much each token counts.
            hints: (B, 4, H, W): colour in [-1, 1] and 1 where it is given, 0 elsewhere; None gives none.

        Returns:
            (B, 3, H, W), not clipped: it may leave [-1, 1] a little.

        Raises:
            ValueError: if a side is no multiple of 32.
        """
        height, width = drawing.shape[2:]
        if height % self.multiple or width % self.multiple or not height * width:
            raise ValueError(f"Sides must be multiples of {self.multiple}, got {width}x{height}.")
        hints = drawing.new_zeros(len(drawing), 4, height, width) if hints is None else hints.to(drawing.dtype)
        m2, m4, m8, m16, m32 = self.encoder((drawing.expand(-1, 3, -1, -1) * 127.5 + 0.5) / 128)
        vector = style["vector"]
        x = self.up16(self.neck(m32), joined(m16, hints), vector)
        x = self.up8(x, joined(m8, hints), vector)
        x, colours = self.lookup(x, style)
        x = self.up4(x, joined(m4, hints, colours), vector)
        x = self.up2(x, joined(m2, hints, colours), vector)
        x = F.interpolate(self.shrink(x), size=(height, width), mode="bilinear", align_corners=False)
        colours = F.interpolate(colours.to(x.dtype), size=(height, width), mode="bilinear", align_corners=False)
        x = F.leaky_relu(self.mix(torch.cat([x, drawing.to(x.dtype), hints.to(x.dtype), colours], dim=1)), 0.2)
        x = F.leaky_relu(self.mix2(x), 0.2)
        return (self.to_colour(x) + colours).to(drawing.dtype)


class ColourLookup(nn.Module):
    """Attention from a drawing's places to a reference's tokens; what is fetched is their colours.

    Args:
        channels: of the drawing's map.
        key: length of the tokens.
    """

    def __init__(self, channels: int, key: int):
        super().__init__()
        self.query = nn.Conv2d(channels, key, 1)
        self.sharpness = nn.Parameter(torch.tensor(math.log(10.0)))
        self.value = nn.Linear(key, channels)

    def forward(self, x: Tensor, style: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """(B, channels, h, w) -> the same with what was found added, and the colours looked up, (B, 3, h, w)."""
        height, width = x.shape[2:]
        queries = F.normalize(self.query(x).flatten(2).transpose(1, 2).float(), dim=2)
        keys = F.normalize(style["tokens"].float(), dim=2)
        with torch.autocast(x.device.type, enabled=False):
            likeness = queries @ keys.transpose(1, 2) * self.sharpness.float().exp()
            if "weights" in style:
                likeness = likeness + style["weights"].float()[:, None]
            shares = likeness.softmax(2)
            colours = (shares @ style["colours"].float()).transpose(1, 2).unflatten(2, (height, width))
            found = shares @ style["tokens"].float()
        found = self.value(found.to(x.dtype)).transpose(1, 2).unflatten(2, (height, width))
        return x + found, colours


def joined(features: Tensor, hints: Tensor, *more: Tensor) -> Tensor:
    """Feature map, hints shrunk to its size (their colours as means of where they are), and further maps resized."""
    size = (features.shape[2], features.shape[3])
    small = F.adaptive_avg_pool2d(hints.float(), size)
    given = small[:, 3:]
    small = torch.cat([small[:, :3] / given.clamp_min(1e-6), (given > 0).float()], dim=1) * (given > 0)
    others = [F.interpolate(map_.float(), size=size, mode="bilinear", align_corners=False) for map_ in more]
    return torch.cat([features, *(part.to(features.dtype) for part in (small, *others))], dim=1)
