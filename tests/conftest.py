"""What every test shares: no network, no statistics, the shared pictures where they exist."""

import os

# Read by huggingface_hub and gradio when they are imported, so set before anything else is.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import torchvision_guard  # noqa: F401  isort: skip  before diffusers and lpips
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real pictures: DANQING_DATA, by default ../shared/data beside the project.

    Without it the test is skipped, or fails where DANQING_REQUIRE_DATA=1 says that the pictures must be there.
    """
    folder = Path(os.environ.get("DANQING_DATA") or ROOT.parent / "shared" / "data").resolve()
    if any(folder.glob("*.parquet")):
        return folder
    message = f"No parquet files in {folder}: set DANQING_DATA to the folder of the shared pictures."
    if os.environ.get("DANQING_REQUIRE_DATA") == "1":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(autouse=True, scope="module")
def pil_limit() -> Iterator[None]:
    """An app that a module serves in this process sets PIL's limit on pixels for all of it."""
    limit = Image.MAX_IMAGE_PIXELS
    yield
    Image.MAX_IMAGE_PIXELS = limit
