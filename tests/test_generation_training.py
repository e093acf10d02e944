"""Training of the default generators: phases, the prior that runs along, larger pictures from smaller, resumption."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState

from labelled_fixtures import blotches, write_parquet
from pipelines.detail_generator.recipe import build_recipe as build_detail_recipe
from pipelines.generation.dataset import ConditionedPictures
from pipelines.generation.encoder import LatentPrior
from pipelines.generation.judge import view
from pipelines.generation.losses import feature_distance
from pipelines.generation.recipe import GenerationRecipe
from pipelines.hub import save_for_hub
from pipelines.product_studio.recipe import TINY, build_recipe
from toy_recipe import weights_of
from train.data import batches
from train.loop import make_accelerator, train
from train.phase_runner import PhaseRunner

LABELS, COLOURS = ("bags", "shoes"), ("black", "red")


@pytest.fixture(autouse=True)
def fresh_accelerator():
    """Accelerate keeps precision and devices for a whole process; each test starts without."""
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve training and six validation pictures; the colour green has no number, one picture is no studio picture."""
    folder = tmp_path_factory.mktemp("products")
    for split, count in (("train", 12), ("val", 6)):
        write_parquet(
            folder / f"{split}.parquet",
            [blotches(number + 50 * (split == "val"), 24, 24) for number in range(count)],
            [f"{split}{number}" for number in range(count)],
            label=[LABELS[number % 2] for number in range(count)],
            colour=["black", "red", "green"] * (count // 3),
            subset=["studio"] * (count - 1) + ["user"],
        )
    return folder


def recipe_of(folder, build=build_recipe, **options) -> GenerationRecipe:
    torch.manual_seed(0)
    asked = {"categories": LABELS, "colours": COLOURS, "data": folder, "context": 16}
    return build(replace(TINY, **asked | options))


def run_steps(recipe: GenerationRecipe, steps: int) -> list[dict]:
    runner = PhaseRunner(recipe, make_accelerator(recipe.config))
    loader = batches(recipe.dataset(), recipe.weights(), recipe.config)
    return [runner.run(next(loader), step) for step in range(steps)]


def test_pictures_keep_their_conditions(folder):
    pictures = ConditionedPictures(folder, "train", 16, LABELS, COLOURS, "studio")
    assert len(pictures) == 11 and pictures.category.tolist() == [0, 1] * 5 + [0]
    assert pictures.colour.tolist() == [0, 1, 2] * 3 + [0, 1]
    item = pictures.draw(3, torch.Generator().manual_seed(0))
    assert item["image"].shape == (3, 16, 16) and -1 <= item["image"].min() < item["image"].max() <= 1
    assert len(ConditionedPictures(folder, "train", 16, LABELS, COLOURS)) == 12
    shares = pictures.frequencies(2, 2)
    assert np.allclose(np.sum(shares, axis=1), 1, atol=1e-3)
    bags = [colour for category, colour in zip(pictures.category, pictures.colour, strict=True) if category == 0]
    assert shares[0] == pytest.approx([bags.count(number) / len(bags) for number in range(3)], abs=1e-4)
    with pytest.raises(FileNotFoundError, match="no train pictures of hats"):
        ConditionedPictures(folder, "train", 16, ("hats",))


def test_evenness_of_the_draws(folder):
    pictures = ConditionedPictures(folder, "train", 16, LABELS, COLOURS)
    assert pictures.weights(0.0).unique().numel() == 1
    even = pictures.weights(1.0)
    pairs = pictures.category * 3 + pictures.colour
    totals = torch.stack([even[pairs == pair].sum() for pair in pairs.unique()])
    assert torch.allclose(totals, totals[:1].expand_as(totals))


def test_crops_and_mirrors_come_from_the_picture(folder):
    pictures = ConditionedPictures(folder, "train", 16, LABELS, mirror=True, crops=(0.8, 0.8))
    whole = pictures.pictures[0].float() / 127.5 - 1
    assert whole.shape[-1] == 20
    seen = set()
    for seed in range(30):
        crop = pictures.draw(0, torch.Generator().manual_seed(seed))["image"]
        places = {
            (turned, top, left)
            for turned, source in enumerate((whole, whole.flip(-1)))
            for top in range(5)
            for left in range(5)
            if torch.equal(source[:, top : top + 16, left : left + 16], crop)
        }
        assert len(places) == 1
        seen |= places
    assert len(seen) > 10 and {turned for turned, *_ in seen} == {0, 1}


def test_every_network_learns_and_the_vae_goes_first(folder):
    recipe = recipe_of(folder, warm_up=1)
    before = {name: [p.detach().clone() for p in net.parameters()] for name, net in recipe.networks.items()}
    first, second = run_steps(recipe, 2)
    assert first.keys() == {f"VAE/{name}" for name in ("pixels", "likelihood", "divergence", "loss")}
    terms = ("adversarial", "reader", "pixels", "likelihood", "divergence", "recovery", "loss")
    assert second.keys() == {f"G/{name}" for name in terms} | {"D/loss", "D/hinge", "D/reader", "D/accuracy"}
    assert all(value.isfinite() for value in second.values()) and 0 <= second["D/accuracy"] <= 1
    for name, network in recipe.networks.items():
        moved = [not torch.equal(old, new) for old, new in zip(before[name], network.parameters(), strict=True)]
        assert np.mean(moved) >= 0.8, name  # what a picture of another category would have moved stays


def test_the_vae_alone_has_no_judge_at_work(folder):
    recipe = recipe_of(folder, adversarial=0.0)
    judge = [p.detach().clone() for p in recipe.networks["judge"].parameters()]
    assert all(key.startswith("VAE/") for values in run_steps(recipe, 2) for key in values)
    assert all(map(torch.equal, judge, recipe.networks["judge"].parameters()))


def test_the_prior_learns_mean_and_covariance():
    torch.manual_seed(0)
    prior = LatentPrior(3, 2, memory=0.999)
    mix = torch.tensor([[1.0, 0, 0], [0.5, 0.8, 0], [0, 0, 0.3]])
    centres = torch.tensor([[1.0, 2, 3], [-1, 0, 0]])
    for _ in range(400):
        category = torch.randint(2, (16,))
        mean = centres[category] + torch.randn(16, 3) @ mix.mT
        prior.update(mean, torch.full((16, 3), np.log(0.25)), category)
    assert torch.allclose(prior.centre, centres, atol=0.1)
    assert torch.allclose(prior.covariance, mix @ mix.mT + 0.25 * torch.eye(3), atol=0.15)
    placed = prior.place(torch.randn(20_000, 3), torch.ones(20_000, dtype=torch.int64))
    assert torch.allclose(placed.mean(0), prior.centre[1], atol=0.05)
    assert torch.allclose(torch.cov(placed.mT), prior.covariance, atol=0.1)


def test_the_pipeline_takes_plain_noise_and_the_encoder_gives_it(folder):
    """What training does in the latents' own space, the saved networks do from and to normal noise."""
    recipe = recipe_of(folder)
    run_steps(recipe, 3)
    made = recipe.pipeline(dict(recipe.networks))  # the networks are the caller's: here they may be changed
    generator, prior = made.generator, recipe.prior
    noise, category, colour = torch.randn(4, 8), torch.tensor([0, 1, 0, 1]), torch.tensor([0, 1, 2, 0])
    assert torch.allclose(generator.centre, prior.centre) and not torch.equal(generator.spread, torch.eye(8))
    with torch.no_grad():
        saved = generator(noise, category, colour)
        generator.centre.zero_(), generator.spread.copy_(torch.eye(8))
        assert torch.allclose(
            saved, generator(prior.place(recipe.config.spread * noise, category), category, colour), atol=1e-4
        )
    assert generator.config.frequencies == recipe.dataset().frequencies(2, 2)


def test_a_picture_read_and_rebuilt_passes_through_plain_noise(folder):
    recipe = recipe_of(folder, build=build_detail_recipe, colours=())
    run_steps(recipe, 3)
    pipe = recipe.pipeline({name: recipe.networks[name] for name in recipe.averaged})
    image, category = torch.rand(3, 3, 16, 16) * 2 - 1, torch.tensor([0, 1, 1])
    with torch.no_grad():
        raw, raw_variance = pipe.encoder.head(pipe.encoder.features(view(image)), image, category)
        noise, log_variance = pipe.encoder(image, category)
        assert torch.allclose(recipe.prior.place(recipe.config.spread * noise, category), raw, atol=1e-3)
    matrix = pipe.encoder.whiten
    expected = torch.stack([(matrix @ one.exp().diag() @ matrix.mT).diagonal() for one in raw_variance])
    assert torch.allclose(log_variance.exp(), expected, rtol=1e-3)


def test_larger_pictures_begin_with_what_smaller_ones_taught(folder, tmp_path):
    small = recipe_of(folder)
    run_steps(small, 2)
    average = {name: small.networks[name] for name in small.averaged}
    save_for_hub(small.pipeline(average), tmp_path / "small")
    large = recipe_of(folder, size=32, channels=(16, 16, 8, 8), start_from=tmp_path / "small").networks
    for name in ("generator", "encoder", "judge"):
        taught, fresh = small.networks[name].state_dict(), large[name].state_dict()
        same = [key for key in fresh if key in taught and torch.equal(fresh[key], taught[key])]
        assert len(same) / len(taught) > (0.8 if name == "generator" else 0.99), name
    generator = large["generator"]
    assert not generator.centre.any() and torch.equal(generator.spread, torch.eye(8))  # placed anew in training
    assert generator(torch.zeros(1, 8), torch.tensor([0])).shape == (1, 3, 32, 32)
    with pytest.raises(OSError, match="no generator to start from"):
        recipe_of(folder, start_from=tmp_path)


def test_distance_of_features():
    maps = [torch.randn(2, 3, 4, 4), torch.randn(2, 5, 2, 2)]
    assert not feature_distance(maps, [2 * one for one in maps]).any()  # scale at a place does not count
    assert torch.allclose(feature_distance(maps, [-one for one in maps]), torch.full((2,), 4.0))


def test_a_run_stopped_and_resumed_is_the_run_that_went_through(folder, tmp_path):
    def run(out, steps):
        AcceleratorState._reset_state(reset_partial_state=True)
        recipe = recipe_of(folder, out=tmp_path / out, steps=steps, validate_every=100)
        recipe.validate = lambda averaged: None  # Inception takes seconds
        recipe.learning_rate = lambda optimizer, step: 1.0  # else it would follow from the number of steps
        return train(recipe, save_for_hub, name="product_studio", preset="tiny")

    whole = run("whole", 4)
    run("parts", 2)
    config = tmp_path / "parts" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"steps": 4}))
    parts = run("parts", 4)
    assert torch.allclose(weights_of(whole), weights_of(parts), atol=1e-6)
    assert torch.allclose(whole["encoder"].prior.covariance, parts["encoder"].prior.covariance, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "match"),
    [({"rebuilt": 0.0}, "rebuilt"), ({"rebuilt": 1.5}, "rebuilt"), ({"zoom": 0.0}, "zoom"), ({"size": 24}, "side")],
)
def test_bad_options(folder, options, match):
    with pytest.raises(ValueError, match=match):
        recipe_of(folder, **options)
