"""The outside check: drawings that no extractor made, from the project's own painter of procedural strokes.

Their motifs are those that training never sees: the default is trained on the painter's other motifs, in colour.
"""

import numpy as np
import torch
from PIL import Image

from datasets_cards.procedural.drawing import drawing
from pipelines.lineart_colorizer.drawn_pictures import HELD_OUT
from pipelines.lineart_colorizer.measured_drawings import SIDE, Drawings

STROKES = "procedural strokes"
COUNT = 27  # drawings, every motif nine times
_FIRST_SEED = 40_000  # far from the seeds that examples are drawn with


def stroke_drawings(count: int = COUNT, side: int = SIDE) -> Drawings:
    """Drawings with their colouring; each one's other picture is the next one's colouring, the last one's the first's.

    Raises:
        ValueError: for fewer than two, which have no other picture.
    """
    if count < 2:
        raise ValueError(f"At least two drawings are needed, got {count}.")
    motifs = [HELD_OUT[number % len(HELD_OUT)] for number in range(count)]
    drawn = [drawing(_FIRST_SEED + number, side, side, motif=motif) for number, motif in enumerate(motifs)]
    lines = torch.stack([torch.from_numpy(np.array(one.lines.convert("L")))[None] for one in drawn])
    pictures = torch.stack([_pixels(one.colour) for one in drawn])
    ids = [str(_FIRST_SEED + number) for number in range(count)]
    others = torch.roll(pictures, -1, 0)
    return Drawings(lines, pictures, others, ids, [*ids[1:], ids[0]], [STROKES] * count, list(ids))


def _pixels(picture: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1).contiguous()
