"""The table of the editing networks: classical methods, measures, bounds."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from editing_fixtures import drawn_products, small_parts, write_products
from evaluation.structure import StructureDistance, self_similarity
from pipelines.product_studio import table_style
from pipelines.product_studio.baselines_editing import CLASSICAL, MASKS, TRANSFERS, grey_world, reinhard
from pipelines.product_studio.degradations import convolved, gaussian_kernel, to_float
from pipelines.product_studio.measured_edits import as_bytes, on_white, rows_of
from pipelines.product_studio.table_editing import EditingOptions, even_sided, mask_measures, measure


def error(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.square(x.astype(float) - y).mean())


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in CLASSICAL for name in CLASSICAL[kind]])
def test_classical_methods_keep_size_and_type(kind, name):
    pixels = np.ascontiguousarray(drawn_products(1)[0][:50, :44])
    found = CLASSICAL[kind][name](pixels)
    scale = 2 if kind == "upscale" else 1
    assert found.shape == (50 * scale, 44 * scale, 3) and found.dtype == np.uint8
    assert CLASSICAL[kind][name](np.full((24, 24, 3), 255, np.uint8)).min() >= 250  # white stays white


def test_classical_denoising_takes_noise_away():
    clean = drawn_products(3)
    noisy = [
        (x + np.random.default_rng(n).normal(0, 25, x.shape)).clip(0, 255).astype(np.uint8) for n, x in enumerate(clean)
    ]
    given = sum(error(y, x) for x, y in zip(clean, noisy, strict=True))
    for method in CLASSICAL["denoise"].values():
        assert sum(error(method(y), x) for x, y in zip(clean, noisy, strict=True)) < 0.9 * given


def test_classical_deblurring_sharpens_what_it_assumes():
    clean = drawn_products(2)
    blurry = [as_bytes(convolved(to_float(x), gaussian_kernel(1.4))) for x in clean]
    for method in CLASSICAL["deblur"].values():
        assert all(error(method(y), x) < error(y, x) for x, y in zip(clean, blurry, strict=True))


def test_grey_world_makes_the_mean_grey():
    found = grey_world(np.random.default_rng(0).integers(0, 120, (20, 20, 3), np.uint8) * np.array([1, 2, 1], np.uint8))
    assert np.ptp(found.reshape(-1, 3).mean(0)) < 2


@pytest.mark.parametrize("name", MASKS)
def test_classical_masks_find_a_product_before_a_flat_background(name):
    pixels = np.full((64, 64, 3), (90, 120, 160), np.uint8)
    pixels[16:48, 20:44] = (200, 60, 40)
    true = np.zeros((64, 64), np.float32)
    true[16:48, 20:44] = 1
    assert mask_measures(MASKS[name](pixels), true)["iou"] > 0.9
    assert MASKS[name](np.full((32, 32, 3), 200, np.uint8)).shape == (32, 32)


def test_transfers_take_over_the_colours():
    rng = np.random.default_rng(0)
    pixels, style = rng.integers(60, 120, (30, 30, 3), np.uint8), rng.integers(90, 220, (40, 24, 3), np.uint8)
    for transfer in TRANSFERS.values():
        found = transfer(pixels, style)
        assert found.shape == pixels.shape
        assert np.abs(found.reshape(-1, 3).mean(0) - style.reshape(-1, 3).mean(0)).max() < 6
    assert np.abs(reinhard(pixels, pixels).astype(int) - pixels).max() <= 1


def test_mask_measures_in_closed_form():
    mask, true = np.zeros((4, 4)), np.zeros((4, 4))
    assert mask_measures(mask, true) == {"error": 0, "iou": 1}
    mask[:2], true[:, :2] = 1, 1
    assert mask_measures(mask, true) == {"error": 0.5, "iou": pytest.approx(1 / 3)}


def test_rows_hold_means_and_intervals():
    values = {"one": [{"psnr": 1.0}, {"psnr": 3.0}], "two": [{"psnr": 2.0}] * 2}
    one, two = rows_of(values, 0)
    assert one.cells["psnr"].value == 2 and one.cells["psnr"].low == 1 and one.cells["psnr"].high == 3
    assert two.cells["psnr"].low == two.cells["psnr"].high == 2 and two.cells["n"].value == 2


def test_pictures_on_white_and_even_sides():
    black = np.zeros((2, 2, 3), np.uint8)
    assert np.array_equal(on_white(black, np.array([[0, 1], [0.5, 1]]))[..., 0], [[255, 0], [128, 0]])
    assert even_sided(torch.zeros(3, 7, 8)).shape == (3, 6, 8)


def test_self_similarity_knows_no_colours():
    features = torch.randn(2, 6, 5, 5, generator=torch.Generator().manual_seed(0))
    similarity = self_similarity(features)
    assert torch.allclose(similarity.diagonal(dim1=1, dim2=2), torch.ones(2, 25), atol=1e-5)
    assert torch.allclose(similarity, self_similarity(3 * features + 2), atol=1e-4)
    assert torch.equal(self_similarity(torch.ones(1, 6, 4, 4)), torch.zeros(1, 16, 16))


def test_structure_distance_is_nothing_for_equals_and_less_for_other_colours_than_for_another_product():
    distance = StructureDistance(side=64)
    pictures = torch.from_numpy(np.stack(drawn_products(3))).permute(0, 3, 1, 2)
    assert torch.equal(distance(pictures, pictures), torch.zeros(3, dtype=torch.float64))
    forth, back = distance(pictures, pictures.flip(0)), distance(pictures.flip(0), pictures)
    assert torch.allclose(forth, back) and (forth[[0, 2]] > 0.02).all()
    assert (distance(pictures, pictures.flip(1)) < 0.6 * forth.max()).all()  # red and blue exchanged
    with pytest.raises(ValueError, match="as many first as second pictures, got 3 and 2"):
        distance(pictures, pictures[:2])


@pytest.mark.slow
def test_the_table_measures_every_part(tmp_path):
    pipe = SimpleNamespace(components=small_parts() | {"generator": None})
    data = write_products(tmp_path, count=2)
    tables, bounds = measure(pipe, EditingOptions(data, "val", tmp_path / "sheets"))
    assert [table.title for table in tables] == [
        "Noise and JPEG blocks",
        "Blur",
        "Contrast and white balance",
        "Twice the size",
        "The product's mask",
        "Style transfer",
    ]
    for table in tables:
        assert "ours" in [row.name for row in table.rows] and len(table.rows) >= 3
        assert all(np.isfinite(cell.value) for row in table.rows for cell in row.cells.values())
        assert all(row.cells["n"].value == 2 for row in table.rows)
    rows = {row.name: row.cells for row in tables[-1].rows}
    assert rows["as it is"]["structure"].value == rows["as it is"]["content"].value == 0
    assert rows["another product"]["structure"].value > 0
    assert not all(bound.passed for bound in bounds), "networks with random weights beat the classical methods"
    assert {file.stem for file in (tmp_path / "sheets").iterdir()} == {
        f"edit-{name}" for name in ("denoise", "deblur", "tone", "upscale", "cutout", "style")
    }


def test_channels_that_nothing_excites_do_not_decide():
    features = np.random.default_rng(0).normal(0, 1, (6, 2944))
    features[:, 2000] = 0
    spread = table_style.spread_of(features)
    others = np.delete(spread, 2000)
    assert np.allclose(others, np.delete(features.std(0), 2000))  # those that vary keep their own
    assert spread[2000] == pytest.approx(0.1 * np.sqrt(np.square(features.std(0)[1920:]).mean()))


def test_a_studio_without_editors_has_no_rows(tmp_path):
    tables, bounds = measure(SimpleNamespace(components={"generator": None}), EditingOptions(write_products(tmp_path)))
    assert tables == [] and bounds == []
    assert 0 < table_style.LIKE_ANOTHER < 1
