"""Choose the bundled weights on validation: `python -m pipelines.landscape_colorizer.choose --data LPD --runs ...`.

Two numbers of the model are not trained: by what factor the estimated spread of the chroma is raised, and the least
spread. They trade likeness for vividness, so they are chosen as the checkpoint is: on validation crops, by a stated
rule. The likest setting wins, by LPIPS over mean colour's in the group where that is worse, among those that stay
vivid and keep a margin to the bounds the project sets itself: a chroma spread of at least 0.62 of the paintings' in
each group, a mean chroma of at least 0.8 of theirs in the strongly coloured one, KID below mean colour's and mean
colour by lightness's. The test split is not read.
"""

import torchvision_guard  # noqa: F401  isort: skip
import itertools
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from torch import Tensor

from evaluation.colour import colour_validation
from evaluation.distribution import Inception, KernelDistance
from evaluation.perceptual import lpips_network
from pipelines.hub import save_for_hub
from pipelines.landscape_colorizer.baselines import TrainingColours, mean_colour, mean_colour_by_lightness
from pipelines.landscape_colorizer.measured_crops import Crops, read_crops
from pipelines.landscape_colorizer.pipeline_landscape_colorizer import LandscapeColorizer

GROUPS = ("all", "colour", "pale")


def choose(
    data: Path,
    runs: tuple[Path, ...],
    out: Path,
    gains: tuple[float, ...] = (0.7, 0.85, 1.0, 1.15, 1.3),
    floors: tuple[float, ...] = (0.0, 5.0),
    crops: int = 46,
) -> None:
    """Measure every checkpoint and setting, print the table, and export the chosen one in half precision.

    Args:
        data: folder of LPD.
        runs: folders of checkpoints, such as runs/base/best and runs/base/last.
        out: Hub-shaped folder to write.
        gains: factors on the estimated spread to try.
        floors: least spreads to try, in CIELAB units.
        crops: validation crops of each group.
    """
    measure = Measure(read_crops(data / "val.parquet", limit=crops), TrainingColours.measure(data / "train.parquet"))
    results = list(measure.settings(runs, gains, floors))
    allowed = [result for result in results if measure.keeps_bounds(result)]
    if not allowed:
        sys.exit("error: no setting keeps the bounds")
    best = min(allowed, key=measure.lpips_ratio)
    print("\nchosen: " + line(best))
    pipe = LandscapeColorizer.from_pretrained(best["run"])
    pipe.generator.register_to_config(spread_gain=best["gain"], spread_floor=best["floor"])
    training = json.loads((Path(best["run"]) / "training.json").read_text())
    training["settings"] = {
        "spread_gain": best["gain"],
        "spread_floor": best["floor"],
        "checkpoint_step": training["steps"],
        "chosen": " ".join((__doc__ or "").split("\n\n")[1].split()),
        "validation": {key: best[key] for key in (*GROUPS, "kid")} | {"crops": len(measure.crops)},
        "mean_colour": {key: measure.baseline[key] for key in (*GROUPS, "kid")},
        "mean_colour_by_lightness": {key: measure.by_lightness[key] for key in (*GROUPS, "kid")},
    }
    training["metrics"] = best["all"]
    save_for_hub(pipe, out, dtype=torch.float16, training=training)


class Measure:
    """Validation crops and what mean colour reaches on them."""

    def __init__(self, crops: Crops, colours: TrainingColours):
        self.crops, self.lpips, self.inception = crops, lpips_network("alex"), Inception()
        self.real = self.inception(crops.real)
        self.baseline = self.of(mean_colour(crops.grey, colours))
        self.by_lightness = self.of(mean_colour_by_lightness(crops.grey, colours))
        for name, measured in (("mean colour", self.baseline), ("by lightness", self.by_lightness)):
            print(line({"run": name, "gain": 0.0, "floor": 0.0} | measured), flush=True)

    def of(self, output: Tensor) -> dict[str, Any]:
        """Measures of outputs, (N, 3, H, W) uint8, by group, and KID over all."""
        values: dict[str, Any] = {}
        for group in GROUPS:
            at = torch.from_numpy(self.crops.positions(group))
            real, painted = self.crops.real[at].float() / 255, output[at].float() / 255
            values[group] = colour_validation(real, painted, self.lpips)
        values["kid"] = KernelDistance(self.real, self.inception(output)).value()
        return values

    def settings(self, runs: Iterable[Path], gains: Iterable[float], floors: Iterable[float]) -> Iterable[dict]:
        """Measure every combination."""
        for run, gain, floor in itertools.product(runs, gains, floors):
            pipe = LandscapeColorizer.from_pretrained(run)
            pipe.generator.register_to_config(spread_gain=gain, spread_floor=floor)
            images = pipe(
                [grey.permute(1, 2, 0).numpy() for grey in self.crops.grey], output_type="np", return_dict=False
            )[0]
            output = torch.from_numpy((np.stack(list(images)) * 255).round().astype(np.uint8)).permute(0, 3, 1, 2)
            result = {"run": str(run), "gain": gain, "floor": floor} | self.of(output)
            print(line(result), flush=True)
            yield result

    def lpips_ratio(self, result: dict) -> float:
        """LPIPS over mean colour's, in the group where that is worse."""
        return max(result[group]["lpips"] / self.baseline[group]["lpips"] for group in ("colour", "pale"))

    def keeps_bounds(self, result: dict) -> bool:
        """Whether a setting is vivid enough and keeps its margin to the project's bounds."""
        spread = min(result[group]["spread_ratio"] for group in ("colour", "pale"))
        vivid = spread >= 0.62 and result["colour"]["chroma_ratio"] >= 0.8
        return vivid and result["kid"] < min(self.baseline["kid"], self.by_lightness["kid"])


def line(result: dict) -> str:
    """One setting as a line of the printed table."""
    groups = "  ".join(
        f"{group}: LPIPS {result[group]['lpips']:.4f} chroma {result[group]['chroma_ratio']:.2f} "
        f"spread {result[group]['spread_ratio']:.2f}"
        for group in GROUPS
    )
    name = Path(result["run"]).name
    return f"{name:12} gain {result['gain']:.2f} floor {result['floor']:.0f}  {groups}  KID {result['kid']:.4f}"


if __name__ == "__main__":
    tyro.cli(choose)
