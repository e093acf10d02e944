"""The project's own drawings as training pictures: even skin and flat colours within lines, free of rights.

One comic has few faces. Half of these are portraits; three motifs are never trained on and stay for outside checks.
"""

from functools import lru_cache

import numpy as np

from datasets_cards.procedural.drawing import MOTIFS, drawing

TRAINED = ("portrait", "bird", "portrait", "bouquet", "portrait", "cottage", "portrait", "portrait")
HELD_OUT = tuple(motif for motif in MOTIFS if motif not in TRAINED)
FIRST_SEED = 100_000  # examples and tests take small seeds


@lru_cache(maxsize=4096)
def drawn_picture(number: int, side: int = 256) -> np.ndarray:
    """Finished drawing number `number` in colour, the same in every process; a tenth of a second, the first time.

    Returns:
        (side, side, 3) uint8, not to be written to.
    """
    motif = TRAINED[number % len(TRAINED)]
    pixels = np.array(drawing(FIRST_SEED + number, side, side, motif=motif).colour)
    pixels.setflags(write=False)
    return pixels
