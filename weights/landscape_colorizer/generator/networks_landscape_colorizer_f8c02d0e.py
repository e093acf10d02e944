# One file that stands alone, written by the exporter of the Danqing project from its modules.
"""The default colorizer's generator: two networks, one with a wide view and one with a sharp eye.

`PaletteNetwork` looks once at the whole picture, shrunk to at most half a megapixel, and decides the colours.
`Refiner` runs at full resolution, sees at most 64 px and no statistics of the picture, and lays the colours along
the brush strokes. Because of that a picture coloured in tiles equals the picture coloured whole, by construction.
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


# --- pipelines.sampling ---
# Read a coarse grid that lies over a whole picture at the pixels of one of its tiles.
#
# This module needs torch only and goes into Hub files.

def sample_bilinear(
    grid: Tensor, size: tuple[int, int], corner: tuple[int, int], scale: tuple[float, float], stride: int = 1
) -> Tensor:
    """Read the grid, bilinearly, at the centres of a tile's blocks of `stride` x `stride` pixels.

    Positions follow from a block's place in the whole picture alone, so neighbouring tiles read the same values. The
    two axes are done one after the other, each as a weighted sum of two gathered lines.

    Args:
        grid: (B, C, h, w) over the whole picture.
        size: (rows, columns) of blocks in the tile.
        corner: (top, left) of the tile, in pixels of the picture.
        scale: cells of the grid for each pixel of the picture, (rows, columns).
        stride: side of a block; 1 reads at every pixel.

    Returns:
        (B, C, *size).
    """
    for axis, count in ((2, size[0]), (3, size[1])):
        cells, start, step = grid.shape[axis], corner[axis - 2], scale[axis - 2]
        blocks = torch.arange(count, device=grid.device, dtype=torch.float64)
        centres = ((blocks + 0.5) * stride + start) * step - 0.5
        centres = centres.clamp(0, cells - 1)
        low = centres.floor().long().clamp_max(max(cells - 2, 0))
        share = (centres - low).to(grid.dtype).view((-1, 1) if axis == 2 else (-1,))
        high = (low + 1).clamp_max(cells - 1)
        grid = grid.index_select(axis, low) * (1 - share) + grid.index_select(axis, high) * share
    return grid


CHROMA_UNIT = 50.0  # networks work in units of 50 CIELAB a, b, which keeps their outputs near [-1, 1]


class FuseBlock(nn.Module):
    """Double the size of the deeper map, join the shallower one and mix: one step of the decoder."""

    def __init__(self, deep: int, shallow: int, out_channels: int):
        super().__init__()
        self.mix = nn.Sequential(
            nn.Conv2d(deep + shallow, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, deep: Tensor, shallow: Tensor) -> Tensor:
        deep = F.interpolate(deep, size=shallow.shape[2:], mode="bilinear", align_corners=False)
        return self.mix(torch.cat([deep, shallow], dim=1))


class PaletteNetwork(nn.Module):
    """Decide the colours from a small view: EfficientNet-Lite0, a light decoder, and a summary of the whole.

    Grey does not say how strongly a painting was coloured, nor on what paper. A network that must answer all the
    same paints the average, brown silk. So both are inputs: the spread of the chroma, which the network also
    estimates and takes from itself where nobody asks for another, and the mean tint, which may stay unknown. The
    summary (the mean of the deepest map over the picture) carries them to every place, so that distant parts agree.

    The encoder keeps the ImageNet weights that it starts from, in training too, and the decoder is shown only some of
    its deep channels at a time: a few hundred paintings teach a network their own colours by heart, and strange
    paintings get those.

    With `radius` it also says how far its chroma may be from the true one.
    """

    def __init__(
        self,
        features: int = 32,
        width: float = 1.0,
        depth: float = 1.0,
        decoder: tuple[int, ...] = (128, 96, 64),
        radius: bool = False,
    ):
        super().__init__()
        self.encoder = EfficientNetLite0(width, depth).requires_grad_(False)
        _, c4, c8, c16, c32 = self.encoder.out_channels
        d16, d8, d4 = decoder
        self.forget = nn.Dropout2d(0.2)
        self.neck = nn.Conv2d(c32, d16, 1)
        self.summary = nn.Sequential(nn.Linear(c32, d16), nn.ReLU(inplace=True), nn.Linear(d16, d16))
        self.estimate = nn.Linear(d16, 1)
        self.wish = nn.Sequential(nn.Linear(4, d16), nn.ReLU(inplace=True), nn.Linear(d16, d16))
        self.up16 = FuseBlock(d16, c16, d16)
        self.up8 = FuseBlock(d16, c8, d8)
        self.up4 = FuseBlock(d8, c4, d4)
        self.to_features = nn.Conv2d(d4, features, 1)
        self.to_chroma = nn.Conv2d(d4, 2, 1)
        self.to_radius = nn.Conv2d(d4, 1, 1) if radius else None

    def train(self, mode: bool = True) -> "PaletteNetwork":
        """The encoder keeps its ImageNet statistics in training too."""
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(
        self,
        grey: Tensor,
        spread: Tensor | None = None,
        tint: Tensor | None = None,
        gain: float = 1.0,
        floor: float = 0.0,
    ) -> tuple[Tensor, Tensor]:
        """Plan the colours of a view.

        Args:
            grey: (B, 1, h, w) lightness in [-1, 1], sides multiples of 32.
            spread: (B,) spread of the chroma to paint with, sqrt(var a + var b) in CIELAB; None takes the estimate.
            tint: (B, 2) mean a, b in CIELAB; NaN where unknown, None where all are.
            gain, floor: factor on the estimated spread, and the least that it may come to, in CIELAB units.

        Returns:
            The plan (B, 2 + features, h / 4, w / 4), its first two channels chroma in units of `CHROMA_UNIT`, and
            the estimate (B,), log(1 + spread). With `radius` the plan has a last channel: the logarithm of the
            radius, in units of 10 in the plane of a* and b*, within which nine tenths of the true chroma are
            expected.
        """
        _, m4, m8, *deep = self.encoder(grey.expand(-1, 3, -1, -1))
        m16, m32 = map(self.forget, deep)
        summary = self.summary(m32.mean((2, 3)))
        estimate = self.estimate(summary).squeeze(1)
        if spread is None:
            spread = ((estimate.detach().float().exp() - 1) * gain).clamp(floor, max(floor, 60.0))
        tint = torch.full((len(grey), 2), torch.nan, device=grey.device) if tint is None else tint
        unknown = tint.isnan().any(1, keepdim=True)
        asked = torch.cat([torch.log1p(spread)[:, None] - 2, unknown, tint.nan_to_num() / 10], dim=1)
        wish = summary + self.wish(asked.to(grey.dtype))
        x = self.neck(m32) + wish[:, :, None, None]
        x = self.up4(self.up8(self.up16(x, m16), m8), m4)
        plan = [self.to_chroma(x), self.to_features(x)]
        if self.to_radius is not None:
            plan.append(self.to_radius(x.detach()))
        return torch.cat(plan, dim=1), estimate


class Refiner(nn.Module):
    """Lay the palette's colours along the strokes at full resolution; no norm, a field of 30 px.

    It works on 2x2 blocks of pixels (pixel unshuffle), at a quarter of the cost of full resolution, and adds a
    correction to the palette's own chroma; the last layer starts at zero, so an untrained refiner changes nothing.
    """

    FIELD = 30  # px: 2 * (1 + 2 * (1 + 2 + 4)); four 3x3 convolutions on 2 px blocks, dilated 1, 1, 2 and 3

    def __init__(self, features: int = 32, width: int = 32):
        super().__init__()
        self.enter = nn.Conv2d(4 + 2 + features, width, 3, padding=1)
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=d, dilation=d) for d in (1, 2, 3))
        self.leave = nn.Conv2d(width, 8, 1)
        for parameter in self.leave.parameters():
            nn.init.zeros_(parameter)

    def forward(self, grey: Tensor, palette: Tensor) -> Tensor:
        """(B, 1, H, W) lightness in [-1, 1], H and W even, (B, 2 + features, H / 2, W / 2) -> chroma (B, 2, H, W)."""
        x = F.relu(self.enter(torch.cat([F.pixel_unshuffle(grey, 2), palette], dim=1)))
        for conv in self.convs:
            x = x + F.relu(conv(x))
        base = palette[:, :2].repeat_interleave(4, dim=1)  # pixel shuffle takes channel c * 4 + position
        return F.pixel_shuffle(base + self.leave(x), 2)


class TwoNetGenerator(ModelMixin, ConfigMixin):
    """Colour a picture of any size from its lightness: a palette for the whole, a refiner for each pixel.

    Args:
        features: channels that the palette hands the refiner beside its chroma.
        refiner_width: channels of the refiner.
        encoder_width, encoder_depth: scale of EfficientNet-Lite0; 1 and 1 take its published weights.
        decoder: channels of the palette's decoder at strides 16, 8 and 4.
        view_area: pixels of the largest view the palette is shown.
        sample_side: pixels a side of the parts at full size that say how vivid the whole is to be: that of the crops
            in training; 0 for none.
        spread_gain: factor on the estimated spread of the chroma: an estimate is a mean, too pale for the pictures
            that are not.
        spread_floor: the least spread, in CIELAB units, that a picture is painted with: an ink painting, from which
            the network expects none, is handed in to be coloured. Both are chosen on validation.
        radius: say how sure the colours are.
        radius_factor: what the calibration on validation paintings makes of the network's radii.
    """

    MULTIPLE = 32  # sides of a view

    @register_to_config
    def __init__(
        self,
        features: int = 32,
        refiner_width: int = 32,
        encoder_width: float = 1.0,
        encoder_depth: float = 1.0,
        decoder: tuple[int, ...] = (128, 96, 64),
        view_area: int = 512 * 512,
        sample_side: int = 256,
        spread_gain: float = 1.0,
        spread_floor: float = 0.0,
        radius: bool = False,
        radius_factor: float = 1.0,
    ):
        super().__init__()
        self.palette = PaletteNetwork(features, encoder_width, encoder_depth, tuple(decoder), radius)
        self.refiner = Refiner(features, refiner_width)

    def plan(self, view: Tensor, palette: nn.Module | None = None) -> Tensor:
        """Decide the colours of a picture from a view of the whole.

        Args:
            view: (B, 1, h, w) lightness in [-1, 1].
            palette: a copy of the palette network that is to run in its place, see `pipelines.folding`.

        Returns:
            (B, 2 + features, ceil(h / 4), ceil(w / 4)), with `radius` one channel more.
        """
        height, width = view.shape[2:]
        pad = (0, -width % self.MULTIPLE, 0, -height % self.MULTIPLE)
        padded = F.pad(view, pad, mode="replicate").to(self.dtype)
        plan, _ = (palette or self.palette)(padded, gain=self.config.spread_gain, floor=self.config.spread_floor)
        return plan[:, :, : -(-height // 4), : -(-width // 4)]

    def paint(self, grey: Tensor, plan: Tensor, corner: tuple[int, int], scale: tuple[float, float]) -> Tensor:
        """Chroma of one tile.

        Args:
            grey: (B, 1, H, W) lightness of the tile in [-1, 1], H and W even.
            plan: what `plan` returned for the view of the whole picture.
            corner: the tile's top and left in the whole picture, in pixels, both even.
            scale: plan cells per pixel of the whole picture, vertically and horizontally.

        Returns:
            (B, 2, H, W) chroma a, b in CIELAB units.
        """
        plan = plan[:, :-1] if self.config.radius else plan  # the radius is nothing to paint with
        cells = sample_bilinear(plan, (grey.shape[2] // 2, grey.shape[3] // 2), corner, scale, stride=2)
        return self.refiner(grey.to(self.dtype), cells).float() * CHROMA_UNIT

    def radius(self, plan: Tensor) -> Tensor:
        """The plan's radii in CIELAB units, calibrated: (B, 1, h / 4, w / 4); ValueError without `radius`."""
        if not self.config.radius:
            raise ValueError("These weights do not say how sure they are: they were not calibrated.")
        return plan[:, -1:].float().exp() * 10 * self.config.radius_factor

    def forward(self, grey: Tensor, spread: Tensor | None = None, tint: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """A whole picture at once, as in training; arguments and the second result as in `PaletteNetwork.forward`.

        Returns:
            (B, 2, H, W) chroma a, b in CIELAB units, and the estimate (B,).
        """
        plan, estimate = self.palette(grey, spread, tint, self.config.spread_gain, self.config.spread_floor)
        return self.paint(grey, plan, (0, 0), (0.25, 0.25)), estimate
