"""Training of the paper's rows: what each objective asks of whom, phases, resumption, several processes."""

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

from pipelines.scene_translator.losses import ssim
from pipelines.scene_translator.recipe_cycle import CYCLE_PRESETS, CycleConfig, CycleRecipe, Way
from scene_fixtures import scenes  # noqa: F401  a fixture
from test_train_processes import ENVIRONMENT, ROOT, TORCHRUN
from toy_recipe import weights_of
from train.__main__ import read_config
from train.data import batches
from train.loop import make_accelerator, train
from train.phase_runner import PhaseRunner

TINY = CYCLE_PRESETS["paper-tiny"][1]
LOGGED = {
    "gan": {"adversarial"},
    "pix2pix": {"adversarial", "l1"},
    "cycle": {"adversarial", "cycle", "identity"},
}


@pytest.fixture(autouse=True)
def fresh_accelerator():
    """Accelerate keeps precision and devices for a whole process; each test starts without."""
    AcceleratorState._reset_state(reset_partial_state=True)


def recipe_of(folder: Path, **options) -> CycleRecipe:
    torch.manual_seed(0)
    return CycleRecipe(replace(TINY, data=folder / "summer2winter", **options))


def first_batch(recipe: CycleRecipe) -> dict[str, torch.Tensor]:
    return next(batches(recipe.dataset(), recipe.weights(), recipe.config))


def ways_of(recipe: CycleRecipe) -> dict[str, Way]:
    nets = recipe.networks
    return {
        "y": Way(nets["generator_xy"], nets["generator_yx"], nets["discriminator_y"]),
        "x": Way(nets["generator_yx"], nets["generator_xy"], nets["discriminator_x"]),
    }


@pytest.mark.parametrize("objective", LOGGED)
@pytest.mark.parametrize("options", [{}, {"precision": "bf16", "channels_last": True}], ids=["plain", "bf16"])
def test_a_few_steps(scenes, objective, options):
    """Every network learns, in every precision, and the log has the objective's terms."""
    recipe = recipe_of(scenes, objective=objective, **options)
    if recipe.config.channels_last:
        for net in recipe.networks.values():
            net.to(memory_format=torch.channels_last)
    runner = PhaseRunner(recipe, make_accelerator(recipe.config))
    before = {name: [p.detach().clone() for p in net.parameters()] for name, net in recipe.networks.items()}
    loader = batches(recipe.dataset(), recipe.weights(), recipe.config)
    for step in range(2):
        values = runner.run(next(loader), step)
    assert values.keys() == {f"G/{name}" for name in LOGGED[objective] | {"loss"}} | {"D/loss", "D/real", "D/fake"}
    assert all(value.isfinite() for value in values.values())
    for name, net in recipe.networks.items():
        moved = [not torch.equal(old, new) for old, new in zip(before[name], net.parameters(), strict=True)]
        assert all(moved), f"{name} learns"


def test_each_phase_trains_its_own_side(scenes):
    """No gradient of D comes from G's phase, none of G from D's, and each moves its own two networks alone."""
    recipe = recipe_of(scenes)
    runner = PhaseRunner(recipe, make_accelerator(recipe.config))
    batch = first_batch(recipe)
    sides = {"G": ("generator_xy", "generator_yx"), "D": ("discriminator_x", "discriminator_y")}
    assert {phase.name: phase.trains for phase in runner.phases} == sides
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
            assert all(p.grad is not None and p.grad.any() for p in recipe.networks[name].parameters())
            assert not torch.equal(weights_of({name: recipe.networks[name]}), before[name])


@pytest.mark.parametrize("cycle_loss", ["ssim", "l1"])
@pytest.mark.parametrize("identity", [5.0, 0.0])
def test_the_papers_objective_written_out(scenes, cycle_loss, identity):
    """Equations (2) to (10): least squares on the means of the maps, lambda 10 and 5; 0 leaves the term out."""
    recipe = recipe_of(scenes, cycle_loss=cycle_loss, identity=identity)
    batch = first_batch(recipe)
    to_y, to_x, of_x, of_y = recipe.networks.values()
    (x, y), expected = (batch["x"], batch["y"]), {}
    with torch.no_grad():
        fakes = [(to_y(x), of_y), (to_x(y), of_x)]
        expected["adversarial"] = sum((judge(fake).mean((1, 2, 3)) - 1) ** 2 for fake, judge in fakes) / 2
        pairs = [(to_x(fakes[0][0]), x), (to_y(fakes[1][0]), y)]
        errors = {"ssim": lambda a, b: 1 - ssim(a, b), "l1": lambda a, b: (a - b).abs().mean((1, 2, 3))}
        expected["cycle"] = sum(errors[cycle_loss](*pair) for pair in pairs)
        expected["identity"] = sum(errors["l1"](*pair) for pair in [(to_y(y), y), (to_x(x), x)])
        if not identity:
            del expected["identity"]
        weights = {"adversarial": 1, "cycle": 10, "identity": identity}
        expected["loss"] = sum(weights[name] * value for name, value in expected.items())
        losses = recipe.phases(recipe.networks, {})
        found = losses[0].loss(batch)
        real = sum((judge(picture).mean((1, 2, 3)) - 1) ** 2 for judge, picture in [(of_y, y), (of_x, x)])
        false = sum(judge(fake).mean((1, 2, 3)) ** 2 for fake, judge in fakes)
        judged = losses[1].loss(batch)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, msg=lambda text, name=name: f"{name}: {text}")
    torch.testing.assert_close(judged["loss"], (real + false) / 2)


def test_without_identity_loss_the_generators_see_no_target_pictures(scenes):
    for identity, count in ((5.0, 4), (0.0, 2)):
        recipe = recipe_of(scenes, identity=identity)
        seen = []
        recipe.networks["generator_xy"].register_forward_pre_hook(
            lambda _, given, seen=seen: seen.append(len(given[0]))
        )
        batch = first_batch(recipe)
        recipe.phases(recipe.networks, {})[0].loss(batch)
        assert seen == [count, 2], "x, with y beside it, and the way back from the other side"


def test_the_gan_row_is_adversarial_alone(scenes):
    recipe = recipe_of(scenes, objective="gan")
    batch = first_batch(recipe)
    found = recipe.phases(recipe.networks, {})[0].loss(batch)
    assert torch.equal(found["loss"], found["adversarial"])
    _, terms = recipe.generator_terms(ways_of(recipe)["y"], batch["x"], batch["y"])
    assert terms.keys() == {"adversarial"}


def test_the_pix2pix_row_judges_pairs_and_nears_what_was_drawn(scenes):
    """Its discriminators see the input before the output, and L1 goes to a target picture that is no true pair."""
    recipe = recipe_of(scenes, objective="pix2pix")
    batch = first_batch(recipe)
    x, y = batch["x"], batch["y"]
    seen = []
    recipe.networks["discriminator_y"].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    phases = recipe.phases(recipe.networks, {})
    with torch.no_grad():
        found = phases[0].loss(batch)
        fake = recipe.networks["generator_xy"](x)
        back = recipe.networks["generator_yx"](y)
        phases[1].loss(batch)
    torch.testing.assert_close(seen[0], torch.cat([x, fake], dim=1))
    torch.testing.assert_close(seen[1], torch.cat([torch.cat([x, y], dim=1), torch.cat([x, fake], dim=1)]))
    l1 = (fake - y).abs().mean((1, 2, 3)) + (back - x).abs().mean((1, 2, 3))
    torch.testing.assert_close(found["l1"], l1)
    torch.testing.assert_close(found["loss"], found["adversarial"] + 100 * l1)


def test_micro_batches_give_the_losses_and_gradients_of_the_whole(scenes):
    """Phase D takes up, piece by piece, what phase G made of each."""
    found = []
    for micro_batch in (None, 1):
        recipe = recipe_of(scenes, batch_size=3, micro_batch=micro_batch)
        runner = PhaseRunner(recipe, make_accelerator(recipe.config))
        values = runner.run(first_batch(recipe), 0)
        gradients = [
            p.grad.flatten() for net in recipe.networks.values() for p in net.parameters() if p.grad is not None
        ]
        found.append((torch.stack(list(values.values())), torch.cat(gradients)))
    torch.testing.assert_close(found[0][0], found[1][0])
    assert ((found[0][1] - found[1][1]).norm() / found[0][1].norm()).item() < 1e-4


def test_learning_rate_is_flat_then_falls_to_0():
    recipe = CycleRecipe(replace(TINY, steps=200))
    rates = [recipe.learning_rate(name, step) for name in ("G", "D") for step in (0, 99, 100, 150, 199)]
    assert rates == pytest.approx([1, 1, 1, 0.5, 0.01] * 2)
    for optimizer in recipe.optimizers(recipe.networks).values():
        assert optimizer.defaults["lr"] == 2e-4 and optimizer.defaults["betas"] == (0.5, 0.999)


def test_the_rows_differ_in_what_they_are_named_for():
    """All else is the same for every row: networks' width, pictures, steps, rates."""
    paper = asdict(CYCLE_PRESETS["paper"][1])
    changes = {
        name: {key: value for key, value in asdict(config).items() if value != paper[key]}
        for name, (_, config) in CYCLE_PRESETS.items()
        if name != "paper-tiny"
    }
    assert changes == {
        "paper": {},
        "paper-gan": {"objective": "gan"},
        "paper-pix2pix": {"objective": "pix2pix"},
        "paper-cyclegan": {"cycle_loss": "l1", "skips": False},
        "paper-no-skips": {"skips": False},
        "paper-l1": {"cycle_loss": "l1"},
        "paper-no-identity": {"identity": 0.0},
    }
    published = {"steps": 1_000_000, "batch_size": 1, "width": 64, "blocks": 9, "size": 256, "cycle": 10, "identity": 5}
    assert {name: paper[name] for name in published} == published and paper["smallest"] == 1


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_trains_the_rows_alike():
    """Each command of `make scene-rows` is one that the trainer takes; they differ in preset, data and folder alone."""
    words = ["make", "--dry-run", "scene-rows", f"VENV={sys.prefix}", "DATA=scenes", "STEPS=70", "WIDTH=8"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.replace("\\\n", " ").splitlines()
    commands = [shlex.split(line) for line in lines if "-m train" in line]
    rows = [name for name in CYCLE_PRESETS if name != "paper-tiny"]
    found = {}
    for command in commands:
        words = command[command.index("scene-translator") + 1 : command.index("--validate-every")]
        preset, config = read_config(CYCLE_PRESETS, words, "scene_translator")
        found[str(config.out)] = config
        assert config.data == Path("scenes", config.out.parent.name) and config.out.name == preset
        changed = {"steps": 70, "batch_size": 4, "width": 8, "size": 128, "smallest": 0.5, "precision": "bf16"}
        changed |= {"data": config.data, "out": config.out, "save_every": 500}
        assert config == replace(CYCLE_PRESETS[preset][1], **changed)
    pairs = ("summer2winter", "cloudy2sunny")
    assert found.keys() == {f"runs/scene-rows/{pair}/{row}" for pair in pairs for row in rows}


@pytest.mark.parametrize("size", [16, 50, 72])
def test_sizes_that_do_not_fit_are_refused(size):
    with pytest.raises(ValueError, match=f"multiple of 16, at least 32, got {size}"):
        CycleRecipe(CycleConfig(size=size))


def test_the_pipeline_holds_each_generator_at_its_target(scenes):
    recipe = recipe_of(scenes)
    pipe = recipe.pipeline({name: recipe.networks[name] for name in recipe.averaged})
    assert pipe.targets == ("summer", "winter")
    image = torch.rand(1, 3, 16, 16)
    for index, name in enumerate(["generator_yx", "generator_xy"]):
        found = pipe.generator(image, torch.tensor([index]))
        torch.testing.assert_close(found, recipe.networks[name](image))
    assert not any(a is b for a in pipe.generator.parameters() for b in recipe.networks["generator_xy"].parameters())


def run(folder: Path, out: Path, at_step=None, **options) -> torch.Tensor:
    """All weights after training, without the features that a true validation takes."""

    class Quick(CycleRecipe):
        steps_seen = 0

        def validate(self, averaged):
            return {"score": float(weights_of(averaged).abs().mean())}

        def generator_terms(self, way, given, wanted):
            self.steps_seen += 1
            if at_step is not None:
                at_step(self.steps_seen / 2)  # two directions
            return super().generator_terms(way, given, wanted)

    AcceleratorState._reset_state(reset_partial_state=True)
    torch.manual_seed(0)
    recipe = Quick(replace(TINY, data=folder / "summer2winter", out=out, **options))
    train(recipe, lambda pipeline, folder, training: (folder / "saved").write_text(str(training["steps"])))
    return weights_of(recipe.networks)


def test_a_resumed_run_equals_an_uninterrupted_one(scenes, tmp_path):
    """Stopped by a signal in its second step, that is, before the learning rate falls; optimizers and order go on."""
    whole = run(scenes, tmp_path / "whole")
    stopped = run(scenes, tmp_path / "parts", at_step=lambda n: n == 2 and os.kill(os.getpid(), signal.SIGTERM))
    assert json.loads((tmp_path / "parts" / "training.json").read_text())["steps"] == 2
    assert not torch.equal(stopped, whole)
    assert torch.equal(run(scenes, tmp_path / "parts"), whole)


# What each process executes: train a tiny row; the main process writes the weights.
SCRIPT = """
import os, sys
sys.path.insert(0, {root!r})
import torchvision_guard
from pathlib import Path
import torch
from test_scene_training import run
weights = run(Path({data!r}), Path({out!r}), batch_size=4, {options})
if os.environ.get("RANK", "0") == "0":
    torch.save(weights, {out!r} + "/weights.pt")
"""


@pytest.mark.slow
def test_two_processes_give_the_weights_of_one(scenes, tmp_path):
    """Two generators a phase, each called several times before the gradients are exchanged, in micro-batches."""
    found = {}
    for name, launcher, options in [("one", [], "seed=0"), ("two", TORCHRUN, "micro_batch=1"), ("other", [], "seed=1")]:
        file = tmp_path / f"{name}.py"
        file.write_text(SCRIPT.format(root=str(ROOT), data=str(scenes), out=str(tmp_path / name), options=options))
        command = [sys.executable, *launcher, str(file)]
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr[-2000:]
        found[name] = torch.load(tmp_path / name / "weights.pt", weights_only=True)
    torch.testing.assert_close(found["two"], found["one"], atol=1e-5, rtol=1e-5)
    assert (found["other"] - found["one"]).abs().max() > 2e-4, "other pictures give other weights"


@pytest.mark.slow
@pytest.mark.parametrize("launcher", [[], TORCHRUN], ids=["one", "two"])
def test_the_command_trains_validates_and_goes_on(scenes, tmp_path, launcher):
    words = ["scene-translator", "paper-tiny", "--data", scenes / "cloudy2sunny", "--out", tmp_path / "run"]
    for steps in (2, 4):
        command = [sys.executable, *launcher, "-m", "train", *map(str, words), "--steps", str(steps)]
        done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr[-3000:]
    training = json.loads((tmp_path / "run" / "training.json").read_text())
    assert training["steps"] == 4 and training["finished"] and training["preset"] == "paper-tiny"
    index = json.loads((tmp_path / "run" / "best" / "model_index.json").read_text())
    config = json.loads((tmp_path / "run" / "best" / "generator" / "config.json").read_text())
    assert index["generator"][1] == "TwoWayGenerator" and config["targets"] == ["cloudy", "sunny"]
