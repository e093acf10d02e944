"""Upload of a built data set to the Hub."""

from pathlib import Path

from datasets_cards import BUILDERS


def publish(name: str, folder: Path, repo: str, private: bool = True) -> str:
    """Upload a folder that `build` wrote as a Hub data set; returns the address of the commit.

    Args:
        name: the data set, as in `build NAME`.
        folder: what `build` wrote: parquet files, README.md, report.json, sheets.
        repo: Hub id, "user/name"; made where it does not exist.
        private: make a new repository private. The rights to the pictures are the publisher's to check.

    Raises:
        ValueError: an unknown data set, or a folder that no build wrote.
    """
    from huggingface_hub import HfApi

    if name not in BUILDERS:
        raise ValueError(f"There is no data set {name!r} here; choose one of: {', '.join(sorted(BUILDERS))}.")
    missing = [file for file in ("README.md", "report.json") if not (folder / file).is_file()]
    if missing or not any(folder.glob("*.parquet")):
        what = ", ".join(missing) or "parquet files"
        raise ValueError(f"{folder} is not a finished build of {name}: it has no {what}. Run `build {name}` first.")
    api = HfApi()
    api.create_repo(repo, repo_type="dataset", private=private, exist_ok=True)
    commit = api.upload_folder(
        repo_id=repo,
        repo_type="dataset",
        folder_path=folder,
        allow_patterns=["*.parquet", "README.md", "report.json", "sheets/*.jpg"],
        commit_message=f"Upload {name}",
    )
    print(commit.commit_url)
    return str(commit.commit_url)
