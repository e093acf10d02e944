"""Every bundled model to a Hub and back, by the commands and in fresh processes, as its owner and its users do it."""

import os
import subprocess
import sys
import venv
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pytest
import torch
from packaging.requirements import Requirement
from PIL import Image

import pipelines
from datasets_cards.procedural import landscape
from hub_server import NAMESPACE, HubServer
from pipelines import METHODS, get_method

ROOT = Path(pipelines.__file__).resolve().parent.parent
pytestmark = pytest.mark.slow

# Given: the project's folder, the method, the Hub id, a tag. Writes one picture a way of loading to painted.npz.
LOAD = """
import sys
sys.path.insert(0, sys.argv[1])
import torchvision_guard
import numpy as np, torch
from diffusers import DiffusionPipeline
from pipelines import get_method
from PIL import Image

method, repo, tag = get_method(sys.argv[2]), sys.argv[3], sys.argv[4]
torch.set_num_threads(1)
painted = {}
for name, options in {
    "plain": {}, "half": {"variant": "fp16"}, "tagged": {"revision": tag}, "cached": {"local_files_only": True}
}.items():
    for who, cls, trust in (
        ("ours", method.load("pipeline"), {}),
        ("diffusers", DiffusionPipeline, {"trust_remote_code": True, "dtype": torch.float32}),
    ):
        pipe = cls.from_pretrained(repo, **options, **trust)
        assert type(pipe).__module__.startswith("pipelines." if who == "ours" else "diffusers_modules."), type(pipe)
        images = pipe(**method.tiny_inputs(), generator=torch.manual_seed(0)).images
        painted[f"{who} {name}"] = np.stack([np.asarray(image) for image in images])
np.savez("painted.npz", **painted)
"""


def run(words: list[str], environment: dict[str, str], cwd: Path) -> str:
    done = subprocess.run(
        words, env=os.environ | environment, cwd=cwd, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-1000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def hub():
    with HubServer() as server:
        yield server


@pytest.mark.parametrize("name", METHODS)
def test_published_by_the_command_and_loaded_on_an_empty_cache(hub, name, tmp_path):
    method = get_method(name)
    repo = f"{NAMESPACE}/{name.replace('_', '-')}"
    words = [sys.executable, "-m", "pipelines", "publish", repo.split("/")[1], "--repo", repo]
    told = run(words, hub.environment(str(tmp_path / "owner")), ROOT)
    ((tag, commit),) = hub.model(repo).tags.items()
    assert f"revision {tag}" in told and commit in told
    words = [sys.executable, "-c", LOAD, str(ROOT), name, repo, tag]
    run(words, hub.environment(str(tmp_path / "user"), token=""), tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        pipe = method.load("pipeline").from_pretrained()
        expected = [np.asarray(i) for i in pipe(**method.tiny_inputs(), generator=torch.manual_seed(0)).images]
    finally:
        torch.set_num_threads(threads)
    with np.load(tmp_path / "painted.npz") as painted:
        assert len(painted.files) == 8
        for way in painted.files:
            assert (painted[way] == np.stack(expected)).all(), way


STRANGER = """
import importlib.util, sys
for name in ("pipelines", "datasets_cards", "train", "evaluation", "ui", "torchvision_guard", "gradio", "datasets"):
    assert importlib.util.find_spec(name) is None, name
from diffusers import DiffusionPipeline
from PIL import Image

pipe = DiffusionPipeline.from_pretrained(sys.argv[1], trust_remote_code=True)
pipe("ink.png").images[0].save("coloured.png")
"""


def test_a_stranger_with_diffusers_alone_colours_a_picture(hub, tmp_path):
    """A virtual environment of its own that sees diffusers, torch and what those need, but nothing of the project."""
    repo = f"{NAMESPACE}/for-strangers"
    words = [sys.executable, "-m", "pipelines", "publish", "landscape-colorizer", "--repo", repo]
    run(words, hub.environment(str(tmp_path / "owner")), ROOT)
    home = tmp_path / "elsewhere"
    home.mkdir()
    python = fresh_environment(tmp_path / "venv", ["diffusers", "torch"])
    landscape(seed=3, width=320, height=240, ink=True).save(home / "ink.png")
    run([str(python), "-I", "-c", STRANGER, repo], hub.environment(str(tmp_path / "user"), token=""), home)
    coloured = Image.open(home / "coloured.png")
    assert coloured.size == (320, 240)
    channels = np.asarray(coloured.convert("RGB")).astype(int)
    assert np.ptp(channels, axis=2).mean() > 5, "the picture is still grey"
    expected = pipelines.LandscapeColorizer.from_pretrained()(str(home / "ink.png")).images[0]
    assert np.abs(channels - np.asarray(expected.convert("RGB")).astype(int)).max() <= 1


def fresh_environment(folder: Path, packages: list[str]) -> Path:
    """The Python of a virtual environment that holds `packages` and what they require, linked from this one's.

    It is what `pip install` would give, without the network and the minutes that takes.
    """
    venv.create(folder, with_pip=False, symlinks=True)
    there = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    for one in with_requirements(packages):
        for part in {file.parts[0] for file in one.files or [] if file.parts[0] not in ("..", "__pycache__")}:
            if not (there / part).exists():
                (there / part).symlink_to(Path(str(one.locate_file(part))))
    return folder / "bin" / "python"


def with_requirements(packages: list[str]) -> list[Distribution]:
    """The installed distributions and all that they require, extras left out."""
    found: dict[str, Distribution] = {}
    waiting = list(packages)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:  # a requirement of the ordinary build of torch that the CPU's does without
            continue
        needed = map(Requirement, found[name].requires or [])
        waiting += [one.name for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    return list(found.values())
