"""Colour measures against closed forms."""

import math

import numpy as np
import pytest
import torch
from skimage.color import deltaE_ciede2000, lab2rgb

import torchvision_guard  # noqa: F401
from evaluation.colour import chroma_spread, ciede2000, colour_measures, colour_validation, colourfulness, mean_chroma
from evaluation.perceptual import lpips_network


def lab_picture(lab: np.ndarray) -> torch.Tensor:
    """(H, W, 3) CIELAB -> (1, 3, H, W) sRGB in [0, 1]."""
    return torch.from_numpy(lab2rgb(lab)).permute(2, 0, 1)[None].float()


def flat(lightness: float, a: float, b: float, side: int = 32) -> torch.Tensor:
    return lab_picture(np.broadcast_to(np.array([lightness, a, b], dtype=np.float64), (side, side, 3)).copy())


def test_a_flat_tint_has_chroma_and_no_spread():
    tint = flat(60, 12, 16)
    assert mean_chroma(tint).item() == pytest.approx(20, abs=0.01)
    assert chroma_spread(tint).item() == pytest.approx(0, abs=1e-3)


def test_spread_of_two_halves():
    lab = np.zeros((16, 16, 3))
    lab[..., 0], lab[:8, :, 1], lab[8:, :, 1], lab[..., 2] = 60, 10, -10, 5
    picture = lab_picture(lab)
    assert chroma_spread(picture).item() == pytest.approx(10, abs=0.02)  # sqrt(10^2 + 0)
    assert mean_chroma(picture).item() == pytest.approx(math.hypot(10, 5), abs=0.02)


def test_grey_has_no_colour_at_all():
    grey = torch.rand(2, 1, 16, 16).expand(-1, 3, -1, -1)
    for measure in (colourfulness, mean_chroma, chroma_spread):
        assert measure(grey).abs().max() < 0.01


def test_colourfulness_closed_forms():
    """One flat colour leaves 0.3 sqrt(rg^2 + yb^2); half red, half blue adds the deviations."""
    red, blue = torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 0, 1])
    flat_red = red.view(1, 3, 1, 1).expand(1, 3, 8, 8)
    assert colourfulness(flat_red).item() == pytest.approx(0.3 * math.hypot(255, 127.5))
    halves = torch.cat([flat_red[:, :, :4], blue.view(1, 3, 1, 1).expand(1, 3, 4, 8)], dim=2)
    deviation, mean = math.hypot(127.5, 191.25), math.hypot(127.5, -63.75)
    assert colourfulness(halves).item() == pytest.approx(deviation + 0.3 * mean)


def test_ciede2000_published_pair():
    """Two pairs of Sharma, Wu and Dalal (2005), table 1, which every implementation is checked with."""
    pairs = [([50, 2.6772, -79.7751], [50, 0, -82.7485], 2.0425), ([50, 2.5, 0], [73, 25, -18], 27.1492)]
    for first, second, expected in pairs:
        assert deltaE_ciede2000(np.array(first), np.array(second)) == pytest.approx(expected, abs=1e-4)
    real, output = flat(50, 2.5, 0), flat(61, -5, 29)  # 22.8977 there
    assert ciede2000(real, output).item() == pytest.approx(22.8977, abs=0.02)
    assert ciede2000(real, real).item() == 0


def test_measures_together_equal_measures_alone():
    torch.manual_seed(0)
    real, output = torch.rand(3, 3, 24, 24), torch.rand(3, 3, 24, 24)
    together = colour_measures(real, output)
    assert torch.allclose(together["chroma"], mean_chroma(output))
    assert torch.allclose(together["real_spread"], chroma_spread(real))
    assert torch.allclose(together["ciede2000"], ciede2000(real, output))
    assert together["colourfulness"].shape == (3,)


def test_validation_of_perfect_and_of_grey_output():
    lpips = lpips_network("alex")
    real = torch.rand(9, 3, 64, 64, generator=torch.manual_seed(1))
    perfect = colour_validation(real, real, lpips)
    assert perfect["lpips"] == 0 and perfect["ciede2000"] == 0
    assert perfect["chroma_ratio"] == pytest.approx(1) and perfect["spread_ratio"] == pytest.approx(1)
    grey = colour_validation(real, real.mean(1, keepdim=True).expand_as(real), lpips)
    assert grey["chroma_ratio"] < 0.01 and grey["spread_ratio"] < 0.01 and grey["lpips"] > 0.01


def test_wrong_shape_is_named():
    with pytest.raises(ValueError, match=r"\(N, 3, H, W\), got \(3, 8, 8\)"):
        mean_chroma(torch.rand(3, 8, 8))
