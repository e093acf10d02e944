"""Folded networks answer as the networks do, and follow their changes."""

import pytest
import torch
from torch import nn

from pipelines.efficientnet_lite import EfficientNetLite0
from pipelines.folding import FoldedCopy, folded


def network(seed: int = 0) -> nn.Module:
    """A small encoder whose batch norms have seen something."""
    torch.manual_seed(seed)
    encoder = EfficientNetLite0(0.25, 0.5)
    for norm in encoder.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias)
            nn.init.normal_(norm.running_mean)
            nn.init.uniform_(norm.running_var, 0.5, 2)
    return encoder.eval()


@torch.no_grad()
def assert_same(one: nn.Module, other: nn.Module, tolerance: float = 1e-4) -> None:
    picture = torch.rand(1, 3, 64, 96).to(next(one.parameters()).dtype)
    for first, second in zip(one(picture), other(picture), strict=True):
        torch.testing.assert_close(first, second, rtol=tolerance, atol=tolerance * float(first.abs().max()))


def test_no_norm_is_left_and_nothing_changes():
    encoder = network()
    quick = folded(encoder)
    assert not [module for module in quick.modules() if isinstance(module, nn.BatchNorm2d)]
    assert [module for module in encoder.modules() if isinstance(module, nn.BatchNorm2d)]
    assert_same(encoder, quick)
    assert_same(encoder.to(torch.bfloat16), folded(encoder), 0.1)


def test_a_norm_that_follows_no_convolution_stays():
    alone = nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 4, 1), nn.ReLU(), nn.BatchNorm2d(4)).eval()
    assert sum(isinstance(module, nn.BatchNorm2d) for module in folded(alone).modules()) == 2


def test_the_copy_follows_the_network():
    encoder, copy = network(), FoldedCopy()
    first = copy.of(encoder)
    assert copy.of(encoder) is first
    with torch.no_grad():
        encoder.stem[0].weight.mul_(2)
    second = copy.of(encoder)
    assert second is not first
    assert_same(encoder, second)
    encoder.load_state_dict(network(1).state_dict())
    assert_same(encoder, copy.of(encoder))
    assert copy.of(encoder.double()).stem[0].weight.dtype == torch.float64
    other = network(2)
    assert_same(other, copy.of(other))


def test_a_network_in_training_is_not_folded():
    encoder = network().train()
    assert FoldedCopy().of(encoder) is encoder
    with pytest.raises(ValueError, match="training"):
        folded(encoder)
