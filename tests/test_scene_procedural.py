"""The procedural scenes: seeded, of any size, in four looks that differ as seasons and weather do."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from datasets_cards.procedural import scene
from datasets_cards.procedural.canvas import Noise
from datasets_cards.procedural.scene_looks import LOOKS
from datasets_cards.procedural.scene_terrain import Plan, Terrain
from datasets_cards.procedural.scene_view import ROWS_A_PIXEL, Seen, View
from ui.examples import SCENES, scenes

ROOT = Path(__file__).parent.parent


def pixels(seed: int, look: str, width: int = 240, height: int = 160) -> np.ndarray:
    return np.asarray(scene(seed, width, height, look)).astype(int)


def test_the_seed_decides_in_every_process():
    first, other = scene(4, 96, 80, "winter"), scene(5, 96, 80, "winter")
    assert np.array_equal(first, scene(4, 96, 80, "winter")) and not np.array_equal(first, other)
    command = (
        "import hashlib; from datasets_cards.procedural import scene;"
        "print(hashlib.sha256(scene(4, 96, 80, 'winter').tobytes()).hexdigest())"
    )
    run = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == hashlib.sha256(first.tobytes()).hexdigest()


@pytest.mark.parametrize("size", [(64, 64), (64, 300), (400, 100), (333, 77)])
def test_any_size(size):
    image = scene(1, *size, "sunny")
    assert (image.size, image.mode) == (size, "RGB")
    assert np.asarray(image).std() > 20


@pytest.mark.parametrize("seed", [0, 4, 6])
def test_looks_differ_as_they_should(seed):
    looks = {look: pixels(seed, look) for look in LOOKS}
    ground = {look: image[-40:].reshape(-1, 3).mean(0) for look, image in looks.items()}
    sky = {look: image[:30].reshape(-1, 3).mean(0) for look, image in looks.items()}
    assert ground["winter"].min() > ground["summer"].max() + 20, "snow is brighter than grass"
    assert ground["summer"][1] > ground["summer"][2] + 20, "grass is green"
    assert np.ptp(ground["winter"]) < 25, "snow is nearly grey"
    assert sky["sunny"][2] - sky["sunny"][0] > 40 > 12 > abs(sky["cloudy"][2] - sky["cloudy"][0]), "blue, and grey"
    spread = {look: np.ptp(image, axis=2).mean() for look, image in looks.items()}
    assert spread["cloudy"] < spread["sunny"] and spread["cloudy"] < spread["summer"]


def test_one_seed_is_one_place():
    """The skyline of a seed is the same in all looks: where the sky ends does not depend on what lights it."""

    def skyline(look: str) -> np.ndarray:
        rng = np.random.default_rng([6, 3])
        plan, noise = Plan.draw(rng), Noise(rng)
        view = View(120, 80, plan.eye, plan.horizon)
        return Seen(view.rows(Terrain(view, plan, noise, LOOKS[look].snow).ground), 80).sky.sum(axis=0)

    assert np.abs(skyline("summer") - skyline("winter")).max() <= ROWS_A_PIXEL


def test_pictures_have_grain_and_no_burnt_or_black_areas():
    for look in LOOKS:
        image = pixels(2, look, 384, 256)
        assert (image >= 255).all(axis=2).mean() < 0.02 and (image <= 0).all(axis=2).mean() < 0.02
        flat = image[:12, :12].astype(float)  # sky
        assert 0.5 < (flat - flat.mean(axis=(0, 1))).std() < 12


@pytest.mark.parametrize("options", [(0, 63, 100), (0, 100, 5000), (-1, 100, 100)])
def test_size_or_seed_out_of_range(options):
    with pytest.raises(ValueError, match="got"):
        scene(*options)


def test_an_unknown_look_names_the_known_ones():
    with pytest.raises(ValueError, match="summer, winter, cloudy, sunny, got 'foggy'"):
        scene(0, 64, 64, "foggy")


def test_a_flat_plain_fills_the_picture_up_to_the_horizon():
    view = View(40, 60, eye=2.0, horizon=0.5)
    ground = np.zeros_like(view.x)
    seen = Seen(view.rows(ground), 60)
    sky_rows = seen.sky.sum(axis=0) / ROWS_A_PIXEL
    assert np.abs(sky_rows - 30).max() <= 1
    depths = seen.take(np.broadcast_to(view.depth, view.x.shape))
    row = (np.arange(60 * ROWS_A_PIXEL) + 0.5) / ROWS_A_PIXEL
    below = (row > 30.5) & (view.focal * 2.0 / np.abs(row - 30) > view.depth[0])  # no ground is nearer than that
    met = 30 + view.focal * 2.0 / depths[:, 20]  # the row in which the plain lies at that distance
    assert np.abs(met - row)[below].max() < 0.5 and below.sum() > 40


def test_a_wall_hides_what_is_behind_it():
    view = View(160, 320, eye=10.0, horizon=0.5)
    wall = np.where((view.depth > 50) & (view.depth < 60), 20.0, 0.0).astype(np.float32) + 0 * view.x
    wall[:, :80] = 0
    seen = Seen(view.rows(wall), 320)
    depths = np.where(seen.sky, np.inf, seen.take(np.broadcast_to(view.depth, view.x.shape)))
    top = view.horizon - view.focal * 10 / 50
    row = round(top + 3) * ROWS_A_PIXEL
    assert 48 < depths[row, 120] < 61 and not np.isfinite(depths[row - 10 * ROWS_A_PIXEL, 120])
    for column, hidden in ((120, True), (40, False)):
        beyond = np.isfinite(depths[:, column]) & (depths[:, column] > 61)
        assert beyond.any() != hidden


def test_examples_are_made_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("ui.examples.SCENES", ((1, 80, 64, "summer"), (2, 80, 64, "winter")))
    files = scenes()
    assert [file.name for file in files] == ["scene-1.png", "scene-2.png"]
    times = [file.stat().st_mtime_ns for file in files]
    assert [file.stat().st_mtime_ns for file in scenes()] == times


def test_the_examples_show_every_look():
    assert {look for *_, look in SCENES} == set(LOOKS) and len(SCENES) == 6
