"""The paper's networks against an independent description: sizes to the last parameter, layer by layer, fields."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from network_tables import distance_of_halves, expected_parameters, field, trace
from pipelines.gan_losses import absolute_error_loss, least_squares_loss
from pipelines.landscape_colorizer.networks_pix2pix import PatchDiscriminator, ResNetGenerator, UNetGenerator

# Written from appendix 6.1 of pix2pix and 7.2 of CycleGAN, for 256 px, see `network_tables`.


def resnet_block() -> list[tuple]:
    conv = [("reflect", 1), ("conv", 256, 256, 3, 1, 0, True, 64), ("instance", 256)]
    return [*conv, ("relu",), *conv]


RESNET_9 = [
    *[("reflect", 3), ("conv", 3, 64, 7, 1, 0, True, 256), ("instance", 64), ("relu",)],
    *[("conv", 64, 128, 3, 2, 1, True, 128), ("instance", 128), ("relu",)],
    *[("conv", 128, 256, 3, 2, 1, True, 64), ("instance", 256), ("relu",)],
    *[layer for _ in range(9) for layer in resnet_block()],
    *[("up", 256, 128, 3, 2, 1, True, 128), ("instance", 128), ("relu",)],
    *[("up", 128, 64, 3, 2, 1, True, 256), ("instance", 64), ("relu",)],
    *[("reflect", 3), ("conv", 64, 3, 7, 1, 0, True, 256), ("tanh",)],
]
# Down to 1x1, then up; an up layer above the innermost takes the map from below beside the one of its own level.
UNET_256 = [
    ("conv", 3, 64, 4, 2, 1, False, 128),
    *[("leaky", 0.2), ("conv", 64, 128, 4, 2, 1, False, 64), ("batch", 128)],
    *[("leaky", 0.2), ("conv", 128, 256, 4, 2, 1, False, 32), ("batch", 256)],
    *[("leaky", 0.2), ("conv", 256, 512, 4, 2, 1, False, 16), ("batch", 512)],
    *[("leaky", 0.2), ("conv", 512, 512, 4, 2, 1, False, 8), ("batch", 512)],
    *[("leaky", 0.2), ("conv", 512, 512, 4, 2, 1, False, 4), ("batch", 512)],
    *[("leaky", 0.2), ("conv", 512, 512, 4, 2, 1, False, 2), ("batch", 512)],
    *[("leaky", 0.2), ("conv", 512, 512, 4, 2, 1, False, 1)],
    *[("relu",), ("up", 512, 512, 4, 2, 1, False, 2), ("batch", 512)],
    *[("relu",), ("up", 1024, 512, 4, 2, 1, False, 4), ("batch", 512), ("dropout", 0.5)],
    *[("relu",), ("up", 1024, 512, 4, 2, 1, False, 8), ("batch", 512), ("dropout", 0.5)],
    *[("relu",), ("up", 1024, 512, 4, 2, 1, False, 16), ("batch", 512), ("dropout", 0.5)],
    *[("relu",), ("up", 1024, 256, 4, 2, 1, False, 32), ("batch", 256)],
    *[("relu",), ("up", 512, 128, 4, 2, 1, False, 64), ("batch", 128)],
    *[("relu",), ("up", 256, 64, 4, 2, 1, False, 128), ("batch", 64)],
    *[("relu",), ("up", 128, 3, 4, 2, 1, True, 256), ("tanh",)],
]
PATCH_70 = [
    *[("conv", 6, 64, 4, 2, 1, True, 128), ("leaky", 0.2)],
    *[("conv", 64, 128, 4, 2, 1, False, 64), ("batch", 128), ("leaky", 0.2)],
    *[("conv", 128, 256, 4, 2, 1, False, 32), ("batch", 256), ("leaky", 0.2)],
    *[("conv", 256, 512, 4, 1, 1, False, 31), ("batch", 512), ("leaky", 0.2)],
    ("conv", 512, 1, 4, 1, 1, True, 30),
]


@pytest.mark.parametrize(
    ("build", "channels", "table", "parameters"),
    [
        (ResNetGenerator, 3, RESNET_9, 11_378_179),
        (UNetGenerator, 3, UNET_256, 54_413_955),
        (PatchDiscriminator, 6, PATCH_70, 2_768_705),
    ],
)
def test_layer_by_layer(build, channels, table, parameters):
    with torch.device("meta"):
        network = build()
    assert sum(p.numel() for p in network.parameters()) == expected_parameters(table) == parameters
    assert trace(network, channels, 256) == table


def test_preactivation():
    """Norm, ReLU, conv twice in each block, and a norm and ReLU after the last sum; as many parameters."""
    with torch.device("meta"):
        network = ResNetGenerator(preactivation=True)
    half = [("instance", 256), ("relu",), ("reflect", 1), ("conv", 256, 256, 3, 1, 0, True, 64)]
    head, tail = RESNET_9[:10], RESNET_9[10 + 9 * 7 :]
    assert trace(network, 3, 256) == [*head, *half * 18, ("instance", 256), ("relu",), *tail]
    assert sum(p.numel() for p in network.parameters()) == 11_378_179


def test_batch_norm_replaces_biases():
    with torch.device("meta"):
        network = ResNetGenerator(norm="batch")
    layers = trace(network, 3, 256)
    with_instance_norm = [layer[1] for layer in RESNET_9 if layer[0] == "instance"]
    assert [layer[1] for layer in layers if layer[0] == "batch"] == with_instance_norm
    assert [layer[6] for layer in layers if layer[0] in ("conv", "up")] == [False] * 23 + [True]


def test_residual_blocks_add():
    """With the last convolution of each branch at zero, blocks pass their input through."""
    deep, shallow = (ResNetGenerator(width=4, blocks=blocks, norm="none") for blocks in (3, 0))
    rest = [layer for layer in deep.stack if type(layer).__name__ != "ResidualBlock"]
    for block in deep.stack:
        if type(block).__name__ == "ResidualBlock":
            nn.init.zeros_(list(block.branch)[5].weight)
    shallow.stack = nn.Sequential(*rest)
    image = torch.rand(1, 3, 16, 16)
    assert torch.equal(deep(image), shallow(image))


def plain_unet(image: torch.Tensor, weights: list[torch.Tensor], last_bias: torch.Tensor) -> torch.Tensor:
    """A U-Net without norms, as a loop: keep every map on the way down, join it on the way up."""
    half = len(weights) // 2
    maps = [F.conv2d(image, weights[0], None, 2, 1)]
    for weight in weights[1:half]:
        maps.append(F.conv2d(F.leaky_relu(maps[-1], 0.2), weight, None, 2, 1))
    x = maps.pop()
    for weight in weights[half:-1]:
        x = torch.cat([maps.pop(), F.conv_transpose2d(x.relu(), weight, None, 2, 1)], dim=1)
    return F.conv_transpose2d(x.relu(), weights[-1], last_bias, 2, 1).tanh()


def test_unet_skips_at_every_level():
    network = UNetGenerator(width=2, levels=6, norm="none", dropout=0.0).double()
    met: list[nn.Module] = []
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0, 0.3)  # large enough that every level shows in the output
            module.register_forward_hook(lambda module, *_: met.append(module))
    image = torch.rand(1, 3, 64, 128, dtype=torch.float64)
    output = network(image)
    expected = plain_unet(image, [module.weight for module in met], met[-1].bias)
    torch.testing.assert_close(output, expected)
    assert len(met) == 12 and not torch.allclose(output, torch.zeros_like(output), atol=1e-3)


def test_receptive_fields():
    assert field(PatchDiscriminator(width=1, norm="none"), 6, 15) == 70
    fields = [field(ResNetGenerator(width=1, norm="none"), 3, 128 + phase) for phase in range(4)]
    assert max(fields) == 169 and min(fields) == 165  # by where the pixel lies on the grid of the transposed layers


@pytest.mark.parametrize("build", [ResNetGenerator, UNetGenerator, PatchDiscriminator])
def test_initialisation(build):
    torch.manual_seed(0)
    network = build(width=16, norm="batch")
    convolutions = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    weights = torch.cat([m.weight.flatten() for m in convolutions])
    gains = torch.cat([m.weight for m in norms])
    assert weights.std().item() == pytest.approx(0.02, rel=0.02) and abs(weights.mean().item()) < 5e-4
    assert weights.abs().max().item() > 0.07  # a normal distribution's tails: uniform or truncated ones end before
    assert gains.mean().item() == pytest.approx(1, abs=0.01) and gains.std().item() == pytest.approx(0.02, rel=0.2)
    assert all(m.bias is None or not m.bias.any() for m in convolutions + norms)


@pytest.mark.parametrize("size", [(8, 8), (256, 256), (64, 264)])
def test_resnet_takes_multiples_of_8(size):
    assert ResNetGenerator(width=2)(torch.zeros(1, 3, *size)).shape == (1, 3, *size)


@pytest.mark.parametrize(("levels", "size"), [(8, (256, 512)), (5, (32, 96)), (6, (64, 64))])
def test_unet_takes_multiples_of_its_depth(levels, size):
    network = UNetGenerator(width=2, levels=levels)
    assert network.multiple == 2**levels
    assert network(torch.zeros(1, 3, *size)).shape == (1, 3, *size)


@pytest.mark.parametrize(("size", "expected"), [((256, 256), (30, 30)), ((24, 24), (1, 1)), ((70, 130), (6, 14))])
def test_patch_map_size(size, expected):
    assert PatchDiscriminator(width=2)(torch.zeros(1, 6, *size)).shape == (1, 1, *expected)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="multiples of 8, got 65x64"):
        ResNetGenerator(width=2)(torch.zeros(1, 3, 64, 65))
    with pytest.raises(ValueError, match="multiples of 256, got 128x256"):
        UNetGenerator(width=2)(torch.zeros(1, 3, 256, 128))
    with pytest.raises(ValueError, match="at least 24, got 256x23"):
        PatchDiscriminator(width=2)(torch.zeros(1, 6, 23, 256))
    with pytest.raises(ValueError, match="at least 5"):
        UNetGenerator(levels=4)
    with pytest.raises(ValueError, match="norm must be one of"):
        ResNetGenerator(width=2, norm="layer")


@pytest.mark.parametrize(
    ("build", "options", "channels"),
    [
        (ResNetGenerator, {"width": 4, "blocks": 2, "preactivation": True}, 3),
        (UNetGenerator, {"width": 4, "levels": 5}, 3),
        (PatchDiscriminator, {"width": 4, "layers": 2}, 6),
    ],
)
def test_weights_and_options_survive_saving(tmp_path, build, options, channels):
    image = torch.rand(2, channels, 32, 32)
    network = build(**options)
    network(image)  # moves batch norm's running averages off their start: they must be saved too
    network.eval().save_pretrained(tmp_path)
    again = build.from_pretrained(tmp_path).eval()
    assert {name: again.config[name] for name in options} == options
    assert torch.equal(network(image), again(image))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["config.json", "diffusion_pytorch_model.safetensors"]


@pytest.mark.parametrize(
    "network",
    [ResNetGenerator(width=4, blocks=1, dropout=0.5), UNetGenerator(width=4, levels=6)],
    ids=["resnet", "unet"],
)
def test_dropout_and_batch_statistics_act_in_training_only(network):
    torch.manual_seed(0)
    images = torch.rand(3, 3, 64, 64)
    with torch.no_grad():
        assert not torch.equal(network.train()(images), network(images))
        network.eval()
        assert torch.equal(network(images), network(images))
        torch.testing.assert_close(network(images)[:1], network(images[:1]))  # whatever else is in the batch


@pytest.mark.parametrize(("norm", "equal"), [("instance", True), ("batch", False)])
def test_half_batches_give_the_gradients_of_the_whole(norm, equal):
    """What micro-batches and several processes rely on, and where batch norm stands in the way."""
    torch.manual_seed(0)
    generator, discriminator = ResNetGenerator(width=4, blocks=1, norm=norm), PatchDiscriminator(width=4, norm=norm)

    def losses(batch: torch.Tensor) -> torch.Tensor:
        grey = batch.mean(1, keepdim=True).expand(-1, 3, -1, -1)
        painted = generator(grey)
        logits = discriminator(torch.cat([grey, painted], dim=1))
        return least_squares_loss(logits, 1.0) + 100 * absolute_error_loss(painted, batch)

    distance = distance_of_halves([generator, discriminator], losses)
    assert distance < 1e-4 if equal else distance > 1e-2
