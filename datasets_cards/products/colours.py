"""The named colours of products, and which of them the trade's many names mean."""

# name -> a typical RGB
COLOURS: dict[str, tuple[int, int, int]] = {
    "black": (34, 33, 36),
    "white": (238, 238, 236),
    "grey": (140, 142, 146),
    "brown": (104, 66, 44),
    "beige": (214, 192, 160),
    "red": (186, 32, 44),
    "orange": (232, 120, 36),
    "yellow": (232, 196, 60),
    "green": (56, 124, 74),
    "blue": (44, 78, 150),
    "purple": (108, 68, 138),
    "pink": (228, 110, 156),
}

_MEANING = {
    "black": "jet black, onyx",
    "white": "off white, ivory",
    "grey": "gray, silver, steel, charcoal, metallic, grey melange, gunmetal",
    "brown": "coffee brown, mushroom brown, copper, bronze, rust, tan, chocolate",
    "beige": "cream, nude, taupe, khaki, skin, sand",
    "red": "maroon, burgundy, crimson, wine",
    "orange": "peach, coral, apricot",
    "yellow": "gold, mustard, lime yellow",
    "green": "olive, fluorescent green, lime green, sea green, teal, mint",
    "blue": "navy blue, navy, turquoise blue, turquoise, sky blue, denim",
    "purple": "lavender, lilac, violet, mauve",
    "pink": "magenta, rose, fuchsia",
}
_NAMED = {name: name for name in COLOURS} | {
    other: name for name, others in _MEANING.items() for other in others.split(", ")
}


def named_colour(text: str | None) -> str:
    """The one of `COLOURS` that a trader's name means, in any case; "" where it means none or several ("Multi")."""
    return _NAMED.get(" ".join((text or "").lower().split()), "")
