"""Stand-ins for the editing half of the product studio: drawn products on disk, small networks with random weights."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from datasets_cards.procedural import product
from pipelines.product_studio.networks_enhancers import CutoutNetwork, Restorer, ToneCorrector
from pipelines.product_studio.networks_style_transfer import StyleNetwork

STYLE_NAMES = ("mosaic", "waves")


def drawn_products(count: int, side: int = 64) -> list[np.ndarray]:
    """Products on white, (side, side, 3) uint8 each."""
    return [np.asarray(product(seed, side)) for seed in range(count)]


def write_products(folder: Path, side: int = 64, count: int = 4) -> Path:
    """train, val and test.parquet with `count` studio pictures each, and one of another subset."""
    for number, split in enumerate(("train", "val", "test")):
        rows = []
        for seed in range(count + 1):
            stream = io.BytesIO()
            product(100 * number + seed, side).save(stream, "PNG")
            stored = {"bytes": stream.getvalue(), "path": None}
            rows.append({"image": stored, "id": f"{split}-{seed}", "subset": "studio" if seed < count else "user"})
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{split}.parquet")
    return folder


def shaken(network: torch.nn.Module, seed: int = 0, amount: float = 0.05) -> torch.nn.Module:
    """The network in evaluation mode, all its numbers moved a little, so that none of its layers starts at nothing."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in network.parameters():
            value.add_(amount * torch.randn(value.shape, generator=rng))
    return network.eval()


def small_parts() -> dict[str, torch.nn.Module]:
    """Every editing network of a product studio, in miniature."""
    parts: dict[str, torch.nn.Module] = {
        kind: shaken(Restorer(kind, width=8, blocks=2)) for kind in ("denoise", "deblur", "upscale")
    }
    style = shaken(StyleNetwork(width=24, styles=STYLE_NAMES, encoder_width=8, view_area=48 * 48))
    with torch.no_grad():
        style.codes.copy_(torch.rand(style.codes.shape, generator=torch.Generator().manual_seed(1)))
    tone = shaken(ToneCorrector(width=8, view=32))
    cutout = shaken(CutoutNetwork(width=8, view=32))
    with torch.no_grad():
        cutout.last.weight.mul_(20)  # masks that say yes and no
    return parts | {"tone": tone, "cutout": cutout, "style": style}
