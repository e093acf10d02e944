"""What reaches the middle of the paper's U-Net: norms of the loss's gradient by layer, with and without guides.

The paper claims that its two guide decoders keep the middle layers' gradients alive (section 2.2). For each run this
takes the gradient of the same loss twice, with the guides' terms and without, on the same pictures: with the first
weights and with the trained ones. In float32, on crops of the first training pictures.

`python -m pipelines.lineart_colorizer.gradient_norms --data runs/lineart --run paper=runs/lineart-rows/paper ...`
"""

import torchvision_guard  # noqa: F401  isort: skip
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro
from safetensors.torch import load_file
from torch import nn
from torch.utils.data import default_collate

from pipelines.lineart_colorizer.networks_swish_training import GuidedGenerator
from pipelines.lineart_colorizer.networks_swish_unet import SwishUNetGenerator
from pipelines.lineart_colorizer.recipe_paper import PaperConfig, PaperRecipe
from train.recipe import Batch

GUIDES = ("guide_grey", "guide_colour")


@dataclass(frozen=True)
class GradientNorms:
    """The norms of one gradient."""

    run: str
    trained: bool  # else with the weights that training began with
    guides: bool  # whether the guides' terms are in the loss
    norms: dict[str, float]  # by layer, in the order in which data meet them


def main(data: Path, run: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=FOLDER")], pictures: int = 8) -> None:
    """Print the norms as a Markdown table.

    Args:
        data: folder of the illustrations that the runs were trained on.
        run: folders of training runs, with the names that they shall have.
        pictures: that the gradients are taken over.
    """
    try:
        measured = [one for named in run for one in measure_run(*_named(named), data, pictures)]
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    print(markdown(measured))


def measure_run(name: str, folder: Path, data: Path, pictures: int = 8) -> list[GradientNorms]:
    """The norms of a training run, with its first weights and its last, without the guides' terms and, if any, with.

    Args:
        name: that the run shall have.
        folder: of the run, as `train` left it: with config.json and state/.
        data: see `recipe_paper.PaperConfig`.
        pictures: that the gradients are taken over.

    Raises:
        OSError: if the run, the data or the style encoder's weights are not there.
        ValueError: if the folder holds a run of another recipe.
    """
    config = read_config(folder).changed(data=data, batch_size=pictures, micro_batch=None, precision="no")
    torch.manual_seed(config.seed)
    recipe = PaperRecipe(config)
    batch = first_pictures(recipe, pictures)
    rows = []
    for trained in (False, True):
        if trained:
            load_run(recipe, folder)
        for guides in (False, True)[: 1 + config.guides]:
            rows.append(GradientNorms(name, trained, guides, gradient_norms(recipe, batch, guides)))
    return rows


def first_pictures(recipe: PaperRecipe, count: int) -> Batch:
    """A batch of the first training pictures, cropped and disturbed as in training, the same ones at each call."""
    crops, rng = recipe.dataset(), torch.Generator().manual_seed(recipe.config.seed)
    return default_collate([crops.draw(index % len(crops), rng) for index in range(count)])


def gradient_norms(recipe: PaperRecipe, batch: Batch, guides: bool) -> dict[str, float]:
    """Norms of the gradient of G's loss, the mean over a batch, in the generator's layers.

    Args:
        recipe: its networks are used as they are, on the CPU, and left without gradients.
        batch: what its data set yields.
        guides: whether the guides' terms count.
    """
    generator = recipe.networks["generator"].requires_grad_(True)
    generator.zero_grad()
    terms = recipe.phases(recipe.networks, recipe.frozen)[0].loss(batch)
    counted = {key: value for key, value in terms.items() if key != "loss" and (guides or key not in GUIDES)}
    recipe.total(counted).mean().backward()
    norms = {name: _norm(layer) for name, layer in layers(_inner(generator)).items()}
    for network in recipe.networks.values():
        network.zero_grad()
    return norms


def layers(generator: SwishUNetGenerator) -> dict[str, nn.Module]:
    """The generator's stages by name, from the drawing to the picture; numbers are strides."""
    strides = [2**i for i in range(len(generator.encoder))]
    down = {f"encoder {stride}": stage for stride, stage in zip(strides, generator.encoder, strict=True)}
    middle = {"entrance": generator.entrance, "style": generator.inject, "bottleneck": generator.bottleneck}
    stages = zip(strides[::-1], generator.decoder, strict=True)
    return down | middle | {f"decoder {stride}": stage for stride, stage in stages} | {"last": generator.leave}


def read_config(folder: Path) -> PaperConfig:
    """The options that a run was started with.

    Raises:
        FileNotFoundError: if the folder holds no run.
        ValueError: if it holds one of another recipe.
    """
    file = folder / "config.json"
    if not file.is_file():
        raise FileNotFoundError(f"{folder} holds no training run: it has no config.json.")
    options: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    known = {field.name for field in fields(PaperConfig)}
    if set(options) - known or "guides" not in options:
        raise ValueError(f"{folder} holds a run of another recipe than the paper's.")
    return PaperConfig(**options).changed(data=Path(options["data"]), out=folder)


def load_run(recipe: PaperRecipe, folder: Path) -> None:
    """The weights that a run's newest checkpoint holds, guides included.

    Raises:
        FileNotFoundError: if there is no checkpoint.
    """
    for number, (name, network) in enumerate(recipe.networks.items()):  # Accelerate numbers them in their order
        file = folder / "state" / f"model{f'_{number}' * bool(number)}.safetensors"
        if not file.is_file():
            raise FileNotFoundError(f"{folder} holds no weights of the {name}: {file.relative_to(folder)} is missing.")
        network.load_state_dict(load_file(file))


def markdown(measured: Sequence[GradientNorms]) -> str:
    """One column for each gradient, one line for each layer; all of them must have the same layers."""
    head = ["gradient norm by layer"]
    for one in measured:
        weights = "trained" if one.trained else "first weights"
        head.append(f"{one.run}, {weights}, {'with' if one.guides else 'without'} guides' losses")
    lines = [head, ["---"] + ["---:"] * len(measured)]
    for layer in measured[0].norms if measured else ():
        lines.append([layer, *(f"{one.norms[layer]:.3g}" for one in measured)])
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _norm(layer: nn.Module) -> float:
    parts = [p.grad.double().square().sum() for p in layer.parameters() if p.grad is not None]
    return float(torch.stack(parts).sum().sqrt()) if parts else 0.0


def _inner(generator: nn.Module) -> SwishUNetGenerator:
    assert isinstance(generator, GuidedGenerator)
    return generator.generator


def _named(text: str) -> tuple[str, Path]:
    name, sign, folder = text.partition("=")
    if not (name and sign and folder):
        raise ValueError(f"A run is given as NAME=FOLDER, got {text!r}.")
    return name, Path(folder)


if __name__ == "__main__":
    tyro.cli(main)
