"""Losses: closed forms, invariants, errors."""

import math

import pytest
import torch

from pipelines.landscape_colorizer.losses import (
    absolute_error_loss,
    chroma_cross_entropy,
    chroma_loss,
    encode_chroma,
    gradient_penalty,
    hinge_discriminator_loss,
    hinge_generator_loss,
    least_squares_loss,
    moment_loss,
    nearest_bins,
    rebalancing_weights,
    spread_loss,
    squared_error_loss,
)


def test_least_squares():
    logits = torch.tensor([[[0.0, 1.0]], [[3.0, 3.0]]])
    assert least_squares_loss(logits, 1.0).tolist() == [0.5, 4.0]
    assert least_squares_loss(logits, 0.0).tolist() == [0.5, 9.0]


def test_pixel_losses():
    output, target = torch.zeros(2, 3, 4, 4), torch.ones(2, 3, 4, 4) * torch.tensor([1.0, -3.0]).view(2, 1, 1, 1)
    assert absolute_error_loss(output, target).tolist() == [1.0, 3.0]
    assert squared_error_loss(output, target).tolist() == [1.0, 9.0]


def test_hinge():
    real, fake = torch.tensor([[2.0, 0.0]]), torch.tensor([[-2.0, 1.0]])
    assert hinge_discriminator_loss(real, fake).item() == pytest.approx(0.5 + 1.0)
    assert hinge_generator_loss(fake).item() == pytest.approx(0.5)
    sure = torch.full((3, 4), 5.0)
    assert hinge_discriminator_loss(sure, -sure).tolist() == [0, 0, 0]  # beyond the margin nothing is to be gained


def test_huber():
    chroma = torch.tensor([0.05, 1.0]).view(2, 1, 1, 1).expand(2, 2, 3, 3)
    loss = chroma_loss(chroma, torch.zeros(2, 2, 3, 3), beta=0.1)
    assert loss.tolist() == pytest.approx([0.05**2 / 0.2, 1 - 0.05])


def checker(amplitude: float) -> torch.Tensor:
    """a = +-amplitude in equal shares, b = 0: mean 0, variance amplitude^2."""
    a = torch.ones(4, 4)
    a[::2] = -1
    return torch.stack([a * amplitude, torch.zeros(4, 4)])[None]


def test_spread_is_a_ratio():
    loss = spread_loss(checker(3.0), checker(7.0))
    assert loss.item() == pytest.approx(0.5 * math.log((1 + 49) / (1 + 9)), rel=1e-6)
    tint = torch.full((1, 2, 4, 4), 30.0)
    assert spread_loss(tint, checker(7.0)).item() == pytest.approx(0.5 * math.log(50))  # a tint has no spread
    assert spread_loss(checker(5.0) + 20, checker(5.0)).item() == pytest.approx(0, abs=1e-5)  # whatever its colour


def test_moment_is_a_difference_of_strengths():
    weak, strong = torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 4, 4)
    weak[:, 0], strong[:, 1] = 0.0, math.sqrt(21**2 - 1)
    assert moment_loss(weak, strong).item() == pytest.approx(1.0)
    assert moment_loss(strong, -strong).item() == 0  # strength, not hue


def test_values_are_per_image():
    first, second = torch.rand(2, 2, 8, 8) * 50, torch.rand(2, 2, 8, 8) * 50
    for loss in (absolute_error_loss, squared_error_loss, spread_loss, moment_loss):
        together = loss(first, second)
        alone = torch.cat([loss(first[i : i + 1], second[i : i + 1]) for i in range(2)])
        torch.testing.assert_close(together, alone)


def test_gradients_are_finite_at_grey():
    """No root or logarithm may meet a zero: a grey output against a grey target is where training starts."""
    chroma = torch.zeros(1, 2, 8, 8, requires_grad=True)
    (
        spread_loss(chroma, torch.zeros(1, 2, 8, 8)) + moment_loss(chroma, checker(5.0).repeat(1, 1, 2, 2))
    ).sum().backward()
    assert chroma.grad.isfinite().all()


def test_unequal_shapes_are_refused():
    for loss in (absolute_error_loss, squared_error_loss, spread_loss, moment_loss):
        with pytest.raises(ValueError, match="one shape"):
            loss(torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 4, 5))


def test_gradient_penalty_of_a_linear_map():
    """D(x) = slope x, averaged over n pixels: the squared norm of the gradient is n (slope / n)^2."""
    images = torch.rand(2, 3, 4, 4, requires_grad=True)
    slope = torch.tensor([2.0, 5.0], requires_grad=True)
    penalty = gradient_penalty(images, images * slope.view(2, 1, 1, 1))
    assert penalty.tolist() == pytest.approx([4 / 48, 25 / 48])
    penalty.sum().backward()
    assert slope.grad.tolist() == pytest.approx([4 / 48, 10 / 48])  # twice differentiable, as D's training needs


def test_gradient_penalty_needs_a_path():
    images = torch.rand(1, 3, 4, 4, requires_grad=True)
    with pytest.raises(ValueError, match="requires_grad"):
        gradient_penalty(images.detach(), images.sum((1, 2, 3)))
    with pytest.raises(ValueError, match="these very images"):
        gradient_penalty(images, torch.rand(1, 1, 2, 2, requires_grad=True))


def grid(step: float = 10.0, cells: int = 3) -> torch.Tensor:
    """(cells^2, 2): a, b from 0 in steps, b running fastest."""
    line = torch.arange(cells) * step
    return torch.cartesian_prod(line, line)


def test_soft_encoding():
    """Half way between two bins both get the same; on a bin, its neighbour at distance d gets exp(-d^2 / 2 sigma^2)."""
    colours = torch.tensor([[0.0, 5.0], [10.0, 10.0]]).view(2, 2, 1, 1)
    encoded = encode_chroma(colours, grid(), neighbours=2).flatten(1)
    assert encoded[0].tolist() == pytest.approx([0.5, 0.5] + [0] * 7)
    far = math.exp(-(10**2) / (2 * 5**2))
    assert encoded[1].max().item() == encoded[1, 4].item() == pytest.approx(1 / (1 + far))
    assert encoded[1].sort().values[-2].item() == pytest.approx(far / (1 + far))


def test_soft_encoding_against_all_distances():
    """More pixels than are looked at in one go, against a plain reading of the definition."""
    torch.manual_seed(0)
    colours, bins = torch.rand(1, 2, 80, 60) * 20, grid()
    distances = (colours.permute(0, 2, 3, 1)[..., None, :] - bins).square().sum(-1)  # (1, 80, 60, 9)
    kernel = (-distances / 50).exp()
    kernel[distances > distances.sort(-1).values[..., 4:5]] = 0
    expected = (kernel / kernel.sum(-1, keepdim=True)).permute(0, 3, 1, 2)
    torch.testing.assert_close(encode_chroma(colours, bins), expected)


def test_cross_entropy_is_that_of_the_whole_encoding():
    torch.manual_seed(0)
    bins, target, logits = grid(), torch.rand(2, 2, 6, 5) * 20, torch.randn(2, 9, 6, 5)
    weights = rebalancing_weights(torch.arange(1.0, 10.0))
    whole = -(encode_chroma(target, bins) * logits.log_softmax(1)).sum(1)
    expected = (weights[nearest_bins(target, bins)[0][:, 0]] * whole).mean((1, 2))
    torch.testing.assert_close(chroma_cross_entropy(logits, target, bins, weights), expected)
    flat = chroma_cross_entropy(torch.zeros(2, 9, 6, 5), target, bins, torch.ones(9))
    assert flat.tolist() == pytest.approx([math.log(9)] * 2)  # knowing nothing costs log Q


def test_cross_entropy_is_least_at_the_encoding():
    torch.manual_seed(0)
    bins, target = grid(), torch.rand(1, 2, 4, 4) * 20
    logits = (encode_chroma(target, bins, neighbours=9) + 1e-12).log().requires_grad_()
    chroma_cross_entropy(logits, target, bins, torch.ones(9), neighbours=9).sum().backward()
    assert logits.grad.abs().max() < 1e-6


def test_rebalancing():
    """Two classes, seen 3:1, half uniform: 1 / 0.625 and 1 / 0.375, scaled to a mean of 1 over pixels."""
    scale = 0.75 / 0.625 + 0.25 / 0.375
    weights = rebalancing_weights(torch.tensor([30.0, 10.0]))
    assert weights.tolist() == pytest.approx([1 / 0.625 / scale, 1 / 0.375 / scale])
    assert rebalancing_weights(torch.tensor([30.0, 0.0]), uniform=1.0).tolist() == [1, 1]


def test_misused_classes_are_refused():
    bins, target = grid(), torch.zeros(1, 2, 4, 4)
    with pytest.raises(ValueError, match=r"bins \(Q, 2\)"):
        encode_chroma(torch.zeros(1, 3, 4, 4), bins)
    with pytest.raises(ValueError, match=r"neighbours must be in \[1, 9\]"):
        encode_chroma(target, bins, neighbours=10)
    with pytest.raises(ValueError, match="sigma above 0"):
        encode_chroma(target, bins, sigma=0.0)
    with pytest.raises(ValueError, match=r"Logits must be \(1, 9, 4, 4\)"):
        chroma_cross_entropy(torch.zeros(1, 9, 2, 2), target, bins, torch.ones(9))
    with pytest.raises(ValueError, match="uniform in"):
        rebalancing_weights(torch.zeros(9))
