"""The engine's loop on a toy GAN: resumption to the last bit, phases, gradients, faults, what it writes."""

import json
import os
import signal
from dataclasses import replace

import pytest
import torch
from accelerate.state import AcceleratorState
from torch import nn

from toy_recipe import Toy, ToyConfig, run, save, weights_of
from train.loop import train
from train.recipe import Phase, TrainConfig
from train.stopping import NonFiniteError


@pytest.fixture(autouse=True)
def fresh_accelerator():
    """Accelerate keeps precision and devices for a whole process; each test starts without."""
    AcceleratorState._reset_state(reset_partial_state=True)


def training_of(folder):
    return json.loads((folder / "training.json").read_text())


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path):
    whole = run(ToyConfig(out=tmp_path / "whole"))
    parts = ToyConfig(out=tmp_path / "parts")
    run(replace(parts, max_seconds=0.0))  # stops before its first step
    run(replace(parts, steps=4))
    assert torch.equal(run(parts), whole)
    training = training_of(tmp_path / "parts")
    assert training["steps"] == 6 and training["images"] == 24 and training["finished"]
    assert training["planned"] == [{"from": 0, "steps": 4}, {"from": 4, "steps": 6}]
    assert torch.equal(run(parts), whole)  # nothing left to do


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_run_where_it_can_go_on(tmp_path, number):
    whole = run(ToyConfig(out=tmp_path / "whole", steps=8, save_every=8, validate_every=8))
    config = ToyConfig(out=tmp_path / "parts", steps=8, save_every=8, validate_every=8)
    handler = signal.getsignal(number)
    run(config, Toy(config, on_step=lambda step: step == 5 and os.kill(os.getpid(), number)))
    assert signal.getsignal(number) is handler
    assert training_of(config.out)["steps"] == 5 and not training_of(config.out)["finished"]
    assert torch.equal(run(config), whole)


@pytest.mark.parametrize("part", ["state", "last"])
def test_a_run_killed_while_writing_a_checkpoint_goes_on_from_the_last_whole_one(tmp_path, part):
    """At step 4 the process dies while it writes; the checkpoint of step 2 or, for last/, the new one is whole."""
    whole = run(ToyConfig(out=tmp_path / "whole"))
    config = ToyConfig(out=tmp_path / "killed")
    toy = Toy(config)

    def dying_save(pipeline, folder, training):
        (folder / "half").write_text("")
        if training["steps"] == 4:
            raise KeyboardInterrupt
        save(pipeline, folder, training)

    if part == "state":
        optimizers = toy.optimizers

        class Dying(torch.optim.SGD):
            def state_dict(self):
                if len(toy.seen) == 4:
                    raise KeyboardInterrupt
                return super().state_dict()

        toy.optimizers = lambda networks: (
            optimizers(networks) | {"D": Dying(networks["discriminator"][1].parameters(), lr=0.01, momentum=0.9)}
        )
    with pytest.raises(KeyboardInterrupt):
        run(config, toy, dying_save if part == "last" else save)
    assert training_of(config.out / "last")["steps"] == 2
    resumed = Toy(config)
    assert torch.equal(run(config, resumed), whole)
    assert len(resumed.seen) == (4 if part == "state" else 2)
    assert sorted(path.name for path in config.out.iterdir() if path.is_dir()) == ["best", "last", "state"]


def test_validating_and_saving_more_often_changes_nothing(tmp_path):
    often = ToyConfig(out=tmp_path / "often", validate_every=1, save_every=1, keep_every=1, workers=1)
    assert torch.equal(run(often), run(ToyConfig(out=tmp_path / "seldom", validate_every=6, save_every=6)))


def test_a_run_with_other_options_or_data_is_not_resumed(tmp_path):
    config = ToyConfig(out=tmp_path)
    run(config)
    with pytest.raises(ValueError, match="batch_size=4 there, 2 now"):
        run(replace(config, batch_size=2))
    (tmp_path / "config.json").write_text(json.dumps({"batch_size": 4}))  # of an older version, with fewer options
    with pytest.raises(ValueError, match="a run on 10 items, but data has 11"):
        run(replace(config, items=11))


def test_what_lies_in_the_folder(tmp_path):
    run(ToyConfig(out=tmp_path, keep_every=4))
    training = training_of(tmp_path)
    assert [point["step"] for point in training["curve"]] == [3, 6]
    best = training_of(tmp_path / "best")
    assert best == training and best["metrics"]["error"] == min(point["error"] for point in best["curve"])
    assert best["chosen"] == "lowest error on validation data"
    kept = training_of(tmp_path / "checkpoints" / "000004")
    assert kept["images"] == 16 and kept["metrics"] is None and kept["chosen"] == "the newest"
    assert str(tmp_path.parent) not in (tmp_path / "training.json").read_text()  # no path of the machine
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    last = next(line for line in lines if "G/loss" in line)
    assert last["lr/G"] == pytest.approx(0.01 / 6) and last["lr/D"] == 0.01 and last["images_per_second"] > 0
    assert [line["step"] for line in lines if "validation/error" in line] == [3, 6]


def test_the_best_pipeline_is_that_of_the_lowest_validation_metric(tmp_path):
    config = ToyConfig(out=tmp_path, validate_every=1)
    toy = Toy(config)
    errors = iter([5.0, 3.0, float("nan"), 4.0, 2.0, 6.0])
    toy.validate = lambda averaged: {"error": next(errors)}
    train(toy, save)
    assert training_of(tmp_path / "best")["metrics"]["step"] == 5
    assert training_of(tmp_path / "last")["metrics"]["error"] == 6.0


def test_without_validation_only_the_newest_is_kept(tmp_path):
    config = ToyConfig(out=tmp_path)
    toy = Toy(config)
    toy.validate = lambda averaged: None
    train(toy, save)
    assert (tmp_path / "last" / "weights.pt").exists() and not (tmp_path / "best").exists()


def test_the_log_holds_no_step_twice(tmp_path):
    """Lines of steps after the last checkpoint, and half a line, are forgotten when those steps are taken anew."""
    config = ToyConfig(out=tmp_path, steps=30, save_every=6, validate_every=30)

    def die(step):
        if step == 24:  # the lines of steps 10 and 20 are written, the newest checkpoint is that of step 18
            (tmp_path / "log.jsonl").open("a").write('{"step": 2')
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(config, Toy(config, on_step=die))
    run(config)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "G/loss" in line] == [10, 20, 30]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_micro_batches_give_the_weights_of_whole_batches(tmp_path, size):
    whole = run(ToyConfig(out=tmp_path / "whole", noise=0.0))
    pieces = run(ToyConfig(out=tmp_path / "pieces", noise=0.0, micro_batch=size))
    torch.testing.assert_close(pieces, whole, atol=1e-5, rtol=1e-5)


def test_each_phase_moves_its_own_networks_and_no_frozen_part(tmp_path):
    toy = Toy(ToyConfig(out=tmp_path, steps=3, discriminator_every=5))  # D runs in step 0 only
    held, features = toy.networks["discriminator"][0], toy.frozen["features"]
    before = [p.clone() for p in (*held.parameters(), *features.parameters())]
    heads = []
    toy.on_step = lambda step: heads.append(toy.networks["discriminator"][1].weight.detach().clone())
    first = weights_of({"g": nn.ModuleList([toy.networks["encoder"], toy.networks["decoder"]])})
    train(toy, save)
    after = [*held.parameters(), *features.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert not any(p.requires_grad for p in after)
    assert torch.equal(heads[0], heads[1]) and torch.equal(heads[1], heads[2])
    assert not torch.equal(first, weights_of({"g": nn.ModuleList([toy.networks["encoder"], toy.networks["decoder"]])}))


def test_gradients_go_to_the_networks_of_the_phase_only(tmp_path):
    """In the generator's phase the discriminator gets no gradient, and its trainable part is trainable again after."""
    toy = Toy(ToyConfig(out=tmp_path, steps=2))
    seen = []

    def look(step):
        seen.append({name: [p.requires_grad for p in net.parameters()] for name, net in toy.networks.items()})

    toy.on_step = look
    train(toy, save)
    assert seen[1] == {"encoder": [True] * 2, "decoder": [True] * 2, "discriminator": [False] * 4}
    heads = toy.networks["discriminator"][1].parameters()
    assert all(p.grad is not None for p in heads)  # from its own phase


def test_a_loss_that_is_not_finite_stops_the_run_and_spares_the_checkpoint(tmp_path):
    config = ToyConfig(out=tmp_path, fault="loss")
    with pytest.raises(NonFiniteError, match="phase G is nan at step 3"):
        run(config)
    assert training_of(tmp_path)["steps"] == 2


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    with pytest.raises(NonFiniteError, match="weights of network encoder are not finite at step 4"):
        run(ToyConfig(out=tmp_path, fault="gradient"))
    assert training_of(tmp_path)["steps"] == 2 and training_of(tmp_path / "last")["steps"] == 2


def test_a_phase_that_names_what_is_not_there_is_refused(tmp_path):
    toy = Toy(ToyConfig(out=tmp_path))
    toy.phases = lambda networks, frozen: [Phase("G", ("generator",), lambda batch: batch)]
    with pytest.raises(ValueError, match="the network 'generator'; the recipe has encoder, decoder, discriminator"):
        train(toy, save)
    toy = Toy(ToyConfig(out=tmp_path))
    toy.phases = lambda networks, frozen: [Phase("E", ("encoder",), lambda batch: batch)]
    with pytest.raises(ValueError, match="the optimizer 'E'; the recipe has G, D"):
        train(toy, save)


def test_bf16_computes_in_bf16_and_keeps_float32_weights(tmp_path):
    toy = Toy(ToyConfig(out=tmp_path, precision="bf16"))
    dtypes = []
    toy.on_step = lambda step: dtypes.append((torch.ones(1, 1) @ torch.ones(1, 1)).dtype)
    weights = run(toy.config, toy)
    assert set(dtypes) == {torch.bfloat16}
    assert weights.dtype == torch.float32 and weights.isfinite().all()


def test_channels_last_is_for_networks_and_images(tmp_path):
    config = ToyConfig(out=tmp_path, steps=1, channels_last=True)
    toy = Toy(config)
    layouts = []

    def loss(batch):
        layouts.append(batch["image"].is_contiguous(memory_format=torch.channels_last))
        return {"loss": toy.networks["encoder"](batch["image"]).mean((1, 2, 3))}

    toy.networks, toy.averaged = {"encoder": nn.Conv2d(3, 2, 3)}, ("encoder",)
    toy.dataset = lambda: [{"image": torch.rand(3, 8, 8), "number": torch.tensor(1.0)} for _ in range(4)]
    toy.optimizers = lambda networks: {"G": torch.optim.SGD(networks["encoder"].parameters(), lr=0.1)}
    toy.phases = lambda networks, frozen: [Phase("G", ("encoder",), loss)]
    toy.validate = lambda averaged: None
    train(toy, save)
    assert layouts == [True]
    assert toy.networks["encoder"].weight.is_contiguous(memory_format=torch.channels_last)


def test_a_tracker_gets_the_numbers_and_a_missing_one_is_named(tmp_path):
    run(ToyConfig(out=tmp_path, tracker="tensorboard"))
    assert list((tmp_path / "danqing").glob("events.out.tfevents.*"))
    with pytest.raises(ValueError, match="tracker='nothing' is not installed; installed here: .*tensorboard"):
        run(ToyConfig(out=tmp_path, tracker="nothing"))


def test_options_out_of_range_are_refused():
    for name in ("steps", "batch_size", "micro_batch", "save_every", "validate_every", "keep_every"):
        with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
            TrainConfig(**{name: 0})
    with pytest.raises(ValueError, match="ema_images must not be negative"):
        TrainConfig(ema_images=-1.0)


def test_an_empty_data_set_is_refused(tmp_path):
    with pytest.raises(ValueError, match="The data set is empty"):
        run(ToyConfig(out=tmp_path, items=0))
