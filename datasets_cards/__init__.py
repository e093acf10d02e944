"""The project's data sets: one folder each, holding the card and the builder that makes the set from any collection."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

# name -> the function behind `python -m datasets_cards build NAME`. Its typed arguments are the command's options.
BUILDERS: dict[str, str] = {
    "cloudy2sunny": "datasets_cards.scenes.builder:cloudy2sunny",
    "grocery": "datasets_cards.grocery.builder:build",
    "lineart": "datasets_cards.lineart.builder:build",
    "lpd": "datasets_cards.lpd.builder:build",
    "procedural": "datasets_cards.procedural.builder:build",
    "products": "datasets_cards.products.builder:build",
    "summer2winter": "datasets_cards.scenes.builder:summer2winter",
}

# name -> the function behind `python -m datasets_cards check NAME`: sheets of pictures for a person to count.
CHECKS: dict[str, str] = {
    "cloudy2sunny": "datasets_cards.scenes.check:check",
    "lpd": "datasets_cards.lpd.check:check",
    "summer2winter": "datasets_cards.scenes.check:check",
}


def load(registry: dict[str, str], name: str) -> Callable[..., Any]:
    """Import the function that `registry` names; ValueError lists the names there are."""
    if name not in registry:
        raise ValueError(f"There is no data set {name!r} here; choose one of: {', '.join(sorted(registry))}.")
    module, attribute = registry[name].split(":")
    return getattr(import_module(module), attribute)


def card_file(name: str) -> Path:
    """The Hub card of data set `name`."""
    return Path(__file__).parent / name / "README.md"
