"""Losses of the paper's scene translation beside those of `pipelines.gan_losses`: one value for each picture.

Source: [1] SSIM, Wang et al., 2004, https://doi.org/10.1109/TIP.2003.819861.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from pipelines.gan_losses import check_pair, per_image


def ssim(first: Tensor, second: Tensor, window: int = 11, sigma: float = 1.5, span: float = 2.0) -> Tensor:
    """Structural similarity, the paper's equation (6), [1], averaged over channels and places.

    SSIM = (2 m_x m_y + c1) (2 s_xy + c2) / ((m_x^2 + m_y^2 + c1) (s_x^2 + s_y^2 + c2)), c = (k L)^2, k1 0.01, k2 0.03

    Borders: only places whose window lies inside the picture count, as in [1], in scikit-image and in the function of
    the paper's framework (tf.image.ssim); torchmetrics, which the tables take, counts the others too, over reflected
    borders. Statistics are those of the weighted window, without a sample's correction. It is worked out in float32
    under autocast too: differences of squares would be lost in bf16.

    Args:
        first, second: (B, C, H, W), sides at least `window`.
        window, sigma: of the Gaussian window, in pixels.
        span: the values' range L; 2 for pictures in [-1, 1].

    Returns:
        (B,) in [-1, 1], 1 for equal pictures.

    Raises:
        ValueError: if the shapes differ or a side is shorter than the window.
    """
    check_pair(first, second)
    height, width = first.shape[2:]
    if min(height, width) < window:
        raise ValueError(f"SSIM needs sides of at least {window}, got {width}x{height}.")
    with torch.autocast(first.device.type, enabled=False):
        x, y = first.float(), second.float()
        c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
        maps = torch.cat([x, y, x * x + y * y, x * y], dim=1)
        mean_x, mean_y, squares, products = _blurred(maps, window, sigma).chunk(4, dim=1)
        mean_squares, mean_products = mean_x.square() + mean_y.square(), mean_x * mean_y
        luminance = (2 * mean_products + c1) / (mean_squares + c1)
        structure = (2 * (products - mean_products) + c2) / (squares - mean_squares + c2)
        return per_image(luminance * structure)


def ssim_loss(output: Tensor, target: Tensor) -> Tensor:
    """The paper's reconstruction loss, 1 - SSIM of pictures in [-1, 1], (8); (B, 3, H, W) both -> (B,) in [0, 2]."""
    return 1 - ssim(output, target)


def _blurred(maps: Tensor, window: int, sigma: float) -> Tensor:
    """Gaussian means of each channel over all windows inside: (B, C, H, W) -> (B, C, H - window + 1, W - ...)."""
    offsets = torch.arange(window, device=maps.device, dtype=maps.dtype) - (window - 1) / 2
    line = torch.exp(-offsets.square() / (2 * sigma**2))
    line, channels = line / line.sum(), maps.shape[1]
    rows = F.conv2d(maps, line.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)
    return F.conv2d(rows, line.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)
