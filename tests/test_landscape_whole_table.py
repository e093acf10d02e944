"""The table of whole paintings and the calibration, in miniature."""

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines import LandscapeColorizer
from pipelines.color import rgb_to_lab
from pipelines.landscape_colorizer import baselines
from pipelines.landscape_colorizer.networks_landscape_colorizer import TwoNetGenerator
from pipelines.landscape_colorizer.networks_pix2pix import ResNetGenerator
from pipelines.landscape_colorizer.whole_table import (
    by_canvas,
    crop_places,
    grey_copy,
    painters,
    read_sources,
    whole_over_crops,
)
from pipelines.landscape_colorizer.wishes_table import faded_picture, measure_wishes, share_covered


def tiny() -> LandscapeColorizer:
    torch.manual_seed(1)
    shape = {"encoder_width": 0.25, "encoder_depth": 0.5, "decoder": (16, 8, 8), "features": 4, "refiner_width": 8}
    generator = TwoNetGenerator(**shape).eval()
    torch.nn.init.normal_(generator.refiner.leave.weight, std=0.3)
    return LandscapeColorizer(generator)


def test_the_default_paints_the_same_wherever_its_tiles_lie():
    pixels = np.random.default_rng(0).integers(0, 256, (260, 330, 1), dtype=np.uint8).repeat(3, axis=2)
    painter = painters({"default": tiny()})["default"]
    first, second = painter.paint(pixels, 0), painter.paint(pixels, 96)
    assert np.abs(first.astype(int) - second).max() <= 1


def test_rows_of_the_papers_demonstration():
    paper = LandscapeColorizer(ResNetGenerator(width=2, blocks=1).eval())
    assert list(painters({"ResNet-9": paper})) == [
        "ResNet-9, tiled and stitched",
        "ResNet-9, whole",
        "ResNet-9, statistics at training scale",
    ]


def test_crops_lie_inside_and_are_few():
    places = list(crop_places(1417, 8770))
    assert len(places) == 24 and all(y + 256 <= 1417 and x + 256 <= 8770 for y, x in places)
    assert list(crop_places(512, 512)) == [(0, 0), (0, 256), (256, 0), (256, 256)]


def test_small_pictures_are_passed_over(tmp_path):
    for name, side in (("small", 300), ("large", 512)):
        Image.new("RGB", (side, side)).save(tmp_path / f"{name}.png")
    assert len(list(read_sources((tmp_path / "small.png", tmp_path / "large.png")))) == 1


def test_cells_know_the_true_colours_and_no_stroke():
    real = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    real[:, :, :, :32], real[:, :, :, 32:] = torch.tensor([120, 90, 60]).view(3, 1, 1), 100
    grey = real.float().mean(1, keepdim=True).byte().expand(-1, 3, -1, -1)
    flat = baselines.cell_colour(grey, real, 64)
    assert torch.equal(flat, baselines.own_mean_colour(grey, real))  # one cell is the mean
    fine = baselines.cell_colour(grey, real, 32).int()[0]
    warmth = (fine[0] - fine[2]).abs()
    assert warmth[:, :8].min() > 30 and warmth[:, -8:].max() < 5


def test_what_is_asked_is_measured_row_by_row():
    real = np.random.default_rng(0).integers(40, 220, (256, 256, 3), dtype=np.uint8)
    rows = measure_wishes(real, tiny(), lambda first, second: (first - second).abs().mean().view(1), seed=0)
    assert list(rows) == [
        "grey, coloured",
        "grey, coloured with hints",
        "grey, variants",
        "faded, as it is",
        "faded, restore 0.5",
        "faded, restore 1.0",
    ]
    assert rows["grey, variants"]["between"] > 1 and all(row["ciede2000"] > 0 for row in rows.values())


def test_fading_weakens_colours_and_keeps_lightness():
    real = np.random.default_rng(0).integers(40, 220, (32, 32, 3), dtype=np.uint8)
    faded = faded_picture(real, torch.Generator().manual_seed(0))
    first, second = (rgb_to_lab(torch.from_numpy(x.copy()).permute(2, 0, 1)[None] / 255) for x in (real, faded))
    assert (first[:, 0] - second[:, 0]).abs().max() < 0.5
    assert second[:, 1:].var((2, 3)).sum() < 0.5 * first[:, 1:].var((2, 3)).sum()


def test_coverage_counts_pixels():
    real = np.full((4, 4, 3), (180, 100, 60), dtype=np.uint8)
    grey = np.full((4, 4, 3), 120, dtype=np.uint8)
    radius = np.full((4, 4), 200.0)
    radius[0] = 1.0
    assert share_covered(real, grey, radius) == 0.75


@pytest.mark.slow
def test_whole_paintings_are_as_vivid_as_their_crops(shared_data):
    """The bundled weights on the validation paintings: what the paper found duller in wholes than in tiles."""
    paint, ratios = by_canvas(LandscapeColorizer.from_pretrained()), []
    for real in read_sources((shared_data / "paintings-open-val.parquet",)):
        grey = grey_copy(real)
        ratios.append(whole_over_crops(paint, grey, paint(grey, 0)))
    assert np.mean(ratios) == pytest.approx(1, abs=0.03)
