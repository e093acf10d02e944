"""Upload of a whole folder to the Hub: a model, a data set or a Space. One commit, and a tag that names it.

Whatever breaks off can be repeated: large files that arrived are not sent again, a commit that arrived is not made
twice, and the tag follows from the content.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pipelines.components import one_line

RepositoryType = Literal["model", "dataset", "space"]
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class Upload:
    """What there is now: the address of the commit, its name (40 hexadecimal digits), and its tag."""

    url: str
    commit: str
    tag: str


def files_of(folder: Path) -> dict[str, int]:
    """Path inside the folder -> size in bytes, of every file in it."""
    return {
        file.relative_to(folder).as_posix(): file.stat().st_size for file in sorted(folder.rglob("*")) if file.is_file()
    }


def listing(folder: Path) -> str:
    """The files of a folder with their sizes, a line each, and the sum."""
    files = files_of(folder)
    lines = [f"  {_size(size):>9}  {name}" for name, size in files.items()]
    return "\n".join([*lines, f"  {_size(sum(files.values())):>9}  in {len(files)} files"])


def content_tag(folder: Path) -> str:
    """A tag that the same files always get: "content-" and 12 digits of their SHA-256."""
    digest = hashlib.sha256()
    for name in files_of(folder):
        digest.update(f"{name}\0".encode() + hashlib.sha256((folder / name).read_bytes()).digest())
    return f"content-{digest.hexdigest()[:12]}"


def upload(
    folder: Path,
    repo: str,
    kind: RepositoryType,
    *,
    message: str,
    expected: Callable[[str], bool],
    private: bool = False,
    branch: str | None = None,
    tag: str | None = None,
    token: str | None = None,
) -> Upload:
    """Make the repository hold the files of `folder` and no others, and tag that commit.

    Args:
        repo: "namespace/name"; made where it does not exist.
        expected: whether a path already in the repository may be replaced or deleted.
        private: whether the repository is to be private; an existing one is not changed.
        branch: to upload to, made where it does not exist; None for the main one.
        tag: name of the commit; None takes `content_tag`.
        token: of the Hub; None takes the one logged in with.

    Raises:
        ValueError: for a name that is none, a repository that holds other files or is public where a private one is
            asked for, a card that the Hub does not take, or a tag that means another commit.
        OSError: if the Hub cannot be reached or does not take it.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.utils import httpx

    if not HUB_ID.fullmatch(repo):
        raise ValueError(f"A Hub id reads namespace/name, got {repo!r}.")
    api = HfApi(token=token)
    try:
        _prepare(api, repo, kind, private, branch, expected)
        commit = api.upload_folder(
            repo_id=repo,
            repo_type=kind,
            folder_path=folder,
            revision=branch,
            delete_patterns="*",
            commit_message=message,
        )
        tagged = _tag(api, repo, kind, commit.oid, tag, content_tag(folder))
        return Upload(str(commit.commit_url), commit.oid, tagged)  # the commit before where nothing has changed
    except (OSError, httpx.HTTPError, RuntimeError) as error:  # the last: a large file that did not arrive
        raise OSError(f"The Hub did not take {folder.name} as {repo}: {_reason(error)}.") from error


def _prepare(
    api: Any, repo: str, kind: RepositoryType, private: bool, branch: str | None, expected: Callable[[str], bool]
) -> None:
    options = {"space_sdk": "gradio"} if kind == "space" else {}
    api.create_repo(repo, repo_type=kind, private=private, exist_ok=True, **options)
    if private and not api.repo_info(repo, repo_type=kind).private:
        raise ValueError(f"{repo} is there and is public: make it private on its page, or leave out --private.")
    if branch is not None:
        api.create_branch(repo, branch=branch, repo_type=kind, exist_ok=True)
    there = api.list_repo_files(repo, repo_type=kind, revision=branch)
    strangers = [name for name in there if name != ".gitattributes" and not expected(name)]
    if strangers:
        raise ValueError(
            f"{repo} holds {strangers[0]}, which would be deleted and which this command never wrote: "
            "choose another repository, or delete the file there."
        )


def _tag(api: Any, repo: str, kind: RepositoryType, commit: str, tag: str | None, default: str) -> str:
    name = tag or default
    api.create_tag(repo, tag=name, revision=commit, repo_type=kind, exist_ok=True)
    if tag is not None and api.repo_info(repo, repo_type=kind, revision=tag).sha != commit:
        raise ValueError(f"{repo} was uploaded as {commit}, but its tag {tag!r} means an older commit: choose another.")
    return name


def _reason(error: BaseException) -> str:
    if isinstance(error, RuntimeError) and error.__cause__ is not None:
        return f"{one_line(error)} ({one_line(error.__cause__)})"
    status = getattr(getattr(error, "response", None), "status_code", None)
    hint = (
        "; log in by `hf auth login`, or set HF_TOKEN to a token that may write there" if status in (401, 403) else ""
    )
    return f"{one_line(error)}{hint}"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
