"""Stage 1 of the paper: a deep convolutional GAN of one scale, with the kernels and the pooling that it tries.

Sources: the paper, section 3.1 and table 1; what it leaves open (widths, batch norm, leaky ReLU, initial weights) is
DCGAN's, Radford et al., 2016, https://arxiv.org/abs/1511.06434, and a category joins as in Mirza and Osindero, 2014,
https://arxiv.org/abs/1411.1784. `TransposedGenerator` serves stage 2 too, as its decoder and generator in one.
Convolutions before a batch norm have no biases, which it would take away.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

SLOPE = 0.2  # of leaky ReLUs
START = 4  # side of the map that a generator begins with, and a discriminator ends with
KERNEL_MODES = {1: (3, 3), 2: (5, 3), 3: (3, 5), 4: (5, 5), 5: (3, 7), 6: (5, 7), 7: (7, 7)}
"""Table 1: mode -> kernel of G's transposed convolutions, kernel of D's convolutions."""

POOLS: dict[str, type[nn.Module]] = {"average": nn.AvgPool2d, "max": nn.MaxPool2d}


class TransposedGenerator(ModelMixin, ConfigMixin):
    """Noise to pictures: a dense layer to 4x4, then transposed convolutions that double the side up to `size`.

    Batch norm and ReLU after each but the last, which ends in tanh. At 64 px: 8, 4, 2 and 1 times `width` channels at
    4, 8, 16 and 32 px; a larger picture has more levels of 8 times `width`. 5.13 M parameters by default.

    Args:
        size: side of the pictures in pixels, a power of two from 16 on.
        width: channels of the last map before the picture.
        latents: numbers that a picture is made from.
        kernel: of the transposed convolutions, odd.
        categories: what can be asked for. One alone is no condition; several join the noise as a one-hot vector.

    Raises:
        ValueError: for a size or kernel that does not fit, or no category.
    """

    @register_to_config
    def __init__(
        self,
        size: int = 64,
        width: int = 64,
        latents: int = 100,
        kernel: int = 5,
        categories: tuple[str, ...] = ("picture",),
    ):
        super().__init__()
        check_shape(size, kernel)
        if not categories or len(set(categories)) != len(categories):
            raise ValueError(f"categories must be different names, at least one, got {categories!r}.")
        self.kinds = len(categories)
        channels = [min(width * size // (2 * side), 8 * width) for side in sides(size)]
        given = latents + self.kinds * (self.kinds > 1)
        self.begin = nn.Linear(given, channels[0] * START**2, bias=False)
        layers: list[nn.Module] = [nn.BatchNorm2d(channels[0]), nn.ReLU()]
        for i, o in pairwise(channels):
            layers += [doubling(i, o, kernel, bias=False), nn.BatchNorm2d(o), nn.ReLU()]
        layers += [doubling(channels[-1], 3, kernel, bias=True), nn.Tanh()]
        self.stack = nn.Sequential(*layers)
        initialise(self)

    @property
    def categories(self) -> tuple[str, ...]:
        """What can be asked for, in the order of the numbers that `forward` takes."""
        return tuple(self.config.categories)

    def forward(self, latents: Tensor, category: Tensor | None = None) -> Tensor:
        """Make pictures.

        Args:
            latents: (B, latents), standard normal.
            category: (B,) int64 indices into `categories`; needed where there are several.

        Returns:
            (B, 3, size, size) in [-1, 1].

        Raises:
            ValueError: for latents of another length, or a category that is missing or unknown.
        """
        if latents.dim() != 2 or latents.shape[1] != self.config.latents:
            raise ValueError(f"Latents must be (B, {self.config.latents}), got {tuple(latents.shape)}.")
        if self.kinds > 1:
            latents = torch.cat([latents, one_hot(category, self.kinds, latents)], dim=1)
        x = self.begin(latents)
        return self.stack(x.view(len(x), -1, START, START))


def doubling(in_channels: int, out_channels: int, kernel: int, bias: bool) -> nn.ConvTranspose2d:
    """Transposed convolution of an odd kernel that doubles the side exactly."""
    return nn.ConvTranspose2d(in_channels, out_channels, kernel, 2, kernel // 2, output_padding=1, bias=bias)


class SingleScaleDiscriminator(nn.Module):
    """Convolutions of one kernel that halve the side down to 4x4, then a dense layer to one logit.

    Batch norm in all levels but the first; leaky ReLU. A level halves by its convolution's stride or, where it pools,
    by 2x2 pooling of a convolution that keeps the side. 4.32 M parameters by default.

    Args:
        size: side of the pictures, a power of two from 16 on.
        width: channels of the first level; each further one has twice as many, 8 times `width` at most.
        kernel: of the convolutions, odd.
        pooling: "none", "average" or "max".
        pooled: levels that pool, 1 is the one at full size; None: all of them.
        kinds: categories; several join the picture as one-hot planes.

    Raises:
        ValueError: for a size, kernel, pooling or level that does not fit.
    """

    def __init__(
        self,
        size: int = 64,
        width: int = 64,
        kernel: int = 5,
        pooling: str = "none",
        pooled: tuple[int, ...] | None = None,
        kinds: int = 1,
    ):
        super().__init__()
        check_shape(size, kernel)
        self.kinds = kinds
        channels = [min(width << level, 8 * width) for level in range(len(sides(size)))]
        self.levels = halving_levels(3 + kinds * (kinds > 1), channels, kernel, pooling, pooled)
        self.score = nn.Linear(channels[-1] * START**2, 1)
        initialise(self)

    def forward(self, image: Tensor, category: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Judge pictures.

        Args:
            image: (B, 3, size, size) in [-1, 1].
            category: (B,) int64; needed where there are several kinds.

        Returns:
            Logits (B, 1), higher = more real, and the features (B, C, 4, 4) that they are taken from; float32.
        """
        features = self.levels(with_category(image, category, self.kinds))
        return self.score(features.flatten(1)).float(), features.float()


def halving_levels(
    in_channels: int, channels: list[int], kernel: int, pooling: str, pooled: tuple[int, ...] | None
) -> nn.Sequential:
    """Levels that halve the side, see `SingleScaleDiscriminator`: (B, in, S, S) -> (B, channels[-1], S / 2^n, ...).

    Raises:
        ValueError: for an unknown pooling, or a level that is not there.
    """
    if pooling not in ("none", *POOLS):
        raise ValueError(f"pooling must be none, {' or '.join(POOLS)}, got {pooling!r}.")
    wanted = set(range(1, len(channels) + 1)) if pooled is None else set(pooled)
    if not wanted <= set(range(1, len(channels) + 1)):
        raise ValueError(f"pooled must name levels 1 to {len(channels)}, got {', '.join(map(str, pooled or ()))}.")
    layers: list[nn.Module] = []
    for level, (i, o) in enumerate(zip([in_channels, *channels], channels, strict=False), start=1):
        pools = pooling != "none" and level in wanted
        layers.append(nn.Conv2d(i, o, kernel, 1 if pools else 2, kernel // 2, bias=level == 1))
        layers += [nn.BatchNorm2d(o)] * (level > 1) + [nn.LeakyReLU(SLOPE)]
        layers += [POOLS[pooling](2)] if pools else []
    return nn.Sequential(*layers)


def with_category(image: Tensor, category: Tensor | None, kinds: int) -> Tensor:
    """(B, C, H, W) and (B,) -> (B, C + kinds, H, W), one-hot planes joined on; one kind alone leaves it as it is."""
    if kinds == 1:
        return image
    planes = one_hot(category, kinds, image)[:, :, None, None].expand(-1, -1, *image.shape[2:])
    return torch.cat([image, planes], dim=1)


def one_hot(category: Tensor | None, kinds: int, like: Tensor) -> Tensor:
    """(B,) int64 -> (B, kinds) of 0 and 1 in the type of `like`; ValueError if one is missing or unknown."""
    if category is None or category.shape != like.shape[:1]:
        raise ValueError(f"The model has {kinds} categories: say which for each of {len(like)} pictures.")
    if not ((category >= 0) & (category < kinds)).all():
        raise ValueError(f"There are categories 0 to {kinds - 1}, got {category.tolist()}.")
    return F.one_hot(category, kinds).to(like)


def sides(size: int) -> list[int]:
    """Sides of the maps from 4 to half of `size`."""
    return [START << level for level in range((size // START).bit_length() - 1)]


def check_shape(size: int, *kernels: int) -> None:
    """Raise ValueError unless `size` is a power of two from 16 on, and kernels are odd."""
    if size < 4 * START or size & (size - 1):
        raise ValueError(f"size must be a power of two, at least {4 * START}, got {size}.")
    if not kernels or any(kernel < 1 or kernel % 2 == 0 for kernel in kernels):
        raise ValueError(f"Kernels must be odd, at least one, got {', '.join(map(str, kernels)) or 'none'}.")


def initialise(network: nn.Module) -> None:
    """DCGAN's: weights from normal(0, 0.02), gains of batch norm from normal(1, 0.02), biases zero."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d) and module.affine:
            nn.init.normal_(module.weight, 1.0, 0.02)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
