"""The default generator of pictures from noise. This module needs torch and diffusers only and goes into Hub files."""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

START = 4  # side of the first map


class PictureGenerator(ModelMixin, ConfigMixin):
    """Noise, a category and a colour -> a picture.

    Noise is first scaled and turned to the mean and covariance that the encoder's latents of training pictures have,
    the mean by category: a prior fitted to them (Ghosh et al., 2020, https://arxiv.org/abs/1903.12436) without which
    the samples of a small training set all look alike. Then come residual blocks that double the size by resizing
    (Odena et al., 2016), each told latents and conditions by the scale and shift of its normalised maps (BigGAN's
    skip-z, Brock et al., 2019, https://arxiv.org/abs/1809.11096). The norms look at one picture at a time, so a picture
    does not depend on what else is in its batch.

    Args:
        size: side of the pictures, a power of two from 16 on.
        latents: numbers that a picture is made from, each drawn from N(0, 1).
        categories: what can be asked for, by number.
        colours: likewise; training pictures of no such colour have the number `len(colours)`, "other". Empty: none.
        frequencies: [category][colour, other last] -> share of the training pictures, what is drawn when no colour is
            asked for. None: all alike.
        channels: of the maps at sides 4, 8, 16, ...; as many as there are sizes.
        context: length of the vector that tells the blocks latents and conditions.
    """

    @register_to_config
    def __init__(
        self,
        size: int = 64,
        latents: int = 128,
        categories: Sequence[str] = ("picture",),
        colours: Sequence[str] = (),
        frequencies: Sequence[Sequence[float]] | None = None,
        channels: Sequence[int] = (256, 256, 160, 96, 64),
        context: int = 256,
    ):
        super().__init__()
        if size != START << (len(channels) - 1):
            raise ValueError(
                f"{len(channels)} widths make pictures of side {START << (len(channels) - 1)}, not {size}."
            )
        # What normal noise becomes before the network sees it: where the encoder puts training pictures of a category.
        self.centre: Tensor
        self.spread: Tensor
        self.register_buffer("centre", torch.zeros(len(categories), latents))
        self.register_buffer("spread", torch.eye(latents))
        self.conditions = Conditions(len(categories), len(colours), 64)
        self.tell = nn.Sequential(nn.Linear(latents + 64, context), nn.SiLU(), nn.Linear(context, context))
        self.start = nn.Linear(context, channels[0] * START * START)
        self.first = ToldBlock(channels[0], channels[0], context, grows=False)
        self.blocks = nn.ModuleList(ToldBlock(before, after, context) for before, after in pairwise(channels))
        self.paint = nn.Conv2d(channels[-1], 3, 3, padding=1)

    @torch.no_grad()
    def place_noise(self, centre: Tensor, spread: Tensor) -> None:
        """From now on noise n of category c becomes centre[c] + spread n; (categories, latents), (latents, latents)."""
        self.centre.copy_(centre)
        self.spread.copy_(spread)

    def forward(self, latents: Tensor, category: Tensor, colour: Tensor | None = None) -> Tensor:
        """(B, latents), (B,) int64 and (B,) int64 or None -> (B, 3, size, size), about [-1, 1]; clamp it.

        Nothing squashes the last layer: where most of a picture is plain white, a tanh saturates and learns no more.
        """
        latents = self.centre[category] + latents @ self.spread.mT
        told = self.tell(torch.cat([latents, self.conditions(category, colour)], dim=1))
        x = self.start(told).view(len(latents), -1, START, START)
        x = self.first(x, told)
        for block in self.blocks:
            x = block(x, told)
        return self.paint(F.silu(x))


class Conditions(nn.Module):
    """Category and colour as one vector: the sum of what stands for each.

    Args:
        categories, colours: how many there are; one more colour stands for all others. 0 colours: none is told.
        width: of the vector.
    """

    def __init__(self, categories: int, colours: int, width: int):
        super().__init__()
        self.category = nn.Embedding(categories, width)
        self.colour = nn.Embedding(colours + 1, width) if colours else None

    def forward(self, category: Tensor, colour: Tensor | None = None) -> Tensor:
        """(B,) int64 both -> (B, width). A colour of None is "other", where colours are told at all."""
        vector = self.category(category)
        if self.colour is None:
            return vector
        other = torch.full_like(category, self.colour.num_embeddings - 1)
        return vector + self.colour(other if colour is None else colour)


class ToldBlock(nn.Module):
    """A residual block whose two group norms are scaled and shifted by what it is told.

    Args:
        in_channels, out_channels: of the maps, multiples of 8.
        context: length of the vector that tells it.
        grows: whether it doubles the size.
    """

    def __init__(self, in_channels: int, out_channels: int, context: int, grows: bool = True):
        super().__init__()
        self.grows = grows
        self.norm1 = nn.GroupNorm(8, in_channels, affine=False)
        self.norm2 = nn.GroupNorm(8, out_channels, affine=False)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.told1, self.told2 = nn.Linear(context, 2 * in_channels), nn.Linear(context, 2 * out_channels)
        self.skip = nn.Identity() if in_channels == out_channels else nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """(B, in_channels, h, w) and (B, context) -> (B, out_channels, h, w), or twice the size."""
        y = F.silu(scaled(self.norm1(x), self.told1(told)))
        if self.grows:
            y = F.interpolate(y, scale_factor=2, mode="nearest")
        y = self.conv2(F.silu(scaled(self.norm2(self.conv1(y)), self.told2(told))))
        x = self.skip(x)
        return y + (F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False) if self.grows else x)


def scaled(x: Tensor, told: Tensor) -> Tensor:
    """Scale by 1 + s and shift by t; (B, C, h, w) and (B, 2 C) -> (B, C, h, w)."""
    scale, shift = told.to(x.dtype)[:, :, None, None].chunk(2, dim=1)
    return x * (1 + scale) + shift
