"""The paper's purpose, measured: is coloured ink nearer to real coloured paintings than uncoloured ink is?

Ink has no true colours, so sets are compared: with the coloured test crops, and, more stably, with more coloured crops
of the training and validation paintings.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from evaluation.bootstrap import cluster_weights, interval
from evaluation.colour import chroma_spread, colourfulness, mean_chroma
from evaluation.distribution import KernelDistance, fid
from evaluation.options import EvaluationOptions
from evaluation.paired import kid_cell
from evaluation.tables import Bound, Cell, Column, Row, Table
from pipelines.landscape_colorizer.measured_crops import Crops, painting_order, read_crops

PHOTOGRAPHED = "ink as photographed"
_MODEL = "default"


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
    more = reference_crops(options)
    references = {
        "test": (coloured_features, coloured.paintings),
        "more": (inception(tqdm(more.real, "reference paintings", leave=False)), more.paintings),
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
        f"the {options.split} split and {len(more)} of {len(set(more.paintings))} training and validation paintings, "
        "drawn painting by painting. Unpaired. Brackets and ± as above."
    )
    tables = [Table("Ink crops", columns, rows, caption)]
    if _MODEL not in outputs:
        return tables, []
    differences = _differences(features, ink.paintings, references, options.seed)
    bounds = [
        Bound(f"KID, ink: coloured below {name}, to {label}", rows_kid(rows, _MODEL, key), rows_kid(rows, name, key))
        for name in (PHOTOGRAPHED, "grey")
        for key, label in (("kid_test", f"{len(coloured)} crops of the split"), ("kid_more", f"{len(more)} crops"))
    ]
    return [*tables, differences], bounds


def reference_crops(options: EvaluationOptions) -> Crops:
    """Real coloured crops of training and validation paintings, one of each painting before the second of any.

    On the validation split only training paintings serve.
    """
    train = options.data / "train.parquet"
    if options.split == "val":
        return read_crops(train, painting_order(train, None, options.seed)[: options.references])
    val = options.data / "val.parquet"
    rows = painting_order(val, None, options.seed)
    share = round(options.references * len(rows) / (len(rows) + len(painting_order(train, None, options.seed))))
    parts = [
        read_crops(val, rows[: max(share, 1)]),
        read_crops(train, painting_order(train, None, options.seed)[: options.references - max(share, 1)]),
    ]
    return Crops(
        torch.cat([part.real for part in parts]),
        torch.cat([part.grey for part in parts]),
        [group for part in parts for group in part.groups],
        [painting for part in parts for painting in part.paintings],
    )


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
    cells, weights = {}, cluster_weights(paintings, seed=seed)
    for key, (real, real_paintings) in references.items():
        cells[f"kid_{key}"] = kid_cell(real, features, cluster_weights(real_paintings, seed=seed + 1), weights, seed)
        cells[f"fid_{key}"] = Cell(fid(real, features))
    return cells


def _differences(
    features: dict[str, np.ndarray],
    paintings: list[str],
    references: dict[str, tuple[np.ndarray, list[str]]],
    seed: int,
) -> Table:
    """KID of the default's coloured ink minus that of uncoloured ink, drawn together."""
    weights, columns, cells = cluster_weights(paintings, seed=seed), [], {}
    for key, (real, real_paintings) in references.items():
        real_weights = cluster_weights(real_paintings, seed=seed + 1)
        coloured = KernelDistance(real, features[_MODEL])
        for name in (PHOTOGRAPHED, "grey"):
            other = KernelDistance(real, features[name])
            samples = coloured.weighted(real_weights, weights) - other.weighted(real_weights, weights)
            columns.append(Column(f"{key} {name}", f"minus {name}, to {len(real)} crops", 1, scale=1000))
            cells[f"{key} {name}"] = Cell(coloured.value() - other.value(), *interval(samples))
    caption = "Below zero: the colours bring ink nearer to coloured paintings. 95 % bootstrap intervals over paintings."
    return Table("Difference of KID ×10³ on ink", columns, [Row(_MODEL, cells)], caption)
