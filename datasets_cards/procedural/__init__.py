"""Landscapes painted by a program: seeded, free of rights, made in a second. For examples, tests and small training sets."""

from datasets_cards.procedural.painter import landscape

__all__ = ["landscape"]
