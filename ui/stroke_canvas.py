"""A picture to paint strokes of colour on, drawn by the browser; what comes back is a list of strokes, not pixels.

`gr.ImageEditor` would send pictures, decode them before any limit could be checked, and needs a graphics card.
"""

import base64
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
from PIL import Image, ImageDraw

from ui.languages import LANGUAGES, UserError, strings

COLOURS = (
    *("#d9483b", "#f08a3c", "#f6d24a", "#6fae5c", "#3f9aa8", "#3b5fb0", "#8d5fb0", "#ef9fb8"),
    *("#f7d3b5", "#8a5a3c", "#2a2c38", "#ffffff"),
)
MAX_CHARACTERS, MAX_STROKES, MAX_POINTS, MAX_RADIUS = 1_000_000, 2_000, 20_000, 0.1
_PARTS = ("title", "tip", "size", "any", "eraser", "undo", "clear", "canvas")
_HERE = Path(__file__).parent
_PAGE = """<div class="strokes-heading"><span class="strokes-title"></span><span class="strokes-tip"></span></div>
<div class="strokes-tools"><span class="strokes-swatches"></span><input type="color" class="strokes-any"></div>
<div class="strokes-tools"><input type="range" class="strokes-size" min="3" max="60" value="12">
<button type="button" class="strokes-tool strokes-eraser"></button>
<button type="button" class="strokes-tool strokes-undo"></button>
<button type="button" class="strokes-tool strokes-clear"></button></div>
<div class="strokes-sheet"><img class="strokes-picture" alt=""><canvas class="strokes-canvas"></canvas></div>"""


class StrokeCanvas(gr.HTML):
    """Shows a picture, given as a small file's path, and hands on the strokes painted on it, for `read_strokes`.

    Args:
        texts: the widget's texts are called TEXTS_title, TEXTS_tip, TEXTS_size, TEXTS_any (any other colour),
            TEXTS_eraser, TEXTS_undo, TEXTS_clear and TEXTS_canvas.
        options: as those of `gr.HTML`.
    """

    def __init__(self, texts: str, **options: Any):
        chosen = {lang: {part: strings(lang)[f"{texts}_{part}"] for part in _PARTS} for lang in LANGUAGES}
        constants = f"const TEXTS = {json.dumps(chosen)}, COLOURS = {json.dumps(COLOURS)};\n"
        super().__init__(
            html_template=_PAGE,
            css_template=(_HERE / "stroke_canvas.css").read_text(encoding="utf-8"),
            js_on_load=constants + (_HERE / "stroke_canvas.js").read_text(encoding="utf-8"),
            apply_default_css=False,
            container=True,
            **options,
        )

    def preprocess(self, payload: Any) -> str:
        """The strokes as they came; a picture that the browser has not taken yet holds none."""
        return "" if not isinstance(payload, str) or payload.startswith('{"picture"') else payload

    def postprocess(self, value: str | Path | None) -> str:
        """A new picture: the strokes on the old one go."""
        if value is None:
            return ""
        buffer = io.BytesIO()
        with Image.open(value) as picture:
            picture.convert("RGB").save(buffer, "WEBP", quality=85)
        return json.dumps({"picture": "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()})


class Stroke(NamedTuple):
    """One stroke of the brush, or of the eraser."""

    colour: str  # "#rrggbb", or "" to erase
    radius: float  # share of the picture's longer side
    points: list[tuple[float, float]]  # x, y in shares of its width and height


def read_strokes(text: str) -> list[Stroke]:
    """Parse what `StrokeCanvas` hands on.

    Args:
        text: JSON, a list of {"colour": ..., "radius": ..., "points": [[x, y], ...]}, see `Stroke`; "" for none.
            Hostile until proven.

    Raises:
        UserError: for anything else.
    """
    if not text or not text.strip():
        return []
    try:
        if len(text) > MAX_CHARACTERS:
            raise ValueError(f"{len(text)} characters")
        given = json.loads(text)
        if not isinstance(given, list) or len(given) > MAX_STROKES:
            raise ValueError("no list, or a long one")
        strokes = [_stroke(one) for one in given]
        if sum(len(stroke.points) for stroke in strokes) > MAX_POINTS:
            raise ValueError("too many points")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UserError("error_strokes", strokes=MAX_STROKES, points=MAX_POINTS) from error
    return strokes


def painted_strokes(strokes: Sequence[Stroke], width: int, height: int) -> Image.Image:
    """Paint strokes as one RGBA layer of `width` x `height` pixels, each pixel either opaque or transparent."""
    layer = Image.new("RGBA", (width, height))
    draw = ImageDraw.Draw(layer)
    for colour, radius, points in strokes:
        fill = (*bytes.fromhex(colour[1:]), 255) if colour else (0, 0, 0, 0)
        reach = max(radius * max(width, height), 0.5)
        places = [(x * width, y * height) for x, y in points]
        draw.line(places, fill, max(1, round(2 * reach)))
        for x, y in places:
            draw.ellipse([x - reach, y - reach, x + reach, y + reach], fill)
    return layer


def _stroke(one: dict[str, Any]) -> Stroke:
    colour, radius = one["colour"], _share(one["radius"])
    if not re.fullmatch(r"(#[0-9a-fA-F]{6})?", colour):
        raise ValueError(colour)
    points = [(_share(x), _share(y)) for x, y in one["points"]]
    if not points or radius > MAX_RADIUS:
        raise ValueError("no point, or too wide a brush")
    return Stroke(colour, radius, points)


def _share(value: Any) -> float:
    """A number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(value)
    return float(value)
