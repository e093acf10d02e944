"""DetailGenerator and ProductStudio as their users call them."""

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines import get_method


@pytest.fixture(scope="module")
def details():
    torch.manual_seed(0)
    return get_method("detail_generator").tiny()


@pytest.fixture(scope="module")
def studio():
    torch.manual_seed(0)
    return get_method("product_studio").tiny()


def same(first, second) -> bool:
    return np.abs(np.asarray(first, int) - np.asarray(second, int)).max() <= 1


def test_a_seed_is_a_picture(details):
    several = details("fruit", batch_size=4, seed=7)
    assert several.seeds == [7, 8, 9, 10] and several.categories == ["fruit"] * 4 and several.colours == [None] * 4
    assert same(details("fruit", seed=9).images[0], several.images[2])
    assert same(details("fruit", latents=several.latents[2:3]).images[0], several.images[2])
    assert not same(several.images[0], several.images[1])
    assert several.images[0].size == (details.size, details.size) and details.colours == ()


def test_progress_and_stopping(details):
    seen = []
    details(batch_size=40, seed=0, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(32, 40), (40, 40)]

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        details(batch_size=40, seed=0, progress=stop)


def test_a_film_begins_and_ends_with_its_seeds(details):
    film = details.interpolate([3, 8], "packages", steps=5)
    assert len(film.images) == 6 and film.categories == ["packages"] * 6
    assert same(film.images[0], details("packages", seed=3).images[0])
    assert same(film.images[-1], details("packages", seed=8).images[0])
    with pytest.raises(ValueError, match="two seeds or more"):
        details.interpolate([3])
    with pytest.raises(ValueError, match="steps"):
        details.interpolate([3, 4], steps=0)


def test_more_like_this(details):
    original = details("fruit", seed=5).images[0]
    assert same(details.nearby(5, "fruit", strength=0.0, batch_size=1).images[0], original)
    distances = [
        np.mean(
            [
                np.abs(np.asarray(x, int) - np.asarray(original, int)).mean()
                for x in details.nearby(5, "fruit", strength=s).images
            ]
        )
        for s in (0.1, 0.9)
    ]
    assert 0 < distances[0] < distances[1]
    near = details.nearby(5, "fruit", strength=0.5, batch_size=2)
    assert same(details("fruit", latents=near.latents[1:]).images[0], near.images[1])
    with pytest.raises(ValueError, match="strength"):
        details.nearby(5, strength=2)


def test_pictures_of_ones_own(details):
    picture = Image.linear_gradient("L").convert("RGB").resize((50, 30))
    rebuilt = details.reconstruct([picture, picture.rotate(180)])
    assert len(rebuilt.images) == 2 and rebuilt.images[0].size == (16, 16)
    told = details.reconstruct(picture, category=rebuilt.categories[0])
    assert same(told.images[0], rebuilt.images[0])  # the category that rebuilds it best was taken
    errors = []
    target = np.asarray(picture.crop((10, 0, 40, 30)).resize((16, 16), Image.Resampling.BICUBIC), int)
    for category in details.categories:
        errors.append(np.abs(np.asarray(details.reconstruct(picture, category).images[0], int) - target).mean())
    assert details.categories[int(np.argmin(errors))] == rebuilt.categories[0]
    varied = details.vary(picture, strength=0.0, batch_size=2, seed=1)
    assert same(varied.images[0], rebuilt.images[0]) and same(varied.images[1], rebuilt.images[0])
    assert not same(*details.vary(picture, strength=1.0, batch_size=2, seed=1).images)
    with pytest.raises(ValueError, match="one picture"):
        details.vary([picture, picture])
    with pytest.raises(ValueError, match="category must be one of"):
        details.reconstruct(picture, "hats")


def test_without_an_encoder_nothing_is_rebuilt(details):
    alone = type(details)(details.generator)
    assert alone("fruit", seed=1).images
    for call in (alone.reconstruct, alone.vary):
        with pytest.raises(ValueError, match="no encoder"):
            call(Image.new("RGB", (16, 16)))


def test_the_gate_is_part_of_the_call(studio):
    made = studio("shoes", "red", batch_size=6, seed=0, tries=20)
    assert len(made.scores) == len(made.accepted) == len(made.seeds) == 6 and 0 < made.acceptance_rate <= 1
    assert made.categories == ["shoes"] * 6 and made.colours == ["red"] * 6
    again = studio("shoes", "red", batch_size=6, seed=made.seeds, gate=False)
    assert all(map(same, again.images, made.images)) and again.seeds == made.seeds
    assert np.allclose(again.scores, made.scores, atol=1e-3)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"category": "hats"}, "category must be one of bags, shoes"),
        ({"colour": "gold"}, "colour must be one of black, red"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"batch_size": 1_000_000}, "batch_size must be"),
        ({"truncation": 3}, "truncation must be"),
        ({"output_type": "gif"}, "output_type"),
    ],
)
def test_bad_input_gives_a_sentence(studio, options, match):
    with pytest.raises(ValueError, match=match):
        studio(**options)


def test_a_studio_of_editing_networks_makes_no_pictures(studio):
    with pytest.raises(ValueError, match="makes no pictures"):
        type(studio)()("shoes")
