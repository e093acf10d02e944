"""The app in a browser: upload, colour, compare, download; on a phone, in Chinese, nothing fetched from outside."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import app
import browser_fixtures
from datasets_cards.procedural import landscape
from pipelines import METHODS, get_method
from pipelines.generation.png_metadata import read_facts
from test_generation_tab import Studio
from ui import Limits, Models, Services, temporary

pytest_plugins = ("browser_fixtures",)
ROOT = Path(__file__).resolve().parent.parent


def tiny(method: str, source: str | None, revision: str | None):
    """Random weights: the page is tested here, not the colour."""
    pipe = get_method(method).tiny()
    return Studio(pipe) if method == "product_studio" else pipe


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    demo = app.serve(Services(Models(load=tiny), Limits()))
    yield demo.local_url
    demo.close()


class Visit(browser_fixtures.Visit):
    """A visit to one of the app's tabs."""

    tab, picture = "colorize", "painting"  # what the tab's elements are called, and its upload

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.page.click(f"[role=tab][data-tab-id={self.tab}]")
        self.page.wait_for_selector(f"#{self.tab}-button", state="visible")

    def upload(self, file: Path) -> None:
        self.page.set_input_files(f"#{self.picture} input[type=file]", file)
        self.page.wait_for_selector(f"#{self.tab}-preview img")

    def work(self) -> None:
        self.page.click(f"#{self.tab}-button")
        self.page.wait_for_selector(f"#{self.tab}-download", state="visible")

    def download(self, folder: Path) -> Path:
        with self.page.expect_download() as waiting:
            self.page.click(f"#{self.tab}-download")
        target = folder / waiting.value.suggested_filename
        waiting.value.save_as(target)
        return target


@pytest.fixture
def visit(chromium, url) -> Iterator:
    visits = []

    def start(width: int = 1280, height: int = 900, locale: str = "en-US", where: str = "") -> Visit:
        visits.append(Visit(chromium, where or url, width, height, locale))
        return visits[-1]

    yield start
    for one in visits:
        one.context.close()


@pytest.fixture(scope="module")
def painting(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("paintings") / "秋山 autumn.png"
    landscape(3, 420, 300, ink=True).save(file)
    return file


def test_upload_colour_compare_download(visit, painting, tmp_path):
    desk = visit()
    desk.upload(painting)
    assert not desk.page.is_visible(".scroll-divider")
    desk.work()
    desk.page.wait_for_selector(".scroll-divider", state="visible")
    assert _shown_sizes(desk.page) == {"before": [420, 300], "after": [420, 300]}
    line = desk.page.get_by_role("slider", name="Line between before and after")
    line.focus()
    for key, place in (("ArrowRight", "55"), ("Home", "0"), ("End", "100")):
        desk.page.keyboard.press(key)
        assert line.get_attribute("aria-valuenow") == place
    result = desk.download(tmp_path)
    assert result.name.endswith("-coloured.png") and "autumn" in result.name
    assert Image.open(result).size == (420, 300)
    assert desk.is_clean()


def _shown_sizes(page) -> dict[str, list[int]]:
    """Pixels that the browser has of the picture before and after, at the picture's own scale."""
    page.click(".scroll-actual")
    page.wait_for_function(
        """() => ["before", "after"].every(pane => [...document.querySelectorAll(`.leaflet-${pane}-pane img`)]
        .some(tile => tile.complete && tile.src.includes("/9/")))"""
    )
    return page.evaluate(
        """() => Object.fromEntries(["before", "after"].map(pane => {
            const tiles = [...document.querySelectorAll(`.leaflet-${pane}-pane img`)];
            const tile = tiles.find(one => one.src.includes("/9/"));
            return [pane, [tile.naturalWidth, tile.naturalHeight]]; }))"""
    )


def test_a_whole_scroll_is_loaded_in_tiles(visit, tmp_path):
    """Few tiles for the whole, others for a place at full size; before and after stay on one another."""
    Image.effect_noise((4000, 700), 60).convert("RGB").save(tmp_path / "scroll.jpg", quality=80)
    desk, asked = visit(), []
    desk.page.on("request", lambda request: asked.append(request.url) if "_files/" in request.url else None)
    desk.upload(tmp_path / "scroll.jpg")
    desk.page.wait_for_timeout(500)
    whole = {int(url.split("/")[-2]) for url in asked}
    assert asked and max(whole) < 12 and len(asked) <= 8
    desk.work()
    desk.page.wait_for_selector(".scroll-divider", state="visible")
    del asked[:]
    desk.page.click(".scroll-actual")
    desk.page.wait_for_function("document.querySelectorAll('.leaflet-after-pane img').length >= 2")
    desk.page.wait_for_timeout(800)
    fine = [url for url in asked if url.split("/")[-2] == "12"]
    assert 4 <= len(fine) < 32  # of 2 x 16 at that level
    assert desk.page.inner_text(".scroll-zoom") == "100 %"
    places = desk.page.evaluate(
        """() => ["before", "after"].map(pane => [...document.querySelectorAll(`.leaflet-${pane}-pane img`)]
        .filter(tile => tile.src.includes("/12/")).map(tile => tile.src.split("/").at(-1)
            + JSON.stringify(tile.getBoundingClientRect())).sort())"""
    )
    assert places[0] == places[1]
    desk.page.click(".scroll-height")
    desk.page.wait_for_timeout(600)
    tall = desk.page.locator(".scroll-map").bounding_box()["height"]
    assert desk.page.inner_text(".scroll-zoom") == f"{round(tall / 7)} %"  # of 700 pixels
    desk.page.click(".scroll-whole")
    assert desk.is_clean()


def test_tiles_that_were_swept_away_are_explained(visit, tmp_path):
    Image.effect_noise((4000, 700), 60).save(tmp_path / "long open.jpg", quality=80)
    desk = visit()
    desk.upload(tmp_path / "long open.jpg")
    assert not desk.page.is_visible(".scroll-gone")
    for tiles in temporary.folder().rglob("before_files"):
        shutil.rmtree(tiles)
    desk.page.click(".scroll-actual")
    desk.page.wait_for_selector(".scroll-gone", state="visible")
    desk.page.click("#examples button >> nth=1")
    desk.page.wait_for_selector(".scroll-gone", state="hidden")


def test_spots_of_colour_by_mouse_and_by_keyboard(visit, painting):
    desk = visit()
    desk.upload(painting)
    page = desk.page
    page.click(".scroll-swatch >> nth=5")
    box = page.locator(".scroll-map").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator(".scroll-map path").nth(0).wait_for()
    page.locator(".scroll-map").focus()
    page.keyboard.press("ArrowUp")
    page.wait_for_timeout(600)
    page.keyboard.press("Enter")
    page.locator(".scroll-map path").nth(1).wait_for()
    with page.expect_request(
        lambda request: request.method == "POST" and "#c2432c" in (request.post_data or "")
    ) as sent:
        page.click(".scroll-apply")
    page.wait_for_selector("#colorize-download", state="visible")
    page.wait_for_selector(".scroll-apply", state="hidden")
    spots = json.loads(next(one for one in sent.value.post_data_json["data"] if isinstance(one, str) and "#c2" in one))
    assert len(spots) == 2 and all(0 <= x < 420 and 0 <= y < 300 for x, y, _ in spots)
    assert abs(spots[0][0] - 210) <= 2 and abs(spots[0][1] - 150) <= 2
    assert page.locator(".scroll-map path").count() == 2  # the result leaves them where they are
    page.click(".scroll-undo")
    assert page.is_visible(".scroll-apply")
    assert page.locator(".scroll-map path").count() == 1
    page.click(".scroll-clear")
    assert page.locator(".scroll-map path").count() == 0 and page.is_disabled(".scroll-undo")
    assert desk.is_clean()


def test_palettes_and_variants_by_click(visit, painting):
    desk = visit()
    desk.upload(painting)
    page = desk.page
    page.click("#colorize-every")
    page.wait_for_selector("#colorize-stop", state="visible")
    page.wait_for_selector("#colorize-stop", state="hidden")
    ratio = "e => e.naturalWidth / e.naturalHeight"
    page.wait_for_function(
        "Math.abs((e => e.naturalWidth / e.naturalHeight)(document.querySelector('#palettes img')) - 1.4) < .05"
    )
    assert page.locator("#palettes .thumbnail-item").count() == 6
    page.click("#palettes .thumbnail-item >> nth=2")
    page.click("#colorize-several")
    page.wait_for_selector("#colorize-variants .thumbnail-item >> nth=5")
    assert abs(page.locator("#colorize-variants img").nth(3).evaluate(ratio) - 1.4) < 0.05
    page.wait_for_selector("#colorize-stop", state="hidden")
    with page.expect_request(
        lambda request: "light-ochre" in (request.post_data or "") and '"data"' in request.post_data
    ):
        page.click("#colorize-variants .thumbnail-item >> nth=3")
    page.wait_for_selector("#colorize-download", state="visible")
    assert desk.is_clean()


def test_example_on_a_chinese_phone(visit, tmp_path):
    phone = visit(390, 844, "zh-CN")
    assert phone.page.inner_text("#colorize-button") == "设色"
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert phone.page.locator("#examples button img").count() >= 4
    phone.page.click("#examples button >> nth=1")
    phone.page.wait_for_selector("#colorize-preview img")
    phone.work()
    phone.page.wait_for_timeout(1500)  # the page scrolls to the result
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
    button = phone.page.locator("#colorize-download").bounding_box()
    assert button["y"] + button["height"] < 845  # a browser scrolls by whole pixels
    assert "用时" in phone.page.inner_text("#colorize-caption")
    assert phone.page.inner_text("#colorize-download") == "下载 PNG"
    with Image.open(phone.download(tmp_path)) as result:
        assert result.size == (600, 800)
    assert phone.is_clean()


def test_no_label_is_cut_off(visit):
    for width, locale in ((1280, "en-US"), (390, "en-US"), (390, "zh-CN")):
        assert not visit(width, 844, locale).cut_off()


def test_bad_upload_is_explained(visit, tmp_path):
    (tmp_path / "words.jpg").write_bytes(b"no picture at all")
    desk = visit(locale="zh-CN")
    desk.page.click("#colorize-button")
    desk.page.get_by_text("请先选一幅画").wait_for()
    desk.page.set_input_files("#painting input[type=file]", tmp_path / "words.jpg")
    desk.page.get_by_text("“words.jpg”不是本页能读的图片").wait_for()
    assert desk.page.is_enabled("#colorize-button")
    assert "Traceback" not in desk.page.content()
    assert not desk.outside


def test_everything_can_be_reached_by_keyboard(visit):
    page, reached = visit().page, set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("e => document.activeElement.closest('[id]')?.id || ''"))
        reached.add(page.evaluate("e => document.activeElement.id"))
    assert {"painting", "examples", "palettes", "colorize-button", "colorize-several", "colorize-every"} <= reached
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, textarea")].filter(e => e.offsetParent && !(
            e.innerText?.trim() || e.getAttribute("aria-label") || e.title || e.labels?.length))
            .map(e => e.outerHTML)"""
    )
    assert not nameless


class GenerateVisit(Visit):
    """A visit to a part of the Generate tab."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.page.click("[role=tab][data-tab-id=generate]")

    def part(self, method: str, name: str) -> None:
        self.page.click(f"[role=tab][data-tab-id={method}]")
        self.page.wait_for_selector(f"#{name}-button", state="visible")
        self.tab = name

    def make(self) -> None:
        self.page.click(f"#{self.tab}-button")
        self.page.wait_for_selector(f"#{self.tab}-zip", state="visible")
        self.page.wait_for_selector(f"#{self.tab}-stop", state="hidden")

    def choose(self, number: int) -> None:
        self.page.click(f"#{self.tab}-gallery .thumbnail-item >> nth={number}")
        self.page.wait_for_selector(f"#{self.tab}-download", state="visible")


@pytest.fixture
def generating(chromium, url) -> Iterator:
    visits = []

    def start(width: int = 1280, height: int = 900, locale: str = "en-US") -> GenerateVisit:
        visits.append(GenerateVisit(chromium, url, width, height, locale))
        return visits[-1]

    yield start
    for one in visits:
        one.context.close()


def test_make_products_and_edit_one(generating, tmp_path):
    desk = generating()
    desk.part("product_studio", "products")
    page = desk.page
    assert not desk.cut_off()
    page.fill("#products-seed textarea, #products-seed input", "5")
    desk.make()
    tiles = page.locator("#products-gallery .thumbnail-item")
    assert tiles.count() == 12
    scores = page.locator("#products-gallery .caption-label").all_inner_texts()
    assert len(scores) == 12 and all(re.fullmatch(r"-?\d+\.\d\d [✓✗]", score.strip()) for score in scores)
    under = tiles.nth(0).evaluate(
        """e => e.querySelector(".caption-label").getBoundingClientRect().top
            - e.querySelector("img").getBoundingClientRect().bottom"""
    )
    assert under >= -1  # the score hides nothing of the picture
    assert "The gate let" in page.inner_text("#products-caption")
    desk.choose(3)
    facts = read_facts(desk.download(tmp_path))
    assert f"Seed {facts.seed}" in page.inner_text("#products-facts") and facts.score is not None
    assert f"{facts.score:.2f}" in scores[3]
    page.click("#products-edit-this")
    page.wait_for_selector("#edit-preview img")
    page.click("#edit-styles .thumbnail-item >> nth=3")
    page.wait_for_function("document.querySelector('#edit-style input').value === 'Waves'")
    page.click("#edit-button")
    page.wait_for_selector("#edit-download", state="visible")
    assert page.locator("#edit-result img").count() >= 2
    desk.tab = "edit"
    assert Image.open(desk.download(tmp_path)).size == (16, 16)
    assert desk.is_clean()


def test_make_details_and_a_film_on_a_chinese_phone(generating, tmp_path):
    phone = generating(390, 844, "zh-CN")
    phone.part("detail_generator", "details")
    page = phone.page
    assert page.inner_text("#details-button") == "生成图片" and not phone.cut_off()
    page.focus("#details-button")
    page.keyboard.press("Enter")
    page.wait_for_selector("#details-zip", state="visible")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for number in (0, 4):
        phone.choose(number)
        page.click("#details-add")
        page.locator("#details-stops .thumbnail-item").nth(min(number, 1)).wait_for()
    page.click("#details-film-button")
    page.wait_for_selector("#details-film-download", state="visible")
    assert page.locator("#details-frames .thumbnail-item").count() == 7
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.click("#details-like")
    page.wait_for_function("document.querySelectorAll('#details-gallery .thumbnail-item').length === 8")
    phone.choose(1)
    assert read_facts(phone.download(tmp_path)).latents
    page.fill("#details-seed textarea, #details-seed input", "-3")
    page.click("#details-button")
    page.get_by_text("种子是 0 到 2^63 − 1 的整数，收到的是 -3").wait_for()
    page.locator("#details-button:enabled").wait_for()
    assert not phone.outside


@pytest.mark.slow
def test_stop(visit, tmp_path):
    Image.effect_noise((12000, 6000), 60).save(tmp_path / "scroll.jpg", quality=50)
    desk = visit()
    desk.upload(tmp_path / "scroll.jpg")
    desk.page.click("#colorize-button")
    desk.page.wait_for_selector("#colorize-stop", state="visible")
    desk.page.wait_for_timeout(1000)
    desk.page.click("#colorize-stop")
    desk.page.wait_for_selector("#colorize-stop", state="hidden")
    assert desk.page.is_enabled("#colorize-button")
    assert not desk.page.is_visible("#colorize-download") and not desk.page.is_visible(".scroll-divider")
    assert desk.is_clean()


@pytest.mark.slow
def test_the_command_with_its_own_weights(visit, painting, tmp_path):
    """`python app.py` as a person runs it: bundled weights where they are there, else the page says they are not."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
    )
    try:
        where = f"http://127.0.0.1:{port}/"
        _wait_for(where, process)
        desk = visit(where=where)
        if not any((ROOT / "weights" / name / "model_index.json").is_file() for name in METHODS):
            assert re.search("No trained weights are installed", desk.page.inner_text("body"))
            return
        desk.upload(painting)
        desk.work()
        assert Image.open(desk.download(tmp_path)).size == (420, 300)
        assert desk.is_clean()
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url: str, process: subprocess.Popen, seconds: int = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.3)
    raise AssertionError(f"No page at {url} after {seconds} s; exit status {process.poll()}.")
