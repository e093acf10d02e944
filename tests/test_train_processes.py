"""Training as users start it: several processes, a process that is stopped, the command line."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from train.__main__ import main

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "tests")}
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]

# What each process executes: train the toy; the main process writes the weights.
SCRIPT = """
import os, sys
sys.path.insert(0, {root!r})
from pathlib import Path
import torch
from toy_recipe import ToyConfig, run
weights = run(ToyConfig(out=Path({out!r}), noise=0.0, {options}))
if os.environ.get("RANK", "0") == "0":
    torch.save(weights, {out!r} + "/weights.pt")
"""


def script(folder: Path, name: str, options: str) -> Path:
    file = folder / f"{name}.py"
    file.write_text(SCRIPT.format(root=str(ROOT), out=str(folder / name), options=options))
    return file


def train_toy(folder: Path, name: str, launcher: list[str], options: str) -> torch.Tensor:
    command = [sys.executable, *launcher, str(script(folder, name, options))]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return torch.load(folder / name / "weights.pt", weights_only=True)


@pytest.mark.slow
def test_two_processes_give_the_weights_of_one(tmp_path):
    """With micro-batches, in two goes, each process on half of every batch."""
    one = train_toy(tmp_path, "one", [], "steps=6")
    train_toy(tmp_path, "two", TORCHRUN, "steps=4, micro_batch=1")
    two = train_toy(tmp_path, "two", TORCHRUN, "steps=6, micro_batch=1")
    torch.testing.assert_close(two, one, atol=1e-5, rtol=1e-5)
    logs = [(tmp_path / name / "log.jsonl").read_text().splitlines()[-1] for name in ("one", "two")]
    first, second = (json.loads(line) for line in logs)
    assert second["validation/error"] == pytest.approx(first["validation/error"], rel=1e-4)


def test_sigterm_saves_and_leaves(tmp_path):
    """The process ends well, and what it had done is there to go on from."""
    file = script(tmp_path, "long", "steps=10**7, save_every=10**6, validate_every=10**6")
    process = subprocess.Popen([sys.executable, str(file)], env=ENVIRONMENT, stderr=subprocess.DEVNULL)
    log = tmp_path / "long" / "log.jsonl"
    try:
        while process.poll() is None and not (log.exists() and log.stat().st_size):
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
    finally:
        process.kill()
    assert json.loads((tmp_path / "long" / "training.json").read_text())["steps"] >= 10


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """A folder of six small colour gradients."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for i in range(6):
        corners = Image.fromarray(rng.integers(0, 256, (3, 3, 3), dtype=np.uint8))
        corners.resize((96, 80), Image.Resampling.BICUBIC).save(folder / f"{i}.png")
    return folder


def command(*words: str | Path, launcher: Sequence[str] = ()) -> subprocess.CompletedProcess:
    line = [sys.executable, *launcher, "-m", "train", *map(str, words)]
    return subprocess.run(line, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=300)


def test_dry_run_says_what_would_be_trained_and_writes_nothing(pictures, tmp_path):
    out = tmp_path / "out"
    done = command("landscape-colorizer", "tiny", "--data", pictures, "--out", out, "--dry-run", "--batch-size", "3")
    assert done.returncode == 0, done.stderr
    assert '"preset": "tiny"' in done.stdout and '"batch_size": 3' in done.stdout
    assert "network generator: " in done.stdout and "averaged" in done.stdout
    assert "data: 6 items" in done.stdout and "(3, 3, 64, 64) float32" in done.stdout
    assert "phase D: trains discriminator from step" in done.stdout
    assert not out.exists()


def test_mistakes_are_one_sentence(tmp_path, pictures):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    out = ["--out", str(tmp_path / "out")]
    for words, message in [
        (["landscape-colorizer", "tiny", "--data", str(tmp_path / "missing"), *out], "missing"),
        (["landscape-colorizer", "tiny", "--data", str(tmp_path / "empty"), *out], "empty"),
        (["landscape-colorizer", "tiny", "--data", str(pictures), "--out", str(tmp_path / "file")], "file"),
        (["landscape-colorizer", "tiny", "--data", str(pictures), "--size", "50", *out], "multiple of 32, got 50"),
        (["landscape-colorizer", "huge"], "unknown preset 'huge' of landscape_colorizer, choose from: base"),
        (["seascape"], "unknown method 'seascape', choose from: landscape-colorizer"),
        ([], "no method given, choose from: landscape-colorizer"),
    ]:
        with pytest.raises(SystemExit) as stopped:
            main(words)
        assert isinstance(stopped.value.code, str)  # printed to stderr, with exit status 1
        assert "error: " in stopped.value.code and message in stopped.value.code
        assert not (tmp_path / "out").exists()


def test_the_preset_may_be_left_out(pictures, capsys):
    """`base` is meant then; dashes and underscores are alike; an option of the wrong kind ends with its name."""
    with pytest.raises(SystemExit) as stopped:
        main(["landscape_colorizer", "--steps", "many"])
    assert stopped.value.code == 2 and "--steps" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        main(["landscape-colorizer", "--help"])
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    assert "paper-tiny" in shown and "--dry-run" in shown


@pytest.mark.slow
@pytest.mark.parametrize("launcher", [[], TORCHRUN])
@pytest.mark.parametrize("preset", ["tiny", "paper-tiny"])
def test_the_command_trains_and_goes_on(pictures, tmp_path, launcher, preset):
    words = ["landscape-colorizer", preset, "--data", pictures, "--out", tmp_path]
    for steps in (2, 4):
        done = command(*words, "--steps", str(steps), launcher=launcher)
        assert done.returncode == 0, done.stderr[-3000:]
    training = json.loads((tmp_path / "training.json").read_text())
    assert training["steps"] == 4 and training["finished"] and training["preset"] == preset
    for name in ("last", "best"):
        assert (tmp_path / name / "model_index.json").is_file()
