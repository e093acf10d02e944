"""Train a method: `python -m train landscape-colorizer base --data FOLDER`.

The same under `accelerate launch -m train ...` and `torchrun -m train ...`. Repeat the command to resume.
"""

import json
import sys
from dataclasses import asdict

import tyro

import torchvision_guard  # noqa: F401  before diffusers and lpips
from pipelines import METHODS, get_method
from pipelines.hub import save_for_hub
from train.data import batches
from train.loop import NonFiniteLossError, train
from train.recipe import Recipe


def main(argv: list[str] | None = None) -> None:
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv or argv[0].replace("-", "_") not in METHODS:
        names = ",".join(name.replace("_", "-") for name in METHODS)
        asked = argv and argv[0] in ("-h", "--help")
        print(
            f"usage: python -m train {{{names}}} PRESET [--dry-run] [--option value]",
            file=None if asked else sys.stderr,
        )
        sys.exit(0 if asked else 2)
    method = get_method(argv.pop(0))
    dry_run = "--dry-run" in argv
    argv = [word for word in argv if word != "--dry-run"]
    presets = method.load("presets")
    preset = next((word for word in argv if word in presets), "")
    config = tyro.extras.overridable_config_cli(presets, args=argv, prog=f"python -m train {method.name}")
    try:
        recipe = method.load("recipe")(config)
        print(json.dumps({"method": method.name, "preset": preset} | asdict(config), indent=2, default=str))
        if dry_run:
            describe(recipe)
        else:
            train(recipe, save_for_hub, name=method.name, preset=preset)
    except (OSError, ValueError, NonFiniteLossError) as error:
        sys.exit(f"error: {error}")


def describe(recipe: Recipe) -> None:
    """What a run would do: networks, data, the shape of a batch, phases. Writes nothing."""
    for name, network in recipe.networks.items():
        parameters = list(network.parameters())
        trained = sum(p.numel() for p in parameters if p.requires_grad)
        print(f"{name}: {sum(p.numel() for p in parameters):,} parameters, {trained:,} trained")
    data = recipe.dataset()
    weights = recipe.weights()
    first = next(iter(batches(data, weights, batch_size=1, seed=0, step=0, process=0, processes=1, workers=0)))
    print(f"data: {len(data):,} items" + ("" if weights is None else ", weighted"))
    for key, value in first.items():
        print(f"  {key}: ({', '.join(['B', *map(str, value.shape[1:])])}) {value.dtype}")
    for phase in recipe.phases(recipe.networks, recipe.frozen):
        until = "the end" if phase.until is None else phase.until
        print(
            f"phase {phase.name}: trains {', '.join(phase.trains)}; steps {phase.start} to {until}, every {phase.every}"
        )


if __name__ == "__main__":
    main()
