"""The paper's scene networks against an independent description: layers, joints, sizes, both ways."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from network_tables import distance_of_halves, expected_parameters, field, trace
from pipelines.gan_losses import least_squares_loss
from pipelines.scene_translator.losses import ssim_loss
from pipelines.scene_translator.networks_skip_resnet import SceneDiscriminator, SkipResNetGenerator, TwoWayGenerator
from pipelines.scene_translator.pipeline_scene_translator import SceneTranslator

# Written from section 3 of the paper and its figures 3 and 4, for 256 px, see `network_tables`.


def generator_table(joined: int) -> list[tuple]:
    """`joined`: 2 where a map from the way down stands beside the one from below, else 1."""
    norm_and_leaky = {channels: [("instance", channels), ("leaky", 0.2)] for channels in (64, 128, 256)}
    conv = [("conv", 256, 256, 3, 1, 1, False, 32), ("instance", 256)]
    return [
        *[("conv", 3, 64, 5, 2, 2, False, 128), *norm_and_leaky[64]],
        *[("conv", 64, 128, 5, 2, 2, False, 64), *norm_and_leaky[128]],
        *[("conv", 128, 256, 5, 2, 2, False, 32), *norm_and_leaky[256]],
        *[*conv, ("relu",), *conv] * 9,
        *[("up", 256, 128, 5, 2, 2, False, 64), *norm_and_leaky[128]],
        *[("up", joined * 128, 64, 5, 2, 2, False, 128), *norm_and_leaky[64]],
        *[("up", joined * 64, 64, 5, 2, 2, False, 256), *norm_and_leaky[64]],
        ("up", 64, 3, 5, 1, 2, True, 256),
    ]


def discriminator_table(in_channels: int) -> list[tuple]:
    return [
        ("conv", in_channels, 64, 3, 2, 1, True, 128),
        *[("conv", 64, 128, 3, 2, 1, False, 64), ("instance", 128), ("leaky", 0.2)],
        *[("conv", 128, 256, 3, 2, 1, False, 32), ("instance", 256), ("leaky", 0.2)],
        *[("conv", 256, 512, 3, 2, 1, False, 16), ("instance", 512), ("leaky", 0.2)],
        ("conv", 512, 1, 1, 1, 0, True, 16),
    ]


@pytest.mark.parametrize(
    ("build", "options", "table", "channels", "parameters"),
    [
        (SkipResNetGenerator, {}, generator_table(2), 3, 13_084_035),
        (SkipResNetGenerator, {"skips": False}, generator_table(1), 3, 12_776_835),
        (SceneDiscriminator, {}, discriminator_table(3), 3, 1_550_593),
        (SceneDiscriminator, {"in_channels": 6}, discriminator_table(6), 6, 1_552_321),
    ],
)
def test_layer_by_layer(build, options, table, channels, parameters):
    with torch.device("meta"):
        network = build(**options)
    assert sum(p.numel() for p in network.parameters()) == expected_parameters(table) == parameters
    assert trace(network, channels, 256) == table


def test_how_the_parameters_are_made_up():
    """The figures of the docstring: 13.1 M in all."""
    with torch.device("meta"):
        network = SkipResNetGenerator()
    parts = {"down": 0, "blocks": 0, "up": 0, "leave": 0}
    for name, parameter in network.named_parameters():
        parts[name.split(".")[0].rstrip("123")] += parameter.numel()
    assert parts == {"down": 1_028_800, "blocks": 10_616_832, "up": 1_433_600, "leave": 4_803}


def plain_generator(image: torch.Tensor, weights: list[torch.Tensor], bias: torch.Tensor) -> torch.Tensor:
    """The paper's generator with skips and one block, written out."""

    def normed(x: torch.Tensor) -> torch.Tensor:
        return (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt()

    def raised(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return F.leaky_relu(normed(F.conv_transpose2d(x, weight, stride=2, padding=2, output_padding=1)), 0.2)

    maps = [image]
    for weight in weights[:3]:
        maps.append(F.leaky_relu(normed(F.conv2d(maps[-1], weight, stride=2, padding=2)), 0.2))
    _, half, quarter, x = maps
    inner = normed(F.conv2d(x, weights[3], padding=1)).relu()
    x = x + normed(F.conv2d(inner, weights[4], padding=1))
    x = torch.cat([raised(x, weights[5]), quarter], dim=1)
    x = torch.cat([raised(x, weights[6]), half], dim=1)
    return F.conv_transpose2d(raised(x, weights[7]), weights[8], bias, padding=2).tanh()


def test_the_generator_written_out():
    """Where the maps are joined, and that the blocks add."""
    torch.manual_seed(0)
    network = SkipResNetGenerator(width=3, blocks=1).double()
    weights = [p for p in network.parameters() if p.ndim == 4]
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0, 0.3)  # large enough that every layer shows in the output
    image = torch.rand(2, 3, 32, 48, dtype=torch.float64) * 2 - 1
    output = network(image)
    torch.testing.assert_close(output, plain_generator(image, weights, network.leave.bias))
    assert len(weights) == 9 and output.std() > 0.1 and output.abs().max() <= 1


@pytest.mark.parametrize(("skips", "reaches"), [(True, True), (False, False)])
def test_skips_carry_the_picture_past_the_blocks(skips, reaches):
    """With nothing coming out of the deepest map, only a network with skips still sees its input."""
    torch.manual_seed(0)
    network = SkipResNetGenerator(width=4, blocks=2, skips=skips)
    nn.init.zeros_(network.up1[0].weight)
    first, second = torch.rand(2, 1, 3, 32, 32)
    assert (not torch.allclose(network(first), network(second), atol=1e-5)) is reaches


def test_initialisation():
    torch.manual_seed(0)
    for network in (SkipResNetGenerator(width=16), SceneDiscriminator(width=16)):
        weights = torch.cat([p.flatten() for p in network.parameters() if p.ndim == 4])
        assert weights.std().item() == pytest.approx(0.02, rel=0.02) and abs(weights.mean().item()) < 5e-4
        assert weights.abs().max().item() > 0.07  # a normal distribution's tails
        assert not any(p.any() for p in network.parameters() if p.ndim == 1)


@pytest.mark.parametrize("size", [(8, 8), (8, 24), (40, 16), (64, 264)])
def test_sides_are_multiples_of_8(size):
    """Also of one place at the bottom, where an instance has no spread."""
    output = SkipResNetGenerator(width=2, blocks=1)(torch.rand(1, 3, *size))
    assert output.shape == (1, 3, *size) and output.isfinite().all()


@pytest.mark.parametrize("size", [(64, 60), (4, 64), (0, 8), (65, 64)])
def test_other_sides_are_refused(size):
    with pytest.raises(ValueError, match=f"multiples of 8, got {size[1]}x{size[0]}"):
        SkipResNetGenerator(width=2, blocks=1)(torch.rand(1, 3, *size))
    with pytest.raises(ValueError, match="multiples of 8"):
        TwoWayGenerator(width=2, blocks=1)(torch.rand(1, 3, *size), torch.tensor([0]))


@pytest.mark.parametrize(("size", "expected"), [((256, 256), (16, 16)), ((128, 64), (8, 4)), ((20, 16), (2, 1))])
def test_map_of_the_discriminator(size, expected):
    assert SceneDiscriminator(width=2)(torch.rand(2, 3, *size)).shape == (2, 1, *expected)


def test_field_of_the_discriminator():
    """Four 3x3 convolutions of stride 2 see 31 pixels; the norms are taken out, since they see everything."""
    network = SceneDiscriminator(width=1)
    for i, layer in enumerate(network.stack):
        if isinstance(layer, nn.InstanceNorm2d):
            network.stack[i] = nn.Identity()
    assert field(network, 3, 8) == 31


def test_both_ways():
    """Each picture of a batch goes to its own target, by that target's network alone."""
    torch.manual_seed(0)
    both = TwoWayGenerator(("cloudy", "sunny"), width=4, blocks=1)
    assert both.directions == (("cloudy", "sunny"), ("sunny", "cloudy")) and both.multiple == 8
    assert list(both.config.targets) == ["cloudy", "sunny"]
    images = torch.rand(4, 3, 16, 24) * 2 - 1
    target = torch.tensor([1, 0, 0, 1])
    output = both(images, target)
    for i, network in enumerate([both.to_second, both.to_first, both.to_first, both.to_second]):
        torch.testing.assert_close(output[i : i + 1], network(images[i : i + 1]))
    assert torch.equal(output, both(images, target, 1 - target)), "the source is known from the target"
    assert not torch.allclose(output, both(images, 1 - target), atol=1e-4)


def test_both_ways_learn():
    both = TwoWayGenerator(width=2, blocks=1)
    both(torch.rand(2, 3, 16, 16), torch.tensor([0, 0])).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in both.to_first.parameters())
    assert all(p.grad is None for p in both.to_second.parameters())


@pytest.mark.parametrize("targets", [("summer",), ("summer", "summer"), ("summer", "winter", "sunny")])
def test_two_targets_are_needed(targets):
    with pytest.raises(ValueError, match="two different names"):
        TwoWayGenerator(targets, width=2, blocks=1)


@pytest.mark.parametrize("target", [[0, 2], [-1, 0]])
def test_targets_beyond_the_two_are_refused(target):
    with pytest.raises(ValueError, match="targets 0 and 1"):
        TwoWayGenerator(width=2, blocks=1)(torch.rand(2, 3, 16, 16), torch.tensor(target))


def test_weights_and_options_survive_saving(tmp_path):
    network = TwoWayGenerator(("cloudy", "sunny"), width=4, blocks=1, skips=False).eval()
    network.save_pretrained(tmp_path)
    again = TwoWayGenerator.from_pretrained(tmp_path).eval()
    images, target = torch.rand(2, 3, 16, 16), torch.tensor([0, 1])
    assert again.directions == network.directions and again.config.skips is False
    assert torch.equal(network(images, target), again(images, target))


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (33, 31)])
def test_in_the_pipeline(size):
    """Any size, the two targets, and no others."""
    torch.manual_seed(0)
    pipe = SceneTranslator(TwoWayGenerator(("cloudy", "sunny"), width=4, blocks=1).eval())
    image = torch.rand(3, *size)
    sunny, cloudy = (pipe(image, target, output_type="pt").images[0] for target in ("sunny", "cloudy"))
    assert sunny.shape == cloudy.shape == (3, *size) and not torch.equal(sunny, cloudy)
    with pytest.raises(ValueError, match="cloudy, sunny"):
        pipe(image, "winter")


def test_half_batches_give_the_gradients_of_the_whole():
    """What micro-batches and several processes rely on: no statistics go from picture to picture."""
    torch.manual_seed(0)
    generator, discriminator = SkipResNetGenerator(width=4, blocks=1), SceneDiscriminator(width=4)

    def losses(batch: torch.Tensor) -> torch.Tensor:
        output = generator(batch)
        return least_squares_loss(discriminator(output), 1.0) + 10 * ssim_loss(output, batch)

    assert distance_of_halves([generator, discriminator], losses) < 1e-4
