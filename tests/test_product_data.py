"""The builder of the product set on small pictures made here."""

from pathlib import Path

import numpy as np
import pytest

from datasets_cards import BUILDERS, card_file, load
from datasets_cards.__main__ import main
from datasets_cards.labelled.squares import on_white
from datasets_cards.products.builder import NEAR_DUPLICATE, Options, build
from datasets_cards.products.colours import COLOURS, named_colour
from datasets_cards.scenes.splits import NEAR_DUPLICATE as NEAR_SCENES
from evaluation.named_colours import NAMED_COLOURS
from labelled_fixtures import blotches, on_a_sheet, opened, report, rows, write_parquet

SMALL = Options(smallest=32, val_one_in=3, side=96)
TRADE = ("Navy Blue", "Off White", "Multi", "Black", "Gold", "")
NAMED = ("blue", "white", "", "black", "yellow", "")


def write_split(folder: Path, split: str, count: int, seed: int) -> str:
    """Studio shoes and bags on white, and every third picture a shirt taken at home, upright and open."""
    home = [i % 3 == 2 for i in range(count)]
    pictures = [blotches(seed + i, 72, 100) if home[i] else on_a_sheet(seed + i, 100, 80) for i in range(count)]
    columns = {
        "category": [("shoes", "bags", "shirt")[i % 3] for i in range(count)],
        "kind": ["user" if own else "studio" for own in home],
        "colour": ["" if own else TRADE[i % 6] for i, own in enumerate(home)],
        "rights": ["open" if own else "research" for own in home],
    }
    return write_parquet(folder / f"goods-{split}.parquet", pictures, [f"{i}.png" for i in range(count)], **columns)


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("sources")
    return [write_split(folder, "train", 36, 0), write_split(folder, "test", 12, 100)]


@pytest.fixture(scope="module")
def built(sources, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("built") / "products"
    build(tuple(sources), out, SMALL)
    return out


def test_it_is_registered_and_has_a_card():
    assert load(BUILDERS, "products") is build
    card = card_file("products").read_text(encoding="utf-8")
    assert "<!-- this build -->" in card and ", ".join(COLOURS) + "." in card
    assert f"within {NEAR_DUPLICATE} bits" in card


def test_columns(built):
    every = [row for split in ("train", "val", "test") for row in rows(built, split)]
    assert len({row["id"] for row in every}) == len(every) == 48
    for row in every:
        assert list(row) == ["image", "id", "label", "colour", "subset", "rights", "source", "licence"]
        home = row["label"] == "shirt"
        assert (row["subset"], row["rights"]) == (("user", "open") if home else ("studio", "research"))
        assert row["colour"] in COLOURS or row["colour"] == ""


def test_colours_are_named(built):
    pairs = [(row["label"], row["colour"]) for row in rows(built, "test")]
    assert pairs == [(("shoes", "bags", "shirt")[i % 3], "" if i % 3 == 2 else NAMED[i % 6]) for i in range(12)]
    counts = report(built)["counts"]
    assert counts["colours"] == {"unknown": 16, "blue": 8, "white": 8, "black": 8, "yellow": 8}
    card = (built / "README.md").read_text(encoding="utf-8")
    assert "| shirt | 16 | 0 | 0 | 0 | 0 | 16 |" in card and "Subsets: studio 32, user 16." in card


def test_what_lies_on_white_is_padded_and_the_rest_is_cut(built):
    for row in rows(built, "test"):
        picture = opened(row)
        if row["subset"] == "studio":  # 100 x 80 on white: padded to 100 x 100, shrunk to 96
            assert picture.size == (96, 96) and on_white(picture)
            assert np.asarray(picture)[:8].min() > 245
        else:  # 72 x 100: the middle
            assert picture.size == (72, 72) and not on_white(picture)


def test_models_in_another_colour_lie_in_one_split():
    """The hash limit is lower than for scenes: unlike products on white are not called doubles."""
    assert NEAR_DUPLICATE < NEAR_SCENES / 2


def test_a_test_articles_double_leaves_training(sources, tmp_path):
    lighter = on_a_sheet(100, 100, 80).point(lambda value: min(255, value + 4))
    columns = {"category": ["shoes"], "kind": ["studio"], "colour": ["Red"]}
    extra = write_parquet(tmp_path / "in" / "more-train.parquet", [lighter], ["a.png"], **columns)
    build((*sources, extra), tmp_path / "out", SMALL)
    counts = report(tmp_path / "out")["counts"]
    assert counts["left_out"] == {"near-duplicate": 1} and "red" not in counts["colours"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Black", "black"),
        (" navy  BLUE ", "blue"),
        ("Steel", "grey"),
        ("Maroon", "red"),
        ("Olive", "green"),
        ("Multi", ""),
        ("", ""),
        (None, ""),
        ("black and white", ""),
    ],
)
def test_trade_names(text, name):
    assert named_colour(text) == name


def test_every_name_means_itself_and_measures_know_it():
    assert all(named_colour(name) == name for name in COLOURS)
    assert set(COLOURS) == set(NAMED_COLOURS)


def test_folders_have_neither_subsets_nor_colours(tmp_path):
    for number in range(24):
        file = (
            tmp_path / "goods" / ("test" if number > 17 else "train") / ("hats", "belts")[number % 2] / f"{number}.png"
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        on_a_sheet(number).save(file)
    build((str(tmp_path / "goods"),), tmp_path / "out", SMALL)
    found = rows(tmp_path / "out", "test")
    assert {(row["subset"], row["colour"]) for row in found} == {("", "")}
    assert {row["label"] for row in found} == {"hats", "belts"}


def test_columns_that_are_not_there_are_said_or_left_alone(tmp_path):
    pictures = [on_a_sheet(i) for i in range(20)]
    split = ["test" if i > 14 else "train" for i in range(20)]
    columns = {"category": ["hats"] * 20, "split": split}
    file = write_parquet(tmp_path / "in" / "hats.parquet", pictures, [f"{i}.png" for i in range(20)], **columns)
    with pytest.raises(ValueError, match="hats has no column 'kind' of texts; its columns are image, category, split"):
        build((file,), tmp_path / "out", SMALL)
    bare = Options(smallest=32, val_one_in=3, subset_column=None, colour_column=None)
    build((file,), tmp_path / "out", bare)
    assert {(row["label"], row["colour"]) for row in rows(tmp_path / "out", "train")} == {("hats", "")}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(smallest=0), "--smallest must be 1 to --side"),
        (Options(rights="mine"), "--rights must be one of"),
        (Options(colour_column="shade"), "no column 'shade' of texts"),
        (Options(label=("hats",)), r"\(hats\); the sources have bags, shirt, shoes"),
    ],
)
def test_bad_options_are_said_and_leave_nothing(sources, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        build(tuple(sources), tmp_path / "out", options)
    assert list(tmp_path.iterdir()) == []


def test_the_command_line(sources, tmp_path):
    command = ["build", "products", "--source", sources[0], "--source", sources[1], "--out", str(tmp_path / "out")]
    assert main([*command, "--smallest", "32", "--val-one-in", "3", "--label", "shoes", "--label", "bags"]) == 0
    assert report(tmp_path / "out")["counts"]["left_out"] == {"other label": 16}
