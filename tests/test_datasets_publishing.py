"""Data sets on a Hub: cards that it takes, rights that are kept, shards that stream."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import datasets
import pytest
from huggingface_hub import DatasetCard
from PIL import Image

from datasets_cards import BUILDERS, card_file
from datasets_cards.__main__ import main
from datasets_cards.procedural.builder import build
from datasets_cards.publishable import refusal
from datasets_cards.publishing import publish
from hub_server import NAMESPACE, Fault

pytest_plugins = ("hub_fixtures",)
REPO = f"{NAMESPACE}/landscapes"


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sets") / "procedural"
    build(folder, count=20)
    return folder


def write_set(folder: Path, licences: list[str], rights: list[str] | None = None) -> Path:
    """A small build of one split, a picture a licence."""
    folder.mkdir()
    columns = {"licence": licences, "source": ["somebody"] * len(licences)} | ({"rights": rights} if rights else {})
    shades = [io.BytesIO() for _ in licences]
    for number, file in enumerate(shades):
        Image.new("RGB", (16, 16), (number, 0, 0)).save(file, "PNG")
    pictures = [{"bytes": file.getvalue(), "path": f"{number}.png"} for number, file in enumerate(shades)]
    features = {"image": datasets.Image(), **dict.fromkeys(columns, datasets.Value("string"))}
    whole = datasets.Dataset.from_dict({"image": pictures, **columns}, features=datasets.Features(features))
    whole.to_parquet(folder / "train.parquet")
    (folder / "report.json").write_text(json.dumps({"options": {"source": ["/home/somebody/secret/a.parquet"]}}))
    front = (
        "license: other\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: train.parquet\n"
    )
    (folder / "README.md").write_text(f"---\n{front}---\n# A set\n")
    (folder / "sheets").mkdir()
    (folder / "sheets" / "train.jpg").write_bytes(b"jpeg")
    return folder


# Cards


@pytest.mark.parametrize("name", BUILDERS)
def test_the_card_is_valid_and_complete(hub, name):
    card = DatasetCard.load(card_file(name))
    card.validate()
    data = card.data.to_dict()
    assert data["pretty_name"] and data["task_categories"] and data["tags"] and data["size_categories"]
    assert {file["split"] for file in data["configs"][0]["data_files"]} >= {"train", "validation"}
    headings = {line.removeprefix("## ") for line in card.text.splitlines() if line.startswith("## ")}
    assert {"Make it", "Rights", "Limits", "Attribution"} <= headings
    assert f"python -m datasets_cards build {name} " in card.text
    assert f"python -m datasets_cards publish {name} " in card.text


# Rights


@pytest.mark.parametrize(
    "licence",
    [
        "CC0-1.0",
        "CC-BY 4.0 (David Revoy, Pepper&Carrot, www.peppercarrot.com)",
        "MIT (repo LICENSE, Marcus Klasson 2019)",
        "PD: Wang Ximeng, A Thousand Li of Rivers and Mountains (1113), public domain",
        "CC BY-SA 4.0",
        "Apache-2.0",
    ],
)
def test_licences_that_allow_publication(licence):
    assert refusal({"licence": licence}) is None
    assert refusal({"licence": licence, "rights": "open"}) is None
    assert refusal({"licence": licence, "rights": "research"}) == "rights research"


@pytest.mark.parametrize(
    "licence",
    [
        None,
        " ",
        "all rights reserved",
        "CC BY-NC 4.0",
        "CC-BY-ND 2.0",
        "no licence stated for images; repo LICENSE is MIT for code",
        "none stated in repo (CC BY 4.0 from memory - not verified)",
        "repo LICENSE: MIT (covers code; images are of a research set, research use)",
        "PD-work: public domain; images from a slide collection (its terms)",
        "PD: old works; museum terms, non-commercial/personal use, not CC0",
        "mixed: ancient (public domain) and modern artists (probably in copyright)",
        "ask the photographer",
        "permitted",
        "summit",
    ],
)
def test_licences_that_do_not(licence):
    assert refusal({"licence": licence})
    assert refusal({"licence": licence, "rights": "open"})


def test_somebody_may_have_checked_a_licence():
    row = {"licence": "PD-work: images from a slide collection (its terms)", "rights": "open"}
    assert refusal(row, ["PD-work"]) is None and refusal(row, [""]) and refusal(row, ["MIT"])
    assert refusal(row | {"rights": "research"}, ["PD-work"]) == "rights research"


def test_pictures_that_may_not_be_published_stop_the_upload_or_stay_behind(hub, tmp_path, capsys):
    licences = ["CC0", "none stated", "MIT", "none stated", "CC0"]
    folder = write_set(tmp_path / "mixed", licences, ["open", "open", "open", "open", "research"])
    words = ["publish", "lpd", "--folder", str(folder), "--repo", REPO]
    assert main(words) == 1
    told = capsys.readouterr().err
    assert "3 pictures may not be published: licence none stated (2); rights research (1)" in told and not hub.requests
    assert main([*words, "--leave-out"]) == 0
    assert "train: 2 pictures\nleft out: 2, licence none stated" in capsys.readouterr().out
    files = hub.repositories["dataset", REPO].files
    assert set(files) == {"README.md", "report.json", "data/train-00000-of-00001.parquet"}, (
        "sheets show what is not here"
    )
    rows = datasets.Dataset.from_parquet(io_file(tmp_path, files["data/train-00000-of-00001.parquet"]))
    assert rows["licence"] == ["CC0", "MIT"] and [image.getpixel((0, 0))[0] for image in rows["image"]] == [0, 2]
    card = DatasetCard(files["README.md"].decode())
    assert "3 pictures of the build are not here" in card.text and "| somebody | MIT | 1 |" in card.text
    assert b"secret" not in files["report.json"] and b"a.parquet" in files["report.json"]
    assert main([*words, "--allow", "none stated", "--leave-out"]) == 0
    assert "train: 4 pictures" in capsys.readouterr().out
    assert (
        main(["publish", "lpd", "--folder", str(write_set(tmp_path / "none", ["?"])), "--repo", REPO, "--leave-out"])
        == 1
    )
    assert "No picture of" in capsys.readouterr().err


def io_file(folder: Path, data: bytes) -> str:
    (folder / "read.parquet").write_bytes(data)
    return str(folder / "read.parquet")


# Uploaded


def test_publishing_a_set(hub, built, capsys, monkeypatch):
    monkeypatch.setattr("datasets_cards.published_folder.ROWS_A_GROUP", 4)
    words = ["publish", "procedural", "--folder", str(built), "--repo", REPO]
    assert main([*words, "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert f"Would be uploaded to {REPO} as content-" in told and not hub.requests
    hub.faults.append(Fault("POST", ".*/commit/main", after=10))
    assert main([*words, "--shard-megabytes", "1"]) == 1
    assert f"The Hub did not take procedural as {REPO}" in capsys.readouterr().err
    for _ in range(2):
        assert main([*words, "--shard-megabytes", "1"]) == 0
    repository = hub.repositories["dataset", REPO]
    assert len(repository.commits) == 2 and len(repository.tags) == 1 and not repository.private
    shards = sorted(name for name in repository.files if "train-" in name)
    assert len(shards) > 1 and shards[0] == f"data/train-00000-of-{len(shards):05d}.parquet"
    data = DatasetCard(repository.files["README.md"].decode()).data.to_dict()
    (info,) = [data["dataset_info"]]
    assert {split["name"]: split["num_examples"] for split in info["splits"]} == {"train": 18, "validation": 2}
    assert {"name": "image", "dtype": "image"} in info["features"]
    assert data["configs"][0]["data_files"][0] == {"split": "train", "path": "data/train-*"}
    assert data["size_categories"] == ["n<1K"] and data["license"] == "cc0-1.0"


READ = """
import sys
import datasets
from huggingface_hub import HfApi

repo, tag = sys.argv[1:3]
whole = datasets.load_dataset(repo)
assert {split: len(rows) for split, rows in whole.items()} == {"train": 18, "validation": 2}, whole
assert whole["train"].features["image"] == datasets.Image()
streamed = datasets.load_dataset(repo, split="train", streaming=True, revision=tag)
assert streamed.features["image"] == datasets.Image(), "the viewer would have to guess"
rows = list(streamed)
assert [row["source"] for row in rows] == whole["train"]["source"]
for mine, theirs in zip(rows, whole["train"], strict=True):
    assert mine["image"].tobytes() == theirs["image"].tobytes() and min(mine["image"].size) >= 400
print("read", len(rows))
"""


def test_it_is_loaded_and_streamed(hub, built, tmp_path):
    publish("procedural", REPO, built)
    (tag,) = hub.repositories["dataset", REPO].tags
    environment = os.environ | hub.environment(str(tmp_path / "home"), token="")
    done = subprocess.run(
        [sys.executable, "-c", READ, REPO, tag], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout == "read 18\n", done.stderr[-2000:]


def test_a_private_set_is_hidden_from_others(hub, built, tmp_path):
    publish("procedural", REPO, built, private=True)
    assert hub.repositories["dataset", REPO].private
    environment = os.environ | hub.environment(str(tmp_path / "home"), token="")
    done = subprocess.run(
        [sys.executable, "-c", f"import datasets; datasets.load_dataset({REPO!r})"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode and "doesn't exist on the Hub or cannot be accessed" in done.stderr


READ_LPD = """
import sys
import datasets

built, repo = sys.argv[1:3]
there = datasets.load_dataset(repo)
files = {split: f"{built}/{split}.parquet" for split in ("train", "test_colour")}
here = datasets.load_dataset("parquet", data_files=files, cache_dir="plain")
for split in here:
    assert len(here[split]) == len(there[split]) > 0
    for mine, theirs in zip(here[split], there[split], strict=True):
        assert mine["image"].size == (256, 256) and mine["image"].tobytes() == theirs["image"].tobytes()
        assert mine["grey"].tobytes() == theirs["grey"].tobytes() and mine["box"] == theirs["box"]
streamed = next(iter(datasets.load_dataset(repo, split="train", streaming=True)))
assert streamed["image"].tobytes() == there["train"][0]["image"].tobytes()
print("equal")
"""


@pytest.mark.slow
def test_lpd_there_and_back(hub, tmp_path):
    """LPD, made by its own builder from procedural paintings, to the Hub and back."""
    folder, repo = tmp_path / "lpd", f"{NAMESPACE}/lpd"
    build(tmp_path, count=20)
    source = (tmp_path / "train.parquet").rename(tmp_path / "paintings.parquet")  # a name that tells no split
    shares = ["--coloured-test", "6", "--ink-test", "4", "--val-share", "0.2", "--test-share", "0.3"]
    cache = ["--text-cache", str(tmp_path / "text.json")]
    assert main(["build", "lpd", "--source", str(source), "--out", str(folder), *shares, *cache]) == 0
    assert main(["publish", "lpd", "--folder", str(folder), "--repo", repo]) == 0
    environment = os.environ | hub.environment(str(tmp_path / "home"), token="")
    words = [sys.executable, "-c", READ_LPD, str(folder), repo]
    done = subprocess.run(words, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout == "equal\n", done.stderr[-2000:]
