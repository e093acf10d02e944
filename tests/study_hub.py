"""What a Hub does for the data set of a study: commits, squashed history, a store of large files; in memory.

A subset of the real one's interface, for `HfApi(endpoint=...)` in the test's own process. Test modules import from here
by name too, so PYTEST_DONT_REWRITE: pytest would warn about each.
"""

import base64
import hashlib
import io
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow.parquet as pq
import pytest
from huggingface_hub import HfApi, constants

_LARGE = ".parquet"


@dataclass
class DataSet:
    """Commits from the first to the head, each a mapping of names to contents."""

    private: bool
    commits: list[dict[str, bytes]] = field(default_factory=lambda: [{".gitattributes": b"*.parquet filter=lfs\n"}])
    squashed: int = 0  # how often; part of a commit's name, as a squashed one has another parent

    @property
    def sha(self) -> str:
        told = json.dumps(
            [self.squashed, len(self.commits), sorted((n, oid(n, d)) for n, d in self.commits[-1].items())]
        )
        return hashlib.sha1(told.encode()).hexdigest()

    @property
    def files(self) -> dict[str, bytes]:
        """Of the head, git's own left out."""
        return {name: data for name, data in self.commits[-1].items() if name != ".gitattributes"}


class StudyHub(ThreadingHTTPServer):
    """Use as `with StudyHub() as hub:`.

    `broken` is a pattern of paths that answer 500; `before_commit` is called with each commit that comes in.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.data_sets: dict[str, DataSet] = {}
        self.store: dict[str, bytes] = {}  # large files by SHA-256
        self.requests: list[str] = []
        self.broken = ""
        self.before_commit = lambda: None
        self.api = HfApi(endpoint=f"http://127.0.0.1:{self.server_port}", token="hf_test")

    def everything(self) -> bytes:
        """All that is kept of all data sets, readable: every commit and every large file."""
        kept = [data for one in self.data_sets.values() for files in one.commits for data in files.values()]
        return b"\n".join(map(readable, [*kept, *self.store.values()]))

    def __enter__(self) -> "StudyHub":
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        self.server_close()


@pytest.fixture
def hub(monkeypatch) -> Iterator[StudyHub]:
    """A Hub; its `api` reaches it although tests are offline."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with StudyHub() as server:
        yield server


def readable(data: bytes) -> bytes:
    """`data`, or the rows of a Parquet file, which is compressed."""
    return repr(pq.read_table(io.BytesIO(data)).to_pylist()).encode() if data.startswith(b"PAR1") else data


def oid(name: str, data: bytes) -> str:
    """SHA-256 of a large file, git's hash of another."""
    if name.endswith(_LARGE):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StudyHub

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append(f"{self.command} {path}")
        if self.server.broken and re.search(self.server.broken, path):
            return self._send({"error": "out of order"}, 500)
        for pattern, route in _ROUTES:
            if found := re.fullmatch(pattern, path):
                return route(self, *found.groups())
        return self._send({"error": f"no route {path}"}, 404)

    do_GET = do_POST = do_PUT = do_HEAD = _answer

    def _send(self, value: Any, status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.data.splitlines()]

    def validate(self) -> None:
        self._send({"errors": [], "warnings": []})

    def create(self) -> None:
        wish = json.loads(self.data)
        name = f"{wish['organization']}/{wish['name']}"
        url = {"url": f"http://127.0.0.1:{self.server.server_port}/datasets/{name}"}
        if name in self.server.data_sets:
            return self._send(url | {"error": "exists"}, 409)
        self.server.data_sets[name] = DataSet(wish.get("visibility") == "private" or bool(wish.get("private")))
        self._send(url)

    def describe(self, name: str) -> None:
        found = self.server.data_sets[name]
        siblings = [{"rfilename": file} for file in sorted(found.commits[-1])]
        self._send({"id": name, "sha": found.sha, "private": found.private, "siblings": siblings, "tags": []})

    def tree(self, name: str) -> None:
        listed = []
        for file, data in sorted(self.server.data_sets[name].commits[-1].items()):
            entry: dict[str, Any] = {"type": "file", "path": file, "size": len(data), "oid": oid("", data)}
            if file.endswith(_LARGE):
                entry["lfs"] = {"oid": oid(file, data), "size": len(data), "pointerSize": 130}
            listed.append(entry)
        self._send(listed)

    def preupload(self, name: str) -> None:
        there, answers = self.server.data_sets[name].commits[-1], []
        for file in json.loads(self.data)["files"]:
            path = file["path"]
            known = {"oid": oid(path, there[path])} if path in there else {}
            mode = "lfs" if path.endswith(_LARGE) else "regular"
            answers.append({"path": path, "uploadMode": mode, "shouldIgnore": False} | known)
        self._send({"files": answers})

    def large_batch(self, name: str) -> None:
        objects = []
        for wish in json.loads(self.data)["objects"]:
            href = f"http://127.0.0.1:{self.server.server_port}/lfs/{wish['oid']}"
            actions = {} if wish["oid"] in self.server.store else {"actions": {"upload": {"href": href}}}
            objects.append({"oid": wish["oid"], "size": wish["size"]} | actions)
        self._send({"transfer": "basic", "objects": objects})

    def large_upload(self, digest: str) -> None:
        self.server.store[digest] = self.data
        self._send({})

    def commit(self, name: str) -> None:
        self.server.before_commit()
        found = self.server.data_sets[name]
        files = dict(found.commits[-1])
        for entry in self._lines():
            value = entry["value"]
            if entry["key"] == "header" and value.get("parentCommit") not in (None, found.sha):
                return self._send({"error": "A commit has happened since."}, 412)
            if entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            if entry["key"] == "lfsFile":
                files[value["path"]] = self.server.store[value["oid"]]
            if entry["key"] == "deletedFile":
                del files[value["path"]]
        found.commits.append(files)
        url = f"http://127.0.0.1:{self.server.server_port}/datasets/{name}/commit/{found.sha}"
        self._send({"commitUrl": url, "commitOid": found.sha, "success": True})

    def squash(self, name: str) -> None:
        found = self.server.data_sets[name]
        found.commits, found.squashed = found.commits[-1:], found.squashed + 1
        self._send({})

    def large_files(self, name: str) -> None:
        facts = {"filename": "x.parquet", "pushedAt": "2026-01-01T00:00:00.000Z", "ref": None}
        self._send([facts | {"fileOid": d, "oid": d, "size": len(b)} for d, b in self.server.store.items()])

    def large_delete(self, name: str) -> None:
        for digest in json.loads(self.data)["deletions"]["sha"]:
            del self.server.store[digest]
        self._send({})


_API = r"/api/datasets/([\w.-]+/[\w.-]+)"
_ROUTES = (
    (r"/api/validate-yaml", _Handler.validate),
    (r"/api/repos/create", _Handler.create),
    (rf"{_API}(?:/revision/main)?", _Handler.describe),
    (rf"{_API}/tree/main", _Handler.tree),
    (rf"{_API}/preupload/main", _Handler.preupload),
    (r"/datasets/([\w.-]+/[\w.-]+)\.git/info/lfs/objects/batch", _Handler.large_batch),
    (r"/lfs/([0-9a-f]{64})", _Handler.large_upload),
    (rf"{_API}/commit/main", _Handler.commit),
    (rf"{_API}/super-squash/main", _Handler.squash),
    (rf"{_API}/lfs-files", _Handler.large_files),
    (rf"{_API}/lfs-files/batch", _Handler.large_delete),
)
