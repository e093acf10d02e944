"""The builder of the grocery set, and what it shares with that of the products, on small pictures made here."""

import hashlib
import io
from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from datasets_cards import BUILDERS, card_file, load
from datasets_cards.__main__ import main
from datasets_cards.grocery.builder import Options, build
from datasets_cards.labelled.squares import on_white, square, squared
from datasets_cards.scenes.pictures import Scene
from datasets_cards.scenes.splits import NEAR_DUPLICATE, cut
from datasets_cards.sources import SourceImage, read_sources
from labelled_fixtures import blotches, encoded, on_a_sheet, opened, report, rows, write_parquet

SMALL = Options(smallest=32, val_one_in=3, rights="open")
NAMES = ("train_Fruit_Apple_Gala_{}.webp", "val_Packages_Milk_Arla_{}.webp")


def write_split(folder: Path, split: str, count: int, seed: int) -> str:
    """Pictures of two labels in turn, the files named as in the Grocery Store Dataset."""
    names = [NAMES[i % 2].format(i) for i in range(count)]
    columns = {"label": ["fruit", "packages"] * (count // 2), "licence": ["MIT | repository"] * count}
    pictures = [blotches(seed + i) for i in range(count)]
    return write_parquet(folder / f"shop-{split}.parquet", pictures, names, **columns)


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("sources")
    return [write_split(folder, "train", 30, 0), write_split(folder, "test", 8, 100)]


@pytest.fixture(scope="module")
def built(sources, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("built") / "grocery"
    build(tuple(sources), out, SMALL)
    return out


def test_it_is_registered_and_has_a_card():
    assert load(BUILDERS, "grocery") is build
    assert "<!-- this build -->" in card_file("grocery").read_text(encoding="utf-8")


def test_columns(built):
    every = [row for split in ("train", "val", "test") for row in rows(built, split)]
    assert len({row["id"] for row in every}) == len(every) == 38
    for row in every:
        assert list(row) == ["image", "id", "label", "subset", "rights", "source", "licence"]
        assert row["subset"] == {"fruit": "apple", "packages": "milk"}[row["label"]] and row["rights"] == "open"
        assert row["id"] == hashlib.sha256(row["image"]["bytes"]).hexdigest()[:16], "small PNG stay byte for byte"


def test_the_datasets_library_decodes_it(built):
    loaded = datasets.Dataset.from_parquet(str(built / "test.parquet"))
    assert loaded[0]["image"].size == (72, 72) and loaded.features["label"].dtype == "string"


def test_test_pictures_are_the_sources_own_and_validation_is_cut_from_training(built):
    wanted = {hashlib.sha256(encoded(blotches(100 + i))).hexdigest()[:16] for i in range(8)}
    assert {row["id"] for row in rows(built, "test")} == wanted
    train, val = rows(built, "train"), rows(built, "val")
    assert len(train) + len(val) == 30 and {row["label"] for row in val} == {"fruit", "packages"}
    assert all(int(row["id"], 16) % 3 == 0 for row in val) and all(int(row["id"], 16) % 3 for row in train)


def test_the_report_adds_up(built, sources):
    found = report(built)
    counts = found["counts"]
    assert counts["given"] == 38 == sum(sum(split.values()) for split in counts["written"].values())
    assert counts["written"]["test"] == {"fruit/apple": 4, "packages/milk": 4} and counts["rights"] == {"open": 38}
    assert counts["short_side_below_160"] == 38 and counts["re_encoded"] == 0 and "colours" not in counts
    assert found["options"]["source"] == sources and found["options"]["subset_pattern"] == SMALL.subset_pattern
    card = (built / "README.md").read_text(encoding="utf-8")
    assert "<!-- this build -->" not in card and "- n<1K" in card and "MIT \\| repository" in card
    both = [sum(row["label"] == "fruit" for row in rows(built, split)) for split in ("train", "val", "test")]
    assert f"| fruit | {' | '.join(map(str, both))} | {sum(both)} |" in card
    assert "Subsets: apple 19, milk 19. Rights: open 38." in card
    assert all((built / "sheets" / f"{split}.jpg").is_file() for split in ("train", "val", "test"))


def test_the_same_sources_give_the_same_set(built, sources, tmp_path):
    build(tuple(sources), tmp_path / "again", SMALL)
    for split in ("train", "val", "test"):
        assert rows(tmp_path / "again", split) == rows(built, split)


def test_unfit_pictures_are_left_out_and_large_ones_shrunk(sources, tmp_path):
    extra = tmp_path / "extra" / "train" / "fruit"
    extra.mkdir(parents=True)
    blotches(500, 120, 90).save(extra / "large.png")
    blotches(501, 20, 90).save(extra / "small.png")
    blotches(502).convert("L").save(extra / "grey.png")  # a grey product is a product
    (extra / "broken.jpg").write_bytes(b"no picture")
    (extra / "copy.png").write_bytes(encoded(blotches(100)))  # of a test picture
    near = blotches(102).point(lambda value: min(255, value + 3))  # of another, a little lighter
    near.save(extra / "near.png")
    build((*sources, str(tmp_path / "extra")), tmp_path / "out", Options(smallest=32, val_one_in=3, side=80))
    found = report(tmp_path / "out")
    reasons = {Path(item["picture"]).name: item["reason"] for item in found["left_out"]}
    assert reasons == {
        "small.png": "too small",
        "broken.jpg": "unreadable",
        "copy.png": "copy",
        "near.png": "near-duplicate",
    }
    written = [row for split in ("train", "val", "test") for row in rows(tmp_path / "out", split)]
    sizes = [opened(row).size for row in written]
    assert sizes.count((80, 80)) == 1 and sizes.count((72, 72)) == 39 and found["counts"]["re_encoded"] == 2
    assert {row["rights"] for row in written} == {"research"}, "where nothing else is said"


def test_labels_can_be_renamed_and_chosen(tmp_path):
    for number in range(36):
        kind = ("pears", "apples", "boxes")[number % 3]
        file = tmp_path / "shop" / ("test" if number > 26 else "train") / kind / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        blotches(number).save(file)
    options = Options(smallest=32, val_one_in=3, label=("fruit",), rename=("pears=fruit", "apples=fruit"))
    build((str(tmp_path / "shop"),), tmp_path / "out", options)
    counts = report(tmp_path / "out")["counts"]
    assert counts["left_out"] == {"other label": 12} and counts["written"]["test"] == {"fruit/": 6}
    build((str(tmp_path / "shop"),), tmp_path / "all", Options(smallest=32, val_one_in=3, rename=("pears=fruit",)))
    assert report(tmp_path / "all")["counts"]["written"]["test"] == {"apples/": 3, "boxes/": 3, "fruit/": 3}


@pytest.mark.parametrize(("size", "white"), [((90, 60), False), ((60, 90), False), ((90, 60), True), ((60, 90), True)])
def test_squares(size, white):
    picture = (on_a_sheet if white else blotches)(1, *size)
    assert on_white(picture) is white
    pixels, whole = np.asarray(square(picture)), np.asarray(picture)
    if white:
        assert pixels.shape == (90, 90, 3)
        middle = pixels[15:75] if size[0] == 90 else pixels[:, 15:75]
        assert np.array_equal(middle, whole) and (pixels.astype(int).sum() - whole.sum()) == 255 * 3 * 30 * 90
    else:
        assert np.array_equal(pixels, whole[:, 15:75] if size[0] == 90 else whole[15:75])
    assert square(blotches(2)).size == (72, 72)


@pytest.mark.parametrize(
    ("border", "white"), [(0, False), (0.70, False), (0.80, True), (1, True)], ids=["none", "70 %", "80 %", "all"]
)
def test_three_quarters_of_the_border_make_a_sheet(border, white):
    pixels = np.zeros((51, 51, 3), np.uint8)  # 200 pixels of border
    along = [(0, i) for i in range(51)] + [(i, 50) for i in range(1, 51)]
    along += [(50, i) for i in range(49, -1, -1)] + [(i, 0) for i in range(49, 0, -1)]
    assert len(along) == 200
    for row, column in along[: round(border * 200)]:
        pixels[row, column] = 236
    assert on_white(Image.fromarray(pixels)) is white


def test_squared_keeps_what_fits_and_nothing_else():
    fits = encoded(blotches(1, 60, 60))
    assert squared(fits, 60) == (fits, "png", False)
    for other in (
        encoded(blotches(1, 61, 61)),
        encoded(blotches(1, 60, 40)),
        encoded(blotches(1, 60, 60).convert("L")),
    ):
        data, suffix, changed = squared(other, 60)
        found = opened({"image": {"bytes": data}})
        assert suffix == "jpg" and changed and found.format == "JPEG" and found.mode == "RGB"
        assert found.width == found.height <= 60
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side
    file = io.BytesIO()
    blotches(1, 60, 60).save(file, "PNG", exif=exif)
    data, _, changed = squared(file.getvalue(), 60)
    upright = np.asarray(blotches(1, 60, 60).rotate(-90)).astype(int)
    assert changed and np.abs(np.asarray(opened({"image": {"bytes": data}})).astype(int) - upright).mean() < 4


def test_more_columns_are_read_from_parquet_and_asked_for_by_name(tmp_path):
    file = write_parquet(tmp_path / "a.parquet", [blotches(1)], ["a.png"], colour=["Red"], kind=["studio"])
    image = read_sources([file], None, ("colour", "kind"))[0]
    assert image.more == {"colour": "Red", "kind": "studio"} and read_sources([file])[0].more == {}
    with pytest.raises(ValueError, match="no column 'shade' of texts; its columns are image, colour, kind"):
        read_sources([file], None, ("shade",))


def test_the_distance_of_near_duplicates_can_be_chosen():
    bits = np.zeros(256, bool)
    away = bits.copy()
    away[:40] = True
    scenes = [
        Scene(SourceImage(f"s/{i}", split, None, None, None, None, None), f"{i:016x}", "a", "", own)
        for i, (split, own) in enumerate((("test", bits), ("train", away)), start=1)
    ]
    for near, kept in ((NEAR_DUPLICATE, 1), (40, 1), (39, 2)):
        assert len(cut(scenes, 10, 10, near=near)[0]) == kept


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(val_one_in=1), "--val-one-in must be 2 or more"),
        (Options(test_one_in=0), "--test-one-in must be 2 or more"),
        (Options(smallest=300), r"--smallest must be 1 to --side \(160\), got 300"),
        (Options(rights="free"), "--rights must be one of open, research, got 'free'"),
        (Options(subset_pattern="("), "no regular expression"),
        (Options(subset_pattern="Apple"), "has no group"),
        (Options(label_column="kind"), "no column 'kind' of labels"),
        (Options(smallest=100), r"None of the 38 pictures can be used \(too small\)"),
        (Options(label=("cheese",)), r"\(cheese\); the sources have fruit, packages. Say which"),
        (Options(rename=("fruit",)), "--rename takes NAME=LABEL"),
        (Options(smallest=32, val_one_in=10**9), "val has no picture labelled fruit: 38 of 38 pictures can be used"),
    ],
)
def test_bad_options_are_said_and_leave_nothing(sources, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        build(tuple(sources), tmp_path / "out", options)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_not_touched(sources, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    with pytest.raises(FileExistsError, match="--overwrite"):
        build(tuple(sources), tmp_path / "out", SMALL)
    assert (tmp_path / "out" / "mine").read_text() == "mine"


def test_the_command_line(sources, tmp_path, capsys):
    command = ["build", "grocery", "--source", sources[0], "--source", sources[1], "--out", str(tmp_path / "out")]
    assert main([*command, "--smallest", "32", "--val-one-in", "3", "--rights", "open", "--label", "fruit"]) == 0
    assert {row["label"] for row in rows(tmp_path / "out", "test")} == {"fruit"}
    assert main(["build", "grocery", "--source", str(tmp_path / "none"), "--out", str(tmp_path / "x")]) == 1
    assert "does not exist" in capsys.readouterr().err
