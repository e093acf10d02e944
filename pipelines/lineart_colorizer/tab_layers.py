"""The layered file of a coloured drawing, made from two picture files."""

from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from ui.languages import UserError

if TYPE_CHECKING:
    from pipelines.images import Picture

LAYERED_MEGAPIXELS = 12  # about 170 bytes a pixel are held at once: 2 GB


def write_layers(drawing: Path, coloured: Path, target: Path) -> None:
    """Take `coloured`, which the pipeline made of `drawing`, apart into the PSD file `target`.

    Of a picture that is no line drawing the lines are extracted, as the pipeline does.

    Raises:
        UserError: if the two differ in size, or one of them is damaged.
    """
    from pipelines.images import write_pictures
    from pipelines.lineart_colorizer.layers import layers_of, write_psd

    lines, picture = _lines(drawing), write_pictures([_read(coloured)])[0]
    if lines.size != picture.size:
        sizes = {"coloured": f"{picture.width} × {picture.height}", "drawing": f"{lines.width} × {lines.height}"}
        raise UserError("lineart_layers_size", **sizes)
    write_psd(layers_of(picture, lines), target)


def _lines(path: Path) -> Image.Image:
    """The drawing as the pipeline sees it, or the lines that it extracts; transparent parts on white."""
    import torch

    from pipelines.line_extraction import xdog
    from pipelines.lineart_colorizer.drawing_pixels import is_drawing, on_paper, to_8_bit, to_tensor
    from pipelines.tiles import shrink

    pixels = to_8_bit(on_paper(_read(path)))
    if is_drawing(shrink(pixels, 512 * 512)):
        return Image.fromarray(pixels)
    with torch.no_grad():
        lines = xdog(to_tensor(pixels, torch.device("cpu")))
    return Image.fromarray(((lines[0, 0] + 1) * 127.5).round().to(torch.uint8).numpy())


def _read(path: Path) -> "Picture":
    from pipelines.images import read_picture

    try:
        return read_picture(path)
    except (OSError, ValueError) as error:
        raise UserError("error_damaged", name=path.name) from error
