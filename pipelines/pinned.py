"""Models that an installation takes from the Hub in place of bundled ones: models.json at the root, as a Space has it.

    {"landscape_colorizer": {"repo": "user/landscape-colorizer", "revision": "<commit>", "files": ["...", ...]}}

A commit's files never change: those that a Space fetched while it was built are found in the Hub's cache without a
question to the Hub.
"""

import json
import sys
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent.parent / "models.json"


def pinned_models(file: Path = FILE) -> dict[str, str]:
    """Method -> folder of its pinned model in the Hub's cache; empty where there is no such file.

    A model that is neither there nor to be had is left out, with a sentence on stderr.

    Raises:
        ValueError: if the file is not JSON of that form.
    """
    if not file.is_file():
        return {}
    folders = {}
    for method, pin in json.loads(file.read_text(encoding="utf-8")).items():
        if not isinstance(pin, dict) or not {"repo", "revision", "files"} <= set(pin):
            raise ValueError(f"{file}: {method} needs repo, revision and files, got {pin!r}.")
        if folder := _fetched(method, pin):
            folders[method] = str(folder)
    return folders


def _fetched(method: str, pin: dict[str, Any]) -> Path | None:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import httpx

    try:
        paths = [Path(hf_hub_download(pin["repo"], name, revision=pin["revision"])) for name in pin["files"]]
    except (OSError, httpx.HTTPError) as error:
        reason = str(error).strip().split("\n")[0]
        print(f"{method}: {pin['repo']} could not be fetched: {reason}", file=sys.stderr, flush=True)
        return None
    return paths[0].parents[len(Path(pin["files"][0]).parts) - 1]
