"""A Hub on 127.0.0.1, in memory: models, data sets and Spaces, as huggingface_hub, datasets and diffusers ask for them.

Point a fresh process at it with the variables that `HubServer.environment` names, or this one with the fixture `hub`
of `hub_fixtures`. Large files go the LFS way (batch, PUT, verify, commit; downloads are redirected to another host, as
to the Hub's CDN); Xet is switched off on the client. Private repositories are hidden from all but their owners.
"""

import hashlib
import json
import re
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import hub_metadata
from hub_repository import Repository, entries, is_large, oid

NAMESPACE, TOKEN = "tester", "hf_tester"
GUEST_TOKEN = "hf_guest"  # of somebody else
_NAME = r"([\w.-]+/[\w.-]+)"
_KINDS = {"models": "model", "datasets": "dataset", "spaces": "space"}


@dataclass
class Fault:
    """Requests that break: of `method` and a path that matches `pattern`, `times` of them.

    `after` bytes of the answer, or of what is uploaded, the connection is cut; with `status` that is the answer.
    """

    method: str
    pattern: str
    after: int = 0
    status: int | None = None
    times: int = 1


class HubServer(ThreadingHTTPServer):
    """Use as `with HubServer() as hub:`; it listens on a port of its own."""

    daemon_threads = True
    users = {TOKEN: NAMESPACE, GUEST_TOKEN: "guest"}  # noqa: RUF012  token -> user

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[tuple[str, str], Repository] = {}  # by kind and name
        self.large_files: dict[str, bytes] = {}  # by sha256
        self.unverified: set[str] = set()
        self.requests: list[str] = []  # "GET /path", in order
        self.faults: list[Fault] = []
        self.page = 1000  # entries of a tree in one answer
        self.lock = threading.RLock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def model(self, name: str) -> Repository:
        return self.repositories["model", name]

    def environment(self, home: str, token: str = TOKEN) -> dict[str, str]:
        """Variables for a process that is to talk to this server and keep its cache under `home`."""
        plain = {"HF_ENDPOINT": self.address, "HF_HOME": home, "HF_TOKEN": token, "HF_HUB_OFFLINE": "0"}
        return plain | {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "NO_PROXY": "127.0.0.1,localhost"}

    def asked(self, start: str) -> list[str]:
        """The requests since the beginning that start so."""
        return [request for request in self.requests if request.startswith(start)]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""

    def __enter__(self) -> "HubServer":
        threading.Thread(target=self.serve_forever, args=(0.02,), name="hub server", daemon=True).start()
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
        url = urlsplit(self.path)
        self.query = parse_qs(url.query)
        self.fault = self._next_fault(url.path)
        if self.fault and self.fault.status is None and self.command in ("PUT", "POST"):
            self.rfile.read(self.fault.after)
            return self._cut()
        self.data = self._read()
        with self.server.lock:
            self.server.requests.append(f"{self.command} {unquote(url.path)}")
            if self.fault and self.fault.status is not None:
                return self._send({"error": "out of order"}, self.fault.status)
            for pattern, route in _ROUTES:
                if found := re.fullmatch(pattern, url.path):
                    return route(self, *(group and unquote(group) for group in found.groups()))
        return self._send({"error": f"no route {url.path}"}, 404)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _answer

    def _next_fault(self, path: str) -> Fault | None:
        with self.server.lock:
            for fault in self.server.faults:
                if fault.times and fault.method == self.command and re.fullmatch(fault.pattern, unquote(path)):
                    fault.times -= 1
                    return fault
        return None

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.close()

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
        if self.command == "HEAD":
            return
        if self.fault and self.fault.status is None:
            self.wfile.write(content[: self.fault.after])
            self.wfile.flush()
            return self._cut()
        self.wfile.write(content)

    def _refuse(self, code: str, status: int = 404, **headers: str) -> None:
        self._send({"error": code}, status, {"X-Error-Code": code, "X-Error-Message": code} | headers)

    # Who asks, and for what

    @property
    def user(self) -> str | None:
        return self.server.users.get(self.headers.get("Authorization", "").removeprefix("Bearer "))

    def _may_write(self, name: str) -> bool:
        if self.user is None:
            self._send({"error": "Invalid username or password."}, 401)
        elif self.user != name.split("/")[0]:
            self._send({"error": "You have no right to write there."}, 403)
        return self.user == name.split("/")[0]

    def _find(self, kinds: str | None, name: str, revision: str | None = None) -> tuple[Repository, str] | None:
        repository = self.server.repositories.get((_KINDS[kinds or "models"], name))
        if repository is None or (repository.private and self.user != name.split("/")[0]):
            self._refuse("RepoNotFound", 404 if self.user else 401)  # a private one looks like none
            return None
        sha = repository.find(revision)
        if sha is None:
            self._refuse("RevisionNotFound")
            return None
        return repository, sha

    def whoami(self) -> None:
        if self.user is None:
            return self._send({"error": "Invalid username or password."}, 401)
        self._send({"type": "user", "name": self.user, "orgs": [], "auth": {"type": "access_token"}})

    def validate(self) -> None:
        wish = json.loads(self.data)
        found = [{"message": one} for one in hub_metadata.errors(wish["content"], wish["repoType"])]
        self._send({"errors": found, "warnings": []}, 400 if found else 200)

    # Writing

    def create(self) -> None:
        wish = json.loads(self.data)
        name, kind = f"{wish.get('organization') or self.user}/{wish['name']}", wish.get("type") or "model"
        if not self._may_write(name):
            return
        url = {"url": f"{self.server.address}/{'' if kind == 'model' else f'{kind}s/'}{name}", "name": name, "id": name}
        if (kind, name) in self.server.repositories:
            return self._send(url | {"error": "You already created this repo"}, 409)
        if kind == "space" and wish.get("sdk") not in ("gradio", "docker", "static"):
            return self._send({"error": "A Space needs an sdk"}, 400)
        private = wish.get("visibility") == "private" or bool(wish.get("private"))
        self.server.repositories[kind, name] = Repository(name, kind, private)
        self._send(url)

    def branch(self, kinds: str, name: str, branch: str) -> None:
        if self._may_write(name) and (found := self._find(kinds, name)):
            repository, sha = found
            if branch in repository.branches:
                return self._send({"error": "Reference already exists"}, 409)
            repository.branches[branch] = sha
            self._send({})

    def tag(self, kinds: str, name: str, revision: str) -> None:
        if self._may_write(name) and (found := self._find(kinds, name, revision)):
            repository, sha = found
            tag = json.loads(self.data)["tag"]
            if tag in repository.tags:
                return self._send({"error": "Tag reference exists already"}, 409)
            repository.tags[tag] = sha
            self._send({})

    def preupload(self, kinds: str, name: str, revision: str) -> None:
        if self._may_write(name) and (found := self._find(kinds, name, revision)):
            repository, sha = found
            there = repository.commits[sha]
            answers = []
            for file in json.loads(self.data)["files"]:
                path = file["path"]
                known = {"oid": oid(path, there[path])} if path in there else {}
                mode = "lfs" if is_large(path) else "regular"
                answers.append({"path": path, "uploadMode": mode, "shouldIgnore": False} | known)
            self._send({"files": answers})

    def large_batch(self, kinds: str | None, name: str) -> None:
        if not (self._may_write(name) and self._find(kinds, name)):
            return
        objects = []
        for wish in json.loads(self.data)["objects"]:
            hrefs = {"upload": f"/lfs/{wish['oid']}", "verify": "/lfs-verify"}
            actions = {action: {"href": f"{self.server.address}{path}"} for action, path in hrefs.items()}
            there = wish["oid"] in self.server.large_files and wish["oid"] not in self.server.unverified
            objects.append({"oid": wish["oid"], "size": wish["size"]} | ({} if there else {"actions": actions}))
        self._send({"transfer": "basic", "objects": objects})

    def large_upload(self, digest: str) -> None:
        if hashlib.sha256(self.data).hexdigest() != digest:
            return self._send({"error": "the content is not what its name says"}, 400)
        self.server.large_files[digest] = self.data
        self.server.unverified.add(digest)
        self._send({})

    def large_verify(self) -> None:
        wish = json.loads(self.data)
        if len(self.server.large_files.get(wish["oid"], b"")) != wish["size"]:
            return self._send({"error": "no such object of that size"}, 404)
        self.server.unverified.discard(wish["oid"])
        self._send({})

    def commit(self, kinds: str, name: str, branch: str) -> None:
        if not (self._may_write(name) and (found := self._find(kinds, name, branch))):
            return
        repository, _ = found
        try:
            new = repository.apply(branch, self.data.splitlines(), self.server.large_files)
        except ValueError as error:
            return self._send({"error": str(error)}, 412 if "moved on" in str(error) else 400)
        prefix = "" if kinds == "models" else f"{kinds}/"
        url = f"{self.server.address}/{prefix}{name}/commit/{new}"
        self._send({"commitUrl": url, "commitOid": new, "success": True})

    # Reading

    def describe(self, kinds: str, name: str, revision: str | None = None) -> None:
        if found := self._find(kinds, name, revision):
            repository, sha = found
            files = [{"rfilename": file} for file in sorted(repository.commits[sha])]
            facts = {"_id": "0", "id": name, "modelId": name, "author": name.split("/")[0], "sha": sha}
            facts |= {"private": repository.private, "siblings": files, "tags": [], "downloads": 0, "likes": 0}
            dates = dict.fromkeys(("createdAt", "lastModified"), "2026-01-01T00:00:00.000Z")
            self._send(facts | dates | {"disabled": False, "gated": False})

    def refs(self, kinds: str, name: str) -> None:
        if found := self._find(kinds, name):
            repository, _ = found

            def listed(kind: str, names: dict[str, str]) -> list[dict[str, str]]:
                return [{"name": n, "ref": f"refs/{kind}/{n}", "targetCommit": sha} for n, sha in names.items()]

            answer = {"branches": listed("heads", repository.branches), "tags": listed("tags", repository.tags)}
            self._send(answer | {"converts": []})

    def tree(self, kinds: str, name: str, revision: str, folder: str | None = None) -> None:
        if found := self._find(kinds, name, revision):
            repository, sha = found
            recursive = self.query.get("recursive", ["false"])[0].lower() in ("true", "1")
            listed = entries(repository.commits[sha], folder or "", recursive)
            if folder and not listed:
                return self._refuse("EntryNotFound")
            start = int(self.query.get("cursor", ["0"])[0])
            more = {}
            if len(listed) > start + self.server.page:
                path = urlsplit(self.path).path
                url = f"{self.server.address}{path}?recursive={recursive}&cursor={start + self.server.page}"
                more["Link"] = f'<{url}>; rel="next"'
            self._send(listed[start : start + self.server.page], headers=more)

    def paths_info(self, kinds: str, name: str, revision: str) -> None:
        if found := self._find(kinds, name, revision):
            repository, sha = found
            is_json = self.headers.get("Content-Type", "").startswith("application/json")
            wish = json.loads(self.data) if is_json else parse_qs(self.data.decode())
            paths = [wish["paths"]] if isinstance(wish["paths"], str) else wish["paths"]
            everything = {one["path"]: one for one in entries(repository.commits[sha], "", True)}
            self._send([everything[path] for path in paths if path in everything])

    def resolve(self, kinds: str | None, name: str, revision: str, file: str) -> None:
        found = self._find(kinds, name, revision)
        if found is None:
            return
        repository, sha = found
        data = repository.commits[sha].get(file)
        if data is None:
            return self._refuse("EntryNotFound", **{"X-Repo-Commit": sha})
        tag = f'"{oid(file, data)}"'
        headers = {"X-Repo-Commit": sha, "ETag": tag, "Accept-Ranges": "bytes"}
        if is_large(file):
            self.server.large_files.setdefault(oid(file, data), data)
            place = f"http://localhost:{self.server.server_port}/cdn/{oid(file, data)}"
            headers |= {"X-Linked-Etag": tag, "X-Linked-Size": str(len(data)), "Location": place}
            return self._send(b"", 302, headers)
        self._send_range(data, headers)

    def cdn(self, digest: str) -> None:
        data = self.server.large_files.get(digest)
        if data is None:
            return self._send({"error": "no such object"}, 404)
        self._send_range(data, {"ETag": f'"{digest}"', "Accept-Ranges": "bytes"})

    def _send_range(self, data: bytes, headers: dict[str, str]) -> None:
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range") or "")
        if asked is None or not any(asked.groups()):
            return self._send(data, headers=headers)
        if asked[1]:
            first, last = int(asked[1]), min(int(asked[2] or len(data) - 1), len(data) - 1)
        else:
            first, last = max(0, len(data) - int(asked[2])), len(data) - 1
        if first > last:
            return self._send(b"", 416, headers | {"Content-Range": f"bytes */{len(data)}"})
        part = {"Content-Range": f"bytes {first}-{last}/{len(data)}"}
        self._send(data[first : last + 1], 206, headers | part)


_REVISION = r"(refs/[\w-]+/[^/]+|[^/]+)"
_API = rf"/api/(models|datasets|spaces)/{_NAME}"
_ROUTES = (
    (r"/api/whoami-v2", _Handler.whoami),
    (r"/api/validate-yaml", _Handler.validate),
    (r"/api/repos/create", _Handler.create),
    (_API, _Handler.describe),
    (rf"{_API}/revision/{_REVISION}", _Handler.describe),
    (rf"{_API}/refs", _Handler.refs),
    (rf"{_API}/branch/{_REVISION}", _Handler.branch),
    (rf"{_API}/tag/{_REVISION}", _Handler.tag),
    (rf"{_API}/tree/{_REVISION}(?:/(.*))?", _Handler.tree),
    (rf"{_API}/paths-info/{_REVISION}", _Handler.paths_info),
    (rf"{_API}/preupload/{_REVISION}", _Handler.preupload),
    (rf"{_API}/commit/{_REVISION}", _Handler.commit),
    (rf"/(?:(datasets|spaces)/)?{_NAME}\.git/info/lfs/objects/batch", _Handler.large_batch),
    (r"/lfs/([0-9a-f]{64})", _Handler.large_upload),
    (r"/lfs-verify", _Handler.large_verify),
    (r"/cdn/([0-9a-f]{64})", _Handler.cdn),
    (rf"/(?:(datasets|spaces)/)?{_NAME}/resolve/{_REVISION}/(.+)", _Handler.resolve),
)
