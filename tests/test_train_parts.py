"""The engine's parts: averages, sampling, phases' steps, pieces of a batch, folders replaced whole."""

import pytest
import torch
from torch import nn

from toy_recipe import ToyConfig
from train.average import Average
from train.checkpoints import recover, replace_folder
from train.data import Draws, Slices, batches
from train.phase_runner import split
from train.recipe import Phase


def test_phases_know_their_steps():
    phase = Phase("D", ("d",), lambda batch: {}, every=2, start=3, until=9)
    assert [step for step in range(12) if phase.runs(step)] == [4, 6, 8]


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


def test_an_average_of_no_half_life_is_a_copy():
    network = nn.Linear(1, 1)
    average = Average({"n": network}, half_life=0.0)
    nn.init.constant_(network.weight, 7.0)
    average.update({"n": network}, 1, 1)
    assert average.networks["n"].weight.item() == 7.0


def test_an_average_copies_buffers_and_stays_out_of_training():
    network = nn.BatchNorm1d(2)
    average = Average({"n": network}, half_life=1e9)
    network(torch.randn(8, 2))
    average.update({"n": network}, 10**9, 1)
    held = average.networks["n"]
    assert torch.equal(held.running_mean, network.running_mean) and held.num_batches_tracked == 1
    assert not held.training and not any(p.requires_grad for p in held.parameters())
    other = Average({"n": nn.BatchNorm1d(2)}, half_life=1e9)
    other.load_state_dict(average.state_dict())
    assert torch.equal(other.networks["n"].running_mean, network.running_mean)


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


def test_making_batches_does_not_move_the_global_generator():
    data = [{"number": torch.tensor(float(i))} for i in range(5)]
    torch.manual_seed(1)
    first = next(batches(data, None, ToyConfig(workers=0)))
    drawn = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(drawn, torch.rand(1)) and first["number"].shape == (4,)


def test_split_cuts_every_tensor():
    pieces = split({"a": torch.arange(7), "b": torch.arange(14).view(7, 2)}, 3)
    assert [len(piece["a"]) for piece in pieces] == [3, 3, 1] and pieces[2]["b"].tolist() == [[12, 13]]
    assert len(split({"a": torch.arange(7)}, None)) == 1


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
    assert (folder / "a").read_text() == "new"
