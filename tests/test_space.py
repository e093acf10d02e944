"""The app as a Space: what is uploaded, what it is pinned to, and that it runs from that alone."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
import yaml
from huggingface_hub import HfApi, hf_hub_download, snapshot_download

from hub_server import NAMESPACE
from pipelines import METHODS, get_method
from pipelines.__main__ import main
from pipelines.hub import publish, save_for_hub
from pipelines.pinned import pinned_models
from pipelines.space import write_space
from pipelines.space_files import ROOT, _imported, app_files, app_requirements

pytest_plugins = ("hub_fixtures",)
REPO = f"{NAMESPACE}/danqing"
OWN = {"app", "datasets_cards", "pipelines", "study", "torchvision_guard", "ui"}


@pytest.fixture
def models(hub, tmp_path):
    """A tiny model of each method, published."""
    return {
        name: publish(save_for_hub(get_method(name).tiny(), tmp_path / name), f"{NAMESPACE}/{name.replace('_', '-')}")
        for name in METHODS
    }


def test_only_what_the_app_needs_is_in_it():
    files = [file.as_posix() for file in app_files()]
    assert {"app.py", "torchvision_guard.py", "ui/stroke_canvas.js", "pipelines/pinned.py"} <= set(files)
    for left_out in (
        "tests/",
        "train/",
        "evaluation/",
        "weights/",
        "runs/",
        "docs/",
        "pipelines/hub",
        "datasets_cards/lpd",
    ):
        assert not [file for file in files if file.startswith(left_out)], left_out
    rest = [file for file in files if not file.startswith("study/")]  # that goes as a whole
    assert not [file for file in rest if re.search("recipe|losses|table|dataset[._]|card", Path(file).name)]
    assert {"study/web/templates/question.html", "study/migrations/env.py", "study/demo_pictures/revision.txt"} <= set(
        files
    )
    size = sum((ROOT / file).stat().st_size for file in files)
    assert size < 4_000_000


def test_its_requirements_are_those_of_its_imports():
    """Every library that one of its files imports is required, or comes with gradio."""
    distributions = packages_distributions()
    lines = [line for line in app_requirements().splitlines() if line[:1].isalpha()]
    lines += requires("gradio") or []
    required = {re.split(r"[<>=~!\[; ]", line)[0].lower().replace("-", "_") for line in lines}
    names = {name.split(".")[0] for file in app_files() if file.suffix == ".py" for name in _imported(ROOT / file)}
    for name in names - OWN - set(sys.stdlib_module_names) - {"train", "evaluation", "spaces"}:
        packages = {one.lower().replace("-", "_") for one in distributions.get(name, [])}
        assert packages & required, f"{name} comes with {packages or 'nothing installed'}"
    assert "rapidocr" not in required and "lpips" not in required


def test_the_space_and_its_models(hub, models, capsys, tmp_path):
    words = ["publish-space", "--repo", REPO]
    assert main([*words, "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "app.py" in told and "Nothing was sent" in told and ("space", REPO) not in hub.repositories
    for _ in range(2):
        assert main(words) == 0
    repository = hub.repositories["space", REPO]
    assert len(repository.commits) == 2 and len(repository.tags) == 1
    pins = json.loads(repository.files["models.json"])
    assert {name: pin["revision"] for name, pin in pins.items()} == {name: done.commit for name, done in models.items()}
    front = yaml.safe_load(repository.files["README.md"].decode().split("---\n")[1])
    ours = yaml.safe_load((ROOT / "README.md").read_text(encoding="utf-8").split("---\n")[1])
    assert front["app_file"] in repository.files and front["sdk_version"] == ours["sdk_version"]
    for line, pin in zip(front["preload_from_hub"], pins.values(), strict=True):
        repo, files, revision = line.split(" ")
        assert (repo, revision) == (pin["repo"], pin["revision"])
        assert set(files.split(",")) <= set(hub.model(repo).commits[revision])
        assert not [file for file in files.split(",") if file.endswith(".py")]


def test_a_space_that_holds_something_else_is_left_alone(hub, models, capsys):
    api = HfApi()
    api.create_repo(REPO, repo_type="space", space_sdk="gradio")
    api.upload_file(path_or_fileobj=b"{}", path_in_repo="notebook.ipynb", repo_id=REPO, repo_type="space")
    assert main(["publish-space", "--repo", REPO]) == 1
    assert "tester/danqing holds notebook.ipynb" in capsys.readouterr().err


def test_models_that_are_not_there_cannot_be_pinned(hub, models, capsys):
    del hub.repositories["model", f"{NAMESPACE}/scene-translator"]
    assert main(["publish-space", "--repo", REPO]) == 1
    told = capsys.readouterr().err
    assert "tester/scene-translator cannot be pinned" in told and "python -m pipelines publish scene-translator" in told
    assert main(["publish-space", "--repo", REPO, "--models", "scene_translator", f"{NAMESPACE}/detail-generator"]) == 1
    assert "holds weights of a DetailGenerator" in capsys.readouterr().err
    assert main(["publish-space", "--repo", REPO, "--models", "detail-generator", f"{NAMESPACE}/detail-generator"]) == 0
    assert set(json.loads(hub.repositories["space", REPO].files["models.json"])) == {"detail_generator"}


def test_pins_that_are_wrong_or_cannot_be_fetched(hub, tmp_path, capsys):
    assert pinned_models(tmp_path / "none.json") == {}
    file = tmp_path / "models.json"
    file.write_text('{"scene_translator": {"repo": "a/b"}}')
    with pytest.raises(ValueError, match="scene_translator needs repo, revision and files"):
        pinned_models(file)
    pin = {"repo": f"{NAMESPACE}/gone", "revision": "0" * 40, "files": ["model_index.json"]}
    file.write_text(json.dumps({"scene_translator": pin}))
    assert pinned_models(file) == {}
    assert "scene_translator: tester/gone could not be fetched: 404" in capsys.readouterr().err


def test_a_space_folder_is_written_once(tmp_path):
    folder = write_space(tmp_path / "space", {})
    assert (folder / "app.py").is_file() and json.loads((folder / "models.json").read_text()) == {}


SPACE = """
import urllib.request
import numpy as np
import app
from pipelines import METHODS, get_method
from pipelines.pinned import pinned_models
from ui import Limits, Models, Services

sources = pinned_models()
assert set(sources) == set(METHODS), sources
models = Models(sources)
for name in METHODS:
    method = get_method(name)
    assert models.has_default(name) and models.default_parts(name)
    image = np.asarray(models.get(name)(**method.tiny_inputs()).images[0])
    assert np.ptp(image) > 0, name
demo = app.serve(Services(models, Limits.from_environment()))
with urllib.request.urlopen(demo.local_url) as page:
    assert page.status == 200
demo.close()
print("served", len(sources))
"""


@pytest.mark.slow
def test_it_runs_from_the_hub_alone(hub, models, tmp_path):
    """As a Space does it: its files, the preloaded models, and then no Hub any more."""
    assert main(["publish-space", "--repo", REPO]) == 0
    home = tmp_path / "home"
    space = Path(snapshot_download(REPO, repo_type="space", local_dir=tmp_path / "space"))
    front = yaml.safe_load((space / "README.md").read_text(encoding="utf-8").split("---\n")[1])
    for line in front["preload_from_hub"]:
        repo, files, revision = line.split(" ")
        for file in files.split(","):
            hf_hub_download(repo, file, revision=revision, cache_dir=home / "hub")
    environment = os.environ | hub.environment(str(home), token="") | {"SPACE_ID": REPO}
    hub.shutdown()
    hub.server_close()
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [sys.executable, "-c", SPACE], env=environment, cwd=space, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0 and "served 5" in done.stdout, done.stderr[-3000:]
