"""Tables, galleries, the record of a training, and the whole command on a small data set."""

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

import torchvision_guard  # noqa: F401
from evaluation.__main__ import main
from evaluation.gallery import picture_grid, write_gallery
from evaluation.options import EvaluationOptions
from evaluation.tables import Bound, Cell, Column, Report, Row, Table, report_csv, report_json, report_markdown
from evaluation.training_record import checkpoints, is_flat, unfinished
from pipelines import get_method
from pipelines.color import rgb_to_lab
from pipelines.landscape_colorizer import baselines
from pipelines.landscape_colorizer.measured_crops import painting_order, read_crops
from pipelines.landscape_colorizer.table import DEFAULT, MEAN, build_table


def small_report() -> Report:
    columns = (
        Column("lpips", "LPIPS ↓", 3),
        Column("kid", "KID ×10³", 1, scale=1000),
        Column("c", "chroma", 1, ratio="r"),
    )
    rows = [
        Row("published", {"lpips": Cell(0.1711)}, "other pictures"),
        Row(
            "ours",
            {"lpips": Cell(0.1, 0.08, 0.12), "kid": Cell(0.012, 0.01, 0.02, 0.001), "c": Cell(9.5), "r": Cell(0.8)},
        ),
        Row("equal", {"lpips": Cell(float("inf"))}, "other pictures"),
    ]
    bounds = [
        Bound("low enough", 0.1, 0.2),
        Bound("high enough", 0.5, 0.6, at_most=False),
        Bound("hoped", 3, 2, target=True),
    ]
    return Report("Colours", [Table("All", columns, rows, "N = 2.")], bounds, {"seed": 0, "versions": {"torch": "2"}})


def test_markdown():
    text = report_markdown(small_report())
    assert "| published [1] | 0.171 |  |  |" in text and text.count("other pictures") == 1
    assert "| ours | 0.100 [0.080, 0.120] | 12.0 ± 1.0 [10.0, 20.0] | 9.5 (80%) |" in text
    assert "| low enough | 0.1 | ≤ 0.2 | pass |" in text
    assert "| high enough | 0.5 | ≥ 0.6 | FAIL |" in text and "| hoped | 3 | ≤ 2 | target missed |" in text
    assert "- versions: torch 2" in text


def test_csv_and_json():
    lines = list(csv.DictReader(io.StringIO(report_csv(small_report()))))
    assert {
        "table": "All",
        "row": "ours",
        "measure": "kid",
        "value": "0.012",
        "low": "0.01",
        "high": "0.02",
        "std": "0.001",
    } in lines
    numbers = json.loads(json.dumps(report_json(small_report()), allow_nan=False))
    assert numbers["tables"][0]["rows"][2]["measures"]["lpips"]["value"] is None  # infinity is no JSON
    kid = {"key": "kid", "label": "KID ×10³", "digits": 1, "scale": 1000, "ratio": None}
    assert numbers["tables"][0]["columns"][1] == kid
    assert [bound["passed"] for bound in numbers["bounds"]] == [True, False, False]


def test_gallery_stands_alone(tmp_path):
    pictures = [Image.new("RGB", (32, 32), colour) for colour in ("red", "green")]
    page = write_gallery(
        tmp_path / "gallery", "A <title>", {"real": pictures, "grey": pictures[::-1]}, ["one & two", "b"]
    )
    text = page.read_text(encoding="utf-8")
    sources = re.findall(r'src="([^"]+)"', text)
    assert len(sources) == 4 and all((page.parent / source).is_file() for source in sources)
    assert "://" not in text and "A &lt;title&gt;" in text and "one &amp; two" in text
    assert Image.open(page.parent / sources[1]).getpixel((0, 0)) == (0, 128, 0)
    with pytest.raises(ValueError, match="2 pictures each"):
        write_gallery(tmp_path, "", {"real": pictures, "grey": pictures[:1]}, ["a", "b"])


def test_picture_grid_places_rows_and_blocks():
    pictures = [Image.new("RGB", (10, 10), (value, 0, 0)) for value in (50, 100, 150)]
    one = picture_grid({"a": pictures, "a very long heading": pictures}, side=40)
    assert one.getpixel((10, 22 + 20)) == (50, 0, 0) and one.getpixel((60, 22 + 2 * 44 + 20)) == (150, 0, 0)
    two = picture_grid({"a": pictures}, side=40, blocks=2)
    assert two.width > one.width // 2 and two.height < one.height


def write_training(folder: Path, **values) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "training.json").write_text(json.dumps(values))
    return folder


def test_what_counts_as_trained(tmp_path):
    falling = [{"lpips": 1 / step} for step in range(1, 13)]
    flat = [{"lpips": 0.2 + 0.1 * (step < 5)} for step in range(12)]
    config = {"best": "lpips"}
    young = write_training(tmp_path / "young", images=5000, curve=falling, config=config)
    assert "not converged: 5,000 images seen, and" in unfinished(young)
    later = write_training(tmp_path / "later", images=5000, curve=falling, config=config | {"start_from": "x"})
    assert "5,000 images seen in its last stage, which started from trained weights" in unfinished(later)
    assert unfinished(write_training(tmp_path / "old", images=100_000, curve=falling, config=config)) is None
    assert unfinished(write_training(tmp_path / "flat", images=5000, curve=flat, config=config)) is None
    assert "unknown" in unfinished(tmp_path)
    assert not is_flat([0.2] * 7)  # too short to tell
    (young / "training.json").write_text("{")
    with pytest.raises(ValueError, match="not JSON"):
        unfinished(young)


def test_checkpoints_of_a_run(tmp_path):
    for step in (200, 100):
        folder = write_training(tmp_path / "run" / "checkpoints" / f"{step:08d}", images=step * 16)
        (folder / "model_index.json").write_text("{}")
    assert list(checkpoints(tmp_path / "run")) == ["1,600 images", "3,200 images"]
    with pytest.raises(FileNotFoundError, match="holds no pipeline"):
        checkpoints(tmp_path)


def test_paper_rows():
    options = EvaluationOptions(Path("data"), Path("out"), paper=("ResNet-9=runs/a=b",))
    assert options.paper_rows() == {"ResNet-9": Path("runs/a=b")}
    with pytest.raises(ValueError, match="ROW=FOLDER"):
        EvaluationOptions(Path("data"), Path("out"), paper=("runs/a",)).paper_rows()


def encoded(pixels: np.ndarray) -> dict:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return {"bytes": stream.getvalue(), "path": None}


def write_lpd(folder: Path) -> Path:
    """A small LPD of 64 px crops: brown lights and green darks of a strength that depends on the group."""
    from pipelines.color import grey_of, lab_to_rgb

    rng = torch.Generator().manual_seed(5)
    folder.mkdir()
    files = {
        "train": ("colour", "pale"),
        "val": ("colour", "pale"),
        "test_colour": ("colour", "pale"),
        "test_ink": ("ink",),
    }
    for name, groups in files.items():
        rows = []
        for number in range({"train": 8, "test_colour": 4}.get(name, 2)):
            group = groups[number % len(groups)]
            small = torch.rand(1, 1, 8, 8, generator=rng)
            lightness = 20 + 70 * torch.nn.functional.interpolate(small, (64, 64), mode="bicubic").clamp(0, 1)
            strength = {"colour": 30, "pale": 8, "ink": 2}[group]
            light = (lightness - 55) / 45
            rgb = lab_to_rgb(torch.cat([lightness, light * strength, light.abs() * strength], dim=1))
            grey = (grey_of(rgb)[0, 0] * 255).round().byte().numpy()
            pixels = (rgb[0].permute(1, 2, 0) * 255).round().byte().numpy()
            painting = f"{name}-{number // 3}"
            rows.append({"image": encoded(pixels), "grey": encoded(grey), "group": group, "painting": painting})
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")
    return folder


@pytest.fixture(scope="module")
def lpd(tmp_path_factory) -> Path:
    return write_lpd(tmp_path_factory.mktemp("evaluation") / "lpd")


def test_baselines_keep_lightness_and_know_what_they_say(lpd):
    crops = read_crops(lpd / "test_colour.parquet")
    colours = baselines.TrainingColours.measure(lpd / "train.parquet")
    train = read_crops(lpd / "train.parquet").real[:, :, ::4, ::4].double() / 255
    assert torch.allclose(colours.mean.double(), rgb_to_lab(train)[:, 1:].mean((0, 2, 3)), atol=1e-4)
    lightness = rgb_to_lab(crops.grey.double() / 255)[:, 0]
    mean = baselines.mean_colour(crops.grey, colours)
    own = baselines.own_mean_colour(crops.grey, crops.real)
    for painted in (mean, baselines.mean_colour_by_lightness(crops.grey, colours), own):
        assert (rgb_to_lab(painted.double() / 255)[:, 0] - lightness).abs().max() < 0.7  # rounding to 8 bits
    assert (rgb_to_lab(mean.double() / 255)[:, 1:].mean((2, 3)) - colours.mean).abs().max() < 0.5
    true = rgb_to_lab(crops.real.double() / 255)[:, 1:].mean((2, 3))
    assert (rgb_to_lab(own.double() / 255)[:, 1:].mean((2, 3)) - true).abs().max() < 0.5
    exact = baselines.true_colour(crops.grey, crops.real)
    assert (exact.int() - crops.real.int()).abs().max() <= 4


def test_painting_order_takes_every_painting_first(lpd):
    order = painting_order(lpd / "train.parquet", None, seed=0)
    paintings = [read_crops(lpd / "train.parquet").paintings[row] for row in order]
    assert len(set(paintings[:3])) == 3 and sorted(order) == list(range(8))
    assert order == painting_order(lpd / "train.parquet", None, seed=0)
    assert len(painting_order(lpd / "train.parquet", "pale", seed=0)) == 4


def test_wrong_data_is_named(lpd, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"train\.parquet is missing"):
        read_crops(tmp_path / "train.parquet")
    pq.write_table(pa.table({"image": [1]}), tmp_path / "train.parquet")
    with pytest.raises(ValueError, match="no column grey, group, painting"):
        read_crops(tmp_path / "train.parquet")


def test_the_whole_table(lpd, tmp_path, monkeypatch, capsys):
    """Every table, file and bound, with a random model as the default and as a row of the paper."""
    from pipelines.hub import save_for_hub

    save_for_hub(get_method("landscape_colorizer").tiny(), tmp_path / "tiny")
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "tiny").rename(tmp_path / "run" / "checkpoints" / "00000004")
    model, out = tmp_path / "run" / "checkpoints" / "00000004", tmp_path / "out"
    options = f"--data {lpd} --out {out} --weights {model} --paper small={model} --epochs {model.parent.parent}"
    with pytest.raises(SystemExit) as stopped:
        main(["landscape-colorizer", *options.split(), "--references", "4", "--check"])
    assert stopped.value.code == 1  # random weights do not reach the bounds
    text = capsys.readouterr().out
    assert text == (out / "table.md").read_text(encoding="utf-8")
    for row in ("paper, ResNet-9 (published) [1]", "mean colour by lightness", "own mean colour (oracle)", "default"):
        assert f"| {row} |" in text
    numbers = json.loads((out / "table.json").read_text(encoding="utf-8"))
    rows = {table["title"]: {row["name"]: row for row in table["rows"]} for table in numbers["tables"]}
    assert list(rows)[:3] == ["All crops", "Strongly coloured crops", "Pale crops"]
    assert rows["All crops"]["small"]["note"].startswith("no training.json")
    floor = rows["All crops"]["true colour, kept L* (floor)"]["measures"]
    assert floor["lpips_alex"]["value"] < 0.005 and floor["chroma_ratio"]["value"] == pytest.approx(1, abs=0.02)
    assert rows["All crops"]["grey"]["measures"]["colourfulness"]["value"] == 0
    low, value, high = (rows["All crops"][MEAN]["measures"]["psnr"][key] for key in ("low", "value", "high"))
    assert low <= value <= high
    assert set(rows["Ink crops"]) >= {"ink as photographed", "grey", MEAN, DEFAULT, "real coloured crops of this split"}
    assert len(numbers["bounds"]) == 16 and numbers["facts"]["computed in"] == {
        "small": "float32",
        "default": "float32",
    }
    for name in ("gallery/index.html", "gallery_ink/index.html", "contact_sheet.jpg", "contact_sheet_ink.jpg"):
        assert (out / name).is_file()
    assert Image.open(out / "epochs-run.png").size == (3 * 196 + 12, 22 + 4 * 196)
    crops = list(csv.DictReader((out / "pictures.csv").open(encoding="utf-8")))
    assert len(crops) == 4 * 9 and {row["group"] for row in crops} == {"colour", "pale"}


def test_missing_data_ends_with_a_sentence(tmp_path):
    with pytest.raises(SystemExit) as stopped:
        main(["landscape_colorizer", "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--baselines-only"])
    assert "test_colour.parquet is missing" in str(stopped.value.code)
    with pytest.raises(SystemExit) as stopped:
        main(["no_such_method"])
    assert stopped.value.code == 2


def test_the_method_names_its_table():
    assert get_method("landscape_colorizer").load("table") is build_table
