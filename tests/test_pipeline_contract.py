"""diffusers' own shared pipeline tests (its `PipelineTesterMixin`), written for our classes and run over `METHODS`."""

import inspect
import json

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline, ModelMixin
from diffusers.utils import BaseOutput
from PIL import Image

from pipelines import METHODS, get_method
from pipelines.hub import save_for_hub

every_method = pytest.mark.parametrize("method", [get_method(name) for name in METHODS], ids=list(METHODS))


@pytest.fixture(scope="module")
def pipes():
    """A tiny pipeline a method, made once; tests that change one make their own."""
    torch.manual_seed(0)
    return {name: get_method(name).tiny() for name in METHODS}


def paint(pipe, method, **options) -> list[np.ndarray]:
    inputs = method.tiny_inputs() | {"generator": torch.manual_seed(0), "output_type": "np"} | options
    return [np.asarray(image) for image in pipe(**inputs).images]


def largest(first: list[np.ndarray], second: list[np.ndarray]) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(first, second, strict=True))


@every_method
def test_the_call_has_diffusers_parameters(method):
    parameters = inspect.signature(method.load("pipeline").__call__).parameters
    assert {"generator", "output_type", "return_dict"} <= set(parameters)
    assert parameters["output_type"].default == "pil" and parameters["return_dict"].default is True
    assert parameters["generator"].default is None
    assert set(method.tiny_inputs()) <= set(parameters)
    for name, parameter in parameters.items():
        assert parameter.kind is not parameter.VAR_KEYWORD, f"{name} would hide misspelt options"
    with pytest.raises(TypeError, match="no_such_option"):
        method.tiny()(**method.tiny_inputs(), no_such_option=1)


@every_method
def test_dict_and_tuple_are_the_same(method, pipes):
    pipe = pipes[method.name]
    output = pipe(**method.tiny_inputs(), generator=torch.manual_seed(0))
    assert isinstance(output, BaseOutput) and output["images"] is output.images and output[0] is output.images
    again = pipe(**method.tiny_inputs(), generator=torch.manual_seed(0), return_dict=False)
    assert isinstance(again, tuple)
    assert all((np.asarray(a) == np.asarray(b)).all() for a, b in zip(output.images, again[0], strict=True))


@every_method
def test_its_parts_are_modules_in_evaluation_mode(method, pipes):
    pipe = pipes[method.name]
    components, _ = pipe._get_signature_keys(pipe)
    assert set(pipe.components) == set(components)
    parts = [part for part in pipe.components.values() if part is not None]
    assert parts and all(isinstance(part, ModelMixin) and not part.training for part in parts)
    again = type(pipe)(**pipe.components)
    assert largest(paint(again, method), paint(pipe, method)) == 0


@every_method
def test_saving_and_loading_by_diffusers_own_means(method, pipes, tmp_path):
    """`save_pretrained` writes no code: such a folder loads where the project is."""
    pipe = pipes[method.name]
    pipe.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "model_index.json").read_text())["_class_name"] == type(pipe).__name__
    assert not list(tmp_path.rglob("*.bin"))
    loaded = type(pipe).from_pretrained(tmp_path)
    assert largest(paint(loaded, method), paint(pipe, method)) == 0
    assert all(part is None for name, part in loaded.components.items() if pipe.components[name] is None)


@every_method
def test_saving_and_loading_a_variant(method, pipes, tmp_path):
    pipe = pipes[method.name]
    save_for_hub(pipe, tmp_path / "hub", variant="fp16")
    plain = paint(type(pipe).from_pretrained(tmp_path / "hub"), method)
    half = type(pipe).from_pretrained(tmp_path / "hub", variant="fp16")
    assert largest(plain, paint(pipe, method)) == 0
    assert half.dtype == torch.float32 and largest(paint(half, method), plain) < 0.05
    with pytest.raises(OSError, match=r"no diffusion_pytorch_model\.bf16\.safetensors"):
        type(pipe).from_pretrained(tmp_path / "hub", variant="bf16")


@every_method
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision_paints_nearly_the_same(method, pipes, dtype, tmp_path):
    folder = save_for_hub(pipes[method.name], tmp_path / "hub")
    pipe = method.load("pipeline").from_pretrained(folder, dtype=dtype)
    assert pipe.dtype == dtype
    painted = paint(pipe, method)
    assert all(np.isfinite(image).all() and image.dtype == np.float32 for image in painted)
    if "score" not in dir(pipe(**method.tiny_inputs())):  # a gate may choose another seed
        difference = max(
            float(np.abs(a - b).mean()) for a, b in zip(painted, paint(pipes[method.name], method), strict=True)
        )
        assert difference < 0.05
    assert pipe.to(torch.float32).dtype == torch.float32


@every_method
def test_it_is_moved_as_a_whole(method):
    pipe = method.tiny()
    assert pipe.to("cpu") is pipe and pipe.device == torch.device("cpu")
    for part in pipe.components.values():
        assert part is None or part.device.type == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@every_method
def test_a_gpu_paints_nearly_the_same(method, pipes):
    expected = paint(pipes[method.name], method)
    pipe = type(pipes[method.name])(**method.tiny().components)
    for name, part in pipe.components.items():
        if part is not None:
            part.load_state_dict(pipes[method.name].components[name].state_dict())
    painted = paint(pipe.to("cuda"), method)
    assert pipe.device.type == "cuda" and largest(painted, expected) < 0.02


@every_method
def test_a_batch_paints_what_its_parts_paint_alone(method, pipes):
    pipe, inputs = pipes[method.name], method.tiny_inputs()
    if "image" in inputs:
        image = inputs["image"]
        images = [image, image.transpose(Image.Transpose.FLIP_TOP_BOTTOM), image]
        together = paint(pipe, method, image=images)
        alone = [paint(pipe, method, image=one)[0] for one in images]
    else:
        together = paint(pipe, method, batch_size=3, seed=[5, 6, 5], generator=None)
        alone = [paint(pipe, method, batch_size=1, seed=seed, generator=None)[0] for seed in (5, 6, 5)]
    assert len(together) == 3 and largest(together, alone) < 1e-4
    assert largest(together[:1], together[2:]) < 1e-4 and largest(together[:1], together[1:2]) > 1e-3


@every_method
def test_the_generator_alone_decides(method, pipes):
    """Neither the global seed nor what was painted before matters, and the call leaves the global seed alone."""
    pipe = pipes[method.name]
    torch.manual_seed(1)
    first = paint(pipe, method, generator=torch.Generator().manual_seed(3))
    state = torch.get_rng_state()
    torch.manual_seed(2)
    assert largest(paint(pipe, method, generator=torch.Generator().manual_seed(3)), first) == 0
    torch.set_rng_state(state)
    paint(pipe, method, generator=torch.Generator().manual_seed(3))
    assert torch.equal(torch.get_rng_state(), state)


@every_method
def test_it_needs_no_gradients_and_keeps_none(method, pipes):
    tensor = pipes[method.name](**method.tiny_inputs(), output_type="pt").images[0]
    assert not tensor.requires_grad and tensor.grad_fn is None


@every_method
def test_what_diffusers_offers_every_pipeline_works(method, pipes):
    pipe = pipes[method.name]
    pipe.set_progress_bar_config(disable=True)
    assert isinstance(pipe, DiffusionPipeline) and type(pipe).__name__ in repr(pipe)
    assert pipe.config["_class_name"] == type(pipe).__name__ if "_class_name" in pipe.config else True
    pipe.enable_attention_slicing()
    pipe.disable_attention_slicing()
    assert largest(paint(pipe, method), paint(pipe, method)) == 0
