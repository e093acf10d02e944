"""The Generate tab: what its events make, hold back and say; its public endpoints."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client, handle_file
from PIL import Image, ImageOps

import app
from pipelines import METHODS, get_method
from pipelines.detail_generator.tab import CATEGORIES as GROCERIES
from pipelines.detail_generator.tab_actions import Actions as DetailActions
from pipelines.generation.png_metadata import PictureFacts, read_facts, write_png
from pipelines.product_studio.tab import CATEGORIES, COLOURS
from pipelines.product_studio.tab_actions import Actions as ProductActions
from pipelines.product_studio.tab_edit import ENHANCEMENTS, editing_parts
from pipelines.product_studio.tab_edit_actions import MAX_FILES, EditActions
from test_app import BAD, result_folders
from ui import Limits, Models, Services
from ui.examples import PRODUCTS, STYLE_NAMES
from ui.generation_actions import ALIKE, MAX_STOPS
from ui.languages import LANGUAGES, strings
from ui.widgets import PictureArea
from ui.workers import Stopped

LIMITS = Limits(upload_megabytes=2, megapixels=4)


@pytest.fixture(scope="module", autouse=True)
def methods() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("detail_generator", "product_studio"):
            patch.setitem(METHODS, name, f"pipelines.{name}")
        yield


class Studio:
    """A tiny product studio whose editing is a few lines of PIL, so that the panel is tested and no network."""

    styles, enhancements, style = ("waves", "ink wash"), ("denoise", "upscale", "cutout"), object()

    def __init__(self, pipe):
        self.pipe, self.asked = pipe, []

    def __getattr__(self, name):
        return getattr(self.pipe, name)

    def __call__(self, *arguments, **options):
        return self.pipe(*arguments, **options)

    def edit(self, image, style=None, enhance=(), strength=1.0, keep_background=False, progress=None):
        progress(1, 2)
        self.asked.append((style, tuple(enhance), strength, keep_background))
        with Image.open(image) as opened:
            picture = ImageOps.invert(opened.convert("RGB"))
        doubled = picture.resize((picture.width * 2, picture.height * 2))
        return SimpleNamespace(images=[doubled if "upscale" in enhance else picture])


def tiny(method: str, source: str | None = None, revision: str | None = None):
    torch.manual_seed(1 if not source else 2)
    pipe = get_method(method).tiny()
    return Studio(pipe) if method == "product_studio" else pipe


class Request:
    """What the actions look at."""

    session_hash = "x"

    def __init__(self, language: str = "en"):
        self.headers = {"accept-language": language}


def silent(*_, **__) -> None:
    """Stands in for gradio's progress."""


@pytest.fixture(scope="module")
def services() -> Services:
    return Services(Models(load=tiny, most=4), LIMITS)


@pytest.fixture
def details(services) -> DetailActions:
    return DetailActions("details", "detail_generator", services)


@pytest.fixture
def products(services) -> ProductActions:
    return ProductActions("products", "product_studio", services)


@pytest.fixture
def edits(services) -> EditActions:
    return EditActions("edit", "product_studio", services, [])


@pytest.fixture
def photograph(tmp_path) -> Path:
    values = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / "shoe 鞋.png")
    return tmp_path / "shoe 鞋.png"


def generate(actions, category="", count=3, seed="7", variety=1.0, language="en", source=""):
    return actions.generate(category, count, seed, variety, source, "", Request(language), silent)


def produce(actions, kind="", colour="", count=3, seed="7", gate=True, tries=4, language="en", variety=1.0):
    return actions.generate(kind, colour, count, seed, variety, gate, tries, "", "", Request(language), silent)


def edit(actions, picture, enhance=(), style="", own=None, strength=0.8, keep=True, language="en"):
    own = None if own is None else str(own)
    return actions.edit(str(picture), list(enhance), style, own, strength, keep, "", "", Request(language), silent)


def pixels(path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


# --- making pictures


def test_details_are_the_pipelines_and_tell_what_they_are(details, services):
    gallery, files, archive, text = generate(details, "packages", count=3, seed="41", variety=0.5)
    pipe = services.models.get("detail_generator")
    want = pipe("packages", 3, seed=41, truncation=0.5)
    for number, (file, (shown, caption)) in enumerate(zip(files, gallery, strict=True)):
        assert shown == file and caption == f"Packages {41 + number}"
        np.testing.assert_array_equal(pixels(file), np.asarray(want.images[number]))
        facts = read_facts(file)
        assert (facts.category, facts.seed, facts.truncation, facts.latents) == ("packages", 41 + number, 0.5, None)
        assert facts.model == "detail-generator (bundled)" and facts.revision.startswith("sha256:")
    assert Path(files[0]).name == "packages-41.png"
    with zipfile.ZipFile(archive) as packed:
        assert packed.namelist() == [Path(file).name for file in files]
        assert packed.read("packages-41.png") == Path(files[0]).read_bytes()
    assert "3 pictures of 16 × 16" in text


def test_without_a_seed_chance_decides(details):
    first, second = (read_facts(generate(details, seed=seed)[1][0]).seed for seed in ("", None))
    assert first != second


def test_a_hub_model_is_named_with_its_revision(details):
    output = details.generate("fruit", 1, "0", 1.0, "user/model", "v2", Request(), silent)
    facts = read_facts(output[1][0])
    assert (facts.model, facts.revision) == ("user/model", "v2")
    plain = read_facts(generate(details, "fruit", 1, "0", source="user/model")[1][0])
    assert plain.model == "user/model" and plain.revision.startswith("sha256:")


def test_products_show_the_gates_scores_and_rate(products, services):
    gallery, files, _, text = produce(products, "shoes", "red", count=5)
    want = services.models.get("product_studio")("shoes", "red", 5, 7, 1.0, gate=True, tries=4)
    marks = ["✓" if accepted else "✗" for accepted in want.accepted]
    scores = [f"{score:.2f} {mark}" for score, mark in zip(want.scores, marks, strict=True)]
    assert [caption for _, caption in gallery] == scores
    assert f"let {round(100 * want.acceptance_rate)} % of all" in text
    assert [read_facts(file).seed for file in files] == want.seeds
    assert [read_facts(file).score for file in files] == want.scores
    assert {read_facts(file).colour for file in files} == {"red"}
    assert "would have let" in produce(products, "shoes", "red", gate=False)[3]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"count": 0}, "Between 1 and 64 pictures.*got 0"),
        ({"count": 1_000_000}, "Between 1 and 64.*got 1000000"),
        ({"count": -3}, "Between 1 and 64"),
        ({"count": 2.5}, "Between 1 and 64"),
        ({"count": float("nan")}, "Between 1 and 64"),
        ({"count": "many"}, "Between 1 and 64"),
        ({"count": True}, "Between 1 and 64"),
        ({"count": None}, "Between 1 and 64"),
        ({"seed": "-1"}, "A seed is a whole number.*got -1"),
        ({"seed": "1.5"}, "A seed is a whole number"),
        ({"seed": "words"}, "A seed is a whole number"),
        ({"seed": str(2**63)}, "A seed is a whole number"),
        ({"seed": "٣"}, "A seed is a whole number"),
        ({"variety": -0.1}, "Variety goes from 0 to 1.5; got -0.1"),
        ({"variety": 2}, "Variety goes"),
        ({"variety": None}, "Variety goes"),
    ],
)
def test_what_cannot_be_made_is_explained(details, products, wrong, sentence):
    before = result_folders()
    for actions, make in ((details, generate), (products, produce)):
        with pytest.raises(gr.Error, match=sentence):
            make(actions, **wrong)
    assert result_folders() == before


def test_unknown_names_are_explained_in_the_pages_language(details, products):
    with pytest.raises(gr.Error, match="knows no “cheese”. It knows: Fruit, Packages, Vegetables"):
        generate(details, "cheese")
    with pytest.raises(gr.Error, match="不认识“cheese”，它认识：水果, 包装, 蔬菜"):
        generate(details, "cheese", language="zh-CN")
    with pytest.raises(gr.Error, match="knows no “mauve”. It knows: Black, Red"):
        produce(products, "shoes", "mauve")
    with pytest.raises(gr.Error, match="knows no “watches”"):
        produce(products, "watches")
    for names in (["fruit", "x"], {"a": 1}, 7):
        with pytest.raises(gr.Error, match="knows no"):
            generate(details, names)
    for tries in (0, 17, "x", None):
        with pytest.raises(gr.Error, match="gets 1 to 16 tries"):
            produce(products, tries=tries)


def test_a_model_that_only_edits_says_so(services):
    editing_only = Services(Models(load=lambda *_: SimpleNamespace(generator=None)), LIMITS)
    with pytest.raises(gr.Error, match="edits pictures and makes none"):
        produce(ProductActions("products", "product_studio", editing_only))


# --- the chosen picture


def pick(actions, files, number):
    return actions.pick(files, SimpleNamespace(index=number), Request())


def test_choosing_shows_the_picture_and_its_facts(details, products):
    files = generate(details, "fruit")[1]
    panel, picture, download, words = pick(details, files, 2)
    assert panel["visible"] and picture == download == files[2]
    assert "Fruit" in words and "Seed 9" in words and "detail-generator (bundled)" in words
    assert "Red" in pick(products, produce(products, "bags", "red")[1], 0)[3]
    for wrong in (3, -1, None, [0, 1], "0"):
        with pytest.raises(gr.Error, match="Choose one of the pictures"):
            pick(details, files, wrong)
    Path(files[0]).unlink()  # files go after an hour
    with pytest.raises(gr.Error, match="Choose one of the pictures"):
        pick(details, files, 0)


def test_more_like_this_begins_with_this(details, products):
    for actions, files in ((details, generate(details, "fruit")[1]), (products, produce(products, "bags", "red")[1])):
        gallery, alike, *_ = actions.more_like(files[1], 0.0, "", "", Request(), silent)
        assert len(gallery) == len(alike) == ALIKE
        assert all(np.abs(pixels(file) - pixels(files[1])).max() <= 1 for file in alike)
        _, others, *_ = actions.more_like(files[1], 0.8, "", "", Request(), silent)
        assert len({Path(file).read_bytes() for file in others}) == ALIKE
        facts = read_facts(others[0])
        assert facts.seed is None and len(facts.latents) == 8 and facts.category in ("fruit", "bags")
        again = actions.more_like(others[3], 0.0, "", "", Request(), silent)[1]  # by its latents
        assert np.abs(pixels(again[0]) - pixels(others[3])).max() <= 1


def test_a_film_goes_from_one_to_the_next(details):
    files = generate(details, "fruit")[1]
    stops, shown, drawer = details.add_stop(files[0], [], Request())
    stops, *_ = details.add_stop(files[2], stops, Request())
    assert stops == [files[0], files[2]] and shown["visible"] and drawer["open"]
    frames, strip = details.film(stops, 5, "", "", Request(), silent)
    assert len(frames) == 6
    for frame, file in ((frames[0], files[0]), (frames[5], files[2])):
        assert np.abs(pixels(frame) - pixels(file)).max() <= 1
    assert Image.open(strip).size == (6 * 16 + 5 * 2, 16)
    assert details.clear_stops()[0] == []


def test_films_and_likes_that_cannot_be_are_explained(details, photograph, tmp_path):
    files = generate(details, "fruit")[1]
    other = generate(details, "fruit", source="user/model")[1]
    write_png(Image.new("RGB", (16, 16)), tmp_path / "no noise.png", PictureFacts("m", category="fruit"))
    (tmp_path / "cut.png").write_bytes(Path(files[0]).read_bytes()[:30])
    cases = [
        (None, "Choose one of the pictures first"),
        (str(tmp_path / "none.png"), "Choose one of the pictures first"),
        (str(photograph), "does not tell what it was made from"),
        (str(tmp_path / "no noise.png"), "does not tell what it was made from"),
        (str(tmp_path / "cut.png"), "damaged or incomplete"),
        (other[0], "made by another model"),
    ]
    for chosen, sentence in cases:
        with pytest.raises(gr.Error, match=sentence):
            details.more_like(chosen, 0.3, "", "", Request(), silent)
        with pytest.raises(gr.Error, match=sentence):
            details.film([files[0], chosen], 5, "", "", Request(), silent)
    for distance in (-1, 1.1, None, "x"):
        with pytest.raises(gr.Error, match="How different goes from 0 to 1"):
            details.more_like(files[0], distance, "", "", Request(), silent)
    for stops, steps, sentence in (
        ([], 5, "needs two pictures"),
        (files[:1], 5, "needs two pictures"),
        (files * 2, 5, f"up to {MAX_STOPS}"),
        (files[:2], 1, "2 to 12 frames"),
        (files[:2], 1000, "2 to 12 frames"),
    ):
        with pytest.raises(gr.Error, match=sentence):
            details.film(stops, steps, "", "", Request(), silent)
    with pytest.raises(gr.Error, match=f"up to {MAX_STOPS}"):
        details.add_stop(files[0], [files[1]] * MAX_STOPS, Request())


# --- from a picture of one's own


def vary(actions, picture, category="", distance=0.4, count=2, seed="3", source="", language="en"):
    picture = None if picture is None else str(picture)
    return actions.vary(picture, category, distance, count, seed, source, "", Request(language), silent)


def test_a_picture_is_rebuilt_and_varied(details, services, photograph):
    gallery, files, archive, _ = vary(details, photograph, "fruit")
    pipe = services.models.get("detail_generator")
    assert [caption for _, caption in gallery[:2]] == ["yours", "rebuilt"] and len(gallery) == 4
    rebuilt, varied = (
        pipe.reconstruct(photograph, "fruit"),
        pipe.vary(photograph, "fruit", strength=0.4, batch_size=2, seed=3),
    )
    np.testing.assert_array_equal(pixels(files[1]), np.asarray(rebuilt.images[0]))
    for file, image in zip(files[2:], varied.images, strict=True):
        np.testing.assert_array_equal(pixels(file), np.asarray(image))
    assert read_facts(files[0]) is None and Image.open(files[0]).size == (16, 16)
    again = details.more_like(files[1], 0.0, "", "", Request(), silent)[1]
    assert np.abs(pixels(again[0]) - pixels(files[1])).max() <= 1
    with zipfile.ZipFile(archive) as packed:
        assert len(packed.namelist()) == 2


def test_pictures_that_cannot_be_varied_are_explained(details, photograph, tmp_path):
    with pytest.raises(gr.Error, match="Choose a picture to start from"):
        vary(details, None)
    for name, (make, sentence) in BAD.items():
        (tmp_path / name).write_bytes(make())
        with pytest.raises(gr.Error, match=sentence):
            vary(details, tmp_path / name)
    with pytest.raises(gr.Error, match="knows no “cheese”"):
        vary(details, photograph, "cheese")
    without = tiny("detail_generator")
    without.encoder = None
    bare = DetailActions("details", "detail_generator", Services(Models(load=lambda *_: without), LIMITS))
    with pytest.raises(gr.Error, match="has no encoder"):
        vary(bare, photograph)


# --- editing


def test_an_edit_is_the_pipelines(edits, services, photograph):
    pipe = services.models.get("product_studio")
    (before, after), download, text = edit(edits, photograph, ["denoise"], "waves", strength=0.3, keep=False)
    assert pipe.asked[-1] == ("waves", ("denoise",), 0.3, False)
    np.testing.assert_array_equal(pixels(download), 255 - pixels(photograph))
    np.testing.assert_array_equal(pixels(before), pixels(photograph))
    np.testing.assert_array_equal(pixels(after), pixels(download))
    assert Path(download).name == "shoe 鞋-edited.png" and "60 × 40 pixels" in text


def test_a_doubled_picture_is_compared_at_its_own_size(edits, photograph):
    (before, after), download, text = edit(edits, photograph, ["upscale"])
    assert Image.open(before).size == Image.open(after).size == Image.open(download).size == (120, 80)
    assert "120 × 80" in text


def test_a_style_picture_takes_the_place_of_a_named_style(edits, services, photograph, tmp_path):
    Image.new("RGB", (70, 50), "blue").save(tmp_path / "style.jpg")
    edit(edits, photograph, style="waves", own=tmp_path / "style.jpg")
    style = services.models.get("product_studio").asked[-1][0]
    assert Image.open(style).size == (70, 50)


def test_edits_that_cannot_be_are_explained(edits, photograph, tmp_path):
    cases = [
        ({}, "Choose what is to change"),
        (
            {"enhance": ["polish"]},
            "cannot do “polish”. It can do: Take noise away, Twice the size, Clean white background",
        ),
        ({"enhance": ["tone"], "language": "zh"}, "不会“对比与白平衡”，它会：去噪点, 放大一倍, 干净的白底"),
        ({"style": "cubism"}, "knows no style “cubism”. It knows: Waves, Ink wash"),
        ({"style": "waves", "strength": 1.5}, "from 0 to 1; got 1.5"),
        ({"style": "waves", "strength": None}, "from 0 to 1"),
    ]
    before = result_folders()
    for options, sentence in cases:
        with pytest.raises(gr.Error, match=sentence):
            edit(edits, photograph, **options)
    for name, (make, sentence) in BAD.items():
        (tmp_path / name).write_bytes(make())
        with pytest.raises(gr.Error, match=sentence) as caught:
            edit(edits, tmp_path / name, ["denoise"])
        assert name in str(caught.value)
        with pytest.raises(gr.Error, match=sentence) as caught:
            edit(edits, photograph, own=tmp_path / name)
        assert name in str(caught.value)
    with pytest.raises(gr.Error, match="Choose a picture first"):
        edits.edit(None, ["denoise"], "", None, 1, True, "", "", Request(), silent)
    assert result_folders() == before


def test_networks_that_a_model_lacks_are_named(photograph):
    bare = Studio(tiny("product_studio").pipe)
    edits = EditActions("edit", "product_studio", Services(Models(load=lambda *_: bare), LIMITS), [])
    bare.enhancements = ("denoise",)
    with pytest.raises(gr.Error, match="cannot tell the background"):
        edit(edits, photograph, style="waves")
    edit(edits, photograph, style="waves", keep=False)
    bare.style = None
    with pytest.raises(gr.Error, match="no network for styles"):
        edit(edits, photograph, style="waves", keep=False)


def test_large_pictures_are_not_edited(edits, tmp_path, monkeypatch):
    monkeypatch.setattr("pipelines.product_studio.tab_edit_actions.EDITED_MEGAPIXELS", 1)
    Image.new("L", (1001, 1000)).save(tmp_path / "large.png")
    with pytest.raises(gr.Error, match="1001 × 1000 pixels. Pictures of up to 1 megapixels"):
        edit(edits, tmp_path / "large.png", ["denoise"])


def test_many_files_come_back_as_an_archive(edits, photograph, tmp_path):
    (tmp_path / "other").mkdir()
    Image.new("RGB", (30, 20), "red").save(tmp_path / "other" / photograph.name)
    (tmp_path / "cut.png").write_bytes(photograph.read_bytes()[:4000])
    files = [str(photograph), str(tmp_path / "other" / photograph.name), str(tmp_path / "cut.png")]

    def run(pictures, enhance=("denoise",)):
        return edits.edit_files(pictures, list(enhance), "", None, 1.0, True, "", "", Request(), silent)

    archive, text = run(files)
    with zipfile.ZipFile(archive) as packed:
        assert packed.namelist() == ["shoe 鞋-edited.png", "shoe 鞋-edited-2.png"]
        packed.extractall(tmp_path / "unpacked")
    np.testing.assert_array_equal(pixels(tmp_path / "unpacked" / "shoe 鞋-edited.png"), 255 - pixels(photograph))
    assert Image.open(tmp_path / "unpacked" / "shoe 鞋-edited-2.png").size == (30, 20)
    assert "2 pictures" in text and "left out: cut.png" in text
    before = result_folders()
    large = tmp_path / "large.png"
    Image.new("L", (2000, 1000)).save(large)
    for pictures, sentence in (
        (None, "Choose the pictures first"),
        ([], "Choose the pictures first"),
        ([str(photograph)] * (MAX_FILES + 1), f"Up to {MAX_FILES} pictures are edited at once; these are 21"),
        ([str(large)] * 3, "6 megapixels in all. Up to 4"),
        ([str(tmp_path / "cut.png")], "cut.png” is damaged"),
        ([str(tmp_path / "cut.png")] * 2, "damaged"),
    ):
        with pytest.raises(gr.Error, match=sentence):
            run(pictures)
    with pytest.raises(gr.Error, match="Choose what is to change"):
        run(files, ())
    assert result_folders() == before


def test_a_generated_picture_is_handed_to_the_panel(edits, products):
    chosen = produce(products, "bags", "red")[1][0]
    taken = edits.take(chosen, Request())
    assert taken != chosen and Path(taken).read_bytes() == Path(chosen).read_bytes()
    with pytest.raises(gr.Error, match="Choose a picture first"):
        edits.take(None, Request())


def test_a_style_of_the_gallery_is_chosen_by_its_name(edits):
    assert edits.pick_style(SimpleNamespace(index=3), Request())[0] == STYLE_NAMES[3]


# --- stopping


def test_stop_ends_the_work_and_leaves_nothing(services, photograph):
    def stopping(*_, **__):
        services.workers.stop("x")

    details = DetailActions("details", "detail_generator", services)
    edits = EditActions("edit", "product_studio", services, [])
    before = result_folders()
    for work in (
        lambda: details.generate("fruit", 64, "0", 1.0, "", "", Request(), stopping),
        lambda: edits.edit(str(photograph), ["denoise"], "", None, 1.0, True, "", "", Request(), stopping),
        lambda: edits.edit_files([str(photograph)] * 9, ["denoise"], "", None, 1.0, True, "", "", Request(), stopping),
    ):
        with pytest.raises(gr.Error, match="Stopped") as caught:
            work()
        assert isinstance(caught.value.__cause__, Stopped)
    assert result_folders() == before
    with services.workers.work("next"):  # the slot is free again
        pass


# --- the page


def test_the_choices_have_texts_in_both_languages():
    keys = [f"details_category_{name}" for name in GROCERIES] + [f"products_category_{name}" for name in CATEGORIES]
    keys += [f"products_colour_{name}" for name in COLOURS] + [f"edit_enhance_{name}" for name in ENHANCEMENTS]
    keys += [f"edit_style_{name.replace(' ', '_').replace('-', '_')}" for name in STYLE_NAMES]
    assert all(key in strings(language) for key in keys for language in LANGUAGES)
    assert {kind for _, _, kind, _ in PRODUCTS} == set(CATEGORIES)


def test_the_choices_are_those_of_the_data():
    from datasets_cards.procedural.product import KINDS
    from pipelines.product_studio.pipeline_product_studio import ProductStudio

    assert set(CATEGORIES) == set(KINDS)
    components = set(ProductStudio._get_signature_keys(ProductStudio)[0])
    assert set(ENHANCEMENTS) < components


def test_the_page_is_told_all_that_a_widget_is(services):
    """A widget whose constructor hides its parent's arguments reaches the page without them, and breaks it."""
    blocks = app.build(services).blocks.values()
    areas = [block for block in blocks if isinstance(block, PictureArea)]
    (told,) = [block.get_config() for block in areas]
    assert (told["elem_id"], told["height"], told["buttons"]) == ("product", 180, [])
    assert told["sources"] == ["upload", "clipboard"]
    for block in blocks:
        if block.get_block_name() in ("image", "imageslider", "gallery"):
            assert block.get_config()["buttons"] is not None


def test_the_panel_offers_what_the_default_model_can_do(tmp_path):
    index = {"_class_name": ["file", "ProductStudio"], "denoise": ["file", "Restorer"], "style": [None, None]}
    (tmp_path / "model_index.json").write_text(json.dumps(index | {"generator": ["file", "Generator"]}))
    models = Models({"product_studio": str(tmp_path)})
    assert models.default_parts("product_studio") == {"denoise", "generator"}
    assert editing_parts({"denoise", "generator"}) == ("denoise",)
    assert editing_parts(None) == editing_parts({"generator"}) == (*ENHANCEMENTS, "style")
    assert editing_parts({"style", "cutout"}) == ("cutout", "style")
    blocks = app.build(Services(models, LIMITS)).blocks.values()
    (offered,) = [block for block in blocks if block.elem_id == "edit-enhance"]
    assert [value for _, value in offered.choices] == ["denoise"]
    (styling,) = [block for block in blocks if block.elem_id == "edit-styling"]
    assert not styling.visible


def test_weights_whose_parts_nobody_knows(tmp_path):
    assert Models({"product_studio": str(tmp_path / "none")}).default_parts("product_studio") is None
    assert Models({"product_studio": "someone/studio"}).default_parts("product_studio") is None
    (tmp_path / "model_index.json").write_text("{")
    assert Models({"product_studio": str(tmp_path)}).default_parts("product_studio") is None


@pytest.fixture(scope="module")
def client(services) -> Iterator[Client]:
    demo = app.serve(services)
    yield Client(demo.local_url, verbose=False)
    demo.close()


def test_by_program(client, photograph):
    gallery, archive, text = client.predict("fruit", 2, "5", 1.0, "", "", api_name="/generate_details")
    assert [item["caption"] for item in gallery] == ["Fruit 5", "Fruit 6"] and zipfile.is_zipfile(archive)
    assert read_facts(gallery[0]["image"]).seed == 5
    gallery, _, text = client.predict("bags", "red", 2, "5", 1.0, True, 3, "", "", api_name="/generate_products")
    assert len(gallery) == 2 and "gate" in text
    pair, download, _ = client.predict(
        handle_file(photograph), ["denoise"], "", None, 1.0, True, "", "", api_name="/edit_product"
    )
    assert len(pair) == 2 and Image.open(download).size == (60, 40)


def test_bad_requests_by_program_get_a_sentence(client):
    for arguments, sentence in (
        (("cheese", 2, "5", 1.0), "knows no “cheese”"),
        (("fruit", 0, "5", 1.0), "Between 1 and 64"),
        (("fruit", 1_000_000, "5", 1.0), "Between 1 and 64"),
        (("fruit", 2, "-5", 1.0), "A seed is a whole number"),
        (("fruit", 2, "5", 9), "Variety goes from 0 to 1.5"),
    ):
        with pytest.raises(Exception, match=sentence):
            client.predict(*arguments, "", "", api_name="/generate_details")
