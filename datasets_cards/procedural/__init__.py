"""Pictures painted by programs: seeded, free of rights. For examples, tests, small training sets."""

from datasets_cards.procedural.drawing import drawing
from datasets_cards.procedural.painter import landscape
from datasets_cards.procedural.product import product
from datasets_cards.procedural.product_styles import style
from datasets_cards.procedural.scene_painter import scene

__all__ = ["drawing", "landscape", "product", "scene", "style"]
