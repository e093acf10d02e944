"""What a language model's tool hands back: the pictures themselves where they are small, and their addresses.

gradio (6.31) packs several results of a call into one text, shows pictures only where they stand alone, and re-encodes
them whatever their size; `shape_results` mends that on the server object that `launch(mcp_server=True)` made.
"""

from typing import Any

import gradio as gr
from gradio_client.utils import is_file_obj_with_meta
from PIL import Image

SHOWN_PIXELS, SHOWN = 4_000_000, 16  # a picture that is shown has so many at most, and so many are shown


def shape_results(demo: gr.Blocks) -> None:
    """Change how the tools of this page answer; nothing where it has none."""
    server: Any = demo.mcp_server_obj
    if server is None:
        return
    whole, shown, read = server._execute_tool_without_progress, server.postprocess_output_data, server.get_image

    async def each(job: Any) -> list[Any]:
        (result,) = await whole(job)
        return list(result) if isinstance(result, list | tuple) else [result]

    def unpacked(data: Any, root_url: str) -> list[Any]:
        contents, pictures = shown(flat(data), root_url), 0
        kept = []
        for content in contents:
            pictures += content.type == "image"
            if content.type != "image" or pictures <= SHOWN:
                kept.append(content)
        return kept

    def small(file: str) -> Image.Image | None:
        image = read(file)
        return image if image is not None and image.width * image.height <= SHOWN_PIXELS else None

    server._execute_tool_without_progress, server.postprocess_output_data, server.get_image = each, unpacked, small


def flat(value: Any) -> list[Any]:
    """Files and texts, without the lists, pairs and captions around them."""
    if is_file_obj_with_meta(value):
        return [value]
    if isinstance(value, dict) and "image" in value:
        return [*flat(value["image"]), *flat(value.get("caption"))]
    if isinstance(value, list | tuple):
        return [one for inner in value for one in flat(inner)]
    return [] if value is None else [value]
