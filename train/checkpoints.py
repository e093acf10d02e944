"""Folders and files that are replaced only by whole ones."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any


def fresh_beside(folder: Path) -> Path:
    """An empty neighbour in which the next `folder` is to be written; what an earlier process left there is removed."""
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    return fresh


def put_in_place(fresh: Path, folder: Path) -> None:
    """Let the whole folder `fresh` take the place of `folder`.

    A process killed between the two renames leaves the old folder under its name with `.old`, where `recover`
    finds it.
    """
    old = folder.with_name(folder.name + ".old")
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def replace_folder(folder: Path, write: Callable[[Path], Any]) -> None:
    """Let `write(fresh)` fill a folder beside the old one, then put it in the old one's place.

    A process killed while writing leaves the old folder whole.
    """
    fresh = fresh_beside(folder)
    write(fresh)
    put_in_place(fresh, folder)


def recover(folder: Path) -> bool:
    """Whether a whole `folder` is there, after undoing a replacement that was cut off between its two renames."""
    old = folder.with_name(folder.name + ".old")
    if not folder.exists() and old.exists():
        old.rename(folder)
    return folder.exists()


def write_json(file: Path, value: Any) -> None:
    """Write `value` as JSON, whole or not at all."""
    fresh = file.with_name(file.name + ".new")
    fresh.write_text(json.dumps(value, indent=2, default=str, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(fresh, file)
