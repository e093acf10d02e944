"""Contact sheets: many pictures on one page, and a fair sample of a long stream of them."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw


def contact_sheet(
    images: Sequence[Image.Image], captions: Sequence[str] | None = None, *, columns: int = 10, cell: int = 128
) -> Image.Image:
    """Lay `images` out in rows, each shrunk into a square of `cell` pixels, captions below.

    Raises:
        ValueError: no image, or as many captions as images are not given.
    """
    if not images:
        raise ValueError("A contact sheet needs at least one image.")
    if captions is not None and len(captions) != len(images):
        raise ValueError(f"{len(images)} images need as many captions, got {len(captions)}.")
    line = 12 if captions is not None else 0
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * (cell + 4), rows * (cell + line + 4)), "white")
    draw = ImageDraw.Draw(sheet)
    for i, image in enumerate(images):
        left, top = i % columns * (cell + 4), i // columns * (cell + line + 4)
        small = image.convert("RGB")
        small.thumbnail((cell, cell), Image.Resampling.LANCZOS)
        sheet.paste(small, (left, top))
        if captions is not None:
            draw.text((left, top + cell), captions[i], fill="black")
    return sheet


class Reservoir:
    """A uniform sample of at most `size` of the items shown to it, in one pass (Vitter's algorithm R)."""

    def __init__(self, size: int, rng: np.random.Generator):
        self.size, self.rng = size, rng
        self.items: list = []
        self.seen = 0

    def offer(self, item: object) -> None:
        """Show one item; it may be kept, and may push another out."""
        self.seen += 1
        if len(self.items) < self.size:
            self.items.append(item)
            return
        place = int(self.rng.integers(self.seen))
        if place < self.size:
            self.items[place] = item
