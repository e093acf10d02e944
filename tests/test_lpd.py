"""LPD's builder on small paintings made here: crops, filters, marks, splits and the files written."""

import io
import json
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from datasets_cards.lpd.builder import build, choose_test
from datasets_cards.lpd.crops import Box, crop_sides, moved, plan_crops
from datasets_cards.lpd.cutting import Crop, cut, judge
from datasets_cards.lpd.filters import (
    Thresholds,
    blank_share,
    cast,
    detail,
    group_of,
    lab_of,
    paper_tone,
    without_margins,
)
from datasets_cards.lpd.marks import Mark, marks_in
from datasets_cards.lpd.paintings import Painting, survey
from datasets_cards.lpd.seals import find_seals
from datasets_cards.lpd.splits import assign_splits, near_duplicates
from datasets_cards.lpd.text import TextFinder
from datasets_cards.lpd.writer import encode_crop
from datasets_cards.perceptual_hash import perceptual_hash
from datasets_cards.sources import read_sources
from datasets_cards.whole_folder import whole_folder
from pipelines.color import grey_of

SILK = (196, 172, 130)


def painting(
    seed: int, height: int = 300, width: int = 420, pigment: tuple[int, int, int] = (40, 110, 120)
) -> np.ndarray:
    """Hills of `pigment` with fine strokes on silk; (H, W, 3) uint8."""
    rng = np.random.default_rng(seed)
    coarse = cv2.resize(rng.normal(size=(6, 8)), (width, height), interpolation=cv2.INTER_CUBIC)
    fine = cv2.GaussianBlur(rng.normal(size=(height, width)), (0, 0), 0.9)
    hills = 1 / (1 + np.exp(-6 * (coarse - 0.1)))[..., None]
    picture = hills * np.array(pigment) + (1 - hills) * np.array(SILK)
    return (picture + (18 + 30 * hills) * fine[..., None]).clip(0, 255).astype(np.uint8)


def with_seal(pixels: np.ndarray, x: int = 20, y: int = 20, side: int = 30) -> np.ndarray:
    picture = Image.fromarray(pixels)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((x - 15, y - 15, x + side + 15, y + side + 15), fill=SILK)
    draw.rectangle((x, y, x + side, y + side), fill=(190, 45, 35))
    for line in range(x + 6, x + side - 3, 6):
        draw.line((line, y + 5, line, y + side - 5), fill=SILK, width=2)
    return np.asarray(picture)


def with_text(pixels: np.ndarray, text: str, column: bool) -> np.ndarray:
    picture = Image.fromarray(pixels)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((20, 10, 60, 230) if column else (20, 10, 330, 60), fill=SILK)
    font = ImageFont.load_default(30)
    for i, letter in enumerate(text if column else [text]):
        draw.text((28, 16 + 34 * i), letter, fill=(20, 20, 20), font=font)
    return np.asarray(picture)


def save(folder: Path, name: str, pixels: np.ndarray) -> None:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with splits and groups, one near-duplicate, one cast, one tiny and one broken picture."""
    folder = tmp_path_factory.mktemp("collection")
    for i in range(3):
        save(folder, f"train/colour/{i}.png", painting(i))
    save(folder, "train/pale/4.png", with_seal(painting(4)))
    save(folder, "train/ink/5.png", painting(5))
    save(folder, "val/colour/6.png", painting(6))
    for i, group in enumerate(("colour", "colour", "pale", "pale", "ink", "ink")):
        save(folder, f"test/{group}/{10 + i}.png", painting(10 + i))
    save(folder, "train/colour/twin.png", cv2.resize(painting(10), (400, 290), interpolation=cv2.INTER_AREA))
    save(folder, "train/colour/purple.png", (painting(20) * np.array((0.9, 0.6, 0.95))).astype(np.uint8))
    save(folder, "train/colour/tiny.png", painting(21, 190, 300))
    (folder / "train/colour/broken.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def built(collection: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "lpd"
    build((str(collection),), out, coloured_test=6, ink_test=4, jpeg=True, text_cache=out.parent / "text.json")
    return out


def report(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def rows(folder: Path, name: str) -> list[dict]:
    return pq.read_table(folder / f"{name}.parquet").to_pylist()


# --- crops ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("height, width", [(200, 200), (250, 400), (512, 512), (450, 768), (1417, 8770), (2500, 2500)])
def test_4_to_20_crops_inside_the_painting(height: int, width: int):
    boxes = plan_crops(height, width, np.random.default_rng(0))
    assert 4 <= len(boxes) <= 20
    assert len(set(boxes)) == len(boxes)
    for box in boxes:
        assert 0 <= box.x <= width - box.side and 0 <= box.y <= height - box.side
        assert box.side * 1.3 >= 256


@pytest.mark.parametrize("height, width", [(200, 300), (512, 512), (450, 768)])
def test_crops_cover_the_painting_and_grow_in_number(height: int, width: int):
    covered = np.zeros((height, width), bool)
    for box in plan_crops(height, width, np.random.default_rng(0)):
        covered[box.y : box.y + box.side, box.x : box.x + box.side] = True
    assert covered.all()
    assert len(plan_crops(2 * height, 2 * width, np.random.default_rng(0))) > len(
        plan_crops(height, width, np.random.default_rng(0))
    )


def test_scales_follow_the_size():
    assert crop_sides(190, 600) == []
    assert crop_sides(230, 600) == [197]
    assert crop_sides(300, 600) == [240]
    assert crop_sides(520, 600) == [256, 362, 512]


def test_moved_places_stay_inside_nearest_first():
    places = moved(Box(0, 0, 256), 400, 400)
    assert places[0] in (Box(0, 32, 256), Box(32, 0, 256))
    assert all(0 <= p.x <= 144 and 0 <= p.y <= 144 for p in places)
    assert Box(0, 0, 10).overlap(Box(5, 0, 10)) == pytest.approx(1 / 3)


# --- filters -------------------------------------------------------------------------------------------------------


def test_a_good_crop_passes():
    assert judge(lab_of(painting(0)), Box(0, 0, 256), [], Thresholds()) is None


def test_blurred_is_dropped():
    pixels = cv2.GaussianBlur(painting(0), (0, 0), 4)
    assert detail(lab_of(pixels)[..., 0]) < detail(lab_of(painting(0))[..., 0])
    assert judge(lab_of(pixels), Box(0, 0, 256), [], Thresholds()) == "blurred"


def test_mostly_blank_is_dropped():
    pixels = np.full((300, 300, 3), SILK, np.uint8)
    pixels[200:256, :80] = painting(0)[:56, :80]
    assert blank_share(lab_of(pixels), 2.5) > 0.8
    assert judge(lab_of(pixels), Box(0, 0, 256), [], Thresholds()) == "blank"


@pytest.mark.parametrize("tint, bad", [((1, 1, 1), False), ((0.9, 0.6, 0.95), True), ((0.7, 0.85, 1.4), True)])
def test_cast_of_bad_slides(tint: tuple[float, ...], bad: bool):
    ground = np.clip(np.full((64, 64, 3), SILK) * np.array(tint), 0, 255).astype(np.uint8)
    assert (cast(lab_of(ground)) > 1) is bad


def test_green_and_blue_landscapes_have_no_cast():
    assert cast(lab_of(np.full((64, 64, 3), (110, 105, 45), np.uint8))) <= 1


def test_group_is_told_by_pigment():
    assert group_of(lab_of(painting(0))) == "colour"
    assert group_of(lab_of(painting(0, pigment=(62, 54, 41)))) == "ink"


def test_margins_are_cut_off():
    framed = np.zeros((320, 460, 3), np.uint8)
    framed[10:310, 25:445] = painting(0)
    assert without_margins(framed) == (10, 25, 310, 445)
    assert without_margins(painting(0)) == (0, 0, 300, 420)


# --- marks ---------------------------------------------------------------------------------------------------------


def test_a_seal_is_found_a_red_sun_and_a_red_bridge_are_not():
    lab = lab_of(with_seal(painting(4)))
    seals = find_seals(lab, paper_tone(lab))
    assert len(seals) == 1
    assert abs(seals[0].left - 20) <= 3 and abs(seals[0].bottom - 50) <= 3
    other = Image.fromarray(painting(4))
    draw = ImageDraw.Draw(other)
    draw.ellipse((150, 100, 270, 220), fill=(190, 45, 35))  # too large for a seal
    draw.rectangle((40, 20, 220, 32), fill=(190, 45, 35))  # too long
    lab = lab_of(np.asarray(other))
    assert find_seals(lab, paper_tone(lab)) == []


def test_column_is_an_inscription_and_a_web_address_a_watermark(tmp_path: Path):
    cache = tmp_path / "text.json"
    text = TextFinder(cache)
    column = with_text(painting(1), "RAKWEH", column=True)
    found = text(column)
    assert {mark.kind for mark in found} == {"inscription"}
    assert {mark.kind for mark in text(with_text(painting(1), "www.example.com", column=False))} == {"watermark"}
    text.save()
    again = TextFinder(cache)
    assert again(column) == found
    assert not again.engines  # the answer came from the file


def test_a_crop_shows_a_mark_by_a_tenth_or_100_pixels():
    mark = Mark("seal", 100, 100, 140, 140, 1.0)
    assert marks_in(Box(0, 0, 102), [mark]) == []
    assert marks_in(Box(0, 0, 130), [mark]) == [mark]
    assert judge(lab_of(painting(0)), Box(0, 0, 256), [mark], Thresholds()) == "seal"


# --- splits --------------------------------------------------------------------------------------------------------


def test_splits_are_dealt_by_group_and_seed():
    works = {f"w{i}": "ink" if i % 2 else "colour" for i in range(60)}
    splits = assign_splits(works, seed=0, val=0.1, test=0.1)
    assert splits == assign_splits(dict(reversed(works.items())), seed=0, val=0.1, test=0.1)
    assert splits != assign_splits(works, seed=1, val=0.1, test=0.1)
    for group in ("ink", "colour"):
        assert sum(splits[w] == "test" for w in works if works[w] == group) == 3


def test_twins_leave_training_first():
    pixels = painting(0)
    hashes = np.array([perceptual_hash(p) for p in (pixels, painting(1), cv2.resize(pixels, (300, 210)))])
    assert near_duplicates(hashes, ["train", "train", "test"], ["a", "b", "c"]) == {0: 2}
    assert near_duplicates(hashes, ["train", "train", "train"], ["scroll", "b", "scroll"]) == {}


def test_tiles_of_one_scroll_share_a_split(tmp_path: Path):
    import datasets

    pictures = [Image.fromarray(painting(i)) for i in range(8)]
    table = datasets.Dataset.from_dict({"image": pictures, "collection": ["scroll"] * 4 + ["other"] * 4})
    file = tmp_path / "paintings.parquet"
    table.cast_column("image", datasets.Image()).to_parquet(file)
    images = read_sources([str(file)])
    kept, left = survey(images, one_painting=("scroll",), seed=3, val=0.3, test=0.3, max_cast=9.0)
    assert not left
    assert len({p.split for p in kept if p.image.collection == "scroll"}) == 1


def test_test_crops_are_spread_over_paintings():
    crops = []
    for name, count in (("a", 9), ("b", 2), ("c", 5)):
        image = read_image(name)
        crops += [Crop(Painting(image, name, "test", "ink"), Box(i, 0, 256), np.zeros(0)) for i in range(count)]
    chosen = choose_test(crops, 7, seed=0, name="ink")
    counts = sorted(sum(c.painting.work == w for c in chosen) for w in "abc")
    assert counts == [2, 2, 3]
    assert chosen == choose_test(list(crops), 7, seed=0, name="ink")


def read_image(name: str):
    from datasets_cards.sources import SourceImage

    return SourceImage(name, "test", "ink", None, None, None, Path(name))


# --- the build -----------------------------------------------------------------------------------------------------


def test_files_and_splits(built: Path):
    tables = {name: rows(built, name) for name in ("train", "val", "test_colour", "test_ink")}
    assert {row["group"] for row in tables["train"]} <= {"colour", "pale"}
    assert len(tables["test_ink"]) == 4 and {row["group"] for row in tables["test_ink"]} == {"ink"}
    groups = [row["group"] for row in tables["test_colour"]]
    assert groups.count("colour") == groups.count("pale") == 3
    works = [{row["work"] for row in tables[name]} for name in ("train", "val", "test_colour", "test_ink")]
    assert all(not works[i] & works[j] for i in range(4) for j in range(i))


def test_grey_is_the_jpegs_own(built: Path):
    for row in rows(built, "train")[:5]:
        pixels = np.asarray(Image.open(io.BytesIO(row["image"]["bytes"])))
        assert pixels.shape == (256, 256, 3)
        expected = grey_of(torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 255)[0, 0] * 255
        grey = np.asarray(Image.open(io.BytesIO(row["grey"]["bytes"])))
        assert grey.shape == (256, 256)
        assert np.array_equal(grey, expected.round().byte().numpy())


def test_report_sums(built: Path):
    data = report(built)
    counts = data["counts"]
    kept, dropped = sum(counts["crops_kept_by_split"].values()), sum(counts["crops_dropped"].values())
    assert counts["crops_planned"] + counts["crops_standing_in"] == kept + dropped
    assert dropped == len(data["dropped"]) == sum(counts["crops_dropped_by_split"].values())
    assert counts["crops_dropped"]["seal"] >= 1
    for name, groups in counts["crops_written"].items():
        assert sum(groups.values()) == len(rows(built, name))
    assert counts["crops_written"]["train"].keys() == {"colour", "pale"}
    reasons = {item["painting"].split("/")[-1]: item["reason"] for item in data["left_out"]}
    assert reasons == {
        "twin.png": "near-duplicate",
        "purple.png": "off-colour",
        "tiny.png": "too small",
        "broken.jpg": "unreadable",
    }
    assert data["enlarged"] and all(1 < factor <= 1.3 for factor in data["enlarged"].values())


def test_sheets_card_and_jpeg_tree(built: Path):
    assert (built / "sheets/kept_train.jpg").is_file() and (built / "sheets/dropped_seal.jpg").is_file()
    card = (built / "README.md").read_text(encoding="utf-8")
    assert "<!-- this build -->" not in card and "| test_ink | 0 | 0 | 4 |" in card
    files = list((built / "jpeg/train").rglob("*.jpg"))
    assert len(files) == len(rows(built, "train"))
    assert {f.read_bytes() for f in files} == {row["image"]["bytes"] for row in rows(built, "train")}


def test_loads_as_a_data_set(built: Path):
    import datasets

    row = datasets.Dataset.from_parquet(str(built / "val.parquet"))[0]
    assert row["image"].size == row["grey"].size == (256, 256)
    assert len(row["box"]) == 3 and row["painting"].endswith("val/colour/6.png")


def test_same_seed_same_set_whatever_the_training_source(built: Path, collection: Path, tmp_path: Path):
    cache = built.parent / "text.json"
    build((str(collection),), tmp_path / "again", coloured_test=6, ink_test=4, text_cache=cache)
    again = report(tmp_path / "again")
    assert again["counts"] == report(built)["counts"] and again["dropped"] == report(built)["dropped"]
    assert rows(tmp_path / "again", "train") == rows(built, "train")
    only = tmp_path / "few"
    save(only, "train/colour/99.png", painting(99))
    out, tests = tmp_path / "fewer", (str(collection),)
    build((str(only),), out, test_source=tests, coloured_test=6, ink_test=4, text_cache=cache)
    assert rows(tmp_path / "fewer", "test_colour") == rows(built, "test_colour")
    assert rows(tmp_path / "fewer", "test_ink") == rows(built, "test_ink")


def test_a_spoiled_place_is_moved_aside(tmp_path: Path):
    save(tmp_path, "one.png", with_seal(painting(7, 520, 520)))
    image = read_sources([str(tmp_path)])[0]
    crops = list(
        cut(Painting(image, "one", "train", "colour"), TextFinder(tmp_path / "t.json"), Thresholds(detail=0), 0)
    )
    assert any(c.reason in ("seal", "inscription") for c in crops)  # carved lines look like writing
    assert any(c.stands_in and not c.reason for c in crops)


# --- bad input -----------------------------------------------------------------------------------------------------


def test_an_existing_folder_is_kept(built: Path, collection: Path):
    before = (built / "report.json").read_bytes()
    with pytest.raises(FileExistsError, match="--overwrite"):
        build((str(collection),), built)
    assert (built / "report.json").read_bytes() == before


def test_nothing_is_left_of_a_failed_build(tmp_path: Path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/bad.png").write_bytes(b"")
    with pytest.raises(ValueError, match="None of the 1 pictures"):
        build((str(tmp_path / "in"),), tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["in"]
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "out", False) as part:
        (part / "half").write_text("half")
        raise RuntimeError
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


def test_shares_out_of_range(tmp_path: Path):
    with pytest.raises(ValueError, match="leave something to train on"):
        build((str(tmp_path),), tmp_path / "out", val_share=0.6, test_share=0.4)


def test_encode_is_256_jpeg():
    jpeg, png = encode_crop(painting(0)[:256, :256])
    assert Image.open(io.BytesIO(jpeg)).format == "JPEG" and Image.open(io.BytesIO(png)).mode == "L"
