"""EfficientNet-Lite0, the pretrained encoder that the default models share: features of a picture at five strides.

This module needs torch only and goes into Hub files.
"""

import torch
from torch import Tensor, nn


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
