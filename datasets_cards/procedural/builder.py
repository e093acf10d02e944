"""Builder of the procedural landscapes: `python -m datasets_cards build procedural --out DIR --count N --seed S`."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from datasets_cards.procedural.painter import landscape

COLLECTION, LICENCE = "danqing-procedural", "CC0-1.0"
SEEDS_PER_SET = 1_000_000  # sets of different seeds share no scene
INK_EVERY = 5  # every fifth picture is ink alone
SHAPES = ((640, 480), (480, 640), (560, 560), (720, 400))  # width, height in pixels
ROWS_A_WRITE = 32


def build(out: Path, count: int = 200, seed: int = 0) -> dict[str, Any]:
    """Paint `count` landscapes into `out`: train.parquet, val.parquet (one picture in ten), README.md, report.json.

    Args:
        out: folder to write; made if need be. A finished set there is an error, never overwritten.
        count: number of pictures, from 10 to 1,000,000.
        seed: number of the set, from 0 to 1000; the same seed gives the same pictures.

    Returns:
        the report: how many pictures of each split and group.

    Raises:
        ValueError: for a count or seed out of range.
        FileExistsError: if `out` holds a set already.
    """
    if not 10 <= count <= SEEDS_PER_SET:
        raise ValueError(f"count is 10 to {SEEDS_PER_SET}, got {count}.")
    if not 0 <= seed <= 1000:
        raise ValueError(f"seed is 0 to 1000, got {seed}.")
    names = ("train.parquet", "val.parquet", "README.md", "report.json")
    there = [name for name in names if (out / name).exists()]
    if there:
        raise FileExistsError(f"{out} already holds {', '.join(there)}: remove them or choose another folder.")
    out.mkdir(parents=True, exist_ok=True)

    numbers = np.arange(count)
    held_out = numbers % 10 == numbers // 10 % 10  # 0, 11, 22, ...: of both palettes, and of all shapes
    splits = {"train": numbers[~held_out], "val": numbers[held_out]}
    report: dict[str, Any] = {"seed": seed, "count": count, "licence": LICENCE, "splits": {}}
    for split, chosen in splits.items():
        report["splits"][split] = _write_split(out / f"{split}.parquet", seed, chosen)
    (out / "README.md").write_text((Path(__file__).parent / "README.md").read_text(encoding="utf-8"), encoding="utf-8")
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return report


def _write_split(target: Path, seed: int, numbers: np.ndarray) -> dict[str, int]:
    """Write one parquet file, under its name only when whole; returns the number of pictures by group."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets import Features, Image, Value

    text = Value("string")
    columns = {"image": Image(), **dict.fromkeys(("group", "collection", "source", "licence"), text)}
    schema = Features(columns).arrow_schema  # carries the note that lets `load_dataset` decode the pictures
    counts: dict[str, int] = {}
    partial = target.with_suffix(".partial")
    try:
        with pq.ParquetWriter(partial, schema) as writer:
            rows = []
            for row in _rows(seed, numbers, target.stem):
                counts[row["group"]] = counts.get(row["group"], 0) + 1
                rows.append(row)
                if len(rows) == ROWS_A_WRITE:
                    writer.write_table(pa.Table.from_pylist(rows, schema=schema))
                    rows = []
            if rows:
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return counts


def _rows(seed: int, numbers: np.ndarray, split: str) -> Iterator[dict[str, Any]]:
    """The pictures called `numbers` of set `seed`, one row each, encoded as JPEG."""
    for number in tqdm(numbers.tolist(), desc=f"painting {split}", unit="picture"):
        scene = seed * SEEDS_PER_SET + number
        ink = number % INK_EVERY == INK_EVERY - 2
        width, height = SHAPES[number // 2 % len(SHAPES)]
        buffer = io.BytesIO()
        landscape(scene, width, height, ink=ink).save(buffer, "JPEG", quality=95, subsampling=0)
        yield {
            "image": {"bytes": buffer.getvalue(), "path": f"landscape-{scene:010d}.jpg"},
            "group": "ink" if ink else ("pale" if scene % 2 else "colour"),
            "collection": COLLECTION,
            "source": f"datasets_cards.procedural.landscape({scene}, {width}, {height}, ink={ink})",
            "licence": LICENCE,
        }
