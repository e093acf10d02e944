"""The line art colorizer's table: drawings, baselines, measures, bounds, pictures, and the whole command."""

import csv
import io
import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

import torchvision_guard  # noqa: F401
from evaluation.__main__ import main
from evaluation.bootstrap import draw_clusters
from evaluation.feature_cache import FeatureCache
from evaluation.options import EvaluationOptions
from evaluation.paired import Measured
from evaluation.tables import Cell, Row, report_markdown
from pipelines import get_method
from pipelines.lineart_colorizer import baselines, table, table_measures, table_rows, table_strokes
from pipelines.lineart_colorizer.measured_drawings import (
    OTHER,
    TARGET,
    Drawings,
    read_drawings,
    read_training,
    spread,
    squared,
)
from pipelines.lineart_colorizer.table import build_table
from pipelines.lineart_colorizer.table_gradients import gradients_table, training_run
from pipelines.lineart_colorizer.table_layout import default_bounds, likeness_table
from pipelines.lineart_colorizer.table_measures import LineArtMeasures
from pipelines.lineart_colorizer.table_pictures import distinct, spread_rows
from pipelines.lineart_colorizer.table_rows import (
    BASELINES,
    DEFAULT,
    GREY,
    MEAN,
    PALETTE,
    RAW,
    REAL,
    TINT,
    Models,
    colour,
    coloured_outputs,
    load_models,
    trained_names,
)
from pipelines.lineart_colorizer.table_strokes import STROKES, stroke_drawings
from pipelines.lineart_colorizer.table_summaries import (
    Ground,
    difference,
    mean_cell,
    ratio_cell,
    summarise_row,
    summarise_training,
)
from pipelines.lineart_colorizer.table_swaps import swapped_rows

PAINTS = ((200, 60, 60), (60, 150, 80), (70, 80, 190), (210, 190, 70), (150, 80, 170))


def picture_of(seed: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """A cross of ink between four rooms, each painted: lines (H, W) and picture (H, W, 3)."""
    lines = np.full((side, side), 255, np.uint8)
    at = side // 3 + seed % 5
    lines[at : at + 3] = lines[:, at : at + 3] = 0
    picture = np.empty((side, side, 3), np.uint8)
    for number, rows in enumerate((slice(0, at), slice(at, side))):
        picture[rows, :at] = PAINTS[(seed + number) % 5]
        picture[rows, at:] = PAINTS[(seed + 2 * number + 2) % 5]
    grain = np.random.default_rng(seed).integers(-9, 10, picture.shape)
    return lines, ((picture + grain).clip(0, 255) * (lines[..., None] / 255)).astype(np.uint8)


def some_drawings(count: int, side: int = 48, subsets: list[str] | None = None) -> Drawings:
    pairs = [picture_of(seed, side) for seed in range(count)]
    lines = torch.stack([torch.from_numpy(drawing)[None] for drawing, _ in pairs])
    pictures = torch.stack([torch.from_numpy(picture).permute(2, 0, 1) for _, picture in pairs])
    ids = [f"d{number}" for number in range(count)]
    others = [ids[(number + 1) % count] for number in range(count)]
    return Drawings(lines, pictures, torch.roll(pictures, -1, 0), ids, others, subsets or ["comic"] * count, list(ids))


def stored(pixels: np.ndarray) -> dict:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return {"bytes": stream.getvalue(), "path": None}


def rows_of(subset: str, count: int, seed: int, size: tuple[int, int] = (40, 40)) -> list[dict]:
    rows = []
    for number in range(count):
        lines, picture = (pixels[: size[0], : size[1]] for pixels in picture_of(seed + number, max(size)))
        key, other = (f"{subset}-{seed + (number + step) % count}" for step in (0, 1))
        rows.append({"image": stored(picture), "lines": stored(lines), "id": key, "reference": other})
        page = f"p{number // 2}" if subset == "comic" else ""
        rows[-1] |= {"subset": subset, "page": page, "rights": "open", "extractor": "xdog"}
    return rows


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A comic with pages and single faces."""
    folder = tmp_path_factory.mktemp("lineart")
    for split, count, seed in (("train", 5, 0), ("val", 4, 100), ("test", 4, 200)):
        rows = [*rows_of("comic", count, seed, (40, 52)), *rows_of("face", 3, seed)]
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{split}.parquet")
    return folder


class StandIn:
    """A pipeline that fills the page with the reference's mean colour, `lighter` by some levels, or copies places."""

    def __init__(self, lighter: int = 0, copies: bool = False, kind: str | None = None):
        self.lighter, self.copies, self.calls = lighter, copies, []
        self.generator = SimpleNamespace(dtype=torch.float32)
        self.style_encoder = SimpleNamespace(config=SimpleNamespace(kind=kind))

    def __call__(self, image: Image.Image, reference: Image.Image, evenness: float, return_dict: bool = True) -> tuple:
        assert image.mode == reference.mode == "RGB" and not return_dict
        assert evenness == 0, "what is not the default's network is measured as it is"
        self.calls.append((image.size, reference.size))
        pixels = np.asarray(reference).astype(float)
        paint = pixels if self.copies else pixels.mean((0, 1))
        page = (paint + self.lighter).clip(0, 255) * (np.asarray(image) / 255)
        return ([Image.fromarray(page.round().astype(np.uint8))], [[]])


# drawings


def test_drawings_are_read(data):
    drawings = read_drawings(data, "val")
    assert len(drawings) == 7 and drawings.lines.shape == (7, 1, 256, 256) and drawings.others.shape == (7, 3, 256, 256)
    assert drawings.lines.dtype == drawings.pictures.dtype == drawings.others.dtype == torch.uint8
    assert drawings.other_ids[:2] == ["comic-101", "comic-102"] and drawings.other_ids[6] == "face-100"
    for number, key in enumerate(drawings.other_ids):
        assert torch.equal(drawings.others[number], drawings.pictures[drawings.ids.index(key)])
    assert drawings.pages[:3] == ["page p0", "page p0", "page p1"] and drawings.pages[4] == "picture face-100"
    assert drawings.of("face").sum() == 3 and drawings.of(None).all()
    assert (
        torch.equal(drawings.references(TARGET)[0], drawings.pictures)
        and drawings.references(OTHER)[1][6] == "face-100"
    )
    assert drawings.segments.shape == (7, 256, 256) and set(drawings.segments.max((1, 2))) == {4}


def test_few_drawings_keep_their_references(data):
    some = read_drawings(data, "val", limit=1, side=40)
    assert some.ids == ["comic-100", "face-100"] and some.other_ids == ["comic-101", "face-101"]
    whole = read_drawings(data, "val", side=40)
    assert torch.equal(some.others[0], whole.pictures[1]), "a reference that was left out is there all the same"


def test_lines_lie_on_their_picture(data):
    """The middle of 40 x 52 is cut out of both: ink is black in both."""
    drawings = read_drawings(data, "val", side=40)
    ink = (drawings.lines == 0).expand_as(drawings.pictures)
    assert ink.any() and drawings.pictures[ink].max() == 0


def test_bad_data_is_told(data, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"test\.parquet"):
        read_drawings(tmp_path, "test")
    rows = rows_of("comic", 2, 0)
    pq.write_table(
        pa.Table.from_pylist([{k: row[k] for k in row if k != "lines"} for row in rows]), tmp_path / "val.parquet"
    )
    with pytest.raises(ValueError, match="no column lines"):
        read_drawings(tmp_path, "val")
    pq.write_table(pa.Table.from_pylist([rows[0] | {"reference": "gone"}, rows[1]]), tmp_path / "val.parquet")
    with pytest.raises(ValueError, match="the reference gone"):
        read_drawings(tmp_path, "val")
    other = rows[0] | {"lines": stored(np.zeros((39, 40), np.uint8))}
    pq.write_table(pa.Table.from_pylist([other, rows[1]]), tmp_path / "val.parquet")
    with pytest.raises(ValueError, match=r"comic-0 is \(40, 39\), its picture \(40, 40\)"):
        read_drawings(tmp_path, "val")


def test_training_pictures(data):
    training = read_training(data, {"comic": 2, "face": 9})
    assert training.subsets == ["comic"] * 2 + ["face"] * 3 and len(training.pictures) == 5
    assert len(set(training.clusters)) == 5 and training.clusters[0] == "page p0"
    with pytest.raises(ValueError, match="no training picture of manga; it has comic, face|it has face, comic"):
        read_training(data, {"manga": 3})


@pytest.mark.parametrize("size", [(32, 32), (20, 50), (91, 30), (1, 7)])
def test_pictures_are_made_square(size):
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[:, : size[1] // 2] = 255
    square, plane = squared(pixels, 32), squared(pixels[..., 0], 32)
    assert square.shape == (32, 32, 3) and (square[..., 0] == plane).all()
    if size[1] % 2 == 0:
        assert square[:, :13].min() > 200 and square[:, 19:].max() < 55, "the middle stays in the middle"


def test_a_few_of_each_group_are_spread():
    assert spread(list("aaaabb"), 2) == [0, 2, 4, 5] and spread(list("abab"), 9) == [0, 1, 2, 3] and spread([], 3) == []


# baselines


def test_baselines_keep_the_lines_and_take_the_colours():
    drawings = some_drawings(3)
    ink = (drawings.lines == 0).expand(-1, 3, -1, -1)
    paint = torch.tensor([[10.0, 200.0, 30.0], [40.0, 50.0, 60.0], [255.0, 255.0, 255.0]])
    for output in (baselines.mean_colour(drawings.lines, paint), baselines.mean_colour(drawings.lines, paint[0])):
        assert output.shape == drawings.pictures.shape and output.dtype == torch.uint8 and output[ink].max() == 0
    assert (output[2, :, 0, 0] == paint[0]).all(), "one colour for all"
    assert (baselines.mean_colour(drawings.lines, paint)[:, :, 0, 0] == paint).all()
    grey = baselines.uncoloured(drawings.lines)
    assert (grey == drawings.lines).all() and grey.shape == drawings.pictures.shape
    half = baselines.mean_colour(torch.full((1, 1, 2, 2), 128, dtype=torch.uint8), paint[0])
    assert half[0, :, 0, 0].tolist() == [5, 100, 15], "ink over paint"


def test_palette_by_brightness_uses_every_colour_in_its_order():
    """On white paper the output is the reference rearranged, and dark where the drawing is dark."""
    rng = np.random.default_rng(0)
    reference = torch.from_numpy(rng.integers(0, 256, (1, 3, 24, 24)).astype(np.uint8))
    paper = torch.full((1, 1, 24, 24), 255, dtype=torch.uint8)
    output = baselines.palette_by_brightness(paper, reference)

    def ordered(pixels: torch.Tensor) -> list:
        return sorted(map(tuple, pixels[0].flatten(1).T.tolist()))

    assert ordered(output) == ordered(reference)
    ramp = torch.linspace(150, 255, 24).round().byte().expand(1, 1, 24, 24).contiguous()
    painted = baselines.palette_by_brightness(ramp, reference, softness=0.5)[0].float() / (ramp[0].float() / 255)
    luma = (painted * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(0).mean(0)
    assert (luma[1:] > luma[:-1]).all()
    small = baselines.palette_by_brightness(paper, reference[:, :, :5, :7])
    assert small.shape == (1, 3, 24, 24) and set(ordered(small)) == set(ordered(reference[:, :, :5, :7]))


def test_palette_by_brightness_does_not_know_places():
    drawings = some_drawings(2)
    straight, mirrored = (
        baselines.palette_by_brightness(drawings.lines, x).float() for x in (drawings.others, drawings.others.flip(3))
    )
    assert (straight - mirrored).abs().mean() < 3, "ties of luma alone"


# rows


def test_rows_of_both_kinds_of_reference():
    drawings, pipe = some_drawings(3), StandIn()
    outputs = coloured_outputs(drawings, torch.tensor([9.0, 90.0, 200.0]), Models({"paper": pipe}, {}))
    assert list(outputs) == [TARGET, OTHER]
    for rows in outputs.values():
        assert list(rows) == [REAL, *BASELINES, "paper"] and trained_names(list(rows)) == ["paper"]
    assert outputs[TARGET][GREY] is outputs[OTHER][GREY] and outputs[TARGET][MEAN] is outputs[OTHER][MEAN]
    assert outputs[OTHER][REAL] is drawings.pictures
    for kind, references in ((TARGET, drawings.pictures), (OTHER, drawings.others)):
        expected = references.float().mean((2, 3))
        assert (outputs[kind][TINT][:, :, 0, 0].float() - expected).abs().max() <= 0.5
        assert (outputs[kind]["paper"].int() - outputs[kind][TINT].int()).abs().max() <= 1, "what the stand-in does"
    assert len(pipe.calls) == 6


def test_pipelines_are_run_as_people_do():
    pipe = StandIn(lighter=10)
    lines = torch.full((2, 1, 20, 30), 255, dtype=torch.uint8)
    references = torch.stack([torch.full((3, 8, 9), value, dtype=torch.uint8) for value in (50, 90)])
    output = colour(pipe, lines, references, "row")
    assert (
        output.shape == (2, 3, 20, 30) and output[0].unique().tolist() == [60] and output[1].unique().tolist() == [100]
    )
    assert pipe.calls == [((30, 20), (9, 8))] * 2
    assert colour(pipe, lines[:0], references[:0], "row").shape == (0, 3, 20, 30)


@pytest.fixture
def folders(tmp_path, monkeypatch) -> Path:
    """Two of the paper's folders and a default; `from_pretrained` gives stand-ins."""
    for name, training in (
        ("guides", {"images": 120000, "config": {"rights": "all", "width": 8, "size": 128}}),
        ("gan", {"images": 5}),
        ("own", None),
    ):
        (tmp_path / name).mkdir()
        if training:
            (tmp_path / name / "training.json").write_text(json.dumps(training), encoding="utf-8")
    known = {
        "guides": StandIn(lighter=20, kind="vgg16-conv"),
        "gan": StandIn(lighter=-40, kind="vgg19-fc"),
        "own": StandIn(copies=True),
    }
    loader = SimpleNamespace(from_pretrained=lambda folder: known[Path(folder).name])
    monkeypatch.setattr(table_rows, "LineArtColorizer", loader)
    return tmp_path


def test_models_and_their_notes(folders):
    paper = tuple(f"{name}={folders / name}" for name in ("guides", "gan"))
    models = load_models(EvaluationOptions(folders, folders, weights=str(folders / "own"), paper=paper))
    assert list(models.pipelines) == ["guides", "gan", DEFAULT]
    assert models.notes["guides"] == (
        "style vector vgg16-conv, not the paper's vgg19-fc; "
        "trained with 8 channels, crops of 128 px on pictures of all rights"
    )
    assert models.notes["gan"].startswith("style vector vgg19-fc; not converged: 5 images")
    assert models.notes[DEFAULT].startswith("no training.json")
    assert models.dtypes() == dict.fromkeys(["guides", "gan", DEFAULT], "float32")
    assert list(load_models(EvaluationOptions(folders, folders, baselines_only=True)).pipelines) == []


# measures


class CoarseColours:
    """In place of Inception, in milliseconds: a picture's colours in its four quarters."""

    def __init__(self, batch: int):
        self.seen = 0

    def __call__(self, pictures) -> np.ndarray:
        coarse = [torch.nn.functional.adaptive_avg_pool2d(picture.double() / 255, 2).flatten() for picture in pictures]
        self.seen += len(coarse)
        return torch.stack(coarse).numpy()


class MeanDifference:
    """In place of LPIPS: the mean difference of the pixels."""

    def features(self, pictures: torch.Tensor) -> torch.Tensor:
        return pictures

    def compare(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return (first - second).abs().flatten(1).mean(1)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(table_measures, "Inception", CoarseColours)
    monkeypatch.setattr(table_measures, "lpips_network", lambda net: MeanDifference())


def test_measures_of_rows(quick):
    drawings = some_drawings(5)
    outputs = coloured_outputs(drawings, torch.tensor([128.0] * 3), Models({"copy": StandIn(copies=True)}, {}))
    found = LineArtMeasures(FeatureCache(), batch=4)(drawings, outputs)
    real = found[OTHER][REAL]
    assert (real.values["lpips_alex"] == 0).all() and np.isinf(real.values["psnr"]).all()
    assert (real.values["segment_ciede2000"] == 0).all() and (real.values["ssim"] == 1).all()
    assert (found[TARGET][REAL].values["own"] == 0).all() and (found[TARGET][REAL].values["nearer"] == 1).all()
    assert real.values["own"].min() > 1
    with torch.no_grad():
        pairs = (drawings.pictures.float(), outputs[TARGET][GREY].float())
        expected = (pairs[0] - pairs[1]).abs().flatten(1).mean(1) * 2 / 255
    assert found[TARGET][GREY].values["lpips_vgg"] == pytest.approx(expected.numpy(), rel=1e-5)
    assert (found[OTHER][GREY].values["lpips_alex"] == found[TARGET][GREY].values["lpips_alex"]).all()
    assert (found[OTHER][GREY].values["own"] != found[TARGET][GREY].values["own"]).any()
    assert found[OTHER]["copy"].features.shape == (5, 12) and (found[TARGET]["copy"].values["across"] > 20).all()
    assert {len(values) for rows in found.values() for row in rows.values() for values in row.values.values()} == {5}


def test_the_same_pictures_are_looked_at_once(quick):
    drawings = some_drawings(3)
    measures = LineArtMeasures(FeatureCache())
    outputs = coloured_outputs(drawings, torch.tensor([128.0] * 3), Models({}, {}))
    measures(drawings, outputs)
    assert measures._inception.seen == 3 * (1 + 2 + 2 * 2), "targets, grey and mean colour, twice two others"
    plain = LineArtMeasures(FeatureCache())(drawings, outputs, features=False)
    assert plain[TARGET][GREY].features.shape == (3, 0)


def test_outputs_of_another_size_are_refused(quick):
    drawings = some_drawings(2)
    with pytest.raises(ValueError, match=r"\(2, 3, 8, 8\), their targets \(2, 3, 48, 48\)"):
        LineArtMeasures(FeatureCache())(drawings, {TARGET: {"row": drawings.pictures[:, :, :8, :8]}})


# what is said of a row


def measured(rng: np.random.Generator, count: int, centre: float, **values: float) -> Measured:
    numbers = {"inside": 1.0, "across": 4.0, "psnr": np.inf} | values
    return Measured({name: np.full(count, value) for name, value in numbers.items()}, rng.normal(centre, 1, (count, 6)))


def test_summaries_of_a_row():
    rng = np.random.default_rng(0)
    row = measured(rng, 40, 0.5, lpips_alex=0.3)
    row.values["inside"][:20], row.values["across"][:20], row.values["inside"][0] = 3.0, 6.0, np.nan
    row.values["lpips_alex"][:20] = 0.1
    pages = [str(number // 2) for number in range(40)]
    real = rng.normal(0, 1, (40, 6))
    cells = summarise_row(row, pages, real, seed=0)
    assert cells["spill"].value == pytest.approx((19 * 3 + 20) / (19 * 6 + 80)), "without the picture of no region"
    assert cells["spill"].low < cells["spill"].value < cells["spill"].high
    assert cells["inside"].value == pytest.approx((19 * 3 + 20) / 39)
    assert cells["lpips_alex"].value == pytest.approx(0.2) and 0.1 < cells["lpips_alex"].low < 0.2
    assert cells["psnr"].value == np.inf and cells["psnr"].low is None
    assert cells["fid"].value > 0 and cells["fid"].low is None and cells["kid"].low < cells["kid"].high
    assert not {"fid", "kid"} & set(summarise_row(row, pages, None, seed=0))
    grey = measured(rng, 40, 0, inside=0.01, across=0.01)
    assert "spill" not in summarise_row(grey, pages, None, seed=0), "nothing there to spill"


def test_cells():
    draws = draw_clusters(["a", "b", "c", "d"])
    assert mean_cell(np.array([1.0, np.nan, 3.0, np.nan]), draws).value == 2
    assert np.isnan(mean_cell(np.full(4, np.nan), draws).value)
    ratio = ratio_cell(np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 4.0, 6.0, 8.0]), draws)
    assert ratio.value == ratio.low == ratio.high == 0.5
    rng = np.random.default_rng(0)
    first, second = (measured(rng, 4, 0, lpips_alex=value) for value in (0.3, 0.4))
    cell = difference(first, second, "lpips_alex", ["a", "b", "c", "d"], seed=0)
    assert cell.value == pytest.approx(-0.1) and cell.high == pytest.approx(-0.1)


def some_ground() -> Ground:
    rng = np.random.default_rng(3)
    comic, face = rng.normal(0, 1, (20, 6)), rng.normal(5, 1, (20, 6))
    subsets = ["comic"] * 20 + ["face"] * 20
    ids = [str(number) for number in range(40)]
    training = np.concatenate([rng.normal(0, 1, (90, 6)), rng.normal(5, 1, (90, 6))])
    names = ["comic"] * 90 + ["face"] * 90
    return Ground(np.concatenate([comic, face]), ids, subsets, training, names, [f"t{n}" for n in range(180)])


def test_real_pictures_are_of_the_same_subsets():
    """Comics against comics and faces against faces, whatever the training set has more of."""
    ground = some_ground()
    cells = summarise_training(ground, seed=0)
    assert cells["fid"].std > 0 and cells["kid"].low < cells["kid"].value < cells["kid"].high
    faces = Ground(
        ground.real, ground.pages, ["face"] * 40, ground.training, ground.training_subsets, ground.training_clusters
    )
    assert summarise_training(faces, seed=0)["fid"].value > 5 * cells["fid"].value
    part = ground.of("face")
    assert part.subsets == ["face"] * 20 and part.pages == [str(n) for n in range(20, 40)]
    assert len(part.training) == 90 and part.training_clusters[0] == "t90" and part.real.mean() > 4
    assert len(ground.of(None).training) == 180


def rows_with(default: dict[str, float], **palette: float) -> list[Row]:
    worst = {"lpips_alex": 0.5, "kid": 0.3, "segment_ciede2000": 30.0, "nearer": 0.5}
    rows = [Row(name, {key: Cell(value) for key, value in worst.items()}) for name in BASELINES]
    rows[-1] = Row(PALETTE, {key: Cell(value) for key, value in (worst | palette).items()})
    return [*rows, Row(DEFAULT, {key: Cell(value) for key, value in default.items()})]


def test_bounds_are_the_best_baselines():
    own = {"lpips_alex": 0.3, "kid": 0.1, "segment_ciede2000": 20.0, "nearer": 0.8}
    bounds = default_bounds("Here", rows_with(own, lpips_alex=0.31, kid=0.1, segment_ciede2000=19.0))
    assert [bound.passed for bound in bounds] == [True, False, False, True], "a tie beats nothing"
    assert PALETTE in bounds[0].claim and bounds[0].limit == pytest.approx(0.31) and not bounds[0].target
    assert not default_bounds("Here", rows_with(own | {"nearer": 0.799}))[-1].passed
    without = default_bounds(
        "Here", [Row(r.name, {k: c for k, c in r.cells.items() if k != "kid"}) for r in rows_with(own)], True
    )
    assert len(without) == 3 and all(bound.target for bound in without)


def test_published_figures_stand_apart():
    shown = likeness_table("t", [Row("row", {"lpips_alex": Cell(0.1), "own": Cell(2.0)})], "N = 1.", published=True)
    assert [row.name for row in shown.rows][-1] == "row" and set(shown.rows[-1].cells) == {"lpips_alex"}
    fids = {row.name: row.cells["fid"].value for row in shown.rows if "fid" in row.cells}
    assert fids == {"GAN only (published)": 99.663, "guides (published)": 98.326}
    assert all(row.note for row in shown.rows[:-1]) and len(likeness_table("t", shown.rows[-1:], "").rows) == 1


# swapped references


def test_swaps_tell_copied_places_from_palettes():
    drawings = some_drawings(5)
    models = Models({"tint": StandIn(), "copy": StandIn(copies=True)}, {})
    outputs = coloured_outputs(drawings, torch.tensor([128.0] * 3), models)
    painters = {
        name: lambda lines, refs, pipe=pipe: colour(pipe, lines, refs, "") for name, pipe in models.pipelines.items()
    }
    rows, count = swapped_rows(drawings, outputs, painters, seed=0)
    cells = {row.name: row.cells for row in rows}
    assert count == 5 and list(cells) == ["tint", "copy"]
    assert cells["tint"]["mirror_difference"].value < 0.1 < 5 < cells["copy"]["mirror_difference"].value
    assert cells["tint"]["swap_structure"].value > cells["copy"]["swap_structure"].value
    assert 0.5 < cells["copy"]["swap_part"].value <= 1.2 and cells["tint"]["swap_difference"].value > 1
    assert swapped_rows(drawings, outputs, {}, seed=0, limit=3) == ([], 3)


# pictures


def test_distinct_references_differ():
    flat = torch.stack(
        [torch.tensor(c, dtype=torch.uint8).view(3, 1, 1).expand(3, 16, 16) for c in (*PAINTS[:2], PAINTS[0])]
    )
    grey = torch.full((1, 3, 16, 16), 128, dtype=torch.uint8)
    pictures = torch.cat([flat, grey])
    first = distinct(pictures, 3)
    assert len(first) == 3 and not {0, 2} <= set(first) and first[0] != 3
    assert sorted(distinct(pictures, 9)) == [0, 1, 2, 3]
    assert spread_rows(9, 3) == [0, 4, 8] and spread_rows(2, 5) == [0, 1]


# drawings of the project's own


def test_stroke_drawings():
    drawings = stroke_drawings(3, side=64)
    assert len(drawings) == 3 and set(drawings.subsets) == {STROKES} and drawings.segments.max() > 0
    assert drawings.other_ids == [*drawings.ids[1:], drawings.ids[0]]
    assert torch.equal(drawings.others[2], drawings.pictures[0]) and torch.equal(
        drawings.others[0], drawings.pictures[1]
    )
    assert torch.equal(stroke_drawings(3, side=64).lines, drawings.lines)
    with pytest.raises(ValueError, match="two drawings"):
        stroke_drawings(1)


# gradients


def test_training_runs_are_found(tmp_path):
    run = tmp_path / "run"
    (run / "state").mkdir(parents=True)
    (run / "last").mkdir()
    (run / "checkpoints" / "000100").mkdir(parents=True)
    (run / "config.json").write_text("{}", encoding="utf-8")
    for folder in (run, run / "last", run / "checkpoints" / "000100"):
        assert training_run(folder) == run
    (run / "state").rmdir()
    assert training_run(run / "last") is None
    assert gradients_table(EvaluationOptions(tmp_path, tmp_path, paper=(f"a={run / 'last'}",))) is None


def test_gradients_as_a_table(tmp_path, monkeypatch):
    from pipelines.lineart_colorizer import gradient_norms
    from pipelines.lineart_colorizer.gradient_norms import GradientNorms

    (tmp_path / "state").mkdir()
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")

    def measure_run(name: str, folder: Path, data: Path, pictures: int) -> list[GradientNorms]:
        assert folder == tmp_path and data == Path("data")
        norms = {(False, False): 2.0, (False, True): 3.0, (True, False): 0.0, (True, True): 1.0}
        return [GradientNorms(name, *key, {"entrance": norm, "last": 2 * norm}) for key, norm in norms.items()]

    monkeypatch.setattr(gradient_norms, "measure_run", measure_run)
    found = gradients_table(EvaluationOptions(Path("data"), tmp_path, paper=(f"both={tmp_path}",)))
    assert [row.name for row in found.rows] == ["entrance", "last"] and len(found.columns) == 4
    cells = found.rows[1].cells
    assert cells["both, first weights, with guides"].value == 6 and cells["both, first weights"].value == 4
    assert cells["both, first weights, with guides, of that without"].value == 1.5
    assert "both, trained, with guides, of that without" not in cells, "nothing can be a part of nothing"


# the whole command


@pytest.fixture
def small(monkeypatch):
    """Pictures of 96 px and no painter of strokes: seconds instead of minutes."""
    for name, reader in (("read_drawings", read_drawings), ("read_training", read_training)):
        monkeypatch.setattr(table, name, partial(reader, side=96))
    monkeypatch.setattr(table, "stroke_drawings", lambda count=2: some_drawings(count, 64))


def test_the_whole_table(data, folders, quick, small, monkeypatch, capsys):
    """Every table, file and bound; the default copies the reference, the paper's rows tint with it."""
    monkeypatch.setattr(table, "FEWEST", 3)
    out = folders / "out"
    command = (
        f"lineart-colorizer --data {data} --weights {folders / 'own'} --references 6 --limit 4 --check --out {out}"
    )
    with pytest.raises(SystemExit) as stopped:
        main([*command.split(), "--paper", f"guides={folders / 'guides'}", f"GAN only={folders / 'gan'}"])
    assert stopped.value.code == 1, "copying is no colouring"
    text = capsys.readouterr().out
    assert text == (out / "table.md").read_text(encoding="utf-8") and "| Style2paints (published) [1] |" in text
    numbers = json.loads((out / "table.json").read_text(encoding="utf-8"))
    tables = {found["title"]: {row["name"]: row["measures"] for row in found["rows"]} for found in numbers["tables"]}
    kinds = [f"Reference: {kind}" for kind in (TARGET, OTHER)]
    expected = [
        f"{kind}, {part}{more}"
        for kind in kinds
        for part in ("all drawings", "comic", "face")
        for more in ("", ": colours")
    ]
    expected += ["Differences to the baselines", "Swapped and mirrored references"]
    assert list(tables) == [*expected, *(f"{kind}, {STROKES}{more}" for kind in kinds for more in ("", ": colours"))]
    rows = tables[f"{kinds[0]}, all drawings"]
    assert list(rows)[4:] == [REAL, *BASELINES, "guides", "GAN only", DEFAULT, RAW, "real training pictures (N = 6)"]
    assert rows[REAL]["lpips_alex"]["value"] == 0 and rows[REAL]["fid"]["value"] == pytest.approx(0, abs=1e-6)
    assert rows[DEFAULT]["lpips_alex"]["value"] < 0.05 < 0.1 < rows[GREY]["lpips_alex"]["value"], (
        "the target was copied"
    )
    assert "fid" not in tables[f"{kinds[0]}, {STROKES}"][GREY]
    colours = tables[f"{kinds[1]}, all drawings: colours"]
    assert colours[DEFAULT]["nearer"]["value"] > colours[MEAN]["nearer"]["value"] and "spill" not in colours[GREY]
    swaps = tables["Swapped and mirrored references"]
    assert list(swaps) == [PALETTE, "guides", "GAN only", DEFAULT]
    assert swaps["guides"]["mirror_difference"]["value"] < 1 < swaps[DEFAULT]["mirror_difference"]["value"]
    bounds = {bound["claim"]: bound for bound in numbers["bounds"]}
    decisive = [claim for claim, bound in bounds.items() if not bound["target"]]
    assert len(decisive) == 8 and len(bounds) == 8 * 3 + 6
    assert sum("all drawings" in claim for claim in decisive) == 8
    assert numbers["facts"]["drawings"] == {"comic": 4, "face": 3} and set(numbers["facts"]["computed in"]) == {
        "guides",
        "GAN only",
        DEFAULT,
    }
    captions = {found["title"]: found["caption"] for found in numbers["tables"]}
    assert captions[f"{kinds[0]}, comic"] == "N = 4 drawings, 2 pages or single pictures."
    for ending in ("target", "other", "target-strokes", "other-strokes"):
        assert (out / f"gallery-{ending}" / "index.html").is_file() and (out / f"contact_sheet-{ending}.jpg").is_file()
    sheet = Image.open(out / "swaps-default.jpg")
    assert (out / "swaps-gan-only.jpg").is_file() and sheet.width > 5 * 224 and sheet.height > 8 * 224
    lines = list(csv.DictReader((out / "pictures.csv").open(encoding="utf-8")))
    assert len(lines) == 2 * 9 * (7 + 4) and {line["subset"] for line in lines} == {"comic", "face"}
    assert {line["of"] for line in lines if line["picture"] == "comic-200"} == {"comic-200", "comic-201"}


def test_baselines_alone(data, tmp_path, quick, small):
    report = build_table(EvaluationOptions(data, tmp_path / "out", baselines_only=True, split="val"))
    assert not report.bounds and "Differences" not in report_markdown(report)
    assert not list((tmp_path / "out").glob("swaps-*")) and "computed in" not in report.facts


@pytest.mark.slow
def test_the_table_with_its_networks(data, tmp_path, monkeypatch):
    """Drawings are nearer to their targets in the references' colours than in none."""
    monkeypatch.setattr(table_strokes, "COUNT", 2)
    options = EvaluationOptions(data, tmp_path / "out", baselines_only=True, limit=2)
    tables = {found.title: {row.name: row.cells for row in found.rows} for found in build_table(options).tables}
    rows = tables[f"Reference: {TARGET}, all drawings"]
    assert rows[TINT]["lpips_alex"].value < rows[GREY]["lpips_alex"].value
    assert rows[TINT]["segment_ciede2000"].value < rows[GREY]["segment_ciede2000"].value


def test_missing_data_ends_with_a_sentence(data, tmp_path):
    command = ["lineart_colorizer", "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--baselines-only"]
    with pytest.raises(SystemExit) as stopped:
        main(command)
    assert "No illustrations at" in str(stopped.value.code)
    pq.write_table(pa.Table.from_pylist(rows_of("comic", 1, 0)), tmp_path / "test.parquet")
    with pytest.raises(SystemExit) as stopped:
        main(command)
    assert "needs two drawings or more, the split test has 1" in str(stopped.value.code)


def test_the_method_names_its_table():
    assert get_method("lineart_colorizer").load("table") is build_table
