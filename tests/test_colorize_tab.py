"""The Colorize tab through its endpoints: palettes, spots, variants, the viewer's tiles, and bad input."""

import json
import time
from pathlib import Path
from urllib.request import urlopen

import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client, handle_file
from PIL import Image

import app
from pipelines import get_method
from pipelines.deep_zoom import DeepZoom
from pipelines.landscape_colorizer import tab  # noqa: F401  adds the tab's texts
from pipelines.landscape_colorizer.tab_actions import VARIANTS, Actions, Choice
from pipelines.landscape_colorizer.tab_painting import write_overlay
from pipelines.landscape_colorizer.tab_palettes import PALETTE_NAMES, palette_picture, palette_pictures
from pipelines.landscape_colorizer.traditions import TRADITIONS
from ui import Limits, Models, Services, temporary
from ui.languages import UserError
from ui.leaflet import FOLDER
from ui.scroll_viewer import MAX_SPOTS, ScrollViewer, picture, read_spots, result

TEXTS = "colorize_viewer"


def tiny(method: str, source: str | None, revision: str | None):
    """Stands in for trained weights: random ones, with a last layer that does something."""
    torch.manual_seed(1)
    pipe = get_method(method).tiny()
    torch.nn.init.normal_(pipe.generator.palette.to_chroma.weight, std=0.3)
    return pipe


@pytest.fixture(scope="module")
def services() -> Services:
    return Services(Models(load=tiny), Limits(upload_megabytes=5, megapixels=4))


@pytest.fixture(scope="module")
def url(services):
    demo = app.serve(services)
    yield demo.local_url.rstrip("/")
    demo.close()


@pytest.fixture(scope="module")
def client(url) -> Client:
    return Client(url, verbose=False)


@pytest.fixture(scope="module")
def painting(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("paintings") / "mountain.png"
    values = np.random.default_rng(0).integers(0, 256, (12, 18, 3), dtype=np.uint8)
    Image.fromarray(values).resize((300, 200)).save(file)
    return file


def colour(client: Client, painting: Path, **options) -> np.ndarray:
    """The coloured painting's pixels."""
    asked = {"painting": handle_file(painting), "vividness": 1.0, "model": "", "revision": "", **options}
    return np.asarray(Image.open(client.predict(**asked, api_name="/colorize")[1]).convert("RGB"), int)


# --- what is asked for


def test_programs_that_know_four_inputs_still_work(client, painting):
    (_, after), file, text = client.predict(handle_file(painting), 1.0, "", "", api_name="/colorize")
    assert Image.open(file).size == Image.open(after).size == (300, 200) and "300 × 200" in text


def test_each_option_changes_the_picture(client, painting, tmp_path):
    plain = colour(client, painting)
    np.testing.assert_array_equal(colour(client, painting), plain)
    Image.new("RGB", (20, 20), (30, 60, 160)).save(tmp_path / "blue.png")
    asked = [
        {"palette": "autumn"},
        {"reference": handle_file(tmp_path / "blue.png")},
        {"spots": '[[150, 100, "#c02010"]]'},
        {"strength": 0.3},
        {"restore": 1.0},
        {"variant": 2},
    ]
    pictures = [colour(client, painting, **options) for options in asked]
    for options, got in zip(asked, pictures, strict=True):
        assert np.abs(got - plain).max() > 3, options
    np.testing.assert_array_equal(colour(client, painting, strength=0.0), np.asarray(Image.open(painting), int))


BAD = [
    ({"palette": "neon"}, "There is no palette “neon”"),
    ({"palette": "/etc/passwd"}, "There is no palette"),
    ({"spots": "no json"}, "no spots of colour"),
    ({"spots": '[[300, 0, "#ffffff"]]'}, "no spots of colour"),
    ({"strength": 1.5}, "Strength goes from 0 to 1; got 1.5"),
    ({"restore": -1}, "Restoring goes from 0 to 1; got -1"),
    ({"variant": -1}, "A variant is a number from 0 to 9999; got -1"),
    ({"variant": 1.5}, "A variant is a number from 0 to 9999; got 1.5"),
    ({"variant": 10_000}, "A variant is a number from 0 to 9999"),
]


@pytest.mark.parametrize(("options", "sentence"), BAD, ids=[str(options) for options, _ in BAD])
def test_bad_wishes_get_a_sentence(client, painting, options, sentence):
    with pytest.raises(Exception, match=sentence) as caught:
        colour(client, painting, **options)
    assert "Traceback" not in str(caught.value)


def test_a_bad_reference_gets_a_sentence(client, painting, tmp_path):
    (tmp_path / "words.png").write_bytes(b"no picture")
    with pytest.raises(Exception, match="“words.png” is not a picture"):
        colour(client, painting, reference=handle_file(tmp_path / "words.png"))
    with pytest.raises(Exception, match="not both"):
        colour(client, painting, reference=handle_file(painting), palette="autumn")


def test_spots_are_read_or_refused():
    assert read_spots("", 9, 9) == read_spots(None, 9, 9) == read_spots("[]", 9, 9) == []
    assert read_spots('[[8, 0.5, "#A0b1c2"]]', 9, 9) == [(8.0, 0.5, "#A0b1c2")]
    bad = [
        '{"a": 1}',
        "[[1, 2]]",
        '[[9, 0, "#ffffff"]]',
        '[[0, -1, "#ffffff"]]',
        '[[0, 0, "red"]]',
        '[[NaN, 0, "#ffffff"]]',
    ]
    bad += [
        '[["1", 0, "#ffffff"]]',
        '[[true, 0, "#ffffff"]]',
        "[" * 9999,
        json.dumps([[0, 0, "#ffffff"]] * (MAX_SPOTS + 1)),
    ]
    for text in [*bad, 7, [[0, 0, "#ffffff"]]]:
        with pytest.raises(UserError):
            read_spots(text, 9, 9)


def test_wishes_for_a_smaller_copy_are_scaled():
    choice = Choice(1, "", None, '[[299, 100, "#112233"]]', 1, 0, (300, 200))
    assert choice.options() == {"hints": [(299, 100, "#112233")]}
    assert choice.options((30, 20)) == {"hints": [(29, 10, "#112233", pytest.approx(0.6))]}
    assert Choice(1.5, "autumn", None, "", 0.5, 0.25, (3, 3)).options() == {
        "vividness": 1.5, "strength": 0.5, "restore": 0.25, "palette": "autumn"
    }  # fmt: skip


# --- palettes


def test_another_painting_copies_no_swatches_again(actions):
    def files() -> list[str]:
        return [one["image"]["path"] for one in _entries(actions.begin_anew()[2])]

    first = files()
    actions.begin_anew()
    used = temporary.used_bytes()
    assert files() == first and temporary.used_bytes() == used
    temporary.sweep(0)
    assert all(Path(file).is_file() for file in files())


def test_swatches_show_every_tradition():
    assert set(PALETTE_NAMES) == {"", *TRADITIONS}
    files = [Path(file) for file, _ in palette_pictures()]
    assert len({file.read_bytes() for file in files}) == len(PALETTE_NAMES)
    for name, tradition in TRADITIONS.items():
        strip = np.asarray(palette_picture(name))[-1]
        shown = {f"#{r:02x}{g:02x}{b:02x}" for r, g, b in strip.reshape(-1, 3).tolist()}
        large = {colour for colour, share in tradition.palette.swatches() if share > 0.02}
        assert large <= shown <= {colour for colour, _ in tradition.palette.swatches()}


# --- the viewer


class Request:
    """What an event knows of the page that sent it."""

    session_hash = "page"

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}


@pytest.fixture
def actions(services) -> Actions:
    return Actions("colorize", "landscape_colorizer", services, [])


def coloured(actions: Actions, painting: Path, **options) -> tuple:
    asked = {"vividness": 1.0, "model": "", "revision": "", "palette": "", "reference": None, "spots": ""}
    asked |= {"strength": 1.0, "restore": 0.0, "variant": 0, "request": Request(), **options}
    return actions.colorize(str(painting), **asked, progress=lambda *_, **__: None)


def test_the_page_gets_tiles_of_both_pictures(actions, painting, url):
    shown = json.loads(actions.show(str(painting), Request())[0]["value"])
    assert (shown["width"], shown["height"], shown["of"]) == (300, 200, str(painting))
    _, file, _ = coloured(actions, painting)
    laid = json.loads(actions.present(str(painting), file, Request()))
    assert laid["of"] == str(painting)
    for folder in (shown["before"], laid["after"]):
        with urlopen(f"{url}/gradio_api/file={folder}/9/0_0.jpg") as answer:
            assert answer.headers["content-type"] == "image/jpeg"
            assert Image.open(answer).size == (300, 200)
    after = np.asarray(Image.open(f"{laid['after']}/9/0_0.jpg"), int)
    assert np.abs(after - np.asarray(Image.open(file).convert("RGB"), int)).mean() < 3


def test_what_the_viewer_shows_is_deleted_with_the_rest(actions, painting):
    shown = json.loads(actions.show(str(painting), Request())[0]["value"])
    laid = json.loads(actions.present(str(painting), coloured(actions, painting)[1], Request()))
    folders = [Path(shown["before"]), Path(laid["after"])]
    assert all(len(list(folder.rglob("*.jpg"))) == 10 for folder in folders)
    temporary.sweep(3600)
    assert all(folder.is_dir() for folder in folders)
    temporary.sweep(0)
    assert not any(folder.parent.exists() for folder in folders)


def test_a_result_without_its_tiles_is_refused(actions, painting):
    with pytest.raises(gr.Error):
        actions.present(str(painting), str(painting), Request())


def test_what_the_viewer_was_told_is_no_spots():
    viewer = ScrollViewer(TEXTS)
    zoom = DeepZoom(3, 2, Path("/a_files"))
    assert viewer.preprocess(picture("one", zoom)) == viewer.preprocess(result("one", zoom)) == ""
    assert viewer.preprocess("[]") == "[]" and viewer.preprocess(None) == ""


def test_leaflet_comes_from_the_installed_package_and_nothing_else_does(url):
    for name, word in (("leaflet.js", b"Leaflet"), ("leaflet.css", b".leaflet-tile")):
        with urlopen(f"{url}/{FOLDER}/{name}") as answer:
            assert word in answer.read() and "max-age" in answer.headers["cache-control"]
    with pytest.raises(OSError, match="404"):
        urlopen(f"{url}/{FOLDER}/proj4leaflet.js")


def test_uncertainty_is_drawn_where_a_canvas_knows_it(tmp_path):
    class Canvas:
        def uncertainty(self):
            return np.array([[0.0, 18.0, 90.0]], np.float32)

    assert write_overlay(Canvas(), tmp_path / "a.png")
    alpha = np.asarray(Image.open(tmp_path / "a.png"))[0, :, 3]
    assert alpha[0] == 0 and 0 < alpha[1] < alpha[2] < 255
    assert not write_overlay(object(), tmp_path / "b.png") and not (tmp_path / "b.png").exists()


# --- several small pictures


def test_variants_are_small_versions_of_what_colorize_paints(actions, painting):
    asked = {"vividness": 1.0, "model": "", "revision": "", "palette": "", "reference": None, "spots": ""}
    asked |= {"strength": 1.0, "restore": 0.0, "request": Request(), "progress": lambda *_, **__: None}
    gallery = actions.several(str(painting), **asked)
    assert gallery.visible and len(gallery.value) == VARIANTS
    small = [np.asarray(Image.open(one["image"]["path"]).convert("RGB"), int) for one in _entries(gallery)]
    assert all(np.abs(one - other).max() > 3 for number, one in enumerate(small) for other in small[:number])
    for variant in (0, 3):
        full = np.asarray(Image.open(coloured(actions, painting, variant=variant)[1]).convert("RGB"), int)
        assert np.abs(full - small[variant]).mean() < 4  # the gallery's pictures are JPEG


def test_every_palette_is_tried_on_the_painting(actions, painting):
    asked = {"vividness": 1.0, "model": "", "revision": "", "spots": "", "strength": 1.0, "restore": 0.0}
    asked |= {"request": Request(), "progress": lambda *_, **__: None}
    entries = _entries(actions.every(str(painting), **asked))
    assert [entry["caption"].split()[0] for entry in entries] == ["自选", "青绿", "浅绛", "金碧", "没骨", "秋山"]
    own = np.asarray(Image.open(entries[0]["image"]["path"]).convert("RGB"), int)
    full = np.asarray(Image.open(coloured(actions, painting)[1]).convert("RGB"), int)
    assert np.abs(full - own).mean() < 4


def _entries(gallery: gr.Gallery) -> list[dict]:
    return gallery.value if isinstance(gallery.value, list) else gallery.value.model_dump()


def test_stopping_ends_the_cutting_of_tiles_too(actions, services, painting, monkeypatch):
    from pipelines import deep_zoom

    def cut(source, target, *, max_pixels, check):
        services.workers.stop(Request.session_hash)
        time.sleep(0.4)
        check()
        raise AssertionError("went on")

    monkeypatch.setattr(deep_zoom, "write_deep_zoom", cut)
    with pytest.raises(gr.Error, match="Stopped"):
        coloured(actions, painting)
