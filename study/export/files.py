"""The files of one study: tables, plan, data dictionary, card; written whole or not at all."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from study.database import Database
from study.export.card import card
from study.export.columns import columns_of
from study.export.dictionary import dictionary_json, dictionary_markdown
from study.export.formats import WRITERS, to_rows
from study.export.tables import StudyTables, read_tables

FORMATS = ("csv", "parquet", "json")
MANIFEST, PLAN_FILE, JSON_FILE = "export.json", "plan.json", "study.json"
FORMAT = 1


def export(
    database: Database, study: str, folder: Path, formats: Collection[str] = FORMATS, licence: str | None = None
) -> StudyTables:
    """Write the study called `study` into `folder`, which is replaced if it holds an earlier export of the same plan.

    Args:
        folder: new, empty, or an earlier export.
        formats: of the tables: some of "csv", "parquet", "json".
        licence: for the card, such as "cc-by-4.0".

    Returns:
        What was written.

    Raises:
        ValueError: no such study, an unknown format, or a folder with something else in it.
    """
    tables = read_tables(database, study)
    write_export(tables, folder, formats, licence)
    return tables


def write_export(
    tables: StudyTables, folder: Path, formats: Collection[str] = FORMATS, licence: str | None = None
) -> None:
    """As `export`, of tables that were read before."""
    write_folder(folder, export_files(tables, formats, licence), tables.plan.sha256)


def export_files(
    tables: StudyTables, formats: Collection[str] = FORMATS, licence: str | None = None
) -> dict[str, bytes]:
    """The content of every file of an export, by name. Raises ValueError for no format or an unknown one."""
    if not formats or (unknown := set(formats) - set(FORMATS)):
        given = ", ".join(sorted(unknown)) if formats else "none"
        raise ValueError(f"An export is in one or more of {', '.join(FORMATS)}; got {given}.")
    plan = tables.plan
    frames = {"answers": tables.answers, "participants": tables.participants, "items": tables.items}
    columns = columns_of(plan)
    data = {
        f"{name}.{suffix}": write(frames[name], columns[name], plan.sha256)
        for suffix, write in WRITERS.items()
        if suffix in formats
        for name in frames
    }
    if "json" in formats:
        data[JSON_FILE] = _study_json(tables)
    data[PLAN_FILE] = (plan.to_json() + "\n").encode()
    texts = {
        "data_dictionary.json": _json(dictionary_json(plan)),
        "data_dictionary.md": dictionary_markdown(plan).encode(),
        "README.md": card(tables, formats, licence).encode(),
    }
    return data | texts | {MANIFEST: manifest(tables, data)}


def manifest(tables: StudyTables, data: Mapping[str, bytes]) -> bytes:
    """What an export says of itself, with a SHA-256 of every file of data."""
    return _json(
        {
            "format": FORMAT,
            "study": tables.plan.name,
            "plan_sha256": tables.plan.sha256,
            "demo": tables.plan.demo,
            "state": tables.state,
            "exported": datetime.now(UTC).date().isoformat(),
            "counts": tables.counts.as_dict(),
            "files": {name: hashlib.sha256(content).hexdigest() for name, content in data.items()},
        }
    )


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """What the export in `folder` says of itself; None if there is none. ValueError for a damaged one."""
    file = folder / MANIFEST
    if not file.is_file():
        return None
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(told["files"], dict) or not isinstance(told["counts"], dict):
            raise ValueError("files and counts are no objects")
        return told | {"plan_sha256": str(told["plan_sha256"]), "state": str(told["state"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{file.name} is damaged: {error!r}.") from error


def write_folder(folder: Path, files: Mapping[str, bytes], sha256: str) -> None:
    """Put `files` into `folder`, whole or not at all; an export of the same plan that stood there is gone then.

    Raises:
        ValueError: `folder` holds something that is no export of the plan `sha256`.
    """
    folder = folder.resolve()
    _check_replaceable(folder, sha256)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as work:
        new = Path(work) / "new"
        new.mkdir()
        for name, content in files.items():
            with (new / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        if folder.exists():
            folder.rename(Path(work) / "old")
        new.rename(folder)


def remove_export(folder: Path, sha256: str) -> None:
    """Delete an export of the plan `sha256`; ValueError as `write_folder`, nothing for a folder that is not there."""
    _check_replaceable(folder.resolve(), sha256)
    if folder.exists():
        shutil.rmtree(folder)


def _check_replaceable(folder: Path, sha256: str) -> None:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    told = read_manifest(folder) if folder.is_dir() else None
    if told is None:
        raise ValueError(f"{folder} is no earlier export and not empty: name another folder.")
    if told["plan_sha256"] != sha256:
        raise ValueError(f"{folder} holds an export of another plan ({told['plan_sha256'][:12]}): name another folder.")


def _study_json(tables: StudyTables) -> bytes:
    content = {
        "format": FORMAT,
        "plan_sha256": tables.plan.sha256,
        "state": tables.state,
        "plan": json.loads(tables.plan.to_json()),
        "answers": to_rows(tables.answers),
        "participants": to_rows(tables.participants),
        "items": to_rows(tables.items),
    }
    return _json(content | {"content_sha256": content_sha256(content)})


def content_sha256(content: Mapping[str, Any]) -> str:
    """Of a study's JSON without this hash itself, in canonical form."""
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()
