"""Inscriptions and watermarks, by the text detector that comes inside `rapidocr`."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from datasets_cards.lpd.marks import Mark
from datasets_cards.sources import fingerprint

# The detector sees the painting with its short side enlarged to _SIDE. Now and then it takes a whole landscape for one
# text, which hides the inscription in it: such paintings are looked at again in pieces, enlarged to _PIECE_SIDE.
_SIDE, _PIECE_SIDE = 736, 512
_PIECE = 0.6  # of the painting's short side
_WINDOW = 1536  # pixels a side that the detector sees at once: it would shrink a scroll until nothing can be read
_ASKED_SCORE = 0.4  # boxes of less confidence are not even remembered
_SAVED_EVERY = 50  # paintings: a build that is stopped does not ask again
_LATIN_SCORE = 0.8  # least confidence of the recogniser that a text is Latin: a watermark

# A box counts as writing by shape. Of 240 columns looked at, practically all were writing or seals; boxes that are
# not upright are mountains and rows of trees unless they are small.
_COLUMN = 1.5  # times as high as wide
_WIDEST_COLUMN, _HIGHEST_LINE = 0.25, 0.1  # of the painting's short side
_LINE_SCORE = 0.6  # least confidence for a box that is no column


class TextFinder:
    """The text detector that comes with `rapidocr`, run once per painting; answers are kept in a JSON file."""

    def __init__(self, cache: Path, threads: int = 1):
        self.cache, self.threads = cache, threads
        self.engines: dict[int, Any] = {}
        self._known: dict[str, list[dict]] = {}
        if cache.is_file():
            self._known = json.loads(cache.read_text(encoding="utf-8"))

    def __call__(self, pixels: np.ndarray) -> list[Mark]:
        """Inscriptions and watermarks in (H, W, 3) uint8 RGB."""
        key, short_side = fingerprint(pixels.tobytes()), min(pixels.shape[:2])
        found = self._look(pixels, key, _WINDOW, _SIDE)
        if any(min(_size(mark)) > _WIDEST_COLUMN * short_side for mark in found):
            piece = int(np.ceil(_PIECE * short_side))
            found = found + self._look(pixels, f"{key}-pieces", piece, _PIECE_SIDE)
        return [mark for mark in found if _is_writing(mark, short_side)]

    def save(self) -> None:
        """Write the cache, whole or not at all."""
        self.cache.parent.mkdir(parents=True, exist_ok=True)
        part = self.cache.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(self._known), encoding="utf-8")
        part.replace(self.cache)

    def engine(self, side: int) -> Any:
        """The detector and recogniser that enlarge a short side to `side`; started when first needed."""
        if side not in self.engines:
            import onnxruntime
            from rapidocr import RapidOCR

            onnxruntime.disable_telemetry_events()
            threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": self.threads for kind in ("intra", "inter")}
            detector = {"Det.limit_side_len": side, "Det.limit_type": "min", "Det.box_thresh": _ASKED_SCORE}
            steps = {"Global.log_level": "critical", "Global.use_cls": False, "Global.use_rec": False}
            self.engines[side] = RapidOCR(params={**steps, **threads, **detector})
        return self.engines[side]

    def _look(self, pixels: np.ndarray, key: str, window: int, side: int) -> list[Mark]:
        """All boxes of the detector in `pixels`, seen through windows that overlap; from the cache if it has `key`."""
        key = f"{key}-{side}-{_ASKED_SCORE}-{_LATIN_SCORE}"
        if key not in self._known:
            marks = []
            for y in _starts(pixels.shape[0], window):
                for x in _starts(pixels.shape[1], window):
                    marks += self._detect(pixels[y : y + window, x : x + window], x, y, side)
            self._known[key] = [asdict(mark) for mark in marks]
            if len(self._known) % _SAVED_EVERY == 0:
                self.save()
        return [Mark(**values) for values in self._known[key]]

    def _detect(self, pixels: np.ndarray, x: int, y: int, side: int) -> list[Mark]:
        """Boxes in one window that lies at `x`, `y` of the painting."""
        found = self.engine(side)(np.ascontiguousarray(pixels[:, :, ::-1]))  # the engine wants BGR
        if getattr(found, "boxes", None) is None:
            return []
        marks = []
        for corners, score in zip(found.boxes, found.scores, strict=True):
            left, top = (max(int(v), 0) for v in corners.min(0))
            right, bottom = (int(np.ceil(v)) for v in corners.max(0))
            kind = "watermark" if self._is_latin(pixels[top:bottom, left:right], side) else "inscription"
            marks.append(Mark(kind, left + x, top + y, right + x, bottom + y, round(float(score), 3)))
        return marks

    def _is_latin(self, line: np.ndarray, side: int) -> bool:
        """Whether (H, W, 3) pixels of one line are Latin letters or figures: a seller's stamp, no painter's hand."""
        height, width = line.shape[:2]
        if width < 1.5 * height:
            return False  # a column, or a single character
        read = self.engine(side)(np.ascontiguousarray(line[:, :, ::-1]), use_det=False, use_rec=True)
        self.engine(side).update_params(use_det=True, use_rec=False)
        if not read.txts or read.scores[0] < _LATIN_SCORE:
            return False
        letters = [c for c in read.txts[0] if not c.isspace()]
        return sum(c.isascii() and c.isalnum() for c in letters) >= max(3, 0.7 * len(letters))


def _size(mark: Mark) -> tuple[int, int]:
    return mark.right - mark.left, mark.bottom - mark.top


def _is_writing(mark: Mark, short_side: int) -> bool:
    """Whether a box of the detector has the shape of a column or a line of writing in a painting of that short side."""
    width, height = _size(mark)
    if height >= _COLUMN * width:
        return width <= _WIDEST_COLUMN * short_side
    return mark.kind == "watermark" or (mark.score >= _LINE_SCORE and min(width, height) <= _HIGHEST_LINE * short_side)


def _starts(length: int, window: int) -> list[int]:
    """Where windows begin along a side, each overlapping the next by a sixth."""
    overlap = window // 6
    return list(range(0, max(length - overlap, 1), window - overlap))
