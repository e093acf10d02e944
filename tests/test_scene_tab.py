"""The Translate tab: by program, from the command line, and in a browser."""

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client, handle_file
from PIL import Image

import app
from browser_fixtures import CHROMIUM, FLAGS
from datasets_cards.procedural import scene
from pipelines import get_method
from pipelines.__main__ import main
from pipelines.hub import save_for_hub
from pipelines.scene_translator.tab import Actions
from test_app import BAD, GOOD, result_folders
from test_browser import Visit
from ui import Limits, Models, Services
from ui.languages import UserError
from ui.picture_actions import number_between

pytest_plugins = ("browser_fixtures",)
LIMITS = Limits(upload_megabytes=2, megapixels=4)
TARGETS = ("summer", "winter", "cloudy", "sunny")
WORDS = {"en": ["Summer", "Winter", "Cloudy", "Sunny"], "zh": ["夏天", "冬天", "阴天", "晴天"]}


def tiny(method: str, source: str | None, revision: str | None):
    """Random weights with a last layer that does something; "user/two" knows one direction only."""
    torch.manual_seed(1)
    pipe = get_method(method).tiny()
    if method == "scene_translator":
        torch.nn.init.normal_(pipe.generator.to_map.weight, std=0.1)
    if source == "user/two":
        pipe.generator.register_to_config(targets=["winter", "<b>fog"])
        pipe.generator.directions = (("summer", "winter"),)
    if source == "user/other":
        pipe.generator.register_to_config(targets=["../../fog"])
    return pipe


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    demo = app.serve(Services(Models(load=tiny), LIMITS))
    yield demo.local_url
    demo.close()


@pytest.fixture(scope="module")
def client(url) -> Client:
    return Client(url, verbose=False)


@pytest.fixture(scope="module")
def photograph(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("photographs") / "山谷 valley.png"
    scene(23, 420, 300, "summer").save(file)
    return file


def translate(client, file, target="winter", strength=1.0, source="", model="", revision=""):
    return client.predict(handle_file(file), target, strength, source, model, revision, api_name="/translate")


# --- by program


def test_translate_by_program(client, photograph):
    (before, after), download, text = translate(client, photograph)
    result = Image.open(download)
    assert Path(download).name == "山谷 valley-winter.png"
    assert (result.size, result.format) == ((420, 300), "PNG")
    assert Image.open(before).size == Image.open(after).size == (420, 300)
    assert "420 × 300" in text
    pipe = tiny("scene_translator", None, None)
    want = np.asarray(pipe(photograph, target="winter").images[0])
    np.testing.assert_array_equal(np.asarray(result), want)
    assert np.abs(want.astype(int) - np.asarray(Image.open(photograph))).mean() > 2


def test_options_reach_the_model(client, photograph):
    source = np.asarray(Image.open(photograph))
    kept = np.asarray(Image.open(translate(client, photograph, strength=0)[1]))
    np.testing.assert_array_equal(kept, source)
    told = np.asarray(Image.open(translate(client, photograph, source="summer")[1]))
    pipe = tiny("scene_translator", None, None)
    want = np.asarray(pipe(photograph, target="winter", source="summer").images[0])
    np.testing.assert_array_equal(told, want)
    assert (told != np.asarray(pipe(photograph, target="winter").images[0])).any()


@pytest.mark.parametrize("name", GOOD)
def test_unusual_pictures_are_translated(client, tmp_path, name):
    make, size = GOOD[name]
    image, options = make()
    image.save(tmp_path / name, **options)
    (before, after), download, _ = translate(client, tmp_path / name, "sunny")
    assert Image.open(download).size == size
    assert Image.open(before).size == Image.open(after).size


@pytest.mark.parametrize("name", BAD)
def test_bad_pictures_get_a_sentence(client, tmp_path, name):
    make, sentence = BAD[name]
    (tmp_path / name).write_bytes(make())
    before = result_folders()
    with pytest.raises(Exception, match=sentence) as caught:
        translate(client, tmp_path / name)
    assert name in str(caught.value) and "Traceback" not in str(caught.value)
    assert result_folders() == before  # nothing half-written stays


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"target": "autumn"}, "(?i)autumn.*summer.*winter.*cloudy.*sunny"),
        ({"source": "spring"}, "(?i)spring.*summer.*winter.*cloudy.*sunny"),
        ({"source": "sunny"}, "from “Sunny” to “Winter”. It knows: Summer → Winter, Winter → Summer, Cloudy → Sunny"),
        ({"strength": 1.5}, r"(?i)strength|maximum|1\.5"),
        ({"model": "user/two", "target": "sunny"}, "into “Sunny”. It knows: Winter, &lt;b&gt;fog"),
        ({"model": "/etc"}, "is not a Hub id"),
    ],
)
def test_options_out_of_range_name_the_allowed(client, photograph, options, sentence):
    before = result_folders()
    with pytest.raises(Exception, match=sentence) as caught:
        translate(client, photograph, **options)
    assert "Traceback" not in str(caught.value) and result_folders() == before


@pytest.mark.parametrize("value", [-0.1, 1.01, float("nan"), float("inf"), True, "1", None])
def test_a_strength_that_is_none(value):
    with pytest.raises(UserError, match="Strength goes from 0 to 1"):
        number_between(value, 0, 1, "translate_strength_range")


def test_nothing_chosen_and_web_addresses(client, url):
    with pytest.raises(Exception, match="Choose a photograph first"):
        client.predict(None, "winter", 1.0, "", "", "", api_name="/translate")
    with pytest.raises(Exception, match="Web addresses are not accepted"):
        translate(client, "http://127.0.0.1:9/picture.png")
    chinese = Client(url, verbose=False, headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    with pytest.raises(Exception, match="请先选一张照片"):
        chinese.predict(None, "winter", 1.0, "", "", "", api_name="/translate")


class Request:
    """What the actions look at."""

    headers, session_hash = {}, "x"


@pytest.fixture
def actions() -> Actions:
    return Actions("translate", "scene_translator", Services(Models(load=tiny), LIMITS), [])


def test_a_model_names_no_files(actions, photograph):
    """Targets of a stranger's model never become part of a path."""
    results, files, _ = actions.translate_all(
        str(photograph), 1.0, "", "user/two", "", Request(), lambda *_, **__: None
    )
    assert [Path(file).name for file in files] == ["山谷 valley-winter.png"] and len(results) == 1
    with pytest.raises(Exception, match="It knows: .*fog"):
        actions.translate_all(str(photograph), 1.0, "", "user/other", "", Request(), lambda *_, **__: None)


def test_all_four_by_program(actions, photograph):
    """The source is told where the model knows the direction from it, and only there."""
    seen = []
    results, files, text = actions.translate_all(
        str(photograph), 1.0, "summer", "", "", Request(), lambda done, desc, **_: seen.append((done, desc))
    )
    assert [name for _, name in results] == WORDS["en"] and "420 × 300" in text
    pipe = tiny("scene_translator", None, None)
    for target, file in zip(TARGETS, files, strict=True):
        want = pipe(photograph, target=target, source="summer" if target == "winter" else None).images[0]
        np.testing.assert_array_equal(np.asarray(Image.open(file)), np.asarray(want))
    steps = [done[0] / done[1] for done, _ in seen[1:]]
    assert steps == sorted(steps) and steps[-1] == 1 and len(set(steps)) >= 4


def test_stop_ends_all_four(actions, photograph):
    calls, before = [], result_folders()

    def progress(done, desc, **_):
        calls.append(done)
        if len(calls) == 4:  # in the middle of the second
            actions.stop(Request())

    with pytest.raises(gr.Error, match="Stopped"):
        actions.translate_all(str(photograph), 1.0, "", "", "", Request(), progress)
    assert len(calls) == 4 and result_folders() == before
    with actions.services.workers.work("next"):
        pass  # the slot is free


def test_camera_hands_on_a_path_and_decodes_nothing(tmp_path):
    from gradio.data_classes import ImageData

    from ui.widgets import Camera

    (tmp_path / "frame.webp").write_bytes(b"no picture")
    camera = Camera(sources=["webcam"])
    assert camera.get_block_name() == "image"
    assert camera.preprocess(ImageData(path=str(tmp_path / "frame.webp"))) == str(tmp_path / "frame.webp")
    assert camera.preprocess(None) is None
    with pytest.raises(Exception, match="Web addresses"):
        camera.move_resource_to_block_cache("http://127.0.0.1:9/frame.png")


def test_missing_weights_are_said():
    models = Models()
    models.has_default = lambda method: method != "scene_translator"
    config = str(app.build(Services(models)).get_config_file()["components"])
    assert "translate_no_weights" in config and "colorize_no_weights" not in config
    with pytest.raises(UserError, match="No weights are installed"):
        models.get("scene_translator")


# --- from the command line


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    save_for_hub(tiny("scene_translator", None, None), folder)
    return folder


def test_command_line(photograph, weights, tmp_path, capsys):
    out = tmp_path / "out"
    options = ["--target", "summer", "--source", "winter", "--strength", 0.5, "--weights", weights]
    assert main(["scene-translator", *map(str, [photograph, "--out", out, *options])]) == 0
    assert "1 painted" in capsys.readouterr().out
    pipe = tiny("scene_translator", None, None)
    want = pipe(photograph, target="summer", source="winter", strength=0.5).images[0]
    np.testing.assert_array_equal(np.asarray(Image.open(out / photograph.name)), np.asarray(want))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--target", "autumn"], "target must be one of summer, winter, cloudy, sunny, got 'autumn'"),
        (["--source", "sunny"], "no direction sunny to winter. It knows summer to winter"),
        (["--strength", "2"], "strength must be between 0 and 1, got 2"),
    ],
)
def test_command_line_refuses_before_any_work(photograph, weights, tmp_path, capsys, options, sentence):
    out = tmp_path / "out"
    assert main(["scene-translator", str(photograph), "--out", str(out), "--weights", str(weights), *options]) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err and "Traceback" not in captured.err and not out.exists()


def test_command_line_help_names_the_targets(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["scene-translator", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert caught.value.code == 0 and all(target in shown for target in TARGETS)


# --- in a browser


class SceneVisit(Visit):
    """A visit to the second tab."""

    tab, picture = "translate", "photograph"

    def choose(self, target: str) -> None:
        self.page.click(f"#translate-target input[value={target}]")


@pytest.fixture
def visit(chromium, url) -> Iterator:
    visits = []

    def start(width: int = 1280, height: int = 900, locale: str = "en-US") -> SceneVisit:
        visits.append(SceneVisit(chromium, url, width, height, locale))
        return visits[-1]

    yield start
    for one in visits:
        one.context.close()


def test_upload_choose_translate_download(visit, photograph, tmp_path):
    desk = visit()
    desk.upload(photograph)
    desk.choose("sunny")
    desk.work()
    images = desk.page.locator("#translate-result img")
    images.nth(1).wait_for()
    sizes = [images.nth(i).evaluate("image => [image.naturalWidth, image.naturalHeight]") for i in range(2)]
    assert sizes == [[420, 300], [420, 300]]
    assert images.nth(0).get_attribute("src") != images.nth(1).get_attribute("src")
    assert not desk.page.is_visible("#translate-preview")
    result = desk.download(tmp_path)
    assert result.name.endswith("-sunny.png") and "valley" in result.name
    assert Image.open(result).size == (420, 300)
    assert desk.is_clean()


def test_all_four_side_by_side_then_one(visit, photograph):
    desk = visit()
    desk.upload(photograph)
    desk.page.click("#translate-all")
    desk.page.wait_for_selector("#translate-files", state="visible")
    images = desk.page.locator("#translate-results .thumbnail-item img")
    images.nth(3).wait_for()
    assert images.count() == 4 and len({image.get_attribute("src") for image in images.all()}) == 4
    assert desk.page.locator("#translate-results .caption-label").all_inner_texts() == WORDS["en"]
    links = desk.page.locator("#translate-files a[download]")
    assert links.count() == 4
    assert not desk.page.is_visible("#translate-preview") and not desk.page.is_visible("#translate-result")
    desk.work()  # one picture takes their place
    assert not desk.page.is_visible("#translate-results") and not desk.page.is_visible("#translate-files")
    assert desk.is_clean()


def test_on_a_chinese_phone(visit):
    phone = visit(390, 844, "zh-CN")
    assert phone.page.inner_text("#translate-button") == "换景"
    assert phone.page.locator("#translate-target label").all_inner_texts() == WORDS["zh"]
    assert phone.page.locator("#translate-examples button img").count() == 6
    phone.page.click("#translate-examples button >> nth=1")
    phone.page.wait_for_selector("#translate-preview img")
    phone.page.click("#translate-all")
    phone.page.wait_for_selector("#translate-files", state="visible")
    phone.page.wait_for_timeout(1500)  # the page scrolls to the result
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert phone.page.locator("#translate-results .caption-label").all_inner_texts() == WORDS["zh"]
    assert phone.page.locator("#translate-files").bounding_box()["y"] < 844
    assert "用时" in phone.page.inner_text("#translate-caption")
    assert phone.is_clean()


def test_no_label_is_cut_off(visit):
    for width, locale in ((1280, "en-US"), (390, "en-US"), (390, "zh-CN")):
        assert not visit(width, 844, locale).cut_off()


def test_bad_upload_is_explained(visit, tmp_path):
    (tmp_path / "words.jpg").write_bytes(b"no picture at all")
    desk = visit(locale="zh-CN")
    desk.page.click("#translate-button")
    desk.page.get_by_text("请先选一张照片").wait_for()
    desk.page.set_input_files("#photograph input[type=file]", tmp_path / "words.jpg")
    desk.page.get_by_text("“words.jpg”不是本页能读的图片").wait_for()
    assert desk.page.is_enabled("#translate-button") and desk.page.is_enabled("#translate-all")
    assert "Traceback" not in desk.page.content()
    assert not desk.outside


def test_a_picture_from_the_camera(chromium, url):
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    browser = chromium.browser_type.launch(executable_path=CHROMIUM, args=FLAGS + fake)
    try:
        desk = SceneVisit(browser, url, 1280, 900, "en-US")
        desk.page.click("#translate-camera button")
        desk.page.get_by_text("Click to Access Webcam").click()
        desk.page.wait_for_function("document.querySelector('#translate-camera video').videoWidth > 0")
        desk.page.click("#translate-camera button[aria-label='capture photo']")
        desk.page.wait_for_selector("#translate-preview img")
        desk.work()
        assert desk.page.locator("#translate-result img").count() == 2
        assert desk.is_clean()
    finally:
        browser.close()
