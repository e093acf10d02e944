"""Training of the paper's two stages: data, phases and their order, the objective written out, presets, resumption."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import tyro
from accelerate.state import AcceleratorState

from detail_fixtures import TINTS, grocery, write_pictures  # noqa: F401  a fixture
from evaluation.options import EvaluationOptions
from generation_fixtures import MeanDifference
from pipelines.detail_generator.networks_single_scale import KERNEL_MODES
from pipelines.detail_generator.presets_paper import PAPER_PRESETS, PaperConfig
from pipelines.detail_generator.recipe_paper import PaperRecipe, drawn
from pipelines.generation.dataset import ConditionedPictures
from pipelines.generation.labelled_pictures import find_categories, load_pictures, square
from pipelines.generation.validation import Validation
from test_train_processes import ROOT
from toy_recipe import weights_of
from train.__main__ import read_config
from train.data import batches
from train.loop import make_accelerator, train
from train.phase_runner import PhaseRunner

TINY = PAPER_PRESETS["paper-tiny"][1]
SINGLE = {"stage": "single-scale", "discriminator_kernels": (3,), "pooling": "none"}
ROWS = {
    "vae-msgan": {},
    "vae-msgan, clipped": {"adversarial": "wasserstein"},
    "single-scale": SINGLE,
    "dcgan": SINGLE | {"adversarial": "wasserstein"},
}
KINDS = ("fruit", "packages", "vegetables")


@pytest.fixture(autouse=True)
def fresh_accelerator():
    """Accelerate keeps precision and devices for a whole process; each test starts without."""
    AcceleratorState._reset_state(reset_partial_state=True)


def recipe_of(folder: Path, **options) -> PaperRecipe:
    torch.manual_seed(0)
    return PaperRecipe(replace(TINY, data=folder, **options))


def first_batch(recipe: PaperRecipe) -> dict[str, torch.Tensor]:
    return next(batches(recipe.dataset(), recipe.weights(), recipe.config))


# ---- data


def test_pictures_are_squares_of_their_category(grocery):
    data = recipe_of(grocery).dataset()
    assert len(data) == 12
    for index in range(len(data)):
        item = data.draw(index, torch.Generator().manual_seed(index))
        assert item["image"].shape == (3, 16, 16) and item["image"].dtype == torch.float32
        assert item["image"].abs().max() <= 1
        tint = torch.tensor(TINTS[KINDS[int(item["category"])]]) / 127.5 - 1
        assert (item["image"].mean((1, 2)) - tint).abs().max() < 0.1


def test_categories_are_drawn_alike_often(grocery):
    recipe = recipe_of(grocery)
    labels, weights = recipe.dataset().category, recipe.weights()
    shares = [float(weights[labels == n].sum()) for n in range(3)]
    assert Counter(labels.tolist()) == {0: 6, 1: 3, 2: 3}
    assert shares == pytest.approx([1, 1, 1])


def test_a_draw_follows_its_generator_and_half_are_mirrored(grocery):
    data = recipe_of(grocery).dataset()
    plain = ConditionedPictures(grocery, "train", 16, KINDS)
    turned = 0
    for seed in range(40):
        first, second = (data.draw(0, torch.Generator().manual_seed(seed))["image"] for _ in range(2))
        assert torch.equal(first, second)
        whole = plain.draw(0, torch.Generator().manual_seed(seed))["image"]
        assert torch.equal(first, whole) or torch.equal(first, whole.flip(2))
        turned += torch.equal(first, whole.flip(2))
    assert 10 <= turned <= 30


def test_the_middle_square():
    pixels = np.zeros((30, 20, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = np.arange(30)[:, None] * 8, np.arange(20) * 12
    assert (square(pixels, 20) == pixels[5:25]).all(), "the middle of the picture, untouched"
    assert square(pixels, 10).shape == (10, 10, 3)


def test_smaller_crops_are_of_all_sides_and_places(grocery):
    """A picture that is its own coordinates tells where a crop lies."""
    data = recipe_of(grocery, smallest=0.5).dataset()
    side = data.pictures.shape[-1]
    assert side == 32, "held so large that the smallest crop is not enlarged"
    ramp = torch.arange(side, dtype=torch.uint8) * 8
    data.pictures[0] = torch.stack([ramp.expand(side, side), ramp[:, None].expand(side, side), ramp.expand(side, side)])
    widths, tops = [], []
    for seed in range(40):
        image = data.draw(0, torch.Generator().manual_seed(seed))["image"]
        assert image.shape == (3, 16, 16) and image.abs().max() <= 1
        places = (image + 1) * 127.5 / 8
        assert places.min() > -0.1 and places.max() < side - 0.9, "within the picture"
        widths.append(float((places[0, 0, -1] - places[0, 0, 0]).abs()) * 16 / 15)
        tops.append(float(places[1, 0, 0]))
    assert 15.5 < min(widths) < 18 and 29 < max(widths) < 33, "from half to all of the picture's width"
    assert min(tops) < 1 and max(tops) > 8


def test_one_category_or_all(grocery):
    assert find_categories(grocery) == KINDS and find_categories(grocery, "packages") == ("packages",)
    alone = recipe_of(grocery, category="packages")
    assert len(alone.dataset()) == 3 and alone.categories == ("packages",)
    assert alone.networks["generator"].categories == ("packages",)
    together = recipe_of(grocery)
    assert together.networks["generator"].categories == KINDS and len(together.dataset()) == 12


def test_data_that_are_not_there_are_named(grocery, tmp_path):
    for call in (lambda: recipe_of(tmp_path), lambda: load_pictures(tmp_path / "no.parquet", "val")):
        with pytest.raises(FileNotFoundError, match=r"looked for \w+.parquet"):
            call()
    with pytest.raises(FileNotFoundError, match="labelled meat; it has fruit, packages, vegetables"):
        recipe_of(grocery, category="meat")
    with pytest.raises(FileNotFoundError, match="no train pictures of meat"):
        ConditionedPictures(grocery, "train", 16, ("fruit", "meat"))
    with pytest.raises(ValueError, match="lacks the column colour, subset"):
        ConditionedPictures(grocery, "train", 16, KINDS, ("red",), "studio")
    from datasets import Dataset

    Dataset.from_dict({"image": ["x"]}).to_parquet(str(tmp_path / "train.parquet"))
    with pytest.raises(ValueError, match="lacks the column label"):
        load_pictures(tmp_path, "train")


# ---- phases


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("options", [{}, {"precision": "bf16", "channels_last": True}], ids=["plain", "bf16"])
def test_a_few_steps(grocery, row, options):
    """Every network learns, in every precision, and the log has the row's terms.

    All of it but one number: the score's offset takes itself out of a critic's loss.
    """
    recipe = recipe_of(grocery, **ROWS[row], **options)
    if recipe.config.channels_last:
        for net in recipe.networks.values():
            net.to(memory_format=torch.channels_last)
    runner = PhaseRunner(recipe, make_accelerator(recipe.config))
    before = {name: {k: p.detach().clone() for k, p in net.named_parameters()} for name, net in runner.plain.items()}
    loader = batches(recipe.dataset(), recipe.weights(), recipe.config)
    for step in range(2):
        values = runner.run(next(loader), step)
    expected = {"D/loss", "D/real", "D/fake", "D/accuracy", "G/loss"}
    if "vae" in row:
        expected |= {"VAE/loss", "VAE/likelihood", "VAE/divergence"}
    assert values.keys() == expected and all(value.isfinite() for value in values.values())
    assert 0 <= values["D/accuracy"] <= 1
    for name, net in runner.plain.items():
        resting = {key for key, value in net.named_parameters() if torch.equal(value, before[name][key])}
        critic = name == "discriminator" and ROWS[row].get("adversarial") == "wasserstein"
        assert resting == ({"score.bias"} if critic else set()), f"{name} learns"


@pytest.mark.parametrize("row", ROWS)
def test_the_order_and_whom_each_phase_trains(grocery, row):
    """E and G by the VAE terms, then D, then G; no gradient reaches, and no step moves, the others."""
    recipe = recipe_of(grocery, **ROWS[row])
    runner = PhaseRunner(recipe, make_accelerator(recipe.config))
    batch = first_batch(recipe)
    sides = [("D", ("discriminator",)), ("G", ("generator",))]
    if "vae" in row:
        sides.insert(0, ("VAE", ("encoder", "generator")))
    assert [(phase.name, phase.trains) for phase in runner.phases] == sides
    for phase in runner.phases:
        others = [name for name in recipe.networks if name not in phase.trains]
        before = {name: weights_of({name: recipe.networks[name]}) for name in recipe.networks}
        for net in recipe.networks.values():
            net.zero_grad(set_to_none=True)
        runner._run_phase(phase, batch, 0)
        for name in others:
            assert all(p.grad is None for p in recipe.networks[name].parameters())
            assert torch.equal(weights_of({name: recipe.networks[name]}), before[name])
        for name in phase.trains:
            assert all(p.grad is not None for p in recipe.networks[name].parameters())
            assert not torch.equal(weights_of({name: recipe.networks[name]}), before[name])


def test_k_steps_of_d_for_one_of_the_others(grocery):
    recipe = recipe_of(grocery, critic_steps=3)
    phases = recipe.phases(recipe.networks, {})
    ran = ["".join(phase.name[0] for phase in phases if phase.runs(step)) for step in range(7)]
    assert ran == ["VDG", "D", "D", "VDG", "D", "D", "VDG"]


@pytest.mark.parametrize("adversarial", ["log", "wasserstein"])
def test_the_objective_written_out(grocery, adversarial):
    """Equations (10) to (12), with networks in evaluation mode so that statistics are not in the way."""
    recipe = recipe_of(grocery, adversarial=adversarial, divergence=0.5, likelihood=3.0)
    nets = {name: net.eval() for name, net in recipe.networks.items()}
    generator, encoder, judge = nets["generator"], nets["encoder"], nets["discriminator"]
    batch = first_batch(recipe)
    image, label = batch["image"], batch["category"]
    vae, d, g = (phase.loss for phase in recipe.phases(nets, {}))
    with torch.no_grad():
        torch.manual_seed(1)
        found = vae(batch)
        torch.manual_seed(1)
        mean, log_variance = encoder(image, label)
        output = generator(mean + log_variance.exp().sqrt() * torch.randn_like(mean), label)
        likelihood = (judge(output, label)[1] - judge(image, label)[1]).square().sum((1, 2, 3)) / 2
        divergence = (mean.square() + log_variance.exp() - log_variance - 1).sum(1) / 2
        torch.testing.assert_close(found["likelihood"], likelihood)
        torch.testing.assert_close(found["divergence"], divergence, atol=1e-6, rtol=1e-4)
        torch.testing.assert_close(found["loss"], 3 * likelihood + divergence / 2)

        torch.manual_seed(2)
        of_d = d(batch)
        torch.manual_seed(2)
        of_g = g(batch)
        torch.manual_seed(2)
        sample = generator(torch.randn(4, 6), label)
        again = generator(drawn(mean, log_variance), label)
        real, *fake = (judge(picture, label)[0][:, 0] for picture in (image, sample, again))
    if adversarial == "log":
        lost, won = [-(1 - x.sigmoid()).log() for x in fake], [-x.sigmoid().log() for x in fake]
        real_loss = -real.sigmoid().log()
    else:
        lost, won, real_loss = fake, [-x for x in fake], -real
    torch.testing.assert_close(of_d["real"], real_loss)
    torch.testing.assert_close(of_d["fake"], (lost[0] + lost[1]) / 2)
    torch.testing.assert_close(of_d["loss"], of_d["real"] + of_d["fake"])
    torch.testing.assert_close(of_g["loss"], (won[0] + won[1]) / 2)


def test_g_may_minimise_equation_1_to_the_letter(grocery):
    batch, found = None, {}
    for saturating in (False, True):
        recipe = recipe_of(grocery, saturating=saturating)
        batch = batch or first_batch(recipe)
        torch.manual_seed(1)
        found[saturating] = recipe.phases(recipe.networks, {})[-1].loss(batch)["loss"]
    assert (found[False] > 0).all() and (found[True] < 0).all()


def test_reconstructions_are_compared_under_shared_statistics(grocery):
    """A shift of all reconstructions must cost: with statistics of their own, batch norm would take it out."""
    recipe = recipe_of(grocery)
    seen: list[int] = []
    recipe.networks["discriminator"].register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    recipe.phases(recipe.networks, {})[0].loss(first_batch(recipe))
    assert seen == [8], "reconstructions and pictures in one batch"
    recipe.phases(recipe.networks, {})[1].loss(first_batch(recipe))
    assert seen[1:] == [4, 4, 4], "pictures, samples, reconstructions apart"


@pytest.mark.parametrize("row", ROWS)
def test_optimizers(grocery, row):
    recipe = recipe_of(grocery, **ROWS[row], weight_decay=0.01)
    optimizers = recipe.optimizers(recipe.networks)
    assert optimizers.keys() == {"D", "G"} | ({"VAE"} if "vae" in row else set())
    assert {recipe.learning_rate(name, step) for name in optimizers for step in (0, 3)} == {1.0}
    clipped = ROWS[row].get("adversarial") == "wasserstein"
    for name, optimizer in optimizers.items():
        assert isinstance(optimizer, torch.optim.RMSprop if clipped else torch.optim.Adam)
        assert clipped or optimizer.defaults["betas"] == (0.5, 0.999)
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                decays = parameter.ndim > 1 and not (clipped and name == "D")
                assert group["weight_decay"] == (0.01 if decays else 0)
    moved = {name: {id(p) for group in opt.param_groups for p in group["params"]} for name, opt in optimizers.items()}
    own = {name: {id(p) for p in net.parameters()} for name, net in recipe.networks.items()}
    assert moved["D"] == own["discriminator"] and moved["G"] == own["generator"]
    if "vae" in row:
        assert moved["VAE"] == own["generator"] | own["encoder"]


@pytest.mark.parametrize("row", ["vae-msgan, clipped", "dcgan"])
def test_the_critic_is_clipped_and_nothing_else_is(grocery, row):
    recipe = recipe_of(grocery, **ROWS[row], clip=0.02)
    runner = PhaseRunner(recipe, make_accelerator(recipe.config))
    runner.run(first_batch(recipe), 0)
    largest = {name: weights_of({name: net}).abs().max().item() for name, net in recipe.networks.items()}
    assert largest.pop("discriminator") == pytest.approx(0.02) and all(value > 0.5 for value in largest.values())


# ---- presets


def test_the_rows_differ_in_what_they_are_named_for():
    """All else is the same for every row: widths, pictures, steps, rates."""
    paper, single = asdict(PAPER_PRESETS["paper"][1]), asdict(PAPER_PRESETS["paper-pool-none"][1])
    changes = {
        name: {key: value for key, value in asdict(config).items() if value != base[key]}
        for name, (_, config) in PAPER_PRESETS.items()
        for base in [single if name.startswith(("paper-kernels", "paper-pool", "paper-dcgan")) else paper]
    }
    wasserstein = {"adversarial": "wasserstein", "critic_steps": 5, "lr": 5e-5}
    expected = {"paper": {}, "paper-128": {"size": 128}, "paper-wgan": wasserstein, "paper-dcgan": wasserstein}
    for mode, (up, down) in KERNEL_MODES.items():
        kernels = {"generator_kernel": up, "discriminator_kernels": (down,)}
        expected[f"paper-kernels-{mode}"] = {key: value for key, value in kernels.items() if value != single[key]}
    expected["paper-pool-none"] = {}
    for pooling in ("average", "max"):
        for name, levels in (("", None), ("-early", (1, 2)), ("-late", (3, 4))):
            places = {} if levels is None else {"pooled": levels}
            expected[f"paper-pool-{pooling}{name}"] = {"pooling": pooling} | places
    changes.pop("paper-tiny")
    assert changes == expected
    assert PAPER_PRESETS["paper-kernels-4"][1] == PAPER_PRESETS["paper-pool-none"][1]
    assert paper["discriminator_kernels"] == (3, 5, 7) and paper["pooling"] == "max" and paper["adversarial"] == "log"


@pytest.mark.parametrize("name", PAPER_PRESETS)
def test_every_preset_builds(grocery, name):
    with torch.device("meta"):
        recipe = PaperRecipe(PAPER_PRESETS[name][1].changed(data=grocery))
    config, nets = recipe.config, recipe.networks
    assert ("encoder" in nets) == (config.stage == "vae-msgan")
    assert recipe.averaged == (("generator", "encoder") if "encoder" in nets else ("generator",))
    assert nets["generator"].config.latents == config.latents
    if "encoder" in nets:
        assert nets["encoder"].config.latents == config.latents and nets["encoder"].config.size == config.size


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"stage": "single-scale"}, "one kernel in its discriminator, got 3, 5, 7"),
        ({"critic_steps": 0}, "critic_steps must be at least 1, got 0"),
        ({"smallest": 0.0}, "smallest must be above 0"),
        ({"smallest": 1.5}, "at most 1, got 1.5"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        PaperConfig(**options)


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_trains_the_rows_alike_and_measures_what_it_trained():
    """Each command is one that the trainer takes; rows differ in preset and folder alone; each is trained once."""
    found = {}
    for target in ("detail-rows", "detail-kernels", "detail-pooling"):
        words = ["make", "--dry-run", target, f"VENV={sys.prefix}", "DETAIL_STEPS=70", "DETAIL_DATA=pictures"]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
        commands = [shlex.split(line) for line in done.stdout.replace("\\\n", " ").splitlines()]
        trained = []
        for command in (command for command in commands if "train" in command):
            words = command[command.index("detail-generator") + 1 : command.index("--validate-every")]
            preset, config = read_config(PAPER_PRESETS, words, "detail_generator")
            changed = {"steps": 70, "batch_size": 64, "width": 32, "size": 64, "precision": "bf16", "save_every": 500}
            changed |= {"data": Path("pictures"), "out": Path("runs/detail-rows", preset), "channels_last": True}
            assert config == replace(PAPER_PRESETS[preset][1], **changed)
            trained.append(preset)
        assert len(set(trained)) == len(trained)
        found[target] = trained
        measured = [command for command in commands if "evaluation" in command]
        assert len(measured) == (target != "detail-rows")
        if measured:
            words = measured[0][measured[0].index("detail-generator") + 1 :]
            options = tyro.cli(EvaluationOptions, args=words)
            assert options.baselines_only and not options.studies and options.data == Path("pictures")
            folders = [str(folder) for folder in options.paper_rows().values()]
            assert folders == [f"runs/detail-rows/{preset}/best" for preset in trained]
    assert found["detail-rows"] == ["paper", "paper-wgan", "paper-dcgan"]
    assert found["detail-kernels"] == [f"paper-kernels-{mode}" for mode in range(1, 8)]
    pooling = [name for name in PAPER_PRESETS if name.startswith("paper-pool")]
    assert found["detail-pooling"] == ["paper-kernels-4", *pooling[1:]], "mode 4 is the row without pooling"


# ---- validation and resumption


def colours(pictures) -> np.ndarray:
    """A feature network for the tests: mean and spread of each channel."""
    stack = torch.stack(list(pictures))
    assert stack.dtype == torch.uint8
    flat = stack.double().flatten(2) / 255
    return torch.cat([flat.mean(2), flat.std(2)], dim=1).numpy()


def validation_of(folder: Path, kinds=KINDS, **options) -> Validation:
    pictures = ConditionedPictures(folder, "val", 16, kinds)
    return Validation(pictures, inception=colours, lpips=MeanDifference(), **options)


def test_validation_tells_good_samples_from_bad(grocery):
    watch = validation_of(grocery)
    data = ConditionedPictures(grocery, "train", 16, KINDS)
    pools = {n: data.pictures[data.category == n].float() / 127.5 - 1 for n in range(3)}

    def copied(category, colour, rng):
        return torch.stack([pools[int(n)][int(torch.randint(3, (), generator=rng))] for n in category])

    def swapped(category, colour, rng):
        return copied((category + 1) % 3, colour, rng)

    good, wrong, flat = watch(copied), watch(swapped), watch(lambda n, _, rng: torch.zeros(len(n), 3, 16, 16))
    told = {"kid", "fid", "precision", "recall", "diversity", "classes_covered"}
    assert good.keys() == told | {f"kid_{name}" for name in KINDS}
    assert good["classes_covered"] == wrong["classes_covered"] == 3 and flat["classes_covered"] == 1
    assert 0.4 < good["diversity"] < 1.2 and flat["diversity"] == 0, "copies of three pictures, copies of one"
    assert -flat["kid"] < good["kid"] < 0.1 * flat["kid"]
    assert all(good[f"kid_{name}"] < 0.1 * wrong[f"kid_{name}"] for name in KINDS), "the wrong category is seen"
    assert good == watch(copied), "the same latents each time"


def test_validation_has_as_many_samples_as_pictures(grocery):
    asked: list[int] = []

    def sample(category, colour, rng):
        asked.extend(category.tolist())
        assert not colour.any()
        return torch.rand(len(category), 3, 16, 16, generator=rng)

    validation_of(grocery)(sample, batch=5)
    assert Counter(asked) == {0: 6, 1: 3, 2: 3}
    asked.clear()
    validation_of(grocery, limit=4)(sample)
    assert len(asked) == 4
    alone = validation_of(grocery, ("packages",))(sample)
    assert alone.keys() == {"kid", "fid", "diversity"}, "three pictures are too few for precision and recall"
    untold = validation_of(grocery, told=False)(sample)
    assert not any(name.startswith("kid_") for name in untold)


def test_a_category_of_one_held_out_picture_has_no_kid_of_its_own(tmp_path):
    folder = write_pictures(tmp_path, ["fruit", "vegetables", "fruit"], "val")
    values = validation_of(folder)(lambda n, _, rng: torch.rand(len(n), 3, 16, 16, generator=rng))
    assert {name for name in values if "kid" in name} == {"kid", "kid_fruit"}


def test_validation_without_pictures_says_so(tmp_path):
    write_pictures(tmp_path, ["fruit"], "val")
    with pytest.raises(FileNotFoundError, match="no val pictures of packages"):
        validation_of(tmp_path, ("packages",))
    with pytest.raises(ValueError, match="two pictures or more, got 1"):
        validation_of(tmp_path, ("fruit",))


def run(folder: Path, out: Path, at_step=None, **options) -> torch.Tensor:
    """All weights after training, without the features that a true validation takes."""

    class Quick(PaperRecipe):
        steps_seen = 0

        def validate(self, averaged):
            return {"kid": float(weights_of(averaged).abs().mean())}

        def pipeline(self, averaged):
            return averaged

        def autoencoder_loss(self, networks, batch):
            self.steps_seen += 1
            if at_step is not None:
                at_step(self.steps_seen)
            return super().autoencoder_loss(networks, batch)

    AcceleratorState._reset_state(reset_partial_state=True)
    torch.manual_seed(0)
    recipe = Quick(replace(TINY, data=folder, out=out, **options))
    train(recipe, lambda pipeline, folder, training: (folder / "saved").write_text(str(training["steps"])))
    return weights_of(recipe.networks)


def test_a_resumed_run_equals_an_uninterrupted_one(grocery, tmp_path):
    """Stopped by a signal in its second step; all optimizers, running statistics, order and noise go on."""
    whole = run(grocery, tmp_path / "whole")
    stopped = run(grocery, tmp_path / "parts", at_step=lambda n: n == 2 and os.kill(os.getpid(), signal.SIGTERM))
    assert json.loads((tmp_path / "parts" / "training.json").read_text())["steps"] == 2
    assert not torch.equal(stopped, whole)
    assert torch.equal(run(grocery, tmp_path / "parts"), whole)
