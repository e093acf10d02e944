"""The app in a browser: upload, colour, compare, download; on a phone, in Chinese, nothing fetched from outside."""

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
from playwright import sync_api as playwright_api

import app
from datasets_cards.procedural import landscape
from pipelines import METHODS, get_method
from pipelines.generation.png_metadata import read_facts
from test_generation_tab import Studio
from ui import Limits, Models, Services

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]
PATIENCE = 180_000  # ms: a busy machine is slow, not wrong


@pytest.fixture(scope="module")
def chromium() -> Iterator:
    """The browser; where there is none the tests are skipped, or fail under DANQING_REQUIRE_DATA=1."""
    if CHROMIUM is None:
        message = "No Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM to its path."
        if os.environ.get("DANQING_REQUIRE_DATA") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def tiny(method: str, source: str | None, revision: str | None):
    """Random weights: the page is tested here, not the colour."""
    pipe = get_method(method).tiny()
    return Studio(pipe) if method == "product_studio" else pipe


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    demo = app.serve(Services(Models(load=tiny), Limits()))
    yield demo.local_url
    demo.close()


class Visit:
    """One page with a record of what it asked for and complained about, at one of its tabs."""

    tab, picture = "colorize", "painting"  # what the tab's elements are called, and its upload

    def __init__(self, browser, url: str, width: int, height: int, locale: str):
        self.context = browser.new_context(viewport={"width": width, "height": height}, locale=locale)
        self.page, self.errors, self.outside = self.context.new_page(), [], []
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._note)
        self.page.goto(url)
        self.page.click(f"[role=tab][data-tab-id={self.tab}]")
        self.page.wait_for_selector(f"#{self.tab}-button", state="visible")

    def _note(self, request) -> None:
        if not request.url.startswith(("http://127.0.0.1", "data:", "blob:")):
            self.outside.append(request.url)

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

    def cut_off(self) -> list[str]:
        """Labels that do not fit where they stand."""
        return self.page.evaluate(
            """() => [...document.querySelectorAll("button, label, h1, p, span")]
            .filter(e => e.offsetParent && e.clientWidth > 1 && e.scrollWidth > e.clientWidth + 1 && e.innerText.trim()
                    && getComputedStyle(e).overflow !== "visible").map(e => e.innerText)"""
        )

    def is_clean(self) -> bool:
        assert not self.outside
        assert not self.errors
        return True


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
    desk.work()
    images = desk.page.locator("#colorize-result img")
    images.nth(1).wait_for()
    sizes = [images.nth(i).evaluate("image => [image.naturalWidth, image.naturalHeight]") for i in range(2)]
    assert sizes == [[420, 300], [420, 300]]
    assert not desk.page.is_visible("#colorize-preview")
    result = desk.download(tmp_path)
    assert result.name.endswith("-coloured.png") and "autumn" in result.name
    assert Image.open(result).size == (420, 300)
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
    assert {"painting", "examples", "colorize-button"} <= reached
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
    assert page.is_enabled("#details-button")
    assert not phone.outside


@pytest.mark.slow
def test_stop(visit, tmp_path):
    Image.effect_noise((6000, 4000), 60).save(tmp_path / "scroll.jpg", quality=80)
    desk = visit()
    desk.upload(tmp_path / "scroll.jpg")
    desk.page.click("#colorize-button")
    desk.page.wait_for_selector("#colorize-stop", state="visible")
    desk.page.wait_for_timeout(1000)
    desk.page.click("#colorize-stop")
    desk.page.wait_for_selector("#colorize-stop", state="hidden")
    assert desk.page.is_enabled("#colorize-button")
    assert not desk.page.is_visible("#colorize-result")
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
