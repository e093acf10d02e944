"""The default's style encoder: what colours a reference has, and what wears them. It ships, and needs no download."""

import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from pipelines.efficientnet_lite import EfficientNetLite0

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
