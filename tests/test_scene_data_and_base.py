"""What the default scene translator learns from: crops, what it is asked for, and who judges it."""

from collections import Counter

import pytest
import torch

from pipelines.scene_translator.dataset import SceneCrops, ScenePairs, load_scenes
from pipelines.scene_translator.losses_base import chosen_logits
from pipelines.scene_translator.networks_scene_translator import DIRECTIONS, TARGETS
from pipelines.scene_translator.recipe_base import BaseConfig, BaseRecipe, SceneJudge, wishes
from scene_fixtures import COLOURS, scenes, write_scenes  # noqa: F401  a fixture
from train.data import batches
from train.loop import make_accelerator
from train.phase_runner import PhaseRunner


def test_folders_of_pairs_and_single_pairs(scenes):
    assert len(load_scenes(scenes, "train")) == 12
    assert set(load_scenes(scenes / "cloudy2sunny", "val")["label"]) == {"cloudy", "sunny"}
    assert len(load_scenes(scenes / "cloudy2sunny" / "val.parquet", "test")) == 6
    with pytest.raises(FileNotFoundError, match=r"test\.parquet"):
        load_scenes(scenes, "test")


def test_crops(scenes):
    crops = SceneCrops(scenes, 64, dict(DIRECTIONS))
    assert len(crops) == 12 and crops.names == TARGETS
    for index in range(12):
        item = crops.draw(index, torch.Generator().manual_seed(5))
        again = crops.draw(index, torch.Generator().manual_seed(5))
        other = crops.draw(index, torch.Generator().manual_seed(6))
        assert item["image"].shape == (3, 64, 64) and item["image"].abs().max() <= 1
        assert torch.equal(item["image"], again["image"]) and not torch.equal(item["image"], other["image"])
        label, partner = (TARGETS[int(item[name])] for name in ("label", "partner"))
        assert (label, partner) in DIRECTIONS
        mean = (item["image"].mean((1, 2)) + 1) * 127.5
        assert (mean - torch.tensor(COLOURS[label])).abs().max() < 6, "the picture bears its label"
    with pytest.raises(FileNotFoundError, match="cloudy"):
        SceneCrops(scenes / "summer2winter", 64, dict(DIRECTIONS))


def test_content_is_drawn_alike_often_in_both_classes(tmp_path):
    labels = ["cloudy"] * 8 + ["sunny"] * 8
    contents = ["nature"] * 6 + ["city"] * 2 + ["nature"] * 2 + ["city"] * 6
    crops = SceneCrops(write_scenes(tmp_path, labels, contents), 32, {"cloudy": "sunny", "sunny": "cloudy"})
    weights, shares = crops.weights(), Counter()
    for label, content, weight in zip(labels, contents, weights.tolist(), strict=True):
        shares[label, content] += weight
    assert all(share == pytest.approx(0.5) for share in shares.values()), shares


def test_pairs_are_one_picture_of_each_class(scenes):
    pairs = ScenePairs(scenes / "summer2winter", 64)
    assert pairs.names == ("summer", "winter")
    drawn = [pairs.draw(0, torch.Generator().manual_seed(seed)) for seed in range(12)]
    for item in drawn:
        for key, label in (("x", "summer"), ("y", "winter")):
            assert ((item[key].mean((1, 2)) + 1) * 127.5 - torch.tensor(COLOURS[label])).abs().max() < 6
    assert len({float(item["x"].sum()) for item in drawn}) > 3
    with pytest.raises(ValueError, match="cloudy, summer, sunny, winter"):
        ScenePairs(scenes, 64)


def test_wishes():
    batch = {
        "label": torch.tensor([0, 1, 2, 3]),
        "partner": torch.tensor([1, 0, 3, 2]),
        "chance": torch.tensor([[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]),
    }
    target, source, keeps = wishes(batch, identity_share=0.2, told=0.6)
    assert target.tolist() == [0, 0, 3, 3] and keeps.tolist() == [True, False, False, True]
    assert source.tolist() == [-1, 1, -1, -1]


def test_each_kind_has_its_own_logits():
    logits = torch.arange(24.0).view(2, 3, 2, 2)
    found = chosen_logits(logits, torch.tensor([2, 0]))
    assert torch.equal(found[0, 0], logits[0, 2]) and torch.equal(found[1, 0], logits[1, 0])
    maps = [torch.randn(2, 8, 6, 6), torch.randn(2, 16, 3, 3)]
    assert [tuple(found.shape) for found in SceneJudge([8, 16], 4)(maps)] == [(2, 4, 6, 6), (2, 4, 3, 3), (2, 4, 1, 1)]


def test_a_step_trains_each_side_by_its_own_loss(scenes, tmp_path):
    from dataclasses import replace

    torch.manual_seed(0)
    recipe = BaseRecipe(replace(BaseConfig.miniature(), data=scenes, out=tmp_path))
    runner = PhaseRunner(recipe, make_accelerator(recipe.config))
    for net in recipe.networks.values():
        net.train()
    before = {name: [p.detach().clone() for p in net.parameters()] for name, net in recipe.networks.items()}
    values = {}
    loader = batches(recipe.dataset(), recipe.weights(), recipe.config)
    for step in range(2):
        values = runner.run(next(loader), step)
    assert {"G/adversarial", "G/structure", "G/identity", "G/cycle", "D/loss"} <= values.keys()
    assert all(torch.isfinite(value) for value in values.values())
    for name, net in recipe.networks.items():
        moved = [not torch.equal(old, new) for old, new in zip(before[name], net.parameters(), strict=True)]
        assert sum(moved) > 0.9 * len(moved), f"{name} learns"
    with pytest.raises(ValueError, match="multiple of 32"):
        BaseRecipe(replace(recipe.config, size=100))
