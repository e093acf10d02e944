"""Losses of the article's GAN: tensors in, one value for each picture out.

Source: the article, section 4. With D = sigmoid(logit): log D = -softplus(-logit) and log(1 - D) = -softplus(logit),
which never are infinite.
"""

import torch.nn.functional as F
from torch import Tensor

from pipelines.gan_losses import per_image


def cross_entropy_loss(logits: Tensor, real: bool) -> Tensor:
    """Binary cross-entropy: -log D where the picture is to count as real, -log(1 - D) else.

    The article's L_D is the sum of both, over pictures and over samples.

    Args:
        logits: (B, ...), higher = more real.
        real: what the pictures are to count as.

    Returns:
        (B,) in [0, inf).
    """
    return per_image(F.softplus(-logits if real else logits))


def printed_generator_loss(logits: Tensor) -> Tensor:
    """L_G as printed: -[log D(G(z)) + log(1 - D(G(z)))], which draws D's opinion of samples toward 0.5.

    The second term is meant as a penalty. It makes the loss symmetric: a sample that D is sure to be real costs as much
    as one that it is sure to be made, and 2 log 2 at D = 0.5 is the least. The formula's G(x_i) is read as G(z_i).

    Args:
        logits: (B, ...) of samples.

    Returns:
        (B,) in [2 log 2, inf).
    """
    return cross_entropy_loss(logits, True) + cross_entropy_loss(logits, False)


def non_saturating_generator_loss(logits: Tensor) -> Tensor:
    """-log D(G(z)), the article's L_G before the penalty (Goodfellow et al., 2014, https://arxiv.org/abs/1406.2661).

    Args:
        logits: (B, ...) of samples.

    Returns:
        (B,) in [0, inf).
    """
    return cross_entropy_loss(logits, True)
