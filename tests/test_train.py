"""The engine, on a toy GAN of a few numbers: resumption to the last bit, phases, gradients, averages, whole files."""

import json
import math
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState
from torch import nn

from train.average import Average
from train.checkpoints import recover, replace_folder
from train.data import Draws, Slices
from train.loop import NonFiniteLossError, split, train
from train.recipe import Phase, TrainConfig

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def fresh_accelerator():
    """Accelerate holds one precision a process; a run is a process of its own, a test is not."""
    AcceleratorState._reset_state(True)


@dataclass(frozen=True)
class ToyConfig(TrainConfig):
    steps: int = 6
    batch_size: int = 4
    save_every: int = 2
    validate_every: int = 3
    ema_images: float = 8.0
    best: str = "error"
    poison: int | None = None  # step at which the loss becomes NaN


class Points:
    """Own batch keys, augmentation from the generator handed in."""

    def __len__(self):
        return 10

    def draw(self, index, rng):
        return {"points": torch.full((3,), float(index)) + torch.randn(3, generator=rng), "index": torch.tensor(index)}


class Toy:
    """A generator of two networks in one phase, a discriminator with a frozen part, a frozen feature network."""

    averaged = ("encoder", "decoder")

    def __init__(self, config):
        self.config, self.steps_run = config, []
        torch.manual_seed(0)
        held = nn.Linear(3, 3).requires_grad_(False)
        self.networks = {
            "encoder": nn.Linear(3, 2),
            "decoder": nn.Linear(2, 3),
            "discriminator": nn.Sequential(held, nn.Linear(3, 1)),
        }
        self.frozen = {"features": nn.Linear(3, 3)}

    def dataset(self):
        return Points()

    def weights(self):
        return None

    def optimizers(self, networks):
        autoencoder = [*networks["encoder"].parameters(), *networks["decoder"].parameters()]
        heads = [p for p in networks["discriminator"].parameters() if p.requires_grad]
        return {"G": torch.optim.Adam(autoencoder, lr=0.01), "D": torch.optim.SGD(heads, lr=0.01, momentum=0.9)}

    def learning_rate(self, optimizer, step):
        return 1.0 if optimizer == "D" else 1 / (1 + step)

    def phases(self, networks, frozen):
        def generate(points):
            return networks["decoder"](networks["encoder"](points))

        def train_discriminator(batch):
            logits = networks["discriminator"](batch["points"]) - networks["discriminator"](generate(batch["points"]))
            return {"loss": nn.functional.softplus(-logits).mean(1)}

        def train_generator(batch):
            self.steps_run.append(len(batch["points"]))
            output = generate(batch["points"])
            error = (frozen["features"](output) - frozen["features"](batch["points"])).square().mean(1)
            loss = error - 0.1 * networks["discriminator"](output).mean(1)
            if self.config.poison is not None and len(self.steps_run) > self.config.poison:
                loss = loss * math.nan
            return {"loss": loss, "error": error}

        return [
            Phase("D", ("discriminator",), train_discriminator),
            Phase("G", ("encoder", "decoder"), train_generator),
        ]

    def validate(self, averaged):
        points = torch.ones(1, 3)
        return {"error": float((averaged["decoder"](averaged["encoder"](points)) - points).square().mean())}

    def pipeline(self, averaged):
        return averaged


def save(pipeline, folder, training):
    torch.save({name: net.state_dict() for name, net in pipeline.items()}, folder / "weights.pt")
    (folder / "training.json").write_text(json.dumps(training))


def weights_of(networks) -> torch.Tensor:
    return torch.cat([p.detach().flatten().cpu() for net in networks.values() for p in net.parameters()])


def run(config, toy=None) -> torch.Tensor:
    toy = toy or Toy(config)
    return weights_of(train(toy, save) | toy.networks)


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path):
    whole = run(ToyConfig(out=tmp_path / "whole"))
    run(ToyConfig(out=tmp_path / "parts", max_seconds=0.0))  # stops before its first step
    run(replace(ToyConfig(out=tmp_path / "parts"), steps=4))
    assert torch.equal(run(ToyConfig(out=tmp_path / "parts")), whole)
    training = json.loads((tmp_path / "parts" / "training.json").read_text())
    assert training["steps"] == 6 and training["images"] == 24 and training["finished"]
    assert training["planned"] == [{"from": 0, "steps": 4}, {"from": 4, "steps": 6}]


def test_a_run_with_other_options_is_not_resumed(tmp_path):
    run(ToyConfig(out=tmp_path))
    with pytest.raises(ValueError, match="batch_size=4 there, 2 now"):
        run(ToyConfig(out=tmp_path, batch_size=2))


def test_what_lies_in_the_folder(tmp_path):
    run(ToyConfig(out=tmp_path, keep_every=4))
    curve = [json.loads(line) for line in (tmp_path / "validation.jsonl").read_text().splitlines()]
    assert [point["step"] for point in curve] == [3, 6]
    best = json.loads((tmp_path / "best" / "training.json").read_text())
    assert best["metrics"]["error"] == min(point["error"] for point in curve)
    assert (tmp_path / "checkpoints" / "00000004" / "weights.pt").exists()
    assert {line["step"] for line in map(json.loads, (tmp_path / "log.jsonl").open())} == {6}
    text = (tmp_path / "training.json").read_text()
    assert str(tmp_path.parent) not in text  # no path of the machine


def test_micro_batches_give_the_weights_of_whole_batches(tmp_path):
    whole = run(ToyConfig(out=tmp_path / "whole"))
    pieces = run(ToyConfig(out=tmp_path / "pieces", micro_batch=2))
    torch.testing.assert_close(pieces, whole, atol=1e-5, rtol=1e-5)


def test_each_phase_moves_its_own_networks_and_no_frozen_part(tmp_path):
    toy = Toy(ToyConfig(out=tmp_path, steps=3))
    held, features = toy.networks["discriminator"][0], toy.frozen["features"]
    before = [p.clone() for p in (*held.parameters(), *features.parameters())]
    first = weights_of(toy.networks)
    train(toy, save)
    after = [*held.parameters(), *features.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert not torch.equal(first, weights_of(toy.networks))
    assert not any(p.requires_grad for p in held.parameters())


def test_phases_know_their_steps():
    phase = Phase("D", ("d",), lambda batch: {}, every=2, start=3, until=9)
    assert [step for step in range(12) if phase.runs(step)] == [4, 6, 8]


def test_a_loss_that_is_not_finite_stops_the_run_and_spares_the_checkpoint(tmp_path):
    with pytest.raises(NonFiniteLossError, match="phase G is nan at step 3"):
        run(ToyConfig(out=tmp_path, poison=3))
    assert json.loads((tmp_path / "training.json").read_text())["steps"] == 2


def test_average_has_the_half_life_it_says():
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    average = Average({"n": network}, half_life=100.0)
    nn.init.ones_(network.weight)
    images = 100_000  # far beyond the ramp
    for _ in range(10):
        average.update({"n": network}, images, batch_size=10)
    assert average.networks["n"].weight.item() == pytest.approx(0.5)
    assert Average({}, 100.0).decay(200, 10) == pytest.approx(0.5 ** (10 / 20))  # ramp: a tenth of 200 images
    none = Average({"n": network}, half_life=0.0)
    nn.init.constant_(network.weight, 7.0)
    none.update({"n": network}, 1, 1)
    assert none.networks["n"].weight.item() == 7.0


def test_draws_are_a_function_of_the_sample_number():
    whole = Draws(7, None, seed=3)
    stream = [draw for draw, _ in zip(whole, range(20), strict=False)]
    resumed = [draw for draw, _ in zip(Draws(7, None, seed=3, first=9), range(11), strict=False)]
    assert stream[9:] == resumed
    assert sorted(index for index, _ in stream[:7]) == list(range(7))  # an epoch holds every item once
    assert stream != [draw for draw, _ in zip(Draws(7, None, seed=4), range(20), strict=False)]


def test_weights_set_how_often_an_item_comes():
    draws = Draws(3, torch.tensor([0.0, 1.0, 3.0]), seed=0)
    counts = torch.bincount(torch.tensor([i for (i, _), _ in zip(draws, range(3000), strict=False)]), minlength=3)
    assert counts[0] == 0 and counts[2] / counts[1] == pytest.approx(3, rel=0.2)
    for wrong in (torch.ones(2), torch.zeros(3), torch.tensor([1.0, -1.0, 1.0])):
        with pytest.raises(ValueError, match="weights"):
            Draws(3, wrong, seed=0)


def test_processes_share_a_batch():
    parts = [next(iter(Slices(Draws(8, None, seed=0), 4, process, 2))) for process in range(2)]
    assert parts[0] + parts[1] == next(iter(Slices(Draws(8, None, seed=0), 4, 0, 1)))
    with pytest.raises(ValueError, match="not a multiple of the 3 processes"):
        Slices(Draws(8, None, seed=0), 4, 0, 3)


def test_split_cuts_every_tensor():
    pieces = split({"a": torch.arange(6), "b": torch.arange(12).view(6, 2)}, 2)
    assert len(pieces) == 3 and pieces[2]["b"].tolist() == [[8, 9], [10, 11]]


def test_a_folder_is_replaced_by_a_whole_one_or_not_at_all(tmp_path):
    folder = tmp_path / "state"
    replace_folder(folder, lambda fresh: (fresh / "a").write_text("old"))

    def fail(fresh):
        (fresh / "a").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_folder(folder, fail)
    assert (folder / "a").read_text() == "old"
    folder.rename(tmp_path / "state.old")  # killed between the two renames
    assert recover(folder) and (folder / "a").read_text() == "old"
    replace_folder(folder, lambda fresh: (fresh / "a").write_text("new"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state"]


def test_bf16_trains(tmp_path):
    assert run(ToyConfig(out=tmp_path, precision="bf16")).isfinite().all()


def test_options_out_of_range_are_refused():
    with pytest.raises(ValueError, match="not a multiple of micro_batch=3"):
        TrainConfig(batch_size=4, micro_batch=3)
    with pytest.raises(ValueError, match="steps must be at least 1"):
        TrainConfig(steps=0)


# What each process of the two runs below executes: train the toy, let the main process write the weights.
_SCRIPT = """
import sys, torch
sys.path[:0] = [{root!r}, {tests!r}]
import torchvision_guard
from pathlib import Path
from test_train import Toy, ToyConfig, save, weights_of
from train.loop import train
toy = Toy(ToyConfig(out=Path({out!r}), steps={steps}))
averaged = train(toy, save)
if int(__import__("os").environ.get("RANK", 0)) == 0:
    torch.save(weights_of(averaged | toy.networks), {out!r} + "/weights.pt")
"""


def run_processes(tmp_path: Path, name: str, processes: int, steps: int = 6) -> torch.Tensor:
    script = tmp_path / f"{name}.py"
    out = tmp_path / name
    script.write_text(_SCRIPT.format(root=str(ROOT), tests=str(ROOT / "tests"), out=str(out), steps=steps))
    launcher = (
        [] if processes == 1 else ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    )
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, *launcher, str(script)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return torch.load(out / "weights.pt", weights_only=True)


def test_two_processes_give_the_weights_of_one(tmp_path):
    one, two = (run_processes(tmp_path, f"p{n}", n) for n in (1, 2))
    torch.testing.assert_close(two, one, atol=1e-5, rtol=1e-5)
    # and two processes resume what two have begun
    run_processes(tmp_path, "parts", 2, steps=4)
    torch.testing.assert_close(run_processes(tmp_path, "parts", 2, steps=6), one, atol=1e-5, rtol=1e-5)


def test_sigterm_saves_and_leaves(tmp_path):
    """The process ends well, and what it had done is there to go on from."""
    script = tmp_path / "long.py"
    text = _SCRIPT.format(root=str(ROOT), tests=str(ROOT / "tests"), out=str(tmp_path / "long"), steps=10**7)
    script.write_text(text.replace("steps=10000000)", "steps=10000000, save_every=10**6, validate_every=10**6)"))
    process = subprocess.Popen([sys.executable, str(script)], stderr=subprocess.DEVNULL)
    log = tmp_path / "long" / "log.jsonl"
    try:
        while not log.exists() and process.poll() is None:
            pass
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
    assert json.loads((tmp_path / "long" / "training.json").read_text())["steps"] >= 10
