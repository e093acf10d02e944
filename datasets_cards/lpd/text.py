"""Inscriptions and watermarks, by the text detector that comes inside `rapidocr`."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np

from datasets_cards.lpd.marks import Mark
from datasets_cards.sources import fingerprint

_TEXT_SIDE = 736  # the detector sees the painting with its short side enlarged to this
_ASKED_SCORE = 0.4  # boxes of less confidence are not even remembered
_TEXT_SCORE = 0.5  # least confidence for a box to count as writing
_WIDEST_LINE = 0.25  # of the painting's short side; wider boxes were mountains taken for characters
_LATIN_SCORE = 0.8  # least confidence of the recogniser that a text is Latin: a watermark


class TextFinder:
    """The text detector that comes with `rapidocr`, run once per painting; answers are kept in a JSON file."""

    def __init__(self, cache: Path | None, threads: int = 1):
        self.cache, self.threads = cache, threads
        self._engine = None
        self._known: dict[str, list[dict]] = {}
        if cache is not None and cache.is_file():
            self._known = json.loads(cache.read_text(encoding="utf-8"))

    def __call__(self, pixels: np.ndarray) -> list[Mark]:
        """Inscriptions and watermarks in (H, W, 3) uint8 RGB."""
        key = f"{fingerprint(pixels.tobytes())}-{_TEXT_SIDE}-{_ASKED_SCORE}-{_LATIN_SCORE}"
        if key not in self._known:
            self._known[key] = [asdict(mark) for mark in self._find(pixels)]
        widest = _WIDEST_LINE * min(pixels.shape[:2])
        found = [Mark(**values) for values in self._known[key]]
        return [m for m in found if m.score >= _TEXT_SCORE and min(m.right - m.left, m.bottom - m.top) <= widest]

    def save(self) -> None:
        """Write the cache, whole or not at all."""
        if self.cache is None:
            return
        self.cache.parent.mkdir(parents=True, exist_ok=True)
        part = self.cache.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(self._known), encoding="utf-8")
        part.replace(self.cache)

    def _find(self, pixels: np.ndarray) -> list[Mark]:
        if self._engine is None:
            self._engine = _text_engine(self.threads)
        found = self._engine(np.ascontiguousarray(pixels[:, :, ::-1]))  # the engine wants BGR
        if getattr(found, "boxes", None) is None:
            return []
        marks = []
        for corners, score in zip(found.boxes, found.scores, strict=True):
            (left, top), (right, bottom) = corners.min(0), corners.max(0)
            box = (max(int(left), 0), max(int(top), 0), int(np.ceil(right)), int(np.ceil(bottom)))
            kind = "watermark" if self._is_latin(pixels, *box) else "inscription"
            marks.append(Mark(kind, *box, round(float(score), 3)))
        return marks

    def _is_latin(self, pixels: np.ndarray, left: int, top: int, right: int, bottom: int) -> bool:
        """Whether a line of text is Latin letters or figures: no painter wrote those, a seller's stamp does."""
        if right - left < 1.5 * (bottom - top):
            return False  # a column, or a single character
        line = np.ascontiguousarray(pixels[top:bottom, left:right, ::-1])
        read = self._engine(line, use_det=False, use_rec=True)
        self._engine.update_params(use_det=True, use_rec=False)
        if not read.txts or read.scores[0] < _LATIN_SCORE:
            return False
        letters = [c for c in read.txts[0] if not c.isspace()]
        return sum(c.isascii() and c.isalnum() for c in letters) >= max(3, 0.7 * len(letters))


def _text_engine(threads: int):
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Global.use_rec": False,
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": threads,
            "Det.limit_side_len": _TEXT_SIDE,
            "Det.limit_type": "min",
            "Det.box_thresh": _ASKED_SCORE,
        }
    )
