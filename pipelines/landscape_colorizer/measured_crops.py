"""LPD's crops as the table needs them."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image
from torch import Tensor

COLUMNS = ("image", "grey", "group", "painting")


@dataclass(frozen=True)
class Crops:
    """Crops of one size, in the order of their file."""

    real: Tensor  # (N, 3, H, W) uint8, as photographed
    grey: Tensor  # (N, 3, H, W) uint8, grey of equal L*, which is what a colorizer is given
    groups: list[str]  # "colour", "pale" or "ink"
    paintings: list[str]  # identifiers

    def __len__(self) -> int:
        return len(self.groups)

    def positions(self, group: str) -> np.ndarray:
        """(N,) bool: the crops of a group; "all" is every one."""
        return np.array([group in ("all", name) for name in self.groups])


def read_crops(file: Path, limit: int | None = None) -> Crops:
    """Read crops of an LPD file, at most `limit` of each group, evenly spread over the file.

    Raises:
        OSError: if the file is missing.
        ValueError: if it lacks a column or a crop.
    """
    table = _read(file, COLUMNS)
    if limit is not None:
        table = table.take(_spread(table["group"].to_pylist(), limit))
    if not len(table):
        raise ValueError(f"{file} holds no crop.")
    columns = table.to_pydict()
    real, grey = (torch.stack(list(map(_decode, columns[name]))) for name in ("image", "grey"))
    return Crops(real, grey, columns["group"], columns["painting"])


def read_photographs(file: Path, rows: Sequence[int]) -> tuple[Tensor, list[str], list[str]]:
    """Some rows of an LPD file, in the order given: pictures (N, 3, H, W) uint8, groups, paintings."""
    columns = _read(file, ("image", "group", "painting")).take(list(rows)).to_pydict()
    return torch.stack(list(map(_decode, columns["image"]))), columns["group"], columns["painting"]


def painting_order(file: Path, group: str | None, seed: int) -> list[int]:
    """Rows of an LPD file in an order that takes one crop of each painting before the second of any.

    Args:
        group: only this group; None: every group but ink.
    """
    table = _read(file, ("group", "painting")).to_pylist()
    rng = np.random.default_rng(seed)
    seen: dict[str, int] = {}
    ranked = []
    for row in rng.permutation(len(table)).tolist():
        if table[row]["group"] == group or (group is None and table[row]["group"] != "ink"):
            rank = seen[table[row]["painting"]] = seen.get(table[row]["painting"], -1) + 1
            ranked.append((rank, row))
    return [row for _, row in sorted(ranked, key=lambda pair: pair[0])]


def _read(file: Path, columns: Sequence[str]) -> pa.Table:
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing: give the folder that `python -m datasets_cards build lpd` wrote.")
    names = pq.read_schema(file).names
    if missing := [name for name in columns if name not in names]:
        raise ValueError(f"{file} has no column {', '.join(missing)}; it has {', '.join(names)}.")
    return pq.read_table(file, columns=list(columns))


def _decode(stored: dict) -> Tensor:
    """A stored picture as (3, H, W) uint8."""
    pixels = np.array(Image.open(io.BytesIO(stored["bytes"])).convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def _spread(groups: list[str], limit: int) -> list[int]:
    picked: list[int] = []
    for group in sorted(set(groups)):
        rows = [row for row, name in enumerate(groups) if name == group]
        picked += [rows[i * len(rows) // min(limit, len(rows))] for i in range(min(limit, len(rows)))]
    return sorted(picked)
