"""What the tables of the editing networks share: rows of means, and sheets of pictures before and after."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from datasets_cards.contact_sheet import contact_sheet
from evaluation.bootstrap import draw_clusters, mean_interval
from evaluation.tables import Cell, Row
from pipelines.product_studio.degradations import to_float, to_pil

OURS, INPUT = "ours", "as it is"


def rows_of(values: Mapping[str, Sequence[Mapping[str, float]]], seed: int) -> list[Row]:
    """A row for each method: means over the pictures, with bootstrap intervals."""
    count = len(next(iter(values.values())))
    draws = draw_clusters([str(number) for number in range(count)], seed=seed)
    rows = []
    for name, measured in values.items():
        columns = {key: np.array([one[key] for one in measured]) for key in measured[0]}
        cells = {key: Cell(float(found.mean()), *mean_interval(found, draws)) for key, found in columns.items()}
        rows.append(Row(name, cells | {"n": Cell(count)}))
    return rows


def write_sheet(out: Path | None, name: str, columns: Mapping[str, Sequence[np.ndarray]], rows: int = 8) -> None:
    """Write `edit-<name>.png` into `out`: a picture a line, a method a column; None: nothing."""
    if out is None:
        return
    count = len(next(iter(columns.values())))
    chosen = np.linspace(0, count - 1, min(rows, count)).round().astype(int)
    cells = [(label, to_pil(to_float(pictures[n]))) for n in chosen for label, pictures in columns.items()]
    Path(out).mkdir(parents=True, exist_ok=True)
    sheet = contact_sheet(
        [picture for _, picture in cells], [label for label, _ in cells], columns=len(columns), cell=160
    )
    sheet.save(Path(out) / f"edit-{name}.png")


def on_white(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 by opacity (H, W) over white."""
    share = mask[..., None]
    return (pixels * share + 255 * (1 - share)).round().clip(0, 255).astype(np.uint8)


def as_bytes(picture: Tensor) -> np.ndarray:
    """(3, H, W) in [0, 1] -> (H, W, 3) uint8."""
    return np.asarray(to_pil(picture))
