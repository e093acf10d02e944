"""Bring back what a faded painting still shows: keep the hue of its weak colours, and give them their strength.

By the model of `pipelines.landscape_colorizer.fading` a faded painting is a share of the old chroma under a veil of one
tone. What differs from the mean is multiplied toward the spread that the network expects of the painting's grey, not
all the way, since that expectation errs; the mean itself moves a little toward the one expected. How far, was chosen on
validation paintings faded by the model. Goes into Hub files.
"""

import torch
from torch import Tensor

from pipelines.guided_upsampling import box_mean

_TOWARD = 0.75  # power of the gain that would give the spread expected
_EXPECTED_MEAN = 0.25  # share of the mean expected, beside the faded one
MOST = 6.0  # gain; beyond, the noise of an eight-bit picture is all there is
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
    gain = min(max(spread, found) / max(found, 1e-6), MOST) ** _TOWARD
    back = torch.lerp(mean, tint[:, :, None, None].to(own), _EXPECTED_MEAN) + gain * (smooth - mean)
    trust = restore * found**2 / (found**2 + _NOISE**2)
    return torch.lerp(chroma, back, trust)
