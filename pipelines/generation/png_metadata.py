"""What a generated picture was made from, written into its PNG file as text chunks and read back."""

import base64
import binascii
import math
import os
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

PREFIX = "danqing:"
MAX_SEED = 2**63 - 1  # what a torch generator takes
_MAX_LATENTS = 4096
_MAX_TEXT = 300


@dataclass(frozen=True)
class PictureFacts:
    """What it takes to make a picture again.

    Args:
        model: Hub id or name of the weights.
        revision: their revision on the Hub, or a digest of their numbers.
        category, colour: what it shows; no colour for a model that is told none.
        seed: None where no seed makes this picture; `latents` do then.
        truncation: of the seed's noise.
        latents: what the generator was given, float32; None where the seed tells it.
        score: the judge's, higher = more real; None where nobody judged.
    """

    model: str = ""
    revision: str = ""
    category: str = ""
    colour: str = ""
    seed: int | None = None
    truncation: float | None = None
    latents: tuple[float, ...] | None = None
    score: float | None = None


def facts_of(
    pipe: Any, output: Any, number: int, model: tuple[str, str], truncation: float, by_seed: bool = True
) -> PictureFacts:
    """What one picture of a `GenerationOutput` was made from.

    Args:
        pipe: that made it, a `NoiseSampling`.
        number: of the picture.
        model: name and revision, see `pipelines.generation.identity`.
        truncation: it was made with.
        by_seed: whether its seed makes it again; else its latents do.
    """
    return PictureFacts(
        *model,
        category=output.categories[number],
        colour=output.colours[number] or "",
        seed=output.seeds[number] if by_seed else None,
        truncation=float(truncation),
        latents=None if by_seed else tuple(output.latents[number].tolist()),
        score=None if output.scores is None else float(output.scores[number]),
    )


def file_stem(name: str) -> str:
    """A name from a model, which anybody may have made, as part of a file's name."""
    return re.sub(r"[^\w-]+", "_", name).strip("_")[:60] or "picture"


def write_png(image: Image.Image, target: str | os.PathLike, facts: PictureFacts) -> None:
    """Save `image` with `facts` as the PNG file `target`, which appears when whole.

    Raises:
        OSError: if the file cannot be written.
    """
    target = Path(target)
    info = PngInfo()
    for name, text in _to_texts(facts).items():
        info.add_itxt(PREFIX + name, text)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        image.save(partial, "PNG", pnginfo=info)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def read_facts(path: str | os.PathLike) -> PictureFacts | None:
    """The facts that a PNG file tells in chunks before its pixels; None if it tells none, or is no PNG.

    The file may come from anybody: a value that cannot be (a seed in words, latents that are not finite) counts as
    absent, and no pixel is decoded.

    Raises:
        OSError: if the file cannot be read, or is a damaged PNG.
    """
    path = Path(path)
    with path.open("rb") as file:
        if file.read(8) != b"\x89PNG\r\n\x1a\n":
            return None
    try:
        with Image.open(path, formats=["PNG"]) as image:
            chunks = dict(image.info)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise OSError(f"{path.name} is a damaged PNG file.") from error
    texts = {
        field.name: str(chunks[PREFIX + field.name]) for field in fields(PictureFacts) if PREFIX + field.name in chunks
    }
    return _from_texts(texts) if texts else None


def _to_texts(facts: PictureFacts) -> dict[str, str]:
    """Only what is known; numbers so that they read back equal."""
    texts = {name: getattr(facts, name) for name in ("model", "revision", "category", "colour")}
    texts |= {name: repr(getattr(facts, name)) for name in ("seed", "truncation", "score") if _known(facts, name)}
    if facts.latents is not None:
        packed = np.asarray(facts.latents, "<f4").tobytes()
        texts["latents"] = base64.b64encode(packed).decode()  # float32, little-endian
    return {name: text for name, text in texts.items() if text}


def _known(facts: PictureFacts, name: str) -> bool:
    return getattr(facts, name) is not None


def _from_texts(texts: dict[str, str]) -> PictureFacts:
    words = {name: texts.get(name, "")[:_MAX_TEXT] for name in ("model", "revision", "category", "colour")}
    return PictureFacts(
        **words,
        seed=_seed(texts.get("seed", "")),
        truncation=_number(texts.get("truncation", "")),
        latents=_latents(texts.get("latents", "")),
        score=_number(texts.get("score", "")),
    )


def _seed(text: str) -> int | None:
    fine = len(text) <= 19 and text.isascii() and text.isdecimal() and int(text) <= MAX_SEED
    return int(text) if fine else None


def _number(text: str) -> float | None:
    try:
        value = float(text[:40])
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _latents(text: str) -> tuple[float, ...] | None:
    try:
        values = np.frombuffer(base64.b64decode(text[: 8 * _MAX_LATENTS], validate=True), "<f4")
    except (ValueError, binascii.Error):  # no base64, or no whole number of floats
        return None
    fine = 0 < len(values) <= _MAX_LATENTS and bool(np.isfinite(values).all())
    return tuple(values.tolist()) if fine else None
