"""The layered file of a coloured drawing, made from two picture files."""

from pathlib import Path

import numpy as np
from PIL import Image

from ui.languages import UserError

LAYERED_MEGAPIXELS = 12  # about 170 bytes a pixel are held at once: 2 GB


def write_layers(drawing: Path, coloured: Path, target: Path) -> None:
    """Take `coloured`, which the pipeline made of `drawing`, apart into the PSD file `target`.

    Of a picture that is no line drawing the lines are extracted, as the pipeline does.

    Raises:
        UserError: if the two differ in size, or one of them is damaged.
    """
    from pipelines.lineart_colorizer.layers import layers_of, write_psd

    lines, picture = _lines(drawing), _read(coloured)
    height, width = picture.shape[:2]
    if lines.size != (width, height):
        sizes = {"coloured": f"{width} × {height}", "drawing": f"{lines.width} × {lines.height}"}
        raise UserError("lineart_layers_size", **sizes)
    write_psd(layers_of(Image.fromarray(picture), lines), target)


def _lines(path: Path) -> Image.Image:
    """The drawing as the pipeline sees it, or the lines that it extracts; transparent parts on white."""
    import torch

    from pipelines.line_extraction import xdog
    from pipelines.lineart_colorizer.drawing_pixels import is_drawing, to_tensor
    from pipelines.tiles import shrink

    pixels = _read(path)
    if pixels.shape[2] == 4:
        alpha = pixels[..., 3:].astype(np.uint16)
        pixels = ((pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    if is_drawing(shrink(pixels, 512 * 512)):
        return Image.fromarray(pixels)
    with torch.no_grad():
        lines = xdog(to_tensor(pixels, torch.device("cpu")))
    return Image.fromarray(((lines[0, 0] + 1) * 127.5).round().to(torch.uint8).numpy())


def _read(path: Path) -> np.ndarray:
    """(H, W, 3 or 4) uint8, upright."""
    from pipelines.images import read_picture, write_pictures

    try:
        return np.asarray(write_pictures([read_picture(path)])[0])
    except (OSError, ValueError) as error:
        raise UserError("error_damaged", name=path.name) from error
