"""Products on white from a seed: shoes, sandals, bags, watches, sunglasses and wallets in named colours."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from datasets_cards.procedural.painter import MAX_SIDE, MIN_SIDE
from datasets_cards.procedural.product_bags import bag, wallet
from datasets_cards.procedural.product_shoes import sandal, shoe
from datasets_cards.procedural.product_stage import Stage
from datasets_cards.procedural.product_worn import sunglasses, watch
from datasets_cards.products.colours import COLOURS

KINDS: dict[str, Callable[[Stage, np.random.Generator, np.ndarray], None]] = {
    "shoes": shoe,
    "sandals_heels": sandal,
    "bags": bag,
    "watches": watch,
    "sunglasses": sunglasses,
    "wallets": wallet,
}
_LIGHTER, _SHIFT = 6.0, 2.0  # standard deviations of a colour: of all channels together, and of each


def product(seed: int, size: int = 256, kind: str | None = None, colour: str | None = None) -> Image.Image:
    """Draw the product number `seed`, square, RGB, on white.

    Args:
        seed: any whole number from 0; the same arguments give the same pixels, in every process.
        size: of the side in pixels, from 64 to 4096.
        kind: one of `KINDS`, the categories of the set `products`; None takes them in turn.
        colour: one of `COLOURS`; None: the seed chooses. The article stays the same in all.

    Raises:
        ValueError: for a size or seed out of range, or a name that there is not.
    """
    if not MIN_SIDE <= size <= MAX_SIDE:
        raise ValueError(f"A product's side is {MIN_SIDE} to {MAX_SIDE} pixels, got {size}.")
    if seed < 0:
        raise ValueError(f"A seed is 0 or more, got {seed}.")
    for what, name, names in (("kind", kind, KINDS), ("colour", colour, COLOURS)):
        if name is not None and name not in names:
            raise ValueError(f"A product's {what} is one of {', '.join(names)}, got {name!r}.")
    choice = np.random.default_rng([seed, 21])
    any_colour = list(COLOURS)[choice.integers(len(COLOURS))]
    varied = _LIGHTER * choice.standard_normal() + _SHIFT * choice.standard_normal(3)
    own = np.clip(np.array(COLOURS[colour or any_colour]) + varied, 8, 244)
    stage = Stage(size, np.random.default_rng([seed, 22]))
    KINDS[kind or list(KINDS)[seed % len(KINDS)]](stage, np.random.default_rng([seed, 23]), own)
    return stage.picture()
