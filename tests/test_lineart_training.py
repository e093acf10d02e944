"""Training of the paper's line art rows: what each asks of whom, phases, resumption, what is saved, gradient norms."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file

from lineart_fixtures import illustrations  # noqa: F401  a fixture
from pipelines.hub import save_for_hub
from pipelines.lineart_colorizer import recipe_paper
from pipelines.lineart_colorizer.gradient_norms import (
    GradientNorms,
    first_pictures,
    gradient_norms,
    main,
    markdown,
    measure_run,
    read_config,
)
from pipelines.lineart_colorizer.networks_style_encoder import Vgg16ConvStyle
from pipelines.lineart_colorizer.pipeline_lineart_colorizer import LineArtColorizer
from pipelines.lineart_colorizer.recipe import PRESETS, build_recipe
from pipelines.lineart_colorizer.recipe_paper import PAPER_PRESETS, PaperConfig, PaperRecipe
from test_train_processes import ENVIRONMENT, ROOT
from toy_recipe import weights_of
from train.__main__ import read_config as read_words
from train.data import batches
from train.loop import make_accelerator, train
from train.phase_runner import PhaseRunner

TINY = replace(PAPER_PRESETS["paper-tiny"][1], size=32)
ROWS = {  # what tells a row from the others -> what it logs
    "both": ({}, {"l1", "guide_grey", "guide_colour", "adversarial"}),
    "guides": ({"adversarial": False}, {"l1", "guide_grey", "guide_colour"}),
    "gan": ({"guides": False}, {"l1", "adversarial"}),
}


@pytest.fixture(autouse=True)
def fresh_accelerator():
    """Accelerate keeps precision and devices for a whole process; each test starts without."""
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(autouse=True, scope="module")
def quick_standard():
    """A standard of a few references: each recipe that opens its data measures it anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe_paper, "STANDARD", 8)
        yield


def recipe_of(folder: Path, **options) -> PaperRecipe:
    torch.manual_seed(0)
    return PaperRecipe(replace(TINY, data=folder, **options))


def first_batch(recipe: PaperRecipe) -> dict[str, torch.Tensor]:
    return next(batches(recipe.dataset(), recipe.weights(), recipe.config))


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("options", [{}, {"precision": "bf16", "channels_last": True}], ids=["plain", "bf16"])
def test_a_few_steps(illustrations, row, options):
    """Every network learns, in every precision, and the log has the row's terms; the style encoder stays as it is."""
    changes, logged = ROWS[row]
    recipe = recipe_of(illustrations, **changes, **options)
    if recipe.config.channels_last:
        for net in recipe.networks.values():
            net.to(memory_format=torch.channels_last)
    runner = PhaseRunner(recipe, make_accelerator(recipe.config))
    loader = batches(recipe.dataset(), recipe.weights(), recipe.config)
    before = {name: [p.detach().clone() for p in net.parameters()] for name, net in recipe.networks.items()}
    encoder = {key: value.clone() for key, value in recipe.encoder.state_dict().items()}
    for step in range(2):
        values = runner.run(next(loader), step)
    judged = {"D/loss", "D/real", "D/fake"} if "adversarial" in logged else set()
    assert values.keys() == {f"G/{name}" for name in logged | {"loss"}} | judged
    assert all(value.isfinite() for value in values.values())
    for name, net in recipe.networks.items():
        moved = [not torch.equal(old, new) for old, new in zip(before[name], net.parameters(), strict=True)]
        assert all(moved), f"{name} learns"
    assert all(torch.equal(encoder[key], value) for key, value in recipe.encoder.state_dict().items())


def test_each_phase_trains_its_own_side(illustrations):
    recipe = recipe_of(illustrations)
    runner = PhaseRunner(recipe, make_accelerator(recipe.config))
    batch = first_batch(recipe)
    assert [(phase.name, phase.trains) for phase in runner.phases] == [("G", ("generator",)), ("D", ("discriminator",))]
    for phase, other in zip(runner.phases, ("discriminator", "generator"), strict=True):
        held = recipe.networks[other]
        before = weights_of({other: held})
        for net in recipe.networks.values():
            net.zero_grad(set_to_none=True)
        runner._run_phase(phase, batch, 0)
        assert all(p.grad is None for p in held.parameters()) and torch.equal(weights_of({other: held}), before)
        assert all(p.grad is not None and p.grad.any() for p in recipe.networks[phase.trains[0]].parameters())


@pytest.mark.parametrize("row", ROWS)
def test_the_papers_objective_written_out(illustrations, row):
    """Equations (4) to (7): alpha 0.3, beta 0.9, lambda; D is asked for norm(V(y)) of y and 0 of the output."""
    recipe = recipe_of(illustrations, **ROWS[row][0])
    batch = first_batch(recipe)
    y, luma = batch["image"], torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    with torch.no_grad():
        vector = recipe.encoder(batch["reference"])["vector"]
        norm = torch.tanh(vector.clamp(min=0) / 2)
        output, grey, colour = recipe.networks["generator"](batch["drawing"], {"vector": vector})
        expected = {"l1": (output - y).abs().mean((1, 2, 3))}
        loss = 10 * expected["l1"]
        if row != "gan":
            expected["guide_grey"] = (grey - (y * luma).sum(1, keepdim=True)).abs().mean((1, 2, 3))
            expected["guide_colour"] = (colour - y).abs().mean((1, 2, 3))
            loss = loss + 10 * (0.3 * expected["guide_grey"] + 0.9 * expected["guide_colour"])
        if row != "guides":
            judge = recipe.networks["discriminator"]
            expected["adversarial"] = bce(judge(output), norm, reduction="none").mean(1)
            loss = loss + expected["adversarial"]
            real = bce(judge(y), norm, reduction="none").mean(1)
            false = bce(judge(output), torch.zeros_like(norm), reduction="none").mean(1)
        phases = recipe.phases(recipe.networks, recipe.frozen)
        found = phases[0].loss(batch)
        for name, value in (expected | {"loss": loss}).items():
            torch.testing.assert_close(found[name], value, msg=lambda text, name=name: f"{name}: {text}")
        assert found.keys() == expected.keys() | {"loss"} and len(phases) == (1 if row == "guides" else 2)
        if row != "guides":
            torch.testing.assert_close(phases[1].loss(batch), {"loss": real + false, "real": real, "fake": false})


def test_micro_batches_give_the_losses_and_gradients_of_the_whole(illustrations):
    """Phase D takes up, piece by piece, what phase G made of each."""
    found = []
    for micro_batch in (None, 1):
        recipe = recipe_of(illustrations, batch_size=3, micro_batch=micro_batch)
        runner = PhaseRunner(recipe, make_accelerator(recipe.config))
        values = runner.run(first_batch(recipe), 0)
        gradients = [
            p.grad.flatten() for net in recipe.networks.values() for p in net.parameters() if p.grad is not None
        ]
        found.append((torch.stack(list(values.values())), torch.cat(gradients)))
    torch.testing.assert_close(found[0][0], found[1][0])
    assert ((found[0][1] - found[1][1]).norm() / found[0][1].norm()).item() < 1e-4


def test_the_reference_is_the_target_itself_disturbed(illustrations):
    """Never another picture, and never the same pixels: its places cannot be copied."""
    recipe = recipe_of(illustrations, batch_size=8)
    batch = first_batch(recipe)
    assert (batch["kind"] == 0).all() and batch["reference"].shape == (8, 3, 32, 32)
    assert (batch["reference"] - batch["image"]).abs().mean((1, 2, 3)).min() > 0.01


def test_the_standard_is_that_of_the_training_references(illustrations, monkeypatch):
    """Style numbers of fresh training references have mean 0 and deviation 1, nearly; the same at each start."""
    monkeypatch.setattr(recipe_paper, "STANDARD", 48)
    first, second = (recipe_of(illustrations) for _ in range(2))
    assert not first.encoder.mean.any(), "not before the data are there"
    crops = first.dataset()
    second.dataset()
    assert torch.equal(first.encoder.mean, second.encoder.mean)
    assert torch.equal(first.encoder.spread, second.encoder.spread)
    references = torch.stack(
        [crops.draw(i % len(crops), torch.Generator().manual_seed(i))["reference"] for i in range(48)]
    )
    vectors = first.encoder(references)["vector"]
    varies = first.encoder.statistics(references).std(0) > 1e-5
    assert varies.float().mean() > 0.7, "deep maps of 2x2 places are often dead"
    assert vectors.mean(0).abs().median() < 0.2
    assert vectors[:, varies].std(0).median().item() == pytest.approx(1, abs=0.15)


def test_learning_rate_is_flat_then_falls_to_0(illustrations):
    recipe = recipe_of(illustrations, steps=200)
    rates = [recipe.learning_rate(name, step) for name in ("G", "D") for step in (0, 99, 100, 150, 199)]
    assert rates == pytest.approx([1, 1, 1, 0.5, 0.01] * 2)
    optimizers = recipe.optimizers(recipe.networks)
    assert optimizers.keys() == {"G", "D"}
    for optimizer in optimizers.values():
        assert optimizer.defaults["lr"] == 2e-4 and optimizer.defaults["betas"] == (0.5, 0.999)


def test_the_rows_differ_in_what_they_are_named_for():
    paper = asdict(PAPER_PRESETS["paper"][1])
    changes = {
        name: {key: value for key, value in asdict(config).items() if value != paper[key]}
        for name, (_, config) in PAPER_PRESETS.items()
        if name != "paper-tiny"
    }
    assert changes == {"paper": {}, "paper-guides": {"adversarial": False}, "paper-gan": {"guides": False}}
    published = {"width": 32, "size": 256, "alpha": 0.3, "beta": 0.9, "style": "vgg19-fc", "ema_images": 0}
    assert {name: paper[name] for name in published} == published
    assert paper["steps"] * paper["batch_size"] == 100_000


def test_presets_belong_to_their_recipes():
    assert PAPER_PRESETS.keys() <= PRESETS.keys() and PRESETS["paper"] is PAPER_PRESETS["paper"]
    assert isinstance(build_recipe(TINY), PaperRecipe)


@pytest.mark.parametrize("sizes", [(48, 32), (0, 32), (32, 16)])
def test_sizes_that_do_not_fit_are_refused(sizes):
    with pytest.raises(
        ValueError, match=f"multiple of 32 and reference_size at least 32, got {sizes[0]} and {sizes[1]}"
    ):
        PaperRecipe(PaperConfig(size=sizes[0], reference_size=sizes[1]))


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_trains_the_rows_alike():
    """Each command of `make lineart-rows` is one that the trainer takes; they differ in preset and folder alone."""
    words = ["make", "--dry-run", "lineart-rows", f"VENV={sys.prefix}", "LINEART_DATA=drawn", "LINEART_STEPS=70"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.replace("\\\n", " ").splitlines()
    found = {}
    for line in (line for line in lines if "-m train" in line):
        command = shlex.split(line)
        words = command[command.index("lineart-colorizer") + 1 : command.index("--validate-every")]
        preset, config = read_words(PAPER_PRESETS, words, "lineart_colorizer")
        changed = {
            "steps": 70,
            "width": 8,
            "size": 128,
            "reference_size": 112,
            "style": "vgg16-conv",
            "save_every": 500,
        }
        changed |= {"precision": "bf16", "channels_last": True, "data": Path("drawn"), "out": config.out}
        assert config == replace(PAPER_PRESETS[preset][1], **changed)
        found[str(config.out)] = preset
    assert found == {f"runs/lineart-rows/{row}": row for row in ("paper-guides", "paper-gan", "paper")}


def test_guides_are_not_saved(illustrations, tmp_path):
    """A saved pipeline has the generator alone and the style encoder with its standard, and paints the same."""
    recipe = recipe_of(illustrations)
    recipe.dataset()
    pipe = recipe.pipeline(recipe.networks)
    assert pipe.style_encoder is not recipe.encoder
    save_for_hub(pipe, tmp_path / "saved")
    state = load_file(tmp_path / "saved" / "generator" / "diffusion_pytorch_model.safetensors")
    assert state.keys() == recipe.networks["generator"].generator.state_dict().keys()
    assert not any("guide" in key for key in state)
    index = json.loads((tmp_path / "saved" / "model_index.json").read_text())
    assert index["generator"][1] == "SwishUNetGenerator" and index["style_encoder"][1] == "Vgg16ConvStyle"
    again = LineArtColorizer.from_pretrained(tmp_path / "saved")
    assert isinstance(again.style_encoder, Vgg16ConvStyle) and again.style_encoder.config.kind == "vgg16-conv"
    drawing, reference = (torch.rand(1, 40, 33) > 0.2).float(), torch.rand(3, 50, 40)
    images = [one(drawing, reference, output_type="pt").images[0] for one in (pipe, again)]
    torch.testing.assert_close(*images, atol=1e-5, rtol=1e-5)
    assert images[0].shape == (3, 40, 33)


def run(folder: Path, out: Path, at_step=None, **options) -> torch.Tensor:
    """All weights after training, without the networks that a true validation takes."""

    class Quick(PaperRecipe):
        steps_seen = 0

        def validate(self, averaged):
            return {"score": float(weights_of(averaged).abs().mean())}

        def total(self, terms):
            self.steps_seen += 1
            if at_step is not None:
                at_step(self.steps_seen)
            return super().total(terms)

    AcceleratorState._reset_state(reset_partial_state=True)
    torch.manual_seed(0)
    recipe = Quick(replace(TINY, data=folder, out=out, **options))
    train(recipe, lambda pipeline, folder, training: (folder / "saved").write_text(str(training["steps"])))
    return weights_of(recipe.networks)


@pytest.fixture(scope="module")
def finished(illustrations, tmp_path_factory) -> tuple[Path, torch.Tensor]:
    """A run of four steps, and its weights."""
    out = tmp_path_factory.mktemp("run") / "paper"
    return out, run(illustrations, out)


def test_a_resumed_run_equals_an_uninterrupted_one(illustrations, tmp_path, finished):
    """Stopped by a signal in its second step: optimizers, order and the style's standard go on."""
    stopped = run(illustrations, tmp_path / "run", at_step=lambda n: n == 2 and os.kill(os.getpid(), signal.SIGTERM))
    assert json.loads((tmp_path / "run" / "training.json").read_text())["steps"] == 2
    assert not torch.equal(stopped, finished[1])
    assert torch.equal(run(illustrations, tmp_path / "run"), finished[1])


# --- gradient norms --------------------------------------------------------------------------------------------------

LAYERS = [
    *[f"encoder {stride}" for stride in (1, 2, 4, 8, 16)],
    *["entrance", "style", "bottleneck"],
    *[f"decoder {stride}" for stride in (16, 8, 4, 2, 1)],
    "last",
]


def test_gradient_norms_are_those_of_the_loss(illustrations):
    """By layer and together; the guides' terms reach the middle and leave the decoder alone."""
    recipe = recipe_of(illustrations)
    batch = first_pictures(recipe, 2)
    without, with_guides = (gradient_norms(recipe, batch, guides) for guides in (False, True))
    generator = recipe.networks["generator"].generator
    assert list(without) == list(with_guides) == LAYERS
    assert all(p.grad is None for net in recipe.networks.values() for p in net.parameters())
    recipe.phases(recipe.networks, recipe.frozen)[0].loss(batch)["loss"].mean().backward()
    norm = torch.cat([p.grad.flatten() for p in generator.parameters()]).norm().item()
    assert sum(value**2 for value in with_guides.values()) ** 0.5 == pytest.approx(norm, rel=1e-4)
    assert with_guides["last"] == pytest.approx(
        generator.leave.weight.grad.square().sum().add(generator.leave.bias.grad.square().sum()).sqrt().item(), rel=1e-4
    )
    for layer in LAYERS:
        same = with_guides[layer] == pytest.approx(without[layer], rel=1e-5)
        assert same == (layer.startswith("decoder") or layer == "last"), layer


def test_norms_of_a_run(illustrations, finished):
    """With the first weights, which the seed gives, and with the trained ones, which the run's folder holds."""
    measured = measure_run("both", finished[0], illustrations, pictures=2)
    assert [(one.trained, one.guides) for one in measured] == [
        (False, False),
        (False, True),
        (True, False),
        (True, True),
    ]
    fresh = recipe_of(illustrations, batch_size=2)
    expected = gradient_norms(fresh, first_pictures(fresh, 2), True)
    assert measured[1].norms == pytest.approx(expected, rel=1e-4)
    assert measured[3].norms != pytest.approx(expected, rel=1e-3), "training has changed the weights"


def test_a_run_without_guides_has_no_gradients_with_them(illustrations, tmp_path):
    run(illustrations, tmp_path / "gan", guides=False, steps=1)
    assert [(one.trained, one.guides) for one in measure_run("gan", tmp_path / "gan", illustrations, 2)] == [
        (False, False),
        (True, False),
    ]


def test_what_is_no_run_is_refused(illustrations, tmp_path, finished):
    with pytest.raises(FileNotFoundError, match="no config.json"):
        measure_run("none", tmp_path, illustrations)
    (tmp_path / "config.json").write_text('{"steps": 4, "decoder": [1]}')
    with pytest.raises(ValueError, match="another recipe"):
        read_config(tmp_path)
    shutil.copy(finished[0] / "config.json", tmp_path / "config.json")
    with pytest.raises(FileNotFoundError, match="no weights of the generator: state/model.safetensors"):
        measure_run("half", tmp_path, illustrations, 1)
    with pytest.raises(SystemExit, match="NAME=FOLDER, got 'paper'"):
        main(illustrations, ("paper",))


def test_the_norms_as_a_table():
    rows = [GradientNorms("paper", trained, True, {"encoder 1": 0.12345, "last": 2.0}) for trained in (False, True)]
    assert markdown(rows).splitlines() == [
        "| gradient norm by layer | paper, first weights, with guides' losses | paper, trained, with guides' losses |",
        "| --- | ---: | ---: |",
        "| encoder 1 | 0.123 | 0.123 |",
        "| last | 2 | 2 |",
    ]


@pytest.mark.slow
def test_the_command_trains_validates_and_goes_on(illustrations, tmp_path):
    words = ["lineart-colorizer", "paper-tiny", "--data", illustrations, "--out", tmp_path / "run"]
    for steps in (2, 4):
        command = [sys.executable, "-m", "train", *map(str, words), "--steps", str(steps)]
        done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr[-3000:]
    training = json.loads((tmp_path / "run" / "training.json").read_text())
    assert training["steps"] == 4 and training["finished"] and training["config"]["style"] == "vgg16-conv"
    command = [sys.executable, "-m", "pipelines.lineart_colorizer.gradient_norms", "--data", str(illustrations)]
    command += ["--run", f"tiny={tmp_path / 'run'}", "--pictures", "2"]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 2 + len(LAYERS), done.stderr[-3000:]
