"""Training of the editing networks: data, one loop for all, what is saved."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from editing_fixtures import drawn_products, write_products
from pipelines.hub import save_for_hub
from pipelines.product_studio.dataset_editing import DegradedCrops, StagedProducts, load_studio, studio_pictures
from pipelines.product_studio.pipeline_product_studio import ProductStudio
from pipelines.product_studio.recipe_editing import PRESETS_EDITING, build_editing_recipe
from pipelines.product_studio.studio_parts import merged
from pipelines.product_studio.style_pictures import NAMED_SEED, NAMED_SIDE, NAMES, StylePairs, drawn_style, named_styles
from train.loop import train
from train.recipe import TrainConfig


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_products(tmp_path_factory.mktemp("products"))


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_only_studio_pictures_are_read(data, tmp_path):
    assert len(load_studio(data, "train")) == 4 == len(load_studio(data / "train.parquet", "val"))
    assert len(studio_pictures(data, "test", 2)) == 2
    with pytest.raises(FileNotFoundError, match=r"looked for train\.parquet"):
        load_studio(tmp_path, "train")


@pytest.mark.parametrize("kind", ["denoise", "deblur", "upscale"])
def test_crops_lie_over_each_other(kind):
    data = DegradedCrops(drawn_products(4), kind, 32)
    for seed in range(12):
        item = data.draw(seed % 4, rng(seed))
        again = data.draw(seed % 4, rng(seed))
        assert all(torch.equal(item[key], again[key]) for key in item)
        assert item["target"].shape == (3, 32, 32) and item["image"].shape[1] == (16 if kind == "upscale" else 32)
        image = item["image"]
        if kind == "upscale":
            image = torch.nn.functional.interpolate(image[None], scale_factor=2, mode="bicubic")[0]
        # Degraded pictures resemble their own target more than the mirrored one.
        errors = [float((image - target).square().mean()) for target in (item["target"], item["target"].flip(2))]
        assert errors[0] <= errors[1] + 1e-3


def test_crops_larger_than_the_pictures_are_an_error():
    with pytest.raises(ValueError, match="at most the smallest side of a picture, 64; got 96"):
        DegradedCrops(drawn_products(2), "denoise", 96)


def test_staged_products_are_where_their_mask_says():
    data = StagedProducts(drawn_products(4), [], 64, "cutout")
    for seed in range(8):
        item = data.draw(seed % 4, rng(seed))
        outside = item["mask"][0] == 0
        assert item["mask"].max() == 1 and outside.any()
        assert torch.equal(item["target"][:, outside], torch.ones_like(item["target"][:, outside]))
        assert item["image"].min() >= -1 and item["image"].max() <= 1


def test_tones_are_undone_on_white_and_on_grey():
    data = StagedProducts(drawn_products(4), [], 48, "tone")
    items = [data.draw(seed % 4, rng(seed)) for seed in range(24)]
    corners = [float(item["target"][:, 0, 0].mean()) for item in items if item["mask"][0, 0, 0] == 0]
    assert 0.5 < np.mean([corner > 0.99 for corner in corners]) < 1  # three of four are expected
    assert sum(torch.equal(item["image"], item["target"]) for item in items) <= 8


def test_styles_take_turns_and_named_ones_are_not_trained_on():
    assert [drawn_style(number, 64).shape for number in range(2)] == [(64, 64, 3)] * 2
    assert not np.array_equal(drawn_style(0, 64), drawn_style(len(NAMES), 64))
    assert named_styles(NAMES[2:4]).shape == (2, 3, NAMED_SIDE, NAMED_SIDE) and NAMED_SEED < 1000
    pairs = StylePairs(drawn_products(2), [np.zeros((40, 50, 3), np.uint8)], 32, seeds=1)
    items = [pairs.draw(0, rng(seed)) for seed in range(24)]
    dark = [bool((item["style"] == -1).all()) for item in items]
    assert any(dark) and not all(dark)
    assert all(item["image"].shape == item["style"].shape == (3, 32, 32) for item in items)
    assert all(item["mask"].min() >= 0 and item["mask"].max() <= 1 for item in items)


TINY = {
    "denoise": PRESETS_EDITING["edit-tiny"][1],
    "tone": replace(PRESETS_EDITING["edit-tiny"][1], kind="tone"),
    "upscale": replace(PRESETS_EDITING["edit-tiny"][1], kind="upscale"),
    "cutout": replace(PRESETS_EDITING["edit-tiny"][1], kind="cutout"),
    "style": PRESETS_EDITING["style-tiny"][1],
}


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A run of each kind: part -> (folder, networks)."""
    runs = {}
    for kind, config in TINY.items():
        out = tmp_path_factory.mktemp(kind)
        torch.manual_seed(0)
        runs[kind] = out, train(build_editing_recipe(replace(config, data=data, out=out)), save_for_hub)
    return runs


@pytest.mark.parametrize("kind", TINY)
def test_a_run_saves_a_studio_with_its_part(trained, kind):
    out, networks = trained[kind]
    pipe = ProductStudio.from_pretrained(out / "best")
    assert [name for name, part in pipe.components.items() if part is not None] == [kind]
    saved, kept = getattr(pipe, kind).state_dict(), next(iter(networks.values())).state_dict()
    assert all(torch.equal(saved[key], kept[key].cpu()) for key in kept)


def test_parts_are_merged_and_edit(trained):
    pipe = merged(out / "last" for out, _ in trained.values())
    assert pipe.enhancements == ("denoise", "tone", "upscale", "cutout") and pipe.styles == NAMES
    (image,) = pipe.edit(drawn_products(1)[0], "mosaic", pipe.enhancements, keep_background=True).images
    assert image.size == (128, 128)


def test_style_training_goes_on_from_a_studio(trained):
    out, networks = trained["style"]
    recipe = build_editing_recipe(replace(TINY["style"], start_from=out / "best", grain=0.3))
    found, kept = recipe.networks["style"], networks["style"]
    assert all(torch.equal(value, kept.state_dict()[key].cpu()) for key, value in found.state_dict().items())
    assert found.config["grain"] == 0.3 and kept.config["grain"] == TINY["style"].grain


def test_style_training_learns_to_give_a_picture_its_own_style(data, tmp_path):
    alone = {"identity_share": 1.0, "style": 0.0, "content": 0.0}
    config = replace(TINY["style"], data=data, out=tmp_path, steps=60, lr=3e-3, **alone)
    torch.manual_seed(0)
    recipe = build_editing_recipe(config)
    dataset, optimizer = recipe.dataset(), recipe.optimizers(recipe.networks)["S"]
    items = [dataset.draw(number, rng(number)) for number in range(4)]
    batch = {key: torch.stack([item[key] for item in items]) for key in items[0]}
    (phase,) = recipe.phases(recipe.networks, recipe.frozen)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = phase.loss(batch)["loss"].mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


def test_the_carried_codes_are_the_named_pictures(trained):
    network = trained["style"][1]["style"]
    with torch.no_grad():
        code = network.code(named_styles(NAMES[4:5]))
    assert torch.allclose(network.codes[4:5], code, atol=1e-4) and len(network.codes) == len(NAMES)


@pytest.mark.parametrize("kind", ["denoise", "tone"])
def test_training_learns(data, tmp_path, kind):
    """Steps on one degraded batch must lower the loss on it."""
    config = replace(TINY[kind], data=data, out=tmp_path, steps=100, lr=3e-3, width=8)
    torch.manual_seed(0)
    recipe = build_editing_recipe(config)
    network, optimizer = recipe.networks["enhancer"], recipe.optimizers(recipe.networks)["E"]
    dataset = recipe.dataset()
    items = [dataset.draw(number, rng(number + 1)) for number in range(4)]
    batch = {key: torch.stack([item[key] for item in items]) for key in items[0]}
    (phase,) = recipe.phases(recipe.networks, {})
    losses = []
    for _ in range(120):
        optimizer.zero_grad()
        loss = phase.loss(batch)["loss"].mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert network.training and losses[-1] < 0.9 * losses[0]


def test_configurations_that_do_not_fit_are_errors():
    with pytest.raises(ValueError, match="multiple of 16 for the cutout, got 40"):
        build_editing_recipe(replace(TINY["cutout"], size=40))
    with pytest.raises(ValueError, match="multiple of 4, got 33"):
        build_editing_recipe(replace(TINY["style"], size=33))
    with pytest.raises(TypeError, match="No editing recipe takes a TrainConfig"):
        build_editing_recipe(TrainConfig())


def test_rates_warm_up_and_fall():
    recipe = build_editing_recipe(replace(TINY["denoise"], steps=1000))
    rates = [recipe.learning_rate("E", step) for step in (0, 49, 500, 999)]
    assert rates[0] == pytest.approx(0.02, abs=1e-3) and rates[1] > 0.98 and rates[2] < rates[1] and rates[3] < 0.02
