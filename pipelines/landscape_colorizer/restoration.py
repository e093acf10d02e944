"""Bring back what a faded painting still shows: keep the hue of its weak colours, and give them their strength.

By the model of `pipelines.landscape_colorizer.fading` a faded painting is a share of the old chroma under a veil of one
tone, so two things are unknown: the share, and how much of the mean is veil. From the painting's grey the network
expects a spread and a mean. The spread found over the one expected tells the share, with an error of about a half, and
is taken half way to the middle of the model's shares. The mean is the likeliest one, given the mean found, the one
expected, and the tones of veils, each with its own error (a Gaussian posterior). Chosen on validation paintings faded
by the model. Goes into Hub files.
"""

import torch
from torch import Tensor

from pipelines.guided_upsampling import box_mean
from pipelines.landscape_colorizer.fading import LEFT, TONE

_EXPECTED_ERROR = (3.0, 7.5)  # CIELAB a*, b*: how far the mean expected is from the true one, on validation paintings
_NOISE = 0.6  # CIELAB units: spread of the chroma that rounding and compression alone give


def restored(chroma: Tensor, own: Tensor, spread: float, tint: Tensor, restore: float) -> Tensor:
    """Chroma of a view, restored.

    Args:
        chroma: (1, 2, h, w) CIELAB, what the network chose.
        own: (1, 2, h, w) CIELAB, the picture's own weak colours.
        spread: of the chroma that is expected.
        tint: (1, 2) mean a*, b* that are expected.
        restore: 0 trusts the network alone, 1 the picture's own colours as far as they stand out from noise.

    Returns:
        (1, 2, h, w) CIELAB.
    """
    smooth = box_mean(own, 1)
    mean = smooth.mean((2, 3), keepdim=True)
    found = float((smooth - mean).square().sum(1).mean().sqrt())
    left = share_left(found, spread)
    back = likely_mean(mean.flatten(1), tint.to(own), left)[:, :, None, None] + (smooth - mean) / left
    trust = restore * found**2 / (found**2 + _NOISE**2)
    return torch.lerp(chroma, back, trust)


def share_left(found: float, expected: float) -> float:
    """The share of the chroma that fading left, from the least that the model knows to 1.

    Args:
        found, expected: spreads of the chroma.
    """
    middle = sum(LEFT) / 2
    return min(max((found / max(expected, 1e-6) * middle) ** 0.5, LEFT[0]), 1.0)


def likely_mean(found: Tensor, expected: Tensor, left: float) -> Tensor:
    """The mean before fading: found = left * mean + (1 - left) * veil.

    Args:
        found, expected: (1, 2) mean a*, b*.
        left: the share of the chroma that is left.

    Returns:
        (1, 2) CIELAB.
    """
    least, most = torch.tensor(TONE).to(found).T
    veil, veil_variance = (least + most) / 2, (most - least).square() / 12  # of an even distribution
    variance = torch.tensor(_EXPECTED_ERROR).to(found).square()
    surprise = found - left * expected - (1 - left) * veil
    weight = left * variance / (left**2 * variance + (1 - left) ** 2 * veil_variance)
    return expected + weight * surprise
