# One file that stands alone, written by the exporter of the Danqing project from its modules.
"""The default detail generator's networks."""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


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


# --- pipelines.generation.generator ---
# The default generator of pictures from noise. This module needs torch and diffusers only and goes into Hub files.

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


# --- pipelines.generation.judge ---
# How real a picture looks for what was asked. This module needs torch and diffusers only and goes into Hub files.

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


# --- pipelines.generation.encoder ---
# From a picture back to the latents it could be made from. This module needs torch and diffusers only.

GRID = 8  # side of the maps that are read


class LatentPrior(nn.Module):
    """Running moments of the latents of training pictures: a mean for each category, one covariance for all.

    Args:
        latents: how many.
        categories: how many.
        memory: weight of the old moments at an update.
    """

    def __init__(self, latents: int, categories: int, memory: float = 0.998):
        super().__init__()
        self.memory = memory
        self.centre: Tensor
        self.covariance: Tensor
        self.pictures: Tensor
        self.register_buffer("centre", torch.zeros(categories, latents))
        self.register_buffer("covariance", torch.eye(latents))
        self.register_buffer("pictures", torch.zeros(categories))  # taken in so far, of each category

    @torch.no_grad()
    def update(self, mean: Tensor, log_variance: Tensor, category: Tensor) -> None:
        """Take in q(z | picture) of some pictures: (B, latents) both, and (B,) int64."""
        mean, variance = mean.float(), log_variance.float().exp()
        for number in category.unique():
            rows = mean[category == number]
            self.pictures[number] += len(rows)
            # A plain mean at first; later a rare category moves as far for each of its pictures as a frequent one.
            share = max(1 - self.memory ** len(rows), len(rows) / float(self.pictures[number]))
            self.centre[number].lerp_(rows.mean(0), share)
        apart = mean - self.centre[category]
        share = max(1 - self.memory, len(mean) / float(self.pictures.sum()))
        self.covariance.lerp_(apart.mT @ apart / len(mean) + variance.mean(0).diag(), share)

    def factor(self) -> Tensor:
        """(latents, latents) lower triangular L, L L^T the covariance."""
        ridge = 1e-4 * torch.eye(len(self.covariance), device=self.covariance.device)
        return torch.linalg.cholesky(self.covariance + ridge)

    def place(self, noise: Tensor, category: Tensor) -> Tensor:
        """Normal noise where the pictures of a category lie: (B, latents) and (B,) int64 -> (B, latents)."""
        return self.centre[category] + noise @ self.factor().mT


class LatentHead(nn.Module):
    """Mean and log-variance of the latents from feature maps and the picture in small.

    Args:
        channels: of the maps, at strides 2, 4, 8, 16 and 32.
        latents: how many.
        categories, colours: how many; 0 colours: none is told.
        hidden: width of the layer between.
    """

    STRIDES = slice(2, 5)  # of the maps: 8, 16 and 32

    def __init__(self, channels: Sequence[int], latents: int, categories: int, colours: int, hidden: int = 512):
        super().__init__()
        self.reduce = nn.ModuleList(nn.Conv2d(count, 32, 1) for count in channels[self.STRIDES])
        self.conditions = Conditions(categories, colours, 64)
        self.prior = LatentPrior(latents, categories)
        self.hidden = nn.Linear((3 * 32 + 3) * GRID * GRID + 64, hidden)
        # Feature maps reach values in the tens: without norms nearly all hidden units end up silent, and the latents
        # tell a dozen numbers of a picture.
        self.norm = nn.LayerNorm(hidden)
        self.moments = nn.Linear(hidden, 2 * latents)
        nn.init.zeros_(self.moments.bias)
        nn.init.normal_(self.moments.weight, std=0.01)

    def forward(
        self, maps: Sequence[Tensor], image: Tensor, category: Tensor, colour: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Maps (B, C, h, w), picture (B, 3, H, W) in [-1, 1], conditions (B,) -> (B, latents) both."""
        grid = (GRID, GRID)
        read = [
            F.adaptive_avg_pool2d(reduce(features.float()), grid)
            if features.shape[2] >= GRID
            else F.interpolate(reduce(features.float()), size=grid, mode="bilinear", align_corners=False)
            for reduce, features in zip(self.reduce, maps[self.STRIDES], strict=True)
        ]
        read = [F.layer_norm(features, features.shape[1:]) for features in read]
        read.append(F.adaptive_avg_pool2d(image.float(), grid))
        x = torch.cat([torch.cat(read, dim=1).flatten(1), self.conditions(category, colour)], dim=1)
        mean, log_variance = self.moments(F.silu(self.norm(self.hidden(x)))).chunk(2, dim=1)
        return mean, log_variance.clamp(-12, 6)


class PictureEncoder(ModelMixin, ConfigMixin):
    """q(z | picture, category, colour), a normal distribution without covariances, read from frozen features.

    Args:
        latents, categories, colours: as the generator's.
        encoder_width, encoder_depth: scale of the feature network; 1 and 1 take the published weights.
    """

    @register_to_config
    def __init__(
        self,
        latents: int = 128,
        categories: Sequence[str] = ("picture",),
        colours: Sequence[str] = (),
        encoder_width: float = 1.0,
        encoder_depth: float = 1.0,
    ):
        super().__init__()
        self.features = EfficientNetLite0(encoder_width, encoder_depth).requires_grad_(False)
        # The way back from where the pictures of a category lie to normal noise.
        self.whiten: Tensor
        self.register_buffer("whiten", torch.eye(latents))
        self.head = LatentHead(self.features.out_channels, latents, len(categories), len(colours))

    def forward(self, image: Tensor, category: Tensor, colour: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) in [-1, 1], (B,) int64 and (B,) int64 or None -> mean and log-variance, (B, latents) both."""
        mean, log_variance = self.head(self.features(view(image)), image, category, colour)
        mean = (mean - self.head.prior.centre[category]) @ self.whiten.mT
        return mean, (log_variance.exp() @ self.whiten.square().mT).log()


class DetailPictureGenerator(PictureGenerator):
    """Noise and a category -> a picture with its background; decoder of the VAE and generator of the GAN in one."""


class DetailPictureEncoder(PictureEncoder):
    """A picture and its category -> the latents that it could have been made from."""
