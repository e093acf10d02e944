"""Losses of the colorizer alone: closed forms, invariants, errors."""

import math

import pytest
import torch

from pipelines.landscape_colorizer.losses import chroma_loss, moment_loss, spread_loss, squared_error_loss


def test_squared_error():
    output, target = torch.zeros(2, 3, 4, 4), torch.ones(2, 3, 4, 4) * torch.tensor([1.0, -3.0]).view(2, 1, 1, 1)
    assert squared_error_loss(output, target).tolist() == [1.0, 9.0]


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
    for loss in (squared_error_loss, spread_loss, moment_loss):
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
    for loss in (squared_error_loss, spread_loss, moment_loss):
        with pytest.raises(ValueError, match="one shape"):
            loss(torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 4, 5))


def grid(step: float = 10.0, cells: int = 3) -> torch.Tensor:
    """(cells^2, 2): a, b from 0 in steps, b running fastest."""
    line = torch.arange(cells) * step
    return torch.cartesian_prod(line, line)
