"""The default generator of line art: it reads the drawing, looks colours up in the reference, and paints."""

import math

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from pipelines.efficientnet_lite import EfficientNetLite0
from pipelines.styled_block import StyledBlock


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
