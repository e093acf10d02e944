"""Train a method: `python -m train landscape-colorizer base --data FOLDER`.

The same under `accelerate launch -m train ...` and `torchrun -m train ...`. Repeat the command to resume.
"""

import torchvision_guard  # noqa: F401  isort: skip  before diffusers and lpips
import json
import os
import sys
from dataclasses import asdict
from typing import Any

import torch
import tyro

from pipelines import METHODS, get_method
from train.data import batches
from train.loop import train
from train.recipe import Recipe, TrainConfig
from train.stopping import NonFiniteError

DEFAULT_PRESET = "base"


def main(argv: list[str] | None = None) -> None:
    """Read the command line, then train or, with --dry-run, say what would be trained."""
    words = list(sys.argv[1:] if argv is None else argv)
    names = [name.replace("_", "-") for name in METHODS]
    usage = f"usage: python -m train {{{','.join(names)}}} [PRESET] [--dry-run] [--OPTION VALUE ...]"
    if words[:1] in (["-h"], ["--help"]):
        print(f"{usage}\n\nA method's presets and options: python -m train {names[0]} --help")
        return
    if not words or words[0].replace("_", "-") not in names:
        given = f"unknown method {words[0]!r}" if words else "no method given"
        sys.exit(f"{usage}\nerror: {given}, choose from: {', '.join(names)}")
    method = get_method(words.pop(0))
    dry_run = "--dry-run" in words
    preset, config = read_config(method.load("presets"), [word for word in words if word != "--dry-run"], method.name)
    try:
        torch.manual_seed(config.seed)  # for the networks' first weights
        recipe = method.load("recipe")(config)
        say({"method": method.name, "preset": preset} | asdict(config))
        if dry_run:
            describe(recipe)
            return
        from pipelines.hub import save_for_hub

        train(recipe, save_for_hub, name=method.name, preset=preset)
    except (OSError, ValueError, NonFiniteError) as error:
        sys.exit(f"error: {error}")


def read_config(presets: dict[str, tuple[str, TrainConfig]], words: list[str], name: str) -> tuple[str, TrainConfig]:
    """The preset named by the first word, `base` where there is none, and its options as the others change them."""
    if words and words[0] not in presets and not words[0].startswith("-"):
        sys.exit(f"error: unknown preset {words[0]!r} of {name}, choose from: {', '.join(presets)}")
    if words[:1] not in (["-h"], ["--help"]) and (not words or words[0] not in presets):
        words = [DEFAULT_PRESET if DEFAULT_PRESET in presets else next(iter(presets)), *words]
    described = f"Presets of {name}. With --dry-run: say what would be trained, and write nothing."
    command = f"python -m train {name.replace('_', '-')}"
    return words[0], tyro.extras.overridable_config_cli(presets, args=words, prog=command, description=described)


def say(options: dict[str, Any]) -> None:
    """Print the options, in one process of several."""
    if os.environ.get("RANK", "0") == "0":
        print(json.dumps(options, indent=2, default=str), flush=True)


def describe(recipe: Recipe) -> None:
    """What a run would do: networks, data, the shapes of a batch, phases. Writes nothing."""
    for name, network in [*recipe.networks.items(), *recipe.frozen.items()]:
        parameters = list(network.parameters())
        trained = sum(p.numel() for p in parameters if p.requires_grad) if name in recipe.networks else 0
        averaged = ", averaged" if name in recipe.averaged else ""
        print(f"network {name}: {sum(p.numel() for p in parameters):,} parameters, {trained:,} trained{averaged}")
    data, weights = recipe.dataset(), recipe.weights()
    print(f"data: {len(data):,} items" + ("" if weights is None else ", weighted"))
    for key, value in next(batches(data, weights, recipe.config)).items():
        print(f"batch {key}: {tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}")
    for phase in recipe.phases(recipe.networks, recipe.frozen):
        until = "the end" if phase.until is None else f"step {phase.until}"
        trains = ", ".join(phase.trains)
        print(f"phase {phase.name}: trains {trains} from step {phase.start} to {until}, every {phase.every}")


if __name__ == "__main__":
    main()
