"""The tabs as tools for language models: there when asked for, not there otherwise."""

import asyncio
import base64
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

import app
from datasets_cards.procedural import landscape
from test_api import ENDPOINTS, tiny
from test_raw_calls import FORM, multipart, post
from ui import Limits, Models, Services


@pytest.fixture(scope="module")
def url():
    demo = app.serve(Services(Models(load=tiny, most=5), Limits(upload_megabytes=2, megapixels=4)), mcp=True)
    yield demo.local_url
    demo.close()


async def _session(url: str, ask: Any) -> Any:
    async with (
        streamable_http_client(f"{url}gradio_api/mcp/") as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        return await ask(session)


def session(url: str, ask: Any) -> Any:
    return asyncio.run(asyncio.wait_for(_session(url, ask), 120))


def test_every_endpoint_is_a_tool(url):
    tools = session(url, lambda one: one.list_tools()).tools
    assert {tool.name for tool in tools} == {name.strip("/") for name in ENDPOINTS}
    schema = json.loads((Path(__file__).parent / "api_schema.json").read_text(encoding="utf-8"))
    for tool in tools:
        endpoint = schema[f"/{tool.name}"]
        assert endpoint["description"] in tool.description
        wanted = {one["name"]: one["description"] for one in endpoint["parameters"]}
        found = {name: one.get("description", "") for name, one in tool.inputSchema["properties"].items()}
        assert set(found) == set(wanted)
        assert all(wanted[name][:30] in found[name] for name in wanted), tool.name
        needed = {one["name"] for one in endpoint["parameters"] if "default" not in one}
        assert set(tool.inputSchema.get("required", ())) == needed


def test_a_tool_works_with_a_picture_in_the_request(url, tmp_path):
    landscape(1, 96, 64, ink=True).save(tmp_path / "a.png")
    picture = "data:image/png;base64," + base64.b64encode((tmp_path / "a.png").read_bytes()).decode()
    done = session(url, lambda one: one.call_tool("colorize", {"painting": picture, "vividness": 1.2}))
    assert not done.isError, done.content
    assert any(part.type == "image" for part in done.content)
    assert any("96 × 64" in getattr(part, "text", "") for part in done.content)


def test_a_tool_takes_the_address_of_an_upload(url, tmp_path):
    landscape(1, 96, 64, ink=True).save(tmp_path / "a.png")
    body = multipart(('name="files"; filename="a.png"', (tmp_path / "a.png").read_bytes()))
    (path,) = json.loads(post(url, "gradio_api/upload", body, FORM)[1])
    asked = {"painting": f"{url}gradio_api/file={path}"}
    assert not session(url, lambda one: one.call_tool("colorize", asked)).isError


def test_generated_pictures_are_shown(url):
    done = session(url, lambda one: one.call_tool("generate_details", {"count": 3, "seed": "5"}))
    assert sum(part.type == "image" for part in done.content) == 3
    texts = " ".join(part.text for part in done.content if part.type == "text")
    assert ".zip" in texts and "3 pictures" in texts


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("colorize", {"painting": "/etc/passwd"}),
        ("colorize", {"painting": "file:///etc/passwd"}),
        ("colorize", {"painting": "http://127.0.0.1:9/a.png"}),
        ("generate_details", {"count": 10**9}),
        ("begin", {}),
        ("pick", {}),
    ],
)
def test_what_a_tool_refuses(url, tool, arguments):
    done = session(url, lambda one: one.call_tool(tool, arguments))
    text = " ".join(getattr(part, "text", "") for part in done.content)
    assert done.isError and "root:" not in text and "Traceback" not in text


def test_there_is_nothing_when_it_is_off():
    demo = app.serve(Services(Models(load=tiny), Limits()))
    try:
        for path in ("gradio_api/mcp/", "gradio_api/mcp/sse", "gradio_api/mcp/schema"):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(f"{demo.local_url}{path}", timeout=30)
    finally:
        demo.close()
