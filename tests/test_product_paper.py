"""The article's GAN of products: networks and losses in closed form, augmentation, phases, presets, in the studio."""

import math
import shlex
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import tyro
from accelerate.state import AcceleratorState

from evaluation.options import EvaluationOptions
from labelled_fixtures import blotches, write_parquet
from pipelines.generation.collapse_report import ReportOptions
from pipelines.generation.losses import discriminator_accuracy
from pipelines.hub import save_for_hub
from pipelines.product_studio.dataset_paper import AugmentedProducts
from pipelines.product_studio.losses_paper import (
    cross_entropy_loss,
    non_saturating_generator_loss,
    printed_generator_loss,
)
from pipelines.product_studio.networks_paper_products import (
    CONVOLUTIONS,
    ProductPaperDiscriminator,
    ProductPaperGenerator,
)
from pipelines.product_studio.pipeline_product_studio import ProductStudio
from pipelines.product_studio.presets_paper import COUNTER_MEASURES, PAPER_PRESETS, ProductPaperConfig
from pipelines.product_studio.recipe import PRESETS, build_recipe
from pipelines.product_studio.recipe_paper import ProductPaperRecipe
from test_train_processes import ROOT
from train.__main__ import read_config
from train.data import batches
from train.loop import make_accelerator
from train.phase_runner import PhaseRunner

TINY = PAPER_PRESETS["paper-tiny"][1]
LABELS, COLOURS = ("bags", "shoes"), ("black", "red")
TOLD = {"categories": LABELS, "colours": COLOURS}


@pytest.fixture(autouse=True)
def fresh_accelerator():
    """Accelerate keeps precision and devices for a whole process; each test starts without."""
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve training and twelve validation pictures of two categories; green is "other"."""
    folder = tmp_path_factory.mktemp("products")
    for split in ("train", "val"):
        write_parquet(
            folder / f"{split}.parquet",
            [blotches(number + 50 * (split == "val"), 24, 24) for number in range(12)],
            [f"{split}{number}" for number in range(12)],
            label=[LABELS[number % 2] for number in range(12)],
            colour=["black", "red", "green"] * 4,
            subset=["studio"] * 12,
        )
    return folder


def recipe_of(folder, **options) -> ProductPaperRecipe:
    torch.manual_seed(0)
    return build_recipe(replace(TINY, **{"data": folder, **TOLD} | options))


def count(network) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


# ---- networks


def test_the_article_s_networks_at_full_size():
    """Weights and biases layer by layer, with nothing told."""
    with torch.device("meta"):
        generator, judge = ProductPaperGenerator(), ProductPaperDiscriminator()
    convolution = 128 * 128 * 25 + 128
    assert count(generator) == (100 + 1) * 8 * 8 * 128 + 5 * convolution + 3 * (128 * 25 + 1)
    assert count(judge) == 128 * (3 * 9 + 1) + 128 * (128 * 9 + 1) + 256 * 256 * 128 + 1
    assert generator.told.length == judge.told.length == 0
    noise = torch.zeros(2, 100, device="meta")
    assert generator(noise).shape == (2, 3, 256, 256)
    assert judge(torch.zeros(2, 3, 256, 256, device="meta")).shape == (2,)


@pytest.mark.parametrize("size", [16, 32, 64, 128, 256])
def test_smaller_pictures_leave_out_the_first_up_samplings(size):
    torch.manual_seed(0)
    generator = ProductPaperGenerator(size, 6, width=2)
    assert count(generator) == count(ProductPaperGenerator(16, 6, width=2)), "the same five convolutions"
    sides = []
    for convolution in generator.convolutions:
        convolution.register_forward_hook(lambda _, given, made: sides.append(made.shape[-1]))
    picture = generator(torch.randn(1, 6))
    assert picture.shape == (1, 3, size, size) and picture.abs().max() < 1
    assert sides == sorted(max(8, size >> step) for step in range(CONVOLUTIONS))


def test_the_generator_is_tanh_of_convolutions_and_nothing_else():
    """At 16 px, written out: four convolutions at 8 px, one up-sampling by repetition, one more, then paint."""
    torch.manual_seed(0)
    generator = ProductPaperGenerator(16, 6, width=4).requires_grad_(False)
    noise = torch.randn(3, 6)
    x = (noise @ generator.dense.weight.mT + generator.dense.bias).tanh().view(3, 4, 8, 8)
    for number, layer in enumerate([*generator.convolutions, generator.paint]):
        if number == 4:
            x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
        x = torch.nn.functional.conv2d(x, layer.weight, layer.bias, padding=2).tanh()
    torch.testing.assert_close(generator(noise), x)


def test_the_discriminator_is_tanh_of_convolutions_and_a_sum():
    torch.manual_seed(0)
    judge = ProductPaperDiscriminator(16, width=4, depth=3).requires_grad_(False)
    x = image = torch.rand(3, 3, 16, 16) * 2 - 1
    for layer, stride in zip(judge.convolutions, (1, 1, 2), strict=True):
        x = torch.nn.functional.conv2d(x, layer.weight, layer.bias, stride, 1).tanh()
    assert x.shape == (3, 4, 8, 8)
    expected = (x.flatten(1) * judge.score.weight).sum(1) + judge.score.bias
    torch.testing.assert_close(judge(image), expected)


def test_keras_s_initial_weights():
    torch.manual_seed(0)
    generator = ProductPaperGenerator(16, 100, width=32)
    for layer, fan in ((generator.dense, 100 + 2048), (generator.convolutions[0], 2 * 32 * 25)):
        bound = math.sqrt(6 / fan)
        assert 0.99 * bound < layer.weight.abs().max() <= bound and not layer.bias.any()


def test_what_is_told_reaches_both_networks():
    torch.manual_seed(0)
    generator = ProductPaperGenerator(16, 6, **TOLD, width=4)
    judge = ProductPaperDiscriminator(16, **TOLD, width=4)
    noise, image = torch.randn(1, 6).expand(3, -1), torch.rand(1, 3, 16, 16).expand(3, -1, -1, -1)
    asked = [torch.tensor([0, 1, 0]), torch.tensor([0, 0, 1])]
    for made in (generator(noise, *asked), judge(image, *asked)):
        assert not torch.allclose(made[0], made[1]) and not torch.allclose(made[0], made[2])
    other = torch.full((3,), 2)
    assert torch.equal(generator(noise, asked[0], None), generator(noise, asked[0], other)), "no colour is other"
    assert count(generator) == count(ProductPaperGenerator(16, 6, width=4)) + 5 * 8 * 8 * 4
    assert count(judge) == count(ProductPaperDiscriminator(16, width=4)) + 5 * 4 * 9


def test_every_convolution_has_noise_of_its_own():
    torch.manual_seed(0)
    generator = ProductPaperGenerator(16, 6 + 5 * 2, width=4, level_latents=2)
    plain = ProductPaperGenerator(16, 6, width=4)
    assert count(generator) == count(plain) + 5 * 2 * 4
    noise = torch.randn(1, 16)
    for first in range(6, 16, 2):
        other = noise.clone()
        other[:, first : first + 2] += 1
        assert not torch.allclose(generator(noise), generator(other))
    plain.load_state_dict({key: value for key, value in generator.state_dict().items() if "offsets" not in key})
    still = noise.clone()
    still[:, 6:] = 0
    torch.testing.assert_close(generator(still), plain(noise[:, :6]))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ProductPaperGenerator(8), "size must be 16"),
        (lambda: ProductPaperGenerator(96), "size must be 16"),
        (lambda: ProductPaperGenerator(512), "or 256, got 512"),
        (lambda: ProductPaperGenerator(16, 10, level_latents=2), "10 latents leave none"),
        (lambda: ProductPaperGenerator(16, 10, level_latents=-1), "latents leave none"),
        (lambda: ProductPaperGenerator(16, categories=()), "must be a category"),
        (lambda: ProductPaperGenerator(16, categories=("a", "a")), "must differ, got a, a"),
        (lambda: ProductPaperDiscriminator(16, colours=("red", "red")), "must differ"),
        (lambda: ProductPaperDiscriminator(16, depth=1), "1 convolutions do not fit"),
        (lambda: ProductPaperDiscriminator(16, depth=6), "do not fit a side of 16"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(make, words):
    with pytest.raises(ValueError, match=words), torch.device("meta"):
        make()


def test_inputs_that_do_not_fit_are_refused():
    generator = ProductPaperGenerator(16, 6, **TOLD, width=2)
    judge = ProductPaperDiscriminator(16, **TOLD, width=2)
    noise, image, kinds = torch.zeros(2, 6), torch.zeros(2, 3, 16, 16), torch.tensor([0, 1])
    for call, words in (
        (lambda: generator(noise[:, 1:], kinds), r"must be \(B, 6\), got \(2, 5\)"),
        (lambda: generator(noise), "told one of 2 numbers as category"),
        (lambda: generator(noise, kinds + 1), r"category must be from 0 to 1, got \[1, 2\]"),
        (lambda: generator(noise, kinds, kinds + 2), r"colour must be from 0 to 2, got \[2, 3\]"),
        (lambda: judge(image, kinds[:1]), "one for each of 2 pictures"),
        (lambda: judge(torch.zeros(2, 3, 32, 32), kinds), r"must be \(B, 3, 16, 16\)"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


# ---- losses


def test_losses_in_closed_form():
    logits = torch.tensor([[-3.0], [0.0], [1.5]], requires_grad=True)
    d = logits.sigmoid()[:, 0]
    torch.testing.assert_close(cross_entropy_loss(logits, True), -d.log())
    torch.testing.assert_close(cross_entropy_loss(logits, False), -(1 - d).log())
    torch.testing.assert_close(printed_generator_loss(logits), -(d.log() + (1 - d).log()))
    torch.testing.assert_close(non_saturating_generator_loss(logits), -d.log())
    assert float(printed_generator_loss(logits)[1].detach()) == pytest.approx(2 * math.log(2))
    (slope,) = torch.autograd.grad(printed_generator_loss(logits).sum(), logits)
    torch.testing.assert_close(slope[:, 0], 2 * d.detach() - 1)  # it draws D toward 0.5, from either side
    sure = torch.tensor([[-1e4], [1e4]])
    assert printed_generator_loss(sure).tolist() == [1e4, 1e4]
    assert non_saturating_generator_loss(sure).tolist() == [1e4, 0]


def test_losses_are_means_over_what_belongs_to_a_picture():
    logits = torch.randn(2, 3, 4)
    for loss in (printed_generator_loss, non_saturating_generator_loss, lambda x: cross_entropy_loss(x, False)):
        torch.testing.assert_close(loss(logits), torch.stack([loss(one.flatten()[:, None]).mean() for one in logits]))


def test_accuracy_of_the_discriminator():
    real, fake = torch.tensor([[2.0, 1], [-1, 3], [-1, -1]]), torch.tensor([[-1.0], [-2], [4]])
    assert discriminator_accuracy(real, fake).tolist() == [1, 0.75, 0]
    assert discriminator_accuracy(real + 5, fake + 5, 5.0).tolist() == [1, 0.75, 0]
    assert discriminator_accuracy(torch.zeros(1, 1), torch.zeros(1, 1)).tolist() == [0], "a tie tells nothing right"


# ---- data


def augmented(folder, smallest=1.0, rotation=0.0, mirror=False, size=24):
    return AugmentedProducts(folder, size, smallest, rotation, mirror, categories=LABELS, colours=COLOURS)


def drawn(data, seed, index=0):
    return data.draw(index, torch.Generator().manual_seed(seed))["image"]


def test_nothing_to_augment_hands_out_the_picture_or_its_mirror_image(folder):
    plain, mirrored = augmented(folder), augmented(folder, mirror=True)
    whole = plain.pictures[0].float() / 127.5 - 1
    torch.testing.assert_close(drawn(plain, 0), whole, atol=1e-5, rtol=0)
    turned = 0
    for seed in range(40):
        image = drawn(mirrored, seed)
        turned += torch.allclose(image, whole.flip(-1), atol=1e-5)
        assert any(torch.allclose(image, one, atol=1e-5) for one in (whole, whole.flip(-1)))
    assert 10 <= turned <= 30


@pytest.mark.parametrize(("angle", "quarters"), [(0.5, 0), (0.75, 1), (0.25, -1), (1.0, 2)])
def test_turns_are_about_the_middle_to_either_side(folder, monkeypatch, angle, quarters):
    """The fourth draw is the angle, from all of it to the one side to all of it to the other."""
    data = augmented(folder, rotation=180.0)
    monkeypatch.setattr(torch, "rand", lambda *_, generator: torch.tensor([0.5, 0.5, 0.5, angle, 0.9]))
    expected = torch.rot90(data.pictures[0].float() / 127.5 - 1, quarters, (1, 2))
    torch.testing.assert_close(data.draw(0, torch.Generator())["image"], expected, atol=1e-4, rtol=0)


def test_crops_stay_within_the_picture_and_differ(folder):
    """A picture that is its own coordinates tells where a crop lies."""
    data = augmented(folder, smallest=0.5, size=16)
    side = data.pictures.shape[-1]
    assert side == 32
    ramp = torch.linspace(0, 255, side).round().byte()
    data.pictures[0] = torch.stack([ramp.expand(side, side), ramp[:, None].expand(side, side), ramp.expand(side, side)])
    spans = []
    for seed in range(30):
        image = drawn(data, seed)
        assert image.abs().max() <= 1 and torch.equal(image, drawn(data, seed))
        spans.append((float(image[0, 0, -1] - image[0, 0, 0]), float(image[1, 0, 0])))
    widths, tops = zip(*spans, strict=True)
    assert 0.9 < min(widths) < 1.2 and 1.6 < max(widths) <= 2  # from half to all of the picture's width
    assert min(tops) < -0.8 and max(tops) > -0.3


def test_white_stays_white(folder):
    data = augmented(folder, smallest=0.5, rotation=45.0)
    data.pictures.fill_(255)
    assert all(torch.allclose(drawn(data, seed), torch.ones(3, 24, 24), atol=1e-5) for seed in range(5))


def test_augmentation_out_of_range_is_refused(folder):
    for name, value in (("smallest", 0.4), ("smallest", 1.1), ("rotation", -1), ("rotation", 181)):
        with pytest.raises(ValueError, match=name):
            augmented(folder, **{name: value})


# ---- training


@pytest.mark.parametrize("name", ["tiny", "nonsaturating", *COUNTER_MEASURES, "all-four"])
def test_a_few_steps(folder, name):
    """D, then G: each learns and nothing else moves; the log has what tells a collapse."""
    config = replace(PAPER_PRESETS[f"paper-{name}"][1], size=16, width=4, latents=6, batch_size=4)
    recipe = recipe_of(folder, **{key: value for key, value in asdict(config).items() if key not in ("data", *TOLD)})
    runner = PhaseRunner(recipe, make_accelerator(recipe.config))
    assert [(phase.name, phase.trains) for phase in runner.phases] == [("D", ("judge",)), ("G", ("generator",))]
    loader = batches(recipe.dataset(), recipe.weights(), recipe.config)
    for phase in runner.phases:
        before = {key: [p.detach().clone() for p in net.parameters()] for key, net in recipe.networks.items()}
        values = runner._run_phase(phase, next(loader), 0)
        assert all(value.isfinite() for value in values.values())
        for key, net in recipe.networks.items():
            moved = [not torch.equal(old, new) for old, new in zip(before[key], net.parameters(), strict=True)]
            assert all(moved) if key in phase.trains else not any(moved)
        expected = {"loss", "real", "fake", "accuracy"} if phase.name == "D" else {"loss", "taken_for_real"}
        assert values.keys() == expected
        share = values["accuracy" if phase.name == "D" else "taken_for_real"]
        assert 0 <= share <= 1


@pytest.mark.parametrize("loss", ["printed", "non-saturating"])
def test_the_objective_written_out(folder, loss):
    recipe = recipe_of(folder, loss=loss)
    generator, judge = recipe.networks["generator"], recipe.networks["judge"]
    batch = next(batches(recipe.dataset(), recipe.weights(), recipe.config))
    asked = batch["category"], batch["colour"]
    of_d, of_g = (phase.loss for phase in recipe.phases(recipe.networks, {}))
    torch.manual_seed(1)
    d = of_d(batch)
    torch.manual_seed(1)
    g = of_g(batch)
    torch.manual_seed(1)
    with torch.no_grad():
        fake = judge(generator(torch.randn(4, 6), *asked), *asked).sigmoid()
        real = judge(batch["image"], *asked).sigmoid()
    torch.testing.assert_close(d["loss"], -(real.log() + (1 - fake).log()))
    penalty = (1 - fake).log() if loss == "printed" else 0
    torch.testing.assert_close(g["loss"], -(fake.log() + penalty))
    torch.testing.assert_close(g["taken_for_real"], fake)
    torch.testing.assert_close(d["accuracy"], ((real > 0.5).float() + (fake < 0.5).float()) / 2)


def test_d_learns_to_tell_and_g_to_pass(folder):
    """Each against the other held still: D comes to tell right, then G to be taken for real."""
    recipe = recipe_of(folder, loss="non-saturating", lr=1e-2, judge_lr=1e-2)
    optimizers = recipe.optimizers(recipe.networks)
    batch = next(batches(recipe.dataset(), recipe.weights(), recipe.config))
    for phase, measure in zip(recipe.phases(recipe.networks, {}), ("accuracy", "taken_for_real"), strict=True):
        losses = []
        for _ in range(25):
            for net in recipe.networks.values():
                net.zero_grad()
            values = phase.loss(batch)
            values["loss"].mean().backward()
            optimizers[phase.name].step()
            losses.append(float(values["loss"].detach().mean()))
        assert losses[-1] < 0.5 * losses[0], phase.name
        assert values[measure].mean() > (0.9 if phase.name == "D" else 0.5)


def test_optimizers(folder):
    recipe = recipe_of(folder, lr=3e-4, judge_lr=5e-5)
    optimizers = recipe.optimizers(recipe.networks)
    assert {key: one.defaults["lr"] for key, one in optimizers.items()} == {"G": 3e-4, "D": 5e-5}
    for key, name in (("G", "generator"), ("D", "judge")):
        assert optimizers[key].defaults["betas"] == (0.9, 0.999) and optimizers[key].defaults["eps"] == 1e-7
        owned = [id(p) for group in optimizers[key].param_groups for p in group["params"]]
        assert owned == [id(p) for p in recipe.networks[name].parameters()]
        assert recipe.learning_rate(key, 3) == 1


# ---- the studio


@pytest.mark.parametrize("conditional", [True, False])
def test_generator_and_discriminator_work_in_the_studio(folder, tmp_path, conditional):
    recipe = recipe_of(folder, conditional=conditional, level_latents=1)
    save_for_hub(recipe.pipeline(dict(recipe.networks)), tmp_path / "studio")
    pipe = ProductStudio.from_pretrained(tmp_path / "studio")
    assert pipe.categories == (LABELS if conditional else ("product",))
    assert pipe.colours == (COLOURS if conditional else ()) and pipe.size == 16
    frequencies = recipe.dataset().frequencies(2, 2) if conditional else None
    assert pipe.generator.config.frequencies == frequencies
    output = pipe(batch_size=3, seed=5)
    assert [image.size for image in output.images] == [(16, 16)] * 3 and len(output.scores) == 3
    again = pipe(latents=output.latents, category=output.categories, colour=output.colours if conditional else None)
    assert all((np.asarray(one) == np.asarray(two)).all() for one, two in zip(output.images, again.images, strict=True))
    pipe.judge.register_to_config(bars=[1e9] * len(pipe.categories))
    refused = pipe(batch_size=2, seed=5, tries=3)
    assert refused.accepted == [False, False] and refused.acceptance_rate == 0
    with pytest.raises(ValueError, match="category must be one of"):
        pipe("hats")


def test_validation_tells_kid_variety_and_acceptance(folder, monkeypatch):
    from generation_fixtures import CoarseColours, MeanDifference
    from pipelines.generation import collapse_watch, validation

    monkeypatch.setattr(validation, "Inception", CoarseColours)
    monkeypatch.setattr(collapse_watch, "lpips_network", lambda net: MeanDifference())
    recipe = recipe_of(folder)
    values = recipe.validate(recipe.networks)
    assert values.keys() >= {"kid", "diversity", "classes_covered", "acceptance"}
    assert values == recipe.validate(recipe.networks), "the same noise each time"
    with torch.no_grad():
        recipe.networks["judge"].score.weight.zero_()
    assert recipe.validate(recipe.networks)["acceptance"] == 1, "all as good as the real ones"
    monkeypatch.setattr(
        recipe.networks["judge"], "forward", lambda image, *asked: -image.diff(dim=3).abs().mean((1, 2, 3))
    )
    assert recipe.validate(recipe.networks)["acceptance"] == 1, "smoother than any picture"
    monkeypatch.setattr(
        recipe.networks["judge"], "forward", lambda image, *asked: image.diff(dim=3).abs().mean((1, 2, 3))
    )
    assert recipe.validate(recipe.networks)["acceptance"] == 0


# ---- presets


def test_the_rows_differ_in_what_they_are_named_for():
    paper = asdict(PAPER_PRESETS["paper"][1])
    changes = {
        name: {key: value for key, value in asdict(config).items() if value != paper[key]}
        for name, (_, config) in PAPER_PRESETS.items()
    }
    changes.pop("paper-tiny")
    measures = {"capacity": 2, "judge_lr": 2.5e-5, "judge_depth": 5, "level_latents": 20}
    assert changes == {
        "paper": {},
        "paper-nonsaturating": {"loss": "non-saturating"},
        **{f"paper-{name}": {key: measures[key]} for name, key in zip(COUNTER_MEASURES, measures, strict=True)},
        "paper-all-four": measures,
    }
    article = {
        "size": 256,
        "latents": 100,
        "width": 128,
        "lr": 1e-4,
        "judge_lr": 1e-4,
        "loss": "printed",
        "judge_depth": 2,
    }
    assert article.items() <= paper.items() and PAPER_PRESETS.items() <= PRESETS.items()


@pytest.mark.parametrize("name", PAPER_PRESETS)
@pytest.mark.parametrize("size", [64, 256])
def test_every_preset_builds(folder, name, size):
    with torch.device("meta"):
        recipe = ProductPaperRecipe(replace(PAPER_PRESETS[name][1], data=folder, size=size))
    config, nets = recipe.config, recipe.networks
    assert nets["generator"].config.width == config.width * config.capacity
    assert nets["generator"].config.latents == recipe.latents == config.latents + 5 * config.level_latents
    assert len(nets["judge"].convolutions) == config.judge_depth and nets["judge"].config.size == size


@pytest.mark.parametrize("option", ["width", "latents", "capacity"])
def test_options_that_do_not_fit_are_refused(option):
    with pytest.raises(ValueError, match=f"{option} must be at least 1, got 0"):
        ProductPaperConfig(**{option: 0})


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_trains_the_rows_alike_and_measures_what_is_named():
    """Each command is one that the trainer, the table and the report take; rows differ in preset and folder alone."""
    asked = ["PRODUCT_STEPS=70", "PRODUCT_DATA=pictures", "PRODUCT_ROWS=paper vae"]
    words = ["make", "--dry-run", "product-rows", "product-table", "product-collapse", f"VENV={sys.prefix}", *asked]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    commands = [shlex.split(line) for line in done.stdout.replace("\\\n", " ").splitlines()]
    trained = []
    for command in (command for command in commands if "train" in command):
        given = command[command.index("product-studio") + 1 : command.index("--validate-every")]
        preset, config = read_config(PRESETS, given, "product_studio")
        changed = {"steps": 70, "batch_size": 32, "width": 32, "size": 64, "precision": "bf16", "save_every": 500}
        changed |= {"data": Path("pictures"), "out": Path("runs/product-rows", preset), "channels_last": True}
        assert config == replace(PRESETS[preset][1], **changed)
        trained.append(preset)
    assert trained == [name for name in PAPER_PRESETS if name != "paper-tiny"]
    (table,) = [command for command in commands if "evaluation" in command]
    options = tyro.cli(EvaluationOptions, args=table[table.index("product-studio") + 1 :])
    assert {name: str(one) for name, one in options.paper_rows().items()} == {
        "article, loss as printed": "runs/product-rows/paper/best",
        "VAE alone": "runs/product-rows/vae/best",
    }
    (drawing,) = [command for command in commands if "pipelines.generation.collapse_report" in command]
    report = tyro.cli(ReportOptions, args=drawing[drawing.index("pipelines.generation.collapse_report") + 1 :])
    folders = {"article, loss as printed": Path("runs/product-rows/paper"), "VAE alone": Path("runs/product-rows/vae")}
    assert report.folders() == folders and report.out.suffix == ".png"
