"""What stands before every address of the app: which there are, how much a request may bring, and for how long."""

import asyncio
import contextlib
import json
import re
import time
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui import temporary
from ui.job_log import note_error, recorded
from ui.languages import UserError, strings
from ui.services import KEEP_SECONDS, Services

BODY_BYTES = 4_000_000  # of a request that uploads nothing
MCP_BYTES = 40_000_000  # its pictures come inside the request
UPLOAD = "/gradio_api/upload"
BODY_SECONDS, UPLOAD_SECONDS, PAUSE_SECONDS = 60, 900, 30  # a body's, an upload's, and between two pieces of either
DRAINED_BYTES = 1_000_000_000  # of a request that is refused: so much is read and forgotten, where it is announced
REQUESTS = 200  # with a body, at the same time
_USED = re.compile(  # what the page and gradio's clients ask for; gradio has more that this app has no use for
    r"/gradio_api/(info|openapi\.json|app_id|startup-events|theme\.css|user|login_check|upload|upload_progress|cancel"
    r"|reset|queue/(join|data|status)|(run|api|call|heartbeat)/.*|file=(?!\w+:/).*|mcp(/.*)?)/?"
)
_UNUSED = re.compile(r"/(monitoring|login|logout|custom_component|svelte/.*\.\.|pwa_icon)(/.*)?")
_STATUS = {"error_too_large": 413, "error_too_slow": 408, "error_full": 507, "error_busy": 503, "error_not_here": 404}


class Guard:
    """ASGI middleware.

    Requests with a body are counted while they arrive, so a false Content-Length gains nothing. Each such request,
    and each that is refused, leaves a line in the log.
    """

    def __init__(self, app: ASGIApp, services: Services, mcp: bool = False):
        self.app, self.limits, self.mcp = app, services.limits, mcp
        self._requests = self._uploads = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        try:
            self._check_path(path)
            if scope["method"] in ("GET", "HEAD", "OPTIONS"):
                await self.app(scope, receive, send)
                return
        except UserError as error:
            await _refuse(error, scope, send)
            return
        with recorded(f"{scope['method']} {_family(path)}", "request") as facts:
            await self._bounded(scope, receive, send, facts)

    def _check_path(self, path: str) -> None:
        inside = path.startswith("/gradio_api")
        foreign = path.startswith("/gradio_api/mcp") and not self.mcp
        if _UNUSED.fullmatch(path) or foreign or (inside and not _USED.fullmatch(path)):
            raise UserError("error_not_here")

    async def _bounded(self, scope: Scope, receive: Receive, send: Send, facts: dict[str, Any]) -> None:
        """Hand the request on with its body measured; a sentence for one that is refused, or fails."""
        upload = scope["path"].rstrip("/") == UPLOAD
        self._requests += 1
        self._uploads += upload
        answer = _Answer(send)
        try:
            answer.body = body = _Body(receive, *await self._room(scope, upload))
            await self.app(scope, body.receive, answer.send)
            facts |= {"status": answer.status, "bytes": body.size}
            if answer.status >= 400:
                facts["outcome"] = "refused"
        except UserError as error:
            facts |= {"outcome": "refused", "reason": error.key, "status": _STATUS[error.key]}
            if error.key != "error_too_slow" and not (answer.body and answer.body.whole):
                await _drained(receive, _length(scope))
            if not answer.status:
                await _refuse(error, scope, send)
        except Exception as error:  # the last stop before the server, which would print a trace
            note_error(error)
            if not answer.status:
                await _refuse(UserError("error_request"), scope, send, 400)
        finally:
            self._requests -= 1
            self._uploads -= upload

    async def _room(self, scope: Scope, upload: bool) -> tuple[int, float]:
        """Bytes and seconds that a request may take; UserError where there is no room for it."""
        if self._requests > REQUESTS or (upload and self._uploads > self.limits.uploads):
            raise UserError("error_busy")
        limit, seconds = (MCP_BYTES if "/gradio_api/mcp" in scope["path"] else BODY_BYTES), BODY_SECONDS
        if upload:
            limit, seconds = self.limits.upload_megabytes * 1_000_000 + 100_000, UPLOAD_SECONDS
            await asyncio.to_thread(temporary.sweep, KEEP_SECONDS)
        claimed = _length(scope) or 0
        if claimed > limit:
            raise UserError("error_too_large", limit=limit // 1_000_000)
        if upload:  # in a thread: the tiles of large pictures are many files
            used = await asyncio.to_thread(temporary.used_bytes)
            if used + claimed > self.limits.temporary_megabytes * 1_000_000:
                raise UserError("error_full")
        return limit, seconds


class _Body:
    """A request's body, counted and timed as it arrives."""

    def __init__(self, receive: Receive, limit: int, seconds: float):
        self._receive, self._limit, self._end = receive, limit, time.monotonic() + seconds
        self.size, self.whole = 0, False
        self.error: UserError | None = None

    async def receive(self) -> Message:
        if self.whole:  # what comes now is the news that the client went
            return await self._receive()
        try:
            return await self._piece()
        except UserError as error:
            self.error = error
            raise

    async def _piece(self) -> Message:
        try:
            left = min(PAUSE_SECONDS, self._end - time.monotonic())
            message = await asyncio.wait_for(self._receive(), max(left, 0.001))
        except TimeoutError as error:
            raise UserError("error_too_slow") from error
        self.size += len(message.get("body", b""))
        self.whole = not message.get("more_body", False)
        if self.size > self._limit:
            raise UserError("error_too_large", limit=self._limit // 1_000_000)
        return message


class _Answer:
    """Passes an answer on and remembers its status, 0 before it has begun.

    FastAPI answers for itself when a body cannot be read; the reason is in `body.error`.
    """

    def __init__(self, send: Send):
        self._send, self.status = send, 0
        self.body: _Body | None = None

    async def send(self, message: Message) -> None:
        if not self.status and self.body is not None and self.body.error is not None:
            raise self.body.error
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)


def _family(path: str) -> str:
    """An address without what a caller chose in it."""
    parts = path.strip("/").split("/")
    kept = parts[:3] if parts[:2] == ["gradio_api", "queue"] else parts[:2]
    known = {"gradio_api", "upload", "queue", "join", "run", "api", "call", "cancel", "reset", "mcp", "study"}
    return "/" + "/".join(part if part in known else "*" for part in kept)


def _length(scope: Scope) -> int | None:
    """What the request says its body's length is; None where it does not."""
    text = Headers(scope=scope).get("content-length", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None


async def _drained(receive: Receive, length: int | None) -> None:
    """Read on for a while and forget it: most clients look at the answer only once all is sent."""
    end = time.monotonic() + BODY_SECONDS
    with contextlib.suppress(TimeoutError):
        while length is not None and length <= DRAINED_BYTES and time.monotonic() < end:
            message = await asyncio.wait_for(receive(), PAUSE_SECONDS)
            if not message.get("more_body", False):
                return


async def _refuse(error: UserError, scope: Scope, send: Send, status: int | None = None) -> None:
    language = "zh" if Headers(scope=scope).get("accept-language", "").lower().startswith("zh") else "en"
    sentence = strings(language)[error.key].format(**error.values)
    plain = scope["path"].rstrip("/") == UPLOAD  # the page shows what comes back as it is
    body = (sentence if plain else json.dumps({"detail": sentence}, ensure_ascii=False)).encode()
    kind = b"text/plain; charset=utf-8" if plain else b"application/json"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    headers.append((b"connection", b"close"))  # what it still sends is not read
    await send({"type": "http.response.start", "status": status or _STATUS[error.key], "headers": headers})
    await send({"type": "http.response.body", "body": body})
