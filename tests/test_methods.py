"""The contract that every method meets. A new method is covered by its line in `METHODS`."""

import ast
import sys

import diffusers.pipelines
import numpy as np
import pytest
import torch

import pipelines
from pipelines import METHODS, get_method
from pipelines.hub import check_hub_folder, save_for_hub
from pipelines.pretrained import PretrainedPipeline, method_of
from pipelines.standalone import standalone_source

every_method = pytest.mark.parametrize("method", [get_method(name) for name in METHODS], ids=list(METHODS))
TARGETS = ("pipeline", "recipe", "presets", "tab", "table", "onnx")


def call(pipe, method, **options):
    return pipe(**method.tiny_inputs() | {"generator": torch.manual_seed(0)} | options)


@every_method
def test_everything_declared_exists(method):
    assert get_method(method.name.replace("_", "-")) is method
    assert method.folder.is_dir() and (method.folder / method.card).is_file()
    for target in TARGETS:
        if getattr(method, target) is not None:
            method.load(target)
    for target in method.networks:
        module, name = target.split(":")
        assert issubclass(getattr(__import__(module, fromlist=[name]), name), torch.nn.Module)
    cls = method.load("pipeline")
    assert issubclass(cls, PretrainedPipeline) and method_of(cls.__name__) is method
    assert getattr(pipelines, cls.__name__) is cls


@every_method
def test_names_follow_the_layout(method):
    """Unique file names: diffusers keeps the code of all repositories in one flat namespace."""
    modules = [method.pipeline.split(":")[0], *(target.split(":")[0] for target in method.networks)]
    for module in modules:
        if module.startswith("pipelines."):
            assert module.split(".")[1] == method.name
            assert module.split(".")[2].startswith(("networks_", "pipeline_"))
    assert modules[0].split(".")[2] == f"pipeline_{method.name}"
    assert not hasattr(diffusers.pipelines, method.name), "diffusers would take the folder for its own"


def test_no_two_methods_share_a_file_or_class_name():
    targets = {target for name in METHODS for target in (get_method(name).pipeline, *get_method(name).networks)}
    ours = {target for target in targets if target.startswith("pipelines.")}
    assert len({target.split(":")[1] for target in ours}) == len(ours)
    modules = {target.split(":")[0] for target in ours}
    assert len({module.rsplit(".", 1)[1] for module in modules}) == len(modules)


@every_method
def test_same_seed_same_pixels_and_output_types(method):
    pipe = method.tiny()
    pictures = call(pipe, method).images
    again = call(pipe, method, return_dict=False)
    assert isinstance(again, tuple) and len(again[0]) == len(pictures)
    arrays, tensors = (call(pipe, method, output_type=kind).images for kind in ("np", "pt"))
    for first, second, array, tensor in zip(pictures, again[0], arrays, tensors, strict=True):
        expected = np.asarray(first)
        assert (np.asarray(second) == expected).all()
        assert array.shape == expected.shape and array.dtype == np.float32
        assert tuple(tensor.shape) == (expected.shape[2], *expected.shape[:2])
        assert np.abs(np.asarray(array) * 255 - expected).max() <= 0.51
        assert np.abs(tensor.numpy().transpose(1, 2, 0) - array).max() < 1e-6
    with pytest.raises(ValueError, match="output_type"):
        call(pipe, method, output_type="gif")


@every_method
def test_one_picture_or_a_list_and_the_size_stays(method):
    inputs = method.tiny_inputs()
    if "image" not in inputs:
        pytest.skip("makes pictures from nothing")
    pipe = method.tiny()
    image = inputs["image"]
    other = image.resize((image.width + 7, image.height + 3))
    alone = call(pipe, method).images
    several = call(pipe, method, image=[image, other]).images
    assert [picture.size for picture in several] == [image.size, other.size]
    assert (np.asarray(several[0]) == np.asarray(alone[0])).all()


@every_method
def test_a_hub_folder_paints_the_same_in_a_fresh_process_without_the_project(method, tmp_path):
    """Refused without trust, loaded with it, plain and fp16, pixels equal to those of the installed class here."""
    torch.manual_seed(0)
    folder = save_for_hub(method.tiny(), tmp_path / "repo", variant="fp16")
    assert check_hub_folder(folder) == []


@every_method
def test_hub_files_need_nothing_of_the_project(method):
    allowed = set(sys.stdlib_module_names) | {"torch", "diffusers", "numpy", "PIL"}
    for target in (method.pipeline, *method.networks):
        module = target.split(":")[0]
        if not module.startswith("pipelines."):
            continue
        for node in ast.walk(ast.parse(standalone_source(module))):
            if isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= allowed, module
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0 and str(node.module).split(".")[0] in allowed, module


@every_method
def test_bundled_weights_if_any_load_and_are_small(method):
    from pipelines.hub import bundled_folder

    folder = bundled_folder(method.name)
    if not folder.is_dir():
        with pytest.raises(OSError, match="bundled"):
            method.load("pipeline").from_pretrained()
        return
    pipe = method.load("pipeline").from_pretrained()
    assert call(pipe, method).images
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert max(file.stat().st_size for file in files) <= 40 * 2**20
    assert (folder / "training.json").is_file() and (folder / "README.md").is_file()
    assert not list(folder.glob("*/*.fp16.safetensors")), "bundled weights bear the plain name"
