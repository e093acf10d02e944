"""Strangers at the door: every event of the page called raw, by number, with what no page would send."""

import asyncio
import json
import re
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.data_classes import PredictBodyInternal
from gradio.route_utils import Request, call_process_api
from gradio.utils import get_upload_folder

import app
from test_api import tiny
from ui import Limits, Models, Services, temporary
from ui.guard import BODY_BYTES

SECRET = "what only the host may read"
HERE = "|".join(re.escape(str(path)) for path in (Path(app.__file__).parent, sys.prefix, sys.base_prefix))
TRACE = re.compile(rf"Traceback|site-packages|{HERE}")
LEAKS = re.compile(rf"{TRACE.pattern}|File \"|object at 0x|pydantic|validation error")


@pytest.fixture(scope="module")
def demo():
    limits = Limits(upload_megabytes=2, megapixels=4, temporary_megabytes=50, uploads=2)
    demo = app.serve(Services(Models(load=tiny, most=5), limits))
    yield demo
    demo.close()


@pytest.fixture(scope="module")
def secret(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("host") / "secret.png"
    file.write_text(SECRET)
    return file


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def file_data(path: str | Path) -> dict[str, Any]:
    return {"path": str(path), "meta": {"_type": "gradio.FileData"}}


def kinds(secret: Path) -> dict[str, Any]:
    """What each input is given; a kind called "all..." is the whole of the data instead."""
    return {
        "nothing": None,
        "number": -1e308,
        "truth": True,
        "words": "../../etc/passwd",
        "long words": "x" * 3_500_000,
        "dict": {"a": {"b": [1, "c"]}},
        "list": ["a", None, 3, {"path": 5}],
        "long list": ["x"] * 50_000,
        "deep": nested(900),
        "file of the host": file_data(secret),
        "files of the host": [file_data(secret), file_data(app.__file__)],
        "file without its mark": {"path": str(secret)},
        "path of the host": str(secret),
        "web address": file_data("http://127.0.0.1:9/a.png"),
        "file address": file_data("file:///etc/passwd"),
        "marked with lies": {"path": str(secret), "url": f"file://{secret}", "meta": {"_type": "gradio.FileData"}},
        "gallery": [{"image": file_data(secret), "caption": "a"}],
        "update": {"__type__": "update", "value": str(secret)},
    }


EVENTS = (
    None,
    "garbage",
    {"index": "0", "value": 1},
    {"index": {"a": 1}, "value": None},
    {"index": 10**12, "value": {"image": {"path": "/etc/passwd"}}},
    {"target": 5},
)


async def call(demo: gr.Blocks, number: int, data: list[Any], event: Any, batched: bool = False) -> Any:
    body = PredictBodyInternal(data=data, fn_index=number, session_hash="x", event_data=event, batched=batched)
    request = Request(username=None, session_hash="x", headers={})
    return await call_process_api(demo.app, body, [request] if batched else request, demo.fns[number], "http://host")


def outcome(demo: gr.Blocks, *call_of: Any) -> str:
    """What the caller sees: the answer, or the sentence."""
    try:
        answer = asyncio.run(asyncio.wait_for(call(demo, *call_of), 30))
    except gr.Error as error:
        assert error.print_exception is False
        return f"error: {error.message}"
    return json.dumps(answer, default=str)


@pytest.mark.parametrize("kind", kinds(Path()))
def test_every_event_answers_garbage_with_a_sentence(demo, secret, kind):
    value = kinds(secret)[kind]
    for number, function in demo.fns.items():
        if not function.fn or function.cancels:
            continue
        start = time.monotonic()
        seen = outcome(demo, number, [value] * len(function.inputs), {"index": 0, "value": 0})
        assert time.monotonic() - start < 10, function.api_name
        assert SECRET not in seen, function.api_name
        if seen.startswith("error"):
            assert not LEAKS.search(seen) and get_upload_folder() not in seen, (function.api_name, seen)
            assert "the fault is ours" not in seen, (function.api_name, seen)


def test_every_event_answers_too_few_and_too_many_inputs(demo):
    for number, function in demo.fns.items():
        for data in ([], [1] * (len(function.inputs) + 1), [None] * 3000):
            seen = outcome(demo, number, data, None)
            assert not LEAKS.search(seen) or not seen.startswith("error"), (function.api_name, seen)


@pytest.mark.parametrize("event", EVENTS, ids=str)
def test_every_event_answers_a_false_choice(demo, event):
    for number, function in demo.fns.items():
        if function.fn:
            seen = outcome(demo, number, [None] * len(function.inputs), event)
            assert not seen.startswith("error") or not LEAKS.search(seen), (function.api_name, seen)
            assert "the fault is ours" not in seen, (function.api_name, seen)


def test_a_false_batch_is_refused(demo):
    for number, function in demo.fns.items():
        if function.fn:
            seen = outcome(demo, number, [[None]] * len(function.inputs), None, True)
            assert not seen.startswith("error") or not LEAKS.search(seen), (function.api_name, seen)


# --- over HTTP


def post(url: str, path: str, body: bytes | str, kind: str = "application/json", **headers: str) -> tuple[int, str]:
    data = body.encode() if isinstance(body, str) else body
    request = urllib.request.Request(f"{url}{path}", data, {"Content-Type": kind, **headers}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def get(url: str, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"{url}{path}", timeout=60) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def test_every_event_by_number_over_the_queue(demo, secret):
    """As a program would that has read the page's source: join, then read what comes back."""
    url, numbers = demo.local_url, [number for number, one in demo.fns.items() if not one.cancels]
    for at in range(0, len(numbers), 16):
        asked = numbers[at : at + 16]
        session = f"raw{at}"
        for number in asked:
            data = [file_data(secret)] * len(demo.fns[number].inputs)
            body = {"fn_index": number, "session_hash": session, "data": data, "event_data": {"index": 0, "value": 0}}
            status, text = post(url, "gradio_api/queue/join", json.dumps(body))
            assert status == 200, text
        ended, left = "", len(asked)
        with urllib.request.urlopen(f"{url}gradio_api/queue/data?session_hash={session}", timeout=60) as stream:
            while left:
                line = stream.readline().decode()
                assert line, ended[-500:]
                ended += line
                left -= '"process_completed"' in line
        assert SECRET not in ended and "pydantic" not in ended and not TRACE.search(ended)


def test_every_event_by_name_without_the_queue(demo, secret):
    for function in demo.fns.values():
        data = json.dumps({"data": [str(secret)] * len(function.inputs), "event_data": 5})
        status, text = post(demo.local_url, f"gradio_api/run/{function.api_name}", data)
        assert status in (200, 400, 404, 422, 500) and SECRET not in text
        assert not TRACE.search(text), text
        assert status == 404 or not function.queue  # only over the queue, whose limits would be passed by


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("gradio_api/queue/join", '{"fn_index": 99999, "session_hash": "x", "data": []}'),
        ("gradio_api/queue/join", '{"fn_index": -1, "session_hash": "x", "data": []}'),
        ("gradio_api/queue/join", '{"data": []}'),
        ("gradio_api/queue/join", "[" * 100_000),
        ("gradio_api/queue/join", '{"fn_index": 0, "session_hash": "x", "data": ' + "[" * 5000 + "]" * 5000 + "}"),
        ("gradio_api/queue/join", "no JSON"),
        ("gradio_api/call/colorize", '{"data": "x"}'),
        ("gradio_api/call/no_such_thing", '{"data": []}'),
        ("gradio_api/call/v2/colorize", '{"painting": 1, "other": 2}'),
        ("gradio_api/call/v2/no_such_thing", "{}"),
        ("gradio_api/run/no_such_thing", '{"data": []}'),
        ("gradio_api/run/begin", '{"data": [], "batched": true}'),
        ("gradio_api/cancel", '{"session_hash": "x", "fn_index": 3, "event_id": "y"}'),
        ("gradio_api/upload", "no form"),
    ],
)
def test_broken_requests(demo, path, body, capfd):
    status, text = post(demo.local_url, path, body)
    assert status in (200, 400, 404, 422), (status, text)
    assert not TRACE.search(text), text
    assert "Traceback" not in "".join(capfd.readouterr())


def test_a_long_body_is_refused_unread(demo):
    status, text = post(demo.local_url, "gradio_api/queue/join", b" " * (BODY_BYTES + 1))
    assert status == 413 and "too large" in text
    chinese = {"Accept-Language": "zh-CN"}
    assert "请求过大" in post(demo.local_url, "gradio_api/run/stop", b" " * (BODY_BYTES + 1), **chinese)[1]


def test_a_body_longer_than_it_says_is_cut_off(demo):
    """Chunked: no length is named, and the sender never ends."""
    host, port = demo.local_url.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as line:
        line.sendall(b"POST /gradio_api/queue/join HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
        line.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
        sent, piece = 0, b"%x\r\n" % 65536 + b" " * 65536 + b"\r\n"
        try:
            while sent < 20_000_000:
                line.sendall(piece)
                sent += 65536
        except OSError:
            pass  # closed on us: that is what is wanted
        try:
            answer = line.recv(100)
        except OSError:
            answer = b""
    assert sent < 20_000_000 and (b"413" in answer or not answer)


def multipart(*parts: tuple[str, bytes]) -> bytes:
    lines = [b"--b\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + data for head, data in parts]
    return b"\r\n".join(lines) + b"\r\n--b--\r\n"


FORM = "multipart/form-data; boundary=b"


def test_uploads_have_limits_of_size(demo):
    url, file = demo.local_url, 'name="files"; filename="a.png"'
    status, text = post(url, "gradio_api/upload", multipart((file, bytes(2_500_000))), FORM)
    assert status == 413 and "too large" in text.lower()
    many = multipart(*[(file, bytes(200_000))] * 12)  # each is small enough, all together are not
    assert post(url, "gradio_api/upload", many, FORM)[0] == 413
    field = multipart(("name=other", bytes(3_000_000)))  # no file: gradio would hold it in memory
    assert post(url, "gradio_api/upload", field, FORM)[0] == 413
    status, text = post(url, "gradio_api/upload", multipart(("name=files", b"no file")), FORM)
    assert status == 400 and "Traceback" not in text
    name = 'name="files"; filename="../../../evil.png"'
    (path,) = json.loads(post(url, "gradio_api/upload", multipart((name, b"x")), FORM)[1])
    assert Path(path).resolve().is_relative_to(Path(get_upload_folder()).resolve())


def test_uploads_that_break_off_leave_nothing(demo):
    host, port = demo.local_url.removeprefix("http://").rstrip("/").split(":")
    body = multipart(('name="files"; filename="a.png"', bytes(500_000)))
    with socket.create_connection((host, int(port)), timeout=30) as line:
        line.sendall(f"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n".encode())
        line.sendall(f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:300_000])
        time.sleep(0.5)
    time.sleep(0.5)
    assert [one for one in temporary.folder().glob("tmp*") if one.is_file()]
    temporary.sweep(0)
    assert not [one for one in temporary.folder().glob("tmp*") if one.is_file()]


def test_a_full_disk_takes_no_uploads(demo):
    filler = temporary.folder() / ("f" * 40) / "large"
    filler.parent.mkdir(parents=True)
    try:
        with filler.open("wb") as file:
            file.truncate(51_000_000)
        status, text = post(demo.local_url, "gradio_api/upload", multipart(("name=files; filename=a", b"x")), FORM)
        assert status == 507 and "no room" in text
    finally:
        filler.unlink()
        filler.parent.rmdir()


def test_uploads_have_a_limit_of_concurrency_and_time(demo, monkeypatch):
    monkeypatch.setattr("ui.guard.PAUSE_SECONDS", 1.5)
    host, port = demo.local_url.removeprefix("http://").rstrip("/").split(":")
    head = f"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 1000\r\n\r\n"
    lines = [socket.create_connection((host, int(port)), timeout=30) for _ in range(2)]
    try:
        for line in lines:
            line.sendall(head.encode() + b"--b\r\n")
        time.sleep(0.5)
        status, text = post(demo.local_url, "gradio_api/upload", multipart(("name=files; filename=a", b"x")), FORM)
        assert status == 503 and "Too many" in text
        assert b"408" in lines[0].recv(100)  # whoever sends nothing for a while is let go
    finally:
        for line in lines:
            line.close()
    assert post(demo.local_url, "gradio_api/upload", multipart(("name=files; filename=a", b"x")), FORM)[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "gradio_api/file=/etc/passwd",
        "gradio_api/file=app.py",
        "gradio_api/file=weights/landscape_colorizer/training.json",
        "gradio_api/file=../../../../etc/passwd",
        "gradio_api/file=http://127.0.0.1:9/",
        "gradio_api/file=https://example.org/",
        "gradio_api/file=file:///etc/passwd",
        "gradio_api/proxy=https://example.org/",
        "gradio_api/run-history/buckets",
        "gradio_api/runs",
        "gradio_api/deep_link?session_hash=x",
        "gradio_api/dev/reload",
        "gradio_api/vibe-code",
        "gradio_api/mcp/",
        "gradio_api/mcp/schema",
        "gradio_api/no/such/thing",
        "monitoring",
        "monitoring/summary",
        "static/../../../../etc/passwd",
        "assets/%2e%2e/%2e%2e/%2e%2e/routes.py",
        "docs",
        "openapi.json",
    ],
)
def test_nothing_of_the_host_or_of_gradio_is_open(demo, path):
    status, text = get(demo.local_url, path)
    assert status in (403, 404), (status, text[:200])
    assert "root:" not in text and "import " not in text


@pytest.mark.parametrize("name", ["process_recording", "component_server", "vibe-edit", "run-history/connect"])
def test_services_that_the_page_does_not_use_are_shut(demo, name):
    assert post(demo.local_url, f"gradio_api/{name}", "{}")[0] == 404


def test_the_page_itself_is_open(demo):
    for path in ("", "config", "gradio_api/info", "gradio_api/openapi.json", "theme.css", "robots.txt", "health"):
        assert get(demo.local_url, path)[0] == 200, path


def test_many_at_once_are_all_answered(demo):
    """More than the queue takes: each gets its result or a plain no, and the app goes on."""
    seen: list[int] = []

    def ask() -> None:
        seen.append(post(demo.local_url, "gradio_api/call/generate_details", '{"data": ["", 1, "5", 1, "", ""]}')[0])

    threads = [threading.Thread(target=ask) for _ in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(seen) == 60 and set(seen) <= {200, 503}
    assert get(demo.local_url, "health")[0] == 200
