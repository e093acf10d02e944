"""`ProductStudio.edit`: any size, tiles like the whole, order, transparency, and one sentence for bad input."""

import numpy as np
import pytest
import torch
from PIL import Image

from editing_fixtures import STYLE_NAMES, small_parts
from pipelines.images import Picture
from pipelines.product_studio import editing_steps
from pipelines.product_studio.editing import ENHANCEMENTS, edit_pictures
from pipelines.product_studio.editing_steps import enhanced, opacity_of, painted
from pipelines.product_studio.pipeline_product_studio import ProductStudio


@pytest.fixture(scope="module")
def parts():
    return small_parts()


@pytest.fixture(scope="module")
def pipe(parts):
    return ProductStudio(**parts)


def noise(height: int, width: int, channels: int = 3, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, (height, width, channels), dtype, endpoint=True)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 40), (37, 61), (64, 64), (90, 31)])
def test_pictures_of_any_size(pipe, height, width):
    (image,) = pipe.edit(
        Image.fromarray(noise(height, width)), "mosaic", ENHANCEMENTS, strength=0.7, keep_background=True
    ).images
    assert image.size == (2 * width, 2 * height) and image.mode == "RGB"


@pytest.mark.parametrize("name", ENHANCEMENTS)
def test_each_enhancement_changes_the_picture_and_is_seeded(pipe, name):
    source = noise(40, 52)
    first, second = (np.asarray(pipe.edit(source, enhance=name).images[0]) for _ in range(2))
    assert np.array_equal(first, second)
    assert first.shape == ((80, 104, 3) if name == "upscale" else (40, 52, 3))
    assert name == "upscale" or not np.array_equal(first, source)


def test_several_pictures_come_back_in_order_and_nothing_is_nothing(pipe):
    sources = [noise(20, 30, seed=1), noise(24, 18, seed=2)]
    images = pipe.edit(sources).images
    assert all(np.array_equal(image, source) for image, source in zip(images, sources, strict=True))
    together = pipe.edit(sources, "waves", ["tone"]).images
    alone = [pipe.edit(source, "waves", ["tone"]).images[0] for source in sources]
    assert [image.tobytes() for image in together] == [image.tobytes() for image in alone]


@pytest.mark.parametrize("name", ["denoise", "deblur", "upscale", "tone", "cutout"])
def test_tiles_give_what_the_whole_gives(parts, name, monkeypatch):
    source = noise(75, 101)
    whole = edit_pictures(parts, source, enhance=name)[0].pixels
    monkeypatch.setattr(editing_steps, "EDIT_TILE", 24)
    tiled = edit_pictures(parts, source, enhance=name)[0].pixels
    assert np.abs(whole.astype(int) - tiled.astype(int)).max() <= 1  # a tie of rounding at most
    assert (whole != tiled).mean() < 1e-3


def test_styled_tiles_have_no_seams(parts, monkeypatch):
    source = np.asarray(Image.fromarray(noise(9, 12)).resize((120, 90)))
    whole = edit_pictures(parts, source, "mosaic", keep_background=True)[0].pixels
    monkeypatch.setattr(editing_steps, "EDIT_TILE", 32)
    tiled = edit_pictures(parts, source, "mosaic", keep_background=True)[0].pixels
    assert np.abs(whole.astype(int) - tiled.astype(int)).max() <= 1


def test_a_missing_halo_would_show(parts):
    """The tests above could not fail if a network saw nothing beyond its tile."""
    source, network = Picture(noise(64, 64)), parts["denoise"]
    left = Picture(np.ascontiguousarray(source.pixels[:, :32]))
    with torch.no_grad():
        whole, half = (
            painted(one, lambda part, *_: editing_steps.restored(network, part), network.field, 1, lambda *_: None)
            for one in (source, left)
        )
    same = (whole.pixels[:, :32] == half.pixels).all((0, 2))
    assert same[: 32 - network.field].all() and not same[-1]


def test_strength_blends_from_the_input(pipe):
    source = noise(40, 40)
    none, half, whole = (
        pipe.edit(source, "mosaic", strength=strength, output_type="np").images[0] for strength in (0, 0.5, 1)
    )
    assert np.array_equal((none * 255).round().astype(np.uint8), source)
    assert np.allclose(half, (none + whole) / 2, atol=2 / 255) and np.abs(whole - none).max() > 0.1


def test_named_styles_are_the_pictures_they_were_made_of(parts):
    network, picture = parts["style"], noise(64, 64, seed=5)
    with torch.no_grad():
        image = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 127.5 - 1
        network.codes[0] = network.code(image)[0]
    named, given = (edit_pictures(parts, noise(40, 40), style)[0].pixels for style in ("mosaic", picture))
    assert np.array_equal(named, given)


def test_keeping_the_background_styles_the_product_alone(parts):
    source = noise(48, 48, seed=3)
    opacity = opacity_of(parts["cutout"], Picture(source))
    mask = opacity(editing_steps.as_image(source, parts["cutout"]), 0, 0)[0, 0].numpy()
    kept = edit_pictures(parts, source, "waves", keep_background=True)[0].pixels
    changed = np.abs(kept.astype(int) - source).max(2) > 0
    assert mask.min() == 0 and mask.max() <= 1
    assert changed.any() and not changed[mask == 0].any()


def test_a_cutout_is_white_where_there_is_no_product(parts):
    source = noise(48, 48, seed=4)
    opacity = opacity_of(parts["cutout"], Picture(source))
    mask = opacity(editing_steps.as_image(source, parts["cutout"]), 0, 0)[0, 0].numpy()
    cut = edit_pictures(parts, source, enhance="cutout")[0].pixels
    expected = 255 + (source.astype(float) - 255) * mask[..., None]
    assert np.abs(cut - expected).max() <= 0.51


def test_transparency_and_16_bits_are_kept(pipe):
    source = noise(30, 26, 4, np.uint16)
    (small,) = pipe.edit(source, "mosaic", ["denoise", "tone"], output_type="np").images
    assert small.shape == (30, 26, 4)
    assert np.array_equal((small[..., 3] * 65535).round().astype(np.uint16), source[..., 3])
    (large,) = pipe.edit(Image.fromarray(noise(30, 26, 4)), enhance="upscale").images
    assert large.mode == "RGBA" and large.size == (52, 60)
    levels = (pipe.edit(source[..., :3], enhance="denoise", output_type="np").images[0] * 65535) % 257
    assert (np.abs(levels - 128.5) < 127).any()  # not 8 bits blown up


def test_hidden_colours_of_transparent_pixels_decide_nothing(pipe):
    source = noise(32, 32, 4)
    source[:16, :, 3], source[16:, :, 3] = 0, 255
    other = source.copy()
    other[:16, :, :3] = 255 - other[:16, :, :3]
    for options in ({"enhance": "tone"}, {"style": "mosaic"}):
        first, second = (np.asarray(pipe.edit(Image.fromarray(one), **options).images[0]) for one in (source, other))
        assert np.array_equal(first[16:], second[16:])


def test_the_order_is_fixed_and_repeats_count_once(parts):
    source = noise(32, 32)
    first = edit_pictures(parts, source, enhance=["upscale", "tone", "denoise", "tone"])[0].pixels
    second = edit_pictures(parts, source, enhance=("denoise", "tone", "upscale"))[0].pixels
    by_hand = Picture(source)
    for name in ("denoise", "tone", "upscale"):
        by_hand = enhanced(parts[name], name, by_hand, lambda *_: None)
    assert np.array_equal(first, second) and np.array_equal(first, by_hand.pixels)


def test_progress_ends_whole_and_an_exception_stops_the_work(pipe):
    told: list[tuple[int, int]] = []
    pipe.edit([noise(20, 20)] * 2, "mosaic", ["denoise", "tone"], progress=lambda done, of: told.append((done, of)))
    assert told == sorted(told) and told[-1] == (600, 600) and len(told) == 6

    def stop(done: int, of: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        pipe.edit(noise(20, 20), enhance="tone", progress=stop)


def test_what_a_model_can_do_is_what_it_has(parts):
    assert ProductStudio(**parts).enhancements == ENHANCEMENTS and ProductStudio(**parts).styles == STYLE_NAMES
    some = ProductStudio(tone=parts["tone"])
    assert some.enhancements == ("tone",) and some.styles == ()


BROKEN = [
    ({"enhance": "sharpen"}, "enhance takes denoise, deblur, tone, upscale, cutout; got 'sharpen'"),
    ({"enhance": ["tone", 3]}, "enhance takes denoise, deblur, tone, upscale, cutout; got 3"),
    ({"style": "cubism"}, "style must be a picture or one of mosaic, waves, got 'cubism'"),
    ({"style": "mosaic", "strength": 1.5}, "strength must be a number from 0 to 1, got 1.5"),
    ({"style": "mosaic", "strength": float("nan")}, "strength must be a number from 0 to 1, got nan"),
    ({"style": "mosaic", "strength": "much"}, "strength must be a number from 0 to 1, got 'much'"),
    ({"style": 7}, "The style picture cannot be used: A picture is a path"),
    ({"style": np.zeros((4, 4, 2), np.uint8)}, "The style picture cannot be used: An array must be"),
    ({"output_type": "jpg"}, 'output_type must be "pil", "np" or "pt"'),
]


@pytest.mark.parametrize(("options", "sentence"), BROKEN)
def test_bad_input_gives_one_sentence(pipe, options, sentence):
    with pytest.raises(ValueError) as error:
        pipe.edit(noise(16, 16), **options)
    assert sentence in str(error.value) and "\n" not in str(error.value)


def test_broken_style_files_give_one_sentence(pipe, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + b"no picture at all")
    text = tmp_path / "style.txt"
    text.write_text("waves")
    for file in (broken, str(text), tmp_path / "missing.png"):
        with pytest.raises(ValueError, match="The style picture cannot be used: "):
            pipe.edit(noise(16, 16), file)


def test_missing_networks_give_one_sentence(parts):
    bare, some = ProductStudio(), ProductStudio(tone=parts["tone"], style=parts["style"])
    with pytest.raises(ValueError, match="no network for enhance 'deblur'; it can edit by nothing"):
        bare.edit(noise(16, 16), enhance="deblur")
    with pytest.raises(ValueError, match="no network for styles; it can edit by nothing"):
        bare.edit(noise(16, 16), "mosaic")
    with pytest.raises(ValueError, match="no network for keep_background; it can edit by tone, style"):
        some.edit(noise(16, 16), "mosaic", keep_background=True)


def test_a_picture_too_large_to_be_enlarged_is_said_so(pipe, monkeypatch):
    monkeypatch.setattr(editing_steps, "MAX_PICTURE_PIXELS", 1000)
    with pytest.raises(ValueError, match=r"The enlarged picture is 40x40 .* megapixels; at most"):
        pipe.edit(noise(20, 20), enhance="upscale")
