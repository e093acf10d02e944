"""sRGB and CIELAB on tensors, and the one definition of luminance that every part of the project keeps.

Colours are (B, 3, H, W). sRGB is in [0, 1]; CIELAB (D65, 2 degree observer) has L in [0, 100] and a, b of about
[-110, 110]. Luminance is CIE relative luminance Y, of which L* is a function, so "keeps the luminance" and
"keeps L*" say the same. Source: IEC 61966-2-1 and CIE 015:2018.
"""

import torch
from torch import Tensor

# Linear sRGB -> XYZ, each row divided by the white point, so that white is (1, 1, 1).
_TO_XYZ = torch.tensor(
    [
        [0.4124564 / 0.95047, 0.3575761 / 0.95047, 0.1804375 / 0.95047],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339 / 1.08883, 0.1191920 / 1.08883, 0.9503041 / 1.08883],
    ],
    dtype=torch.float64,
)
_TO_XYZ /= _TO_XYZ.sum(1, keepdim=True)  # the published digits sum to 1 only to seven places
_FROM_XYZ = torch.linalg.inv(_TO_XYZ)
_EPSILON, _KAPPA = 216 / 24389, 24389 / 27


def srgb_to_linear(srgb: Tensor) -> Tensor:
    """Undo the sRGB transfer curve; any shape, [0, 1] -> [0, 1]."""
    return torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(linear: Tensor) -> Tensor:
    """Apply the sRGB transfer curve; any shape, [0, 1] -> [0, 1]."""
    return torch.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055)


def _mix(matrix: Tensor, image: Tensor) -> Tensor:
    return torch.einsum("ij,bjhw->bihw", matrix.to(image), image)


def _lightness(y: Tensor) -> Tensor:
    """The CIE cube root f, scaled so that L* = 116 f - 16; Y in [0, 1]."""
    return torch.where(y > _EPSILON, y.clamp_min(_EPSILON) ** (1 / 3), (_KAPPA * y + 16) / 116)


def _inverse_lightness(f: Tensor) -> Tensor:
    return torch.where(f > 6 / 29, f**3, (116 * f - 16) / _KAPPA)


def luminance(rgb: Tensor) -> Tensor:
    """CIE relative luminance Y of sRGB; (B, 3, H, W) in [0, 1] -> (B, 1, H, W) in [0, 1]."""
    return _mix(_TO_XYZ[1:2], srgb_to_linear(rgb)).clamp(0, 1)


def grey_of(rgb: Tensor) -> Tensor:
    """The sRGB grey of the same L*: (B, 3, H, W) in [0, 1] -> (B, 1, H, W) in [0, 1]."""
    return linear_to_srgb(luminance(rgb))


def grey_to_lightness(grey: Tensor) -> Tensor:
    """L* of a grey sRGB value; any shape, [0, 1] -> [0, 100]."""
    return 116 * _lightness(srgb_to_linear(grey)) - 16


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """sRGB in [0, 1] -> CIELAB; (B, 3, H, W) both."""
    fx, fy, fz = _lightness(_mix(_TO_XYZ, srgb_to_linear(rgb))).unbind(1)
    return torch.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], dim=1)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """CIELAB -> sRGB in [0, 1], of exactly the L* given; (B, 3, H, W) both.

    A colour that sRGB cannot show is drawn toward grey along a straight line in linear RGB. Luminance is
    linear there, so every point of the line has the Y asked for; the nearest one inside the cube is taken.
    Clipping each channel would change the luminance by up to 10 L* in strong blues and greens.
    """
    lightness, a, b = lab.unbind(1)
    fy = (lightness.clamp(0, 100) + 16) / 116
    xyz = _inverse_lightness(torch.stack([fy + a / 500, fy, fy - b / 200], dim=1))
    y = xyz[:, 1:2].clamp(0, 1)
    offset = _mix(_FROM_XYZ, xyz) - y
    # Largest t in [0, 1] with 0 <= y + t * offset <= 1 in every channel.
    room = torch.where(offset > 0, 1 - y, y)
    t = (room / offset.abs().clamp_min(1e-6)).amin(1, keepdim=True).clamp(0, 1)
    return linear_to_srgb((y + t * offset).clamp(0, 1))


def srgb_gap(lab: Tensor) -> Tensor:
    """How far a CIELAB colour lies outside linear sRGB, 0 if inside: the most that a channel is below 0 or above 1.

    (B, 3, H, W) -> (B, 1, H, W).
    """
    lightness, a, b = lab.unbind(1)
    fy = (lightness + 16) / 116
    linear = _mix(_FROM_XYZ, _inverse_lightness(torch.stack([fy + a / 500, fy, fy - b / 200], dim=1)))
    return torch.maximum(-linear, linear - 1).amax(1, keepdim=True).clamp_min(0)
