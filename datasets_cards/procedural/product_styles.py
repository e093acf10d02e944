"""Named styles as pictures, for style transfer: what a picture is to look like, free of rights."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from datasets_cards.procedural.painter import MAX_SIDE, MIN_SIDE, landscape
from datasets_cards.procedural.style_ornaments import cut_paper, porcelain, waves
from datasets_cards.procedural.style_patches import mosaic, pointillism, stained_glass
from datasets_cards.procedural.style_strokes import impasto, pencil, woodcut


def ink_wash(rng: np.random.Generator, size: int) -> np.ndarray:
    """A landscape in ink."""
    return np.asarray(landscape(int(rng.integers(10_000)), size, size, ink=True))


def blue_green(rng: np.random.Generator, size: int) -> np.ndarray:
    """A landscape in azurite and malachite."""
    return np.asarray(landscape(2 * int(rng.integers(10_000)), size, size))


STYLES: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "ink wash": ink_wash,
    "blue-green": blue_green,
    "mosaic": mosaic,
    "waves": waves,
    "impasto": impasto,
    "porcelain": porcelain,
    "stained glass": stained_glass,
    "woodcut": woodcut,
    "pointillism": pointillism,
    "cut paper": cut_paper,
    "pencil": pencil,
}


def style(seed: int, name: str | None = None, size: int = 256) -> Image.Image:
    """Make the style picture number `seed`, square, RGB.

    Args:
        seed: any whole number from 0; the same arguments give the same pixels, in every process.
        name: one of `STYLES`; None takes them in turn.
        size: of the side in pixels, from 64 to 4096.

    Raises:
        ValueError: for a size or seed out of range, or a name that there is not.
    """
    if not MIN_SIDE <= size <= MAX_SIDE:
        raise ValueError(f"A style picture's side is {MIN_SIDE} to {MAX_SIDE} pixels, got {size}.")
    if seed < 0:
        raise ValueError(f"A seed is 0 or more, got {seed}.")
    if name is not None and name not in STYLES:
        raise ValueError(f"A style is one of {', '.join(STYLES)}, got {name!r}.")
    own = name or list(STYLES)[seed % len(STYLES)]
    pixels = STYLES[own](np.random.default_rng([seed, 31]), size)
    return Image.fromarray(np.asarray(pixels).round().clip(0, 255).astype(np.uint8))
