"""A repository of the test Hub: branches and tags that point at commits, and commits at files."""

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

LARGE_SUFFIXES = (".safetensors", ".parquet", ".onnx", ".bin", ".pt", ".pkl", ".jpg", ".png")
GIT_ATTRIBUTES = "".join(f"*{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LARGE_SUFFIXES).encode()


@dataclass
class Repository:
    """Starts with one commit that holds .gitattributes, as on the Hub."""

    name: str
    kind: str  # "model", "dataset" or "space"
    private: bool
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    parents: dict[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.commit("main", {".gitattributes": GIT_ATTRIBUTES})

    def commit(self, branch: str, files: dict[str, bytes]) -> str:
        content = json.dumps([len(self.commits), sorted((name, git_oid(data)) for name, data in files.items())])
        sha = hashlib.sha1(f"{self.kind}/{self.name} {content}".encode()).hexdigest()
        self.commits[sha], self.parents[sha], self.branches[branch] = files, self.branches.get(branch), sha
        return sha

    def find(self, revision: str | None) -> str | None:
        """The commit that a branch, a tag or a commit's own name means."""
        revision = revision or "main"
        if revision in self.commits:
            return revision
        return self.branches.get(revision) or self.tags.get(revision)

    @property
    def files(self) -> dict[str, bytes]:
        """Those of the main branch, git's own left out."""
        return {name: data for name, data in self.commits[self.branches["main"]].items() if name != ".gitattributes"}

    def apply(self, branch: str, lines: Iterable[bytes], large_files: dict[str, bytes]) -> str:
        """Make the commit that the lines of a request describe.

        Raises:
            ValueError: for what git or the Hub would refuse: the wrong parent, large files that never came, deletions
                of what is not there.
        """
        head = self.branches[branch]
        files = dict(self.commits[head])
        for line in lines:
            entry = json.loads(line)
            value: dict[str, Any] = entry["value"]
            if entry["key"] == "header":
                if value.get("parentCommit") not in (None, head):
                    raise ValueError("the branch has moved on")
            elif entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"], validate=True)
            elif entry["key"] == "lfsFile":
                if value["oid"] not in large_files:
                    raise ValueError(f"{value['path']} was never uploaded")
                files[value["path"]] = large_files[value["oid"]]
            elif entry["key"] == "deletedFile":
                if files.pop(value["path"], None) is None:
                    raise ValueError(f"{value['path']} is not there")
            else:
                raise ValueError(f"{entry['key']} is nothing this server knows")
        return self.commit(branch, files)


def is_large(name: str) -> bool:
    """Whether the file goes the LFS way."""
    return name.endswith(LARGE_SUFFIXES)


def oid(name: str, data: bytes) -> str:
    """What the Hub names the content by: SHA-256 of large files, git's name of the others."""
    return hashlib.sha256(data).hexdigest() if is_large(name) else git_oid(data)


def git_oid(data: bytes) -> str:
    """Name of a file's content, as git gives it."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def entry(name: str, data: bytes) -> dict[str, Any]:
    """A file as the Hub lists it."""
    found: dict[str, Any] = {"type": "file", "path": name, "size": len(data), "oid": git_oid(data)}
    if is_large(name):
        found["lfs"] = {"oid": oid(name, data), "size": len(data), "pointerSize": 130}
    return found


def entries(files: dict[str, bytes], folder: str, recursive: bool) -> list[dict[str, Any]]:
    """Files and folders below `folder`, as the Hub lists a tree."""
    prefix = f"{folder.strip('/')}/" if folder.strip("/") else ""
    found: dict[str, dict[str, Any]] = {}
    for name, data in sorted(files.items()):
        if not name.startswith(prefix):
            continue
        *folders, _ = name.removeprefix(prefix).split("/")
        for depth in range(1, (len(folders) if recursive else min(1, len(folders))) + 1):
            path = prefix + "/".join(folders[:depth])
            found[path] = {"type": "directory", "path": path, "size": 0, "oid": git_oid(path.encode())}
        if recursive or not folders:
            found[name] = entry(name, data)
    return list(found.values())
