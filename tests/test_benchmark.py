"""The benchmark: rows take turns, each in a process of its own, whose time and peak of memory are its own."""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from evaluation import __main__ as command
from evaluation.benchmark import BenchmarkOptions, Measured, Turn, measure, report
from evaluation.benchmark_pictures import Size, write_mosaic
from evaluation.benchmark_worker import forget_peak, peak_megabytes
from evaluation.tables import report_markdown
from pipelines import get_method
from pipelines.landscape_colorizer import benchmark_rows

HERE = Path(__file__).parent


@dataclass(frozen=True)
class FakeRow:
    """Sleeps, or takes memory, or fails."""

    note: str
    seconds: float = 0.0
    megabytes: int = 0

    def load(self, weights, seed):
        def paint(source: str, target: str) -> float:
            if self.note == "fails":
                sys.exit(3)
            time.sleep(self.seconds)
            held = np.ones(self.megabytes * 1_000_000, np.uint8)
            Path(target).write_bytes(held[:1].tobytes())
            return 2.0

        return paint


ROWS = {"slow": FakeRow("sleeps", 0.2), "large": FakeRow("holds", 0.0, 300), "broken": FakeRow("fails")}
TARGET = "test_benchmark:ROWS"


@pytest.fixture
def own_rows(monkeypatch):
    """Lets the workers find this module."""
    monkeypatch.setenv("PYTHONPATH", f"{HERE}:{HERE.parent}")


def test_sizes():
    assert Size.read("8704x1408") == Size(8704, 1408) and str(Size(3, 2)) == "3x2"
    for text in ("8704", "0x3", "3x-1", "axb", "3x4x5"):
        with pytest.raises(ValueError, match="WIDTHxHEIGHT"):
            Size.read(text)


def test_mosaics_are_made_once_of_any_size(tmp_path):
    file = write_mosaic(tmp_path, Size(700, 300))
    pixels = np.asarray(Image.open(file))
    assert pixels.shape == (300, 700, 3) and pixels.std() > 20
    np.testing.assert_array_equal(pixels[:, :188], pixels[:, 512:])
    before = file.stat().st_mtime_ns
    assert write_mosaic(tmp_path, Size(700, 300)) == file and file.stat().st_mtime_ns == before
    assert (np.asarray(Image.open(write_mosaic(tmp_path, Size(700, 300), 1))) != pixels).any()


def test_rows_take_turns_and_keep_to_themselves(own_rows, tmp_path):
    options = BenchmarkOptions(out=tmp_path, sizes=("20x10", "30x10"), rounds=2)
    measured = measure(TARGET, ["slow", "large"], options)
    for size in (Size(20, 10), Size(30, 10)):
        slow, large = measured.turns["slow"][size], measured.turns["large"][size]
        assert len(slow) == len(large) == 2
        assert all(turn.seconds >= 0.2 > turn.cpu_seconds for turn in slow)
        assert measured.megabytes("large", size) > measured.megabytes("slow", size) + 250
        assert measured.best("slow", size, "seconds") == min(turn.seconds for turn in slow) / 2
    assert measured.notes == {"slow": "sleeps", "large": "holds"}


def test_a_row_that_ends_early_is_named(own_rows, tmp_path):
    with pytest.raises(RuntimeError, match="'broken' ended with status 3"):
        measure(TARGET, ["broken"], BenchmarkOptions(out=tmp_path, sizes=("20x10",)))


def test_a_peak_is_forgotten():
    held = np.ones(400_000_000, np.uint8)
    high = peak_megabytes()
    del held
    forget_peak()
    assert peak_megabytes() < high - 300


def test_ratios_and_budgets():
    small, large = Size(256, 256), Size(10_000, 2_000)

    def turns(seconds: float, megabytes: float) -> list[Turn]:
        return [Turn(9.0, 9.0, megabytes, 1.0), Turn(seconds, seconds / 2, 1.0, 1.0)]

    measured = Measured(
        {
            "reference": {small: turns(8.0, 500), large: turns(8.0, 500)},
            "ours": {small: turns(0.8, 900), large: turns(1.6, 2500)},
        }
    )
    found = report(measured, "reference", "ours")
    passed = {bound.claim: bound.passed for bound in found.bounds}
    assert passed["256x256: processor time of reference's"] and not passed["10000x2000: processor time of reference's"]
    assert passed["256x256: peak memory in MB"] and not passed["10000x2000: peak memory in MB"]
    text = report_markdown(found)
    assert "1.600 (20%)" in text and "0.400 (10%)" in text and "2500" in text


def test_the_command_writes_both_files(own_rows, tmp_path, monkeypatch, capsys):
    import test_benchmark as rows

    for name, value in (("RESNET", "slow"), ("DEFAULT", "large")):
        monkeypatch.setattr(rows, name, value, raising=False)
    monkeypatch.setattr(FakeRow, "runs", lambda row: row.note != "fails", raising=False)
    monkeypatch.setattr(command, "BENCHMARK", TARGET)
    command.main(["benchmark", "--out", str(tmp_path / "out"), "--sizes", "20x10", "--rounds", "1", "--seed", "3"])
    assert capsys.readouterr().out == (tmp_path / "out" / "benchmark.md").read_text()
    numbers = json.loads((tmp_path / "out" / "benchmark.json").read_text())
    assert numbers["facts"]["seed"] == 3 and {"machine", "load", "versions"} <= set(numbers["facts"])
    with pytest.raises(SystemExit, match="no rows gone"):
        command.main(["benchmark", "--out", str(tmp_path / "out"), "--rows", "gone"])


@pytest.mark.parametrize(
    ("change", "most"),
    [(benchmark_rows.ChannelsLast, 1e-3), (benchmark_rows.Bfloat16, 1.0), (benchmark_rows.OnnxRefiner, 1e-3)],
)
def test_faster_refiners_paint_the_same(change, most):
    """To fractions of a CIELAB unit, at any even size."""
    torch.manual_seed(0)
    refiner = get_method("landscape_colorizer").tiny().generator.refiner
    torch.nn.init.normal_(refiner.leave.weight, std=0.1)
    faster = change(refiner)
    for height, width in ((64, 64), (34, 120)):
        given = torch.rand(1, 1, height, width), torch.rand(1, 2 + 4, height // 2, width // 2)
        with torch.no_grad():
            gap = (faster(*given) - refiner(*given)).abs().max()
        assert float(gap) * 50 < most
