"""Colours by what they are for: the same drawing in several moods."""

import numpy as np

Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)

# Sky high and low, land far to near, leaves, three accents, wood, light (walls, paper, clouds), dark (hair, railings),
# skin, ink (the coloured line), shade (what shadows are multiplied by).
_ROLES = "sky glow far mid near leaf accent second third wood light dark skin ink shade"

_TABLE = {  # the roles in their order, in hexadecimal
    "spring": "9fd8ef fdf3d8 9cc7c4 8fc98b 6fb36a 4f9a58 f2849e f7c948 "
    "7d8fd6 b98a5e fffaf0 5a4a6b fbdcc4 3a3450 b7b4dc",
    "dusk": "5b5a9e f6a87c 8a6aa6 6b5c94 4e4a7d 5f7f78 ef6f6c f9c46b 9d7fd0 8a5b52 fbe6d4 2f2a52 f3c3a3 231f3d 8f86c0",
    "autumn": "f0cf9c fbeccb d9a066 c9823f a9642f 8c8a3c c8452f e8a33d "
    "4f7f86 7a4e33 fdf3df 4a2c2a f6d2b0 3a211b c39a86",
    "night": "1d2b57 3d5a97 31487f 2a4a73 1f3a5a 2f6a68 f4d35e ee7f6b 7fb7e0 5b4a5f dfe8f5 141a38 e6c9bd 0d1128 7280b8",
    "candy": "ffd9ec fff6d6 d5c2f2 b9e3d0 9ad9c0 7fcfae ff7fb0 ffcf56 7fc8f8 d7a3a0 ffffff 8a5fa8 ffe3d3 5b3b73 d9b8e6",
    "sea": "7fc4d8 e9f6ee 6fa6bf 4c8fae 2f7596 3f8f78 f26b4f f5c66b 2d5d8c a47f5e f7faf5 20405c f7d5b8 17304a 93b3cf",
    "meadow": "cfe8d5 fbf7df a8cfae 86b878 a3bf5a 5f8f3f e4572e f3c53c "
    "8e6bbf 9b7045 fffdf2 3f3a2c f2cba6 2c2a20 b3b58f",
}
PALETTES: dict[str, dict[str, Colour]] = {
    name: {
        role: (int(v[:2], 16), int(v[2:4], 16), int(v[4:], 16))
        for role, v in zip(_ROLES.split(), row.split(), strict=True)
    }
    for name, row in _TABLE.items()
}


def varied(palette: dict[str, Colour], rng: np.random.Generator, amount: float = 7.0) -> dict[str, Colour]:
    """A palette with every colour moved a little, so that two drawings in one mood are not alike."""
    return {role: shifted(colour, rng.normal(0, amount, 3)) for role, colour in palette.items()}


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """`share` of `other` in `one`."""
    return shifted((0, 0, 0), (1 - share) * np.array(one) + share * np.array(other))


def shifted(colour: Colour, by: np.ndarray) -> Colour:
    """A colour moved by `by`, in [0, 255]."""
    red, green, blue = np.clip(np.array(colour) + by, 0, 255).round().astype(int).tolist()
    return red, green, blue
