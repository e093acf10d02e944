"""Networks of the paper's detail generator: layers as the text and DCGAN have them, categories, errors, saving."""

import pytest
import torch
from torch import nn

import torchvision_guard  # noqa: F401
from network_tables import describe
from pipelines.detail_generator.networks_single_scale import (
    KERNEL_MODES,
    SingleScaleDiscriminator,
    TransposedGenerator,
)
from pipelines.detail_generator.networks_vae_msgan import MultiScaleDiscriminator, VariationalEncoder
from pipelines.detail_generator.pipeline_detail_generator import DetailGenerator

KINDS = ("fruit", "packages", "vegetables")
HALVING = {"none": None, "average": nn.AvgPool2d, "max": nn.MaxPool2d}


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def layers_of(network: nn.Module, *given: torch.Tensor) -> list[tuple]:
    """Layers in the order in which data meet them, with the sides of their maps."""
    met: list[tuple] = []
    for module in network.modules():
        if not list(module.children()):
            module.register_forward_hook(lambda module, _, output: met.append(describe(module, output.shape[-1])))
    network(*given)
    return met


def test_the_papers_networks_make_rebuild_and_vary_pictures():
    """They are told a category and have no word of colours."""
    pipe = DetailGenerator(
        TransposedGenerator(16, 4, 6, categories=KINDS).eval(), VariationalEncoder(16, 4, 6, kinds=len(KINDS)).eval()
    )
    made = pipe("fruit", batch_size=2, seed=3)
    assert made.categories == ["fruit"] * 2 and made.colours == [None, None] and made.images[0].size == (16, 16)
    assert len(pipe.interpolate([1, 2], "packages", steps=2).images) == 3
    assert pipe.reconstruct(made.images[0]).images[0].size == (16, 16)
    assert len(pipe.vary(made.images[0], "fruit", batch_size=3, seed=0).images) == 3


def test_default_generator_is_dcgans():
    with torch.device("meta"):
        met = layers_of(TransposedGenerator(), torch.zeros(2, 100))
    expected: list[tuple] = [("linear",), ("batch", 512), ("relu",)]
    for i, o, side in ((512, 256, 8), (256, 128, 16), (128, 64, 32)):
        expected += [("up", i, o, 5, 2, 2, False, side), ("batch", o), ("relu",)]
    assert met == [*expected, ("up", 64, 3, 5, 2, 2, True, 64), ("tanh",)]


def test_default_discriminators():
    picture = torch.zeros(2, 3, 64, 64, device="meta")
    with torch.device("meta"):
        single = layers_of(SingleScaleDiscriminator(), picture)
        several = layers_of(MultiScaleDiscriminator(), picture)
    expected: list[tuple] = [("conv", 3, 64, 5, 2, 2, True, 32), ("leaky", 0.2)]
    for i, o, side in ((64, 128, 16), (128, 256, 8), (256, 512, 4)):
        expected += [("conv", i, o, 5, 2, 2, False, side), ("batch", o), ("leaky", 0.2)]
    assert single == [*expected, ("linear",)]
    expected = []
    for k in (3, 5, 7):
        expected += [("conv", 3, 32, k, 1, k // 2, True, 64), ("leaky", 0.2), ("maxpool2d",)]
        for i, o, side in ((32, 64, 32), (64, 128, 16)):
            expected += [("conv", i, o, k, 1, k // 2, False, side), ("batch", o), ("leaky", 0.2), ("maxpool2d",)]
    mixed = [("conv", 384, 256, 1, 1, 0, False, 8), ("batchnorm2d",), ("leaky", 0.2), ("linear",)]
    assert several == expected + mixed


@pytest.mark.parametrize(
    ("network", "millions"),
    [
        (TransposedGenerator, 5.13),
        (SingleScaleDiscriminator, 4.32),
        (VariationalEncoder, 6.40),
        (MultiScaleDiscriminator, 0.97),
    ],
)
def test_sizes_are_as_documented(network, millions):
    with torch.device("meta"):
        assert round(parameters(network()) / 1e6, 2) == millions
    assert f"{millions:.2f} M parameters" in network.__doc__


@pytest.mark.parametrize("mode", KERNEL_MODES)
def test_kernel_modes_of_table_1(mode):
    up, down = KERNEL_MODES[mode]
    generator, judge = TransposedGenerator(16, 2, 4, up), SingleScaleDiscriminator(16, 2, down)
    kernels = [
        {m.kernel_size for m in net.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))}
        for net in (generator, judge)
    ]
    assert kernels == [{(up, up)}, {(down, down)}]
    logits, _ = judge(generator(torch.randn(2, 4)))
    assert logits.shape == (2, 1)


def test_the_seven_modes_are_the_papers():
    assert KERNEL_MODES == {1: (3, 3), 2: (5, 3), 3: (3, 5), 4: (5, 5), 5: (3, 7), 6: (5, 7), 7: (7, 7)}


@pytest.mark.parametrize("pooling", HALVING)
@pytest.mark.parametrize("pooled", [None, (1, 2), (3, 4), (2,), ()])
@pytest.mark.parametrize("cls", [SingleScaleDiscriminator, MultiScaleDiscriminator])
def test_pooling_and_its_positions(pooling, pooled, cls):
    """A level that pools has no stride, one that does not has; the map's side is the same."""
    size = 64 if cls is SingleScaleDiscriminator else 128  # four levels
    judge = cls(size, 2, pooling=pooling, pooled=pooled)
    wanted = [pooling != "none" and (pooled is None or level in pooled) for level in (1, 2, 3, 4)]
    for branch in [judge.levels] if cls is SingleScaleDiscriminator else judge.branches:
        found: list[bool] = []
        for module in branch:
            if isinstance(module, nn.Conv2d):
                found.append(module.stride == (1, 1))
            elif HALVING[pooling] and isinstance(module, HALVING[pooling]):
                assert found[-1] and module.kernel_size == 2
        assert found == wanted
        assert sum(isinstance(module, (nn.AvgPool2d, nn.MaxPool2d)) for module in branch) == sum(wanted)
    logits, features = judge(torch.zeros(2, 3, size, size))
    assert logits.shape == (2, 1) and features.shape[2] == (4 if cls is SingleScaleDiscriminator else 8)


@pytest.mark.parametrize("size", [16, 32, 128])
def test_sizes(size):
    latents = torch.randn(2, 5)
    pictures = TransposedGenerator(size, 2, 5)(latents)
    assert pictures.shape == (2, 3, size, size) and pictures.abs().max() <= 1
    mean, log_variance = VariationalEncoder(size, 2, 5)(pictures)
    assert mean.shape == log_variance.shape == (2, 5)
    assert SingleScaleDiscriminator(size, 2)(pictures)[1].shape[2:] == (4, 4)
    assert MultiScaleDiscriminator(size, 2)(pictures)[1].shape == (2, 16, 8, 8)


@pytest.mark.parametrize("kernels", [(3,), (3, 5), (7, 3, 5, 9)])
def test_one_branch_a_kernel_and_each_is_heard(kernels):
    judge = MultiScaleDiscriminator(16, 2, kernels)
    assert [branch[0].kernel_size[0] for branch in judge.branches] == list(kernels)
    logits, features = judge(torch.randn(2, 3, 16, 16))
    (logits.sum() + features.square().sum()).backward()
    assert all(p.grad is not None and p.grad.any() for branch in judge.branches for p in branch.parameters())


def test_features_are_what_the_score_is_taken_from():
    for judge in (SingleScaleDiscriminator(16, 2), MultiScaleDiscriminator(16, 2)):
        logits, features = judge.eval()(torch.randn(3, 3, 16, 16))
        torch.testing.assert_close(judge.score(features.flatten(1)), logits)


def test_fused_features_keep_their_scale_when_weights_are_clipped():
    """Else the likelihood would vanish beside the divergence in the Wasserstein variant."""
    torch.manual_seed(0)
    pictures = torch.randn(8, 3, 32, 32)
    judge = MultiScaleDiscriminator(32, 8)
    before = judge(pictures)[1].std().item()
    with torch.no_grad():
        for parameter in judge.parameters():
            parameter.clamp_(-0.01, 0.01)
    assert 0.5 < judge(pictures)[1].std().item() / before < 2


def made(kinds: int) -> dict[str, tuple[nn.Module, torch.Tensor]]:
    torch.manual_seed(0)
    picture = torch.randn(1, 3, 16, 16).expand(3, -1, -1, -1)
    networks = {
        "generator": (TransposedGenerator(16, 2, 5, categories=KINDS[:kinds]), torch.randn(1, 5).expand(3, -1)),
        "encoder": (VariationalEncoder(16, 2, 5, kinds=kinds), picture),
        "single": (SingleScaleDiscriminator(16, 2, kinds=kinds), picture),
        "multi": (MultiScaleDiscriminator(16, 2, kinds=kinds), picture),
    }
    for network, _ in networks.values():
        network.eval()
        nn.init.normal_(next(network.parameters()))
    return networks


@pytest.mark.parametrize("name", ["generator", "encoder", "single", "multi"])
def test_the_category_counts(name):
    network, given = made(3)[name]
    output = network(given, torch.tensor([0, 1, 2]))
    output = output if name == "generator" else output[1 if name == "encoder" else 0]
    assert len({tuple(one.flatten().tolist()) for one in output}) == 3
    for wrong in (None, torch.tensor([0]), torch.tensor([0, 1, 3]), torch.tensor([-1, 0, 1])):
        with pytest.raises(ValueError, match="categories"):
            network(given, wrong)


@pytest.mark.parametrize("name", ["generator", "encoder", "single", "multi"])
def test_one_category_is_no_condition(name):
    network, given = made(1)[name]
    alone, told = network(given), network(given, torch.tensor([0, 0, 0]))
    pairs = [(alone, told)] if name == "generator" else zip(alone, told, strict=True)
    assert all(torch.equal(first, second) for first, second in pairs)
    assert parameters(network) < parameters(made(3)[name][0])


@pytest.mark.parametrize("size", [8, 24, 0, -16, 65])
@pytest.mark.parametrize(
    "cls", [TransposedGenerator, SingleScaleDiscriminator, VariationalEncoder, MultiScaleDiscriminator]
)
def test_sizes_that_do_not_fit_are_refused(cls, size):
    with pytest.raises(ValueError, match=f"power of two, at least 16, got {size}"):
        cls(size)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: TransposedGenerator(16, kernel=4), "odd"),
        (lambda: MultiScaleDiscriminator(16, kernels=()), "at least one, got none"),
        (lambda: MultiScaleDiscriminator(16, kernels=(3, 2)), "odd, at least one, got 3, 2"),
        (lambda: SingleScaleDiscriminator(16, pooling="median"), "none, average or max, got 'median'"),
        (lambda: SingleScaleDiscriminator(16, pooling="max", pooled=(3,)), "levels 1 to 2, got 3"),
        (lambda: SingleScaleDiscriminator(16, pooling="max", pooled=(0,)), "levels 1 to 2, got 0"),
        (lambda: TransposedGenerator(16, categories=()), "at least one"),
        (lambda: TransposedGenerator(16, categories=("fruit", "fruit")), "different names"),
        (lambda: TransposedGenerator(16, 2, 5)(torch.zeros(2, 6)), r"\(B, 5\), got \(2, 6\)"),
        (lambda: VariationalEncoder(16, 2)(torch.zeros(2, 3, 32, 32)), r"\(B, 3, 16, 16\)"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_first_weights_are_dcgans():
    torch.manual_seed(0)
    for network in (TransposedGenerator(32, 16), VariationalEncoder(32, 16), MultiScaleDiscriminator(32, 16)):
        for module in network.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
                assert abs(module.weight.std().item() - 0.02) < 2e-3 and abs(module.weight.mean().item()) < 2e-3
                assert module.bias is None or not module.bias.any()
            if isinstance(module, nn.BatchNorm2d) and module.affine:
                assert abs(module.weight.mean().item() - 1) < 0.02 and not module.bias.any()


def test_weights_and_options_survive_saving(tmp_path):
    networks = made(3)
    for name in ("generator", "encoder"):
        network, given = networks[name]
        network.save_pretrained(tmp_path / name)
        again = type(network).from_pretrained(tmp_path / name).eval()
        first, second = (net(given, torch.tensor([2, 0, 1])) for net in (network, again))
        same = [(first, second)] if name == "generator" else list(zip(first, second, strict=True))
        assert all(torch.equal(*pair) for pair in same)
        if name == "generator":
            assert again.categories == KINDS and again.config.latents == 5 and again.config.size == 16
