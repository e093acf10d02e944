"""The builder of the line-art set on small pictures made here."""

import hashlib
import io
import json
from pathlib import Path

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from datasets_cards import BUILDERS, card_file, load
from datasets_cards.__main__ import main
from datasets_cards.lineart.builder import Options, build, page_of
from datasets_cards.lineart.drawings import drawing_of, references
from datasets_cards.scenes.pictures import Scene
from datasets_cards.scenes.splits import cut
from datasets_cards.sources import SourceImage, read_sources
from pipelines.line_extraction import EXTRACTORS
from pipelines.lineart_colorizer.dataset import decode, load_lineart

SMALL = Options(smallest=32, val_one_in=3)


def illustration(seed: int, height: int = 48, width: int = 56) -> Image.Image:
    """Coarse coloured blotches, each seed far from every other."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8))
    return small.resize((width, height), Image.Resampling.BICUBIC)


def encoded(picture: Image.Image, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def parquet(file: Path, names: list[str], seeds: range | list[int], **columns: list) -> str:
    values = {"image": [{"bytes": encoded(illustration(s)), "path": n} for s, n in zip(seeds, names, strict=True)]}
    features = {"image": datasets.Image(), **dict.fromkeys(columns, datasets.Value("string"))}
    file.parent.mkdir(parents=True, exist_ok=True)
    datasets.Dataset.from_dict({**values, **columns}, features=datasets.Features(features)).to_parquet(file)
    return str(file)


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> list[str]:
    """Training: 24 comic panels on 8 pages and 12 faces. Test: 6 panels on 2 other pages and 6 faces."""
    folder = tmp_path_factory.mktemp("sources")
    made = []
    for split, panels, faces, episode, seed in (("train", 24, 12, 1, 0), ("test", 6, 6, 2, 100)):
        names = [f"pc_E{episode:02d}P{i // 3:02d}_{i:04d}.webp" for i in range(panels)]
        names += [f"face_{i:04d}.webp" for i in range(faces)]
        subset = ["comic"] * panels + ["faces"] * faces
        rights = ["open"] * panels + ["research"] * faces
        columns = {"subset": subset, "rights": rights, "source": subset, "licence": ["CC-BY | 4.0"] * len(names)}
        made.append(parquet(folder / f"set-{split}.parquet", names, range(seed, seed + len(names)), **columns))
    return made


@pytest.fixture(scope="module")
def built(sources, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("built") / "lineart"
    build(tuple(sources), out, SMALL)
    return out


def rows(folder: Path, split: str) -> list[dict]:
    return pq.read_table(folder / f"{split}.parquet").to_pylist()


def report(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def scene(number: int, split: str | None = "train", label: str = "comic", seed: int | None = None) -> Scene:
    bits = np.random.default_rng(number if seed is None else seed).random(256) < 0.5
    image = SourceImage(f"s/{number:05d}", split, None, None, None, None, None, label)
    return Scene(image, f"{number:016x}", label, "", bits)


def test_it_is_registered_and_has_a_card():
    assert load(BUILDERS, "lineart") is build
    assert "<!-- this build -->" in card_file("lineart").read_text(encoding="utf-8")


def test_columns_and_ids(built):
    common = ["id", "image", "licence", "page", "rights", "source", "subset"]
    assert sorted(rows(built, "train")[0]) == common
    for split in ("val", "test"):
        assert sorted(rows(built, split)[0]) == sorted([*common, "extractor", "lines", "reference"])
    every = [row for split in ("train", "val", "test") for row in rows(built, split)]
    assert len({row["id"] for row in every}) == len(every) == 48
    for row in every:
        assert row["id"] == hashlib.sha256(row["image"]["bytes"]).hexdigest()[:16], "small PNG stay byte for byte"
        assert row["rights"] == {"comic": "open", "faces": "research"}[row["subset"]]


def test_test_pictures_are_the_sources_own(built):
    test = rows(built, "test")
    assert [row["subset"] for row in test] == ["comic"] * 6 + ["faces"] * 6
    assert {row["page"] for row in test} == {"comic E02P00", "comic E02P01", ""}


def test_a_page_lies_in_one_split(built):
    pages = {split: {row["page"] for row in rows(built, split)} - {""} for split in ("train", "val", "test")}
    assert len(pages["train"] | pages["val"]) == 8 and not pages["train"] & pages["val"]
    assert pages["val"], "some pages are for validation"
    for row in rows(built, "val") + rows(built, "train"):
        if row["subset"] == "comic":
            number = int(row["page"][-2:])
            assert row["page"] == f"comic E01P{number:02d}"


@pytest.mark.parametrize("split", ["val", "test"])
def test_drawings_are_what_their_extractor_draws(built, split):
    for row in rows(built, split):
        picture = Image.open(io.BytesIO(row["image"]["bytes"])).convert("RGB")
        lines = Image.open(io.BytesIO(row["lines"]["bytes"]))
        assert lines.format == "PNG" and lines.mode == "L" and lines.size == picture.size
        extractor, again = drawing_of(picture, row["id"])
        assert row["extractor"] == extractor and np.array_equal(np.asarray(lines), np.asarray(again))


def test_ids_spread_over_the_extractors():
    small = Image.new("RGB", (4, 4))
    names = [drawing_of(small, f"{i:016x}")[0] for i in range(160)]
    assert set(names) == set(EXTRACTORS)
    assert all(names.count(name) > 20 for name in EXTRACTORS)


@pytest.mark.parametrize("split", ["val", "test"])
def test_references_are_other_pictures_of_the_same_kind(built, split):
    by_id = {row["id"]: row for row in rows(built, split)}
    for row in by_id.values():
        other = by_id[row["reference"]]
        assert other["id"] != row["id"] and other["subset"] == row["subset"]
        assert not row["page"] or other["page"] != row["page"]
    assert len({row["reference"] for row in by_id.values()}) > len(by_id) / 3, "not one for all"


def test_references_fall_back_where_there_is_no_better():
    one, same_page, twin, face = scene(1), scene(2), scene(3, seed=1), scene(4, label="faces")
    pages = {one.id: "p", same_page.id: "p", twin.id: "", face.id: ""}
    assert references([one, same_page, twin], pages)[one.id] in (same_page.id, twin.id), "the subset before all"
    assert references([one, same_page, face], pages)[one.id] == same_page.id, "its page before another subset"
    assert references([one, face], pages) == {one.id: face.id, face.id: one.id}
    with pytest.raises(ValueError, match="has 1"):
        references([one], pages)


def test_references_depend_on_nothing_but_the_ids():
    scenes = [scene(i) for i in range(12)]
    pages = dict.fromkeys((s.id for s in scenes), "")
    chosen = references(scenes, pages)
    assert references(scenes[::-1], pages) == chosen
    fewer = references([s for s in scenes if s.id != chosen[scenes[0].id]], pages)
    kept = [s.id for s in scenes if s.id in fewer and chosen[s.id] in fewer]
    assert all(fewer[name] == chosen[name] for name in kept), "a picture that goes changes only who referred to it"


def test_what_shares_a_page_with_a_test_picture_leaves_training():
    scenes = [scene(1), scene(2, "test"), scene(3), scene(4)]
    pages = {scenes[0].id: "a", scenes[1].id: "a", scenes[2].id: "b", scenes[3].id: ""}
    kept, left = cut(scenes, 10**6, 2, lambda s: pages[s.id])
    assert [(s.id, split) for s, split in kept] == [
        (s.id, w) for s, w in zip(scenes[1:], ("test", "train", "train"), strict=True)
    ]
    assert [(item.picture, item.reason) for item in left] == [("s/00001", "same page")]


def test_pages_without_a_name_are_not_one_page():
    kept, _ = cut([*(scene(i) for i in range(120)), scene(999, "test")], 12, 2, lambda s: "")
    assert [split for _, split in kept] == ["val" if i % 12 == 0 else "train" for i in range(120)] + ["test"]


@pytest.mark.parametrize(
    ("name", "page"),
    [("pc_E03P02_0071.webp", "comic E03P02"), ("E1P2.png", "comic E1P2"), ("face_0001.webp", ""), ("EP1.png", "")],
)
def test_pages_come_from_file_names(tmp_path, name, page):
    file = tmp_path / "comic" / name
    file.parent.mkdir()
    illustration(1).save(file, "PNG")
    assert page_of(read_sources([str(tmp_path)])[0], Options().page_pattern) == page


def test_pictures_without_a_file_name_have_no_page(tmp_path):
    file = tmp_path / "nameless.parquet"
    features = datasets.Features({"image": datasets.Image()})
    values = {"image": [{"bytes": encoded(illustration(1)), "path": None}]}
    datasets.Dataset.from_dict(values, features=features).to_parquet(file)
    assert page_of(read_sources([str(file)])[0], "nameless") == ""


def test_the_report_adds_up(built, sources):
    found = report(built)
    counts = found["counts"]
    written = sum(sum(split.values()) for split in counts["written"].values())
    assert counts["given"] == 48 == written + sum(counts["left_out"].values())
    assert counts["written"]["test"] == {"comic/open": 6, "faces/research": 6}
    assert sum(counts["extractors"]["test"].values()) == 12 and "train" not in counts["extractors"]
    assert found["options"]["source"] == sources and found["options"]["val_one_in"] == 3
    card = (built / "README.md").read_text(encoding="utf-8")
    assert "<!-- this build -->" not in card and "- n<1K" in card
    assert "| test | 6 | 6 | 12 |" in card and "CC-BY \\| 4.0" in card
    assert all((built / "sheets" / f"{split}.jpg").is_file() for split in ("train", "val", "test"))


def test_the_same_sources_give_the_same_set(built, sources, tmp_path):
    build(tuple(sources), tmp_path / "again", SMALL)
    for split in ("train", "val", "test"):
        assert rows(tmp_path / "again", split) == rows(built, split)


def test_training_reads_it(built):
    train = load_lineart(built, "train", rights="open")
    assert set(train["subset"]) == {"comic"}
    test = load_lineart(built, "test")
    assert decode(test[0]["lines"], "L").shape == decode(test[0]["image"]).shape[:2]


def test_folders_name_their_subsets_and_rights_are_stated(tmp_path):
    for number in range(30):
        kind = ("ink", "paint")[number % 2]
        file = tmp_path / "pictures" / ("test" if number > 23 else "train") / kind / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        illustration(number).save(file)
    build((str(tmp_path / "pictures"),), tmp_path / "out", Options(smallest=32, val_one_in=3, rights="open"))
    test = rows(tmp_path / "out", "test")
    assert {row["subset"] for row in test} == {"ink", "paint"} and {row["rights"] for row in test} == {"open"}


def test_large_pictures_are_shrunk_and_unfit_ones_left_out(tmp_path, sources):
    extra = tmp_path / "extra" / "train"
    extra.mkdir(parents=True)
    illustration(500, 120, 160).save(extra / "large.png")
    illustration(501, 20, 90).save(extra / "small.png")
    illustration(502).convert("L").save(extra / "grey.png")
    (extra / "broken.jpg").write_bytes(b"no picture")
    (extra / "copy.png").write_bytes(encoded(illustration(100)))  # of a test picture
    options = Options(smallest=32, val_one_in=3, side=64)
    build((*sources, str(tmp_path / "extra")), tmp_path / "out", options)
    found = report(tmp_path / "out")
    reasons = {Path(item["picture"]).name: item["reason"] for item in found["left_out"]}
    assert reasons == {"small.png": "too small", "grey.png": "grey", "broken.jpg": "unreadable", "copy.png": "copy"}
    sizes = [
        Image.open(io.BytesIO(row["image"]["bytes"])).size
        for s in ("train", "val")
        for row in rows(tmp_path / "out", s)
    ]
    assert sizes.count((85, 64)) == 1 and found["counts"]["re_encoded"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(val_one_in=1), "--val-one-in must be 2 or more"),
        (Options(test_one_in=0), "--test-one-in must be 2 or more"),
        (Options(smallest=300), r"--smallest must be 1 to --side \(256\), got 300"),
        (Options(greyest=-1), "--greyest must be 0 to 255"),
        (Options(rights="free"), "--rights must be one of open, research, got 'free'"),
        (Options(page_pattern="("), "no regular expression"),
        (Options(smallest=200), r"train has 0 of the 2 pictures it needs; 48 were given, left out: too small 48"),
        (Options(subset_column="kind", smallest=32), "no column 'kind'"),
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
    command = ["build", "lineart", "--source", sources[0], "--source", sources[1], "--out", str(tmp_path / "out")]
    assert main([*command, "--smallest", "32", "--val-one-in", "3"]) == 0
    assert len(rows(tmp_path / "out", "test")) == 12
    assert main(["build", "lineart", "--source", str(tmp_path / "none"), "--out", str(tmp_path / "x")]) == 1
    assert "does not exist" in capsys.readouterr().err
