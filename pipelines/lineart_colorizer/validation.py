"""What a training run watches: likeness to the true colours, and whose colours the output has."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from pipelines.lineart_colorizer.dataset import decode, load_lineart, to_image
from pipelines.lineart_colorizer.losses_base import palette_directions, palette_loss
from pipelines.lineart_colorizer.pipeline_lineart_colorizer import LineArtColorizer


class Validation:
    """LPIPS with the target and with another picture as reference; share of outputs nearer to their own reference.

    Args:
        folder: see `load_lineart`; its validation split has drawings and references.
        rights: see `load_lineart`.
        lpips: `evaluation.perceptual.lpips_network("alex")`.
        limit: pictures at most.
    """

    def __init__(self, folder: Path, rights: str, lpips: nn.Module, limit: int = 64):
        rows = load_lineart(folder, "val", rights)
        rows = rows.select(np.linspace(0, len(rows) - 1, min(limit, len(rows))).round().astype(int))
        self.lpips = lpips
        self.real = [to_image(decode(stored)) for stored in rows["image"]]
        self.drawings = [torch.from_numpy(decode(stored, "L").copy())[None] / 255 for stored in rows["lines"]]

    @torch.no_grad()
    def __call__(self, pipe: LineArtColorizer) -> dict[str, float]:
        """Measure a pipeline.

        Returns:
            "lpips_self" and "lpips_other", "palette" (mean distance to the own reference, another picture), "own"
            (share of outputs whose palette is nearer to their own reference than to the next picture's), and `score`:
            the mean of the two LPIPS plus what "own" lacks to 0.9.
        """
        distances: dict[str, list[float]] = {"self": [], "other": []}
        own, palettes = [], []
        count = len(self.real)
        torch.manual_seed(0)
        directions = palette_directions(32, torch.device("cpu"))
        for i, (real, drawing) in enumerate(zip(self.real, self.drawings, strict=True)):
            other, third = self.real[(i + 1) % count], self.real[(i + 2) % count]
            for name, reference in (("self", real), ("other", other)):
                output = _painted(pipe, drawing, reference)
                distances[name].append(float(self.lpips(output.to(_device(self.lpips)), real[None].to(output))))
                if name == "other":
                    near, far = (float(palette_loss(output, x[None], directions)) for x in (other, third))
                    palettes.append(near)
                    own.append(near < far)
        values = {f"lpips_{name}": float(np.mean(found)) for name, found in distances.items()}
        values |= {"palette": float(np.mean(palettes)), "own": float(np.mean(own))}
        lacking = max(0.0, 0.9 - values["own"])
        return values | {"score": (values["lpips_self"] + values["lpips_other"]) / 2 + lacking}


def _painted(pipe: LineArtColorizer, drawing: Tensor, reference: Tensor) -> Tensor:
    given = ((reference + 1) / 2).clamp(0, 1)
    return pipe(drawing, given, output_type="pt", evenness=0.0, return_dict=False)[0][0][None] * 2 - 1


def _device(module: nn.Module) -> torch.device:
    return next(module.parameters()).device
