"""What the enhancers learn to undo, stated exactly: noise, JPEG, blur, wrong tones, half the size.

Each takes one picture (3, H, W) float in [0, 1] and gives it back degraded, rounded to 8 bits as a file would be; a
`torch.Generator` alone decides how. The ranges are constants below, so that a card and a table can state them. A share
of the pictures stays as it is (`UNTOUCHED`): an enhancer must leave alone what is good.
"""

import io
import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

NOISE = (2.0, 35.0)
"""Standard deviation of Gaussian noise, in 8-bit levels, uniform; in half of the pictures it grows with brightness."""
JPEG_QUALITY = (35, 90)
"""libjpeg's quality, uniform, in half of the noisy pictures."""
BLUR_SIGMA = (0.6, 2.2)
"""Standard deviation of a Gaussian blur in pixels, uniform."""
MOTION_LENGTH = (3.0, 11.0)
"""Length of a straight motion in pixels, uniform, its direction too; in two of five blurred pictures."""
BLUR_NOISE = (0.0, 2.0)
"""Standard deviation of the noise over a blurred picture, in 8-bit levels, uniform."""
TONE_GAMMA = 0.4
"""Logarithm of the exponent, uniform in plus or minus this."""
TONE_CONTRAST = (0.45, 1.0)
"""Factor on the distance to a pivot, uniform."""
TONE_PIVOT = (0.3, 0.8)
"""The level that a loss of contrast draws to, uniform."""
TONE_CAST = 0.3
"""Logarithm of each channel's gain, uniform in plus or minus this; the largest gain becomes 1."""
SMALL_JPEG_QUALITY = (70, 95)
"""libjpeg's quality, uniform, in a quarter of the halved pictures."""
UNTOUCHED = 0.08
"""Share of the pictures that stay as they are; halved ones are always halved."""

Degradation = Callable[[Tensor, torch.Generator], Tensor]


def noisy(picture: Tensor, rng: torch.Generator) -> Tensor:
    """Gaussian noise of deviation s, or s (0.3 + 0.7 x) that grows with brightness x; JPEG in half of the pictures."""
    u = torch.rand(5, generator=rng).tolist()
    if u[0] < UNTOUCHED:
        return rounded(picture)
    sigma = _between(NOISE, u[1]) / 255
    grain = torch.randn(picture.shape, generator=rng) * sigma
    picture = rounded(picture + (grain * (0.3 + 0.7 * picture) if u[2] < 0.5 else grain))
    return jpeg(picture, round(_between(JPEG_QUALITY, u[4]))) if u[3] < 0.5 else picture


def blurred(picture: Tensor, rng: torch.Generator) -> Tensor:
    """A Gaussian or a straight motion blur, then a little noise."""
    u = torch.rand(6, generator=rng).tolist()
    if u[0] < UNTOUCHED:
        return rounded(picture)
    if u[1] < 0.4:
        kernel = motion_kernel(_between(MOTION_LENGTH, u[2]), math.pi * u[3])
    else:
        kernel = gaussian_kernel(_between(BLUR_SIGMA, u[4]))
    grain = torch.randn(picture.shape, generator=rng) * (_between(BLUR_NOISE, u[5]) / 255)
    return rounded(convolved(picture, kernel) + grain)


def toned(picture: Tensor, rng: torch.Generator) -> Tensor:
    """Wrong exponent, contrast and colour of the light: y = g_c (k x^e + (1 - k) p), with all g_c at most 1."""
    u = torch.rand(7, generator=rng).tolist()
    if u[0] < UNTOUCHED:
        return rounded(picture)
    exponent = math.exp(TONE_GAMMA * (2 * u[1] - 1))
    contrast, pivot = _between(TONE_CONTRAST, u[2]), _between(TONE_PIVOT, u[3])
    cast = torch.exp(TONE_CAST * (2 * torch.tensor(u[4:]) - 1)).view(3, 1, 1)
    return rounded((contrast * picture.pow(exponent) + (1 - contrast) * pivot) * (cast / cast.max()))


def halved(picture: Tensor, rng: torch.Generator) -> Tensor:
    """Half the size, (3, H / 2, W / 2), by PIL's bicubic filter; JPEG in a quarter of the pictures. H, W even."""
    u = torch.rand(2, generator=rng).tolist()
    height, width = picture.shape[1:]
    if height % 2 or width % 2:
        raise ValueError(f"Only even sides can be halved, got {width}x{height}.")
    small = to_float(np.asarray(to_pil(picture).resize((width // 2, height // 2), Image.Resampling.BICUBIC)))
    return jpeg(small, round(_between(SMALL_JPEG_QUALITY, u[1]))) if u[0] < 0.25 else small


DEGRADATIONS: dict[str, Degradation] = {"denoise": noisy, "deblur": blurred, "tone": toned, "upscale": halved}
"""The degradation that each enhancer undoes."""


def degraded(kind: str, picture: Tensor, seed: int) -> Tensor:
    """The degradation that `kind` undoes, by the seed's own random numbers, for measures: no picture stays as it is.

    Raises:
        ValueError: for a kind that undoes no degradation.
    """
    if kind not in DEGRADATIONS:
        raise ValueError(f"A degradation belongs to {', '.join(DEGRADATIONS)}, got {kind!r}.")
    rng = torch.Generator().manual_seed(seed)
    found = DEGRADATIONS[kind](picture, rng)
    for _ in range(20):  # drawn again; a picture of one colour has no blur to show, and is handed out at last
        if not torch.equal(found, rounded(picture)):
            break
        found = DEGRADATIONS[kind](picture, rng)
    return found


def gaussian_kernel(sigma: float) -> Tensor:
    """(k, k) with sum 1, cut off at 3 sigma."""
    radius = math.ceil(3 * sigma)
    line = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / sigma) ** 2)
    return torch.outer(line, line) / line.sum() ** 2


def motion_kernel(length: float, angle: float) -> Tensor:
    """(k, k) with sum 1: a line of `length` pixels through the middle, at `angle` to the rows, spread bilinearly."""
    radius = math.ceil(length / 2) + 1
    kernel = torch.zeros(2 * radius + 1, 2 * radius + 1)
    for t in np.linspace(-(length - 1) / 2, (length - 1) / 2, 4 * math.ceil(length) + 1).tolist():
        x, y = radius + t * math.cos(angle), radius + t * math.sin(angle)
        left, top = math.floor(x), math.floor(y)
        for row, column in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
            kernel[row, column] += (1 - abs(y - row)) * (1 - abs(x - column))
    return kernel / kernel.sum()


def convolved(picture: Tensor, kernel: Tensor) -> Tensor:
    """(3, H, W) under a (k, k) kernel of odd side, edges repeated."""
    radius = kernel.shape[0] // 2
    padded = F.pad(picture[:, None], (radius,) * 4, mode="replicate")
    return F.conv2d(padded, kernel[None, None])[:, 0]


def jpeg(picture: Tensor, quality: int) -> Tensor:
    """Through a JPEG file of that quality, chroma halved as most files have it."""
    stream = io.BytesIO()
    to_pil(picture).save(stream, "JPEG", quality=quality, subsampling=2)
    return to_float(np.asarray(Image.open(stream)))


def rounded(picture: Tensor) -> Tensor:
    """Clipped to [0, 1] and rounded to 8 bits."""
    return (picture.clamp(0, 1) * 255).round() / 255


def to_pil(picture: Tensor) -> Image.Image:
    """(3, H, W) in [0, 1] -> RGB."""
    return Image.fromarray((picture.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy())


def to_float(pixels: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 -> (3, H, W) in [0, 1]."""
    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1).float() / 255


def _between(bounds: tuple[float, float], share: float) -> float:
    return bounds[0] + (bounds[1] - bounds[0]) * share
