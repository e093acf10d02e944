"""The paper's networks against an independent description: sizes to the last parameter, layer by layer, fields."""

import pytest
import torch
from torch import nn

from pipelines.landscape_colorizer.losses import absolute_error_loss, least_squares_loss
from pipelines.landscape_colorizer.networks_pix2pix import PatchDiscriminator, ResNetGenerator, UNetGenerator

# Written from appendix 6.1 of pix2pix and 7.2 of CycleGAN: (kind, in, out, kernel, stride, bias), norms as (kind,
# channels). "t" is a transposed convolution.
RESNET_9 = [
    ("c", 3, 64, 7, 1, True),
    ("c", 64, 128, 3, 2, True),
    ("c", 128, 256, 3, 2, True),
    *[("c", 256, 256, 3, 1, True)] * 18,
    ("t", 256, 128, 3, 2, True),
    ("t", 128, 64, 3, 2, True),
    ("c", 64, 3, 7, 1, True),
]
# In the order in which data meet them: down to 1x1, then up; each up layer but the innermost takes two maps.
UNET_256 = [
    ("c", 3, 64, 4, 2, False),
    ("c", 64, 128, 4, 2, False),
    ("c", 128, 256, 4, 2, False),
    ("c", 256, 512, 4, 2, False),
    *[("c", 512, 512, 4, 2, False)] * 4,
    ("t", 512, 512, 4, 2, False),
    *[("t", 1024, 512, 4, 2, False)] * 3,
    ("t", 1024, 256, 4, 2, False),
    ("t", 512, 128, 4, 2, False),
    ("t", 256, 64, 4, 2, False),
    ("t", 128, 3, 4, 2, True),
]
UNET_256_NORMS = [128, 256, 512, 512, 512, 512, 512, 512, 512, 512, 256, 128, 64]
PATCH_70 = [
    ("c", 6, 64, 4, 2, True),
    ("c", 64, 128, 4, 2, False),
    ("c", 128, 256, 4, 2, False),
    ("c", 256, 512, 4, 1, False),
    ("c", 512, 1, 4, 1, True),
]
PATCH_70_NORMS = [128, 256, 512]


def expected_parameters(layers, batch_norms=()):
    return sum(i * o * k * k + o * bias for _, i, o, k, _, bias in layers) + sum(2 * channels for channels in batch_norms)


def run(network: nn.Module, *shape: int) -> list[tuple[str, nn.Module]]:
    """Layers in the order in which data meet them."""
    met: list[nn.Module] = []
    hooks = [
        module.register_forward_hook(lambda module, *_: met.append(module))
        for module in network.modules()
        if not list(module.children())
    ]
    network.eval()(torch.zeros(shape))
    for hook in hooks:
        hook.remove()
    return met


def convolutions(modules) -> list[tuple]:
    kinds = {nn.Conv2d: "c", nn.ConvTranspose2d: "t"}
    return [
        (kinds[type(m)], m.in_channels, m.out_channels, m.kernel_size[0], m.stride[0], m.bias is not None)
        for m in modules
        if type(m) in kinds
    ]


def norms(modules, kind) -> list[int]:
    return [m.num_features for m in modules if isinstance(m, kind)]


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_resnet_9():
    network = ResNetGenerator()
    assert parameters(network) == expected_parameters(RESNET_9) == 11_378_179
    met = run(network, 1, 3, 16, 16)
    assert convolutions(met) == RESNET_9
    assert norms(met, nn.InstanceNorm2d) == [64, 128, 256] + [256] * 18 + [128, 64]
    assert sum(isinstance(m, nn.ReLU) for m in met) == 3 + 9 + 2
    assert isinstance(met[-1], nn.Tanh)


def test_resnet_block_orders():
    """conv, norm, ReLU, conv, norm; or, pre-activated, norm, ReLU, conv, norm, ReLU, conv."""
    kinds = (nn.Conv2d, nn.InstanceNorm2d, nn.ReLU)

    def order(preactivation: bool) -> list[str]:
        block = ResNetGenerator(width=8, blocks=1, preactivation=preactivation).stack[10].branch
        return [type(m).__name__ for m in block if isinstance(m, kinds)]

    assert order(False) == ["Conv2d", "InstanceNorm2d", "ReLU", "Conv2d", "InstanceNorm2d"]
    assert order(True) == ["InstanceNorm2d", "ReLU", "Conv2d"] * 2


def test_unet_256():
    network = UNetGenerator()
    assert parameters(network) == expected_parameters(UNET_256, UNET_256_NORMS) == 54_413_955
    met = run(network, 1, 3, 256, 256)
    assert convolutions(met) == UNET_256
    assert norms(met, nn.BatchNorm2d) == UNET_256_NORMS
    assert sum(isinstance(m, nn.Dropout) for m in met) == 3
    assert sum(isinstance(m, nn.LeakyReLU) for m in met) == 7 and sum(isinstance(m, nn.ReLU) for m in met) == 8


def test_patch_discriminator_70():
    network = PatchDiscriminator()
    assert parameters(network) == expected_parameters(PATCH_70, PATCH_70_NORMS) == 2_768_705
    met = run(network, 1, 6, 256, 256)
    assert convolutions(met) == PATCH_70
    assert norms(met, nn.BatchNorm2d) == PATCH_70_NORMS
    assert network(torch.zeros(1, 6, 256, 256)).shape == (1, 1, 30, 30)


def field(network: nn.Module, channels: int, size: int) -> int:
    """Side of the square of inputs that one output in the middle depends on, by gradients."""
    image = torch.rand(1, channels, size, size, requires_grad=True)
    output = network.eval()(image)
    output[0, :, output.shape[2] // 2, output.shape[3] // 2].sum().backward()
    rows = image.grad[0].abs().sum((0, 2)).nonzero()
    return int(rows.max() - rows.min()) + 1


def test_receptive_fields():
    assert field(PatchDiscriminator(width=4, norm="none"), 6, 256) == 70
    # 169 px along the corner of the transposed convolutions' grid; a given pixel may see one or two fewer.
    assert 165 <= field(ResNetGenerator(width=2, norm="none"), 3, 256) <= 169


def test_initialisation_is_normal_002():
    torch.manual_seed(0)
    network = UNetGenerator(width=16)
    weights = torch.cat([m.weight.flatten() for m in network.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))])
    gains = torch.cat([m.weight for m in network.modules() if isinstance(m, nn.BatchNorm2d)])
    assert weights.std().item() == pytest.approx(0.02, rel=0.02) and abs(weights.mean().item()) < 1e-4
    assert gains.mean().item() == pytest.approx(1, abs=0.01) and gains.std().item() == pytest.approx(0.02, rel=0.2)


@pytest.mark.parametrize("size", [(8, 8), (256, 256), (64, 264)])
def test_resnet_takes_multiples_of_8(size):
    assert ResNetGenerator(width=2)(torch.zeros(1, 3, *size)).shape == (1, 3, *size)


def test_other_sizes_are_refused():
    with pytest.raises(ValueError, match="multiples of 8, got 65x64"):
        ResNetGenerator(width=2)(torch.zeros(1, 3, 64, 65))
    with pytest.raises(ValueError, match="multiples of 256, got 128x256"):
        UNetGenerator(width=2)(torch.zeros(1, 3, 256, 128))
    with pytest.raises(ValueError, match="at least 5"):
        UNetGenerator(levels=4)
    with pytest.raises(ValueError, match="norm must be one of"):
        ResNetGenerator(width=2, norm="layer")


def test_weights_and_options_survive_saving(tmp_path):
    network = ResNetGenerator(width=4, blocks=2, preactivation=True).eval()
    network.save_pretrained(tmp_path)
    again = ResNetGenerator.from_pretrained(tmp_path).eval()
    image = torch.rand(1, 3, 16, 16)
    assert again.config.preactivation and torch.equal(network(image), again(image))


@pytest.mark.parametrize(("norm", "equal"), [("instance", True), ("batch", False)])
def test_half_batches_give_the_gradients_of_the_whole(norm, equal):
    """What micro-batches and several processes rely on, and where batch norm stands in the way."""
    torch.manual_seed(0)
    generator, discriminator = ResNetGenerator(width=4, blocks=1, norm=norm), PatchDiscriminator(width=4, norm=norm)
    images = torch.rand(4, 3, 64, 64) * 2 - 1

    def gradients(*batches: torch.Tensor) -> torch.Tensor:
        generator.zero_grad()
        for batch in batches:
            grey = batch.mean(1, keepdim=True).expand(-1, 3, -1, -1)
            painted = generator(grey)
            logits = discriminator(torch.cat([grey, painted], dim=1))
            loss = least_squares_loss(logits, 1.0) + 100 * absolute_error_loss(painted, batch)
            (loss.mean() / len(batches)).backward()
        return torch.cat([p.grad.flatten() for p in generator.parameters()])

    whole, halves = gradients(images), gradients(images[:2], images[2:])
    assert ((whole - halves).norm() / whole.norm() < 1e-4) == equal
