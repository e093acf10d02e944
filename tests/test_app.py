"""The app without a browser: its tabs, its public interface, its limits, and a sentence for every bad input."""

import io
import json
import re
import struct
import threading
import time
import zlib
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import torch
from gradio.utils import get_upload_folder
from gradio_client import Client, handle_file
from PIL import Image

import app
from pipelines import METHODS, get_method
from ui import Limits, Models, Services
from ui.languages import LANGUAGES, UserError, add_strings, strings
from ui.theme import CSS, HEAD
from ui.workers import Stopped, Workers

LIMITS = Limits(upload_megabytes=2, megapixels=4)


def tiny(method: str, source: str | None, revision: str | None):
    """Stands in for trained weights: random ones, with a last layer that does something."""
    torch.manual_seed(1)
    pipe = get_method(method).tiny()
    torch.nn.init.normal_(pipe.generator.palette.to_chroma.weight, std=0.3)
    return pipe


@pytest.fixture(scope="module")
def services() -> Services:
    return Services(Models(load=tiny), LIMITS)


@pytest.fixture(scope="module")
def url(services):
    demo = app.serve(services)
    yield demo.local_url
    demo.close()


@pytest.fixture(scope="module")
def client(url) -> Client:
    return Client(url, verbose=False)


def colour(client: Client, file: Path, vividness: float = 1.0, source: str = "", revision: str = ""):
    return client.predict(handle_file(file), vividness, source, revision, api_name="/colorize")


def picture(mode: str = "RGB", size: tuple[int, int] = (60, 40)) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(values).convert(mode)


def result_folders() -> set[Path]:
    """Folders of requests, told by their 40-digit names."""
    return {path for path in Path(get_upload_folder()).glob("*") if len(path.name) == 40}


# --- the page


def test_every_method_has_a_tab(services):
    demo = app.build(services)
    titles = {block.id for block in demo.blocks.values() if isinstance(block, gr.Tab)}
    assert titles - set(METHODS) == {get_method(name).tab_title.lower() for name in METHODS} | {"quiz"}  # less parts


def test_every_text_is_there_in_both_languages(services):
    config = json.dumps(app.build(services).get_config_file(), default=str)
    used = set(re.findall(r"translation_metadata\W+key\W+(\w+)", config))
    assert "colorize_button" in used
    for language in LANGUAGES:
        assert used <= set(strings(language))
    assert set(strings("en")) == set(strings("zh"))


def test_texts_name_the_same_values_in_both_languages():
    for key, text in strings("en").items():
        assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", strings("zh")[key])), key


def test_a_text_without_its_translation_is_refused():
    with pytest.raises(ValueError, match="lack a language: lonely"):
        add_strings({"en": {"lonely": "Alone"}, "zh": {}})


def test_the_page_names_nothing_outside(services):
    components = app.build(services).get_config_file()["components"]
    shown = json.dumps([component["props"] for component in components], default=str)  # the rest describes the API
    assert not re.findall(r"https?://[^\s\"'\\]+", shown + CSS + HEAD)


def test_missing_weights_are_said_on_the_page():
    models = Models()
    models.has_default = lambda method: False
    config = json.dumps(app.build(Services(models)).get_config_file()["components"], default=str)
    assert "colorize_no_weights" in config
    with pytest.raises(UserError, match="No weights are installed"):
        models.get("landscape_colorizer")


# --- colouring


def test_colour_by_program(client, tmp_path):
    picture(size=(300, 200)).save(tmp_path / "mountain.png")
    (before, after), download, text = colour(client, tmp_path / "mountain.png")
    result = Image.open(download)
    assert Path(download).name == "mountain-coloured.png"
    assert (result.size, result.format) == ((300, 200), "PNG")
    assert Image.open(before).size == Image.open(after).size == (300, 200)
    assert "300 × 200" in text
    grey = np.asarray(Image.open(colour(client, tmp_path / "mountain.png", 0.0)[1]), int)
    assert np.ptp(grey, axis=2).max() <= 1
    assert np.ptp(np.asarray(result, int), axis=2).max() > 5


def exif_rotated() -> tuple[Image.Image, dict]:
    exif = Image.Exif()
    exif[0x0112] = 6
    return picture(size=(60, 40)), {"exif": exif}


GOOD = {
    "one-pixel.png": (lambda: (picture(size=(1, 1)), {}), (1, 1)),
    "thin.png": (lambda: (picture(size=(20000, 10)), {}), (20000, 10)),
    "cmyk.jpg": (lambda: (picture("CMYK"), {}), (60, 40)),
    "palette.png": (lambda: (picture("P"), {}), (60, 40)),
    "grey.bmp": (lambda: (picture("L"), {}), (60, 40)),
    "alpha.webp": (lambda: (picture("RGBA"), {}), (60, 40)),
    "animated.gif": (lambda: (picture("P"), {"save_all": True, "append_images": [picture("P")]}), (60, 40)),
    "deep.tif": (lambda: (Image.fromarray(np.arange(2400, dtype=np.uint16).reshape(40, 60)), {}), (60, 40)),
    "turned.jpg": (exif_rotated, (40, 60)),
}


@pytest.mark.parametrize("name", GOOD)
def test_unusual_pictures_are_coloured(client, tmp_path, name):
    make, size = GOOD[name]
    image, options = make()
    image.save(tmp_path / name, **options)
    (before, after), download, _ = colour(client, tmp_path / name)
    assert Image.open(download).size == size
    assert Image.open(before).size == Image.open(after).size


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header claims any size: a decompression bomb."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(999))) + chunk(b"IEND", b"")
    )


def encoded(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


BAD = {
    "empty.png": (lambda: b"", "empty"),
    "text.jpg": (lambda: b"these are words, not a picture", "not a picture"),
    "truncated.png": (lambda: encoded(picture(size=(400, 400)), "PNG")[:90000], "damaged or incomplete"),
    "truncated.jpg": (lambda: encoded(picture(size=(900, 900)), "JPEG")[:60000], "damaged or incomplete"),
    "large.png": (lambda: png_that_claims(2500, 2000), "2500 × 2000 pixels. Up to 4 megapixels"),
    "bomb.png": (lambda: png_that_claims(60000, 60000), "more pixels than the 4 megapixels"),
    "words.svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_pictures_get_a_sentence(client, tmp_path, name):
    make, sentence = BAD[name]
    (tmp_path / name).write_bytes(make())
    before = result_folders()
    with pytest.raises(Exception, match=sentence) as caught:
        colour(client, tmp_path / name)
    assert name in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert result_folders() == before  # nothing half-written stays


def test_messages_follow_the_request_language(url, tmp_path):
    (tmp_path / "字.png").write_bytes(b"")
    chinese = Client(url, verbose=False, headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"})
    with pytest.raises(Exception, match="是空文件"):
        colour(chinese, tmp_path / "字.png")


def test_nothing_chosen(client):
    with pytest.raises(Exception, match="Choose a painting first"):
        client.predict(None, 1.0, "", "", api_name="/colorize")


def test_markup_in_a_name_is_not_rendered():
    assert "<" not in UserError("error_empty", name="<img src=x>").shown(None).message


def test_an_upload_beyond_the_limit_is_refused(client, tmp_path):
    (tmp_path / "long.png").write_bytes(bytes(2_500_000))
    with pytest.raises(Exception, match=r"(?i)413|size|large|limit"):
        colour(client, tmp_path / "long.png")


def test_web_addresses_are_not_fetched(client):
    with pytest.raises(Exception, match="Web addresses are not accepted"):
        client.predict(handle_file("http://127.0.0.1:9/picture.png"), 1.0, "", "", api_name="/colorize")


@pytest.mark.parametrize("value", [-0.1, 2.5, float("nan")])
def test_vividness_out_of_range(client, tmp_path, value):
    picture().save(tmp_path / "a.png")
    with pytest.raises(Exception, match=r"(?i)vividness|between|minimum|maximum|range|nan"):
        colour(client, tmp_path / "a.png", value)


# --- models


def test_folders_are_for_the_own_computer(tmp_path):
    stranger, owner = Models(load=tiny), Models(load=tiny, folders=True)
    for folder in (str(tmp_path), "pipelines/landscape_colorizer", "/no/such/folder"):  # the same answer for all
        with pytest.raises(UserError, match="is not a Hub id"):
            stranger.get("landscape_colorizer", folder)
    assert owner.get("landscape_colorizer", str(tmp_path))
    with pytest.raises(UserError, match="neither a Hub id"):
        owner.get("landscape_colorizer", "/no/such/folder")
    assert stranger.get("landscape_colorizer", "user/model", "main")


def test_a_model_that_does_not_load_is_explained():
    def load(method, source, revision):
        raise OSError("There is no model_index.json in /secret/place.\nAnd more.")

    with pytest.raises(UserError, match=r"There is no model_index\.json") as caught:
        Models(load=load, folders=True).get("landscape_colorizer", "user/model")
    assert "And more" not in str(caught.value)
    with pytest.raises(UserError) as caught:
        Models(load=load).get("landscape_colorizer", "user/model")
    assert "secret" not in str(caught.value)


def test_a_model_is_loaded_once_and_the_oldest_goes():
    calls = []

    def load(method, source, revision):
        calls.append((source, revision))
        time.sleep(0.05)
        return object()

    models = Models(load=load, most=2)
    found = []
    threads = [threading.Thread(target=lambda: found.append(models.get("landscape_colorizer"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1 and len(calls) == 1
    models.get("landscape_colorizer", "user/a")
    models.get("landscape_colorizer")  # used again, so "user/a" is the oldest now
    models.get("landscape_colorizer", "user/b")
    models.get("landscape_colorizer")
    assert calls == [(None, None), ("user/a", None), ("user/b", None)]


# --- limits


def test_limits_from_the_environment(monkeypatch):
    monkeypatch.setenv("DANQING_MEGAPIXELS", "12")
    assert Limits.from_environment().pixels == 12_000_000
    monkeypatch.setenv("DANQING_MEGAPIXELS", "many")
    with pytest.raises(ValueError, match=r"DANQING_MEGAPIXELS must be a whole number.*'many'"):
        Limits.from_environment()


def test_work_stops_waiting_and_running():
    workers, ended = Workers(Limits(at_once=1)), []

    def run(session: str) -> None:
        try:
            with workers.work(session) as work:
                while True:
                    work.check()
                    time.sleep(0.01)
        except Stopped:
            ended.append(session)

    threads = {name: threading.Thread(target=run, args=(name,)) for name in ("first", "second")}
    for thread in threads.values():
        thread.start()
        time.sleep(0.1)
    workers.stop("second")  # it waits for the slot
    threads["second"].join(5)
    assert ended == ["second"]
    workers.stop("first")
    threads["first"].join(5)
    assert ended == ["second", "first"]
    with workers.work("third"):  # the slot is free again
        pass


def test_work_that_takes_too_long_ends():
    workers = Workers(Limits(seconds=1))
    with pytest.raises(UserError, match="longer than 1 seconds"), workers.work("s") as work:
        time.sleep(1.1)
        work.check()


def test_stop_ends_a_run_at_the_next_tile(tmp_path):
    """The thread itself ends, its files go, and the slot is free: not just the page's waiting."""
    started = threading.Event()

    def slow(method, source, revision):
        pipe = tiny(method, source, revision)
        canvas = pipe.canvas

        def slow_canvas(*args, **options):
            painted = canvas(*args, **options)
            paint = painted.paint

            def slow_paint(*tile):
                started.set()
                time.sleep(0.3)
                return paint(*tile)

            painted.paint = slow_paint
            return painted

        pipe.canvas = slow_canvas
        return pipe

    services = Services(Models(load=slow), Limits(at_once=1))
    demo = app.serve(services)
    try:
        client = Client(demo.local_url, verbose=False)
        picture(size=(1100, 1100)).resize((5000, 4000)).save(tmp_path / "scroll.jpg")
        before = result_folders()
        job = client.submit(handle_file(tmp_path / "scroll.jpg"), 1.0, "", "", api_name="/colorize")
        assert started.wait(30)
        services.workers.stop(client.session_hash)
        start = time.monotonic()
        with pytest.raises(Exception, match="Stopped"):
            job.result(timeout=30)
        assert time.monotonic() - start < 10
        assert result_folders() == before
        with services.workers.work("next"):
            pass
    finally:
        demo.close()
