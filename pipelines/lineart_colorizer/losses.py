"""Losses of the paper's line art colorizer beside those of `pipelines.gan_losses`: one value for each picture.

Source: the paper, sections 2.2 and 2.3. Its (5), as printed, L_b(D(y) + 1 - norm(V(y))), is not least where D(y) is
norm(V(y)), which the text asks for. Ours: the binary cross-entropy L_b against those targets, norm(V(y)) of real
pictures and 0 of generated ones; for G the generated picture's target is norm(V(y)).
"""

import torch.nn.functional as F
from torch import Tensor

from pipelines.gan_losses import absolute_error_loss, check_pair, per_image

_LUMA = (0.299, 0.587, 0.114)


def style_classes(vector: Tensor) -> Tensor:
    """norm(v) = 2 sigmoid(relu(v)) - 1 (6): what D is to say of a picture with this style.

    Args:
        vector: (B, D) of a style encoder.

    Returns:
        (B, D) in [0, 1), float32: 0 where v is not positive.
    """
    return 2 * F.relu(vector.float()).sigmoid() - 1


def style_class_loss(logits: Tensor, classes: Tensor) -> Tensor:
    """Binary cross-entropy of D's classes against those wanted, the mean over classes.

    Args:
        logits: (B, D) of D.
        classes: (B, D) in [0, 1], `style_classes` of the reference, or zeros for what D shall call generated.

    Returns:
        (B,), least where sigmoid(logits) = classes; there it is the classes' own entropy, not 0.

    Raises:
        ValueError: if the shapes differ.
    """
    check_pair(logits, classes)
    return per_image(F.binary_cross_entropy_with_logits(logits.float(), classes, reduction="none"))


def grey_version(image: Tensor) -> Tensor:
    """T(y) of (4), luma of ITU-R BT.601; (B, 3, H, W) in [-1, 1] -> (B, 1, H, W) in [-1, 1]."""
    return (image * image.new_tensor(_LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)


def guide_losses(grey: Tensor, colour: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The L1 losses of both guide decoders, (4), not weighted.

    Args:
        grey: (B, 1, H, W), guide 1's picture, compared with the grey version of the target.
        colour: (B, 3, H, W), guide 2's, compared with the target.
        target: (B, 3, H, W) in [-1, 1].

    Returns:
        (B,) each, means over places and channels.

    Raises:
        ValueError: if the shapes do not fit.
    """
    return absolute_error_loss(grey, grey_version(target)), absolute_error_loss(colour, target)
