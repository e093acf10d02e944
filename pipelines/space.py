"""The app as a Space of the Hub: its files, and models named by repository and commit, fetched while it is built."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from pipelines import METHODS, get_method
from pipelines.components import CONFIG, one_line, weights_name, write_json
from pipelines.hub_publish import hub_id
from pipelines.hub_upload import HUB_ID, content_tag, listing, upload
from pipelines.pretrained import INDEX, read_index
from pipelines.space_files import ROOT, app_files, app_requirements

_BODY = """
# {title}

{promise}

It runs the models {models}, each at the commit that `models.json` names. Their cards say what they
learned from, how well they do and where they fall short.
"""


def publish_space(
    repo: str,
    models: dict[str, str] | None = None,
    private: bool = False,
    tag: str | None = None,
    dry_run: bool = False,
    out: Path | None = None,
) -> None:
    """Upload the app as a Space, in one commit. Its models come from the Hub, pinned to the commits that are there now.

    Args:
        repo: Hub id of the Space, user/name.
        models: Hub ids of the models, as method id pairs; unset: <namespace>/<method> for all methods, where
            DANQING_NAMESPACE or else the user of the Space is the namespace.
        private: make a new Space private.
        tag: name of the commit; unset: "content-" and a digest of the files.
        dry_run: say what would be uploaded.
        out: also keep the folder that is uploaded here.
    """
    if not HUB_ID.fullmatch(repo):
        raise ValueError(f"A Hub id reads namespace/name, got {repo!r}.")
    pins = pin_models(models or _default_models(repo))
    with tempfile.TemporaryDirectory() as temporary:
        folder = write_space(Path(temporary) / "space", pins)
        if out is not None:
            shutil.copytree(folder, out)
        print(listing(folder))
        print("\n".join(f"{method}: {pin['repo']} at {pin['revision']}" for method, pin in pins.items()))
        if dry_run:
            print(f"Would be uploaded to the Space {repo} as {tag or content_tag(folder)}. Nothing was sent.")
            return
        done = upload(
            *(folder, repo, "space"), message="Upload the app", expected=_written_here, private=private, tag=tag
        )
    print(f"{done.url}\nPublished as the Space {repo}, revision {done.tag}.")


def pin_models(models: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Ask the Hub for the newest commit of each model and for the files that loading it takes.

    Args:
        models: method -> Hub id.

    Raises:
        ValueError: for an unknown method, or a model that is none of that method's.
        OSError: if a model is not on the Hub, or lacks files.
    """
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.utils import httpx

    pins = {}
    for name, repo in models.items():
        method = get_method(name)
        try:
            info = HfApi().model_info(repo)
            index = Path(hf_hub_download(repo, INDEX, revision=info.sha))
        except (OSError, httpx.HTTPError) as error:
            raise OSError(
                f"The model {repo} cannot be pinned: {one_line(error)}. "
                f"Publish it first: python -m pipelines publish {name.replace('_', '-')} --repo {repo}"
            ) from error
        parts = [
            part for part, cls in read_index(index.parent, method.load("pipeline")).items() if isinstance(cls, type)
        ]
        files = [INDEX, *(f"{part}/{file}" for part in parts for file in (CONFIG, weights_name()))]
        missing = sorted(set(files) - {sibling.rfilename for sibling in info.siblings or []})
        if missing:
            raise OSError(f"The model {repo} has no {missing[0]}.")
        pins[method.name] = {"repo": repo, "revision": info.sha, "files": files}
    return pins


def write_space(folder: Path, pins: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write the Space's files; `folder` must not exist."""
    for name in app_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")
    (folder / "requirements.txt").write_text(app_requirements(), encoding="utf-8")
    write_json(folder / "models.json", {name: dict(pin) for name, pin in pins.items()})
    (folder / "README.md").write_text(_readme(pins), encoding="utf-8")
    return folder


def _readme(pins: Mapping[str, Mapping[str, Any]]) -> str:
    _, front, body = (ROOT / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    facts = yaml.safe_load(front)
    facts["models"] = [pin["repo"] for pin in pins.values()]
    facts["preload_from_hub"] = [f"{pin['repo']} {','.join(pin['files'])} {pin['revision']}" for pin in pins.values()]
    promise = body.split("\n\n")[1].strip()
    links = ", ".join(f"[{pin['repo']}](https://huggingface.co/{pin['repo']})" for pin in pins.values())
    head = yaml.safe_dump(facts, allow_unicode=True, sort_keys=False, width=10_000)
    return f"---\n{head}---\n{_BODY.format(title=facts['title'], promise=promise, models=links)}"


def _default_models(repo: str) -> dict[str, str]:
    if os.environ.get("DANQING_NAMESPACE"):
        return {name: hub_id(name) for name in METHODS}
    return {name: f"{repo.split('/')[0]}/{name.replace('_', '-')}" for name in METHODS}


def _written_here(name: str) -> bool:
    """Whether a path in the Space is of the kind that `write_space` writes, by its first folder."""
    return name.split("/")[0] in _own_places()


@cache  # reading what all modules import takes a second, and every file of a Space is asked about
def _own_places() -> frozenset[str]:
    return frozenset(
        {file.parts[0] for file in app_files()} | {"LICENSE", "README.md", "models.json", "requirements.txt"}
    )
