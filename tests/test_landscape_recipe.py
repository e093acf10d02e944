"""The default colorizer's recipe: what the discriminator sees, what the generator is told, which weights learn."""

import torch

from pipelines.landscape_colorizer.networks_landscape_colorizer import TwoNetGenerator
from pipelines.landscape_colorizer.recipe_two_net import chroma_spread, under_tint_of, wishes, with_tone


def test_the_discriminator_cannot_tell_a_picture_by_its_tint():
    lab = torch.randn(2, 3, 8, 8) * 10 + torch.tensor([50.0, 4, 12]).view(1, 3, 1, 1)
    painted = under_tint_of(lab, lab[:, 1:] + torch.tensor([30.0, -20]).view(1, 2, 1, 1))
    torch.testing.assert_close(painted, lab)
    other = under_tint_of(lab, torch.randn(2, 2, 8, 8))
    torch.testing.assert_close(other[:, 1:].mean((2, 3)), lab[:, 1:].mean((2, 3)))
    assert torch.equal(other[:, :1], lab[:, :1])


def test_wishes_are_near_the_truth_and_tints_are_told_to_some():
    chroma = torch.randn(2, 2, 64, 64) * 5 + torch.tensor([3.0, 15]).view(1, 2, 1, 1)
    spread, tint = wishes(chroma, torch.zeros(2, 3), torch.tensor([True, False]))
    torch.testing.assert_close(spread, chroma_spread(chroma))
    torch.testing.assert_close(tint[0], chroma[0].mean((1, 2)))
    assert tint[1].isnan().all()


def test_the_tone_changes_lightness_only():
    lab = torch.rand(1, 3, 8, 8) * 50 + 20
    changed = with_tone(lab, torch.tensor([[1.5, 0.1]]))
    assert torch.equal(changed[:, 1:], lab[:, 1:]) and not torch.allclose(changed[:, :1], lab[:, :1])
    torch.testing.assert_close(with_tone(lab, torch.tensor([[1.0, 0.0]])), lab)


def test_the_encoder_keeps_its_weights_and_statistics():
    generator = TwoNetGenerator(encoder_width=0.25, encoder_depth=0.5, decoder=(16, 8, 8)).train()
    before = {name: value.clone() for name, value in generator.palette.encoder.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in generator.parameters() if p.requires_grad], lr=0.1)
    chroma, _ = generator(torch.randn(2, 1, 64, 64), torch.tensor([5.0, 5.0]))
    chroma.square().mean().backward()
    optimizer.step()
    assert all(torch.equal(before[name], value) for name, value in generator.palette.encoder.state_dict().items())
    assert generator.palette.up4.training and generator.palette.to_chroma.weight.grad is not None
