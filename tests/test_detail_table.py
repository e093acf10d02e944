"""The detail generator's table: pictures, rows, measures, bounds, sheets, studies, and the whole command."""

import csv
import json
import math
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import tyro
from PIL import Image
from scipy.ndimage import gaussian_filter

import torchvision_guard  # noqa: F401
from evaluation.__main__ import main
from evaluation.classifier_studies import Augmentation, CrossCheck, LabelledPictures
from evaluation.coverage import Coverage
from evaluation.diversity import class_diversity
from evaluation.feature_cache import FeatureCache
from evaluation.options import EvaluationOptions
from evaluation.tables import Cell, Row
from generation_fixtures import TINTS, CoarseColours, MeanDifference, StandIn, nearest_mean, write_split
from pipelines.detail_generator import table as detail_table
from pipelines.detail_generator import table_studies
from pipelines.detail_generator.table_layout import augmentation_table, cross_check_table, published_grey_table
from pipelines.detail_generator.table_studies import remembered, studied
from pipelines.generation import measured_samples, table_measures
from pipelines.generation.measured_pictures import PictureSet, as_many, blurred, read_pictures, spread
from pipelines.generation.measured_rows import RowMeasures
from pipelines.generation.measured_samples import BATCH, DEFAULT, TrainedRow, load_rows
from pipelines.generation.table_layout import BLURRED, REAL_TRAIN, VAE_ALONE, quality_bounds, shown_table
from pipelines.generation.table_measures import (
    SampleMeasures,
    category_cells,
    copying_cells,
    grey_cells,
    quality_cells,
    share_cell,
)
from pipelines.generation.table_pictures import nearest_sheet, sample_sheet

ROOT = Path(__file__).resolve().parent.parent
KINDS = tuple(sorted(TINTS))


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("grocery")
    for split, count, seed in (("train", 12, 0), ("val", 3, 100), ("test", 6, 200)):
        write_split(folder, split, count, seed)
    return folder


@pytest.fixture
def quick(monkeypatch):
    """Networks that answer in milliseconds."""
    monkeypatch.setattr(table_measures, "Inception", CoarseColours)
    monkeypatch.setattr(table_measures, "VggStatistics", CoarseColours)
    monkeypatch.setattr(table_measures, "lpips_network", lambda net: MeanDifference())
    monkeypatch.setattr(table_studies, "small_vgg_fit", lambda: nearest_mean)


@pytest.fixture
def folders(monkeypatch, tmp_path) -> Path:
    """Folders by whose names stand-ins are loaded."""
    known = {
        "good": StandIn(),
        "pale": StandIn(shift=40),
        "large": StandIn(side=32),
        "fruit": StandIn(categories=("fruit",)),
        "rest": StandIn(categories=("packages", "vegetables")),
        "large-rest": StandIn(side=32, categories=("packages", "vegetables")),
    }

    class Loader:
        @staticmethod
        def from_pretrained(folder):
            return known[Path(folder or "good").name]

    class Method:
        @staticmethod
        def load(_):
            return Loader

    monkeypatch.setattr(measured_samples, "get_method", lambda name: Method)
    return tmp_path


def options_of(folder: Path, *paper: tuple[str, str], **more) -> EvaluationOptions:
    return EvaluationOptions(folder, folder, paper=tuple(f"{row}={folder / name}" for row, name in paper), **more)


def some_pictures(labels: tuple[str, ...], side: int = 16) -> PictureSet:
    rng = np.random.default_rng(len(labels))
    pixels = rng.integers(0, 256, (len(labels), 3, side, side), dtype=np.uint8)
    ids = tuple(str(number) for number in range(len(labels)))
    return PictureSet(torch.from_numpy(pixels), labels, ids, ("",) * len(labels))


# pictures


def test_pictures_are_read_at_the_side_asked_for(data):
    whole = read_pictures(data, "test", 16)
    assert whole.pictures.shape == (18, 3, 16, 16) and whole.pictures.dtype == torch.uint8 and whole.side == 16
    assert whole.colours == ("",) * 18 and whole.ids[0] == "fruit-200" and whole.are("fruit").sum() == 6
    for label in KINDS:
        mean = whole.pictures[torch.from_numpy(whole.are(label))].float().mean((0, 2, 3))
        assert (mean - torch.tensor(TINTS[label])).abs().max() < 15
    some = read_pictures(data, "test", 16, limit=2)
    assert len(some) == 6 and some.ids[:2] == ("fruit-200", "fruit-203")
    assert torch.equal(some.pictures[1], whole.pictures[3])


def test_pictures_of_a_subset(data, tmp_path):
    write_split(tmp_path, "test", 2, 0, ("fruit",), subset="studio", colour="red")
    assert read_pictures(tmp_path, "test", 8, subset="studio").colours == ("red", "red")
    with pytest.raises(FileNotFoundError, match="no test pictures of the subset user"):
        read_pictures(tmp_path, "test", 8, subset="user")
    with pytest.raises(ValueError, match="no column subset"):
        read_pictures(data, "test", 8, subset="studio")
    with pytest.raises(FileNotFoundError, match=r"val\.parquet"):
        read_pictures(tmp_path, "val", 8)


def test_spread_and_draws():
    assert spread(["a", "b", "a", "a", "a", "b"], 2) == [0, 1, 3, 5] and spread(["a"], 5) == [0]
    pool, like = some_pictures(("a",) * 9 + ("b",) * 5), some_pictures(("b", "a", "a"))
    drawn = as_many(pool, like)
    assert drawn.labels == ("a", "a", "b") and len(set(drawn.ids)) == 3
    assert as_many(pool, like).ids == drawn.ids != as_many(pool, like, seed=3).ids
    assert as_many(pool, some_pictures(("b",) * 5)).ids == tuple(map(str, range(9, 14)))
    with pytest.raises(ValueError, match="6 pictures of b are compared with as many others, there are 5"):
        as_many(pool, some_pictures(("b",) * 6))


def test_blur():
    """Flat pictures stay, a dot becomes a Gaussian, channels and pictures are kept apart."""
    dot = torch.zeros(2, 3, 21, 21, dtype=torch.uint8)
    dot[0, 1, 10, 10] = 255
    soft = blurred(dot, 2.0)
    expected = gaussian_filter(dot[0, 1].double().numpy(), 2.0).round()
    assert (soft[0, 1].numpy() == expected).all() and soft[0, 1].max() == 10
    assert soft[0, 0].max() == soft[0, 2].max() == soft[1].max() == 0
    assert (blurred(torch.full((1, 3, 9, 9), 77, dtype=torch.uint8), 2.0) == 77).all()


# rows


def test_rows_of_one_model_or_several(folders):
    rows = load_rows(options_of(folders, ("paper", "fruit"), ("other", "pale"), ("paper", "rest")), "any")
    assert list(rows) == ["paper", "other", DEFAULT] and rows["paper"].side == 16
    assert sorted(rows["paper"].pipes) == list(KINDS) and rows["paper"].colours == ()
    assert "no training.json" in rows["paper"].note and rows["paper"].note.count(";") == 0
    assert rows[DEFAULT].dtype == "float32"
    assert DEFAULT not in load_rows(options_of(folders, baselines_only=True), "any")
    with pytest.raises(ValueError, match="Two models of the row 'x' make fruit"):
        load_rows(options_of(folders, ("x", "fruit"), ("x", "good")), "any")
    with pytest.raises(ValueError, match=r"different sizes: \[16, 32\]"):
        load_rows(options_of(folders, ("x", "fruit"), ("x", "large-rest")), "any")


def test_samples_are_asked_for_in_batches_by_seed():
    """One call a category and batch, each picture with the seed of its place, whatever the order of labels."""
    pipe = StandIn()
    row = TrainedRow(dict.fromkeys(KINDS, pipe)).called_with(truncation=0.5)
    labels = ["fruit", "packages"] * (BATCH + 1)
    samples = row.sample(labels, first_seed=1000)
    assert [len(call["seed"]) for call in pipe.calls] == [BATCH, 1] * 2
    assert all(call["truncation"] == 0.5 and "colour" not in call for call in pipe.calls)
    assert pipe.calls[0]["seed"] == list(range(1000, 1000 + 2 * BATCH, 2)) and samples.acceptance is None
    assert samples.shown.labels == tuple(labels) and samples.shown.ids[3] == "seed 1003"
    alone = row.sample(["packages"], first_seed=1003).shown.pictures[0]
    assert torch.equal(samples.shown.pictures[3], alone) and not torch.equal(samples.shown.pictures[1], alone)


def test_samples_with_colours_and_a_gate():
    pipe = StandIn(colours=("red", "blue"), rate=0.25)
    row = TrainedRow({"fruit": pipe})
    samples = row.sample(["fruit"] * 3, ["red", "", "red"])
    assert row.colours == ("red", "blue") and samples.acceptance == 0.25
    assert [(call.get("colour"), call["seed"]) for call in pipe.calls] == [("red", [0, 2]), (None, [1])]
    assert row.called_with(gate=False).sample(["fruit"]).acceptance is None


def test_acceptance_is_of_all_pictures_made():
    """Of 3 calls: 2 passed of 4 made, 2 of 2, and none of as many as were asked for."""
    answers = iter([([True, True], 0.5), ([True, True], 1.0), ([False, False], 0.0)])

    class Gated(StandIn):
        def __call__(self, category, *, seed, batch_size, **more):
            output = super().__call__(category, seed=seed, batch_size=batch_size)
            output.accepted, output.acceptance_rate = next(answers)
            output.seeds = [one + 7 for one in seed]
            return output

    samples = TrainedRow(dict.fromkeys(KINDS, Gated())).sample([label for label in KINDS for _ in range(2)])
    assert samples.acceptance == pytest.approx(4 / 8)
    assert samples.shown.ids[0] == "seed 7", "the seed of what was handed out"


def test_samples_that_do_not_fit_are_refused():
    row = TrainedRow({"fruit": StandIn(categories=("fruit",))})
    with pytest.raises(ValueError, match="samples makes fruit, not meat, packages"):
        row.sample(["packages", "meat"])
    pipe = row.pipes["fruit"]
    shrunk = lambda **call: StandIn(side=8)(**call)  # noqa: E731
    shrunk.generator = pipe.generator
    with pytest.raises(ValueError, match="1 pictures of 8 x 8 px where 1 of 16 px"):
        TrainedRow({"fruit": shrunk}).sample(["fruit"])


# measures


def measured(data: Path, quick, shift: int = 0):
    measures = SampleMeasures(FeatureCache())
    ground = measures.ground(read_pictures(data, "test", 16), read_pictures(data, "train", 16))
    row = TrainedRow(dict.fromkeys(KINDS, StandIn(shift=shift)))
    return measures, ground, measures(row.sample(ground.test.labels).shown, ground)


def test_real_pictures_against_themselves(data, quick):
    """Training pictures are found to be copies, test pictures to be at no distance."""
    measures, ground, _ = measured(data, quick)
    same = measures(ground.test, ground)
    cells = quality_cells(same, ground, 0)
    assert cells["fid"].value == pytest.approx(0, abs=1e-9) and cells["lpips_of_real"].value == pytest.approx(1)
    assert cells["precision"].value == cells["recall"].value == cells["coverage"].value == 1
    assert copying_cells(same)["nearer"].value == 0.5
    copied = measures(as_many(ground.train, ground.test), ground)
    assert copying_cells(copied)["nearer"].value == copying_cells(copied)["copies"].value == 1
    assert copying_cells(copied)["distance"].value == 0
    mirrored = copied.shown.shown_as(copied.shown.pictures.flip(3))
    assert copying_cells(measures(mirrored, ground))["distance"].value == 0, "a mirrored copy is a copy"
    assert measures(mirrored, ground).nearest(ground).ids == copied.shown.ids


def test_a_worse_row_is_worse(data, quick):
    measures, ground, good = measured(data, quick)
    bad = measured(data, quick, shift=60)[2]
    first, second = (quality_cells(row, ground, 0) for row in (good, bad))
    assert first["fid"].value < second["fid"].value and first["kid"].value < second["kid"].value
    assert first["kid"].low <= first["kid"].value <= first["kid"].high and first["fid"].low is None
    assert first["recall"].value > second["recall"].value == 0 and second["precision"].value == 0
    by_category = category_cells(good, ground, 0)
    assert set(by_category) == {f"{kind}_{label}" for kind in ("kid", "lpips") for label in KINDS}
    own = class_diversity(
        good.shown.pictures, good.shown.labels, ground.test.pictures, ground.test.labels, MeanDifference()
    )
    fruit = by_category["lpips_fruit"]
    assert fruit.value == pytest.approx(own.classes["fruit"].samples / own.classes["fruit"].real)
    assert fruit.low <= fruit.value <= fruit.high
    with pytest.raises(ValueError, match="as many pictures of each category"):
        measures(good.shown.take(range(5)), ground)


def test_a_collapsed_row_is_seen(data, quick):
    measures, ground, good = measured(data, quick)
    positions = [good.shown.labels.index(label) for label in good.shown.labels]
    collapsed = measures(good.shown.take(positions), ground)
    cells = quality_cells(collapsed, ground, 0)
    assert cells["lpips_of_real"].value == pytest.approx(0, abs=1e-9) and cells["recall"].value == 0
    assert quality_cells(good, ground, 0)["lpips_of_real"].value > 0.6


def test_means_and_shares_have_intervals():
    values = {"grey_mean": np.array([1.0, 2.0, 3.0, 100.0])}
    cell = grey_cells(values, np.array([True, True, True, False]), 0)["grey_mean"]
    assert cell.value == 2 and 1 <= cell.low < 2 < cell.high <= 3
    share = share_cell(np.array([True] * 3 + [False]), 0)
    assert share.value == 0.75 and 0 <= share.low < 0.75 < share.high <= 1


# layout


def cells_of(**values: float) -> dict[str, Cell]:
    return {name: Cell(value) for name, value in values.items()}


def test_bounds():
    rows = [
        Row(BLURRED, cells_of(kid=0.1)),
        Row(VAE_ALONE, cells_of(kid=0.04)),
        Row(DEFAULT, cells_of(kid=0.05, precision=0.3, recall=0.29, lpips_of_real=0.81)),
    ]
    assert [bound.passed for bound in quality_bounds("There", rows)] == [True, False, True, False, True]
    assert quality_bounds("There", rows[:2]) == []
    without = quality_bounds("There", [rows[0], rows[2]])
    assert len(without) == 4 and without[0].limit == 0.1


def test_a_table_shows_its_columns_only():
    table = shown_table("T", published_grey_table().columns, [Row("a", cells_of(grey_mean=1, fid=2)), Row("b", {})], "")
    assert [(row.name, list(row.cells)) for row in table.rows] == [("a", ["grey_mean"])]


def test_the_paper_s_figures_are_marked():
    table = published_grey_table()
    assert len(table.rows) == 6 and all("published" in row.note for row in table.rows)
    assert table.rows[1].cells["laplacian"].value == 446.24 and table.rows[0].cells["entropy_rgb"].value == 14.25


def test_cross_check_table():
    check = {kind: CrossCheck(0.8, 0.6, {"b": 1.0, "c": 0.5}) for kind in ("real", "generated", "half and half")}
    other = {kind: CrossCheck(0.4, 0.2, {"a": 0.5, "c": 0.5}) for kind in check}
    rows = {row.name: row for row in cross_check_table("x", {"a": check, "b": other}, 7).rows}
    assert rows["trained on real (published)"].cells["generated"].value == 0.90
    assert rows["a: trained on generated"].cells["others"].value == 0.75
    mean = {key: cell.value for key, cell in rows["mean: trained on half and half"].cells.items()}
    assert mean == pytest.approx({"real": 0.6, "generated": 0.4, "others": 0.625}) and len(rows) == 3 + 6 + 3


def test_augmentation_table():
    found = [
        Augmentation(100, 0, 0.5, 0.6),
        Augmentation(300, 0, 0.7, 0.7),
        Augmentation(100, 1, 0.7, 0.6),
        Augmentation(300, 1, 0.8, 0.9),
    ]
    rows = {row.name: row.cells for row in augmentation_table("x", found, 1000, 300).rows}
    assert list(rows) == ["100 real pictures", "300 real pictures"]
    gain = rows["100 real pictures"]["gain"]
    assert gain.value == pytest.approx(0) and gain.std == pytest.approx(0.1)
    assert rows["300 real pictures"]["augmented"].value == pytest.approx(0.8)


# sheets


def test_a_sheet_has_64_pictures_category_by_category():
    shown = some_pictures(("b", "a") * 50)
    sheet = sample_sheet(shown)
    assert sheet.size == (8 * 16 + 7 * 2,) * 2 and sample_sheet(shown.take(range(3))).size == (3 * 16 + 4, 16)
    pixels = torch.from_numpy(np.array(sheet)).permute(2, 0, 1)
    assert torch.equal(pixels[:, :16, :16], shown.pictures[1]), "the first a"
    assert torch.equal(pixels[:, -16:, -16:], shown.pictures[98]), "the last b"


def test_nearest_pictures_stand_beside_samples(data, quick):
    measures, ground, _ = measured(data, quick)
    copied = measures(as_many(ground.train, ground.test), ground)
    sheet = np.asarray(nearest_sheet(copied, ground)).astype(int)
    block = sheet.shape[1] // 4
    assert (sheet[22:118, :96] == sheet[22:118, 100:196]).all(), "a copy and what it copies"
    assert sheet.shape[0] == 22 + math.ceil(len(copied.shown) / 4) * 100 and block == 212


# studies


def test_nothing_is_trained_twice():
    given = []

    def fit(data, seed):
        given.append((len(data), seed))
        return nearest_mean(data, seed)

    known = remembered(fit)
    data = some_pictures(("a", "b", "a")).labelled
    other = LabelledPictures(data.pictures, ("a", "a", "b"))
    assert known(data, 0) is known(data, 0) and known(data, 1) is not known(data, 0)
    known(other, 0)
    assert given == [(3, 0), (3, 1), (3, 0)]


def test_who_is_studied():
    assert studied({"paper": 1, "b": 2, DEFAULT: 3}) == ["paper", DEFAULT]
    assert studied({"paper": 1, "b": 2}) == ["paper"] and studied({DEFAULT: 1}) == [DEFAULT] and studied({}) == []


# the whole command


def run(*words: str) -> None:
    main(["detail-generator", *words])


@pytest.fixture
def registered(monkeypatch):
    """The command, whatever else the method's folder has."""
    from types import SimpleNamespace

    import evaluation.__main__ as command

    monkeypatch.setattr(command, "METHODS", {"detail_generator": ""})
    method = SimpleNamespace(name="detail_generator", load=lambda _: detail_table.build_table)
    monkeypatch.setattr(command, "get_method", lambda name: method)


def test_the_whole_table(data, folders, quick, registered, monkeypatch, capsys):
    monkeypatch.setattr(table_studies, "SIZES", (6, 12, 1000))
    monkeypatch.setattr(table_studies, "MADE", 8)
    out = folders / "out"
    rows = [f"{name}={folder}" for name, folder in (("paper", "pale"), (VAE_ALONE, "pale"), ("large", "large"))]
    run("--data", str(data), "--out", str(out), "--studies", "--cache", str(folders / "cache"), "--paper", *rows)
    assert capsys.readouterr().out == (out / "table.md").read_text(encoding="utf-8")
    report = json.loads((out / "table.json").read_text(encoding="utf-8"))
    tables = {table["title"]: {row["name"]: row["measures"] for row in table["rows"]} for table in report["tables"]}
    small = [REAL_TRAIN, BLURRED, "paper", VAE_ALONE, DEFAULT]
    for title in ("Samples, 16 px", "Samples, 16 px: by category", "Samples, 16 px: memorisation"):
        assert list(tables[title]) == small
    assert list(tables["Samples, 32 px"]) == [REAL_TRAIN, BLURRED, "large"]
    quality = tables["Samples, 16 px"]
    assert quality[DEFAULT]["kid"]["value"] < quality["paper"]["kid"]["value"]
    assert tables["Samples, 16 px: memorisation"][REAL_TRAIN]["nearer"]["value"] == 1
    grey = tables["Grey statistics, 16 px: fruit, N = 6"]
    assert list(grey) == ["real test pictures", *small]
    assert grey["paper"]["grey_mean"]["value"] > grey[DEFAULT]["grey_mean"]["value"] + 20
    assert grey[BLURRED]["laplacian"]["value"] < 0.8 * grey[REAL_TRAIN]["laplacian"]["value"]
    assert len(tables["Grey statistics, published"]) == 6
    check = tables["Classifier cross-check: default, 16 px"]
    assert check["fruit: trained on real"]["real"]["value"] == 1 and len(check) == 3 + 9 + 3
    assert "Classifier cross-check: paper, 16 px" in tables and "Augmentation: paper, 16 px" not in tables
    assert f"Classifier cross-check: {VAE_ALONE}, 16 px" not in tables
    assert list(tables["Augmentation: default, 16 px"]) == ["6 real pictures", "12 real pictures"]
    claims = [bound["claim"] for bound in report["bounds"]]
    assert len(claims) == 5 and all(claim.startswith("Samples, 16 px: ") for claim in claims)
    assert report["facts"]["pictures"] == dict.fromkeys(KINDS, 6)
    assert all(table["columns"] for table in report["tables"])
    for name in ("real-training-pictures-as-many-16-px", "paper-16-px", "vae-alone-16-px", "large-32-px"):
        for kind in ("samples", "nearest"):
            assert Image.open(out / f"{kind}-{name}.png").width > 100
    lines = list(csv.DictReader((out / "pictures.csv").open(encoding="utf-8")))
    assert len(lines) == (5 + 3) * 18 and all(line["nearest"].startswith(line["category"]) for line in lines[:18])
    assert list((folders / "cache").iterdir())


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_measures_the_rows_that_are_trained(tmp_path):
    """Each folder that is there is a row; the VAE alone by the name that the bounds look for."""
    for name in ("requirements.txt", "requirements-weights.txt"):
        (tmp_path / name).touch()
    for row in ("paper-dcgan", "vae"):
        (tmp_path / "runs" / "detail-rows" / row / "best").mkdir(parents=True)
    words = [
        "make",
        "--dry-run",
        "--no-print-directory",
        "--file",
        str(ROOT / "Makefile"),
        "detail-table",
        f"VENV={sys.prefix}",
    ]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    command = shlex.split(done.stdout.replace("\\\n", " ").splitlines()[-1])
    options = tyro.cli(EvaluationOptions, args=command[command.index("detail-generator") + 1 :])
    assert options.studies and options.out == Path("runs/detail-table") and not options.baselines_only
    rows = {name: str(folder) for name, folder in options.paper_rows().items()}
    assert list(rows) == ["Wasserstein DCGAN", VAE_ALONE] and rows[VAE_ALONE] == "runs/detail-rows/vae/best"


def test_studies_are_asked_for(data, folders, quick, registered, monkeypatch, capsys):
    monkeypatch.setattr(table_studies, "small_vgg_fit", lambda: pytest.fail("a classifier was trained"))
    run("--data", str(data), "--out", str(folders / "out"), "--baselines-only", "--limit", "4", "--references", "5")
    report = json.loads((folders / "out" / "table.json").read_text(encoding="utf-8"))
    assert report["facts"]["training pictures"] == dict.fromkeys(KINDS, 5) and not report["bounds"]
    assert [row["name"] for row in report["tables"][0]["rows"]] == [REAL_TRAIN, BLURRED]
    assert report["tables"][0]["title"] == "Samples, 64 px", "where no row says a size"


def test_bad_input_ends_with_a_sentence(data, folders, quick, registered, tmp_path):
    for words, message in (
        (["--data", str(tmp_path), "--baselines-only"], "No pictures at"),
        (["--data", str(data), "--baselines-only", "--paper", f"x={folders / 'fruit'}"], "x makes fruit, not packages"),
        (["--data", str(data), "--baselines-only", "--limit", "1"], "more pictures than that in each set"),
    ):
        with pytest.raises(SystemExit) as stopped:
            run(*words, "--out", str(tmp_path / "out"))
        assert message in str(stopped.value.code)


class Unused(CoarseColours):
    """A network that nobody asks: its features are remembered."""

    def __call__(self, pictures):
        pytest.fail("looked again")


def test_measures_are_remembered(data, quick, tmp_path, monkeypatch):
    """A second table of the same data looks at no real picture again."""
    cache = tmp_path / "cache"
    first = RowMeasures(EvaluationOptions(data, tmp_path / "a", cache=cache), side=16)({})
    for network in ("Inception", "VggStatistics"):
        monkeypatch.setattr(table_measures, network, Unused)
    again = RowMeasures(EvaluationOptions(data, tmp_path / "b", cache=cache), side=16)({})
    assert isinstance(again[0].measured[BLURRED].coverage, Coverage)
    assert again[0].measured[BLURRED].coverage == first[0].measured[BLURRED].coverage
