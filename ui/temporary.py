"""The folder of uploads and results: what it holds, and that nothing stays in it."""

import os
import re
import shutil
import threading
import time
from pathlib import Path

from gradio.utils import get_upload_folder

PREFIX = "danqing-"  # of a folder that `app.py` makes for one process
UNFINISHED_SECONDS = 120  # an upload that nobody writes any more
# Folders of requests and of gradio's, uploads under way, and libvips' large pictures.
_OURS = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}|deep_links|tmp\w+|vips-[\w-]+\.v")


def folder() -> Path:
    return Path(get_upload_folder())


def remove_own() -> None:
    """Remove the folder, where it was made for this process alone; its name tells."""
    if folder().name.startswith(PREFIX):
        shutil.rmtree(folder(), ignore_errors=True)


def used_bytes() -> int:
    """Bytes of all files there."""
    return sum(_size(Path(root, name)) for root, _, names in os.walk(folder()) for name in names)


def sweep(keep_seconds: float) -> int:
    """Delete results and uploads older than that, and uploads that were broken off; how many went.

    gradio forgets what it did not finish: an upload cut off in the middle, or refused as too large, would stay.
    """
    gone, now = 0, time.time()
    for path in folder().glob("*"):
        if not _OURS.fullmatch(path.name):
            continue
        age = now - _changed(path)
        if path.is_dir() and age > keep_seconds:
            shutil.rmtree(path, ignore_errors=True)
        elif path.is_file() and age > min(UNFINISHED_SECONDS, keep_seconds):
            path.unlink(missing_ok=True)
        else:
            continue
        gone += 1
    return gone


def keep_swept(every: float, keep_seconds: float) -> threading.Thread:
    """Sweep in the background for as long as the process runs."""

    def run() -> None:
        while True:
            time.sleep(every)
            sweep(keep_seconds)

    thread = threading.Thread(target=run, name="sweep", daemon=True)
    thread.start()
    return thread


def _changed(path: Path) -> float:
    """When the newest thing in a folder was written; now for what has gone meanwhile."""
    try:
        inside = [one.stat().st_mtime for one in path.glob("*")] if path.is_dir() else []
        return max([path.stat().st_mtime, *inside])
    except OSError:
        return time.time()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
