"""Reading Hub folders: pixels survive, code is not run, and whatever is wrong is said in one sentence."""

from pathlib import Path

import numpy as np
import pytest
import torch

import pipelines
from hub_folders import FP16_WEIGHTS, WEIGHTS, edit_json, edit_weights, paint
from pipelines import LandscapeColorizer
from pipelines.hub import bundled_folder, save_for_hub

pytest_plugins = ("hub_fixtures",)
ROOT = Path(pipelines.__file__).resolve().parent.parent


def test_pixels_survive(pipe, exported):
    loaded = LandscapeColorizer.from_pretrained(exported)
    assert not loaded.generator.training and loaded.generator.dtype == torch.float32
    assert (paint(loaded) == paint(pipe)).all()
    half = LandscapeColorizer.from_pretrained(str(exported), variant="fp16")
    assert half.generator.dtype == torch.float32
    assert np.abs(paint(half).astype(int) - paint(pipe)).max() <= 3
    assert LandscapeColorizer.from_pretrained(exported, dtype=torch.bfloat16).generator.dtype == torch.bfloat16


def test_half_precision_under_the_plain_name_and_a_lone_variant(pipe, exported, folder, tmp_path):
    expected = paint(LandscapeColorizer.from_pretrained(exported, variant="fp16"))
    plain = save_for_hub(pipe, tmp_path / "plain", dtype=torch.float16)
    assert (plain / WEIGHTS).stat().st_size < 0.6 * (exported / WEIGHTS).stat().st_size
    assert (paint(LandscapeColorizer.from_pretrained(plain)) == expected).all()
    (folder / WEIGHTS).unlink()
    assert (paint(LandscapeColorizer.from_pretrained(folder)) == expected).all()


def test_a_folder_of_diffusers_own_writing_loads_too(pipe, tmp_path):
    pipe.save_pretrained(tmp_path)
    assert (paint(LandscapeColorizer.from_pretrained(tmp_path)) == paint(pipe)).all()


def test_code_in_a_folder_is_never_run(folder):
    for file in folder.rglob("*.py"):
        file.write_text("raise SystemExit('ran')")
    (folder / "generator" / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x04not opened")
    LandscapeColorizer.from_pretrained(folder)


def as_pickle(folder: Path) -> None:
    (folder / FP16_WEIGHTS).unlink()
    (folder / WEIGHTS).rename(folder / "generator" / "diffusion_pytorch_model.bin")


def without_weights(folder: Path) -> None:
    (folder / FP16_WEIGHTS).unlink()
    (folder / WEIGHTS).unlink()


def cut(folder: Path) -> None:
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: len(data) // 2])


def set_nan(state) -> None:
    state["refiner.enter.bias"][0] = float("nan")


def index_with(**entries):
    return lambda folder: edit_json(folder / "model_index.json", lambda index: index.update(entries))


def config_with(**entries):
    return lambda folder: edit_json(folder / "generator" / "config.json", lambda config: config.update(entries))


def weights_with(change):
    return lambda folder: edit_weights(folder, change)


BAD = {
    "no index": (lambda f: (f / "model_index.json").unlink(), OSError, r"has no model_index\.json"),
    "no config": (lambda f: (f / "generator/config.json").unlink(), OSError, r"has no config\.json"),
    "no weights": (without_weights, OSError, r"has no diffusion_pytorch_model\.safetensors\.$"),
    "pickle": (as_pickle, OSError, r"has diffusion_pytorch_model\.bin, and pickles.*never loaded"),
    "cut short": (cut, OSError, "not a whole safetensors file"),
    "zero bytes": (lambda f: (f / WEIGHTS).write_bytes(b""), OSError, "not a whole safetensors file"),
    "text": (lambda f: (f / WEIGHTS).write_text("weights! " * 99), OSError, "not a whole safetensors file"),
    "index is no JSON": (lambda f: (f / "model_index.json").write_text("{"), ValueError, "not valid JSON"),
    "index is a list": (lambda f: (f / "model_index.json").write_text("[]"), ValueError, "JSON object"),
    "index too deep": (lambda f: (f / "model_index.json").write_text("[" * 10**6), ValueError, "not valid JSON"),
    "index is binary": (lambda f: (f / "model_index.json").write_bytes(b"\xff\xfe"), ValueError, "not valid JSON"),
    "config is no JSON": (lambda f: (f / "generator/config.json").write_text("?"), ValueError, "not valid JSON"),
    "another method": (
        index_with(_class_name=["pipeline_x", "SceneTranslator"]),
        *(ValueError, "weights of a SceneTranslator, not of a LandscapeColorizer"),
    ),
    "unknown class": (
        index_with(generator=["networks_x", "Backdoor"]),
        *(ValueError, "class 'Backdoor'; landscape_colorizer has TwoNetGenerator, ResNetGenerator, UNetGenerator"),
    ),
    "component missing": (index_with(generator=None), ValueError, "class None"),
    "component too many": (index_with(vae=["a", "B"]), ValueError, "unknown component vae"),
    "config of another class": (config_with(_class_name="UNet"), ValueError, "describes a UNet, but"),
    "unknown option": (config_with(depth=3), ValueError, "does not know: depth"),
    "impossible option": (config_with(features="many"), ValueError, "no TwoNetGenerator that can be built"),
    "huge option": (config_with(refiner_width=10**6), ValueError, r"has shape \[.*expected \[1000000"),
    "missing key": (
        weights_with(lambda state: state.pop("refiner.enter.bias")),
        *(ValueError, r"lacks refiner\.enter\.bias \(\d+ tensors found, \d+ expected\)"),
    ),
    "unexpected key": (
        weights_with(lambda state: state.update(extra=torch.zeros(1))),
        *(ValueError, "unexpected extra"),
    ),
    "wrong shape": (
        weights_with(lambda state: state.update({"refiner.enter.bias": torch.zeros(9)})),
        *(ValueError, r"refiner\.enter\.bias has shape \[9\], expected \[8\]"),
    ),
    "wrong kind": (
        weights_with(lambda state: state.update({"refiner.enter.bias": torch.zeros(8, dtype=torch.int64)})),
        *(ValueError, r"refiner\.enter\.bias holds torch\.int64, expected torch\.float32"),
    ),
    "not a number": (weights_with(set_nan), ValueError, r"refiner\.enter\.bias holds numbers that are not finite"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_folder_gives_one_sentence(case, folder):
    spoil, kind, match = BAD[case]
    spoil(folder)
    with pytest.raises(kind, match=match) as caught:
        LandscapeColorizer.from_pretrained(folder)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("source", "options", "kind", "match"),
    [
        ("/no/such/folder", {}, OSError, "no folder '/no/such/folder'"),
        (Path("some/where"), {}, OSError, "no folder 'some/where'"),
        ("nonsense", {}, OSError, "a Hub id reads namespace/name"),
        ("../no/such/folder", {}, OSError, "no folder"),
        ("tester/never-downloaded", {}, OSError, "nothing can be looked up offline"),
        ("model.pt", {}, ValueError, "is a pickle"),
        (__file__, {}, OSError, "is a file; needed is the folder"),
        (None, {"variant": "../x"}, ValueError, "variant must be a word"),
        (None, {"dtype": "float16"}, ValueError, "floating point torch.dtype"),
        (None, {"dtype": torch.int8}, ValueError, "floating point torch.dtype"),
    ],
)
def test_a_bad_source_gives_one_sentence(source, options, kind, match):
    with pytest.raises(kind, match=match) as caught:
        LandscapeColorizer.from_pretrained(source, **options)
    assert "\n" not in str(caught.value)


def test_a_variant_that_is_not_there_is_named(folder):
    (folder / FP16_WEIGHTS).unlink()
    with pytest.raises(OSError, match=r"no diffusion_pytorch_model\.fp16\.safetensors; it has diffusion_pytorch"):
        LandscapeColorizer.from_pretrained(folder, variant="fp16")


def test_no_bundled_weights_is_said(monkeypatch, tmp_path):
    from pipelines import pretrained

    monkeypatch.setattr(pretrained, "bundled_folder", lambda name: tmp_path / name)
    with pytest.raises(OSError, match="No weights of landscape_colorizer are bundled"):
        LandscapeColorizer.from_pretrained()
    assert bundled_folder("landscape_colorizer") == ROOT / "weights" / "landscape_colorizer"
