"""Let the network say how sure it is: `python -m pipelines.landscape_colorizer.calibrate --data LPD --out FOLDER`.

The radius within which nine tenths of the true chroma are expected is fitted once the network is trained, by quantile
regression (Koenker and Bassett, 1978) of its errors on training crops. How much wider it must be on paintings that the
network has not seen is found by cross-conformal prediction over validation paintings (Vovk, 2015,
https://doi.org/10.1007/s10472-013-9368-4): paintings, not pixels, are exchangeable.
"""

import torchvision_guard  # noqa: F401  isort: skip
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import tyro
from torch import Tensor
from tqdm import tqdm

from pipelines.color import lab_to_rgb, rgb_to_lab
from pipelines.hub import save_for_hub
from pipelines.landscape_colorizer.conformal import cross_conformal, needed_factor
from pipelines.landscape_colorizer.dataset import PaintingCrops
from pipelines.landscape_colorizer.networks_landscape_colorizer import TwoNetGenerator
from pipelines.landscape_colorizer.pipeline_landscape_colorizer import LandscapeColorizer
from pipelines.pretrained import bundled_folder

_HEAD = "to_radius"
_FOLDS = 5
_ERROR_FLOOR = 0.5  # CIELAB units, added before the logarithm
_QUANTILE_STEPS = 400
_EVERY = 4  # rows and columns whose pixels are compared
_VECTORS = 64  # plan cells of a crop that the radius is fitted on


def calibrate(data: Path, out: Path, source: str | None = None, crops: int = 4, size: int = 256, seed: int = 0) -> None:
    """Fit the radius and export the weights, in half precision.

    Args:
        data: paintings or LPD crops, with a training and a validation split.
        out: Hub-shaped folder to write.
        source: folder or Hub id of a two-net colorizer; unset: the bundled weights.
        crops: of each validation picture.
        size: of a crop in pixels.
        seed: of the crops.
    """
    folder = source or str(bundled_folder("landscape_colorizer"))
    generator = with_radius(folder)
    train, val = (PaintingCrops(data, size, split, tone=0.0) for split in ("train", "val"))
    fit_radius(generator, train, seed)
    ratios = error_ratios(generator, val, crops, seed)
    coverage = cross_conformal(ratios, folds=_FOLDS, seed=seed)
    generator.register_to_config(radius_factor=needed_factor(ratios))
    print(f"radius: factor {generator.config.radius_factor:.3f}, cross-conformal coverage {coverage:.3f}")
    known = Path(folder) / "training.json"
    record = json.loads(known.read_text()) if known.is_file() else {}
    record["calibration"] = {
        "radius_factor": generator.config.radius_factor,
        "cross_conformal_coverage": coverage,
        "paintings": {"train": len(set(train.works)), "val": len(ratios)},
    }
    record["metrics"] = record.get("metrics", {}) | {"coverage": coverage}
    save_for_hub(LandscapeColorizer(generator), out, dtype=torch.float16, training=record)


def with_radius(source: str) -> TwoNetGenerator:
    """The generator of a pipeline, with a layer for the radius that is yet to be fitted."""
    old = LandscapeColorizer.from_pretrained(source).generator
    config = {key: value for key, value in old.config.items() if not key.startswith("_")}
    generator = TwoNetGenerator(**{**config, "radius": True, "radius_factor": 1.0})
    state = {name: value for name, value in old.state_dict().items() if _HEAD not in name}
    missing, _ = generator.load_state_dict(state, strict=False)
    if any(_HEAD not in name for name in missing):
        raise ValueError(f"{source} holds no two-net generator: it lacks {missing[0]}.")
    return generator.eval()


def drawn(data: PaintingCrops, crops: int, seed: int) -> Iterator[Tensor]:
    """Of each picture some crops in CIELAB, (crops, 3, size, size)."""
    for index in range(len(data)):
        rng = torch.Generator().manual_seed(seed * 1_000_003 + index)
        yield rgb_to_lab(torch.stack([data.draw(index, rng)["rgb"] for _ in range(crops)]))


@torch.no_grad()
def errors_of(generator: TwoNetGenerator, lab: Tensor) -> tuple[Tensor, Tensor]:
    """Of each cell of the plan the features that the radius is read from and the error: (B, C, h, w), (B, h, w)."""
    features: list[Tensor] = []
    hook = generator.palette.get_submodule(_HEAD).register_forward_pre_hook(lambda _, args: features.append(args[0]))
    try:
        plan = generator.plan(lab[:, :1] / 50 - 1)
    finally:
        hook.remove()
    chroma = generator.paint(lab[:, :1] / 50 - 1, plan, (0, 0), (0.25, 0.25))
    error = F.avg_pool2d((chroma - lab[:, 1:]).norm(dim=1, keepdim=True), 4)[:, 0]
    return features[0], error


def fit_radius(generator: TwoNetGenerator, data: PaintingCrops, seed: int) -> None:
    """Fit the radius head by quantile regression on one crop of each picture."""
    vectors, targets = [], []
    rng = torch.Generator().manual_seed(seed)
    for lab in tqdm(drawn(data, 1, seed + 1), "radii", total=len(data)):
        features, error = errors_of(generator, lab)
        picked = torch.randperm(error.numel(), generator=rng)[:_VECTORS]
        vectors.append(features[0].flatten(1).T[picked])
        targets.append(((error.flatten()[picked] + _ERROR_FLOOR) / 10).log())
    x, y = torch.cat(vectors), torch.cat(targets)
    head = generator.palette.get_submodule(_HEAD)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.02, weight_decay=1e-3)
    for _ in range(_QUANTILE_STEPS):
        excess = y - head(x.T[None, :, :, None]).flatten()
        loss = torch.maximum(0.9 * excess, -0.1 * excess).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def error_ratios(generator: TwoNetGenerator, data: PaintingCrops, crops: int, seed: int) -> list[np.ndarray]:
    """For each painting the errors of its crops' pixels as they are painted, over their radii at factor 1."""
    pipe = LandscapeColorizer(generator)
    ratios: dict[Any, list[np.ndarray]] = defaultdict(list)
    for work, lab in zip(data.works, tqdm(drawn(data, crops, seed), "validation", total=len(data)), strict=True):
        options = {"output_type": "pt", "return_uncertainty": True, "return_dict": False}
        images, _, radii = pipe(list(lab_to_rgb(lab)), **options)
        chroma = rgb_to_lab(torch.stack(list(images)))[:, 1:]
        error = (chroma - lab[:, 1:]).norm(dim=1).numpy()
        ratio = error / np.stack(radii)
        ratios[work].append(ratio[:, ::_EVERY, ::_EVERY].ravel())
    return [np.concatenate(one) for one in ratios.values()]


if __name__ == "__main__":
    tyro.cli(calibrate)
