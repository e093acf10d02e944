"""Colour conversions against scikit-image, and the promise that luminance stays."""

import numpy as np
import pytest
import torch
from skimage import color as reference

from pipelines.color import (
    grey_of,
    grey_to_lightness,
    lab_to_rgb,
    linear_to_srgb,
    luminance,
    rgb_to_lab,
    srgb_to_linear,
)


@pytest.fixture
def rgb() -> torch.Tensor:
    return torch.rand(2, 3, 32, 32, generator=torch.manual_seed(0), dtype=torch.float64)


def test_lab_agrees_with_scikit_image(rgb):
    expected = reference.rgb2lab(rgb.permute(0, 2, 3, 1).numpy())
    assert np.abs(rgb_to_lab(rgb).permute(0, 2, 3, 1).numpy() - expected).max() < 0.02  # their white has 5 digits


def test_lab_and_back_is_the_identity_inside_srgb(rgb):
    torch.testing.assert_close(lab_to_rgb(rgb_to_lab(rgb)), rgb, atol=1e-6, rtol=0)


def test_white_grey_and_black():
    greys = torch.linspace(0, 1, 11, dtype=torch.float64).view(11, 1, 1, 1)
    lab = rgb_to_lab(greys.expand(-1, 3, -1, -1))
    assert lab[0, 0].item() == pytest.approx(0, abs=1e-9) and lab[-1, 0].item() == pytest.approx(100)
    assert lab[:, 1:].abs().max() < 1e-6
    torch.testing.assert_close(lab[:, :1], grey_to_lightness(greys))


def test_transfer_curve_is_invertible():
    x = torch.linspace(0, 1, 1001, dtype=torch.float64)
    torch.testing.assert_close(linear_to_srgb(srgb_to_linear(x)), x, atol=1e-6, rtol=0)
    assert srgb_to_linear(torch.tensor(0.5)).item() == pytest.approx(0.21404, abs=1e-5)


def test_colours_outside_srgb_keep_their_luminance_and_hue_direction():
    """Whatever chroma is asked for, L* is what was asked for, and the result lies in [0, 1]."""
    lab = torch.rand(1, 3, 64, 64, generator=torch.manual_seed(1), dtype=torch.float64)
    lab = torch.cat([lab[:, :1] * 100, lab[:, 1:] * 300 - 150], dim=1)
    rgb = lab_to_rgb(lab)
    assert rgb.min() >= 0 and rgb.max() <= 1
    torch.testing.assert_close(rgb_to_lab(rgb)[:, :1], lab[:, :1], atol=1e-4, rtol=0)


def test_grey_has_the_luminance_of_the_colour(rgb):
    torch.testing.assert_close(luminance(grey_of(rgb).expand(-1, 3, -1, -1)), luminance(rgb), atol=1e-6, rtol=0)


def test_conversions_pass_gradients_everywhere():
    """Black, white and colours outside sRGB are where a root or a division could give NaN."""
    lab = torch.tensor([[0.0, 0, 0], [100, 0, 0], [0, 90, -90], [50, 127, 127], [100, -50, 50]]).view(5, 3, 1, 1)
    lab.requires_grad_()
    lab_to_rgb(lab).sum().backward()
    assert lab.grad.isfinite().all()
