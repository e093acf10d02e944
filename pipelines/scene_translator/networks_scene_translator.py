"""The default scene generator: one network for all targets, on features that know what a scene is made of.

It does not paint a picture anew. At every pixel it gives an affine map of colours, and applies it to the input:
structure stays by construction, and the network's work is to know what is sky, grass or rock, and how each looks
in the weather and season asked for.
"""

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from pipelines.efficientnet_lite import EfficientNetLite0
from pipelines.styled_block import StyledBlock

TARGETS = ("summer", "winter", "cloudy", "sunny")
DIRECTIONS = (("summer", "winter"), ("winter", "summer"), ("cloudy", "sunny"), ("sunny", "cloudy"))


class SceneGenerator(ModelMixin, ConfigMixin):
    """Translate scenes to a target: pretrained encoder, styled decoder, an affine map of colours a pixel.

    The style comes from the target, from the source where it is told, and from what the whole picture shows.

    Args:
        targets: names of the targets, in the order of the embedding.
        encoder_width, encoder_depth: scale of the EfficientNet-Lite0; 1 and 1 fit the published weights.
        decoder: channels at strides 16, 8, 4 and 2 and at full size.
        style: length of the style vector.
        view_area: pixels of the largest view that the pipeline runs this network on.
    """

    multiple = 32
    directions = DIRECTIONS

    @register_to_config
    def __init__(
        self,
        targets: tuple[str, ...] = TARGETS,
        encoder_width: float = 1.0,
        encoder_depth: float = 1.0,
        decoder: tuple[int, ...] = (128, 96, 64, 40, 24),
        style: int = 64,
        view_area: int = 384 * 384,
    ):
        super().__init__()
        self.encoder = EfficientNetLite0(encoder_width, encoder_depth)
        c2, c4, c8, c16, c32 = self.encoder.out_channels
        d16, d8, d4, d2, d1 = decoder
        self.target = nn.Embedding(len(targets), style)
        self.source = nn.Embedding(len(targets) + 1, style)  # the last row: not told
        self.summary = nn.Linear(c32, style)
        self.mapping = nn.Sequential(nn.Linear(style, style), nn.LeakyReLU(0.2), nn.Linear(style, style))
        self.neck = nn.Conv2d(c32, d16, 1)
        self.up16 = StyledBlock(d16, c16, d16, style)
        self.up8 = StyledBlock(d16, c8, d8, style)
        self.up4 = StyledBlock(d8, c4, d4, style)
        self.up2 = StyledBlock(d4, c2, d2, style)
        self.shrink = nn.Conv2d(d2, d1, 1)
        self.mix = nn.Conv2d(d1 + 3, d1, 3, padding=1)
        self.to_map = nn.Conv2d(d1, 12, 1)
        self.overall = nn.Linear(style, 12)
        # It starts near the identity. At zero, where opposite targets pull the same weights, it would stay there long.
        nn.init.normal_(self.to_map.weight, std=0.02)
        nn.init.normal_(self.overall.weight, std=0.01)
        for bias in (self.to_map.bias, self.overall.bias):
            assert bias is not None
            nn.init.zeros_(bias)

    def train(self, mode: bool = True) -> "SceneGenerator":
        """The encoder keeps its ImageNet statistics in training: a batch mixes seasons and translated pictures."""
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(self, image: Tensor, target: Tensor, source: Tensor | None = None) -> Tensor:
        """Translate pictures.

        Args:
            image: (B, 3, H, W) in [-1, 1], sides multiples of 32.
            target: (B,) indices into `targets`.
            source: (B,) indices into `targets`, -1 where the picture's own kind is not told; None tells none.

        Returns:
            (B, 3, H, W), not clipped: it may leave [-1, 1] a little.

        Raises:
            ValueError: if a side is no multiple of 32.
        """
        height, width = image.shape[2:]
        if height % self.multiple or width % self.multiple or not height * width:
            raise ValueError(f"Sides must be multiples of {self.multiple}, got {width}x{height}.")
        m2, m4, m8, m16, m32 = self.encoder((image * 127.5 + 0.5) / 128)
        style = self._style(m32, target, source)
        x = self.up16(self.neck(m32), m16, style)
        x = self.up2(self.up4(self.up8(x, m8, style), m4, style), m2, style)
        x = F.interpolate(self.shrink(x), size=(height, width), mode="bilinear", align_corners=False)
        x = F.leaky_relu(self.mix(torch.cat([x, image.to(x.dtype)], dim=1)), 0.2)
        maps = self.to_map(x) + self.overall(style)[:, :, None, None]
        return colour_mapped(image, maps.to(image.dtype))

    def _style(self, deepest: Tensor, target: Tensor, source: Tensor | None) -> Tensor:
        unknown = self.source.num_embeddings - 1
        source = torch.full_like(target, unknown) if source is None else source.where(source >= 0, unknown)
        told = self.target(target) + self.source(source)
        return self.mapping(F.leaky_relu(told + self.summary(deepest.mean((2, 3))), 0.2))


def colour_mapped(image: Tensor, maps: Tensor) -> Tensor:
    """Apply an affine map of colours at each pixel: y = x + M x + b.

    Args:
        image: (B, 3, H, W).
        maps: (B, 12, H, W): for each output channel three weights and an offset.

    Returns:
        (B, 3, H, W).
    """
    maps = maps.unflatten(1, (3, 4))
    return image + (maps[:, :, :3] * image[:, None]).sum(2) + maps[:, :, 3]
