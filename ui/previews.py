"""Small PNG copies of pictures for the page: upright, in sRGB, transparent parts on white."""

from pathlib import Path

import numpy as np
from PIL import Image

from ui.languages import UserError

PREVIEW_PIXELS = 2_000_000


def write_preview(source: Path, target: Path, max_pixels: int, area: int = PREVIEW_PIXELS) -> None:
    """Write `source`, shrunk to at most `area` pixels, to the PNG file `target`; memory is bounded.

    Args:
        max_pixels: largest height x width of `source` allowed.

    Raises:
        UserError: if the file cannot be read to the end.
    """
    from pipelines.large_images import LargeImage  # loads torch, which the first page need not wait for
    from pipelines.tiles import AreaShrink, view_size

    try:
        image = LargeImage(source, max_pixels)
        size = view_size(image.height, image.width, area)
        shrink = AreaShrink((image.height, image.width), size, np.uint8)
        for rows in image.rows():
            shrink.add(_on_white(rows))
    except (OSError, ValueError) as error:
        raise UserError("error_damaged", name=source.name) from error
    Image.fromarray(shrink.result()).save(target, "PNG", compress_level=1)


def _on_white(rows: np.ndarray) -> np.ndarray:
    """(h, W, 3 or 4) uint8 or uint16 -> (h, W, 3) uint8."""
    if rows.dtype == np.uint16:
        rows = ((rows.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if rows.shape[2] == 3:
        return rows
    alpha = rows[..., 3:].astype(np.uint16)
    return ((rows[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
