"""Every measure of every coloured drawing."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from evaluation.colour import colourfulness, mean_chroma
from evaluation.distribution import Inception
from evaluation.feature_cache import FeatureCache
from evaluation.image_quality import fsim, psnr, ssim
from evaluation.packaged_weights import INCEPTION
from evaluation.paired import Measured
from evaluation.palette import palettes, random_others, reference_fidelity
from evaluation.perceptual import PerceptualDistance, lpips_network
from evaluation.segments import colour_steps, segment_ciede2000
from pipelines.lineart_colorizer.measured_drawings import Drawings
from pipelines.lineart_colorizer.table_rows import Outputs

OTHERS = 20  # random references that an output's colours are held against
_OF_EQUALS = {"lpips_alex": 0.0, "lpips_vgg": 0.0, "psnr": np.inf, "ssim": 1.0, "fsim": 1.0}


@dataclass(frozen=True)
class MeasuredRow:
    """What one row's pictures show, whatever their references were."""

    measured: Measured
    palettes: np.ndarray  # (N, K, 3)


class LineArtMeasures:
    """Measures coloured drawings.

    Args:
        cache: remembers the features of pictures.
        batch: pictures at a time; it bounds the memory.
    """

    def __init__(self, cache: FeatureCache, batch: int = 4):
        self.cache, self.batch = cache, batch

    @cached_property
    def _inception(self) -> Inception:
        return Inception(self.batch)

    @cached_property
    def _lpips(self) -> dict[str, PerceptualDistance]:
        return {f"lpips_{net}": lpips_network(net) for net in ("alex", "vgg")}

    def inception(self, pictures: Tensor, keep: bool = False) -> np.ndarray:
        """(N, 3, H, W) uint8 -> (N, 2048). `keep`: the pictures do not change from run to run."""
        name = f"inception-{INCEPTION.sha256[:8]}"
        return self.cache(name, pictures, lambda new: self._inception(tqdm(new, "Inception", leave=False)), keep)

    def __call__(self, drawings: Drawings, outputs: Outputs, features: bool = True) -> dict[str, dict[str, Measured]]:
        """Measure all rows for all kinds of reference; a row that makes the same pictures for both is seen once.

        Args:
            features: with Inception's features, for FID and KID; else they are empty.

        Returns:
            kind of reference -> row -> its values, (N,) each, and features.

        Raises:
            ValueError: if outputs differ from the drawings' pictures in shape.
        """
        each: dict[int, Tensor] = {id(made): made for rows in outputs.values() for made in rows.values()}
        rows = dict(zip(each, self._rows(drawings, list(each.values()), features), strict=True))
        found: dict[str, dict[str, Measured]] = {}
        for kind, by_name in outputs.items():
            references, reference_ids = drawings.references(kind)
            own = _palettes(references)
            others = random_others(reference_ids, drawings.subsets, OTHERS)
            found[kind] = {}
            for name, made in by_name.items():
                row = rows[id(made)]
                values = row.measured.values | fidelity(row.palettes, own, others)
                found[kind][name] = Measured(values, row.measured.features)
        return found

    def _rows(self, drawings: Drawings, outputs: list[Tensor], features: bool) -> list[MeasuredRow]:
        for made in outputs:
            if made.shape != drawings.pictures.shape:
                shapes = f"{tuple(made.shape)}, their targets {tuple(drawings.pictures.shape)}"
                raise ValueError(f"Coloured drawings are {shapes}.")
        likeness = self._likeness(drawings.pictures, outputs)
        rows = []
        for made, values in zip(tqdm(outputs, "rows", leave=False), likeness, strict=True):
            values |= self._colours(drawings, made)
            seen = self.inception(made, keep=made is drawings.pictures) if features else np.empty((len(made), 0))
            rows.append(MeasuredRow(Measured(values, seen), _palettes(made)))
        return rows

    @torch.no_grad()
    def _likeness(self, real: Tensor, outputs: list[Tensor]) -> list[dict[str, np.ndarray]]:
        """LPIPS, PSNR, SSIM and FSIM to the targets; LPIPS looks at the targets once, and at equal pictures never."""
        values = [{name: np.full(len(real), best) for name, best in _OF_EQUALS.items()} for _ in outputs]
        for rows in tqdm(torch.arange(len(real)).split(self.batch), "likeness", leave=False):
            first = real[rows].float() / 255
            seen = {name: network.features(first * 2 - 1) for name, network in self._lpips.items()}
            for made, found in zip(outputs, values, strict=True):
                if torch.equal(made[rows], real[rows]):
                    continue
                second = made[rows].float() / 255
                measures = {"psnr": psnr(first, second), "ssim": ssim(first, second), "fsim": fsim(first, second)}
                for name, network in self._lpips.items():
                    measures[name] = network.compare(seen[name], network.features(second * 2 - 1))
                for name, numbers in measures.items():
                    found[name][rows.numpy()] = numbers.double().numpy()
        return values

    def _colours(self, drawings: Drawings, made: Tensor) -> dict[str, np.ndarray]:
        """Strength of colour, colours of the regions, changes inside them and across lines."""
        parts: dict[str, list[Tensor]] = {}
        for rows in torch.arange(len(made)).split(self.batch):
            output, real, labels = made[rows].float() / 255, drawings.pictures[rows], drawings.segments[rows.numpy()]
            inside, across = colour_steps(output, labels)
            found = {
                "colourfulness": colourfulness(output),
                "chroma": mean_chroma(output),
                "segment_ciede2000": segment_ciede2000(real.float() / 255, output, labels),
                "inside": inside,
                "across": across,
            }
            for name, numbers in found.items():
                parts.setdefault(name, []).append(numbers)
        return {name: torch.cat(numbers).double().numpy() for name, numbers in parts.items()}


def fidelity(outputs: np.ndarray, own: np.ndarray, others: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Whose colours outputs have, see `reference_fidelity`: with lightness and, "ab_...", without it."""
    whole = reference_fidelity(outputs, own, others)
    hues = reference_fidelity(outputs[..., 1:], own[..., 1:], others)
    return whole | {f"ab_{name}": values for name, values in hues.items()}


def _palettes(pictures: Tensor) -> np.ndarray:
    """(N, 3, H, W) uint8 -> (N, K, 3)."""
    return np.concatenate([palettes(part.float() / 255) for part in pictures.split(16)])
