"""Instance norm at the training scale: equal to torch's for one window, equal in tiles and whole for many."""

import numpy as np
import pytest
import torch
from torch import nn

from pipelines import LandscapeColorizer
from pipelines.landscape_colorizer.networks_landscape_colorizer import TwoNetGenerator
from pipelines.landscape_colorizer.networks_pix2pix import ResNetGenerator
from pipelines.landscape_colorizer.training_scale_norm import PlacedNorm, paint_placed


@pytest.fixture(scope="module")
def network() -> ResNetGenerator:
    torch.manual_seed(0)
    network = ResNetGenerator(width=2, blocks=1).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return network


@torch.no_grad()
def test_one_window_is_torchs_own_instance_norm(network):
    grey = torch.rand(1, 1, 256, 256) * 2 - 1
    torch.testing.assert_close(
        paint_placed(network, grey, 64, radius=1), network(grey.expand(-1, 3, -1, -1)), atol=2e-4, rtol=0
    )


@torch.no_grad()
def test_one_layer_against_instance_norm():
    x = torch.randn(1, 5, 16, 24) * 3 + 2
    norm = PlacedNorm(5, (1, 1), (16, 24), 1e-5)
    norm.window = (0, 0)
    expected = nn.InstanceNorm2d(5)(x)
    torch.testing.assert_close(norm(x), expected)
    norm.window = None
    norm.settle(radius=0)
    torch.testing.assert_close(norm(x), expected)


@torch.no_grad()
def test_tiles_equal_the_whole(network):
    grey = torch.rand(1, 1, 264, 400) * 2 - 1
    grey[..., 200:] = grey[..., 200:] * 0.3 + 0.5  # two parts of unlike statistics
    whole = paint_placed(network, grey, 2048, radius=1)
    for tile in (136, 200):
        torch.testing.assert_close(paint_placed(network, grey, tile, radius=1), whole, atol=1e-4, rtol=0)
    assert (whole - network(grey.expand(-1, 3, -1, -1))).abs().max() > 0.01  # and it is not what one norm gives


def test_the_pipeline_offers_it_for_the_papers_resnet_alone(network):
    pipe = LandscapeColorizer(network)
    pixels = np.random.default_rng(0).integers(0, 256, (60, 70, 3), dtype=np.uint8)
    painted = pipe.canvas(pixels, 60, 70, statistics="training").paint(pixels, 0, 0)
    assert painted.shape == pixels.shape
    with pytest.raises(ValueError, match="None or"):
        pipe.canvas(pixels, 60, 70, statistics="other")
    with pytest.raises(ValueError, match="no statistics"):
        shape = {"encoder_width": 0.25, "encoder_depth": 0.5, "decoder": (16, 8, 8)}
        LandscapeColorizer(TwoNetGenerator(**shape).eval()).canvas(pixels, 60, 70, statistics="training")
    with pytest.raises(ValueError, match="instance norm"):
        LandscapeColorizer(ResNetGenerator(width=4, norm="batch").eval()).canvas(pixels, 60, 70, statistics="training")
