"""Seeds, noise, ways between them, requests, sheets: closed forms and bad input."""

import pytest
import torch
from diffusers.configuration_utils import FrozenDict
from PIL import Image

from pipelines.generation.noise import (
    MAX_COUNT,
    MAX_SEED,
    check_count,
    check_seed,
    check_truncation,
    choice,
    contact_sheet,
    noise,
    path,
    seeds_for,
    slerp,
)
from pipelines.generation.output import export
from pipelines.generation.requests import make_request, turned_towards, way_through

CONFIG = FrozenDict(
    latents=6,
    categories=["bags", "shoes"],
    colours=["black", "red"],
    frequencies=[[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]],
)


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1, 1.5, "7", True, None])
def test_what_is_no_seed(seed):
    with pytest.raises(ValueError, match="whole number from 0"):
        check_seed(seed)


@pytest.mark.parametrize("count", [0, -3, MAX_COUNT + 1, 1_000_000, 2.0, True])
def test_what_is_no_count(count):
    with pytest.raises(ValueError, match=f"from 1 to {MAX_COUNT}"):
        check_count(count)


@pytest.mark.parametrize("truncation", [-0.1, 1.6, float("nan"), "1"])
def test_what_is_no_truncation(truncation):
    with pytest.raises(ValueError, match="between 0 and"):
        check_truncation(truncation)


def test_seeds_follow_the_first_one_and_a_generator_draws_it():
    assert seeds_for(7, 3) == [7, 8, 9] and seeds_for([4, 4, 1], 3) == [4, 4, 1]
    drawn = seeds_for(None, 2, torch.Generator().manual_seed(3))
    assert drawn == seeds_for(None, 2, torch.Generator().manual_seed(3)) and drawn[1] == drawn[0] + 1
    with pytest.raises(ValueError, match="3 pictures need 3 seeds, got 2"):
        seeds_for([1, 2], 3)
    with pytest.raises(ValueError, match="whole number"):
        seeds_for(MAX_SEED, 2)


def test_noise_is_normal_and_each_row_its_seeds_alone():
    rows = noise(range(400), 50)
    assert torch.equal(rows[7], noise([7], 50)[0]) and noise([], 5).shape == (0, 5)
    assert abs(rows.mean()) < 0.02 and abs(rows.std() - 1) < 0.02
    assert abs(torch.corrcoef(rows.T).triu(1)).mean() < 0.06  # 0.04 is what 400 rows of independent numbers give


def test_choices_come_as_often_as_their_shares():
    drawn = torch.tensor([choice(seed, [0.1, 0.0, 0.6, 0.3]) for seed in range(2000)])
    shares = torch.bincount(drawn, minlength=4) / 2000
    assert torch.allclose(shares, torch.tensor([0.1, 0.0, 0.6, 0.3]), atol=0.035) and shares[1] == 0
    assert choice(5, [0.5, 0.5]) == choice(5, [0.5, 0.5])


def test_arcs():
    first, second = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 4.0])
    half = slerp(first, second, 0.5)
    assert torch.allclose(half, torch.tensor([1.0, 1.0]) * 3 / 2**0.5, atol=1e-6)  # 45 degrees, length between
    assert torch.allclose(slerp(first, second, 0.0), first) and torch.allclose(
        slerp(first, second, 1.0), second, atol=1e-6
    )
    for other in (first * 3, torch.zeros(2), -first):  # on one line, or of no direction
        assert torch.allclose(slerp(first, other, 0.5), (first + other) / 2)


def test_a_way_shows_every_point_and_steps_evenly():
    points = noise([1, 2, 3], 40)
    rows = path(points, 4)
    assert rows.shape == (9, 40)
    assert torch.allclose(rows[::4], points, atol=1e-5)
    angles = torch.nn.functional.cosine_similarity(rows[:4], rows[1:5]).clamp(-1, 1).acos()
    assert torch.allclose(angles, angles.mean().expand(4), atol=1e-3)


def test_sheets():
    sheet = contact_sheet([Image.new("RGB", (4, 4), "red")] * 5, columns=3, gap=2)
    assert sheet.size == (16, 10)
    assert sheet.getpixel((6, 0)) == (255, 0, 0) and sheet.getpixel((4, 0)) == (255, 255, 255)
    assert sheet.getpixel((12, 6)) == (255, 255, 255)  # a sixth picture's place is empty
    assert contact_sheet([Image.new("RGB", (4, 4))], columns=8).size == (4, 4)
    for images, columns in (([], 3), ([Image.new("RGB", (4, 4))], 0)):
        with pytest.raises(ValueError, match="sheet needs"):
            contact_sheet(images, columns)


def test_what_is_not_asked_for_is_drawn_by_the_seed():
    request = make_request(CONFIG, None, None, 200, 0)
    assert 70 < sum(request.category) < 130  # both categories alike often
    bags = [colour for category, colour in zip(request.category, request.colour, strict=True) if category == 0]
    assert set(bags) == {0, 1} and 0.3 < sum(bags) / len(bags) < 0.7  # never "other": no bag of the data was
    assert {colour for category, colour in zip(request.category, request.colour, strict=True) if category} == {2}
    assert torch.equal(make_request(CONFIG, None, None, 1, 5).latents[0], request.latents[5])
    alone = make_request(CONFIG, None, None, 1, 5)
    assert (alone.category[0], alone.colour[0]) == (request.category[5], request.colour[5])
    assert make_request(CONFIG, ["shoes", "bags"], "red", 2, 0).category == [1, 0]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"category": "hats"}, "category must be one of bags, shoes, got 'hats'"),
        ({"colour": "gold"}, "colour must be one of black, red, other, got 'gold'"),
        ({"category": ["bags"]}, "2 pictures need one category or 2, got 1"),
        ({"latents": torch.zeros(2, 5)}, r"latents must be \(N, 6\), got \(2, 5\)"),
        ({"latents": torch.zeros(0, 6)}, "latents must be"),
        ({"seed": -1}, "seed must be"),
        ({"count": 0}, "batch_size must be"),
    ],
)
def test_bad_requests(options, match):
    values = {"category": None, "colour": None, "count": 2, "seed": 0} | options
    with pytest.raises(ValueError, match=match):
        make_request(CONFIG, **values)


def test_a_model_without_colours_is_asked_for_none():
    plain = FrozenDict(latents=6, categories=["a"], colours=[], frequencies=None)
    assert make_request(plain, "a", None, 2, 0).colour == [0, 0]
    with pytest.raises(ValueError, match="knows no colour"):
        make_request(plain, "a", "red", 2, 0)


def test_other_latents_for_the_same_wish():
    request = make_request(CONFIG, "shoes", "red", 2, 3)
    film = way_through(request, 3)
    assert (film.category, film.colour, film.seeds) == ([1] * 4, [1] * 4, [3] * 4)
    assert torch.equal(film.latents[::3], request.latents)
    same, others = (turned_towards(request, [8, 9, 10], strength, 0.5) for strength in (0.0, 1.0))
    assert (others.category, others.colour, others.seeds) == ([1] * 3, [1] * 3, [8, 9, 10])
    torch.testing.assert_close(same.latents, request.latents[:1].expand(3, -1))
    torch.testing.assert_close(others.latents, noise([8, 9, 10], 6) / 2)


def test_pictures_are_the_same_in_every_type_and_clamped():
    pictures = torch.tensor([-2.0, -1.0, 0.0, 1.5]).view(1, 1, 2, 2).expand(1, 3, 2, 2)
    (pil,), (array,), (tensor,) = (export(pictures, kind) for kind in ("pil", "np", "pt"))
    assert [pil.getpixel((x, y))[0] for y in range(2) for x in range(2)] == [0, 0, 128, 255]
    assert array.shape == (2, 2, 3) and tensor.shape == (3, 2, 2)
    assert torch.equal(torch.from_numpy(array).permute(2, 0, 1), tensor)
    with pytest.raises(ValueError, match="output_type"):
        export(pictures, "gif")
