"""Upload of an exported folder to the Hub."""

import os
import re
from pathlib import Path, PurePosixPath

from pipelines.components import read_json
from pipelines.hub_upload import Upload, upload
from pipelines.pretrained import INDEX

ALLOWED = {".json", ".md", ".py", ".safetensors"}


def hub_id(name: str) -> str:
    """The method's Hub id, "<DANQING_NAMESPACE>/<method-with-dashes>".

    Raises:
        ValueError: if DANQING_NAMESPACE is not set.
    """
    namespace = os.environ.get("DANQING_NAMESPACE")
    if not namespace:
        raise ValueError("Set DANQING_NAMESPACE to a user or organisation of the Hub, or name the repository in full.")
    return f"{namespace}/{name.replace('_', '-')}"


def publish(
    folder: str | Path,
    repo: str | None = None,
    *,
    private: bool = False,
    branch: str | None = None,
    tag: str | None = None,
    token: str | None = None,
) -> Upload:
    """Upload an exported folder to the Hub; files of an earlier version that are no longer in it are deleted there.

    Args:
        repo: "namespace/name"; None takes `hub_id` of the method. Made where it does not exist.
        private: whether a repository made now is private.
        branch: to upload to, made where it does not exist; None for the main one.
        tag: name of the commit; None takes one made of the content.
        token: of the Hub; None takes the one logged in with.

    Raises:
        ValueError: if the folder is no export, the folder or the repository holds files of other kinds than an export
            does, or no name is given.
        OSError: if the Hub does not take it.
    """
    folder = Path(folder)
    class_name = check_export(folder)
    if repo is None:
        repo = hub_id(re.sub(r"^pipeline_(.*?)(_[0-9a-f]{8})?$", r"\1", class_name[0]))
    return upload(
        folder,
        repo,
        "model",
        message=f"Upload {class_name[1]}",
        expected=lambda name: PurePosixPath(name).suffix in ALLOWED,
        private=private,
        branch=branch,
        tag=tag,
        token=token,
    )


def check_export(folder: Path) -> tuple[str, str]:
    """The module and class that an exported folder names.

    Raises:
        ValueError, OSError: if it is no export, holds anything else, or its card cannot be read by the Hub.
    """
    from huggingface_hub import ModelCard

    class_name = read_json(folder / INDEX).get("_class_name")
    if not (isinstance(class_name, list) and len(class_name) == 2):
        raise ValueError(f"{folder} does not carry its code: write it with `python -m pipelines export`.")
    if stranger := stranger_in(folder):
        raise ValueError(f"{folder} holds {stranger}; published are only {', '.join(sorted(ALLOWED))} files.")
    facts = ModelCard.load(folder / "README.md").data.to_dict()
    if not facts.get("license") or facts.get("library_name") != "diffusers":
        raise ValueError(f"{folder / 'README.md'} is no model card of diffusers with a licence.")
    return class_name[0], class_name[1]


def stranger_in(folder: Path) -> str | None:
    """A file or link in the folder that no export writes; None if there is none."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or (not path.is_dir() and path.suffix not in ALLOWED):
            return str(path.relative_to(folder))
    return None
