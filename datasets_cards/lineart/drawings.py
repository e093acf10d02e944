"""The drawing and the reference of a picture that is for measuring: chosen by its id, the same in every build."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from PIL import Image

from datasets_cards.scenes.pictures import Scene
from datasets_cards.scenes.splits import NEAR_DUPLICATE
from pipelines.line_extraction import EXTRACTORS


def drawing_of(picture: Image.Image, name: str) -> tuple[str, Image.Image]:
    """Draw a colour picture by the extractor that the hash of its id chooses, with that extractor's defaults.

    Returns:
        the extractor's name, and the drawing, mode L, of the picture's size.
    """
    extractor = sorted(EXTRACTORS)[_number(name) % len(EXTRACTORS)]
    pixels = torch.from_numpy(np.asarray(picture.convert("RGB")).copy())
    with torch.inference_mode():
        lines = EXTRACTORS[extractor](pixels.permute(2, 0, 1)[None].float() / 127.5 - 1)[0, 0]
    return extractor, Image.fromarray(((lines + 1) * 127.5).round().clamp(0, 255).byte().numpy(), "L")


def references(scenes: Sequence[Scene], pages: Mapping[str, str]) -> dict[str, str]:
    """{id of a scene: id of another of the same split, whose colours it is to take}.

    The other has the same subset, another page and another motif (no near-duplicate) where there is such a one; where
    not, the same subset; where not that either, it is any other. Among these the hash of both ids decides.

    Raises:
        ValueError: fewer than two scenes.
    """
    if len(scenes) < 2:
        raise ValueError(f"A reference is another picture of the split, which has {len(scenes)}.")
    chosen = {}
    for scene in scenes:
        others = [other for other in scenes if other.id != scene.id]
        alike = [other for other in others if other.label == scene.label]
        apart = [other for other in alike if not _together(scene, other, pages)]
        chosen[scene.id] = min(apart or alike or others, key=lambda other: _number(scene.id + other.id)).id
    return chosen


def _together(one: Scene, other: Scene, pages: Mapping[str, str]) -> bool:
    same_page = pages[one.id] != "" and pages[one.id] == pages[other.id]
    return same_page or int((one.hash != other.hash).sum()) <= NEAR_DUPLICATE


def _number(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:16], 16)
