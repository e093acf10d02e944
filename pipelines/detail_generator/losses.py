"""Losses of the paper's two stages: tensors in, one value for each picture out.

Sources: the paper, equations (8) to (12); [1] GAN, Goodfellow et al., 2014, https://arxiv.org/abs/1406.2661; [2] WGAN,
Arjovsky et al., 2017, https://arxiv.org/abs/1701.07875; [3] VAE/GAN, Larsen et al., 2016, https://arxiv.org/abs/1512.09300.

With D = sigmoid(logit): log D = -softplus(-logit) and log(1 - D) = -softplus(logit), which never are infinite.
"""

import torch.nn.functional as F
from torch import Tensor

from pipelines.gan_losses import check_pair, per_image


def log_real_loss(logits: Tensor) -> Tensor:
    """-log D(x), what D loses on real pictures, equation (11); (B, ...) -> (B,) in [0, inf)."""
    return per_image(F.softplus(-logits))


def log_fake_loss(logits: Tensor) -> Tensor:
    """-log(1 - D(G(z))), what D loses on generated pictures, equation (11); (B, ...) -> (B,) in [0, inf)."""
    return per_image(F.softplus(logits))


def log_generator_loss(logits: Tensor, saturating: bool = False) -> Tensor:
    """What G minimises against the log loss, [1].

    Args:
        logits: (B, ...) of generated pictures.
        saturating: log(1 - D(G(z))), equation (1) to the letter, flat where D is sure; else -log D(G(z)), which has
            the same fixed point: "the output shall be judged 1", as the text puts it.

    Returns:
        (B,); at most 0 where saturating, at least 0 else.
    """
    return -log_fake_loss(logits) if saturating else log_real_loss(logits)


def wasserstein_real_loss(logits: Tensor) -> Tensor:
    """-D(x), the critic's part on real pictures, [2]; (B, ...) -> (B,), unbounded."""
    return -per_image(logits)


def wasserstein_fake_loss(logits: Tensor) -> Tensor:
    """D(G(z)), the critic's part on generated pictures, [2]; (B, ...) -> (B,). G minimises its opposite."""
    return per_image(logits)


def feature_likelihood_loss(output: Tensor, target: Tensor) -> Tensor:
    """L_LL in D's features, equation (12), [3]: -log N(D_l(x); D_l(G(E(x))), 1) = 1/2 sum of squares, less a constant.

    A sum, not a mean: only so is it in nats, as the KL divergence beside it is.

    Args:
        output, target: (B, ...), features of the reconstructions and of the pictures.

    Returns:
        (B,), at least 0.

    Raises:
        ValueError: if the shapes differ.
    """
    check_pair(output, target)
    return (output - target).square().flatten(1).sum(1) / 2
