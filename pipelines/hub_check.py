"""Does a Hub folder stand alone? Tried in a fresh process that has diffusers but not this project."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import torchvision_guard
from pipelines.components import VARIANTS, read_json, weights_name
from pipelines.method import Method
from pipelines.pretrained import INDEX, method_of

_SECONDS = 300

# The guard is this machine's matter, not the project's: without it some machines cannot import diffusers at all.
_SCRIPT = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("torchvision_guard", sys.argv[1])
sys.modules[spec.name] = guard = importlib.util.module_from_spec(spec)
spec.loader.exec_module(guard)
import numpy as np, torch
from diffusers import DiffusionPipeline
from PIL import Image
task = json.load(open("task.json"))
torch.set_num_threads(task["threads"])
try:
    DiffusionPipeline.from_pretrained(task["folder"])
except ValueError as error:
    assert "trust_remote_code" in str(error), error
else:
    raise AssertionError("the folder's code ran without being trusted")
inputs = {key: Image.open(value["png"]) if isinstance(value, dict) else value for key, value in task["inputs"].items()}
for name, variant in task["variants"].items():
    pipe = DiffusionPipeline.from_pretrained(
        task["folder"], variant=variant, trust_remote_code=True, dtype=torch.float32, use_safetensors=True
    )
    images = pipe(**inputs, generator=torch.manual_seed(0)).images
    np.savez(f"{name}.npz", *[np.asarray(image) for image in images])
ours = {"pipelines", "train", "evaluation", "ui"} & set(sys.modules)
assert not ours, f"the folder needs {sorted(ours)}"
"""


def check_hub_folder(folder: str | Path) -> list[str]:
    """Try a Hub folder by diffusers alone, in every variant, and compare with what the installed code paints.

    Args:
        folder: as `save_for_hub` wrote it.

    Returns:
        Sentences that say what is wrong; none if the folder is sound.
    """
    folder = Path(folder).resolve()
    variants = {"plain": None} | {name: name for name in VARIANTS if any(folder.glob(f"*/{weights_name(name)}"))}
    try:
        method = _method_in(folder)
        expected = {name: _paint_here(method, folder, variant) for name, variant in variants.items()}
    except (OSError, ValueError) as error:
        return [str(error)]
    with tempfile.TemporaryDirectory() as elsewhere:
        here = Path(elsewhere)
        inputs = _as_files(method.tiny_inputs(), here)
        task = {"folder": str(folder), "variants": variants, "inputs": inputs, "threads": torch.get_num_threads()}
        (here / "task.json").write_text(json.dumps(task), encoding="utf-8")
        if problem := _run_elsewhere(here):
            return [f"{folder.name} does not run on its own: {problem}."]
        return [line for name in variants for line in _differences(name, expected[name], here / f"{name}.npz")]


def _run_elsewhere(here: Path) -> str | None:
    """Run the script in the folder `here`; say what went wrong, or None."""
    # Isolated (-I): neither the working folder nor PYTHONPATH is searched. Its own cache: no copies of other code.
    command = [sys.executable, "-I", "-c", _SCRIPT, str(Path(torchvision_guard.__file__).resolve())]
    environment = os.environ | {"HF_HOME": str(here / "cache"), "HF_HUB_OFFLINE": "1"}
    try:
        done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        return f"it was not ready after {_SECONDS} seconds"
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1].rstrip(".")
    return None


def _method_in(folder: Path) -> Method:
    class_name = read_json(folder / INDEX).get("_class_name")
    if not (isinstance(class_name, list) and len(class_name) == 2):
        raise ValueError(f"{folder} does not carry its code: its _class_name is {class_name!r}.")
    return method_of(str(class_name[1]))


def _paint_here(method: Method, folder: Path, variant: str | None) -> list[np.ndarray]:
    pipe = method.load("pipeline").from_pretrained(folder, variant=variant)
    images = pipe(**method.tiny_inputs(), generator=torch.manual_seed(0)).images
    return [np.asarray(image) for image in images]


def _as_files(inputs: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Inputs as JSON says them: pictures become PNG files."""
    named = {}
    for key, value in inputs.items():
        if isinstance(value, Image.Image):
            value.save(folder / f"{key}.png")
            named[key] = {"png": f"{key}.png"}
        else:
            named[key] = value
    return named


def _differences(name: str, expected: list[np.ndarray], file: Path) -> list[str]:
    with np.load(file) as arrays:
        painted = [arrays[key] for key in arrays.files]
    if [image.shape for image in expected] != [image.shape for image in painted]:
        return [f"{name}: pictures of {[i.shape for i in painted]}, here of {[i.shape for i in expected]}."]
    off = [int(np.abs(a.astype(int) - b).max()) for a, b in zip(expected, painted, strict=True)]
    return [f"{name}: pixels differ from those made here by up to {max(off)} of 255."] if any(off) else []
