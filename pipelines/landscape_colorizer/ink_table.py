"""The paper's purpose, measured: is coloured ink nearer to real coloured paintings than uncoloured ink is?

Ink has no true colours, so sets are compared: with the coloured test crops, and, more stably, with more coloured crops
of the training and validation paintings.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from evaluation.bootstrap import draw_clusters, interval
from evaluation.colour import chroma_spread, colourfulness, mean_chroma
from evaluation.distribution import KernelDistance, fid
from evaluation.options import EvaluationOptions
from evaluation.paired import kid_cell
from evaluation.tables import Bound, Cell, Column, Row, Table
from pipelines.landscape_colorizer.measured_crops import Crops, painting_order, read_photographs
from pipelines.landscape_colorizer.table_rows import DEFAULT, GREY

PHOTOGRAPHED = "ink as photographed"


def ink_report(
    options: EvaluationOptions,
    ink: Crops,
    outputs: dict[str, Tensor],
    coloured: Crops,
    coloured_features: np.ndarray,
    notes: dict[str, str | None],
    inception: Callable[..., np.ndarray],
) -> tuple[list[Table], list[Bound]]:
    """Tables and bounds of the ink crops.

    Args:
        outputs: row name -> (N, 3, H, W) uint8, what each row makes of the ink crops.
        coloured: the coloured crops of the same split, and `coloured_features` of Inception.
        notes: why a row must be marked.
        inception: pictures -> features.
    """
    more, more_paintings = reference_paintings(options)
    references = {
        "test": (coloured_features, coloured.paintings),
        "more": (inception(tqdm(more, "reference paintings", leave=False)), more_paintings),
    }
    pictures = {PHOTOGRAPHED: ink.real, **outputs}
    features = {name: inception(tqdm(batch, f"ink, {name}", leave=False)) for name, batch in pictures.items()}
    columns = _columns(len(coloured), len(more))
    rows = []
    for name, batch in pictures.items():
        cells = _strength(batch) | _distances(features[name], ink.paintings, references, options.seed)
        rows.append(Row(name, cells, notes.get(name)))
    own = {"more": references["more"]}
    cells = _strength(coloured.real) | _distances(coloured_features, coloured.paintings, own, options.seed)
    rows.append(Row("real coloured crops of this split", cells))
    caption = (
        f"N = {len(ink)} ink crops of {len(set(ink.paintings))} paintings, against {len(coloured)} coloured crops of "
        f"the {options.split} split and {len(more)} of {len(set(more_paintings))} training and validation paintings, "
        "drawn painting by painting. Unpaired. Brackets and ± as above."
    )
    tables = [Table("Ink crops", columns, rows, caption)]
    if DEFAULT not in outputs:
        return tables, []
    differences = _differences(features, ink.paintings, references, options.seed)
    bounds = [
        Bound(f"KID, ink: coloured below {name}, to {label}", rows_kid(rows, DEFAULT, key), rows_kid(rows, name, key))
        for name in (PHOTOGRAPHED, GREY)
        for key, label in (("kid_test", f"{len(coloured)} crops of the split"), ("kid_more", f"{len(more)} crops"))
    ]
    return [*tables, differences], bounds


def reference_paintings(options: EvaluationOptions) -> tuple[list[Tensor], list[str]]:
    """Real coloured crops of training and validation paintings, one of each painting before the second of any.

    On the validation split only training paintings serve.

    Returns:
        pictures, (3, H, W) uint8, and the painting of each.
    """
    files = [options.data / name for name in ("train.parquet", "val.parquet")][: 1 if options.split == "val" else 2]
    orders = [painting_order(file, None, options.seed) for file in files]
    pictures: list[Tensor] = []
    paintings: list[str] = []
    for file, rows in zip(files, orders, strict=True):
        share = round(options.references * len(rows) / sum(map(len, orders)))
        real, _, names = read_photographs(file, rows[: max(share, 2)])
        pictures += list(real)
        paintings += names
    return pictures, paintings


def rows_kid(rows: list[Row], name: str, key: str) -> float:
    """The KID of the row called `name`."""
    return next(row.cells[key].value for row in rows if row.name == name)


def _columns(coloured: int, more: int) -> list[Column]:
    return [
        Column("kid_test", f"KID ×10³ to {coloured} crops of the split ↓", 1, scale=1000),
        Column("kid_more", f"KID ×10³ to {more} training crops ↓", 1, scale=1000),
        Column("fid_test", f"FID to {coloured} ↓", 1),
        Column("fid_more", f"FID to {more} ↓", 1),
        Column("colourfulness", "colourfulness", 1),
        Column("chroma", "mean chroma", 2),
        Column("spread", "chroma spread", 2),
    ]


def _strength(pictures: Tensor) -> dict[str, Cell]:
    measures = {"colourfulness": colourfulness, "chroma": mean_chroma, "spread": chroma_spread}
    parts = pictures.split(8)
    return {
        name: Cell(float(torch.cat([measure(part.float() / 255) for part in parts]).mean()))
        for name, measure in measures.items()
    }


def _distances(
    features: np.ndarray, paintings: list[str], references: dict[str, tuple[np.ndarray, list[str]]], seed: int
) -> dict[str, Cell]:
    cells, draws = {}, draw_clusters(paintings, seed=seed)
    for key, (real, real_paintings) in references.items():
        cells[f"kid_{key}"] = kid_cell(real, features, draw_clusters(real_paintings, seed=seed + 1), draws, seed)
        cells[f"fid_{key}"] = Cell(fid(real, features))
    return cells


def _differences(
    features: dict[str, np.ndarray],
    paintings: list[str],
    references: dict[str, tuple[np.ndarray, list[str]]],
    seed: int,
) -> Table:
    """KID of the default's coloured ink minus that of uncoloured ink, drawn together."""
    draws, columns, cells = draw_clusters(paintings, seed=seed), [], {}
    for key, (real, real_paintings) in references.items():
        real_draws = draw_clusters(real_paintings, seed=seed + 1)
        coloured = KernelDistance(real, features[DEFAULT])
        for name in (PHOTOGRAPHED, GREY):
            other = KernelDistance(real, features[name])
            samples = coloured.bootstrap(real_draws, draws) - other.bootstrap(real_draws, draws)
            columns.append(Column(f"{key} {name}", f"minus {name}, to {len(real)} crops", 1, scale=1000))
            cells[f"{key} {name}"] = Cell(coloured.value() - other.value(), *interval(samples))
    caption = "Below zero: the colours bring ink nearer to coloured paintings. 95 % bootstrap intervals over paintings."
    return Table("Difference of KID ×10³ on ink", columns, [Row(DEFAULT, cells)], caption)
