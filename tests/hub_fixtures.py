"""Fixtures around a Hub and an exported folder of a tiny colorizer: `pytest_plugins = ("hub_fixtures",)`."""

import shutil
import sys
from pathlib import Path

import pytest
import torch

from hub_folders import METHOD
from hub_server import TOKEN, HubServer
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


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A Hub that this process talks to, with an empty cache, logged in. Another process: `hub.environment`."""
    import huggingface_hub
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    with HubServer() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.address)
        template = server.address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(huggingface_hub.hf_api.api, "endpoint", server.address)
        monkeypatch.setattr(_http.time, "sleep", lambda _: None)  # it waits between attempts
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        yield server
