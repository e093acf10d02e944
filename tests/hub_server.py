"""A Hub on 127.0.0.1, in memory: what huggingface_hub asks for to create, upload, list and download model repositories.

Point a fresh process at it with the variables that `HubServer.environment` names. Large files go the LFS way
(batch, PUT, commit) as on the real Hub; Xet is switched off on the client. Nothing is checked but what a test needs.
"""

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

NAMESPACE = "tester"
_REPO = r"([\w.-]+/[\w.-]+)"


@dataclass
class Repository:
    """Branches point at commits, commits at files."""

    private: bool
    branches: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def commit(self, branch: str, files: dict[str, bytes]) -> str:
        content = json.dumps([len(self.commits), sorted((name, _sha1(data)) for name, data in files.items())])
        sha = hashlib.sha1(content.encode()).hexdigest()
        self.commits[sha], self.branches[branch] = files, sha
        return sha

    def find(self, revision: str | None) -> str | None:
        """The commit that a branch name or a commit's own name means."""
        revision = revision or "main"
        return self.branches.get(revision, revision if revision in self.commits else None)


class HubServer(ThreadingHTTPServer):
    """Use as `with HubServer() as hub:`; it listens on a port of its own."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[str, Repository] = {}
        self.large_files: dict[str, bytes] = {}  # by sha256
        self.requests: list[str] = []  # "GET /path", in order
        self.lock = threading.RLock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def environment(self, home: str) -> dict[str, str]:
        """Variables for a process that is to talk to this server and keep its cache under `home`."""
        plain = {"HF_ENDPOINT": self.address, "HF_HOME": home, "HF_TOKEN": "hf_test", "HF_HUB_OFFLINE": "0"}
        return plain | {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "NO_PROXY": "127.0.0.1"}

    def __enter__(self) -> "HubServer":
        threading.Thread(target=self.serve_forever, name="hub server", daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HubServer

    def log_message(self, *args: Any) -> None:
        """Say nothing: the server keeps its own list."""

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.data = self._read()
        with self.server.lock:
            self.server.requests.append(f"{self.command} {path}")
            for pattern, route in _ROUTES:
                if found := re.fullmatch(pattern, path):
                    return route(self, *found.groups())
        return self._send({"error": f"no route {path}"}, 404)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _answer

    def _read(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _send(self, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        for name, value in ({"Content-Type": kind, "Content-Length": str(len(content))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _refuse(self, code: str, **headers: str) -> None:
        self._send({"error": code}, 404, {"X-Error-Code": code} | headers)

    def _find(self, name: str, revision: str | None = None) -> tuple[Repository, str] | None:
        repository = self.server.repositories.get(name)
        sha = repository and repository.find(unquote(revision) if revision else None)
        if repository is None or sha is None:
            self._refuse("RepoNotFound" if repository is None else "RevisionNotFound")
            return None
        return repository, sha

    def validate(self) -> None:
        self._send({"errors": [], "warnings": []})

    def create(self) -> None:
        wish = json.loads(self.data)
        name = f"{wish.get('organization') or NAMESPACE}/{wish['name']}"
        url = {"url": f"{self.server.address}/{name}", "name": name, "id": name}
        if name in self.server.repositories:
            return self._send(url | {"error": "exists"}, 409)
        repository = self.server.repositories[name] = Repository(
            wish.get("visibility") == "private" or bool(wish.get("private"))
        )
        repository.commit("main", {".gitattributes": b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"})
        return self._send(url)

    def branch(self, name: str, branch: str) -> None:
        if found := self._find(name):
            repository, sha = found
            repository.branches.setdefault(branch, sha)
            self._send({})

    def describe(self, name: str, revision: str | None = None) -> None:
        if found := self._find(name, revision):
            repository, sha = found
            files = [{"rfilename": file} for file in sorted(repository.commits[sha])]
            facts = {"id": name, "modelId": name, "sha": sha, "private": repository.private, "siblings": files}
            self._send(facts | {"tags": [], "downloads": 0, "likes": 0, "lastModified": "2026-01-01T00:00:00.000Z"})

    def tree(self, name: str, revision: str) -> None:
        if found := self._find(name, revision):
            repository, sha = found
            self._send([_entry(file, data) for file, data in sorted(repository.commits[sha].items())])

    def preupload(self, name: str, revision: str) -> None:
        if found := self._find(name, revision):
            repository, sha = found
            there = repository.commits[sha]
            answers = []
            for file in json.loads(self.data)["files"]:
                mode = "lfs" if file["path"].endswith(".safetensors") else "regular"
                known = {"oid": _sha1(there[file["path"]])} if file["path"] in there and mode == "regular" else {}
                answers.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False} | known)
            self._send({"files": answers})

    def large_batch(self, name: str) -> None:
        objects = []
        for wish in json.loads(self.data)["objects"]:
            action = {"upload": {"href": f"{self.server.address}/lfs/{wish['oid']}"}}
            new = wish["oid"] not in self.server.large_files
            objects.append({"oid": wish["oid"], "size": wish["size"]} | ({"actions": action} if new else {}))
        self._send({"transfer": "basic", "objects": objects})

    def large_upload(self, oid: str) -> None:
        self.server.large_files[oid] = self.data
        self._send({})

    def commit(self, name: str, revision: str) -> None:
        found = self._find(name, revision)
        if found is None:
            return
        repository, sha = found
        files = dict(repository.commits[sha])
        for line in self.data.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                files[value["path"]] = self.server.large_files[value["oid"]]
            elif entry["key"] == "deletedFile":
                del files[value["path"]]
        new = repository.commit(revision, files)
        self._send({"commitUrl": f"{self.server.address}/{name}/commit/{new}", "commitOid": new, "success": True})

    def resolve(self, name: str, revision: str, file: str) -> None:
        found = self._find(name, revision)
        if found is None:
            return
        repository, sha = found
        data = repository.commits[sha].get(file)
        if data is None:
            return self._refuse("EntryNotFound", **{"X-Repo-Commit": sha})
        tag = f'"{_entry(file, data).get("lfs", {}).get("oid") or _sha1(data)}"'
        return self._send(data, headers={"X-Repo-Commit": sha, "ETag": tag, "X-Linked-Etag": tag})


_ROUTES = (
    (r"/api/validate-yaml", _Handler.validate),
    (r"/api/repos/create", _Handler.create),
    (rf"/api/models/{_REPO}", _Handler.describe),
    (rf"/api/models/{_REPO}/revision/(.+)", _Handler.describe),
    (rf"/api/models/{_REPO}/branch/(.+)", _Handler.branch),
    (rf"/api/models/{_REPO}/tree/([^/]+)", _Handler.tree),
    (rf"/api/models/{_REPO}/preupload/(.+)", _Handler.preupload),
    (rf"/api/models/{_REPO}/commit/(.+)", _Handler.commit),
    (rf"/{_REPO}\.git/info/lfs/objects/batch", _Handler.large_batch),
    (r"/lfs/([0-9a-f]{64})", _Handler.large_upload),
    (rf"/{_REPO}/resolve/([^/]+)/(.+)", _Handler.resolve),
)


def _entry(file: str, data: bytes) -> dict[str, Any]:
    entry = {"type": "file", "path": file, "size": len(data), "oid": _sha1(data)}
    if file.endswith(".safetensors"):
        entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
    return entry


def _sha1(data: bytes) -> str:
    """Name of a file's content, as git gives it."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
