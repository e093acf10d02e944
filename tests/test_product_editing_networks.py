"""Degradations, masks and networks of the product studio's editing half: closed forms and invariants."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from editing_fixtures import drawn_products, shaken
from pipelines.product_studio.backdrops import backdrop, shadowed
from pipelines.product_studio.degradations import (
    DEGRADATIONS,
    TONE_CAST,
    TONE_CONTRAST,
    TONE_GAMMA,
    convolved,
    degraded,
    gaussian_kernel,
    halved,
    jpeg,
    motion_kernel,
    rounded,
    to_float,
)
from pipelines.product_studio.networks_enhancers import CutoutNetwork, Restorer, ToneCorrector, doubled
from pipelines.product_studio.white_masks import cut_from_white, unmixed, white_mask


def picture(seed: int = 0, height: int = 48, width: int = 48) -> torch.Tensor:
    smooth = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(smooth, (height, width), mode="bilinear")[0]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_degradations_are_seeded_and_round_to_8_bits(kind):
    first, again = degraded(kind, picture(), 3), degraded(kind, picture(), 3)
    assert torch.equal(first, again) and not torch.equal(first, degraded(kind, picture(), 4))
    assert first.min() >= 0 and first.max() <= 1
    assert torch.allclose(first * 255, (first * 255).round(), atol=1e-4)
    assert first.shape == ((3, 24, 24) if kind == "upscale" else (3, 48, 48))


@pytest.mark.parametrize("kind", ["denoise", "deblur", "tone"])
def test_some_training_pictures_stay_as_they_are_and_no_measured_one_does(kind):
    whole = rounded(picture())
    drawn = [torch.equal(DEGRADATIONS[kind](whole, rng(seed)), whole) for seed in range(100)]
    assert 2 <= sum(drawn) <= 20  # 8 of 100 are expected
    assert not any(torch.equal(degraded(kind, whole, seed), whole) for seed in range(100))


def test_an_unknown_degradation_is_an_error():
    with pytest.raises(ValueError, match="denoise, deblur, tone, upscale, got 'cutout'"):
        degraded("cutout", picture(), 0)


def test_noise_has_the_deviation_that_is_stated():
    grey = torch.full((3, 64, 64), 0.5)
    found = [float((degraded("denoise", grey, seed) - grey).std()) * 255 for seed in range(60)]
    assert 0 < min(found) < 8 and 20 < max(found) < 36


@pytest.mark.parametrize("sigma", [0.6, 1.4, 2.2])
def test_blur_kernels_have_their_sum_and_spread(sigma):
    kernel = gaussian_kernel(sigma)
    places = torch.arange(len(kernel)) - len(kernel) // 2
    assert kernel.sum().item() == pytest.approx(1, abs=1e-5)
    assert (kernel.sum(0) * places**2).sum().sqrt().item() == pytest.approx(sigma, rel=0.06)


@pytest.mark.parametrize("angle", [0.0, 0.7, math.pi / 2])
def test_motion_kernels_are_lines_of_their_length(angle):
    kernel = motion_kernel(9.0, angle)
    places = torch.arange(len(kernel)) - len(kernel) // 2
    rows, columns = (kernel.sum(1) * places**2).sum(), (kernel.sum(0) * places**2).sum()
    assert kernel.sum().item() == pytest.approx(1, abs=1e-5)
    assert float(rows + columns) == pytest.approx(9**2 / 12, rel=0.25)  # variance of a uniform line
    assert float(torch.atan2(rows.sqrt(), columns.sqrt())) == pytest.approx(angle, abs=0.2)


def test_convolution_keeps_flat_pictures_and_moves_nothing():
    flat = torch.full((3, 20, 24), 0.3)
    assert torch.allclose(convolved(flat, gaussian_kernel(2.0)), flat, atol=1e-5)
    point = torch.zeros(3, 31, 31)
    point[:, 15, 15] = 1
    assert torch.allclose(convolved(point, motion_kernel(5, 0.4))[0, 11:20, 11:20], motion_kernel(5, 0.4), atol=1e-6)


def test_halving_wants_even_sides_and_keeps_a_flat_picture():
    with pytest.raises(ValueError, match="even sides can be halved, got 24x21"):
        halved(picture(0, 21, 24), rng())
    assert torch.equal(halved(torch.ones(3, 20, 24), rng(1)), torch.ones(3, 10, 12))


def test_jpeg_harms_more_at_lower_quality():
    whole = picture(2) + 0.1 * torch.rand(3, 48, 48, generator=rng(5))
    errors = [float((jpeg(whole, quality) - whole.clamp(0, 1)).square().mean()) for quality in (95, 60, 20)]
    assert errors[0] < errors[1] < errors[2]


def test_the_tone_network_can_undo_the_wrong_tone_exactly():
    """y = g_c (k x^e + (1 - k) p): gains 1 / (g_c k), offsets -(1 - k) p / k, exponent 1 / e."""
    levels = picture(3) * 0.9 + 0.05
    exponent, contrast, pivot = math.exp(TONE_GAMMA), TONE_CONTRAST[0], 0.5
    cast = torch.exp(torch.tensor([0.0, -TONE_CAST, -2 * TONE_CAST])).view(3, 1, 1)
    wrong = (contrast * levels.pow(exponent) + (1 - contrast) * pivot) * cast
    gains = -(cast.flatten() * contrast).log()
    plan = torch.cat([gains, torch.full((3,), -(1 - contrast) * pivot / contrast), torch.tensor([-TONE_GAMMA])])
    back = ToneCorrector.corrected(wrong[None] * 2 - 1, plan[None])
    assert torch.allclose((back[0] + 1) / 2, levels, atol=2e-3)
    # And the ranges of a plan reach that far.
    reach = torch.tensor([1.5] * 3 + [1.0] * 3 + [0.7])
    assert (plan.abs() < reach).all()


def test_tone_starts_as_no_change_and_ignores_size():
    network, wide = ToneCorrector(width=8), picture(1, 100, 140)[None] * 2 - 1
    assert torch.allclose(network(wide), wide.clamp(-1 + 2e-4, 1), atol=1e-5)
    shaken(network, amount=0.2)
    small = F.interpolate(wide, (50, 70), mode="bilinear", antialias=True)
    assert network.plan(wide).abs().max() > 0.01
    assert torch.allclose(network.plan(wide), network.plan(small), atol=0.05)


@pytest.mark.parametrize("kind", ["denoise", "deblur", "upscale"])
def test_restorers_start_as_the_input_and_see_no_further_than_they_say(kind):
    network, image = Restorer(kind, width=8, blocks=2).eval(), picture(4)[None] * 2 - 1
    expected = doubled(image) if kind == "upscale" else image
    assert torch.equal(network(image), expected)
    shaken(network, amount=0.2)
    other = image.clone()
    other[:, :, 24, 24] += 1
    with torch.no_grad():
        changed = (network(other) - network(image)).abs().amax((0, 1)) > 1e-6
    rows = changed.any(1).nonzero().flatten() // network.scale
    reach = max(int(rows.max()) - 24, 24 - int(rows.min()))
    assert 4 <= reach < network.field + network.multiple  # in whole blocks; and it does look around itself


def test_a_restorer_of_another_kind_is_an_error():
    with pytest.raises(ValueError, match='"denoise", "deblur" or "upscale", got \'shrink\''):
        Restorer("shrink")


def test_the_cutout_gives_a_logit_a_pixel_at_any_multiple():
    network = shaken(CutoutNetwork(width=8))
    for height, width in ((32, 32), (48, 16 * 5)):
        assert network(torch.zeros(2, 3, height, width)).shape == (2, 1, height, width)


def test_the_mask_of_a_picture_on_white():
    pixels = np.full((40, 40, 3), 255, np.uint8)
    pixels[8:32, 8:32] = (200, 30, 30)
    pixels[8, 8:32] = 243  # nearly white: its outermost pixels count in part
    pixels[14:20, 14:20] = 255  # seen through a handle
    pixels[25:27, 25:27] = 255  # a highlight
    mask = white_mask(pixels)
    assert mask.dtype == np.float32 and mask[0, 0] == 0 and mask[30, 12] == 1
    assert mask[16, 16] == 0 and mask[25, 25] == 1
    assert mask[8, 20] == pytest.approx(0.5)
    assert np.array_equal(white_mask(np.full((9, 9, 3), 255, np.uint8)), np.zeros((9, 9)))


def test_unmixing_takes_the_white_out():
    product, mask = np.array([0.5, 0.1, 0.2]), np.array([[1.0, 0.5, 0.25]])
    mixed = (product * mask[..., None] + 1 - mask[..., None]) * 255
    found = unmixed(mixed.round().astype(np.uint8), mask)
    assert np.allclose(found, product, atol=0.01)


def test_a_cut_product_on_white_is_the_picture():
    for pixels in drawn_products(4):
        cut = cut_from_white(pixels)
        share = cut[..., 3:] / 255
        back = cut[..., :3] * share + 255 * (1 - share)
        assert 0.03 < share.mean() < 0.8
        assert np.abs(back - pixels).max() <= 12  # what lies between white and the background's bound


def test_backdrops_are_seeded_and_all_kinds_come():
    painting = [np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)]
    seen = [backdrop(rng(seed), 32, painting) for seed in range(40)]
    assert all(one.shape == (3, 32, 32) and one.min() >= 0 and one.max() <= 1 for one in seen)
    assert torch.equal(seen[3], backdrop(rng(3), 32, painting))
    flat = [float(one.flatten(1).std(1).max()) < 1e-6 for one in seen]
    assert any(flat) and not all(flat)


def test_shadows_only_darken():
    mask = torch.zeros(1, 32, 32)
    mask[:, 10:20, 10:20] = 1
    light = torch.full((3, 32, 32), 0.8)
    found = [shadowed(light, mask, rng(seed)) for seed in range(20)]
    assert all((one <= light + 1e-6).all() for one in found)
    assert 4 <= sum(torch.equal(one, light) for one in found) <= 16


def test_pictures_and_tensors_are_one():
    pixels = drawn_products(1)[0]
    assert np.array_equal((to_float(pixels).permute(1, 2, 0) * 255).round().byte().numpy(), pixels)
