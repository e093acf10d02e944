"""Folders that are replaced only by whole ones."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any


def replace_folder(folder: Path, write: Callable[[Path], Any]) -> None:
    """Write a folder anew beside the old one, then put it in the old one's place.

    A process killed while writing leaves the old folder whole; one killed between the two renames leaves it under
    the name with `.old`, where `recover` finds it.
    """
    fresh, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    for left_over in (fresh, old) if folder.exists() else (fresh,):
        shutil.rmtree(left_over, ignore_errors=True)
    fresh.mkdir(parents=True)
    write(fresh)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


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
