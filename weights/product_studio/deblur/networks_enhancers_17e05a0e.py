# One file that stands alone, written by the exporter of the Danqing project from its modules.
"""The enhancers' networks: restoring (noise, blur, size), tone, and the mask of the product.

None takes statistics over what may be a tile. A `Restorer` sees at most `field` pixels around a pixel, so a tile with
that halo gives what the whole picture gives. The other two look at a small view of the whole picture; what they decide
is applied to each pixel alone.

Sources: [1] EDSR, Lim et al., 2017, https://arxiv.org/abs/1707.02921 (residual blocks without norms); [2] FFDNet, Zhang
et al., 2018, https://arxiv.org/abs/1710.04026 (restoring at half resolution); [3] sub-pixel convolution, Shi et al.,
2016, https://arxiv.org/abs/1609.05158; [4] U-Net, Ronneberger et al., 2015, https://arxiv.org/abs/1505.04597.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn


QUANTILES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)


class Restorer(ModelMixin, ConfigMixin):
    """Take noise or blur away, or double the size; the network adds a correction to the input.

    Noise and blur: 2x2 blocks of pixels become channels [2], so the convolutions run at half resolution. Doubling:
    they run at the input's own, and the correction is to the bicubic enlargement [3].

    Args:
        kind: "denoise", "deblur" or "upscale".
        width: channels.
        blocks: residual blocks [1] of two 3x3 convolutions.
    """

    @register_to_config
    def __init__(self, kind: str = "denoise", width: int = 32, blocks: int = 8):
        super().__init__()
        if kind not in ("denoise", "deblur", "upscale"):
            raise ValueError(f'kind must be "denoise", "deblur" or "upscale", got {kind!r}.')
        self.scale = 2 if kind == "upscale" else 1
        self.multiple = 2 // self.scale  # tiles start at multiples of it; sides must be such
        self.field = self.multiple * (2 * blocks + 2) + (2 if self.scale == 2 else 0)  # px, of the input
        self.first = nn.Conv2d(3 * self.multiple**2, width, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.last = nn.Conv2d(width, 12, 3, padding=1)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)  # training starts from the input itself

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1], H and W multiples of `multiple` -> (B, 3, scale H, scale W), hardly beyond."""
        x = self.first(F.pixel_unshuffle(image, self.multiple))
        correction = F.pixel_shuffle(self.last(x + self.body(x)), 2)
        return (doubled(image) if self.scale == 2 else image) + correction


class ResidualBlock(nn.Module):
    """Two convolutions with a ReLU between, added to the input [1]; starts as the identity."""

    def __init__(self, width: int):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        with torch.no_grad():
            self.conv2.weight.mul_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, h, w) both."""
        return x + self.conv2(F.relu(self.conv1(x)))


def doubled(image: Tensor) -> Tensor:
    """Bicubic enlargement by two, (B, 3, H, W) -> (B, 3, 2 H, 2 W)."""
    return F.interpolate(image, scale_factor=2, mode="bicubic", align_corners=False)


class ToneCorrector(ModelMixin, ConfigMixin):
    """Contrast and white balance: a gain and an offset for each channel and one exponent, for the whole picture.

    y_c = clamp(g_c x_c + o_c, 0, 1)^e on values in [0, 1]. This undoes `degradations.toned` exactly where nothing was
    clipped. What to do is decided from a small view and from quantiles of each channel.

    Args:
        width: channels of the first convolution; doubled twice.
        view: side in pixels that pictures are squeezed to.
    """

    multiple = 1

    @register_to_config
    def __init__(self, width: int = 24, view: int = 64):
        super().__init__()
        self.view = view
        sides = (3, width, 2 * width, 4 * width, 4 * width)
        self.convs = nn.ModuleList(nn.Conv2d(before, after, 3, 2, 1) for before, after in pairwise(sides))
        self.hidden = nn.Linear(2 * sides[-1] + 3 * len(QUANTILES), 4 * width)
        self.last = nn.Linear(4 * width, 7)
        nn.init.zeros_(self.last.weight)  # training starts from no change
        nn.init.zeros_(self.last.bias)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1] of any size, whole pictures -> corrected, same shape, in [-1, 1]."""
        return self.corrected(image, self.plan(image))

    def plan(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1], whole pictures or views of them -> (B, 7): log gains, offsets, log exponent."""
        x = F.interpolate(image.float(), (self.view, self.view), mode="bilinear", antialias=True)
        levels = torch.tensor(QUANTILES, device=x.device)
        quantiles = torch.quantile(x.flatten(2), levels, dim=2).permute(1, 2, 0).flatten(1)
        x = x.to(self.dtype)
        for conv in self.convs:
            x = F.leaky_relu(conv(x), 0.2)
        pooled = torch.cat([x.mean((2, 3)), x.amax((2, 3)), quantiles.to(x.dtype)], dim=1)
        raw = self.last(F.leaky_relu(self.hidden(pooled), 0.2)).float()
        return torch.tanh(raw) * raw.new_tensor([1.5] * 3 + [1.0] * 3 + [0.7])  # ranges beyond which nothing is sane

    @staticmethod
    def corrected(image: Tensor, plan: Tensor) -> Tensor:
        """Do what `plan` says to pictures or parts of them: (B, 3, H, W) and (B, 7) -> (B, 3, H, W) in [-1, 1]."""
        gain, offset, exponent = (part[:, :, None, None] for part in plan.split((3, 3, 1), dim=1))
        level = ((image + 1) / 2 * gain.exp() + offset).clamp(1e-4, 1)  # a power has no slope at 0
        return level.pow(exponent.exp()) * 2 - 1


class CutoutNetwork(ModelMixin, ConfigMixin):
    """How much of each pixel is product: a U-Net [4] on a small view of the picture.

    Group norm looks at the whole view, which is the whole picture.

    Args:
        width: channels at half the view's resolution; times 2, 3 and 4 below.
        view: long side of the view in pixels.
    """

    multiple = 16

    @register_to_config
    def __init__(self, width: int = 24, view: int = 128):
        super().__init__()
        widths = [width * factor for factor in (1, 2, 3, 4)]
        self.first = nn.Conv2d(12, width, 3, padding=1)
        self.down = nn.ModuleList(MaskBlock(before, after) for before, after in pairwise([width, *widths]))
        self.up = nn.ModuleList(
            MaskBlock(deep + shallow, shallow) for deep, shallow in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.last = nn.Conv2d(width, 4, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, h, w) in [-1, 1], sides multiples of 16 -> logits (B, 1, h, w); higher = more product."""
        x, maps = self.first(F.pixel_unshuffle(image, 2)), []
        for number, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if number else x)
            maps.append(x)
        for block, shallow in zip(self.up, maps[-2::-1], strict=True):
            deep = F.interpolate(x, size=shallow.shape[2:], mode="bilinear", align_corners=False)
            x = block(torch.cat([deep, shallow], dim=1))
        return F.pixel_shuffle(self.last(x), 2)


class MaskBlock(nn.Module):
    """Two convolutions with group norm; the mean over the picture joins in, so that each place knows the whole."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.norm1, self.norm2 = (nn.GroupNorm(8, out_channels) for _ in range(2))
        self.whole = nn.Linear(out_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, h, w) -> (B, out_channels, h, w)."""
        x = F.relu(self.norm1(self.conv1(x)))
        x = x + self.whole(x.mean((2, 3)))[:, :, None, None]
        return F.relu(self.norm2(self.conv2(x)))
