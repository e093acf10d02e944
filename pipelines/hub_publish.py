"""Upload of an exported folder to the Hub."""

import os
import re
from pathlib import Path

from pipelines.components import one_line, read_json
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
    repo_id: str | None = None,
    *,
    private: bool = True,
    revision: str | None = None,
    token: str | None = None,
) -> str:
    """Upload an exported folder to the Hub; files of an earlier version that are no longer in it are deleted there.

    Args:
        repo_id: "namespace/name"; None takes `hub_id` of the method. Made where it does not exist.
        private: whether a repository made now is private.
        revision: branch to upload to, made where it does not exist; None for the main one.
        token: of the Hub; None takes the one logged in with.

    Returns:
        The address of the commit.

    Raises:
        ValueError: if the folder is no export, holds files of other kinds than an export does, or no name is given.
        OSError: if the Hub does not take it.
    """
    import httpx
    from huggingface_hub import HfApi

    folder = Path(folder)
    class_name = read_json(folder / INDEX).get("_class_name")
    if not (isinstance(class_name, list) and len(class_name) == 2):
        raise ValueError(f"{folder} does not carry its code: write it with `python -m pipelines.hub export`.")
    if stranger := stranger_in(folder):
        raise ValueError(f"{folder} holds {stranger}; published are only {', '.join(sorted(ALLOWED))} files.")
    if repo_id is None:
        repo_id = hub_id(re.sub(r"^pipeline_(.*?)(_[0-9a-f]{8})?$", r"\1", class_name[0]))
    api = HfApi(token=token)
    try:
        api.create_repo(repo_id, private=private, exist_ok=True)
        if revision is not None:
            api.create_branch(repo_id, branch=revision, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repo_id,
            folder_path=folder,
            revision=revision,
            delete_patterns=[f"*{suffix}" for suffix in sorted(ALLOWED)],
            commit_message=f"Upload {class_name[1]}",
        )
    except (OSError, httpx.HTTPError) as error:
        raise OSError(f"The Hub did not take {folder} as {repo_id}: {one_line(error)}.") from error
    return str(commit.commit_url)


def stranger_in(folder: Path) -> str | None:
    """A file or link in the folder that no export writes; None if there is none."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or (not path.is_dir() and path.suffix not in ALLOWED):
            return str(path.relative_to(folder))
    return None
