"""Measures style transfer: how near to the style, how far from the picture, and is the product still the same?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from datasets_cards.procedural.product_styles import style
from evaluation.perceptual import lpips_network
from evaluation.picture_classifier import VggStatistics
from evaluation.structure import StructureDistance
from evaluation.tables import Bound, Column, Row, Table
from pipelines.product_studio.baselines_editing import TRANSFERS
from pipelines.product_studio.degradations import to_float, to_pil
from pipelines.product_studio.editing import edit_pictures
from pipelines.product_studio.measured_edits import INPUT, OURS, rows_of, write_sheet
from pipelines.product_studio.style_pictures import NAMED_SEED, NAMED_SIDE

OTHER = "another product"
CHANNELS = (64, 128, 256, 512, 512)  # of VGG-16's blocks
SILENT = 0.1  # of a block's deviation: channels that vary less are measured as if they varied so much
LIKE_ANOTHER = 0.75  # identity: structure changes less than this share of what another product differs by
_COLUMNS = (
    Column("style", "style distance ↓", 3),
    Column("content", "LPIPS VGG to the picture ↓", 3),
    Column("structure", "structure distance ↓", 4),
    Column("n", "N", 0),
)
_CAPTION = (
    "Each picture in one of the named styles, in turn; training drew the same styles by other seeds. Style distance: "
    "root mean square difference of mean and deviation of VGG-16's channels at the ends of its five blocks, each "
    "divided by its deviation over products and styles, but at least by a tenth of what is usual in its block: "
    "channels that no picture here excites would otherwise decide, for one that excites them is tens of their "
    "deviations off. The network is trained on such numbers, of the first layers of these blocks. "
    "Structure distance: mean absolute difference of the self-similarities of relu4_3. Another product: the next "
    "picture of the list in place of the result. Brackets: 95 % bootstrap intervals over pictures."
)


def measure_style(
    parts: Mapping[str, Any], pictures: Sequence[np.ndarray], seed: int, out: Path | None
) -> tuple[Table, list[Bound]]:
    """Style every picture by every method; write a sheet into `out`."""
    names = list(parts["style"].config["styles"])
    asked = [names[number % len(names)] for number in range(len(pictures))]
    drawn = {name: np.asarray(style(NAMED_SEED, name, NAMED_SIDE)) for name in sorted(set(asked))}
    outputs = styled_by_all(parts, pictures, asked, drawn)
    rows = _rows(outputs, pictures, [drawn[name] for name in asked], seed)
    shown = {"style": [drawn[name] for name in asked]} | {name: outputs[name] for name in outputs if name != OTHER}
    write_sheet(out, "style", shown, rows=len(names))
    cells = {row.name: row.cells for row in rows}
    transfers = [cells[name]["style"].value for name in TRANSFERS]
    change = cells[OURS]["structure"].value / max(cells[OTHER]["structure"].value, 1e-9)
    return Table("Style transfer", _COLUMNS, rows, _CAPTION), [
        Bound("Style distance over that of the best colour transfer", cells[OURS]["style"].value / min(transfers), 1.0),
        Bound("Structure distance over that to another product", change, LIKE_ANOTHER),
    ]


def styled_by_all(
    parts: Mapping[str, Any], pictures: Sequence[np.ndarray], asked: Sequence[str], drawn: Mapping[str, np.ndarray]
) -> dict[str, list[np.ndarray]]:
    """The pictures of each row, (H, W, 3) uint8 each."""
    pairs = list(zip(pictures, asked, strict=True))

    def ours(label: str, **options: Any) -> list[np.ndarray]:
        bar = tqdm(pairs, label, leave=False)
        return [edit_pictures(parts, picture, style=name, **options)[0].pixels for picture, name in bar]

    outputs = {INPUT: list(pictures), OTHER: [*pictures[1:], pictures[0]]}
    for label, transfer in TRANSFERS.items():
        outputs[label] = [transfer(picture, drawn[name]) for picture, name in pairs]
    outputs[f"{OURS}, strength 0.5"] = ours("style, half", strength=0.5)
    if parts.get("cutout") is not None:
        outputs[f"{OURS}, background kept"] = ours("style, kept", keep_background=True)
    return outputs | {OURS: ours("style")}


@torch.no_grad()
def _rows(
    outputs: Mapping[str, Sequence[np.ndarray]], pictures: Sequence[np.ndarray], styles: Sequence[np.ndarray], seed: int
) -> list[Row]:
    statistics, structure, lpips = VggStatistics(), StructureDistance(), lpips_network("vgg")

    def features(some: Sequence[np.ndarray]) -> np.ndarray:
        return np.concatenate([statistics(_batch(one)) for one in some])

    wanted, own = features(styles), features(pictures)
    spread = spread_of(np.concatenate([wanted, own]))
    values = {}
    for name, found in outputs.items():
        distance = np.sqrt((((features(found) - wanted) / spread) ** 2).mean(1))
        pairs = list(zip(found, pictures, strict=True))
        content = np.array([float(lpips(to_float(x)[None] * 2 - 1, _like(y, x))) for x, y in pairs])
        moved = np.array([float(structure(_batch(x), _batch(y))) for x, y in pairs])
        columns = zip(distance, content, moved, strict=True)
        values[name] = [dict(zip(("style", "content", "structure"), one, strict=True)) for one in columns]
    return rows_of(values, seed)


def spread_of(features: np.ndarray) -> np.ndarray:
    """Deviations of the statistics of `VggStatistics`, (N, 2944) -> (2944,), none below `SILENT` of its block's."""
    spread = features.std(0)
    blocks = np.split(spread, np.cumsum([2 * channels for channels in CHANNELS])[:-1])
    usual = [max(float(np.sqrt(np.square(block).mean())), 1e-3) for block in blocks]
    return np.concatenate([np.maximum(block, SILENT * level) for block, level in zip(blocks, usual, strict=True)])


def _like(pixels: np.ndarray, other: np.ndarray) -> torch.Tensor:
    """(1, 3, H, W) in [-1, 1], brought to the size of `other`."""
    picture = to_pil(to_float(pixels))
    if picture.size != (other.shape[1], other.shape[0]):
        picture = picture.resize((other.shape[1], other.shape[0]))
    return to_float(np.asarray(picture))[None] * 2 - 1


def _batch(pixels: np.ndarray) -> torch.Tensor:
    """(H, W, 3) uint8 -> (1, 3, H, W) uint8."""
    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1)[None]
