"""Losses of the paper's line art colorizer: closed forms, where they are least, gradients, errors."""

import math

import pytest
import torch

from pipelines.lineart_colorizer.losses import grey_version, guide_losses, style_class_loss, style_classes


def test_style_classes():
    """(6) in closed form: 2 / (1 + e^-v) - 1 = tanh(v / 2) above 0, and 0 below."""
    vector = torch.tensor([[-30.0, -1e-3, 0.0, 1.0, 4.0]])
    expected = torch.tensor([[0.0, 0.0, 0.0, math.tanh(0.5), math.tanh(2.0)]])
    torch.testing.assert_close(style_classes(vector), expected)
    classes = style_classes(torch.linspace(-5, 60, 400)[None].bfloat16())
    assert classes.dtype == torch.float32 and classes.min() == 0 and classes.max() <= 1
    assert (classes.diff() >= 0).all(), "more of a class stays more"


def test_class_loss_in_closed_form():
    """-t log p - (1 - t) log(1 - p), the mean over classes, for each picture."""
    logits, classes = torch.tensor([[0.0, 2.0], [-3.0, 1.0]]), torch.tensor([[0.3, 1.0], [0.0, 0.5]])
    p = 1 / (1 + torch.exp(-logits))
    expected = -(classes * p.log() + (1 - classes) * (1 - p).log()).mean(1)
    torch.testing.assert_close(style_class_loss(logits, classes), expected)
    plain = style_class_loss(torch.zeros(2, 5), torch.rand(2, 5))
    torch.testing.assert_close(plain, torch.full((2,), math.log(2)))  # undecided: one bit, whatever is wanted


def test_the_loss_is_least_where_d_says_the_classes():
    """What (5) was meant to ask for: its gradient vanishes at D(y) = norm(V(y)), and every other answer costs more."""
    torch.manual_seed(0)
    classes = style_classes(torch.rand(3, 40) * 4 + 0.1)
    logits = classes.logit().requires_grad_()
    least = style_class_loss(logits, classes)
    least.sum().backward()
    assert logits.grad.abs().max() < 1e-7
    for seed in range(5):
        other = logits.detach() + torch.randn(logits.shape, generator=torch.Generator().manual_seed(seed))
        assert (style_class_loss(other, classes) > least.detach()).all()
    entropy = -(classes * classes.log() + (1 - classes) * (1 - classes).log()).mean(1)
    torch.testing.assert_close(least.detach(), entropy)


def test_a_generated_picture_and_its_judge_want_opposite_things():
    """G's loss falls along the very way on which D's rises."""
    classes = style_classes(torch.tensor([[0.5, 2.0, 6.0]]))
    for_g, for_d = (torch.full((1, 3), -2.0, requires_grad=True) for _ in range(2))
    style_class_loss(for_g, classes).sum().backward()
    style_class_loss(for_d, torch.zeros_like(classes)).sum().backward()
    assert (for_g.grad < 0).all() and (for_d.grad > 0).all()


@pytest.mark.parametrize("value", [-200.0, 0.0, 200.0])
def test_confident_answers_stay_finite(value):
    logits = torch.full((2, 4), value, requires_grad=True)
    loss = style_class_loss(logits, style_classes(torch.tensor([[-1.0, 0.0, 3.0, 50.0]] * 2)))
    loss.sum().backward()
    assert loss.isfinite().all() and logits.grad.isfinite().all() and loss.max() < 201


def test_autocast_changes_nothing():
    logits, classes = torch.randn(2, 30), torch.rand(2, 30)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = style_class_loss(logits, classes)
    assert inside.dtype == torch.float32 and torch.equal(inside, style_class_loss(logits, classes))
    half = style_class_loss(logits.bfloat16(), classes)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, style_class_loss(logits.bfloat16().float(), classes))


def test_grey_version():
    """Greys stay what they are, white and black too; red, green and blue have BT.601's weights."""
    greys = torch.linspace(-1, 1, 5).view(1, 1, 1, 5)
    torch.testing.assert_close(grey_version(greys.expand(1, 3, 1, 5)), greys)
    primaries = torch.eye(3).view(1, 3, 1, 3) * 2 - 1
    torch.testing.assert_close(grey_version(primaries), torch.tensor([0.299, 0.587, 0.114]).view(1, 1, 1, 3) * 2 - 1)


def test_guide_losses():
    """(4): guide 1 against the grey version, guide 2 against the colours; each picture for itself."""
    torch.manual_seed(0)
    target = torch.rand(3, 3, 8, 8) * 2 - 1
    zeros = guide_losses(grey_version(target), target, target)
    assert all(torch.equal(loss, torch.zeros(3)) for loss in zeros)
    offsets = torch.tensor([0.1, 0.2, 0.7])
    grey = grey_version(target) + offsets.view(3, 1, 1, 1)
    colour = target - 2 * offsets.view(3, 1, 1, 1)
    first, second = guide_losses(grey, colour, target)
    torch.testing.assert_close(first, offsets)
    torch.testing.assert_close(second, 2 * offsets)


@pytest.mark.parametrize(
    ("grey", "colour"), [((2, 3, 8, 8), (2, 3, 8, 8)), ((2, 1, 8, 8), (2, 1, 8, 8)), ((2, 1, 8, 9), (2, 3, 8, 8))]
)
def test_guides_of_other_shapes_are_refused(grey, colour):
    """Broadcasting would compare what does not belong together."""
    with pytest.raises(ValueError, match="one shape"):
        guide_losses(torch.zeros(grey), torch.zeros(colour), torch.zeros(2, 3, 8, 8))


def test_classes_of_another_number_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        style_class_loss(torch.zeros(2, 5), torch.zeros(2, 6))
