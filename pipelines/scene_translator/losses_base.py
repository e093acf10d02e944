"""Losses of the default scene translator beside those of the paper: tensors in, one value for each picture out."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def self_similarity(features: Tensor) -> Tensor:
    """How alike any two places of a picture are: cosines of their features, after the picture's mean is taken off.

    Args:
        features: (B, C, h, w).

    Returns:
        (B, h w, h w) in [-1, 1], float32.
    """
    places = features.float().flatten(2)
    places = F.normalize(places - places.mean(2, keepdim=True), dim=1, eps=1e-6)
    with torch.autocast(features.device.type, enabled=False):
        return places.transpose(1, 2) @ places


def structure_loss(output: Sequence[Tensor], source: Sequence[Tensor]) -> Tensor:
    """How far the layout has changed: mean difference of the self-similarities, averaged over the maps.

    What a place looks like may change, which places look alike may not (Zheng et al., 2021,
    https://arxiv.org/abs/2104.00854; the structure of Tumanyan et al., 2022, https://arxiv.org/abs/2201.00424).

    Args:
        output, source: feature maps of the translated pictures and of their inputs, (B, C, h, w) each.

    Returns:
        (B,) in [0, 2].
    """
    pairs = zip(output, source, strict=True)
    differences = [(self_similarity(y) - self_similarity(x)).abs().mean((1, 2)) for y, x in pairs]
    return torch.stack(differences).mean(0)


def chosen_logits(logits: Tensor, kind: Tensor) -> Tensor:
    """The map of one kind for each picture: (B, kinds, h, w) and (B,) -> (B, 1, h, w)."""
    return logits.gather(1, kind.view(-1, 1, 1, 1).expand(-1, 1, *logits.shape[2:])).float()
