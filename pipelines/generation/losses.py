"""The default generators' own losses: tensors in, one value for each picture out."""

import torch
import torch.nn.functional as F
from torch import Tensor

from pipelines.gan_losses import check_pair, per_image


def feature_distance(output: list[Tensor], target: list[Tensor]) -> Tensor:
    """Distance of feature maps whose places are scaled to unit length, as in LPIPS without its weights (Zhang et al.,
    2018); (B, C, h, w) lists -> (B,), the sum over maps of the mean square distance over places."""
    values = []
    for one, other in zip(output, target, strict=True):
        one, other = F.normalize(one.float(), dim=1), F.normalize(other.float(), dim=1)
        values.append((one - other).square().sum(1).mean((1, 2)))
    return torch.stack(values).mean(0)


def latent_divergence_loss(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, variance) || N(0, 1)), Kingma and Welling (2014): 1/2 sum (mean^2 + variance - log variance - 1).

    Args:
        mean, log_variance: (B, latents).

    Returns:
        (B,) in nats, at least 0.

    Raises:
        ValueError: if the shapes differ.
    """
    check_pair(mean, log_variance)
    return (mean.square() + torch.expm1(log_variance) - log_variance).flatten(1).sum(1) / 2


def discriminator_accuracy(real: Tensor, fake: Tensor, threshold: Tensor | float = 0.0) -> Tensor:
    """Share that D tells right, half of it on pictures and half on samples; by it a run's balance is watched.

    At 0.5 it knows nothing; a run in which it stays near 1 gives G little to learn from.

    Args:
        real, fake: (B, ...) scores of pictures and of samples, higher = more real.
        threshold: score above which D takes a picture for real: 0 for logits.

    Returns:
        (B,) in [0, 1], without gradients.
    """
    return (per_image((real > threshold).float()) + per_image((fake < threshold).float())) / 2
