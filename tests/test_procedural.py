"""The procedural painter and its data set."""

import json

import datasets
import numpy as np
import pytest

from datasets_cards.procedural import landscape
from datasets_cards.procedural.builder import build
from ui.examples import ink_landscapes


def chroma(image) -> float:
    """Mean of max - min over the channels, 0 to 255."""
    return float(np.ptp(np.asarray(image, int), axis=2).mean())


def test_the_seed_decides():
    first, again, other = (landscape(seed, 160, 120) for seed in (4, 4, 5))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("size", [(64, 64), (64, 300), (400, 100)])
def test_any_size(size):
    image = landscape(1, *size)
    assert (image.size, image.mode) == (size, "RGB")


def test_blue_green_is_blue_green_and_ink_is_not():
    colour, ink = (np.asarray(landscape(0, 320, 240, ink=grey), int) for grey in (False, True))
    assert ((colour[..., 2] > colour[..., 0] + 25).mean()) > 0.05  # azurite on the heights
    assert not (ink[..., 2] > ink[..., 0] + 5).any()
    assert chroma(colour) > chroma(ink) + 5


def test_a_scene_has_light_and_dark():
    grey = np.asarray(landscape(2, 320, 240, ink=True).convert("L"))
    assert np.percentile(grey, 1) < 90 and np.percentile(grey, 90) > 170


@pytest.mark.parametrize("options", [(0, 63, 100), (0, 100, 5000), (-1, 100, 100)])
def test_out_of_range(options):
    with pytest.raises(ValueError, match="got"):
        landscape(*options)


def test_build(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets_cards.procedural.builder.SHAPES", ((96, 80), (80, 96)))
    report = build(tmp_path / "set", count=24, seed=2)
    files = {split: str(tmp_path / "set" / f"{split}.parquet") for split in ("train", "val")}
    loaded = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 21, "val": 3}
    assert loaded["train"].column_names == ["image", "group", "collection", "source", "licence"]
    assert {"colour", "pale", "ink"} == set(loaded["train"]["group"])
    assert loaded["val"][0]["image"].size in ((96, 80), (80, 96))
    sources = [*loaded["train"]["source"], *loaded["val"]["source"]]
    assert len(set(sources)) == 24
    assert json.loads((tmp_path / "set" / "report.json").read_text()) == report
    assert (tmp_path / "set" / "README.md").is_file()
    assert not list((tmp_path / "set").glob("*.partial"))
    with pytest.raises(FileExistsError, match="already holds"):
        build(tmp_path / "set", count=24)


@pytest.mark.parametrize("options", [{"count": 9}, {"count": 20, "seed": -1}])
def test_build_out_of_range(tmp_path, options):
    with pytest.raises(ValueError, match="got"):
        build(tmp_path / "set", **options)
    assert not (tmp_path / "set").exists()


def test_examples_are_painted_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("ui.examples.INK_LANDSCAPES", ((1, 80, 64), (2, 80, 64)))
    files = ink_landscapes()
    times = [file.stat().st_mtime_ns for file in files]
    assert [file.stat().st_mtime_ns for file in ink_landscapes()] == times
