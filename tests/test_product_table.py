"""The product studio's table: is it what was asked for, the gate's row, bounds, and the whole command."""

import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

import torchvision_guard  # noqa: F401
from editing_fixtures import small_parts
from evaluation.__main__ import main
from evaluation.feature_cache import FeatureCache
from evaluation.named_colours import NAMED_COLOURS
from evaluation.options import EvaluationOptions
from evaluation.tables import Bound, Cell, Row, Table
from generation_fixtures import CoarseColours, MeanDifference
from pipelines.generation import measured_samples, table_measures
from pipelines.generation.measured_pictures import PictureSet, read_pictures
from pipelines.generation.measured_rows import RowMeasures
from pipelines.generation.measured_samples import DEFAULT, TrainedRow
from pipelines.generation.table_layout import REAL_TRAIN
from pipelines.product_studio import table as product_table
from pipelines.product_studio import table_asked
from pipelines.product_studio.table import NO_GATE, with_ungated
from pipelines.product_studio.table_asked import (
    EACH,
    FIRST_SEED,
    ask,
    asked_bounds,
    asked_cells,
    asked_table,
    train_judge,
)

PLACES = {"bags": (0, 0), "shoes": (0, 1), "watches": (1, 0)}  # the quarter of the picture that the product stands in
COLOURS = ("red", "blue")


def product(label: str, colour: str, seed: int, side: int = 24) -> Image.Image:
    """A square of the named colour, in its category's quarter, on white."""
    rng = np.random.default_rng(seed)
    pixels = np.full((side, side, 3), 255, dtype=np.uint8)
    half = side // 2
    down, across = (half * place + 2 for place in PLACES[label])
    shade = np.array(NAMED_COLOURS[colour][0])
    pixels[down : down + half - 4, across : across + half - 4] = shade + rng.integers(-8, 9, 3)
    return Image.fromarray(pixels)


class Studio:
    """A pipeline that paints what is asked for; what is not asked is told by the seed. `wrong`: another category."""

    def __init__(self, side: int = 16, wrong: bool = False, rate: float | None = 0.5):
        config = SimpleNamespace(size=side, categories=list(PLACES), colours=[*COLOURS, "unheard of"])
        self.generator = SimpleNamespace(config=config, dtype=torch.float32)
        self.components = {"generator": self.generator, "cutout": small_parts()["cutout"]}
        self.wrong, self.rate = wrong, rate
        self.asked: list[tuple[str, str | None, bool]] = []

    def __call__(self, category, *, seed, batch_size, colour=None, gate=True):
        assert len(seed) == batch_size
        self.asked += [(category, colour, gate)] * batch_size
        shown = "bags" if self.wrong else category
        side = self.generator.config.size
        images = [product(shown, colour or COLOURS[one % 2], one % 10**6, side) for one in seed]
        rate = self.rate if gate else None
        return SimpleNamespace(images=images, seeds=seed, accepted=[True] * batch_size, acceptance_rate=rate)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Two subsets; the one that is not asked for would be found out by its size."""
    folder = tmp_path_factory.mktemp("products")
    for split, count, seed in (("train", 10, 0), ("val", 4, 100), ("test", 6, 200)):
        rows = []
        for label in PLACES:
            for number in range(count):
                colour, stream = ("red", "blue", "green", "")[number % 4], io.BytesIO()
                product(label, colour or "black", seed + number).save(stream, "PNG")
                stored = {"bytes": stream.getvalue(), "path": None}
                row = {"image": stored, "id": f"{label}-{seed + number}", "label": label, "colour": colour}
                rows += [row | {"subset": "studio"}, row | {"subset": "user", "label": "dress"}]
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{split}.parquet")
    return folder


@pytest.fixture
def quick(monkeypatch):
    """Networks that answer in milliseconds."""
    monkeypatch.setattr(table_measures, "Inception", CoarseColours)
    monkeypatch.setattr(table_measures, "VggStatistics", CoarseColours)
    monkeypatch.setattr(table_measures, "lpips_network", lambda net: MeanDifference())
    monkeypatch.setattr(table_asked, "VggStatistics", CoarseColours)


@pytest.fixture
def judge(data, quick):
    ground = RowMeasures(EvaluationOptions(data, data), "studio").ground(16)
    return train_judge(ground, read_pictures(data, "val", 16, "studio"), FeatureCache())


def rows_of(**pipes: Studio) -> dict[str, TrainedRow]:
    return {name: TrainedRow(dict.fromkeys(PLACES, pipe)) for name, pipe in pipes.items()}


def test_every_category_and_colour_is_asked_for_alike_often():
    pipe = Studio()
    shown, acceptance = ask(TrainedRow(dict.fromkeys(PLACES, pipe)), tuple(PLACES), "row")
    assert acceptance == 0.5 and len(shown) == 3 * 2 * EACH
    assert {one: pipe.asked.count(one) for one in pipe.asked} == {
        (label, colour, True): EACH for label in PLACES for colour in COLOURS
    }, "a colour of unknown look is left out"
    assert shown.ids[0] == f"seed {FIRST_SEED}" and set(shown.colours) == set(COLOURS)


def test_a_model_without_colours_is_asked_for_categories():
    pipe = Studio()
    pipe.generator.config.colours = []
    shown, _ = ask(TrainedRow(dict.fromkeys(PLACES, pipe)), tuple(PLACES), "row")
    assert len(shown) == 3 * EACH and {colour for _, colour, _ in pipe.asked} == {None}


def test_what_was_asked_for_is_seen(judge):
    colours = {name: NAMED_COLOURS[name] for name in COLOURS}
    shown = ask(rows_of(x=Studio())["x"], tuple(PLACES), "row")[0]
    cells = asked_cells(shown, judge, colours, tuple(PLACES), 0)
    assert cells["category"].value == cells["colour"].value == 1 and cells["covered"].value == 3
    swapped = tuple({"red": "blue", "blue": "red"}[name] for name in shown.colours)
    lied = PictureSet(shown.pictures, ("shoes", "watches", "bags") * (len(shown) // 3), shown.ids, swapped)
    cells = asked_cells(lied, judge, colours, tuple(PLACES), 0)
    assert cells["colour"].value == 0 and cells["category"].value == pytest.approx(1 / 3, abs=0.05)
    assert cells["category"].low < cells["category"].value < cells["category"].high
    unknown = PictureSet(shown.pictures, shown.labels, shown.ids, ("",) * len(shown))
    assert "colour" not in asked_cells(unknown, judge, colours, tuple(PLACES), 0)


def test_a_collapsed_model_covers_one_category(judge):
    shown = ask(rows_of(x=Studio(wrong=True))["x"], tuple(PLACES), "row")[0]
    cells = asked_cells(shown, judge, {}, tuple(PLACES), 0)
    assert cells["covered"].value == 1 and cells["category"].value == pytest.approx(1 / 3)


def test_the_gate_is_left_out_once():
    pipe = Studio()
    rows = with_ungated(rows_of(paper=Studio(), default=pipe))
    assert list(rows) == ["paper", DEFAULT, NO_GATE]
    assert rows[NO_GATE].sample(["bags"]).acceptance is None and pipe.asked == [("bags", None, False)]
    assert rows[DEFAULT].sample(["bags"]).acceptance == 0.5
    assert with_ungated({}) == {}


def test_bounds():
    def bounds(**values: float) -> list[Bound]:
        cells = {name: Cell(value) for name, value in values.items()}
        return asked_bounds(Table("T", (), [Row("paper", {}), Row(DEFAULT, cells)]))

    assert [bound.passed for bound in bounds(category=0.8, colour=0.69)] == [True, False]
    assert [bound.claim for bound in bounds(category=0.79)] == ["T: category right"]
    assert asked_bounds(Table("T", (), [Row("paper", {})])) == []


def test_the_real_pictures_stand_first(data, judge, quick, tmp_path):
    options = EvaluationOptions(data, tmp_path)
    one = RowMeasures(options, "studio")(rows_of(paper=Studio()))[0]
    table = asked_table(one, judge, options)
    assert [row.name for row in table.rows] == ["real test pictures", "paper"]
    assert table.rows[0].cells["colour"].value == 1 and table.rows[0].cells["n"].value == 18
    assert "acceptance" not in table.rows[0].cells and table.rows[1].cells["acceptance"].value == 0.5
    assert "among red, blue;" in table.caption


def test_the_whole_table(data, quick, tmp_path, monkeypatch, capsys):
    import evaluation.__main__ as command

    pipes = {"paper": Studio(wrong=True), "default": Studio()}
    loader = SimpleNamespace(from_pretrained=lambda folder: pipes[Path(folder).name])
    monkeypatch.setattr(measured_samples, "get_method", lambda name: SimpleNamespace(load=lambda _: loader))
    monkeypatch.setattr(command, "METHODS", {"product_studio": ""})
    method = SimpleNamespace(name="product_studio", load=lambda _: product_table.build_table)
    monkeypatch.setattr(command, "get_method", lambda name: method)
    out = tmp_path / "out"
    words = ["--data", str(data), "--out", str(out), "--weights", "default", "--paper", "paper=paper"]
    main(["product-studio", *words])
    assert capsys.readouterr().out == (out / "table.md").read_text(encoding="utf-8")
    report = json.loads((out / "table.json").read_text(encoding="utf-8"))
    tables = {table["title"]: {row["name"]: row["measures"] for row in table["rows"]} for table in report["tables"]}
    assert list(tables) == [
        "Samples, 16 px",
        "Samples, 16 px: by category",
        "Samples, 16 px: memorisation",
        "Asked for and shown, 16 px",
        "The product's mask",
    ]
    assert REAL_TRAIN in tables["Samples, 16 px"] and NO_GATE in tables["Samples, 16 px"]
    asked = tables["Asked for and shown, 16 px"]
    assert asked[DEFAULT]["category"]["value"] == 1 and asked["paper"]["category"]["value"] == pytest.approx(1 / 3)
    assert asked[DEFAULT]["acceptance"]["value"] == 0.5 and "acceptance" not in asked[NO_GATE]
    assert report["facts"]["pictures"] == dict.fromkeys(PLACES, 6), "of the subset studio alone"
    claims = {bound["claim"]: bound["passed"] for bound in report["bounds"]}
    assert claims["Asked for and shown, 16 px: category right"] and len(claims) == 4 + 2 + 2
    assert (out / "samples-default-without-the-gate-16-px.png").is_file() and (out / "edit-cutout.png").is_file()
