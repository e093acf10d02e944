"""Fixtures around an exported Hub folder of a tiny colorizer: `pytest_plugins = ("hub_fixtures",)`."""

import shutil
import sys
from pathlib import Path

import pytest
import torch

from hub_folders import METHOD
from pipelines.hub import save_for_hub


@pytest.fixture(scope="module")
def pipe():
    """A tiny model that colours: untrained, the last layers are zero."""
    torch.manual_seed(1)
    pipe = METHOD.tiny()
    torch.nn.init.normal_(pipe.generator.refiner.leave.weight, std=0.3)
    torch.nn.init.normal_(pipe.generator.palette.to_chroma.weight, std=0.3)
    return pipe


@pytest.fixture(scope="module")
def exported(pipe, tmp_path_factory):
    training = {"preset": "tiny", "seconds": 7200, "metrics": {"lpips": 0.12345}}
    return save_for_hub(pipe, tmp_path_factory.mktemp("hub") / "repo", variant="fp16", training=training)


@pytest.fixture
def folder(exported, tmp_path):
    """A copy to spoil."""
    return Path(shutil.copytree(exported, tmp_path / "copy"))


@pytest.fixture
def own_module_cache(tmp_path, monkeypatch):
    """diffusers copies the code it runs; here to a folder of the test's own."""
    from diffusers.utils import dynamic_modules_utils

    monkeypatch.setattr(dynamic_modules_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr(sys, "path", [*sys.path])
