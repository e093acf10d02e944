"""The article's generator and discriminator, with what they are told and its counter-measures to collapse as options.

Source: the article, its code in section 5.2: tanh throughout, Keras's initial weights. Its five convolutions keep the
side of 8; here each is preceded by a 2x up-sampling, which gives the 256 px that it states, and smaller pictures leave
out the first ones. A category and a colour join as in Mirza and Osindero, 2014, https://arxiv.org/abs/1411.1784. This
module needs torch and diffusers only and goes into Hub files.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

START = 8  # side of the map that the dense layer makes
CONVOLUTIONS = 5  # of the generator, before the one that paints
AT_FULL_SIZE = 2  # convolutions of the discriminator


class ProductPaperGenerator(ModelMixin, ConfigMixin):
    """Noise to pictures: dense to 8x8, five 5x5 convolutions with up-samplings before them, a sixth to three channels.

    2.89 M parameters by default.

    Args:
        size: side of the pictures, 16, 32, 64, 128 or 256: up-sampling precedes the last 1, 2, 3, 4 or 5 convolutions.
        latents: numbers that a picture is made from, those for single levels included.
        categories: what can be asked for. One alone is no condition; several join the noise as a one-hot vector.
        colours: likewise; one number more, `len(colours)`, stands for all others. Empty: none is told.
        frequencies: [category][colour, other last] -> share of the training pictures, what is drawn when no colour is
            asked for. None: all alike.
        width: channels of all maps.
        level_latents: more randomness: so many of the latents, from the last ones, go to each of the five convolutions
            alone, as an offset of its channels.

    Raises:
        ValueError: for a size that is not among these, names that are missing or double, or too few latents.
    """

    @register_to_config
    def __init__(
        self,
        size: int = 256,
        latents: int = 100,
        categories: Sequence[str] = ("product",),
        colours: Sequence[str] = (),
        frequencies: Sequence[Sequence[float]] | None = None,
        width: int = 128,
        level_latents: int = 0,
    ):
        super().__init__()
        self.told = OneHot(categories, colours)
        self.doublings = (size // START).bit_length() - 1
        if not 1 <= self.doublings <= CONVOLUTIONS or size != START << self.doublings:
            raise ValueError(f"size must be 16, 32, 64, 128 or 256, got {size}.")
        self.levels = [level_latents] * CONVOLUTIONS
        self.shared = latents - sum(self.levels)
        if level_latents < 0 or self.shared < 1:
            raise ValueError(f"{latents} latents leave none for all levels when each takes {level_latents}.")
        self.dense = nn.Linear(self.shared + self.told.length, width * START**2)
        self.convolutions = nn.ModuleList(nn.Conv2d(width, width, 5, padding=2) for _ in range(CONVOLUTIONS))
        self.offsets = nn.ModuleList(nn.Linear(count, width, bias=False) for count in self.levels if count)
        self.paint = nn.Conv2d(width, 3, 5, padding=2)
        initialise(self)

    def forward(self, latents: Tensor, category: Tensor | None = None, colour: Tensor | None = None) -> Tensor:
        """Make pictures.

        Args:
            latents: (B, latents), standard normal.
            category: (B,) int64; needed where there are several, not looked at where there is one.
            colour: (B,) int64; None is "other". Not looked at where none is told.

        Returns:
            (B, 3, size, size) in [-1, 1].

        Raises:
            ValueError: for latents of another length, or a category that is missing, or numbers that are unknown.
        """
        if latents.dim() != 2 or latents.shape[1] != self.config.latents:
            raise ValueError(f"Latents must be (B, {self.config.latents}), got {tuple(latents.shape)}.")
        shared, *own = latents.split([self.shared, *self.levels], dim=1)
        x = self.dense(torch.cat([shared, self.told(category, colour, latents)], dim=1)).tanh()
        x = x.view(len(x), -1, START, START)
        for number, convolution in enumerate(self.convolutions):
            if number >= CONVOLUTIONS - self.doublings:
                x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = convolution(x)
            if self.offsets:
                x = x + self.offsets[number](own[number])[:, :, None, None]
            x = x.tanh()
        return self.paint(x).tanh()


class ProductPaperDiscriminator(ModelMixin, ConfigMixin):
    """Two 3x3 convolutions at full size and a dense layer to one logit: the sigmoid is the loss's to take.

    8.54 M parameters by default, 8.39 M of them in the dense layer.

    Args:
        size: side of the pictures; others are refused.
        categories, colours: as the generator's; they join the picture as one-hot planes.
        width: channels of all maps.
        depth: convolutions; those after the second halve the side, so that the dense layer sees larger parts of the
            picture, and fewer of them: a deeper one may have fewer parameters.
        bars: score from which on a picture of a category passes the gate, one for each; None: not set, all pass.

    Raises:
        ValueError: for names that are missing or double, or a depth that leaves less than 2x2.
    """

    @register_to_config
    def __init__(
        self,
        size: int = 256,
        categories: Sequence[str] = ("product",),
        colours: Sequence[str] = (),
        width: int = 128,
        depth: int = AT_FULL_SIZE,
        bars: Sequence[float] | None = None,
    ):
        super().__init__()
        self.told = OneHot(categories, colours)
        side = size >> max(0, depth - AT_FULL_SIZE)
        if depth < AT_FULL_SIZE or side < 2 or side << (depth - AT_FULL_SIZE) != size:
            raise ValueError(f"{depth} convolutions do not fit a side of {size}: two keep it, the others halve it.")
        widths = [3 + self.told.length, *[width] * depth]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, width, 3, 1 if number < AT_FULL_SIZE else 2, 1)
            for number, before in enumerate(widths[:-1])
        )
        self.score = nn.Linear(width * side**2, 1)
        initialise(self)

    def forward(self, image: Tensor, category: Tensor | None = None, colour: Tensor | None = None) -> Tensor:
        """Judge pictures.

        Args:
            image: (B, 3, size, size) in [-1, 1].
            category, colour: (B,) int64, as the generator's.

        Returns:
            (B,) logits, higher = more real; float32.

        Raises:
            ValueError: for pictures of another size, or a category that is missing, or numbers that are unknown.
        """
        size = self.config.size
        if image.shape[1:] != (3, size, size):
            raise ValueError(f"Pictures must be (B, 3, {size}, {size}), got {tuple(image.shape)}.")
        planes = self.told(category, colour, image)[:, :, None, None].expand(-1, -1, size, size)
        x = torch.cat([image, planes], dim=1)
        for convolution in self.convolutions:
            x = convolution(x).tanh()
        return self.score(x.flatten(1)).float()[:, 0]


class OneHot(nn.Module):
    """Category and colour as zeros and ones; no weights.

    Args:
        categories: different names; one alone is not told.
        colours: different names; empty: none is told.

    Raises:
        ValueError: for double names, or no category.
    """

    def __init__(self, categories: Sequence[str], colours: Sequence[str]):
        super().__init__()
        if not categories:
            raise ValueError("There must be a category.")
        for names in (categories, colours):
            if len(set(names)) != len(names):
                raise ValueError(f"Names must differ, got {', '.join(names)}.")
        self.kinds = len(categories) if len(categories) > 1 else 0
        self.shades = len(colours) + 1 if colours else 0

    @property
    def length(self) -> int:
        """Numbers that tell one picture's category and colour."""
        return self.kinds + self.shades

    def forward(self, category: Tensor | None, colour: Tensor | None, like: Tensor) -> Tensor:
        """(B,) int64 or None both -> (B, length) in the type and on the device of `like`, (B, ...)."""
        parts = [like.new_zeros(len(like), 0)]
        if self.kinds:
            parts.append(one_hot(category, self.kinds, like, "category"))
        if self.shades:
            other = torch.full((len(like),), self.shades - 1, device=like.device)
            parts.append(one_hot(other if colour is None else colour, self.shades, like, "colour"))
        return torch.cat(parts, dim=1)


def one_hot(numbers: Tensor | None, count: int, like: Tensor, what: str) -> Tensor:
    """(B,) int64 -> (B, count) of 0 and 1 in the type of `like`; ValueError if one is missing or unknown."""
    if numbers is None or numbers.shape != like.shape[:1]:
        raise ValueError(f"The model is told one of {count} numbers as {what}: one for each of {len(like)} pictures.")
    if not ((numbers >= 0) & (numbers < count)).all():
        raise ValueError(f"The number of a {what} must be from 0 to {count - 1}, got {numbers.tolist()}.")
    return F.one_hot(numbers, count).to(like)


def initialise(network: nn.Module) -> None:
    """Keras's initial weights, with which the article's code starts: Glorot uniform, biases zero."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
