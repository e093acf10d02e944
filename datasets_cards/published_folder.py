"""A build as the Hub is to have it: parquet shards that stream, and a card whose metadata names features and splits."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree
from typing import Any

from datasets_cards.publishable import refusal
from datasets_cards.scenes.report import cell, size_category

ROWS_A_GROUP = 100  # of a shard: what a reader of one row has to fetch
_FRONT = re.compile(r"---\n(.*?)---\n", re.DOTALL)


@dataclass
class Published:
    """What went into the folder, split by split, and what did not."""

    rows: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    sources: Counter[tuple[str, str]] = field(default_factory=Counter)  # source, licence
    refused: Counter[str] = field(default_factory=Counter)  # why
    features: Any = None


def splits_of(folder: Path) -> dict[str, Path]:
    """Split -> file of a build, as its card says.

    Raises:
        ValueError: a card without metadata of that kind, or one that names a file that is not there.
    """
    from huggingface_hub import DatasetCard

    configs = DatasetCard.load(folder / "README.md").data.to_dict().get("configs") or []
    files = {file["split"]: folder / file["path"] for config in configs for file in config["data_files"]}
    missing = [file.name for file in files.values() if not file.is_file()]
    if missing or not files:
        raise ValueError(f"{folder} is no finished build: it has no {', '.join(missing) or 'card that names files'}.")
    return files


def write_published(
    folder: Path, out: Path, *, leave_out: bool = False, allow: Sequence[str] = (), shard_bytes: int = 300_000_000
) -> Published:
    """Write the Hub's version of the build in `folder` into `out`, which must not exist.

    Args:
        leave_out: leave pictures out whose licence does not allow publication; else they are an error.
        allow: beginnings of licences that do allow it, see `refusal`.
        shard_bytes: a new shard begins where the one before has reached this size.

    Raises:
        ValueError: no build, pictures that may not be published, or none that may.
    """
    published = Published()
    splits = splits_of(folder)
    for split, file in splits.items():
        _count(file, split, allow, published)
    if published.refused and not leave_out:
        raise ValueError(_sentence(published.refused))
    if not published.rows:
        raise ValueError(f"No picture of {folder} may be published. {_sentence(published.refused)}")
    (out / "data").mkdir(parents=True)
    for split in published.rows:
        published.bytes[split] = _write_shards(splits[split], out / "data", split, allow, shard_bytes)
    (out / "README.md").write_text(_card(folder, out, published), encoding="utf-8")
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    text = json.dumps(_without_places(report), indent=1, ensure_ascii=False)
    (out / "report.json").write_text(f"{text}\n", encoding="utf-8")
    if (folder / "sheets").is_dir() and not published.refused:  # they show what was built, also what is left out
        copytree(folder / "sheets", out / "sheets")
    return published


def _count(file: Path, split: str, allow: Sequence[str], published: Published) -> None:
    import pyarrow.parquet as pq
    from datasets import Features

    schema = pq.read_schema(file)
    published.features = Features.from_arrow_schema(schema)
    columns = [name for name in ("licence", "rights", "source") if name in schema.names]
    for row in pq.read_table(file, columns=columns).to_pylist():
        if reason := refusal(row, allow):
            published.refused[reason] += 1
        else:
            published.rows[split] += 1
            published.sources[row.get("source") or "not stated", row["licence"]] += 1


def _write_shards(file: Path, out: Path, split: str, allow: Sequence[str], shard_bytes: int) -> int:
    """Write shards under the names that the Hub's own tools give them; returns the size of the rows in memory."""
    import pyarrow.parquet as pq

    schema = pq.read_schema(file)
    parts: list[Path] = []
    size = 0
    writer: Any = None
    for table in _tables(file, allow):
        if writer is not None and parts[-1].stat().st_size >= shard_bytes:
            writer.close()
            writer = None
        if writer is None:
            parts.append(out / f"{split}.{len(parts)}")
            writer = pq.ParquetWriter(parts[-1], schema, write_page_index=True)
        writer.write_table(table)
        size += table.nbytes
    writer.close()
    for number, part in enumerate(parts):
        part.rename(out / f"{split}-{number:05d}-of-{len(parts):05d}.parquet")
    return size


def _tables(file: Path, allow: Sequence[str]) -> Iterator[Any]:
    """The rows that may be published, in row groups."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as parquet:
        for batch in parquet.iter_batches(batch_size=ROWS_A_GROUP):
            columns = [name for name in ("licence", "rights") if name in batch.schema.names]
            kept = [refusal(row, allow) is None for row in batch.select(columns).to_pylist()]
            if any(kept):
                yield pa.Table.from_batches([batch.filter(pa.array(kept))])


def _card(folder: Path, out: Path, published: Published) -> str:
    """The build's card with the shards' metadata, and a section that names whom the pictures are by."""
    from datasets import DatasetInfo, SplitDict, SplitInfo
    from datasets.info import DatasetInfosDict
    from huggingface_hub import DatasetCard

    card = DatasetCard.load(folder / "README.md")
    names = {split: SplitInfo(split, published.bytes[split], rows) for split, rows in published.rows.items()}
    info = DatasetInfo(
        features=published.features,
        splits=SplitDict(names),
        download_size=sum(file.stat().st_size for file in (out / "data").iterdir()),
        dataset_size=published.bytes.total(),
    )
    DatasetInfosDict({"default": info}).to_dataset_card_data(card.data)
    files = [{"split": split, "path": f"data/{split}-*"} for split in published.rows]
    card.data["configs"] = [{"config_name": "default", "data_files": files}]
    card.data["size_categories"] = [size_category(published.rows.total())]
    card.text = f"{card.text.rstrip()}\n\n{_attribution(published)}\n"
    return str(card)


def _attribution(published: Published) -> str:
    lines = [
        "## Whose pictures are published here",
        "",
        "| source | licence, as the source states it | pictures |",
        "|---|---|---:|",
    ]
    for (source, licence), count in sorted(published.sources.items()):
        lines.append(f"| {cell(source)} | {cell(licence)} | {count} |")
    if published.refused:
        lines += ["", f"{published.refused.total()} pictures of the build are not here, since their licence does not "]
        lines[-1] += "allow it or is not stated: the counts above, of the build, are larger."
    return "\n".join(lines)


def _sentence(refused: Counter[str]) -> str:
    listed = "; ".join(f"{reason} ({count})" for reason, count in refused.most_common())
    return (
        f"{refused.total()} pictures may not be published: {listed}. --leave-out publishes the others; "
        "--allow TEXT takes licences that begin so, if you have checked that they allow it."
    )


def _without_places(value: Any) -> Any:
    """The report without where on the maker's disk the sources lay: of a path its last part."""
    if isinstance(value, dict):
        return {key: _without_places(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_places(one) for one in value]
    return Path(value).name if isinstance(value, str) and os.path.isabs(value) else value
