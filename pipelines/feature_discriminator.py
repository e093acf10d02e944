"""Discriminators of the default models: small heads on frozen ImageNet features. Training only."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from pipelines.efficientnet_lite import EfficientNetLite0


class FeatureHeads(nn.Module):
    """Judge feature maps: one small patch head for each.

    Args:
        channels: of the maps.
        width: channels of the heads.
        kinds: logits a place, one for each kind of picture that can be asked for.
    """

    def __init__(self, channels: Sequence[int], width: int = 64, kinds: int = 1):
        super().__init__()
        self.heads = nn.ModuleList(patch_head(count, width, kinds) for count in channels)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """(B, C, h, w) each -> one map of logits (B, kinds, h, w) for each; higher = more real."""
        return [head(features) for head, features in zip(self.heads, maps, strict=True)]


class PooledHead(nn.Module):
    """Judge a picture as a whole, by the means and spreads of its feature maps.

    Args:
        channels: of the maps.
        width: channels of the hidden layer.
        kinds: logits, one for each kind of picture that can be asked for.
    """

    def __init__(self, channels: Sequence[int], width: int = 128, kinds: int = 1):
        super().__init__()
        self.stack = nn.Sequential(
            spectral_norm(nn.Linear(2 * sum(channels), width)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Linear(width, kinds)),
        )

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """(B, C, h, w) each -> logits (B, kinds); higher = more real."""
        pooled = []
        for x in maps:
            spread, mean = torch.var_mean(x.float(), (2, 3), correction=0)
            pooled += [mean, (spread + 1e-6).sqrt()]  # smooth where a map is flat
        return self.stack(torch.cat(pooled, dim=1))


class FeatureDiscriminator(nn.Module):
    """Tell real colours from painted ones by the features of a frozen EfficientNet-Lite0.

    A discriminator that starts from pretrained features learns from a few hundred paintings in minutes where one
    from scratch memorises them (Projected GAN, Sauer et al., 2021, https://arxiv.org/abs/2111.01007). Real and
    painted pictures share their luminance, so only the colours can give a picture away. One patch head looks at
    each of the strides 4, 8, 16 and 32: from the colour of a stroke to that of the whole.

    Args:
        width: channels of the heads.
        encoder_width, encoder_depth: scale of the feature network; 1 and 1 take the published weights.
    """

    def __init__(self, width: int = 64, encoder_width: float = 1.0, encoder_depth: float = 1.0):
        super().__init__()
        self.features = EfficientNetLite0(encoder_width, encoder_depth).requires_grad_(False)
        self.heads = FeatureHeads(self.features.out_channels[1:], width)

    def train(self, mode: bool = True) -> "FeatureDiscriminator":
        """The features keep their ImageNet statistics in training too."""
        super().train(mode)
        self.features.eval()
        return self

    def forward(self, rgb: Tensor) -> list[Tensor]:
        """(B, 3, H, W) in [0, 1] -> one map of logits (B, 1, h, w) for each scale; higher = more real."""
        return self.heads(self.features((rgb * 255 - 127) / 128)[1:])


def patch_head(channels: int, width: int, kinds: int) -> nn.Sequential:
    """Three spectrally normalised convolutions, (B, channels, h, w) -> (B, kinds, h, w)."""
    return nn.Sequential(
        spectral_norm(nn.Conv2d(channels, width, 1)),
        nn.LeakyReLU(0.2),
        spectral_norm(nn.Conv2d(width, width, 3, padding=1)),
        nn.LeakyReLU(0.2),
        spectral_norm(nn.Conv2d(width, kinds, 1)),
    )
