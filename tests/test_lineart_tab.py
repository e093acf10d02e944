"""The line art part of the Colorize tab: strokes, its events, its layers, the command line, and in a browser."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import torch
from gradio.data_classes import FileData, ListFiles
from PIL import Image

import app
from datasets_cards.procedural import drawing
from pipelines import METHODS, get_method
from pipelines.__main__ import main
from pipelines.hub import save_for_hub
from pipelines.lineart_colorizer.tab import Actions
from pipelines.lineart_colorizer.tab_layers import write_layers
from pipelines.lineart_colorizer.tab_strings import STRINGS
from test_app import BAD, result_folders
from test_browser import Visit
from ui import Limits, Models, Services
from ui.languages import LANGUAGES, UserError
from ui.stroke_canvas import MAX_POINTS, MAX_RADIUS, MAX_STROKES, StrokeCanvas, painted_strokes, read_strokes
from ui.widgets import PictureUpload, ResultDownload

pytest_plugins = ("browser_fixtures",)
LIMITS = Limits(upload_megabytes=2, megapixels=4)
DAB = {"colour": "#ff8000", "radius": 0.1, "points": [[0.5, 0.25]]}


@pytest.fixture(scope="module", autouse=True)
def method() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(METHODS, "lineart_colorizer", "pipelines.lineart_colorizer")
        yield


def tiny(method: str, source: str | None, revision: str | None):
    """Random weights."""
    torch.manual_seed(1)
    return get_method(method).tiny()


@pytest.fixture(scope="module")
def pipe():
    return tiny("lineart_colorizer", None, None)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> dict[str, Path]:
    """A drawing, two references, a grey one and a photograph."""
    folder = tmp_path_factory.mktemp("pictures")
    cat, lighthouse = drawing(1, 120, 96), drawing(5, 80, 80)
    slope, glow = Image.linear_gradient("L"), Image.radial_gradient("L")
    made = {
        "cat": cat.lines,
        "palette": cat.colour.rotate(180),
        "other": lighthouse.colour,
        "grey": lighthouse.colour.convert("L"),
        "photograph": Image.merge("RGB", (slope, glow, slope.rotate(90))).resize((120, 96)),
        "blank": Image.new("L", (64, 48), 250),
    }
    for name, picture in made.items():
        picture.save(folder / f"{name}.png")
    return {name: folder / f"{name}.png" for name in made}


class Request:
    """What the actions look at."""

    session_hash = "x"

    def __init__(self, language: str = "en"):
        self.headers = {"accept-language": language}


def silent(*_, **__) -> None:
    """Stands in for gradio's progress."""


@pytest.fixture
def actions(pipe) -> Actions:
    services = Services(Models(load=lambda *_: pipe), LIMITS)
    return Actions("lineart", "lineart_colorizer", services, [])


def colour(actions, file, references, hints="", keep_lines=False, evenness=0.7, language="en"):
    references = [str(path) for path in references]
    return actions.colorize(str(file), references, hints, keep_lines, evenness, "", "", Request(language), silent)


# --- strokes


def test_a_dab_is_a_disc_of_its_colour():
    layer = np.asarray(painted_strokes(read_strokes(json.dumps([DAB])), 200, 100))
    y, x = np.mgrid[:100, :200]
    away = np.hypot(x - 100, y - 25)
    assert (layer[away < 18] == (255, 128, 0, 255)).all()
    assert (layer[away > 22] == 0).all()


def test_strokes_lie_in_their_order_and_the_eraser_takes_away():
    line = {"colour": "#0000ff", "radius": 0.02, "points": [[0.1, 0.5], [0.9, 0.5]]}
    eraser = {"colour": "", "radius": 0.05, "points": [[0.5, 0.5]]}
    red = line | {"colour": "#FF0000", "points": [[0.8, 0.5]]}
    layer = np.asarray(painted_strokes(read_strokes(json.dumps([line, eraser, red])), 100, 100))
    assert tuple(layer[50, 20]) == tuple(layer[50, 70]) == (0, 0, 255, 255)
    assert tuple(layer[50, 80]) == (255, 0, 0, 255)
    assert (layer[45:56, 48:53] == 0).all() and (layer[:40] == 0).all() and (layer[60:] == 0).all()
    assert set(np.unique(layer[..., 3])) == {0, 255}


def test_the_finest_stroke_is_still_seen():
    layer = painted_strokes(read_strokes(json.dumps([DAB | {"radius": 0, "points": [[1, 1], [0, 0]]}])), 9, 5)
    assert np.asarray(layer)[..., 3].any()


@pytest.mark.parametrize("text", ["", "  ", "[]"])
def test_no_strokes(text):
    assert read_strokes(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "words",
        "{}",
        "[1]",
        "[[]]",
        "[" * 100_000,
        json.dumps([DAB | {"colour": "red"}]),
        json.dumps([DAB | {"colour": "#12345g"}]),
        json.dumps([DAB | {"colour": None}]),
        json.dumps([DAB | {"radius": MAX_RADIUS * 1.01}]),
        json.dumps([DAB | {"radius": True}]),
        json.dumps([DAB | {"radius": float("nan")}]),
        json.dumps([DAB | {"points": []}]),
        json.dumps([DAB | {"points": [[0.5]]}]),
        json.dumps([DAB | {"points": [[0.5, 1.001]]}]),
        json.dumps([DAB | {"points": [[-0.1, 0.5]]}]),
        json.dumps([DAB | {"points": [["0", 0.5]]}]),
        '[{"colour": "#000000", "radius": 0.1, "points": [[1e999, 0]]}]',
        f'[{{"colour": "#000000", "radius": {"9" * 400}, "points": [[0, 0]]}}]',
        f'[{{"colour": "#000000", "radius": {"9" * 5000}, "points": [[0, 0]]}}]',
        json.dumps([{"colour": "#000000"}]),
        json.dumps([DAB] * (MAX_STROKES + 1)),
        json.dumps([DAB | {"points": [[0, 0]] * (MAX_POINTS + 1)}]),
        " " * 999_999 + "[]",
    ],
    ids=range(23),
)
def test_hostile_strokes_are_refused(text):
    with pytest.raises(UserError, match="no strokes of this page"):
        read_strokes(text)


def test_the_canvas_shows_a_picture_and_hands_on_strokes(tmp_path):
    Image.new("RGB", (30, 20), "red").save(tmp_path / "a.png")
    canvas = StrokeCanvas("lineart_strokes")
    shown = canvas.postprocess(str(tmp_path / "a.png"))
    assert json.loads(shown)["picture"].startswith("data:image/webp;base64,")
    assert canvas.preprocess(shown) == "" and canvas.preprocess(None) == "" and canvas.preprocess(["x"]) == ""
    assert canvas.preprocess("[1]") == "[1]" and canvas.postprocess(None) == ""
    script = canvas.get_config()["js_on_load"]
    texts = json.loads(re.search(r"^const TEXTS = ({.*}), COLOURS", script)[1])
    assert set(texts) == set(LANGUAGES)
    assert texts["zh"]["undo"] == STRINGS["zh"]["lineart_strokes_undo"]


def test_several_uploads_are_paths_and_nothing_is_fetched(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    upload = PictureUpload(file_count="multiple")
    files = ListFiles(root=[FileData(path=str(tmp_path / "a.png"))] * 2)
    assert upload.preprocess(files) == [str(tmp_path / "a.png")] * 2 and upload.preprocess(None) is None
    for component in (upload, ResultDownload()):
        with pytest.raises(Exception, match="Web addresses"):
            component.move_resource_to_block_cache("http://127.0.0.1:9/picture.png")


# --- events


def test_the_result_is_the_pipelines(actions, pipe, pictures):
    hints = json.dumps([DAB])
    references = [pictures["palette"], pictures["other"]]
    (before, after), download, text = colour(actions, pictures["cat"], references, hints, keep_lines=True)
    layer = painted_strokes(read_strokes(hints), 120, 96)
    want = pipe(pictures["cat"], references, hints=layer, keep_lines=True).images[0]
    np.testing.assert_array_equal(np.asarray(Image.open(download)), np.asarray(want))
    assert Path(download).name == "cat-coloured.png" and "120 × 96" in text
    assert Image.open(before).size == Image.open(after).size == (120, 96)
    for options in ({}, {"hints": hints}, {"keep_lines": True}, {"evenness": 0.0}):
        other = colour(actions, pictures["cat"], references, **options)[1]
        assert (np.asarray(Image.open(other)) != np.asarray(want)).any(), options
    swapped = colour(actions, pictures["cat"], references[1:], hints, keep_lines=True)[1]
    assert (np.asarray(Image.open(swapped)) != np.asarray(want)).any()


def test_hints_lie_on_the_drawing_as_it_is_seen(actions, pipe, pictures, tmp_path):
    """A drawing that its EXIF tag turns is upright on the canvas, and so are the strokes on it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(pictures["cat"]).save(tmp_path / "turned.png", exif=exif)
    download = colour(actions, tmp_path / "turned.png", [pictures["other"]], json.dumps([DAB]))[1]
    layer = painted_strokes(read_strokes(json.dumps([DAB])), 96, 120)
    want = pipe(tmp_path / "turned.png", pictures["other"], hints=layer).images[0]
    assert want.size == (96, 120)
    np.testing.assert_array_equal(np.asarray(Image.open(download)), np.asarray(want))


@pytest.mark.parametrize("language", LANGUAGES)
def test_notes_are_in_the_pages_language(actions, pictures, language):
    def text(file: str, reference: str) -> str:
        return colour(actions, pictures[file], [pictures[reference]], language=language)[2]

    words = {key: STRINGS[language][f"lineart_note_{key}"] for key in ("lines", "blank", "grey")}
    assert not any(word in text("cat", "other") for word in words.values())
    assert words["lines"] in text("photograph", "other")
    assert words["blank"] in text("blank", "other")
    assert words["grey"] in text("cat", "grey")


def test_what_is_missing_or_too_much_is_said(actions, pictures):
    cat, other = str(pictures["cat"]), str(pictures["other"])
    cases = [
        (None, [other], "", "Choose a drawing first"),
        (cat, None, "", "Choose where the colours come from"),
        (cat, [], "", "Choose where the colours come from"),
        (cat, [other] * 9, "", "Up to 8 pictures.*these are 9"),
        (cat, [other], "words", "no strokes of this page"),
    ]
    before = result_folders()
    for file, references, hints, sentence in cases:
        with pytest.raises(gr.Error, match=sentence):
            actions.colorize(file, references, hints, False, 0.7, "", "", Request(), silent)
    assert result_folders() == before


@pytest.mark.parametrize("name", BAD)
def test_bad_pictures_get_a_sentence_in_either_place(actions, pictures, tmp_path, name):
    make, sentence = BAD[name]
    (tmp_path / name).write_bytes(make())
    before = result_folders()
    for file, reference in ((tmp_path / name, pictures["other"]), (pictures["cat"], tmp_path / name)):
        with pytest.raises(gr.Error, match=sentence) as caught:
            colour(actions, file, [reference])
        assert name in str(caught.value)
    with pytest.raises(gr.Error, match=sentence):
        actions.show_references([str(tmp_path / name)], Request())
    assert result_folders() == before


def test_choosing_shows_and_a_new_drawing_hides_the_old_result(actions, pictures):
    canvas, empty, *results = actions.show(str(pictures["cat"]), Request())
    assert canvas["visible"] and Image.open(canvas["value"]).size == (120, 96)
    assert not any(part["visible"] for part in (empty, *results)) and len(results) == 5
    canvas, empty, *results = actions.show(None, Request())
    assert empty["visible"] and not any(part["visible"] for part in (canvas, *results)) and len(results) == 5
    shown = actions.show_references([str(pictures["palette"]), str(pictures["other"])], Request())
    assert shown["visible"] and len(set(shown["value"])) == 2
    assert not actions.show_references([], Request())["visible"]


# --- layers


def test_layers_of_a_result(actions, pictures):
    from psd_tools import PSDImage

    coloured = colour(actions, pictures["cat"], [pictures["other"]])[1]
    file = Path(actions.layers(str(pictures["cat"]), coloured, Request(), silent))
    psd = PSDImage.open(file)
    assert file.name == "cat-coloured.psd" and psd.size == (120, 96)
    assert [layer.name for layer in psd] == ["flat", "shade", "light", "lines"]
    seen = np.asarray(psd.composite(force=True).convert("RGB")).astype(int)
    assert np.abs(seen - np.asarray(Image.open(coloured))).max() <= 2


def test_of_a_picture_the_extracted_lines_are_the_lines(pictures, tmp_path):
    """Where the drawing was a coloured picture, its dark areas are no ink."""
    from psd_tools import PSDImage

    solid = np.full((96, 120, 3), (60, 90, 160), np.uint8)
    solid[:, 60:] = (70, 150, 80)
    for name in ("source", "result"):
        Image.fromarray(solid).save(tmp_path / f"{name}.png")
    write_layers(tmp_path / "source.png", tmp_path / "result.png", tmp_path / "layers.psd")
    layers = {layer.name: layer.numpy() for layer in PSDImage.open(tmp_path / "layers.psd")}
    flat = (layers["flat"][..., :3] * 255).round()
    assert np.abs(flat[48, 20] - solid[48, 20]).max() <= 1 and np.abs(flat[48, 100] - solid[48, 100]).max() <= 1


def test_layers_that_cannot_be_are_explained(actions, pictures, tmp_path, monkeypatch):
    (tmp_path / "cut.png").write_bytes(pictures["cat"].read_bytes()[:900])
    cat, other = str(pictures["cat"]), str(pictures["other"])
    before = result_folders()
    for coloured, sentence in (
        (None, "Colour a drawing first"),
        (other, "80 × 80 pixels and the drawing 120 × 96"),
        (str(tmp_path / "cut.png"), "damaged or incomplete"),
    ):
        with pytest.raises(gr.Error, match=sentence):
            actions.layers(cat, coloured, Request(), silent)
    monkeypatch.setattr("pipelines.lineart_colorizer.tab_actions.LAYERED_MEGAPIXELS", 0)
    with pytest.raises(gr.Error, match="120 × 96 pixels. Layers are made of up to 0"):
        actions.layers(cat, cat, Request(), silent)
    assert result_folders() == before


# --- the page


def test_methods_of_one_tab_have_tabs_of_their_own():
    demo = app.build(Services(Models(load=tiny), LIMITS))
    tabs = {block.id: block for block in demo.blocks.values() if isinstance(block, gr.Tab)}
    parts = {"landscape_colorizer", "lineart_colorizer"}
    assert parts < set(tabs) and "scene_translator" not in tabs, "a tab of one method needs none inside"
    for part in parts:
        assert tabs[part].parent.parent is tabs["colorize"]
    public = {fn.api_name for fn in demo.fns.values() if fn.api_visibility == "public"}
    assert public >= {"colorize", "colorize_drawing", "drawing_layers"}


# --- from the command line


@pytest.fixture(scope="module")
def weights(pipe, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    save_for_hub(pipe, folder)
    return folder


def run(*arguments: object) -> int:
    return main(["lineart-colorizer", *map(str, arguments)])


def test_command_line(pipe, pictures, weights, tmp_path, capsys):
    out = tmp_path / "out"
    cat, photograph = pictures["cat"], pictures["photograph"]
    options = ["--out", out, "--weights", weights, "--reference", pictures["other"], "--keep-lines"]
    assert run(cat, photograph, *options) == 0
    captured = capsys.readouterr()
    assert "2 painted" in captured.out
    notes = [line for line in captured.err.splitlines() if line.startswith("note: ")]
    assert len(notes) == 1 and str(photograph) in notes[0] and "not a line drawing" in notes[0]
    want = pipe(cat, pictures["other"], keep_lines=True).images[0]
    np.testing.assert_array_equal(np.asarray(Image.open(out / "cat.png")), np.asarray(want))


@pytest.mark.parametrize(
    ("reference", "sentence"), [([], "A reference is needed"), (["--reference", "no/such.png"], "no/such.png")]
)
def test_command_line_needs_a_reference(pictures, weights, tmp_path, capsys, reference, sentence):
    assert run(pictures["cat"], "--out", tmp_path / "out", "--weights", weights, *reference) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err and "Traceback" not in captured.err and not (tmp_path / "out").exists()


# --- in a browser


class LineArtVisit(Visit):
    """A visit to the second part of the first tab."""

    tab, picture = "colorize", "drawing"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.tab = "lineart"
        self.page.click("[role=tab][data-tab-id=lineart_colorizer]")
        self.page.wait_for_selector("#lineart-button", state="visible")

    def upload(self, file: Path) -> None:
        self.page.set_input_files("#drawing input[type=file]", file)
        self.page.wait_for_function("document.querySelector('#lineart-strokes canvas')?.width === 120")

    def dab(self, x: float, y: float) -> list[int]:
        """Press the brush down at shares of the drawing; the canvas's colour there."""
        canvas = self.page.locator("#lineart-strokes canvas")
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        self.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        self.page.mouse.down()
        self.page.mouse.up()
        code = "(e, [x, y]) => [...e.getContext('2d').getImageData(x * e.width, y * e.height, 1, 1).data]"
        return canvas.evaluate(code, [x, y])


def test_upload_hint_colour_swap_layers(chromium, pipe, pictures, tmp_path, monkeypatch):
    """On a Chinese phone, from the drawing to its layers."""
    told = []
    monkeypatch.setattr(
        "pipelines.lineart_colorizer.tab_actions.read_strokes", lambda text: told.append(text) or read_strokes(text)
    )
    demo = app.serve(Services(Models(load=lambda *_: pipe), LIMITS))
    phone = LineArtVisit(chromium, demo.local_url, 390, 844, "zh-CN")
    try:
        page = phone.page
        assert page.inner_text("#lineart-button") == "上色" and not phone.cut_off()
        phone.upload(pictures["cat"])
        assert page.inner_text(".strokes-undo") == "撤销" and page.is_disabled(".strokes-undo")
        assert phone.dab(0.5, 0.5) == [217, 72, 59, 255]  # the first of the colours
        page.click(".strokes-undo")
        page.click(".strokes-swatch >> nth=5")
        assert phone.dab(0.25, 0.5) == [59, 95, 176, 255]
        page.click("#lineart-button")
        page.get_by_text("请选取色参考").wait_for()
        page.set_input_files("#references input[type=file]", [pictures["palette"], pictures["other"]])
        page.locator("#references-chosen img").nth(1).wait_for()
        phone.work()
        (stroke,) = read_strokes(told[-1])
        assert (stroke.colour, stroke.radius) == ("#3b5fb0", 0.012)
        assert stroke.points == [pytest.approx((0.25, 0.5), abs=0.02)]
        layer = painted_strokes([stroke], 120, 96)
        want = np.asarray(pipe(pictures["cat"], [pictures["palette"], pictures["other"]], hints=layer).images[0])
        np.testing.assert_array_equal(np.asarray(Image.open(phone.download(tmp_path))), want)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.click("#lineart-layers")
        page.wait_for_selector("#lineart-layers-file", state="visible")
        with page.expect_download() as waiting:
            page.click("#lineart-layers-file")
        assert waiting.value.suggested_filename == "cat-coloured.psd"
        page.click("#reference-examples button >> nth=1")  # the result follows by itself
        page.wait_for_selector("#lineart-layers", state="visible")
        assert page.locator("#references-chosen img").count() == 1
        assert (np.asarray(Image.open(phone.download(tmp_path))) != want).any()
        assert not phone.outside
    finally:
        phone.context.close()
        demo.close()
