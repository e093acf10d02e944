"""Full-reference quality of pictures, one value a picture, from published implementations with the settings fixed.

Pictures are (N, 3, H, W) sRGB in [0, 1]; import `torchvision_guard` before this module's functions are called.
"""

import torch
from torch import Tensor


def psnr(real: Tensor, output: Tensor) -> Tensor:
    """Peak signal-to-noise ratio over all channels in dB, (N,); infinite for equal pictures."""
    return -10 * (real.double() - output.double()).square().flatten(1).mean(1).log10()


def ssim(real: Tensor, output: Tensor) -> Tensor:
    """Structural similarity (Wang et al., 2004), averaged over R, G and B, (N,).

    Gaussian window of 11 with sigma 1.5, k1 0.01, k2 0.03.
    """
    from torchmetrics.functional.image import structural_similarity_index_measure

    values = structural_similarity_index_measure(
        output,
        real,
        gaussian_kernel=True,
        sigma=1.5,
        kernel_size=11,
        reduction="none",
        data_range=1.0,
        k1=0.01,
        k2=0.03,
    )
    return torch.as_tensor(values).reshape(len(real)).double()


def fsim(real: Tensor, output: Tensor) -> Tensor:
    """Feature similarity (Zhang et al., 2011) on luma, (N,).

    A method that keeps the luminance has an FSIM near 1 by construction: it says that the drawing is kept.
    """
    import piq

    return piq.fsim(output, real, reduction="none", data_range=1.0, chromatic=False).double()
