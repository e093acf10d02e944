"""The procedural products and style pictures: seeded, of any size, in the colour asked for, on white."""

import hashlib
import subprocess
import sys
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import label

from datasets_cards.procedural import product, style
from datasets_cards.procedural.product import KINDS
from datasets_cards.procedural.product_stage import Stage, _lit, oval, strap, tinted
from datasets_cards.procedural.product_styles import STYLES
from datasets_cards.products.colours import COLOURS
from evaluation.named_colours import nearest_named_colours

ROOT = Path(__file__).parent.parent


@cache
def styled(seed: int, name: str) -> np.ndarray:
    return pixels(style(seed, name, 80))


def pixels(image) -> np.ndarray:
    return np.asarray(image).astype(float)


def main_colour(picture: np.ndarray) -> np.ndarray:
    """The median of what is not the sheet: not white, or not joined to the edge."""
    regions, _ = label(picture.min(-1) > 245)
    return np.median(picture[regions != regions[0, 0]], axis=0)


def test_the_seed_decides_in_every_process():
    first = product(4, 64, "bags", "red").tobytes() + style(4, "mosaic", 64).tobytes()
    assert product(4, 64, "bags", "red").tobytes() + style(4, "mosaic", 64).tobytes() == first
    command = (
        "import hashlib; from datasets_cards.procedural import product, style;"
        "print(hashlib.sha256(product(4, 64, 'bags', 'red').tobytes() + style(4, 'mosaic', 64).tobytes()).hexdigest())"
    )
    run = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == hashlib.sha256(first).hexdigest()


@pytest.mark.parametrize("kind", KINDS)
def test_products_lie_on_white_and_fill_the_sheet(kind):
    for seed in range(4):
        picture = pixels(product(seed, 96, kind, "blue"))
        border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
        assert (border.min(-1) >= 250).all(), "nothing is cut off, no shadow reaches the edge"
        rows, columns = np.nonzero(np.abs(picture - 255).max(-1) > 60)
        assert max(np.ptp(rows), np.ptp(columns)) > 0.5 * 96 and 0.03 < len(rows) / 96**2 < 0.75


@pytest.mark.parametrize("kind", KINDS)
def test_the_colour_asked_for_is_the_nearest_named_one(kind):
    pictures = [np.asarray(product(seed, 64, kind, colour)) for seed, colour in enumerate(COLOURS)]
    found = nearest_named_colours(torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2))
    wrong = [(asked, given) for asked, given in zip(COLOURS, found, strict=True) if asked != given]
    assert len(wrong) <= 1, f"{kind}: {wrong}"  # thin white parts are shaded to grey


def test_an_article_stays_itself_in_another_colour():
    """Colours change, outlines do not."""
    shown = [np.abs(pixels(product(7, 96, "bags", colour)) - 255).max(-1) > 40 for colour in ("blue", "red")]
    assert (shown[0] != shown[1]).mean() < 0.01
    other = np.abs(pixels(product(8, 96, "bags", "blue")) - 255).max(-1) > 40
    assert (shown[0] != other).mean() > 0.01


def test_kinds_take_turns_and_seeds_vary():
    for number, kind in enumerate(KINDS):
        assert product(number, 64).tobytes() == product(number, 64, kind).tobytes()
    assert len({product(seed, 64, "shoes", "red").tobytes() for seed in range(6)}) == 6
    assert len({tuple(main_colour(pixels(product(seed, 64, "wallets"))).round(-1)) for seed in range(12)}) > 4


@pytest.mark.parametrize("size", [64, 100, 391])
def test_any_size(size):
    assert product(1, size).size == (size, size) and product(1, size).mode == "RGB"
    assert style(2, size=size).size == (size, size)


def test_a_larger_picture_shows_the_same_article():
    small, large = product(3, 64, "watches", "brown"), product(3, 256, "watches", "brown")
    assert np.abs(pixels(small) - pixels(large.resize((64, 64), 4))).mean() < 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(seed=-1), "0 or more, got -1"),
        (dict(seed=0, size=63), "64 to 4096 pixels, got 63"),
        (dict(seed=0, size=5000), "got 5000"),
        (dict(seed=0, kind="hats"), "kind is one of shoes, sandals_heels, bags, .*got 'hats'"),
        (dict(seed=0, colour="mauve"), "colour is one of black, white, .*got 'mauve'"),
    ],
)
def test_bad_products_are_said(options, message):
    with pytest.raises(ValueError, match=message):
        product(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(seed=-1), "0 or more, got -1"),
        (dict(seed=0, size=10), "64 to 4096 pixels, got 10"),
        (dict(seed=0, name="cubism"), "one of ink wash, blue-green, mosaic, .*got 'cubism'"),
    ],
)
def test_bad_styles_are_said(options, message):
    with pytest.raises(ValueError, match=message):
        style(**options)


def test_a_flat_face_keeps_its_colour_and_the_lamp_is_above_left():
    stage = Stage(90, np.random.default_rng(0))
    stage.part(oval(0, 0, 0.4, 0.4), (120, 100, 80), curved=False, rounding=0.1, gloss=0)
    found = pixels(stage.picture())
    assert np.allclose(found[45, 45], (120, 100, 80), atol=1)
    assert found[23, 23, 0] > 120 > found[66, 66, 0], "bright towards the lamp, dark away from it"
    assert (found[0] == 255).all(), "the sheet stays white"


def test_light_of_a_block():
    mask = np.zeros((80, 80), bool)
    mask[10:70, 10:70] = True
    shade, gleam = _lit(mask, 12)
    assert (
        np.allclose(shade[30:50, 30:50], 1, atol=1e-3)
        and shade[40, 12] > shade[40, 67]
        and shade[12, 40] > shade[67, 40]
    )
    assert gleam.max() <= 1 and gleam.min() >= 0 and gleam.argmax() // 80 < 40 and gleam.argmax() % 80 < 40


def test_what_lies_in_front_hides_what_is_behind():
    stage = Stage(64, np.random.default_rng(0))
    for colour in ((200, 0, 0), (0, 0, 200)):
        stage.disc(0, 0, 0.3, colour, gloss=0)
    assert pixels(stage.picture())[..., 0].min() < 1, "no red shows through"
    stage.part([(2, 2), (3, 2), (3, 3)], (0, 0, 0), curved=False)  # beside the sheet: nothing happens
    assert pixels(stage.picture())[32, 32, 2] > 190


def test_a_strap_has_its_width():
    outline = strap([(0, 0), (1, 0)], (0.2, 0.1))
    assert np.allclose(np.ptp(outline[:, 1]), 0.2) and np.allclose(np.ptp(outline[:, 0]), 1)
    ends = outline[np.isclose(outline[:, 0], 1)]
    assert np.allclose(sorted(ends[:, 1]), (-0.05, 0.05))


def test_stitches_are_as_long_as_their_gaps():
    stage = Stage(200, np.random.default_rng(0))
    stage.line([(-0.4, 0), (0.4, 0)], 0.02, (0, 0, 0), curved=False, dash=0.04)
    row = pixels(stage.picture())[100, :, 0] < 128
    changes = np.flatnonzero(np.diff(row.astype(int)))
    assert len(changes) == 20 and abs(row.sum() - 80) < 20  # ten stitches over 160 pixels


def test_tints():
    assert np.allclose(tinted((100, 200, 0), -0.5), (50, 100, 0)) and np.allclose(tinted((100, 255, 0), 1), 255)


@pytest.mark.parametrize("name", STYLES)
def test_styles_are_pictures_of_their_own(name):
    one, other = styled(1, name), styled(2, name)
    assert one.std() > 12, "not flat"
    assert np.abs(one - other).mean() > 4, "the seed changes it"


def test_styles_differ_in_colour_or_texture():
    """Mean, deviation of the channels, and strength of fine detail tell any two styles apart."""
    features = {}
    for name in STYLES:
        picture = styled(1, name)
        detail = np.abs(np.diff(picture, axis=1)).mean()
        features[name] = np.array([*picture.mean((0, 1)), *picture.std((0, 1)), detail])
    for one, other in combinations(STYLES, 2):
        assert np.abs(features[one] - features[other]).max() > 12, f"{one} and {other} look alike"


def test_the_inks_have_no_colour_and_blue_green_has():
    spread = {name: np.ptp(styled(1, name), axis=-1).mean() for name in ("ink wash", "blue-green", "pencil")}
    assert spread["pencil"] < 10 and spread["ink wash"] < 40 < spread["blue-green"]
