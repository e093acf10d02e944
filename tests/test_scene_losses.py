"""Losses of the paper's scene translation: SSIM against two libraries, closed forms, gradients, errors."""

import math

import pytest
import torch
from skimage.metrics import structural_similarity
from torchmetrics.functional.image import structural_similarity_index_measure

from pipelines.scene_translator.losses import ssim, ssim_loss

SIZES = [(11, 11), (12, 40), (64, 48), (33, 77)]


def pictures(size: tuple[int, int], seed: int = 0, count: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    """Smooth pictures in [-1, 1] and what differs from them in strength, contrast and grain, each more."""
    rng = torch.Generator().manual_seed(seed)
    small = torch.rand(count, 3, 6, 6, generator=rng) * 2 - 1
    x = torch.nn.functional.interpolate(small, size, mode="bicubic").clamp(-1, 1)
    amounts = torch.arange(count).view(-1, 1, 1, 1) / count
    noise = torch.randn(x.shape, generator=rng)
    return x, (x * (1 - amounts / 2) + amounts * (0.3 + noise * 0.5)).clamp(-1, 1)


@pytest.mark.parametrize("size", SIZES)
def test_ssim_against_torchmetrics(size):
    """At the places whose window lies inside: it counts the others too, over reflected borders."""
    x, y = pictures(size)
    options = {"sigma": 1.5, "kernel_size": 11, "data_range": 2.0, "k1": 0.01, "k2": 0.03}
    _, places = structural_similarity_index_measure(
        y.double(), x.double(), reduction="none", return_full_image=True, **options
    )
    expected = places[..., 5:-5, 5:-5].flatten(1).mean(1)
    found = ssim(x, y)
    assert (found - expected).abs().max() < 1e-5
    assert found.min() < 0.7 < found.max(), "there is something to compare"


@pytest.mark.parametrize("size", SIZES)
def test_ssim_against_scikit_image(size):
    """With the settings that its documentation gives for Wang et al.; the same places count."""
    for x, y, value in zip(*pictures(size, seed=1), ssim(*pictures(size, seed=1)), strict=True):
        arrays = [picture.double().numpy() for picture in (x, y)]
        expected = structural_similarity(
            *arrays, channel_axis=0, data_range=2.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        assert abs(value.item() - expected) < 1e-5


def test_ssim_of_flat_pictures():
    """Without structure the luminance term remains: (2 a b + c1) / (a^2 + b^2 + c1), c1 = (0.01 * 2)^2."""
    a, b = 0.5, -0.2
    x, y = torch.full((1, 3, 16, 16), a), torch.full((1, 3, 16, 16), b)
    assert ssim(x, y).item() == pytest.approx((2 * a * b + 0.0004) / (a * a + b * b + 0.0004), abs=1e-5)
    assert ssim(x, y, span=1.0).item() == pytest.approx((2 * a * b + 0.0001) / (a * a + b * b + 0.0001), abs=1e-5)


def test_ssim_of_opposites():
    """Structure of mean nearly 0, turned around: -s^2 against s^2 in every window, so SSIM is near -1."""
    rows = torch.tensor([1.0, -1.0]).repeat(16).view(1, 1, 32, 1).expand(1, 3, 32, 32)
    assert ssim(rows, -rows).item() == pytest.approx(-(2 - 0.0036) / (2 + 0.0036), abs=1e-3)
    assert ssim_loss(rows, -rows).item() == pytest.approx(2, abs=0.01)


def test_ssim_is_symmetric_bounded_and_per_image():
    x, y = pictures((32, 32))
    values = ssim(x, y)
    torch.testing.assert_close(values, ssim(y, x))
    torch.testing.assert_close(ssim(x, x), torch.ones(4))
    torch.testing.assert_close(ssim_loss(x, y), 1 - values)
    alone = torch.cat([ssim(x[i : i + 1], y[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(values, alone)
    assert values.shape == (4,) and (values.diff() < 0).all(), "the more it differs, the less"


def test_only_whole_windows_count():
    """A change in a corner of a picture of one window has the weight of the window's corner: next to none."""
    x = torch.zeros(1, 1, 11, 11)
    corner, centre = x.clone(), x.clone()
    corner[..., 0, 0], centre[..., 5, 5] = 1.0, 1.0
    weight = math.exp(-2 * 25 / (2 * 1.5**2)) / sum(math.exp(-(i**2) / 4.5) for i in range(-5, 6)) ** 2
    variance = weight - weight**2
    expected = 0.0004 / (weight**2 + 0.0004) * 0.0036 / (variance + 0.0036)
    assert ssim(x, corner).item() == pytest.approx(expected, abs=1e-5) and expected > 0.99
    assert ssim(x, centre).item() < 0.1


@pytest.mark.parametrize("kind", ["equal", "flat", "noise"])
def test_gradients_are_finite(kind):
    x, y = pictures((24, 24))
    target = {"equal": x, "flat": torch.zeros_like(x), "noise": y}[kind]
    output = x.clone() if kind != "flat" else torch.zeros_like(x)
    output.requires_grad_()
    ssim_loss(output, target).sum().backward()
    assert output.grad.isfinite().all()
    assert (output.grad.abs().max() > 1e-4) == (kind == "noise")


def test_the_gradient_is_that_of_finite_differences():
    x, y = (picture[:1, :, :12, :12] for picture in pictures((12, 12), seed=3, count=2))
    output = y.clone().requires_grad_()
    ssim_loss(output, x).sum().backward()
    step, direction = 1e-2, torch.randn(y.shape, generator=torch.Generator().manual_seed(0))
    up, down = (ssim_loss(y + sign * step * direction, x).item() for sign in (1, -1))
    assert (up - down) / (2 * step) == pytest.approx((output.grad * direction).sum().item(), rel=0.02, abs=1e-3)


def test_autocast_changes_nothing():
    x, y = pictures((32, 32))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = ssim(x, y)
    assert inside.dtype == torch.float32 and torch.equal(inside, ssim(x, y))
    half = ssim(x.bfloat16(), y.bfloat16())
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, ssim(x.bfloat16().float(), y.bfloat16().float()))


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match="one shape"):
        ssim(torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 17))
    with pytest.raises(ValueError, match="at least 11, got 10x16"):
        ssim_loss(torch.zeros(1, 3, 16, 10), torch.zeros(1, 3, 16, 10))
