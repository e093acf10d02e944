"""Painting a file as the tab does: with a sentence for what the model cannot do, and a picture of where it guesses."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ui.languages import UserError

DOUBTS = "unsure.png"  # beside a result
SURE, UNSURE = 6.0, 30.0  # radii in CIELAB a, b units: nothing is shown below the one, no more above the other
_COLOUR = (232, 60, 160)  # magenta: no painting's ground has it
_MOST = 0.72  # of full opacity


def paint_and_doubt(
    pipe: Any, source: Path, target: Path, /, *, doubts: Path | None = None, **options: Any
) -> list[str]:
    """As `pipelines.large_images.paint_file`.

    Args:
        doubts: where to draw how sure the colours are, see `write_overlay`; None for nowhere.

    Raises:
        UserError: if the model cannot do what is asked.
    """
    from pipelines.large_images import paint_file

    remembering = _Remembering(pipe)
    notes = paint_file(remembering, source, target, **options)
    if doubts is not None:
        write_overlay(remembering.made, doubts)
    return notes


def write_overlay(canvas: Any, target: Path) -> bool:
    """Write an RGBA PNG to lay over the painting: the less sure, the denser.

    Args:
        canvas: has `uncertainty()`, (h, w) radii that hold the true chroma with 90 %; other canvases give no picture,
            nor do weights that do not know how sure they are.

    Returns:
        whether there is one.
    """
    if not hasattr(canvas, "uncertainty"):
        return False
    try:
        radius = np.asarray(canvas.uncertainty(), np.float32)
    except ValueError:
        return False
    alpha = np.clip((radius - SURE) / (UNSURE - SURE), 0, 1) * _MOST * 255
    layer = np.empty((*radius.shape, 4), np.uint8)
    layer[..., :3], layer[..., 3] = _COLOUR, alpha.round()
    Image.fromarray(layer).save(target, "PNG", compress_level=1)
    return True


class _Remembering:
    """A pipeline that keeps the canvas it made."""

    def __init__(self, pipe: Any):
        self.pipe, self.made = pipe, None
        self.view_area, self.sample_side = pipe.view_area, pipe.sample_side

    def canvas(self, *view: Any, **options: Any) -> Any:
        try:
            self.made = self.pipe.canvas(*view, **options)
        except ValueError as error:
            raise UserError("error_colorize_option", reason=str(error)) from error
        return self.made
