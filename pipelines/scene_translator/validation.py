"""What a training run watches: how near translations come to real pictures of the target class."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from evaluation.distribution import Inception, KernelDistance
from evaluation.image_quality import ssim
from pipelines.scene_translator.dataset import decode, load_scenes
from pipelines.scene_translator.pipeline_scene_translator import SceneTranslator


class Validation:
    """KID to the target class in each direction, on the validation split; the pictures' features are kept.

    Where the pictures' content is known, nature is compared with nature.

    Args:
        folder: see `load_scenes`.
        directions: (source, target) to measure; those without pictures are left out.
        limit: pictures of a class at most.
    """

    def __init__(self, folder: Path, directions: tuple[tuple[str, str], ...], limit: int = 48):
        scenes = load_scenes(folder, "val")
        if "content" in scenes.column_names:
            scenes = scenes.filter(lambda content: content == "nature", input_columns="content")
        self.inception = Inception()
        self.pictures: dict[str, list[Tensor]] = {}
        self.features: dict[str, np.ndarray] = {}
        for label in sorted({name for direction in directions for name in direction} & set(scenes["label"])):
            rows = scenes.filter(lambda found, label=label: found == label, input_columns="label")
            rows = rows.select(np.linspace(0, len(rows) - 1, min(limit, len(rows))).round().astype(int))
            self.pictures[label] = [torch.from_numpy(decode(row).copy()).permute(2, 0, 1) for row in rows]
            self.features[label] = self.inception(self.pictures[label])
        self.directions = [pair for pair in directions if set(pair) <= self.pictures.keys()]

    @torch.no_grad()
    def __call__(self, pipe: SceneTranslator) -> dict[str, float]:
        """Measure a pipeline.

        Returns:
            For each direction `kid_<source>_<target>` (of the input instead: see `identity`) and `ssim_...` to the
            input; `score`, the mean over the directions of KID as a fraction of the input's own, plus what SSIM
            lacks to 0.55.
        """
        values: dict[str, float] = {}
        scores = []
        for source, target in self.directions:
            real = [picture.float() / 255 for picture in self.pictures[source]]
            output = [pipe(picture, target, source, output_type="pt", return_dict=False)[0][0] for picture in real]
            features = self.inception([(picture * 255).round().byte() for picture in output])
            name = f"{source}_{target}"
            pairs = zip(real, output, strict=True)
            values[f"kid_{name}"] = KernelDistance(self.features[target], features).value()
            values[f"ssim_{name}"] = float(np.mean([float(ssim(x[None], y[None])) for x, y in pairs]))
            lacking = max(0.0, 0.55 - values[f"ssim_{name}"])
            scores.append(values[f"kid_{name}"] / self.identity(source, target) + 2 * lacking)
        return values | {"score": float(np.mean(scores))}

    def identity(self, source: str, target: str) -> float:
        """KID of the source's own pictures to the target's, at least 0.001."""
        return max(1e-3, KernelDistance(self.features[target], self.features[source]).value())
