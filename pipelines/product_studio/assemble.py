"""Put the trained parts together and set the gate: `python -m pipelines.product_studio.assemble --help`.

The bar of a category is a quantile of the judge's scores of its validation pictures: what scores as low as the
poorest of the real ones is made again. The test split is not read.
"""

import torchvision_guard  # noqa: F401  isort: skip
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro

from pipelines.generation.dataset import ConditionedPictures
from pipelines.generation.gate import score
from pipelines.hub import save_for_hub
from pipelines.product_studio.studio_parts import merged

_TOLD = ("preset", "steps", "images", "seconds", "chosen", "metrics")


def assemble(
    generator: Path,
    data: Path,
    out: Path,
    editors: tuple[Path, ...] = (),
    quantile: float = 0.1,
    samples: int = 25,
    keep_encoder: bool = False,
) -> None:
    """Write a studio of a trained generator with its judge and of trained editing networks, in half precision.

    Args:
        generator: folder of a run's pipeline, such as runs/products-base/best.
        data: folder of the products; its validation pictures set the bars.
        out: Hub-shaped folder to write.
        editors: folders of the editing runs' pipelines.
        quantile: of the real pictures' scores, in [0, 1]: the bar.
        samples: of each category, on which the acceptance is counted.
        keep_encoder: keep what rebuilds and varies pictures, 13 MB.

    Raises:
        OSError, ValueError: if a folder holds no studio or no data.
    """
    pipe = merged([*editors, generator])
    if not keep_encoder:
        pipe.register_modules(encoder=None)
    bars = category_bars(pipe, data, quantile)
    pipe.judge.register_to_config(bars=bars)
    accepted = {name: accepted_share(pipe, name, samples) for name in pipe.categories}
    for name, bar in zip(pipe.categories, bars, strict=True):
        print(f"{name}: bar {bar:.3f}, {accepted[name]:.0%} of {samples} samples pass")
    training = json.loads((generator / "training.json").read_text(encoding="utf-8"))
    training["gate"] = {"quantile": quantile, "bars": bars, "accepted": accepted, "samples": samples}
    training["editing"] = {folder.parent.name: editing_record(folder) for folder in editors}
    save_for_hub(pipe, out, dtype=torch.float16, training=training)


def category_bars(pipe: Any, data: Path, quantile: float) -> list[float]:
    """The quantile of the judge's scores of each category's validation pictures.

    Raises:
        ValueError: if quantile is not in [0, 1], or a category has no validation picture.
    """
    if not 0 <= quantile <= 1:
        raise ValueError(f"quantile must be between 0 and 1, got {quantile}.")
    config = pipe.generator.config
    pictures = ConditionedPictures(data, "val", pipe.size, config.categories, config.colours, "studio")
    images = pictures.pictures.float() / 127.5 - 1
    scores = np.array(score(pipe.judge, images, pictures.category.tolist(), pictures.colour.tolist()))
    numbers = pictures.category.numpy()
    if missing := [name for number, name in enumerate(config.categories) if number not in numbers]:
        raise ValueError(f"{data} has no validation picture of {', '.join(missing)}.")
    return [float(np.quantile(scores[numbers == n], quantile)) for n in range(len(config.categories))]


def accepted_share(pipe: Any, category: str, samples: int, seed: int = 10_000) -> float:
    """Share of samples that pass the bar at their first try."""
    return float(np.mean(pipe(category, batch_size=samples, seed=seed, gate=False).accepted))


def editing_record(folder: Path) -> dict[str, Any]:
    """What an editing run's training.json says of how it was made."""
    record = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    return {key: record[key] for key in _TOLD if key in record}


def main(arguments: Sequence[str] | None = None) -> None:
    try:
        tyro.cli(assemble, args=arguments, prog="python -m pipelines.product_studio.assemble")
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
