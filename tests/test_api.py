"""The app for other programs: what it offers stands in api_schema.json, and every endpoint is called.

After an intended change: DANQING_WRITE_SCHEMA=1 python -m pytest tests/test_api.py
"""

import json
import os
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file
from PIL import Image

import app
from datasets_cards.procedural import drawing, landscape, product, scene
from pipelines import get_method
from test_generation_tab import Studio
from ui import Limits, Models, Services

SCHEMA = Path(__file__).parent / "api_schema.json"
ENDPOINTS = tuple(json.loads(SCHEMA.read_text(encoding="utf-8"))) if SCHEMA.is_file() else ()


def tiny(method: str, source: str | None, revision: str | None):
    pipe = get_method(method).tiny()
    return Studio(pipe) if method == "product_studio" else pipe


@pytest.fixture(scope="module")
def url():
    demo = app.serve(Services(Models(load=tiny, most=5), Limits(upload_megabytes=2, megapixels=4)))
    yield demo.local_url
    demo.close()


@pytest.fixture(scope="module")
def client(url) -> Client:
    return Client(url, verbose=False)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pictures")
    made = {
        "painting": landscape(1, 96, 64, ink=True),
        "photograph": scene(1, 96, 64, "summer"),
        "drawing": drawing(1, 64, 96).lines,
        "palette": drawing(2, 64, 96).colour,
        "product": product(1, 64, "shoes", "red"),
    }
    for name, picture in made.items():
        picture.save(folder / f"{name}.png")
    return {name: folder / f"{name}.png" for name in made}


def described(endpoints: dict[str, Any]) -> dict[str, Any]:
    """What a caller relies on: names, types, defaults, words."""
    return {
        name: {
            "description": endpoint["description"],
            "parameters": [
                {
                    "name": one["parameter_name"],
                    "type": one["python_type"]["type"],
                    "description": one["python_type"]["description"],
                    **({"default": one["parameter_default"]} if one["parameter_has_default"] else {}),
                }
                for one in endpoint["parameters"]
            ],
            "returns": [
                {"type": one["python_type"]["type"], "description": one["python_type"]["description"]}
                for one in endpoint["returns"]
            ],
        }
        for name, endpoint in sorted(endpoints.items())
    }


def test_the_interface_is_as_recorded(client):
    offered = client.view_api(return_format="dict", print_info=False)
    found = described(offered["named_endpoints"])
    if os.environ.get("DANQING_WRITE_SCHEMA") == "1":
        SCHEMA.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert not offered["unnamed_endpoints"]
    assert found == json.loads(SCHEMA.read_text(encoding="utf-8"))


def test_everything_is_described():
    for name, endpoint in json.loads(SCHEMA.read_text(encoding="utf-8")).items():
        assert len(endpoint["description"]) > 20, name
        for one in [*endpoint["parameters"], *endpoint["returns"]]:
            assert one["description"] and "__i18n__" not in one["description"], (name, one)


def test_the_api_page_has_no_example_from_elsewhere(url):
    with urllib.request.urlopen(f"{url}gradio_api/info") as answer:
        text = answer.read().decode()
    assert "github.com" not in text and "__i18n__" not in text and "Hello!!" not in text


def calls(pictures: dict[str, Path], client: Client) -> dict[str, dict[str, Any]]:
    """Arguments for every endpoint; what has a default is left out."""

    def made(name: str, **options: Any) -> list[str]:
        gallery, *_ = client.predict(**options, api_name=name)
        return [one["image"] for one in gallery]

    def file(name: str) -> Any:
        return handle_file(pictures[name])

    details = [handle_file(one) for one in made("/generate_details", count=2, seed="5")]
    products = [handle_file(one) for one in made("/generate_products", count=2, seed="5")]
    (_, coloured, _) = client.predict(file("drawing"), [file("palette")], api_name="/colorize_drawing")
    return {
        "/colorize": {"painting": file("painting")},
        "/colorize_variants": {"painting": file("painting")},
        "/colorize_palettes": {"painting": file("painting")},
        "/colorize_drawing": {"drawing": file("drawing"), "references": [file("palette")]},
        "/drawing_layers": {"drawing": file("drawing"), "coloured": handle_file(coloured)},
        "/translate": {"photograph": file("photograph"), "target": "winter"},
        "/translate_all": {"photograph": file("photograph")},
        "/generate_details": {"count": 2, "seed": "5"},
        "/vary_details": {"picture": file("product"), "count": 2, "seed": "5"},
        "/details_like": {"chosen": details[0]},
        "/details_film": {"stops": details, "steps": 2},
        "/generate_products": {"count": 2, "seed": "5"},
        "/products_like": {"chosen": products[0]},
        "/products_film": {"stops": products, "steps": 2},
        "/edit_product": {"picture": file("product"), "enhance": ["upscale"]},
        "/edit_products": {"pictures": [file("product")], "enhance": ["upscale"]},
    }


def files_in(value: Any) -> list[Path]:
    """Files among the results, however deep."""
    if isinstance(value, dict):
        return [file for inner in value.values() for file in files_in(inner)]
    if isinstance(value, list | tuple):
        return [file for inner in value for file in files_in(inner)]
    return [Path(value)] if isinstance(value, str) and len(value) < 500 and Path(value).is_file() else []


def test_every_endpoint_answers(client, pictures):
    asked = calls(pictures, client)
    assert set(asked) == set(ENDPOINTS)
    for name, arguments in asked.items():
        files = files_in(client.predict(**arguments, api_name=name))
        assert files, name
        for file in files:
            if file.suffix == ".zip":
                assert zipfile.ZipFile(file).testzip() is None
            elif file.suffix == ".psd":
                assert file.read_bytes()[:4] == b"8BPS"
            else:
                Image.open(file).load()


def fetch(address: str, data: bytes | None = None, kind: str = "application/json") -> bytes:
    asked = urllib.request.Request(address, data, {"Content-Type": kind} if data else {})
    with urllib.request.urlopen(asked, timeout=120) as answer:
        return answer.read()


def test_plain_http_as_curl_sends_it(url, pictures, tmp_path):
    """Upload, call by names, wait for the event, fetch the file: the four lines of the README."""
    body = b"--b\r\nContent-Disposition: form-data; name=files; filename=a.png\r\n\r\n"
    body += pictures["painting"].read_bytes() + b"\r\n--b--\r\n"
    (path,) = json.loads(fetch(f"{url}gradio_api/upload", body, "multipart/form-data; boundary=b"))
    asked = {"painting": {"path": path, "meta": {"_type": "gradio.FileData"}}, "vividness": 1.2}
    event = json.loads(fetch(f"{url}gradio_api/call/v2/colorize", json.dumps(asked).encode()))["event_id"]
    stream = fetch(f"{url}gradio_api/call/colorize/{event}").decode()
    assert "event: complete" in stream
    _, download, text = json.loads(stream.rsplit("data: ", 1)[1])
    assert "96 × 64" in text
    (tmp_path / "coloured.png").write_bytes(fetch(download["url"]))
    assert Image.open(tmp_path / "coloured.png").size == (96, 64)
