"""The scene translator's table: baselines, the held-back classifiers, rows, bounds, and the whole command."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

import torchvision_guard  # noqa: F401
from evaluation import image_quality
from evaluation.__main__ import main
from evaluation.feature_cache import FeatureCache
from evaluation.options import EvaluationOptions
from evaluation.paired import Measured
from evaluation.picture_classifier import LabelledFeatures, VggStatistics, fit_classifier, logistic_loss
from evaluation.tables import Cell, Row
from pipelines import get_method
from pipelines.color import rgb_to_lab
from pipelines.scene_translator import table_measures, table_rows
from pipelines.scene_translator.classifier import PAIRS, judges_table, picture_weights, train_judge
from pipelines.scene_translator.networks_scene_translator import DIRECTIONS
from pipelines.scene_translator.scene_pictures import Scenes, read_scenes, squared
from pipelines.scene_translator.table import build_table
from pipelines.scene_translator.table_layout import direction_bounds, pair_table, with_gap_closed
from pipelines.scene_translator.table_measures import (
    Ground,
    SceneMeasures,
    summarise_row,
    summarise_targets,
    summarise_training,
)
from pipelines.scene_translator.table_rows import (
    DEFAULT,
    IDENTITY,
    REAL_MANY,
    REAL_TRAIN,
    TRANSFER,
    TrainingColours,
    Translator,
    load_translators,
    scene_outputs,
)
from pipelines.scene_translator.transfer import ColourStatistics, colour_transfer, matched

COLOURS = {"summer": (70, 120, 60), "winter": (190, 200, 215), "cloudy": (120, 120, 125), "sunny": (110, 150, 210)}


def pixels_of(label: str, seed: int, height: int = 40, width: int = 40) -> np.ndarray:
    """A smooth picture in its class's colours."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 60, (4, 4, 3), dtype=np.uint8))
    smooth = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC)).astype(int) - 30
    return (smooth + COLOURS[label]).clip(0, 255).astype(np.uint8)


def rows_of(labels: tuple[str, ...], count: int, seed: int, contents=("nature",)) -> Iterator[dict]:
    for label in labels:
        for number in range(count):
            stream = io.BytesIO()
            Image.fromarray(pixels_of(label, seed + number)).save(stream, "PNG")
            stored = {"bytes": stream.getvalue(), "path": None}
            content = contents[number % len(contents)]
            yield {"image": stored, "label": label, "content": content, "id": f"{label}-{seed + number}"}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Both pairs; weather with cities among nature."""
    folder = tmp_path_factory.mktemp("scenes")
    for pair, contents in ((("summer", "winter"), ("nature",)), (("cloudy", "sunny"), ("nature", "city", "nature"))):
        (folder / "2".join(pair)).mkdir()
        for split, count, seed in (("train", 4, 0), ("val", 3, 100), ("test", 3, 200)):
            table = pa.Table.from_pylist(list(rows_of(pair, count, seed, contents)))
            pq.write_table(table, folder / "2".join(pair) / f"{split}.parquet")
    return folder


def some_scenes(labels: list[str], contents: list[str] | None = None, side: int = 16) -> Scenes:
    pictures = [torch.from_numpy(pixels_of(label, n, side, side)).permute(2, 0, 1) for n, label in enumerate(labels)]
    ids = [str(number) for number in range(len(labels))]
    return Scenes(torch.stack(pictures), labels, contents or ["any"] * len(labels), ids)


# pictures


def test_scenes_are_read_and_limited(data):
    scenes = read_scenes(data, "test")
    assert scenes.pictures.shape == (12, 3, 256, 256) and scenes.pictures.dtype == torch.uint8
    assert scenes.are("cloudy", "sunny").sum() == 6 and scenes.shows("city").sum() == 2 and scenes.shows(None).all()
    some = read_scenes(data, "test", limit=2, side=40)
    assert len(some) == 8 and some.ids[:2] == ["cloudy-200", "cloudy-201"]
    assert (some.pictures[0].permute(1, 2, 0).numpy() == pixels_of("cloudy", 200)).all(), "40 px stay as they are"
    chosen = scenes.select(scenes.are("winter"))
    assert chosen.labels == ["winter"] * 3 and torch.equal(chosen.pictures, scenes.pictures[-3:])


def test_scenes_without_content_or_name(tmp_path):
    rows = [{key: row[key] for key in ("image", "label")} for row in rows_of(("summer",), 2, 0)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "test.parquet")
    scenes = read_scenes(tmp_path, "test")
    assert scenes.contents == ["any", "any"] and scenes.ids == ["test-0", "test-1"]
    pq.write_table(pa.Table.from_pylist([{"image": row["image"]} for row in rows]), tmp_path / "test.parquet")
    with pytest.raises(ValueError, match="no column label"):
        read_scenes(tmp_path, "test")
    with pytest.raises(FileNotFoundError, match=r"val\.parquet"):
        read_scenes(tmp_path, "val")


@pytest.mark.parametrize("size", [(32, 32), (20, 50), (91, 30), (31, 33), (1, 7)])
def test_pictures_are_made_square(size):
    image = np.zeros((*size, 3), dtype=np.uint8)
    image[:, : size[1] // 2] = 255
    square = squared(image, 32)
    assert square.shape == (32, 32, 3) and square.flags.c_contiguous
    if size[1] > 1 and size[1] % 2 == 0:  # the middle stays in the middle
        assert square[:, :14].min() > 200 and square[:, 18:].max() < 55


# colour transfer


def test_transfer_reaches_the_statistics():
    """Exactly, in CIELAB; in 8 bits nearly, where no colour leaves sRGB."""
    lab = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 7 + 40
    target = ColourStatistics(torch.tensor([55.0, 3.0, -8.0]).double(), torch.tensor([9.0, 4.0, 6.0]).double())
    moved = matched(lab, target)
    assert torch.allclose(moved.mean((2, 3)), target.mean.expand(3, 3), atol=1e-9)
    assert torch.allclose(moved.std((2, 3), correction=0), target.std.expand(3, 3), atol=1e-9)
    pictures = torch.from_numpy(np.stack([pixels_of("summer", seed) for seed in range(2)])).permute(0, 3, 1, 2)
    found = rgb_to_lab(colour_transfer(pictures, target).double() / 255)
    assert (found.mean((2, 3)) - target.mean).abs().max() < 0.1
    assert (found.std((2, 3), correction=0) - target.std).abs().max() < 0.1


def test_transfer_to_the_own_statistics_and_of_a_flat_picture():
    picture = torch.from_numpy(pixels_of("winter", 0, 32, 32)).permute(2, 0, 1)[None]
    lab = rgb_to_lab(picture.float() / 255)
    own = ColourStatistics(lab.mean((0, 2, 3)), lab.std((0, 2, 3), correction=0))
    assert (colour_transfer(picture, own).int() - picture.int()).abs().max() <= 1
    flat = colour_transfer(torch.full((1, 3, 8, 8), 90, dtype=torch.uint8), own)
    assert (flat == flat[:, :, :1, :1]).all()
    assert (rgb_to_lab(flat.float() / 255).mean((0, 2, 3)) - own.mean).abs().max() < 1


def test_statistics_are_averages_over_pictures():
    """Of means and of deviations within a picture: two flat pictures have no deviation."""
    flat = torch.stack([torch.full((3, 8, 8), value, dtype=torch.uint8) for value in (60, 180)])
    statistics = ColourStatistics.measure(flat)
    lightness = rgb_to_lab(flat.float() / 255)[:, 0].mean()
    assert statistics.mean[0] == pytest.approx(float(lightness), abs=1e-3) and statistics.std.abs().max() < 1e-3
    with pytest.raises(ValueError, match="at least one"):
        ColourStatistics.measure(flat[:0])


def test_transfer_goes_to_like_content():
    """A city takes the target's cities' colours; a content that the target lacks, the class's."""
    train = some_scenes(["sunny", "winter", "sunny"], ["city", "nature", "nature"])
    colours = TrainingColours.measure(train)
    picture = some_scenes(["cloudy"]).pictures
    for content, chosen in (("city", [0]), ("nature", [2]), ("desert", [0, 2])):
        expected = colour_transfer(picture, ColourStatistics.measure(train.pictures[chosen]))
        assert torch.equal(colours.transfer(picture, [content], "sunny"), expected)


# held-back classifiers


def labelled(rng: np.random.Generator, count: int, shift: float) -> LabelledFeatures:
    """Two clouds in five dimensions of very different scales, `shift` deviations apart in one of them."""
    positive = np.arange(count) % 2 == 1
    features = rng.normal(size=(count, 5))
    features[:, 2] += shift * positive
    return LabelledFeatures(features * [1, 100, 0.01, 5, 0] + [0, 7, 3, -2, 1], positive, np.ones(count))


def test_classifier_learns_what_can_be_told_and_nothing_else():
    rng = np.random.default_rng(0)
    train, val, test = (labelled(rng, count, 6) for count in (200, 100, 400))
    told = fit_classifier(train, val).probability(test.features)
    assert ((told > 0.5) == test.positive).mean() > 0.98 and told.min() >= 0 and told.max() <= 1
    train, val, test = (labelled(rng, count, 0) for count in (200, 100, 400))
    assert abs(((fit_classifier(train, val).probability(test.features) > 0.5) == test.positive).mean() - 0.5) < 0.1


def test_classifier_is_at_the_optimum_and_repeatable():
    """No gradient left at the penalty that validation chose; the same numbers every time."""
    rng = np.random.default_rng(1)
    train, val = labelled(rng, 80, 1), labelled(rng, 60, 1)
    first, second = (fit_classifier(train, val) for _ in range(2))
    assert (first.weights == second.weights).all() and first.bias == second.bias
    data = train.standardised(first.mean, first.scale)
    slopes = logistic_loss(np.append(first.weights, first.bias), data, first.penalty)[1]
    assert np.abs(slopes).max() < 1e-4
    losses = []
    for penalty in (1.0, 0.1, 0.01):
        fitted = fit_classifier(train, val, [penalty])
        held_back = val.standardised(fitted.mean, fitted.scale)
        losses.append(logistic_loss(np.append(fitted.weights, fitted.bias), held_back, 0.0)[0])
    chosen = fit_classifier(train, val, (1.0, 0.1, 0.01)).penalty
    assert chosen == (1.0, 0.1, 0.01)[int(np.argmin(losses))]


def test_gradient_of_the_logistic_loss():
    rng = np.random.default_rng(2)
    data = LabelledFeatures(rng.normal(size=(9, 3)), rng.random(9) > 0.4, rng.random(9))
    at = rng.normal(size=4)
    steps = np.eye(4) * 1e-6
    numeric = [(logistic_loss(at + s, data, 0.3)[0] - logistic_loss(at - s, data, 0.3)[0]) / 2e-6 for s in steps]
    assert logistic_loss(at, data, 0.3)[1] == pytest.approx(numeric, abs=1e-7)


def test_classifier_needs_both_classes_and_numbers():
    train = labelled(np.random.default_rng(0), 20, 3)
    one = LabelledFeatures(train.features, np.ones(20, bool), train.weights)
    for arguments, name in (((one, train), "training"), ((train, one), "validation")):
        with pytest.raises(ValueError, match=f"{name} pictures of both classes"):
            fit_classifier(*arguments)
    broken = LabelledFeatures(train.features * np.nan, train.positive, train.weights)
    with pytest.raises(ValueError, match="finite"):
        fit_classifier(broken, broken)


def test_weights_take_content_out_of_the_class():
    """Sunny is mostly city, cloudy mostly nature; weighted, both have the same shares of both. Deserts give away."""
    labels = ["sunny"] * 5 + ["cloudy"] * 4 + ["sunny"]
    contents = ["city"] * 4 + ["nature"] + ["nature"] * 3 + ["city"] + ["desert"]
    scenes = some_scenes(labels, contents)
    weights = picture_weights(scenes, balanced=True)
    total = {
        (label, content): sum(w for w, *kind in zip(weights, labels, contents, strict=True) if kind == [label, content])
        for label in ("sunny", "cloudy")
        for content in ("city", "nature")
    }
    assert total["sunny", "city"] == pytest.approx(total["cloudy", "city"]) == pytest.approx(5)
    assert total["sunny", "nature"] == pytest.approx(total["cloudy", "nature"]) == pytest.approx(4)
    assert weights[-1] == 0
    plain = picture_weights(scenes, balanced=False)
    assert plain[scenes.are("sunny")].sum() == pytest.approx(plain[scenes.are("cloudy")].sum())


def test_a_balanced_judge_does_not_ask_for_the_content():
    """Feature 0 tells nature from city, feature 1, weakly, sunny from cloudy; content goes with class in training."""
    rng = np.random.default_rng(3)

    def pictures(count: int, together: float) -> tuple[Scenes, np.ndarray]:
        sunny = np.arange(count) % 2 == 1
        city = np.where(rng.random(count) < together, sunny, ~sunny)
        features = np.stack([4 * city + rng.normal(size=count), 2.5 * sunny + rng.normal(size=count)], axis=1)
        labels = [("cloudy", "sunny")[int(value)] for value in sunny]
        return some_scenes(labels, [("nature", "city")[int(value)] for value in city], side=4), features

    train, val, test = (pictures(count, share) for count, share in ((400, 0.95), (200, 0.95), (400, 0.05)))
    judge = train_judge(("cloudy", "sunny"), *train, *val)
    table = judges_table([judge], *test, "test", seed=0)
    right = {row.name: row.cells["accuracy"].value for row in table.rows}
    assert right["weather"] > 0.8 > 0.6 > right["weather, content not balanced"]
    cells = table.rows[0].cells
    assert cells["accuracy"].low <= cells["accuracy"].value <= cells["accuracy"].high and cells["n"].value == 400
    assert cells["cloudy"].value + cells["sunny"].value == pytest.approx(2 * cells["accuracy"].value)
    both = judge.assigned(test[1], "sunny")["assigned"] + judge.assigned(test[1], "cloudy")["assigned"]
    assert (both == 1).all()


# features are remembered


def test_cache_knows_pictures_by_their_bytes(tmp_path):
    seen = []

    def compute(pictures: torch.Tensor) -> np.ndarray:
        seen.append(len(pictures))
        return pictures.flatten(1).double().numpy()

    pictures = torch.arange(24, dtype=torch.uint8).view(2, 3, 2, 2)
    cache = FeatureCache(tmp_path / "features")
    first = cache("net", pictures, compute, keep=True)
    assert (cache("net", pictures.clone(), compute) == first).all() and seen == [2]
    cache("other net", pictures, compute)
    assert seen == [2, 2] and len(list(tmp_path.rglob("*.npy"))) == 1, "only what is worth it is kept"
    again = FeatureCache(tmp_path / "features")
    assert (again("net", pictures, compute, keep=True) == first).all() and seen == [2, 2]
    changed = pictures.clone()
    changed[0, 0, 0, 0] += 1
    assert (again("net", changed, compute) != first).any() and seen == [2, 2, 2]
    assert not list(tmp_path.rglob("*.part"))


# rows


class StandIn:
    """A pipeline that adds `step` levels toward the second target and takes them away toward the first."""

    def __init__(self, targets: tuple[str, str], step: int = 10, directions: tuple | None = None):
        self.targets, self.step = targets, step
        self.directions = directions or (targets, targets[::-1])
        self.generator = SimpleNamespace(dtype=torch.float32)
        self.calls: list[tuple[str, str]] = []

    def __call__(self, image, target, source=None, return_dict=True):
        assert (source, target) in self.directions and not return_dict
        self.calls.append((source, target))
        step = self.step if target == self.targets[1] else -self.step
        return ([Image.fromarray((np.asarray(image).astype(int) + step).clip(0, 255).astype(np.uint8))],)


@pytest.fixture
def folders(monkeypatch, tmp_path) -> Path:
    """Folders by whose names stand-ins are loaded: season, weather, one-way."""
    season, weather = ("summer", "winter"), ("cloudy", "sunny")
    known = {
        "season": StandIn(season),
        "weather": StandIn(weather),
        "one-way": StandIn(season, directions=(season,)),
    }
    monkeypatch.setattr(
        table_rows.SceneTranslator, "from_pretrained", lambda folder: known[Path(folder or "season").name]
    )
    return tmp_path


def options_of(folder: Path, *paper: str, **more) -> EvaluationOptions:
    return EvaluationOptions(folder, folder, paper=tuple(f"{row}={folder / name}" for row, name in paper), **more)


def test_a_row_of_two_folders(folders):
    options = options_of(folders, ("CycleGAN", "season"), ("pix2pix", "season"), ("CycleGAN", "weather"))
    rows = load_translators(options)
    assert list(rows) == ["CycleGAN", "pix2pix", DEFAULT]
    assert set(rows["CycleGAN"].pipes) == set(DIRECTIONS) and set(rows["pix2pix"].pipes) == set(DIRECTIONS[:2])
    assert rows["pix2pix"].note.startswith("no true pairs exist") and "training.json" in rows["pix2pix"].note
    assert rows["CycleGAN"].note.count("no training.json") == 1 and rows[DEFAULT].dtype == "float32"
    outputs = scene_outputs(
        some_scenes(["cloudy"]), ("cloudy", "sunny"), TrainingColours.measure(some_scenes(["sunny", "cloudy"])), rows
    )
    assert list(outputs) == [IDENTITY, TRANSFER, "CycleGAN"], "the others do not know this direction"
    with pytest.raises(ValueError, match="'GAN' translate summer to winter"):
        load_translators(options_of(folders, ("GAN", "season"), ("GAN", "one-way")))
    assert DEFAULT not in load_translators(options_of(folders, baselines_only=True))


def test_options_take_a_row_again():
    options = EvaluationOptions(Path("data"), Path("out"), paper=("a=x", "b=y=z", "a=w"))
    assert options.paper_folders() == {"a": (Path("x"), Path("w")), "b": (Path("y=z"),)}
    with pytest.raises(ValueError, match="'a' twice"):
        options.paper_rows()
    for wrong in (("a=x", "a=x"), ("a=",), ("=x",), ("x",)):
        with pytest.raises(ValueError, match="each once"):
            EvaluationOptions(Path("data"), Path("out"), paper=wrong).paper_folders()


def test_outputs_go_there_and_back():
    """The way back starts from the 8 bits that the way there gave, and is told the direction."""
    pipe = StandIn(("summer", "winter"), step=40)
    scenes = some_scenes(["summer", "summer"])
    translator = Translator(dict.fromkeys(pipe.directions, pipe), None)
    outputs = translator(scenes.pictures, ("summer", "winter"), "row")
    there = (scenes.pictures.int() + 40).clamp(0, 255)
    assert torch.equal(outputs.there.int(), there) and torch.equal(outputs.back.int(), there - 40)
    assert pipe.calls == [("summer", "winter")] * 2 + [("winter", "summer")] * 2
    one_way = StandIn(("summer", "winter"), directions=(("summer", "winter"),))
    assert Translator({("summer", "winter"): one_way}, None)(scenes.pictures, ("summer", "winter"), "row").back is None


# what is said of a row


def measured(rng: np.random.Generator, count: int, centre: float, assigned: float, chroma: float) -> Measured:
    values = {"assigned": (np.arange(count) < assigned * count).astype(float), "chroma": np.full(count, chroma)}
    values |= {"colourfulness": np.full(count, 2 * chroma), "psnr": np.full(count, np.inf), "ssim": np.ones(count)}
    return Measured(values, rng.normal(centre, 1, (count, 6)))


def some_ground(rng: np.random.Generator) -> Ground:
    ids = [str(number) for number in range(40)]
    inputs, targets = measured(rng, 40, 0, 0.1, 10), measured(rng, 40, 1, 0.8, 20)
    return Ground(inputs, ids, targets, ids, rng.normal(1, 1, (90, 6)))


def test_summaries():
    rng = np.random.default_rng(0)
    ground = some_ground(rng)
    cells = summarise_row(measured(rng, 40, 0.9, 0.6, 15), ground, seed=0)
    assert cells["psnr"].value == np.inf and cells["psnr"].low is None, "equal pictures have no interval"
    assert cells["assigned"].value == pytest.approx(0.6)
    assert cells["assigned"].low < 0.55 and cells["assigned"].high > 0.65
    assert cells["assigned_of_real"].value == pytest.approx(0.75)
    assert cells["chroma_of_input"].value == pytest.approx(1.5)
    assert cells["chroma_of_target"].value == pytest.approx(0.75)
    assert cells["fid"].low is None and cells["kid"].low < cells["kid"].value < cells["kid"].high
    real = summarise_targets(ground, seed=0)
    assert real["assigned"].value == pytest.approx(0.8) and real["assigned_of_real"].value == pytest.approx(1)
    as_many, many = summarise_training(ground, seed=0)
    assert as_many["fid"].std > 0 and as_many["fid"].value < summarise_row(ground.inputs, ground, 0)["fid"].value
    assert many["fid"].value < as_many["fid"].value, "for their number alone"
    assert "assigned" not in as_many, "the classifier was trained on them"


def test_ground_of_a_content():
    rng = np.random.default_rng(1)
    ground = some_ground(rng)
    few = ground.select(np.arange(40) < 3, np.arange(40) < 5, np.arange(90) < 7)
    assert len(few.input_ids) == len(few.inputs.features) == 3 and len(few.training) == 7
    assert few.target_ids == ["0", "1", "2", "3", "4"] and len(few.targets.values["chroma"]) == 5


def table_rows_of(default: float = 80.0, identity: float = 100.0, real: float = 60.0) -> list[Row]:
    def cells(fid: float, kid: float = 0.01, **more: float) -> dict[str, Cell]:
        return {name: Cell(value) for name, value in {"fid": fid, "kid": kid, **more}.items()}

    rows = [
        Row(IDENTITY, cells(identity, ssim=1.0)),
        Row(TRANSFER, cells(95.0, kid=0.02)),
        Row(DEFAULT, cells(default, kid=0.015, assigned_of_real=0.59, ssim=0.5)),
        Row(REAL_TRAIN, cells(real)),
        Row(REAL_MANY, cells(real - 20)),
        Row("real test pictures", {"assigned": Cell(0.9)}),
    ]
    return with_gap_closed(rows)


def test_bounds():
    by_claim = {bound.claim.split(": ")[1]: bound for bound in direction_bounds("There", table_rows_of())}
    assert [bound.passed for bound in by_claim.values()] == [True, False, True, False, True]
    assert by_claim["part of FID's gap closed"].value == pytest.approx(0.5)
    assert by_claim["part of FID's gap to more pictures"].value == pytest.approx(1 / 3)
    assert by_claim["KID below the colour transfer's"].limit == 0.02
    assert not direction_bounds("There", table_rows_of(default=85))[0].passed
    assert all(bound.target for bound in direction_bounds("There", table_rows_of(), target=True))


def test_no_gap_cannot_be_closed():
    rows = table_rows_of(identity=60, real=60)
    assert np.isnan(rows[2].cells["gap_closed"].value) and not direction_bounds("There", rows)[0].passed
    assert "gap_closed" not in rows[-1].cells


def test_means_of_a_pair_take_rows_that_know_both():
    there, back = table_rows_of(default=80), table_rows_of(default=70)
    table = pair_table({"There": [*there, Row("one-way", {"fid": Cell(1.0)})], "Back": back})
    rows = {row.name: row.cells for row in table.rows}
    assert rows[DEFAULT]["fid"].value == 75 and "one-way" not in rows and table.title == "Mean of: There and Back"


# the whole command


class CoarseColours:
    """In place of Inception and VGG-16, in milliseconds: a picture's colours in its four quarters."""

    name = "coarse colours"

    def __init__(self, batch: int):
        pass

    def __call__(self, pictures) -> np.ndarray:
        coarse = [torch.nn.functional.adaptive_avg_pool2d(picture.double() / 255, 2).flatten() for picture in pictures]
        return torch.stack(coarse).numpy()


def test_the_whole_table(data, folders, tmp_path, monkeypatch, capsys):
    """Every table, file and bound; the default knows the season only, and only adds 10 levels."""
    monkeypatch.setattr(table_measures, "Inception", CoarseColours)
    monkeypatch.setattr(table_measures, "VggStatistics", CoarseColours)
    out, options = tmp_path / "out", f"--data {data} --weights season --references 3 --cache {tmp_path / 'cache'}"
    with pytest.raises(SystemExit) as stopped:
        main(["scene-translator", *options.split(), "--out", str(out), "--paper", "GAN=one-way", "--check"])
    assert stopped.value.code == 1
    text = capsys.readouterr().out
    assert text == (out / "table.md").read_text(encoding="utf-8")
    assert f"| {IDENTITY} |" in text and "| pix2pix (published) [1] |" in text
    numbers = json.loads((out / "table.json").read_text(encoding="utf-8"))
    tables = {table["title"]: {row["name"]: row["measures"] for row in table["rows"]} for table in numbers["tables"]}
    season, weather = ["Summer to winter", "Winter to summer"], ["Cloudy to sunny", "Sunny to cloudy"]
    expected = [name for title in season for name in (title, f"{title}: colour and structure")]
    expected += ["Mean of: Summer to winter and Winter to summer"]
    for title in weather:
        expected += [f"{title}, nature", f"{title}, all contents", f"{title}, nature: colour and structure"]
    expected += ["Mean of: Cloudy to sunny, nature and Sunny to cloudy, nature", "Held-back classifiers"]
    assert list(tables) == expected
    rows = tables["Summer to winter"]
    assert rows[IDENTITY]["ssim"]["value"] == 1 and rows[IDENTITY]["psnr"]["value"] is None  # infinite
    assert rows[IDENTITY]["gap_closed"]["value"] == 0 and rows[REAL_TRAIN]["gap_closed"]["value"] == pytest.approx(1)
    assert rows[DEFAULT]["psnr"]["value"] == pytest.approx(20 * np.log10(25.5), abs=0.2)
    assert rows[DEFAULT]["back_ssim"]["value"] > 0.999 and "back_ssim" not in rows["GAN"]
    assert rows[TRANSFER]["assigned"]["value"] == 1 and rows[IDENTITY]["assigned"]["value"] == 0
    assert "GAN" not in tables["Winter to summer"] and "GAN" not in tables[expected[4]]
    assert DEFAULT not in tables["Sunny to cloudy, nature"] and len(numbers["bounds"]) == 10
    assert tables["Held-back classifiers"]["season"]["accuracy"]["value"] == 1
    captions = {table["title"]: table["caption"] for table in numbers["tables"]}
    assert captions["Cloudy to sunny, nature"].startswith("N = 2 cloudy") and "N = 3" in captions[expected[6]]
    assert numbers["facts"]["computed in"] == {"GAN": "float32", "default": "float32"}
    for name in ("summer-winter", "winter-summer", "cloudy-sunny", "sunny-cloudy"):
        assert (out / f"gallery-{name}" / "index.html").is_file()
        assert (out / f"contact_sheet-{name}.jpg").is_file() and (out / f"figure-{name}.png").is_file()
    lines = list(csv.DictReader((out / "pictures.csv").open(encoding="utf-8")))
    assert len(lines) == 3 * (4 + 3 + 2 + 2) and {line["content"] for line in lines} == {"nature", "city"}
    assert len(list((tmp_path / "cache").iterdir())) > 0


@pytest.mark.slow
def test_the_table_with_its_networks(data, tmp_path):
    """The classes differ in colour alone: the colour transfer comes nearer than the input, and is recognised."""
    options = EvaluationOptions(data, tmp_path / "out", baselines_only=True, references=3)
    tables = {table.title: {row.name: row.cells for row in table.rows} for table in build_table(options).tables}
    for title in ("Summer to winter", "Winter to summer"):
        near, far = tables[title][TRANSFER], tables[title][IDENTITY]
        assert near["fid"].value < far["fid"].value and near["kid"].value < far["kid"].value
        assert near["assigned"].value == 1 and far["assigned"].value == 0


def test_vgg_statistics():
    """2944 numbers that do not depend on the batch."""
    pictures = some_scenes(["summer", "winter", "sunny"], side=40).pictures
    one, three = VggStatistics(side=32, batch=1)(pictures), VggStatistics(side=32, batch=3)(pictures)
    assert one.shape == (3, 2944) and np.abs(one - three).max() < 1e-3 * np.abs(one).max()
    assert (one >= 0).all(), "means and deviations of rectified maps"
    assert np.abs(one[0] - one[1]).max() > 1


def test_missing_data_ends_with_a_sentence(data, tmp_path):
    with pytest.raises(SystemExit) as stopped:
        main(["scene_translator", "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--baselines-only"])
    assert "No scenes at" in str(stopped.value.code)
    pq.write_table(pa.Table.from_pylist(list(rows_of(("winter",), 2, 0))), tmp_path / "test.parquet")
    with pytest.raises(SystemExit) as stopped:
        main(["scene_translator", "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--baselines-only"])
    assert "no two classes to translate between: it has winter" in str(stopped.value.code)


def test_the_method_names_its_table():
    assert get_method("scene_translator").load("table") is build_table
    assert {direction for pair in PAIRS for direction in (pair, pair[::-1])} == set(DIRECTIONS)


def test_likeness_is_the_librarys():
    """Each pair's own, wherever equal ones stand among them, and those have the best there is."""
    inputs = some_scenes(["summer", "winter", "sunny", "cloudy"], side=64).pictures
    noise = torch.randint(0, 30, inputs.shape, generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    outputs = (inputs // 2 + noise).where(torch.tensor([True, False, True, True]).view(4, 1, 1, 1), inputs)
    found = SceneMeasures(FeatureCache(), batch=2).likeness(inputs, outputs, ("psnr", "ssim", "fsim"))
    for name, measure in (("psnr", image_quality.psnr), ("ssim", image_quality.ssim), ("fsim", image_quality.fsim)):
        expected = measure(inputs.float() / 255, outputs.float() / 255).numpy()
        assert found[name] == pytest.approx(expected, abs=2e-5)
    assert found["psnr"][1] == np.inf and found["ssim"][1] == found["fsim"][1] == 1 and found["ssim"][0] < 0.9


def test_outputs_of_another_size_are_refused():
    pictures = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
    with pytest.raises(ValueError, match=r"\(1, 3, 8, 8\), their inputs \(1, 3, 16, 16\)"):
        SceneMeasures(FeatureCache()).likeness(pictures, pictures[:, :, :8, :8], ["psnr"])
