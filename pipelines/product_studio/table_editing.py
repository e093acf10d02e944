"""Measures the editing networks before and after, beside classical methods: part of the product studio's table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from evaluation.image_quality import psnr, ssim
from evaluation.perceptual import PerceptualDistance, lpips_network
from evaluation.tables import Bound, Column, Row, Table
from pipelines.images import Picture
from pipelines.product_studio.baselines_editing import CLASSICAL, MASKS
from pipelines.product_studio.dataset_editing import StagedProducts, load_paintings, studio_pictures
from pipelines.product_studio.degradations import degraded, rounded, to_float
from pipelines.product_studio.editing import edit_pictures
from pipelines.product_studio.editing_steps import as_image, opacity_of
from pipelines.product_studio.measured_edits import INPUT, OURS, as_bytes, on_white, rows_of, write_sheet
from pipelines.product_studio.table_style import measure_style

BEST_PSNR = 60.0  # dB, what equal pictures count as
TITLES = {
    "denoise": "Noise and JPEG blocks",
    "deblur": "Blur",
    "tone": "Contrast and white balance",
    "upscale": "Twice the size",
}
_CAPTIONS = {
    "denoise": "Gaussian noise of deviation 2 to 35 levels, growing with brightness in half of the pictures; JPEG of "
    "quality 35 to 90 in half.",
    "deblur": "Gaussian blur of deviation 0.6 to 2.2 px, or in two of five a straight motion of 3 to 11 px; noise of "
    "up to 2 levels. Wiener and Richardson-Lucy assume a Gaussian of 1.4 px.",
    "tone": "Exponent e^(-0.4 to 0.4), contrast 0.45 to 1 about a level of 0.3 to 0.8, gains of the channels "
    "e^(-0.3 to 0.3) with the largest brought to 1.",
    "upscale": "Halved by PIL's bicubic filter; JPEG of quality 70 to 95 in a quarter of the pictures.",
}
_QUALITY = (
    Column("psnr", "PSNR, dB ↑", 2),
    Column("ssim", "SSIM ↑", 4),
    Column("lpips_alex", "LPIPS Alex ↓", 4),
    Column("left_alone", "clean pictures: PSNR to themselves, dB ↑", 1),
    Column("n", "N", 0),
)
_MASK = (Column("error", "mean error ↓", 4), Column("iou", "IoU ↑", 3), Column("n", "N", 0))


@dataclass(frozen=True)
class EditingOptions:
    """What is measured on what."""

    data: Path  # folder of products, as its builder wrote it
    split: str = "test"
    out: Path | None = None  # folder for sheets of pictures before and after; None: none are drawn
    limit: int | None = 100  # pictures, spread evenly over the split; None: all
    paintings: Path | None = None  # folder whose paintings are backdrops of the cutout; None: drawn ones alone
    seed: int = 0


def measure(pipe: Any, options: EditingOptions) -> tuple[list[Table], list[Bound]]:
    """Measure every editing network that `pipe` has.

    Args:
        pipe: a `ProductStudio`, or anything with its `components`.

    Returns:
        A table for each network, and what must hold: ours is better than the best of the classical methods.

    Raises:
        OSError: if data or a package with feature networks are missing.
    """
    parts = {name: network for name, network in pipe.components.items() if network is not None}
    pictures = studio_pictures(options.data, options.split, options.limit)
    tables: list[Table] = []
    bounds: list[Bound] = []
    quality = Quality()
    for kind in TITLES:
        if kind in parts:
            table, new = _restoration(kind, parts, pictures, quality, options)
            tables, bounds = [*tables, table], [*bounds, *new]
    if "cutout" in parts:
        table, new = _cutout(parts["cutout"], pictures, options)
        tables, bounds = [*tables, table], [*bounds, *new]
    if "style" in parts:
        table, new = measure_style(parts, pictures, options.seed, options.out)
        tables, bounds = [*tables, table], [*bounds, *new]
    return tables, bounds


class Quality:
    """PSNR, SSIM and LPIPS of a picture beside the true one."""

    @cached_property
    def _lpips(self) -> PerceptualDistance:
        return lpips_network("alex")

    @torch.no_grad()
    def __call__(self, real: np.ndarray, output: np.ndarray) -> dict[str, float]:
        """(H, W, 3) uint8 both."""
        x, y = to_float(real)[None], to_float(output)[None]
        return {
            "psnr": min(BEST_PSNR, float(psnr(x, y))),
            "ssim": float(ssim(x, y)),
            "lpips_alex": float(self._lpips(x * 2 - 1, y * 2 - 1)),
        }


def _restoration(
    kind: str, parts: Mapping[str, Any], pictures: Sequence[np.ndarray], quality: Quality, options: EditingOptions
) -> tuple[Table, list[Bound]]:
    def ours(pixels: np.ndarray) -> np.ndarray:
        return edit_pictures(parts, pixels, enhance=kind)[0].pixels

    methods: dict[str, Callable[[np.ndarray], np.ndarray]] = {**CLASSICAL[kind], OURS: ours}
    if kind != "upscale":
        methods = {INPUT: lambda pixels: pixels, **methods}
    clean = [as_bytes(rounded(even_sided(to_float(picture)))) for picture in pictures]
    inputs = [as_bytes(degraded(kind, to_float(one), options.seed + n)) for n, one in enumerate(clean)]
    shown: dict[str, list[np.ndarray]] = {}
    values: dict[str, list[dict[str, float]]] = {}
    for name, method in methods.items():
        outputs = [method(one) for one in tqdm(inputs, f"{kind}, {name}", leave=False)]
        values[name] = [quality(real, output) for real, output in zip(clean, outputs, strict=True)]
        if kind != "upscale":
            for number, real in enumerate(clean):
                alone = psnr(to_float(real)[None], to_float(method(real))[None])
                values[name][number]["left_alone"] = min(BEST_PSNR, float(alone))
        shown[name] = outputs
    write_sheet(options.out, kind, {"degraded": inputs, **shown, "true": clean})
    rows = rows_of(values, options.seed)
    table = Table(TITLES[kind], _QUALITY, rows, f"{_CAPTIONS[kind]} Brackets: 95 % bootstrap intervals over pictures.")
    best = {key: _best(rows, key, sign) for key, sign in (("psnr", 1), ("ssim", 1), ("lpips_alex", -1))}
    return table, [
        Bound(f"{TITLES[kind]}: PSNR over the best classical method", best["psnr"], 0.0, at_most=False),
        Bound(f"{TITLES[kind]}: SSIM over the best classical method", best["ssim"], 0.0, at_most=False, target=True),
        Bound(f"{TITLES[kind]}: LPIPS under the best one's", best["lpips_alex"], 0.0, at_most=False, target=True),
    ]


def _cutout(network: Any, pictures: Sequence[np.ndarray], options: EditingOptions) -> tuple[Table, list[Bound]]:
    """Products put before backdrops of their own seeds, so that the true mask is known."""
    staged = StagedProducts(pictures, load_paintings(options.paintings), 160, "cutout")
    items = [staged.draw(n, torch.Generator().manual_seed(options.seed + n)) for n in range(len(staged))]
    inputs = [as_bytes((item["image"] + 1) / 2) for item in items]

    def ours(pixels: np.ndarray) -> np.ndarray:
        return opacity_of(network, Picture(pixels))(as_image(pixels, network), 0, 0)[0, 0].cpu().numpy()

    values, shown = {}, {}
    for name, method in {**MASKS, OURS: ours}.items():
        masks = [method(pixels) for pixels in tqdm(inputs, f"cutout, {name}", leave=False)]
        values[name] = [mask_measures(mask, item["mask"][0].numpy()) for mask, item in zip(masks, items, strict=True)]
        shown[name] = [on_white(pixels, mask) for pixels, mask in zip(inputs, masks, strict=True)]
    truth = [as_bytes((item["target"] + 1) / 2) for item in items]
    write_sheet(options.out, "cutout", {"before": inputs, **shown, "true": truth})
    rows = rows_of(values, options.seed)
    caption = (
        "Products cut from white, 0.6 to 1.15 times as large, before white, flat, graded, cloudy, banded, grainy or "
        "painted backdrops, half of them with a shadow. Mean error: mean absolute difference of the opacities. IoU: of "
        "the pixels of opacity above 0.5. Brackets: 95 % bootstrap intervals over pictures."
    )
    best = {key: _best(rows, key, sign) for key, sign in (("error", -1), ("iou", 1))}
    return Table("The product's mask", _MASK, rows, caption), [
        Bound("The product's mask: mean error under the best classical method's", best["error"], 0.0, at_most=False),
        Bound("The product's mask: IoU over the best classical method's", best["iou"], 0.0, at_most=False),
    ]


def mask_measures(mask: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Of opacities, (H, W) in [0, 1] both; IoU is 1 where both are empty."""
    ours, theirs = mask > 0.5, true > 0.5
    union = np.count_nonzero(ours | theirs)
    iou = np.count_nonzero(ours & theirs) / union if union else 1.0
    return {"error": float(np.abs(mask - true).mean()), "iou": iou}


def _best(rows: Sequence[Row], key: str, sign: int) -> float:
    """How much better ours is than the best of the others; `sign` -1 where less is better."""
    ours = next(row for row in rows if row.name == OURS).cells[key].value
    return min(sign * (ours - row.cells[key].value) for row in rows if row.name != OURS)


def even_sided(picture: Tensor) -> Tensor:
    """(3, H, W) without an odd last row and column."""
    return picture[:, : picture.shape[1] // 2 * 2, : picture.shape[2] // 2 * 2]
