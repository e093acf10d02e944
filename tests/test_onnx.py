"""ONNX files of the methods: equal to PyTorch, of any size, and used without it."""

import subprocess
import sys

import numpy as np
import onnx
import pytest
from PIL import Image

from datasets_cards.procedural import drawing, landscape, scene
from pipelines import METHODS, get_method
from pipelines.__main__ import main
from pipelines.hub import save_for_hub
from pipelines.landscape_colorizer.networks_pix2pix import ResNetGenerator
from pipelines.landscape_colorizer.pipeline_landscape_colorizer import LandscapeColorizer
from pipelines.onnx_export import OPSET, difference

# As if torch were not installed: importing it, or anything of the project, fails.
WITHOUT_TORCH = """
import runpy, sys
for name in ("torch", "diffusers", "pipelines"):
    sys.modules[name] = None
file, sys.argv = sys.argv[1], sys.argv[1:]
sys.path[0] = file.rsplit("/", 1)[0]
runpy.run_path(file, run_name="__main__")
"""


def words(folder, name: str) -> list[str]:
    """Arguments of the example: pictures in, out.png out."""
    landscape(seed=1, width=300, height=200, ink=True).save(folder / "ink.png")
    scene(seed=1, width=300, height=200).save(folder / "valley.png")
    drawn = drawing(seed=1, width=200, height=300)
    drawn.lines.save(folder / "lines.png")
    drawn.colour.save(folder / "colours.png")
    return {
        "landscape_colorizer": ["ink.png", "out.png"],
        "scene_translator": ["valley.png", "out.png", "winter"],
        "lineart_colorizer": ["lines.png", "colours.png", "out.png"],
        "detail_generator": ["fruit", "out.png", "7"],
        "product_studio": ["shoes", "out.png", "7", "red"],
    }[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_the_export_equals_pytorch_and_its_example_runs_without_it(name, tmp_path, capsys):
    assert main(["export", name, "--out", str(tmp_path), "--onnx"]) == 0
    assert "from PyTorch" in capsys.readouterr().out
    assert {file.name for file in tmp_path.iterdir()} == {f"{name}.onnx", "example.py"}
    model = onnx.load(tmp_path / f"{name}.onnx")
    onnx.checker.check_model(model)
    assert {part.domain: part.version for part in model.opset_import}[""] == OPSET
    method = get_method(name)
    graph = method.load("onnx")(method.load("pipeline").from_pretrained())
    assert [part.name for part in model.graph.input] == list(graph.inputs)
    assert difference(graph, tmp_path / f"{name}.onnx") <= 1e-3
    source = (tmp_path / "example.py").read_text()
    assert len([line for line in source.splitlines() if line.strip()]) <= 12 and "torch" not in source
    command = [sys.executable, "-c", WITHOUT_TORCH, str(tmp_path / "example.py"), *words(tmp_path, name)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    painted = np.asarray(Image.open(tmp_path / "out.png").convert("RGB")).astype(int)
    assert np.ptp(painted, axis=2).mean() > 3, "a grey picture"


def test_a_network_without_an_onnx_form_is_refused(tmp_path, capsys):
    paper = save_for_hub(LandscapeColorizer(ResNetGenerator(width=8, blocks=1).eval()), tmp_path / "paper")
    command = ["export", "landscape-colorizer", "--out", str(tmp_path / "out"), "--onnx", "--source", str(paper)]
    assert main(command) == 1
    assert "TwoNetGenerator can be exported to ONNX; this is a ResNetGenerator" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_an_export_that_differs_is_not_written(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("pipelines.onnx_export.difference", lambda *_: float("nan"))
    folder = save_for_hub(get_method("detail_generator").tiny(), tmp_path / "tiny")
    assert main(["export", "detail-generator", "--out", str(tmp_path / "out"), "--onnx", "--source", str(folder)]) == 1
    assert "differs from PyTorch by nan" in capsys.readouterr().err
    assert not list((tmp_path / "out").iterdir())
