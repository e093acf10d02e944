"""How real a picture looks for what was asked. This module needs torch and diffusers only and goes into Hub files."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from pipelines.efficientnet_lite import EfficientNetLite0
from pipelines.generation.generator import Conditions

VIEW = 128  # side in pixels at which pictures are looked at


def view(image: Tensor) -> Tensor:
    """(B, 3, H, W) in [-1, 1] -> (B, 3, VIEW, VIEW) as the feature network wants it."""
    if image.shape[2:] != (VIEW, VIEW):
        shrinks = image.shape[2] > VIEW
        image = F.interpolate(image, size=(VIEW, VIEW), mode="bilinear", align_corners=False, antialias=shrinks)
    return (image * 127.5 + 0.5) / 128


class JudgeHeads(nn.Module):
    """Judge feature maps for a category and a colour, place by place and as a whole.

    What is asked for enters as a projection (Miyato and Koyama, 2018, https://arxiv.org/abs/1802.05637): the score is
    the product of features and a vector, one for all plus one of the category and one of the colour.

    Args:
        channels: of the maps.
        categories, colours: how many can be asked for; 0 colours: none is told.
        width: channels of the heads.
    """

    def __init__(self, channels: Sequence[int], categories: int, colours: int, width: int = 64):
        super().__init__()
        self.places = nn.ModuleList(
            nn.Sequential(
                spectral_norm(nn.Conv2d(count, width, 1)),
                nn.LeakyReLU(0.2),
                spectral_norm(nn.Conv2d(width, width, 3, padding=1)),
                nn.LeakyReLU(0.2),
            )
            for count in channels
        )
        self.whole = nn.Sequential(
            spectral_norm(nn.Linear(2 * sum(channels), 2 * width)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Linear(2 * width, width)),
            nn.LeakyReLU(0.2),
        )
        count = len(channels) + 1
        self.always = nn.ModuleList(spectral_norm(nn.Linear(width, 1)) for _ in range(count))
        self.asked = nn.ModuleList(Conditions(categories, colours, width) for _ in range(count))
        for conditions in self.asked:
            for weight in conditions.parameters():
                nn.init.normal_(weight, std=0.02)

    def forward(self, maps: Sequence[Tensor], category: Tensor, colour: Tensor | None = None) -> list[Tensor]:
        """(B, C, h, w) each, (B,) and (B,) or None -> logits: (B, places) for each map, (B, 1) for the whole."""
        dtype = next(self.parameters()).dtype  # float32 in training, whatever precision the maps have
        found = [head(features.to(dtype)).flatten(2).mT for head, features in zip(self.places, maps, strict=True)]
        found.append(self.whole(statistics(maps).to(dtype))[:, None])
        logits = []
        for features, always, asked in zip(found, self.always, self.asked, strict=True):
            vector = asked(category, colour)[:, :, None].to(features.dtype)
            logits.append((always(features) + features @ vector)[:, :, 0])
        return logits


class PictureJudge(ModelMixin, ConfigMixin):
    """The training's discriminator as a judge of finished pictures.

    Frozen EfficientNet-Lite0 features under small heads (Projected GAN, Sauer et al., 2021,
    https://arxiv.org/abs/2111.01007).

    Args:
        categories, colours: as the generator's.
        width: channels of the heads.
        bars: score from which on a picture of a category passes, one for each; None: not set, all pass.
        encoder_width, encoder_depth: scale of the feature network; 1 and 1 take the published weights.
    """

    @register_to_config
    def __init__(
        self,
        categories: Sequence[str] = ("picture",),
        colours: Sequence[str] = (),
        width: int = 64,
        bars: Sequence[float] | None = None,
        encoder_width: float = 1.0,
        encoder_depth: float = 1.0,
    ):
        super().__init__()
        self.features = EfficientNetLite0(encoder_width, encoder_depth).requires_grad_(False)
        self.heads = JudgeHeads(self.features.out_channels[1:], len(categories), len(colours), width)

    def forward(self, image: Tensor, category: Tensor, colour: Tensor | None = None) -> Tensor:
        """(B, 3, H, W) in [-1, 1], (B,) int64 and (B,) int64 or None -> (B,) scores; higher = more real."""
        logits = self.heads(self.features(view(image))[1:], category, colour)
        return torch.stack([found.mean(1) for found in logits]).mean(0)


def statistics(maps: Sequence[Tensor]) -> Tensor:
    """Means and spreads of maps over places; (B, C, h, w) each -> (B, 2 sum C)."""
    pooled = []
    for x in maps:
        spread, mean = torch.var_mean(x.float(), (2, 3), correction=0)
        pooled += [mean, (spread + 1e-6).sqrt()]  # smooth where a map is flat
    return torch.cat(pooled, dim=1)
