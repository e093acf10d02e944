"""What a person or a program asks of a generator, checked; each refusal is a sentence in the page's language."""

import secrets
from typing import Any

from ui.languages import UserError

MAX_COUNT = 64
MAX_SEED = 2**63 - 1
_CHANCE = 10**8  # seeds by chance stay short enough to read out, and to stand under a small picture


def count_of(value: Any) -> int:
    """How many pictures; UserError outside 1 to `MAX_COUNT`."""
    return whole(value, 1, MAX_COUNT, "sample_error_count", limit=MAX_COUNT)


def seed_of(value: Any) -> int:
    """A seed as typed; one by chance where nothing was."""
    text = "" if value is None else str(value).strip()
    if not text:
        return secrets.randbelow(_CHANCE)
    if not (text.isascii() and text.isdecimal() and len(text) <= 19 and int(text) <= MAX_SEED - MAX_COUNT):
        raise UserError("sample_error_seed", value=text[:40])
    return int(text)


def whole(value: Any, low: int, high: int, key: str, /, **values: Any) -> int:
    """A whole number from `low` to `high`; UserError with the text called `key` otherwise."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high or value != int(value):
        raise UserError(key, value=str(value)[:40], **values)
    return int(value)
