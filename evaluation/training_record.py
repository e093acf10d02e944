"""What a trained folder says of its training, and whether a table may call it trained."""

import json
from pathlib import Path
from typing import Any

ENOUGH_IMAGES = 100_000
_FLAT = 0.01  # the last quarter of a flat curve is less than 1 % better than the rest
_POINTS = 8  # a shorter curve shows nothing


def read_training(folder: Path) -> dict[str, Any] | None:
    """The folder's training.json, or None where there is none.

    Raises:
        ValueError: if the file is not JSON.
    """
    file = folder / "training.json"
    if not file.is_file():
        return None
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is not JSON: {error}") from error


def unfinished(folder: Path) -> str | None:
    """Why the row of this folder must be marked, or None where it counts as trained.

    A row counts when it has seen 100,000 images, or when its validation curve has flattened: at least eight points, and
    the best of the last quarter less than 1 % better than the best before.
    """
    training = read_training(folder)
    if training is None:
        return "no training.json: how long it was trained is unknown"
    images = int(training.get("images", 0))
    if images >= ENOUGH_IMAGES or is_flat(validation_values(training)):
        return None
    later = training.get("config", {}).get("start_from")
    stage = " in its last stage, which started from trained weights" if later else ""
    return f"not converged: {images:,} images seen{stage}, and the validation curve has not flattened"


def validation_values(training: dict[str, Any]) -> list[float]:
    """The metric that chose the checkpoint (`config.best`), along the validation curve."""
    metric = training.get("config", {}).get("best", "loss")
    return [float(point[metric]) for point in training.get("curve", []) if metric in point]


def is_flat(values: list[float]) -> bool:
    """Whether a curve, lower is better, no longer falls."""
    if len(values) < _POINTS:
        return False
    tail = len(values) // 4
    return min(values[-tail:]) > min(values[:-tail]) * (1 - _FLAT)


def checkpoints(run: Path) -> dict[str, Path]:
    """Name -> folder of each pipeline kept by a training run, oldest first; a pipeline's own folder is its only one.

    The name is the number of images seen where training.json tells, else the folder's.

    Raises:
        FileNotFoundError: if there is none.
    """
    if (run / "model_index.json").is_file():
        folders = [run]
    else:
        folders = sorted(file.parent for file in run.glob("checkpoints/*/model_index.json"))
    if not folders:
        raise FileNotFoundError(
            f"{run} holds no pipeline: neither model_index.json nor checkpoints/*/model_index.json."
        )
    return {_checkpoint_name(folder): folder for folder in folders}


def _checkpoint_name(folder: Path) -> str:
    training = read_training(folder)
    return f"{training['images']:,} images" if training and "images" in training else folder.name
