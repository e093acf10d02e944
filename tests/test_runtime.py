"""The app as a service: memory, kinds of work, health, an orderly end, and a log without personal data."""

import importlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import types
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import torch
from gradio_client import Client, handle_file

import app
from datasets_cards.procedural import landscape
from pipelines import get_method
from test_api import tiny
from test_raw_calls import FORM, multipart, post
from ui import Limits, Models, Services, gpu, memory, temporary
from ui.job_log import LOGGER, note, places, recorded
from ui.languages import UserError
from ui.services import request_folder
from ui.web import served as served_with
from ui.workers import LARGE, Stopped, Workers

ROOT = Path(__file__).resolve().parent.parent


# --- memory


class Scale:
    """Resident memory as a test would have it: so much for each pipeline that is loaded."""

    def __init__(self, each: int):
        self.each, self.models = each, None

    def __call__(self) -> int:
        return self.each * len(self.models.loaded()) if self.models else 0


def crowded(ceiling: int) -> Models:
    scale = Scale(100)
    scale.models = Models(load=lambda *_: object(), most=5, ceiling=ceiling, resident=scale)
    return scale.models


def test_the_model_unused_for_longest_goes_when_memory_is_short():
    models = crowded(ceiling=250)
    for method in ("landscape_colorizer", "lineart_colorizer"):
        models.get(method)
    models.get("landscape_colorizer")
    with models.use("scene_translator"):
        assert models.loaded() == ["lineart_colorizer", "landscape_colorizer", "scene_translator"]
    assert models.loaded() == ["landscape_colorizer", "scene_translator"]


def test_no_model_at_work_goes():
    models = crowded(ceiling=50)
    with models.use("landscape_colorizer") as first, models.use("lineart_colorizer"):
        assert models.make_room() == 0
        with models.use("scene_translator"):
            pass
        assert models.loaded() == ["landscape_colorizer", "lineart_colorizer"]
        assert models.get("landscape_colorizer") is first
    assert models.loaded() == []  # nobody works any more, and memory is still short


def test_one_at_work_stays_when_there_are_too_many():
    models = Models(load=lambda *_: object(), most=1)
    with models.use("landscape_colorizer") as first:
        models.get("lineart_colorizer")
        assert models.get("landscape_colorizer") is first


def test_a_model_that_goes_gives_its_memory_back():
    models = Models(load=lambda *_: torch.zeros(60_000_000), ceiling=memory.resident_bytes() + 100_000_000)
    before = memory.resident_bytes()
    with models.use("landscape_colorizer") as pipe:
        pipe.fill_(1)
        del pipe
    assert memory.resident_bytes() < before + 60_000_000
    assert models.loaded() == []


def test_the_limit_is_the_containers_where_there_is_one(tmp_path):
    machine = memory.memory_limit(())
    (tmp_path / "max").write_text("max\n")
    (tmp_path / "small").write_text("2000000000\n")
    (tmp_path / "huge").write_text("9223372036854771712\n")  # version 1's word for none
    assert memory.memory_limit((tmp_path / "max", tmp_path / "huge", tmp_path / "missing")) == machine
    assert memory.memory_limit((tmp_path / "small",)) == 2_000_000_000
    assert memory.ceiling(1) == 1_000_000
    assert memory.ceiling(10**9) == int(memory.SHARE * memory.memory_limit())


# --- kinds of work


def hold(workers: Workers, kind: str, until: threading.Event, started: list[str]) -> threading.Thread:
    def run() -> None:
        with workers.work(kind, kind):
            started.append(kind)
            until.wait(20)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_one_of_each_kind_and_so_many_in_all():
    workers, until, started = Workers(Limits(at_once=2)), threading.Event(), []
    threads = [hold(workers, kind, until, started) for kind in (LARGE, LARGE)]
    time.sleep(0.3)
    assert started == [LARGE]
    threads.append(hold(workers, "colour", until, started))  # passes the scroll that waits
    time.sleep(0.3)
    assert started == [LARGE, "colour"] and workers.counts() == (2, 1)
    threads.append(hold(workers, "generate", until, started))
    time.sleep(0.3)
    assert len(started) == 2  # all slots are taken
    until.set()
    for thread in threads:
        thread.join(20)
    assert len(started) == 4 and workers.counts() == (0, 0)


def test_so_many_wait_and_no_more():
    workers, until = Workers(Limits(at_once=1, waiting=2)), threading.Event()
    threads = [hold(workers, "colour", until, []) for _ in range(3)]
    time.sleep(0.3)
    with pytest.raises(UserError, match="Too many people"), workers.work("x", "colour"):
        pass
    until.set()
    for thread in threads:
        thread.join(20)
    with workers.work("x", "colour"):
        pass


def test_closing_lets_work_end_and_takes_no_more():
    workers, until, started = Workers(Limits()), threading.Event(), []
    thread = hold(workers, "colour", until, started)
    time.sleep(0.2)
    threading.Timer(0.3, until.set).start()
    assert workers.close(10)
    thread.join(5)
    with pytest.raises(UserError, match="about to restart"), workers.work("x", "colour"):
        pass


def test_closing_stops_what_does_not_end():
    workers, ended = Workers(Limits()), []

    def run() -> None:
        try:
            with workers.work("x", "colour") as work:
                while True:
                    work.check()
                    time.sleep(0.01)
        except Stopped:
            ended.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.2)
    workers.close(0.1)
    thread.join(5)
    assert ended == [True]


def test_work_that_nobody_awaits_any_more_stops():
    """The client goes in the middle: the thread ends at its next step, its files go, and the slot is free."""
    begun, services = threading.Event(), Services(Models(load=tiny), Limits(at_once=1))
    ended: list[str] = []

    def endless(request: gr.Request) -> None:
        try:
            with services.workers.work(request.session_hash or "", "colour") as work, request_folder() as folder:
                ended.append(str(folder))
                begun.set()
                while True:
                    work.check()
                    time.sleep(0.02)
        except Stopped:
            ended.append("stopped")

    demo = app.build(services)
    with demo:
        gr.Button().click(endless, None, None, api_name="endless")
    demo.launch(**served_with(services), server_name="127.0.0.1")
    try:
        body = '{"data": []}'
        event = json.loads(post(demo.local_url, "gradio_api/call/endless", body)[1])["event_id"]
        stream = urllib.request.urlopen(f"{demo.local_url}gradio_api/call/endless/{event}", timeout=30)
        assert begun.wait(30)
        stream.close()
        end = time.monotonic() + 30
        while len(ended) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        assert ended[1:] == ["stopped"] and not Path(ended[0]).exists()
        with services.workers.work("next", "colour"):
            pass
    finally:
        demo.close()


# --- temporary files


@pytest.mark.parametrize("error", [ValueError, Stopped, MemoryError, KeyboardInterrupt])
def test_files_of_a_request_that_fails_go_at_once(error):
    with pytest.raises(error), request_folder() as folder:
        (folder / "half.png").write_bytes(b"x")
        raise error
    assert not folder.exists()


def test_old_files_go_and_young_ones_stay():
    with request_folder() as old, request_folder() as young:
        (old / "a.png").write_bytes(b"x")
        (young / "b.png").write_bytes(b"x")
    other = temporary.folder() / "not-ours"
    other.mkdir(exist_ok=True)
    for path in (old / "a.png", old, other):
        os.utime(path, (time.time() - 4000,) * 2)
    temporary.sweep(3600)
    assert not old.exists() and young.exists() and other.exists()
    other.rmdir()


# --- health and the end


@pytest.fixture(scope="module")
def served():
    services = Services(Models(load=tiny, most=5), Limits(upload_megabytes=2, megapixels=4))
    demo = app.serve(services)
    yield demo, services
    demo.close()


def health(url: str) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"{url}health", timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_health(served):
    demo, services = served
    services.models.get("scene_translator")
    services.models.get("landscape_colorizer", "somebody/private-model")
    status, told = health(demo.local_url)
    assert status == 200 and told["status"] == "ok"
    assert told["models"] == ["scene_translator", "landscape_colorizer"] and "private" not in json.dumps(told)
    assert 0 < told["memory_megabytes"] < told["memory_limit_megabytes"]
    assert told["working"] == told["waiting"] == 0 and told["uptime_seconds"] >= 0 and told["commit"]
    start = time.monotonic()
    for _ in range(20):
        health(demo.local_url)
    assert time.monotonic() - start < 5


def test_health_while_closing():
    services = Services(Models(load=tiny), Limits())
    demo = app.serve(services)
    try:
        services.workers.close(0)
        assert health(demo.local_url)[0] == 503
        assert health(demo.local_url)[1]["status"] == "closing"
    finally:
        demo.close()


def test_the_commit_can_be_named(monkeypatch):
    from ui.health import commit

    monkeypatch.setenv("DANQING_COMMIT", "abc123")
    assert commit() == "abc123"


@pytest.mark.slow
def test_a_terminated_app_ends_in_order(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"TMPDIR": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    environment.pop("GRADIO_TEMP_DIR", None)
    process = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port)],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    url, end = f"http://127.0.0.1:{port}/", time.monotonic() + 120
    while time.monotonic() < end:
        try:
            assert health(url)[0] == 200
            break
        except urllib.error.URLError:
            time.sleep(0.5)
    assert list(tmp_path.glob("danqing-*"))
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=30)
    assert process.returncode == 0
    assert not list(tmp_path.glob("danqing-*"))
    assert json.loads(log.strip().splitlines()[-1])["event"] == "end"


# --- the log


class Lines(logging.Handler):
    """Keeps what the log says."""

    def __init__(self):
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(record.getMessage()))


@pytest.fixture
def lines():
    handler, level = Lines(), LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    yield handler.lines
    LOGGER.removeHandler(handler)
    LOGGER.setLevel(level)


def test_a_job_leaves_one_line_with_what_it_cost(served, lines, tmp_path):
    landscape(1, 300, 200, ink=True).save(tmp_path / "a.png")
    client = Client(served[0].local_url, verbose=False)
    client.predict(handle_file(tmp_path / "a.png"), api_name="/colorize")
    (job,) = [line for line in lines if line["event"] == "job" and line["endpoint"] == "colorize"]
    assert job["outcome"] == "done" and job["megapixels"] == 0.06 and job["seconds"] > 0 and job["time"].endswith("Z")


def test_a_refusal_and_a_fault_are_told_apart(lines):
    with recorded("one"):
        note(outcome="refused", reason="error_empty")
    with pytest.raises(ZeroDivisionError), recorded("two"):
        _ = 1 / 0
    with pytest.raises(KeyboardInterrupt), recorded("three"):
        raise KeyboardInterrupt
    assert [line["outcome"] for line in lines] == ["refused", "failed", "stopped"]


PERSONAL = ("alice", "Geheim", "秘密", "203.0.113.7", "alice-agent", "hunter2", "private-model", "9876543")


def test_no_personal_data_in_the_log(lines, tmp_path, capfd):
    """Names of files, addresses, what was typed: in requests that work, fail, are refused and crash."""

    def load(method: str, source: str | None, revision: str | None) -> Any:
        if source == "alice/private-model":
            raise OSError("alice/private-model is not there, says hunter2")
        pipe = get_method(method).tiny()
        if source == "alice/crash":
            pipe.canvas = lambda *_, **__: (_ for _ in ()).throw(RuntimeError("alice Geheim hunter2"))
        return pipe

    demo = app.serve(Services(Models(load=load, most=5), Limits(upload_megabytes=2, megapixels=4)))
    try:
        names = {"X-Forwarded-For": "203.0.113.7", "User-Agent": "alice-agent", "Cookie": "session=hunter2"}
        client = Client(demo.local_url, verbose=False, headers=names)
        good, bad = tmp_path / "alice Geheim 秘密.png", tmp_path / "alice Geheim damaged.png"
        landscape(1, 96, 64, ink=True).save(good)
        bad.write_bytes(good.read_bytes()[:2000])
        for file, model in ((good, ""), (bad, ""), (good, "alice/private-model"), (good, "alice/crash")):
            try:
                client.predict(handle_file(file), 1.0, model, "", api_name="/colorize")
            except Exception:
                assert file == bad or model
        with pytest.raises(Exception, match="9876543"):
            client.predict("9876543 alice", 1, "5", 1, "", "", api_name="/generate_details")
        post(demo.local_url, "gradio_api/queue/join", '{"fn_index": 3, "session_hash": "alice", "data": ["hunter2"]}')
        post(demo.local_url, "gradio_api/run/alice", '{"data": ["hunter2"]}')
        post(demo.local_url, "gradio_api/call/v2/hunter2", '{"alice": 1}')
        name = 'name="files"; filename="alice.png"'
        post(demo.local_url, "gradio_api/upload", multipart((name, bytes(2_500_000))), FORM)
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{demo.local_url}gradio_api/file=/alice", timeout=30)
        time.sleep(0.5)
    finally:
        demo.close()
    said = "".join(capfd.readouterr()) + json.dumps(lines, ensure_ascii=False)
    assert not [word for word in (*PERSONAL, str(tmp_path)) if word in said]
    assert "Traceback" not in said
    outcomes = [(line["outcome"], line.get("reason") or line.get("error")) for line in lines if line["event"] == "job"]
    wanted = {("done", None), ("refused", "error_damaged"), ("refused", "error_model"), ("failed", "RuntimeError")}
    assert wanted <= set(outcomes), outcomes
    crash = next(line for line in lines if line.get("error") == "RuntimeError")
    assert any(place.startswith("pipelines/large_images.py:") for place in crash["at"])


def test_a_place_in_the_code_names_no_folder_of_the_host():
    try:
        json.loads("{")
    except ValueError as error:
        assert all(not place.startswith("/") for place in places(error))


# --- ZeroGPU


def double(pipe: Any, value: int, progress: Any = None) -> int:
    if progress is not None:
        progress(1, 1)
    if value < 0:
        raise ValueError("too little")
    return value * 2


def test_elsewhere_a_call_is_a_plain_call():
    seen = []
    assert gpu.run(double, object(), 4, progress=lambda *step: seen.append(step)) == 8
    assert seen == [(1, 1)] and gpu.DEVICE == "cpu"
    assert gpu.call("a,b", "split", ",") == ["a", "b"]


@pytest.fixture
def zero(monkeypatch):
    """`ui.gpu` as on a ZeroGPU Space: a `spaces` package that sends everything through pickle, as the real one does."""
    import pickle

    calls: list[float] = []

    def card(duration: float) -> Any:
        def decorate(function: Any) -> Any:
            def through(*arguments: Any) -> Any:
                calls.append(duration)
                return pickle.loads(pickle.dumps(function(*pickle.loads(pickle.dumps(arguments)))))

            return through

        return decorate

    monkeypatch.setitem(sys.modules, "spaces", types.SimpleNamespace(GPU=card))
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setattr("ui.models.load_pipeline", tiny)
    yield importlib.reload(gpu), calls
    monkeypatch.undo()
    importlib.reload(gpu)


def test_on_zerogpu_the_work_goes_through_the_card(zero):
    module, calls = zero
    assert module.DEVICE == "cuda"
    pipe = module.placed(tiny("detail_generator", None, None), ("detail_generator", None, None))
    steps: list[Any] = []
    assert module.run(double, pipe, 4, progress=lambda *step: steps.append(step)) == 8
    assert calls == [module.SECONDS] and not steps
    with pytest.raises(ValueError, match="too little"):
        module.run(double, pipe, -1)
    made = module.call(pipe, "__call__", "fruit", 1, 5)
    assert made.seeds == pipe("fruit", 1, 5).seeds


def test_on_zerogpu_a_fork_that_is_older_loads_its_own(zero):
    module, _ = zero
    pipe = module.placed(tiny("landscape_colorizer", None, None), ("landscape_colorizer", None, None))
    module._pipes.clear()
    assert module.run(_name, pipe) == type(pipe).__name__


def test_on_zerogpu_a_persons_mistake_stays_one(zero):
    module, _ = zero
    pipe = module.placed(tiny("landscape_colorizer", None, None), ("landscape_colorizer", None, None))
    with pytest.raises(UserError) as caught:
        module.run(_refuse, pipe)
    assert (caught.value.key, caught.value.values) == ("error_vividness", {"value": "9"})


def _refuse(pipe: Any, progress: Any = None) -> None:
    raise UserError("error_vividness", value="9")


def _name(pipe: Any, progress: Any = None) -> str:
    return type(pipe).__name__


def test_gradio_is_asked_to_watch_nobody(served):
    demo = served[0]
    assert demo.analytics_enabled is False and demo.enable_monitoring is False and demo.run_history is False
    assert isinstance(demo, gr.Blocks) and os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
