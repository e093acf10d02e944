"""Full-reference quality of pictures, one value a picture, with the settings fixed.

Pictures are (N, 3, H, W) sRGB in [0, 1]; import `torchvision_guard` before this module's functions are called.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def psnr(real: Tensor, output: Tensor) -> Tensor:
    """Peak signal-to-noise ratio over all channels in dB, (N,); infinite for equal pictures."""
    return -10 * (real.double() - output.double()).square().flatten(1).mean(1).log10()


def ssim(real: Tensor, output: Tensor, window: int = 11, sigma: float = 1.5) -> Tensor:
    """Structural similarity (Wang et al., 2004), averaged over R, G and B, (N,).

    Gaussian window of 11 with sigma 1.5, k1 0.01, k2 0.03, borders reflected: torchmetrics' values, at a tenth of the
    work, since a Gaussian window is two passes of a line.

    Args:
        real, output: (N, 3, H, W) in [0, 1], sides above 5.
        window, sigma: in pixels.
    """
    channels, half = real.shape[1], window // 2
    x, y = (F.pad(pictures.float(), (half, half, half, half), mode="reflect") for pictures in (real, output))
    line = torch.exp(-(torch.arange(window, device=x.device) - half).square() / (2 * sigma**2))
    line = (line / line.sum()).view(1, 1, 1, -1).expand(5 * channels, 1, 1, -1)
    maps = torch.cat([x, y, x * x, y * y, x * y], dim=1)
    rows = F.conv2d(maps, line, groups=5 * channels)
    means = F.conv2d(rows, line.transpose(2, 3), groups=5 * channels)
    mean_x, mean_y, square_x, square_y, product = means.split(channels, dim=1)
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x.square() + mean_y.square() + c1)
    spread = (square_x - mean_x.square()) + (square_y - mean_y.square())
    return (luminance * (2 * (product - mean_x * mean_y) + c2) / (spread + c2)).flatten(1).mean(1).double()


def fsim(real: Tensor, output: Tensor) -> Tensor:
    """Feature similarity (Zhang et al., 2011) on luma, (N,).

    A method that keeps the luminance has an FSIM near 1 by construction: it says that the drawing is kept.
    """
    import piq

    return piq.fsim(output, real, reduction="none", data_range=1.0, chromatic=False).double()
