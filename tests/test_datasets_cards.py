"""Sources, contact sheets and the command line of the data sets."""

import io
import json
from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from datasets_cards import BUILDERS, CHECKS, card_file, load
from datasets_cards.__main__ import main
from datasets_cards.contact_sheet import Reservoir, contact_sheet
from datasets_cards.publishing import publish
from datasets_cards.sources import read_sources


def png(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, 0, 0)).save(file, "PNG")
    return file.getvalue()


def parquet(file: Path, count: int, **columns: list) -> Path:
    values = {"image": [{"bytes": png(i), "path": None} for i in range(count)], **columns}
    features = datasets.Features(
        {"image": datasets.Image(), **{name: datasets.Value("string") for name in columns}},
    )
    datasets.Dataset.from_dict(values, features=features).to_parquet(file)
    return file


def test_parquet_takes_its_split_from_the_name(tmp_path: Path):
    file = parquet(tmp_path / "art-val.parquet", 2, group=["ink", "pale"], licence=["CC0", "CC0"])
    images = read_sources([str(file)])
    assert [(i.name, i.split, i.group, i.licence) for i in images] == [
        ("art-val/00000", "val", "ink", "CC0"),
        ("art-val/00001", "val", "pale", "CC0"),
    ]
    assert images[1].read() == png(1)


def test_parquet_takes_its_split_from_a_column(tmp_path: Path):
    file = parquet(tmp_path / "art.parquet", 3, split=["train", "validation", "test"])
    assert [i.split for i in read_sources([str(file)])] == ["train", "val", "test"]


def test_folder_takes_split_and_group_from_its_folders(tmp_path: Path):
    for name in ("train/ink/b.png", "train/ink/a.png", "c.PNG", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(png(1))
    images = read_sources([str(tmp_path)])
    assert [(i.name.split("/", 1)[1], i.split, i.group) for i in images] == [
        ("c.PNG", None, None),
        ("train/ink/a.png", "train", "ink"),
        ("train/ink/b.png", "train", "ink"),
    ]


@pytest.mark.parametrize("splits, expected", [(("train", "test"), ["train", "test"]), (("train",), [None])])
def test_hub_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, splits: tuple[str, ...], expected: list):
    files = {split: str(parquet(tmp_path / f"{split}.parquet", 1)) for split in splits}
    loaded = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "cache"))
    monkeypatch.setattr(datasets, "load_dataset", lambda repo: loaded)
    images = read_sources(["painter/scrolls"])
    assert [i.split for i in images] == expected
    assert images[0].name == "painter/scrolls/train/00000" and images[0].read() == png(0)


def test_bad_sources(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "note.txt").write_text("hello")
    (tmp_path / "bad.parquet").write_text("hello")
    columns = datasets.Dataset.from_dict({"words": ["a"]})
    columns.to_parquet(tmp_path / "words.parquet")
    for source, message in [
        ("empty", "holds no pictures"),
        ("note.txt", "neither a folder nor a .parquet"),
        ("bad.parquet", "not a readable parquet"),
        ("words.parquet", "no image column; its columns are words"),
    ]:
        with pytest.raises(ValueError, match=message):
            read_sources([str(tmp_path / source)])
    for missing in ("gone", "gone.parquet"):
        with pytest.raises(FileNotFoundError, match="does not exist"):
            read_sources([str(tmp_path / missing)])
    with pytest.raises(ValueError, match="No source"):
        read_sources([])
    with pytest.raises(ValueError, match="given twice"):
        read_sources([str(tmp_path), str(tmp_path)])


def test_two_pictures_of_one_name(tmp_path: Path):
    first, second = (parquet(tmp_path / d / "art.parquet", 1) for d in _folders(tmp_path, "a", "b"))
    with pytest.raises(ValueError, match="called art/00000"):
        read_sources([str(first), str(second)])


def _folders(parent: Path, *names: str) -> tuple[str, ...]:
    for name in names:
        (parent / name).mkdir()
    return names


def test_contact_sheet():
    images = [Image.new("RGB", (40, 20), (i, 0, 0)) for i in range(5)]
    assert contact_sheet(images, columns=3, cell=16).size == (60, 40)
    assert contact_sheet(images, list("abcde"), columns=3, cell=16).size == (60, 64)
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet([])
    with pytest.raises(ValueError, match="captions"):
        contact_sheet(images, ["a"])


def test_reservoir_is_uniform():
    counts = np.zeros(20)
    for seed in range(400):
        sample = Reservoir(5, np.random.default_rng(seed))
        for item in range(20):
            sample.offer(item)
        counts[sample.items] += 1
    assert counts.sum() == 2000 and counts.min() > 60 and counts.max() < 140  # 100 each is fair


def test_registry():
    assert callable(load(BUILDERS, "lpd")) and callable(load(CHECKS, "lpd"))
    assert card_file("lpd").read_text(encoding="utf-8").startswith("---\n")
    with pytest.raises(ValueError, match="choose one of: cloudy2sunny, grocery, lineart, lpd"):
        load(BUILDERS, "nothing")


def test_command_line_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main([]) == 2
    assert main(["--help"]) == 0
    assert main(["build", "nothing"]) == 1
    assert main(["build", "lpd", "--source", str(tmp_path / "gone"), "--out", str(tmp_path / "out")]) == 1
    assert main(["check", "lpd", "--source", "x", "--folder", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "does not exist" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_publish_refuses_an_unfinished_folder(tmp_path: Path):
    (tmp_path / "report.json").write_text(json.dumps({}))
    with pytest.raises(ValueError, match=r"no README\.md"):
        publish("lpd", "painter/lpd", tmp_path)
    (tmp_path / "README.md").write_text("---\nlicense: other\n---\n")
    with pytest.raises(ValueError, match="no card that names files"):
        publish("lpd", "painter/lpd", tmp_path)
    with pytest.raises(ValueError, match="no data set"):
        publish("nothing", "painter/lpd", tmp_path)
