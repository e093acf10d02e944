"""The real app with the bundled weights: every tab used in turn, and what memory that takes (DESIGN: 6 GB at most)."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from datasets_cards.procedural import drawing, landscape, product, scene
from pipelines import METHODS

ROOT = Path(__file__).resolve().parent.parent
BUDGET = 6_000_000_000


@pytest.fixture
def running(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (tmp_path / "log").open("w")
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "TMPDIR": str(tmp_path)}
    environment.pop("GRADIO_TEMP_DIR", None)
    command = [sys.executable, "app.py", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    url, end = f"http://127.0.0.1:{port}/", time.monotonic() + 180
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"{url}health", timeout=10).close()
            break
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    yield url, process
    process.terminate()
    process.wait(30)


@pytest.mark.slow
def test_all_tabs_in_turn_stay_within_the_budget(running, tmp_path, capsys):
    """Twice round, with a 12-megapixel painting and photograph among them."""
    url, process = running
    landscape(1, 1600, 1200, ink=True).resize((4000, 3000), Image.Resampling.BICUBIC).save(tmp_path / "painting.jpg")
    scene(1, 1200, 800, "summer").resize((4200, 2800), Image.Resampling.BICUBIC).save(tmp_path / "photograph.jpg")
    drawing(1, 1200, 1600).lines.save(tmp_path / "drawing.png")
    drawing(2, 800, 800).colour.save(tmp_path / "palette.png")
    product(1, 1024, "shoes", "red").save(tmp_path / "product.png")

    def file(name: str):
        return handle_file(tmp_path / name)

    resident, peak, client = psutil.Process(process.pid).memory_info, {}, Client(url, verbose=False)
    work = {
        "/colorize": {"painting": file("painting.jpg")},
        "/colorize_drawing": {"drawing": file("drawing.png"), "references": [file("palette.png")]},
        "/translate": {"photograph": file("photograph.jpg"), "target": "winter"},
        "/translate_all": {"photograph": file("product.png")},
        "/generate_details": {"count": 64},
        "/vary_details": {"picture": file("product.png"), "count": 16},
        "/generate_products": {"count": 64},
        "/edit_product": {"picture": file("product.png"), "enhance": ["denoise", "tone", "upscale"], "style": "waves"},
    }
    for turn in (1, 2):
        for name, arguments in work.items():
            job = client.submit(**arguments, api_name=name)
            while not job.done():
                peak[name] = max(peak.get(name, 0), resident().rss)
                time.sleep(0.05)
            job.result()
        with capsys.disabled():
            print(f"\nturn {turn}: {resident().rss / 1e6:.0f} MB after, peak {max(peak.values()) / 1e6:.0f} MB")
    with urllib.request.urlopen(f"{url}health", timeout=10) as answer:
        assert set(json.load(answer)["models"]) == set(METHODS)  # none had to go
    assert max(peak.values()) <= BUDGET, {name: round(value / 1e6) for name, value in peak.items()}
