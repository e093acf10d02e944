"""How far the layout of a picture has changed, whatever its colours became."""

from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from evaluation.perceptual import lpips_network

TAP = 3  # relu4_3: stride 8, 512 channels


class StructureDistance:
    """Mean absolute difference of two pictures' self-similarities, 0 for equal pictures, 2 at most.

    A picture's self-similarity says how alike any two of its places are: cosines of VGG-16's features (relu4_3, trained
    on ImageNet), after their mean over the picture is taken off. What a place looks like may change, which places look
    alike may not (Tumanyan et al., 2022, https://arxiv.org/abs/2201.00424, there on other features).

    Args:
        side: pictures are brought to this size, in pixels, antialiased.
        batch: pairs at a time.
    """

    def __init__(self, side: int = 160, batch: int = 8):
        self.side, self.batch = side, batch

    @torch.no_grad()
    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Distances of pairs: (N, 3, H, W) uint8 both, sizes may differ -> (N,) float64.

        Raises:
            ValueError: if there are not as many of one as of the other.
        """
        if len(first) != len(second):
            raise ValueError(f"Pairs need as many first as second pictures, got {len(first)} and {len(second)}.")
        pairs = zip(first.split(self.batch), second.split(self.batch), strict=True)
        parts = [(self._similarity(x) - self._similarity(y)).abs().mean((1, 2)).double() for x, y in pairs]
        return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.float64)

    def _similarity(self, pictures: Tensor) -> Tensor:
        images = pictures.float() / 127.5 - 1
        if images.shape[2:] != (self.side, self.side):
            images = F.interpolate(images, (self.side, self.side), mode="bilinear", antialias=True)
        return self_similarity(self._network.net(self._network.scaling_layer(images))[TAP])

    @cached_property
    def _network(self):
        return lpips_network("vgg").lpips


def self_similarity(features: Tensor) -> Tensor:
    """Cosines of the features of any two places, (B, C, h, w) -> (B, h w, h w) in [-1, 1].

    The picture's mean is taken off first; a picture that is alike everywhere has 0 throughout.
    """
    places = features.float().flatten(2)
    places = F.normalize(places - places.mean(2, keepdim=True), dim=1, eps=1e-4)
    return places.transpose(1, 2) @ places
