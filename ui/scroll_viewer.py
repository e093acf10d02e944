"""A viewer for pictures too big for a page: pan and zoom, before and after, spots of colour to start from.

It shows Deep Zoom pyramids (`pipelines.deep_zoom`), of which the browser fetches the tiles in sight, through Leaflet
(`ui.leaflet`). What comes back are the spots: `read_spots`.
"""

import json
import re
from pathlib import Path
from typing import Any

import gradio as gr

from ui.languages import LANGUAGES, UserError, strings
from ui.leaflet import FOLDER

# Pigments of the tradition: azurite, malachite, indigo, gamboge, ochre, cinnabar, rouge
COLOURS = ("#2f5f9e", "#4a9a78", "#2e4460", "#d9a93f", "#a9713f", "#c2432c", "#b4566b")
MAX_CHARACTERS, MAX_SPOTS = 20_000, 200
_PARTS = (
    *("out", "in", "whole", "height", "actual", "full", "before", "after", "compare", "unsure", "unsure_tip"),
    *("spot", "spot_tip", "remove", "any", "undo", "clear", "apply", "map", "missing", "gone"),
)
_HERE = Path(__file__).parent

Spot = tuple[float, float, str]  # x, y in pixels of the picture, "#rrggbb"


class ScrollViewer(gr.HTML):
    """Shows what `picture` or `result` tells it to, and hands on the spots of colour, as text for `read_spots`.

    Its event `submit` says that the work is to be done with the spots as they are.

    Args:
        texts: the widget's texts are called TEXTS_out, TEXTS_in, ...: see `_PARTS`; TEXTS_colours are the colours'
            names, separated by commas.
        options: as those of `gr.HTML`.
    """

    def __init__(self, texts: str, **options: Any):
        chosen = {lang: {part: strings(lang)[f"{texts}_{part}"] for part in _PARTS} for lang in LANGUAGES}
        names = {lang: re.split("[,，、] ?", strings(lang)[f"{texts}_colours"]) for lang in LANGUAGES}
        constants = {"TEXTS": chosen, "NAMES": names, "COLOURS": COLOURS, "MAX_SPOTS": MAX_SPOTS, "FOLDER": FOLDER}
        script = "".join(f"const {key} = {json.dumps(value)};\n" for key, value in constants.items())
        super().__init__(
            html_template=(_HERE / "scroll_viewer.html").read_text(encoding="utf-8"),
            css_template=(_HERE / "scroll_viewer.css").read_text(encoding="utf-8"),
            js_on_load=script + (_HERE / "scroll_viewer.js").read_text(encoding="utf-8"),
            apply_default_css=False,
            container=True,
            **options,
        )

    def preprocess(self, payload: Any) -> str:
        """The spots as they came; none where the browser has not taken a picture yet."""
        return "" if not isinstance(payload, str) or payload.startswith("{") else payload


def picture(of: str, zoom: Any) -> str:
    """Value that shows a new picture; what was there goes.

    Args:
        of: tells this picture from others.
        zoom: its `pipelines.deep_zoom.DeepZoom`.
    """
    return json.dumps({"of": of, "width": zoom.width, "height": zoom.height, "before": str(zoom.tiles)})


def result(of: str, zoom: Any, unsure: Path | None = None) -> str:
    """Value that lays a result over the picture called `of`, if that is still there; place and spots stay.

    Args:
        zoom: of the result.
        unsure: a PNG to stretch over the picture on demand, for example where the result is a guess.
    """
    return json.dumps({"of": of, "after": str(zoom.tiles), "unsure": str(unsure) if unsure else None})


def read_spots(text: Any, width: int, height: int) -> list[Spot]:
    """Parse what `ScrollViewer` hands on.

    Args:
        text: JSON, a list of [x, y, "#rrggbb"], in pixels of the picture; "" for none. Hostile until proven.
        width, height: of the picture, upright.

    Raises:
        UserError: for anything else.
    """
    if text is None or (isinstance(text, str) and not text.strip()):
        return []
    try:
        if not isinstance(text, str) or len(text) > MAX_CHARACTERS:
            raise ValueError("no text, or a long one")
        given = json.loads(text)
        if not isinstance(given, list) or len(given) > MAX_SPOTS:
            raise ValueError("no list, or a long one")
        return [_spot(one, width, height) for one in given]
    except (ValueError, TypeError, RecursionError) as error:
        raise UserError("error_spots", limit=MAX_SPOTS) from error


def _spot(one: Any, width: int, height: int) -> Spot:
    x, y, colour = one
    if not isinstance(colour, str) or not re.fullmatch("#[0-9a-fA-F]{6}", colour):
        raise ValueError(colour)
    for value, side in ((x, width), (y, height)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < side:
            raise ValueError(value)
    return float(x), float(y), colour
