"""Losses that methods share: closed forms, one value for each picture, errors."""

import pytest
import torch

from pipelines.gan_losses import (
    absolute_error_loss,
    hinge_discriminator_loss,
    hinge_generator_loss,
    least_squares_loss,
)


def test_least_squares():
    logits = torch.tensor([[[0.0, 1.0]], [[3.0, 3.0]]])
    assert least_squares_loss(logits, 1.0).tolist() == [0.5, 4.0]
    assert least_squares_loss(logits, 0.0).tolist() == [0.5, 9.0]
    assert least_squares_loss(torch.tensor([[2.0], [-1.0]]), 1.0).tolist() == [1.0, 4.0]  # scores instead of maps


def test_absolute_error():
    output, target = torch.zeros(2, 3, 4, 4), torch.ones(2, 3, 4, 4) * torch.tensor([1.0, -3.0]).view(2, 1, 1, 1)
    assert absolute_error_loss(output, target).tolist() == [1.0, 3.0]
    assert absolute_error_loss(target, target).tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="one shape"):
        absolute_error_loss(torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 4, 5))


def test_hinge():
    real, fake = torch.tensor([[2.0, 0.0]]), torch.tensor([[-2.0, 1.0]])
    assert hinge_discriminator_loss(real, fake).item() == pytest.approx(0.5 + 1.0)
    assert hinge_generator_loss(fake).item() == pytest.approx(0.5)
    sure = torch.full((3, 4), 5.0)
    assert hinge_discriminator_loss(sure, -sure).tolist() == [0, 0, 0]  # beyond the margin nothing is to be gained


def test_values_are_per_image():
    first, second = torch.randn(2, 3, 1, 8, 8)
    for loss in (absolute_error_loss, hinge_discriminator_loss, lambda real, _: least_squares_loss(real, 1.0)):
        together = loss(first, second)
        alone = torch.cat([loss(first[i : i + 1], second[i : i + 1]) for i in range(3)])
        assert together.shape == (3,)
        torch.testing.assert_close(together, alone)
