"""The paper's line art networks against an independent description: blocks, joints, sizes; and its style encoders."""

import math
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from evaluation.packaged_weights import vgg16_lpips_state
from network_tables import gradients
from pipelines.lineart_colorizer import style_weights
from pipelines.lineart_colorizer.networks_style_encoder import Vgg16ConvStyle, Vgg19FcStyle
from pipelines.lineart_colorizer.networks_swish_training import GuidedGenerator, StyleDiscriminator
from pipelines.lineart_colorizer.networks_swish_unet import (
    EnhancedResidualBlock,
    SwishMod,
    SwishUNetGenerator,
    conv,
    initialise,
    up,
)
from pipelines.lineart_colorizer.pipeline_lineart_colorizer import LineArtColorizer


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def style_of(length: int, batch: int = 1, seed: int = 0) -> dict[str, torch.Tensor]:
    return {"vector": torch.randn(batch, length, generator=torch.Generator().manual_seed(seed))}


def loud(network: nn.Module) -> None:
    """Weights and biases large enough that every layer shows in the output."""
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0, 1.5 * parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.3)


# --- blocks ----------------------------------------------------------------------------------------------------------


def test_swishmod():
    """(1), with a gate of known value: half where G is 0, all where it is large."""
    x = torch.randn(2, 3, 5, 4)
    swish = SwishMod(3)
    nn.init.zeros_(swish.gate.weight)
    for bias, share in ((0.0, 0.5), (math.log(3), 0.75), (40.0, 1.0), (-200.0, 0.0)):
        nn.init.constant_(swish.gate.bias, bias)
        torch.testing.assert_close(swish(x), share * x)
    with torch.no_grad():  # G(x) = x: the function that swish has its name from
        swish.gate.bias.zero_()
        swish.gate.weight[:, :, 1, 1] = torch.eye(3)
    torch.testing.assert_close(swish(x), F.silu(x))


def test_enhanced_block_puts_the_branches_side_by_side():
    """(2): T first, S second; T is shut off by zero weights and S goes on."""
    block = EnhancedResidualBlock(4)
    x = torch.randn(2, 4, 6, 6)
    y = block(x)
    assert y.shape == (2, 8, 6, 6)
    torch.testing.assert_close(y[:, 4:], block.shortcut(x))
    inner = F.leaky_relu(block.residual[0](x), 0.2)
    torch.testing.assert_close(y[:, :4], F.leaky_relu(block.residual[2](inner), 0.2))
    for parameter in block.residual.parameters():
        nn.init.zeros_(parameter)
    assert not block(x)[:, :4].any() and torch.equal(block(x)[:, 4:], y[:, 4:])


# --- generator -------------------------------------------------------------------------------------------------------


def c3(inputs: int, outputs: int) -> int:
    return 9 * inputs * outputs + outputs


def expected_generator(style: int) -> dict[str, int]:
    """Parameters by part, from figure 5's widths and 3x3 convolutions; [T, S] and [T, S, S_left] are 2 and 4 widths."""
    widths = [32, 64, 128, 256, 512]
    block = {width: 3 * c3(width, width) for width in [*widths, 2048]}  # two of T, one of S
    before = [1, 64, 128, 256, 512]
    after = [128, 256, 512, 1024, 2 * 2048]
    transposed = [4 * below * width + width for below, width in zip([256, 512, 1024, 2048, 4096], widths, strict=True)]
    assert after[:4] == [4 * width for width in widths[:4]]
    left = [c3(2 * width, 2 * width) for width in widths]
    return {
        "encoder": sum(c3(below, width) + block[width] for below, width in zip(before, widths, strict=True)),
        "entrance": c3(1024, 2048),
        "inject": style * 2048 + 2048,
        "bottleneck": block[2048],
        "decoder": sum(transposed) + sum(block[width] for width in widths) + sum(left),
        "leave": c3(128, 3),
    }


@pytest.mark.parametrize(("style", "total"), [(4096, 186_266_979), (2944, 183_907_683)])
def test_parameters_of_the_published_widths(style, total):
    with torch.device("meta"):
        network = SwishUNetGenerator(style=style)
        guided = GuidedGenerator(network)
        plain = GuidedGenerator(network, guides=False)
    found = {name: count(part) for name, part in network.named_children()}
    assert found == expected_generator(style) and sum(found.values()) == total
    assert round((count(guided) - total) / 1e6, 1) == 8.2 and count(plain) == total


def test_shapes_at_the_published_widths():
    """Channels and sizes at every joint, on the meta device."""
    with torch.device("meta"):
        network = SwishUNetGenerator()
        met = {}
        for name, module in network.named_modules():
            module.register_forward_hook(lambda _, __, output, name=name: met.__setitem__(name, output))
        middle = network.paint(torch.zeros(1, 1, 256, 256), {"vector": torch.zeros(1, 4096)})
    for level, width in enumerate([32, 64, 128, 256, 512]):
        side = 256 >> level
        assert met[f"encoder.{level}"].shape == (1, 2 * width, side, side)
        assert met[f"decoder.{4 - level}"].shape == (1, 4 * width, side, side)
    assert middle.entrance.shape == (1, 2048, 8, 8) and middle.exit.shape == (1, 4096, 8, 8)
    assert middle.output.shape == (1, 3, 256, 256)


def written_out(network: SwishUNetGenerator, drawing: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
    """The generator by hand: parameters in order, functions of torch."""
    left = list(network.parameters())

    def take() -> tuple[torch.Tensor, torch.Tensor]:
        return left.pop(0), left.pop(0)

    def leaky(x: torch.Tensor, stride: int = 1) -> torch.Tensor:
        return F.leaky_relu(F.conv2d(x, *take(), stride=stride, padding=1), 0.2)

    def gated(x: torch.Tensor) -> torch.Tensor:
        return x / (1 + torch.exp(-F.conv2d(x, *take(), padding=1)))

    def block(x: torch.Tensor) -> list[torch.Tensor]:
        return [leaky(leaky(x)), gated(x)]

    x, maps = drawing, []
    for level in range(5):
        x = torch.cat(block(leaky(x, 2 if level else 1)), dim=1)
        maps.append(x)
    x = leaky(x, 2)
    x = x + F.linear(vector, *take())[..., None, None]
    x = torch.cat(block(x), dim=1)
    for skip in maps[::-1]:
        x = F.leaky_relu(F.conv_transpose2d(x, *take(), stride=2), 0.2)
        x = torch.cat([*block(x), gated(skip)], dim=1)
    output = torch.tanh(F.conv2d(x, *take(), padding=1))
    assert not left
    return output


def test_the_generator_written_out():
    torch.manual_seed(0)
    network = SwishUNetGenerator(width=2, style=5).double()
    loud(network)
    drawing, style = torch.rand(2, 1, 64, 96).double() * 2 - 1, style_of(5, 2)["vector"].double()
    with torch.no_grad():
        output = network.paint(drawing, {"vector": style}).output.double()
        expected = written_out(network, drawing, style)
    torch.testing.assert_close(output, expected, atol=1e-6, rtol=1e-6)  # the last tanh is worked out in float32
    assert output.std() > 0.1


def test_the_style_reaches_every_place_and_hints_none():
    torch.manual_seed(0)
    network = SwishUNetGenerator(width=2, style=6)
    assert network.takes_hints is False and network.multiple == 32
    drawing = torch.rand(1, 1, 64, 64) * 2 - 1
    first, second = network(drawing, style_of(6)), network(drawing, style_of(6, seed=1))
    assert ((first - second).abs().amax(1) > 1e-7).float().mean() > 0.99
    assert torch.equal(network(drawing, style_of(6), torch.ones(1, 4, 64, 64)), first)
    both = network(
        drawing.repeat(2, 1, 1, 1), {"vector": torch.cat([style_of(6)["vector"], style_of(6, seed=1)["vector"]])}
    )
    torch.testing.assert_close(both, torch.cat([first, second]), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("size", [(32, 32), (32, 96), (160, 64)])
def test_sizes(size):
    output = SwishUNetGenerator(width=1, style=3)(torch.rand(1, 1, *size), style_of(3))
    assert output.shape == (1, 3, *size) and output.isfinite().all() and output.abs().max() <= 1


@pytest.mark.parametrize("size", [(32, 48), (16, 32), (0, 32), (33, 32)])
def test_other_sides_are_refused(size):
    with pytest.raises(ValueError, match=f"multiples of 32, got {size[1]}x{size[0]}"):
        SwishUNetGenerator(width=1, style=3)(torch.rand(1, 1, *size), style_of(3))


def test_another_encoders_style_is_refused():
    with pytest.raises(
        ValueError, match="style vectors of 3 numbers, got 4: it was trained with another style encoder"
    ):
        SwishUNetGenerator(width=1, style=3)(torch.rand(1, 1, 32, 32), style_of(4))


def test_first_weights():
    torch.manual_seed(0)
    network = SwishUNetGenerator(width=4, style=300)
    assert not any(p.any() for p in network.parameters() if p.ndim == 1)
    leaky = math.sqrt(2 / 1.04)
    expected = {
        "encoder.4.fit.0": leaky / math.sqrt(9 * 64),
        "encoder.4.block.residual.2": leaky / math.sqrt(9 * 64),
        "encoder.4.block.shortcut.gate": 1 / math.sqrt(9 * 64),
        "decoder.0.fit.0": leaky / math.sqrt(512),
        "decoder.0.left.gate": 1 / math.sqrt(9 * 128),
        "inject": 1 / math.sqrt(300),
        "leave": 1 / math.sqrt(9 * 16),
    }
    for name, deviation in expected.items():
        weight = network.get_submodule(name).weight
        assert weight.std().item() == pytest.approx(deviation, rel=5 / math.sqrt(weight.numel())), name


@pytest.mark.parametrize("layer", [conv, up], ids=["conv", "up"])
def test_first_weights_keep_the_mean_square(layer):
    """Of white noise, through a layer and its leaky ReLU."""
    torch.manual_seed(0)
    stack = nn.Sequential(*layer(256, 256))
    initialise(stack)
    with torch.no_grad():
        y = stack(torch.randn(1, 256, 24, 24))[..., 1:-1, 1:-1]
    assert y.square().mean().item() == pytest.approx(1, rel=0.1)


def test_guides_look_at_both_ends_of_the_bottleneck():
    """Guide 1 sees the drawing alone, guide 2 the style too; without guides the output is the same."""
    torch.manual_seed(0)
    generator = SwishUNetGenerator(width=2, style=6)
    guided, plain = GuidedGenerator(generator), GuidedGenerator(generator, guides=False)
    drawing = torch.rand(1, 1, 64, 32) * 2 - 1
    first, second = guided(drawing, style_of(6)), guided(drawing, style_of(6, seed=1))
    assert first.grey.shape == (1, 1, 64, 32) and first.colour.shape == first.output.shape == (1, 3, 64, 32)
    assert torch.equal(first.grey, second.grey) and not torch.allclose(first.colour, second.colour, atol=1e-4)
    assert max(part.abs().max() for part in first) <= 1
    middle = generator.paint(drawing, style_of(6))
    assert torch.equal(first.grey, guided.guide_grey(middle.entrance))
    assert torch.equal(first.colour, guided.guide_colour(middle.exit))
    assert torch.equal(plain(drawing, style_of(6)).output, first.output)
    assert plain(drawing, style_of(6))[1:] == (None, None)
    assert [p.shape[1] for p in guided.guide_grey.parameters() if p.ndim == 4][1::2] == [16, 8, 4, 2, 1]


def test_guides_send_their_gradient_through_the_middle():
    """The paper's point: the encoder and the bottleneck learn from the guides even when the output is shut off."""
    torch.manual_seed(0)
    guided = GuidedGenerator(SwishUNetGenerator(width=2, style=6))
    painted = guided(torch.rand(1, 1, 64, 64) * 2 - 1, style_of(6))
    (painted.grey.abs().mean() + painted.colour.abs().mean()).backward()
    reached = {
        name: any(p.grad is not None and p.grad.any() for p in part.parameters())
        for name, part in guided.generator.named_children()
    }
    wanted = {"encoder": True, "entrance": True, "inject": True, "bottleneck": True, "decoder": False, "leave": False}
    assert reached == wanted


@pytest.mark.parametrize("size", [(32, 32), (64, 96), (40, 33)])
def test_discriminator(size):
    network = StyleDiscriminator(classes=7, width=2)
    assert network(torch.rand(3, 3, *size)).shape == (3, 7)
    with torch.device("meta"):
        full = StyleDiscriminator()
    widths = [3, 64, 128, 256, 512, 512]
    convolutions = sum(16 * a * b + b for a, b in pairwise(widths))
    assert count(full) == convolutions + 512 * 4096 + 4096


def test_the_discriminator_sees_tints():
    """A plain colour is told from another, which instance norm would make the same."""
    torch.manual_seed(0)
    network = StyleDiscriminator(classes=5, width=4)
    warm, cold = (torch.tensor(c).view(1, 3, 1, 1).expand(1, 3, 64, 64) for c in ([0.8, 0.0, -0.8], [-0.8, 0.0, 0.8]))
    assert not torch.allclose(network(warm), network(cold), atol=0.01)


def test_half_batches_give_the_gradients_of_the_whole():
    """What micro-batches and several processes rely on: no statistics go from picture to picture."""
    torch.manual_seed(0)
    generator, judge = GuidedGenerator(SwishUNetGenerator(width=2, style=3)), StyleDiscriminator(classes=3, width=2)

    def losses(drawing: torch.Tensor) -> torch.Tensor:
        output, grey, colour = generator(drawing, {"vector": drawing.flatten(1)[:, :3]})
        return judge(output).square().mean(1) + sum(part.square().flatten(1).mean(1) for part in (output, grey, colour))

    drawings = (torch.rand(4, 1, 32, 32) * 2 - 1) * torch.tensor([0.2, 0.4, 0.7, 1.0]).view(4, 1, 1, 1)
    whole = gradients([generator, judge], losses, drawings)
    halves = gradients([generator, judge], losses, drawings[:2], drawings[2:])
    assert ((whole - halves).norm() / whole.norm()).item() < 1e-4


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_other_precisions(dtype):
    torch.manual_seed(0)
    network = SwishUNetGenerator(width=2, style=6)
    drawing, style = torch.rand(1, 1, 64, 64) * 2 - 1, style_of(6)
    expected = network(drawing, style)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = network(drawing, style)
    assert inside.dtype == torch.float32 and (inside - expected).abs().max() < 0.05
    other = network.to(dtype)(drawing.to(dtype), style)
    assert other.dtype == dtype and (other.float() - expected).abs().max() < 0.05


def test_weights_and_options_survive_saving(tmp_path):
    network = SwishUNetGenerator(width=2, style=6, view_area=4096).eval()
    network.save_pretrained(tmp_path)
    again = SwishUNetGenerator.from_pretrained(tmp_path).eval()
    for (name, value), other in zip(network.state_dict().items(), again.state_dict().values(), strict=True):
        assert torch.equal(value, other), name
    drawing = torch.rand(1, 1, 32, 32)
    torch.testing.assert_close(network(drawing, style_of(6)), again(drawing, style_of(6)), atol=1e-6, rtol=1e-5)
    assert again.config.view_area == 4096


# --- style encoders --------------------------------------------------------------------------------------------------


def stripes(size: tuple[int, int], colours: list[list[float]]) -> torch.Tensor:
    rows = torch.tensor(colours).repeat_interleave(-(-size[0] // len(colours)), 0)[: size[0]]
    return rows.T[None, :, :, None].expand(1, 3, *size).contiguous()


@pytest.fixture(scope="module")
def vgg16() -> Vgg16ConvStyle:
    return style_weights.style_encoder("vgg16-conv", 64)


def test_vgg16_conv_is_means_and_deviations_of_five_taps(vgg16):
    """Written out with the published weights: taps after the ReLU of the last convolution of each block."""
    torch.manual_seed(0)
    image = torch.rand(2, 3, 64, 64) * 2 - 1
    state, expected = vgg16_lpips_state(), []
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = ((image + 1) / 2 - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    for block in ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28)):
        for number in block:
            x = F.conv2d(x, state[f"features.{number}.weight"], state[f"features.{number}.bias"], padding=1).relu()
        expected += [x.mean((2, 3)), (x - x.mean((2, 3), keepdim=True)).square().mean((2, 3)).sqrt()]
        x = F.max_pool2d(x, 2)
    found = vgg16.statistics(image)
    assert found.shape == (2, 2944) and vgg16.length == 2944 and vgg16.config.kind == "vgg16-conv"
    torch.testing.assert_close(found, torch.cat(expected, dim=1), atol=1e-4, rtol=1e-4)
    # no standard yet: 0 and 1
    torch.testing.assert_close(vgg16(image)["vector"], found.clamp(max=10), atol=1e-4, rtol=1e-4)
    assert not any(p.requires_grad for p in vgg16.parameters()) and not vgg16.training


def test_references_of_any_size_are_seen_in_one(vgg16):
    """Also of one pixel; a plain colour has one style whatever its size."""
    colour = [[0.5, -0.2, 0.1]]
    small, large = (vgg16.statistics(stripes(size, colour)) for size in ((1, 1), (130, 90)))
    torch.testing.assert_close(small, large, atol=1e-3, rtol=1e-3)
    assert small.isfinite().all()
    two = [[0.9, -0.5, -0.5], [-0.5, -0.5, 0.9]]
    coarse, fine, other = (
        vgg16.statistics(stripes(*given)) for given in (((64, 64), two), ((128, 128), two), ((64, 64), colour))
    )
    assert (coarse - fine).norm() < 0.3 * (coarse - other).norm(), "a scaled picture has nearly the same style"


def test_the_standard():
    """Mean 0 and deviation 1 over the references given; a number that never varies is 0, not infinite."""
    torch.manual_seed(0)
    encoder = Vgg16ConvStyle(size=32, width=2)
    references = torch.rand(6, 3, 32, 32) * torch.linspace(0.2, 2, 6).view(6, 1, 1, 1) - 1
    raw = encoder.statistics(references)
    encoder.standardise(raw)
    vector = encoder(references)["vector"]
    varies = raw.std(0, correction=0) > 1e-5
    assert 20 < varies.sum() < encoder.length == 92, "random narrow networks have dead channels: both cases are there"
    torch.testing.assert_close(vector.mean(0), torch.zeros(92), atol=1e-4, rtol=0)
    torch.testing.assert_close(vector.std(0, correction=0), varies.float(), atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(
        vector, (raw - raw.mean(0)) / raw.std(0, correction=0).where(varies, 1.0), atol=2e-3, rtol=1e-2
    )


def test_an_unheard_of_reference_stays_in_bounds():
    """References as good as alike set a tiny spread; another one is ten deviations away at most, to its side."""
    torch.manual_seed(0)
    encoder = Vgg16ConvStyle(size=32, width=2)
    alike = torch.zeros(4, 3, 32, 32) + torch.linspace(0, 1e-3, 4).view(4, 1, 1, 1)
    encoder.standardise(encoder.statistics(alike))
    other = torch.rand(1, 3, 32, 32) * 2 - 1
    vector, away = encoder(other)["vector"], encoder.statistics(other) - encoder.mean
    assert vector.abs().max() == 10
    torch.testing.assert_close(vector, (away / encoder.spread).clamp(-10, 10))


@pytest.mark.parametrize("shape", [(1, 92), (4, 91), (92,)])
def test_a_standard_of_other_numbers_is_refused(shape):
    with pytest.raises(ValueError, match="at least 2, 92"):
        Vgg16ConvStyle(width=2).standardise(torch.zeros(shape))


def test_the_standard_is_saved_with_the_weights(tmp_path):
    encoder = Vgg16ConvStyle(size=32, width=1).eval()
    encoder.standardise(torch.randn(5, encoder.length))
    encoder.save_pretrained(tmp_path)
    again, image = Vgg16ConvStyle.from_pretrained(tmp_path).eval(), torch.rand(1, 3, 40, 50)
    torch.testing.assert_close(encoder(image)["vector"], again(image)["vector"], atol=1e-5, rtol=1e-5)
    assert torch.equal(again.mean, encoder.mean) and torch.equal(again.spread, encoder.spread) and encoder.mean.any()


def test_vgg19_fc_has_the_published_layers():
    """Keys and shapes of torchvision's VGG-19, up to the first fully connected layer, and no ReLU behind it."""
    with torch.device("meta"):
        encoder = Vgg19FcStyle()
    convolutions = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
    widths = [3, 64, 64, 128, 128, *[256] * 4, *[512] * 8]
    numbered = list(zip(convolutions, pairwise(widths), strict=True))
    expected = {f"features.{n}.weight": (o, i, 3, 3) for n, (i, o) in numbered}
    expected |= {f"features.{n}.bias": (o,) for n, (_, o) in numbered}
    expected |= {"classifier.0.weight": (4096, 512 * 7 * 7), "classifier.0.bias": (4096,)}
    assert {key: tuple(value.shape) for key, value in encoder.state_dict().items()} == expected
    assert encoder.length == 4096 and encoder.config.kind == "vgg19-fc"


def test_vgg19_fc_written_out():
    torch.manual_seed(0)
    encoder = Vgg19FcStyle(size=32, width=2, length=10)
    loud(encoder)
    image = torch.rand(2, 3, 32, 32) * 2 - 1
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = ((image + 1) / 2 - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    left = list(encoder.parameters())
    for number in (2, 2, 4, 4, 4):
        for _ in range(number):
            x = F.conv2d(x, left.pop(0), left.pop(0), padding=1).relu()
        x = F.max_pool2d(x, 2)
    vector = encoder(image)["vector"]
    torch.testing.assert_close(vector, F.linear(x.flatten(1), *left))
    assert vector.min() < 0, "before its ReLU"


def test_without_a_download_vgg19_says_what_to_do(monkeypatch, tmp_path):
    def unreachable(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", unreachable)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(OSError, match="no route to host.*vgg19-dcbb9e9d.pth at .*checkpoints.*--style vgg16-conv"):
        style_weights.style_encoder("vgg19-fc", 224)


def test_a_file_that_is_not_vgg19_is_an_os_error(monkeypatch):
    def wrong(*_, **options):
        assert options["check_hash"] and options["weights_only"]
        raise RuntimeError("invalid hash value")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", wrong)
    with pytest.raises(OSError, match="invalid hash"):
        style_weights.style_encoder("vgg19-fc", 224)


def test_the_download_fits_vgg19(monkeypatch):
    """torchvision's whole state, layers that are not used included; of zeros, so that it takes no time."""
    with torch.device("meta"):
        shapes = {key: value.shape for key, value in Vgg19FcStyle().state_dict().items()}
    state = {key: torch.zeros(1).expand(shape) for key, shape in shapes.items()}
    state |= {"classifier.3.weight": torch.zeros(1), "classifier.6.bias": torch.zeros(1)}
    state["classifier.0.bias"] = torch.arange(4096.0)
    monkeypatch.setattr(style_weights, "vgg19_state", lambda: state)
    encoder = style_weights.style_encoder("vgg19-fc", 99)
    assert (
        encoder.size == 224 and not encoder.training and torch.equal(encoder.classifier[0].bias, torch.arange(4096.0))
    )


def test_other_styles_are_refused():
    with pytest.raises(ValueError, match='"vgg19-fc" or "vgg16-conv", got \'vgg16\''):
        style_weights.style_encoder("vgg16", 64)


@pytest.mark.parametrize("size", [(7, 40), (33, 31)])
def test_in_the_pipeline(size):
    """Any size, several references as the mean of their vectors, half precision."""
    torch.manual_seed(0)
    encoder = Vgg16ConvStyle(size=32, width=2).eval()
    encoder.standardise(encoder.statistics(torch.rand(4, 3, 32, 32) * 2 - 1))
    pipe = LineArtColorizer(SwishUNetGenerator(width=2, style=encoder.length).eval(), encoder)
    drawing = (torch.rand(1, *size) > 0.2).float()
    warm, cold = torch.tensor([0.9, 0.5, 0.1]), torch.tensor([0.1, 0.3, 0.9])
    first, second = (colour.view(3, 1, 1).expand(3, 40, 50) for colour in (warm, cold))
    outputs = [pipe(drawing, given, output_type="pt").images[0] for given in (first, second, [first, second])]
    assert all(output.shape == (3, *size) and output.isfinite().all() for output in outputs)
    assert not torch.allclose(outputs[0], outputs[1], atol=1e-3) and not torch.equal(outputs[2], outputs[0])
    half = LineArtColorizer(pipe.generator.to(torch.bfloat16), encoder)
    assert half(drawing, first, output_type="pt").images[0].isfinite().all()
