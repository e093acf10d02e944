"""Tokens, codes and keyed hashes: what stands in for a person."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

_KEY_FILE = "secret.key"
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # no O and 0, no I and 1: codes are copied by hand


def new_token() -> str:
    """256 random bits for an address."""
    return secrets.token_urlsafe(32)


def new_code(letters: int = 10) -> str:
    """A code to copy by hand, about 50 random bits at the default length."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(letters))


def token_hash(token: str) -> str:
    """What is stored of a token: who reads the database cannot use it."""
    return hashlib.sha256(token.encode()).hexdigest()


def keyed_hash(key: bytes, study: str, value: str) -> str:
    """HMAC-SHA256 of a recruiting platform's id; another in each study, so that studies cannot be joined by it."""
    return hmac.new(key, f"{study}\0{value}".encode(), hashlib.sha256).hexdigest()


def keyed_code(key: bytes, purpose: str, value: str, letters: int = 20) -> str:
    """A code to write down that follows from `key` and `value`, in groups of four; about 99 random bits by default."""
    number = int.from_bytes(hmac.new(key, f"{purpose}\0{value}".encode(), hashlib.sha256).digest(), "big")
    code = ""
    for _ in range(letters):
        number, digit = divmod(number, len(_ALPHABET))
        code += _ALPHABET[digit]
    return "-".join(code[start : start + 4] for start in range(0, letters, 4))


def typed_code(text: str) -> str:
    """A code as somebody typed it, without dashes, spaces and small letters."""
    return "".join(letter for letter in text.upper() if letter.isascii() and letter.isalnum())


def load_key(folder: Path) -> bytes:
    """The secret of the keyed hashes: DANQING_STUDY_KEY, or a file in `folder`, made on first use.

    It is kept out of the database, so that a copy of the database alone does not let anyone try ids out. Several
    servers on one database need the same one: set the variable.

    Raises:
        ValueError: a key shorter than 32 characters.
    """
    if given := os.environ.get("DANQING_STUDY_KEY", ""):
        if len(given) < 32:
            raise ValueError(f"DANQING_STUDY_KEY needs at least 32 characters, got {len(given)}.")
        return given.encode()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / _KEY_FILE
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = file.read_bytes()
        if len(key) < 32:
            raise ValueError(f"{file} is damaged: it holds {len(key)} bytes, not 32 or more.") from None
        return key
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(secrets.token_hex(32).encode())
        opened.flush()
        os.fsync(opened.fileno())
    return file.read_bytes()
