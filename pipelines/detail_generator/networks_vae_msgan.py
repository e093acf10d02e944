"""Stage 2 of the paper, VAE-MSGAN: the encoder and the discriminator of several scales.

Its decoder, which is its generator too, is `TransposedGenerator` of networks_single_scale.py with the kernel that
stage 1 chose. Sources: the paper, section 2 and figure 3; VAE/GAN, Larsen et al., 2016, https://arxiv.org/abs/1512.09300.
The text draws no sizes: widths, levels and the place of the fusion are ours.
"""

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from pipelines.detail_generator.networks_single_scale import (
    SLOPE,
    START,
    check_shape,
    halving_levels,
    initialise,
    sides,
    with_category,
)

FUSED = 2 * START  # side of the maps where the branches meet


class VariationalEncoder(ModelMixin, ConfigMixin):
    """Pictures to the mean and the log-variance of their latents: the generator's mirror.

    Convolutions of stride 2 with batch norm (not in the first) and leaky ReLU down to 4x4, then a dense layer.
    6.40 M parameters by default.

    Args:
        size: side of the pictures, a power of two from 16 on.
        width: channels of the first level; each further one has twice as many, 8 times `width` at most.
        latents: numbers that a picture is described by.
        kernel: of the convolutions, odd.
        kinds: categories; several join the picture as one-hot planes.

    Raises:
        ValueError: for a size or kernel that does not fit.
    """

    @register_to_config
    def __init__(self, size: int = 64, width: int = 64, latents: int = 128, kernel: int = 5, kinds: int = 1):
        super().__init__()
        check_shape(size, kernel)
        channels = [min(width << level, 8 * width) for level in range(len(sides(size)))]
        self.levels = halving_levels(3 + kinds * (kinds > 1), channels, kernel, "none", None)
        self.describe = nn.Linear(channels[-1] * START**2, 2 * latents)
        initialise(self)

    def forward(self, image: Tensor, category: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Describe pictures by q(z|x), equation (8).

        Args:
            image: (B, 3, size, size) in [-1, 1].
            category: (B,) int64; needed where there are several kinds.

        Returns:
            Mean and log-variance, (B, latents) float32 each.

        Raises:
            ValueError: for pictures of another size, or a category that is missing or unknown.
        """
        size = self.config.size
        if image.shape[1:] != (3, size, size):
            raise ValueError(f"Pictures must be (B, 3, {size}, {size}), got {tuple(image.shape)}.")
        features = self.levels(with_category(image, category, self.config.kinds))
        mean, log_variance = self.describe(features.flatten(1)).float().chunk(2, dim=1)
        return mean, log_variance


class MultiScaleDiscriminator(nn.Module):
    """Branches of different kernels look at the picture, and their features are fused before the score.

    Each branch halves the side down to 8x8 by levels as in `SingleScaleDiscriminator`. Their maps are joined and mixed
    by a 1x1 convolution, batch norm and leaky ReLU: these are the features in which reconstructions are compared. That
    batch norm has no gain and next to no epsilon: features keep their scale, and L_LL its weight beside L_KL, where
    clipped weights leave maps of a thousandth.
    0.97 M parameters by default.

    Args:
        size: side of the pictures, a power of two from 16 on.
        width: channels of a branch's first level; each further one has twice as many, 8 times `width` at most.
        kernels: one for each branch, odd.
        pooling: "none", "average" or "max".
        pooled: levels that pool, 1 is the one at full size; None: all of them.
        kinds: categories; several join the picture as one-hot planes.

    Raises:
        ValueError: for a size, kernel, pooling or level that does not fit.
    """

    def __init__(
        self,
        size: int = 64,
        width: int = 32,
        kernels: tuple[int, ...] = (3, 5, 7),
        pooling: str = "max",
        pooled: tuple[int, ...] | None = None,
        kinds: int = 1,
    ):
        super().__init__()
        check_shape(size, *kernels)
        self.kinds = kinds
        channels = [min(width << level, 8 * width) for level in range(len(sides(size)) - 1)]
        given = 3 + kinds * (kinds > 1)
        self.branches = nn.ModuleList(halving_levels(given, channels, kernel, pooling, pooled) for kernel in kernels)
        fused = 8 * width
        mix = nn.Conv2d(len(kernels) * channels[-1], fused, 1, bias=False)
        self.fuse = nn.Sequential(mix, nn.BatchNorm2d(fused, eps=1e-10, affine=False), nn.LeakyReLU(SLOPE))
        self.score = nn.Linear(fused * FUSED**2, 1)
        initialise(self)

    def forward(self, image: Tensor, category: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Judge pictures.

        Args:
            image: (B, 3, size, size) in [-1, 1].
            category: (B,) int64; needed where there are several kinds.

        Returns:
            Logits (B, 1), higher = more real, and the fused features (B, 8 * width, 8, 8); float32.
        """
        given = with_category(image, category, self.kinds)
        features = self.fuse(torch.cat([branch(given) for branch in self.branches], dim=1))
        return self.score(features.flatten(1)).float(), features.float()
