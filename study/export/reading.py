"""The way back: plan and tables from what `files.export` wrote, checked before anybody counts with them."""

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from study.export.checks import check_tables
from study.export.columns import columns_of
from study.export.files import FORMAT, FORMATS, JSON_FILE, MANIFEST, PLAN_FILE, content_sha256, read_manifest
from study.export.formats import READERS, from_rows, read_table
from study.plan import Plan

MAX_ZIP_BYTES = 2_000_000_000  # unpacked
_TABLES = ("answers", "participants")

Export = tuple[Plan, pd.DataFrame, pd.DataFrame]


def read_export(path: Path) -> Export:
    """Plan, answers and participants of an export.

    Args:
        path: its folder, a .zip of it, `study.json`, or a table in it: that table's format is read then. Of a folder
            with several formats Parquet is read, else CSV, else JSON.

    Raises:
        ValueError: nothing that can be read, or something that was changed after it was exported, is damaged, or does
            not belong to the plan beside it.
    """
    if path.is_dir():
        return _read_folder(path, _formats_in(path))
    if not path.is_file():
        raise ValueError(f"There is no {path}: name the folder of an export, its .zip, or its {JSON_FILE}.")
    if path.suffix == ".zip":
        return _read_zip(path)
    if path.suffix == ".json" and path.name not in (PLAN_FILE, MANIFEST):
        return _read_json(path, read_manifest(path.parent))
    suffix = path.suffix.removeprefix(".")
    return _read_folder(path.parent, [suffix] if suffix in READERS else _formats_in(path.parent))


def _formats_in(folder: Path) -> list[str]:
    """Formats of a folder's tables, the one to read first."""
    there = [suffix for suffix in READERS if all((folder / f"{table}.{suffix}").is_file() for table in _TABLES)]
    return there + ["json"] * (folder / JSON_FILE).is_file()


def _read_folder(folder: Path, formats: list[str]) -> Export:
    told = read_manifest(folder)
    if not formats:
        raise ValueError(f"{folder} is no export: it holds no tables as {', '.join(FORMATS)}.")
    if formats[0] == "json":
        return _read_json(folder / JSON_FILE, told)
    try:
        plan = Plan.load(folder / PLAN_FILE)
    except OSError as error:
        raise ValueError(f"{folder} lacks the plan of its tables: {error}.") from error
    names = [f"{table}.{formats[0]}" for table in _TABLES]
    _check_files(folder, [*names, PLAN_FILE], told)
    frames = []
    for table, name in zip(_TABLES, names, strict=True):
        read, hashes = read_table(folder / name, columns_of(plan)[table])
        _check_hashes(hashes, plan, name)
        frames.append(read)
    return _checked(plan, frames[0], frames[1])


def _read_json(file: Path, told: Mapping[str, Any] | None) -> Export:
    _check_files(file.parent, [file.name] if file.name == JSON_FILE else [], told)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        expected = content.pop("content_sha256")
        version, plan = content["format"], content["plan"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{file.name} is no study that was exported: {error!r}.") from error
    if version != FORMAT:
        raise ValueError(f"{file.name} is of format {version!r}, this program reads {FORMAT}.")
    if content_sha256(content) != expected:
        raise ValueError(f"{file.name} was changed after it was exported: its content has another hash.")
    plan = Plan.from_json(json.dumps(plan), file.name)
    _check_hashes({content.get("plan_sha256")}, plan, file.name)
    columns = columns_of(plan)
    frames = [from_rows(content.get(table), columns[table], f"{file.name}, {table}") for table in _TABLES]
    return _checked(plan, frames[0], frames[1])


def _read_zip(file: Path) -> Export:
    with tempfile.TemporaryDirectory() as work:
        try:
            with zipfile.ZipFile(file) as archive:
                if (size := sum(entry.file_size for entry in archive.infolist())) > MAX_ZIP_BYTES:
                    raise ValueError(f"{file.name} unpacks to {size:,} bytes; {MAX_ZIP_BYTES:,} are the most.")
                archive.extractall(work)
        except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
            raise ValueError(f"{file.name} cannot be unpacked: {error}") from error
        folder = next((found.parent for found in sorted(Path(work).rglob(MANIFEST))), Path(work))
        return _read_folder(folder, _formats_in(folder))


def _checked(plan: Plan, answers: pd.DataFrame, participants: pd.DataFrame) -> Export:
    check_tables(plan, answers, participants)
    return plan, answers, participants


def _check_files(folder: Path, names: list[str], told: Mapping[str, Any] | None) -> None:
    """Against the hashes that the export noted; a folder without `export.json` has nothing to compare."""
    noted = told["files"] if told else {}
    for name in names if told else ():
        expected = noted.get(name)
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected:
            raise ValueError(
                f"{name} was changed after it was exported: it has another hash than {MANIFEST} notes. Export anew, or "
                f"remove {MANIFEST} if the change was meant."
            )


def _check_hashes(hashes: set[Any], plan: Plan, name: str) -> None:
    if foreign := hashes - {plan.sha256}:
        told = ", ".join(sorted(str(one)[:12] for one in foreign))
        raise ValueError(
            f"{name} has rows of another study: of the plan {told}, where the one beside it is {plan.sha256[:12]}."
        )
