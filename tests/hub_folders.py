"""What the tests of Hub folders share: names of files, ways to spoil them. `hub_fixtures` makes the folders."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.torch import load_file, save_file

from pipelines import get_method

METHOD = get_method("landscape_colorizer")
PICTURE = Image.linear_gradient("L").resize((48, 40))
WEIGHTS = "generator/diffusion_pytorch_model.safetensors"
FP16_WEIGHTS = "generator/diffusion_pytorch_model.fp16.safetensors"


def paint(pipe) -> np.ndarray:
    """(40, 48, 3) uint8."""
    return np.asarray(pipe(PICTURE).images[0])


def edit_json(file: Path, change: Callable[[dict], object]) -> None:
    """Change a JSON file in place."""
    value = json.loads(file.read_text())
    change(value)
    file.write_text(json.dumps(value))


def edit_weights(folder: Path, change: Callable[[dict], object]) -> None:
    """Change the plain weights in place."""
    state = load_file(folder / WEIGHTS)
    change(state)
    save_file(state, folder / WEIGHTS)
