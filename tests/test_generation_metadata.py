"""What generated pictures tell of themselves: PNG chunks, the name of the weights, and the way back to the latents."""

import zlib

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipelines import METHODS, get_method
from pipelines.generation.chosen import film_request, nearby_request, paint_request, request_of
from pipelines.generation.identity import digest, model_of
from pipelines.generation.png_metadata import MAX_SEED, PictureFacts, facts_of, file_stem, read_facts, write_png

LATENTS = tuple(np.random.default_rng(0).standard_normal(128).astype(np.float32).tolist())
FULL = PictureFacts("user/模型", "v1", "fruit", "red", 2**63 - 1, 0.1 + 0.2, LATENTS, -1.25e-3)


@pytest.fixture(scope="module", autouse=True)
def methods():
    with pytest.MonkeyPatch.context() as patch:
        for name in ("detail_generator", "product_studio"):
            patch.setitem(METHODS, name, f"pipelines.{name}")
        yield


def tiny(method: str, seed: int = 1):
    torch.manual_seed(seed)
    return get_method(method).tiny()


@pytest.fixture(scope="module")
def pipe():
    return tiny("detail_generator")


@pytest.fixture(scope="module")
def studio():
    return tiny("product_studio")


def pixels(images) -> np.ndarray:
    return np.stack([np.asarray(image) for image in images]).astype(int)


# --- the file


@pytest.mark.parametrize("facts", [FULL, PictureFacts("m"), PictureFacts(seed=0), PictureFacts(truncation=0.0)])
def test_facts_come_back_equal_and_the_pixels_too(tmp_path, facts):
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (8, 9, 3), dtype=np.uint8))
    write_png(picture, tmp_path / "a.png", facts)
    assert read_facts(tmp_path / "a.png") == facts
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), np.asarray(picture))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_the_chunks_bear_the_agreed_names(tmp_path):
    write_png(Image.new("RGB", (4, 4)), tmp_path / "a.png", FULL)
    names = {"model", "revision", "category", "colour", "seed", "truncation", "latents", "score"}
    text = Image.open(tmp_path / "a.png").text
    assert set(text) == {f"danqing:{name}" for name in names}
    assert text["danqing:seed"] == "9223372036854775807" and text["danqing:model"] == "user/模型"


def test_what_tells_nothing_tells_nothing(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "plain.png")
    Image.new("RGB", (4, 4)).save(tmp_path / "a.jpg")
    (tmp_path / "short").write_bytes(b"x")
    assert all(read_facts(tmp_path / name) is None for name in ("plain.png", "a.jpg", "short"))
    with pytest.raises(OSError):
        read_facts(tmp_path / "none.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "plain.png").read_bytes()[:20])
    with pytest.raises(OSError, match="cut.png is a damaged PNG"):
        read_facts(tmp_path / "cut.png")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("seed", "-1"),
        ("seed", "7.5"),
        ("seed", str(MAX_SEED + 1)),
        ("seed", "9" * 5000),
        ("seed", "٣"),
        ("truncation", "nan"),
        ("truncation", "1e999"),
        ("score", "words"),
        ("latents", "no base64"),
        ("latents", "AAAA"),
        ("latents", "AADAfw=="),  # NaN
        ("latents", ""),
        ("latents", "AAAA" * 100_000),
    ],
)
def test_values_that_cannot_be_count_as_absent(tmp_path, name, text):
    info = PngInfo()
    info.add_itxt("danqing:model", "m")
    info.add_itxt(f"danqing:{name}", text)
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", pnginfo=info)
    assert read_facts(tmp_path / "a.png") == PictureFacts("m")


def test_a_text_bomb_is_refused(tmp_path):
    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    plain = (tmp_path / "a.png").read_bytes()
    bomb = chunk(b"zTXt", b"danqing:model\0\0" + zlib.compress(bytes(200_000_000), 9))
    (tmp_path / "a.png").write_bytes(plain[:33] + bomb + plain[33:])
    with pytest.raises(OSError, match="damaged PNG"):
        read_facts(tmp_path / "a.png")


def test_names_of_strangers_become_plain_file_names():
    assert file_stem("../../etc/passwd") == "etc_passwd"
    assert file_stem("sandals_heels") == "sandals_heels" and file_stem("水果") == "水果"
    assert file_stem("///") == "picture" and len(file_stem("a" * 500)) == 60


# --- the name of the weights


def test_weights_are_told_by_name_and_digest(pipe, tmp_path):
    assert model_of(pipe, "detail_generator", None, None) == ("detail-generator (bundled)", digest(pipe.generator))
    assert model_of(pipe, "detail_generator", "user/model", "v2") == ("user/model", "v2")
    (tmp_path / "mine").mkdir()
    name, revision = model_of(pipe, "detail_generator", str(tmp_path / "mine"), None)
    assert name == "mine" and revision == digest(pipe.generator) and len(revision) == len("sha256:") + 12


def test_the_digest_is_of_the_numbers():
    first, same, other = tiny("detail_generator"), tiny("detail_generator"), tiny("detail_generator", 2)
    assert digest(first.generator) == digest(same.generator) != digest(other.generator)


# --- the way back


def test_a_picture_is_made_again_from_its_file(pipe, studio, tmp_path):
    for made_by, options in ((pipe, {}), (studio, {"gate": True, "tries": 3})):
        output = made_by(None, batch_size=6, seed=4, truncation=0.7, **options)
        facts = [facts_of(made_by, output, number, ("m", "r"), 0.7) for number in range(6)]
        again = paint_request(made_by, request_of(made_by, facts))
        assert np.abs(pixels(again.images) - pixels(output.images)).max() <= 1  # truncation in the latents: rounding
        assert again.categories == output.categories and again.colours == output.colours
        by_latents = [facts_of(made_by, output, number, ("m", "r"), 0.7, by_seed=False) for number in range(6)]
        assert all(one.seed is None and one.latents for one in by_latents)
        np.testing.assert_array_equal(request_of(made_by, by_latents).latents, request_of(made_by, facts).latents)
        for number in range(6):
            write_png(output.images[number], tmp_path / "a.png", by_latents[number])
            assert read_facts(tmp_path / "a.png") == by_latents[number]


def test_a_colour_without_a_name_comes_back(studio):
    output = studio("shoes", batch_size=40, seed=0, gate=False)
    assert "other" in output.colours
    number = output.colours.index("other")
    facts = facts_of(studio, output, number, ("m", "r"), 1.0)
    again = paint_request(studio, request_of(studio, [facts]))
    np.testing.assert_array_equal(pixels(again.images)[0], np.asarray(output.images[number]))
    assert facts.colour == "other" and again.colours == ["other"]
    assert again.scores == pytest.approx([output.scores[number]], abs=1e-4)


def test_nearby_starts_at_the_picture_and_ends_at_others(pipe):
    output = pipe("fruit", seed=3)
    facts = facts_of(pipe, output, 0, ("m", "r"), 1.0)
    same, far = (nearby_request(pipe, facts, 5, strength, 100) for strength in (0.0, 1.0))
    np.testing.assert_allclose(same.latents, output.latents.expand(5, -1), atol=1e-5)
    np.testing.assert_allclose(far.latents, pipe("fruit", 5, seed=100).latents, atol=1e-5)
    assert same.category == far.category == [0] * 5


def test_a_film_goes_through_its_pictures(studio):
    output = studio(["bags", "shoes", "bags"], "red", 3, seed=[8, 2, 5], gate=False)
    facts = [facts_of(studio, output, number, ("m", "r"), 1.0) for number in range(3)]
    request = film_request(studio, facts, 4)
    assert request.latents.shape == (9, 8) and request.category == [0] * 9 and request.colour == [1] * 9
    np.testing.assert_allclose(request.latents[::4], output.latents, atol=1e-6)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (PictureFacts(category="fruit"), "neither its seed nor its latents"),
        (PictureFacts(category="fruit", latents=(1.0, 2.0)), "2 latents, and this model takes 8"),
        (PictureFacts(category="shoes", seed=1), "category is 'shoes', and this model knows fruit"),
    ],
)
def test_facts_of_another_model_are_refused(pipe, facts, sentence):
    with pytest.raises(ValueError, match=sentence):
        request_of(pipe, [facts])
