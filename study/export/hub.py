"""Exports on the Hub: one data set repository for each study, whose history keeps nobody who withdrew."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from study.database import Database
from study.export.files import FORMATS, export_files
from study.export.tables import StudyTables, read_tables

if TYPE_CHECKING:
    from huggingface_hub import CommitInfo, HfApi

_KIND = "dataset"
_GIT = ".gitattributes"


def push_to_hub(
    database: Database,
    study: str,
    repo_id: str,
    private: bool = True,
    *,
    formats: Collection[str] = FORMATS,
    licence: str | None = None,
    api: "HfApi | None" = None,
) -> str:
    """Upload a closed study as a data set in one commit, in place of whatever the repository held.

    The history is squashed and large files of earlier versions are deleted, so that no one is found there who withdrew
    in the meantime. Withdrawals that come later need another push; `sync.StudySync` makes them by itself.

    Args:
        repo_id: "namespace/name"; made where it does not exist.
        private: of a new repository; an existing one must agree if True.
        licence: for the card.
        api: with the endpoint and token to use.

    Returns:
        The commit's address.

    Raises:
        ValueError: no such study, one that is still open, or a public repository where a private one is asked for.
        huggingface_hub.errors.HfHubHTTPError: the Hub refuses.
    """
    from huggingface_hub import HfApi

    api = api or HfApi()
    _check_closed(read_tables(database, study))
    make_repository(api, repo_id, private)
    head = head_of(api, repo_id)
    tables = read_tables(database, study)  # after `head`: see `publish`
    _check_closed(tables)
    return str(publish(api, repo_id, head, export_files(tables, formats, licence), study).commit_url)


def make_repository(api: "HfApi", repo_id: str, private: bool) -> None:
    """Make the data set `repo_id` if it does not exist. Raises ValueError for a public one that should be private."""
    api.create_repo(repo_id, repo_type=_KIND, private=private, exist_ok=True)
    if private and not api.repo_info(repo_id, repo_type=_KIND).private:
        raise ValueError(f"{repo_id} is public: make it private on the Hub, or say that the study may be public.")


def head_of(api: "HfApi", repo_id: str) -> str:
    """The commit that a push is going to follow."""
    return str(api.repo_info(repo_id, repo_type=_KIND).sha)


def files_of(api: "HfApi", repo_id: str) -> set[str]:
    """Names of the repository's files."""
    return set(api.list_repo_files(repo_id, repo_type=_KIND)) - {_GIT}


def publish(api: "HfApi", repo_id: str, head: str, files: Mapping[str, bytes], study: str) -> "CommitInfo":
    """Make `files` all that the repository holds and ever held.

    Args:
        head: the commit to follow, found out before the tables were read: if another process has pushed since, with
            people gone whom these tables still have, the Hub refuses and the next attempt reads anew.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    gone = sorted(files_of(api, repo_id) - set(files))
    commit = api.create_commit(
        repo_id,
        [CommitOperationAdd(name, content) for name, content in files.items()]
        + [CommitOperationDelete(name) for name in gone],
        commit_message=f"Export of {study}",
        repo_type=_KIND,
        parent_commit=head,
    )
    forget_history(api, repo_id)
    return commit


def forget_history(api: "HfApi", repo_id: str) -> None:
    """Leave one commit, and delete the large files that it does not name: those stay in the store otherwise."""
    from huggingface_hub.hf_api import RepoFile

    api.super_squash_history(repo_id, repo_type=_KIND, commit_message="Export")
    tree = api.list_repo_tree(repo_id, recursive=True, repo_type=_KIND)
    kept = {entry.lfs.sha256 for entry in tree if isinstance(entry, RepoFile) and entry.lfs}
    old = [file for file in api.list_lfs_files(repo_id, repo_type=_KIND) if not {file.oid, file.file_oid} & kept]
    if old:
        api.permanently_delete_lfs_files(repo_id, old, repo_type=_KIND)


def _check_closed(tables: StudyTables) -> None:
    if tables.state != "closed":
        raise ValueError(f"The study {tables.plan.name} is open: nothing of it is published before it is closed.")
