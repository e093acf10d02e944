"""Upload of a built data set to the Hub."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from datasets_cards import BUILDERS
from datasets_cards.published_folder import write_published

_WRITTEN = re.compile(r"data/[\w-]+\.parquet|[\w-]+\.parquet|README\.md|report\.json|sheets/[^/]+\.jpg")


def publish(
    name: str,
    repo: str,
    folder: Path | None = None,
    private: bool = False,
    leave_out: bool = False,
    allow: tuple[str, ...] = (),
    shard_megabytes: int = 300,
    tag: str | None = None,
    dry_run: bool = False,
) -> str:
    """Upload what `build` wrote as a Hub data set: shards that stream, and the card, in one tagged commit.

    It may be repeated: what is there already is not sent again.

    Args:
        name: the data set, as in `build NAME`.
        repo: Hub id, "user/name"; made where it does not exist.
        folder: what `build` wrote; unset: runs/NAME.
        private: make a new repository private.
        leave_out: leave out pictures whose licence does not allow publication, in place of refusing them all.
        allow: beginnings of licences that you have checked and that do allow it.
        shard_megabytes: size of a parquet file after which the next begins.
        tag: name of the commit; unset: "content-" and a digest of the files.
        dry_run: say what would be uploaded.

    Returns:
        The address of the commit, or the folder's tag where nothing was sent.

    Raises:
        ValueError: an unknown data set, a folder that no build wrote, or pictures that may not be published.
        OSError: if the Hub does not take it.
    """
    from pipelines.hub_upload import content_tag, listing, upload

    if name not in BUILDERS:
        raise ValueError(f"There is no data set {name!r} here; choose one of: {', '.join(sorted(BUILDERS))}.")
    folder = Path("runs") / name if folder is None else folder
    missing = [file for file in ("README.md", "report.json") if not (folder / file).is_file()]
    if missing:
        raise ValueError(
            f"{folder} is not a finished build of {name}: it has no {', '.join(missing)}. Run `build {name}` first."
        )
    with TemporaryDirectory() as temporary:
        ready = Path(temporary) / name
        options = {"leave_out": leave_out, "allow": allow, "shard_bytes": shard_megabytes * 1_000_000}
        published = write_published(folder, ready, **options)
        print(", ".join(f"{split}: {rows} pictures" for split, rows in published.rows.items()))
        for reason, count in published.refused.most_common():
            print(f"left out: {count}, {reason}")
        print(listing(ready))
        if dry_run:
            print(f"Would be uploaded to {repo} as {tag or content_tag(ready)}. Nothing was sent.")
            return tag or content_tag(ready)
        expected = _WRITTEN.fullmatch
        sent = {"message": f"Upload {name}", "expected": lambda path: bool(expected(path)), "private": private}
        done = upload(ready, repo, "dataset", **sent, tag=tag)
    print(f"{done.url}\nPublished as the data set {repo}, revision {done.tag}.")
    return done.url
