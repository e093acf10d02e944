"""Landscapes painted by a program: seeded, free of rights. For examples, tests, small training sets."""

from datasets_cards.procedural.painter import landscape

__all__ = ["landscape"]
