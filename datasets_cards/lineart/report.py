"""What became of every illustration: report.json, the card and the contact sheets."""

import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from datasets_cards import card_file
from datasets_cards.contact_sheet import Reservoir, contact_sheet
from datasets_cards.lineart.writer import Row
from datasets_cards.scenes.pictures import Left
from datasets_cards.scenes.report import PLACE, cell, size_category
from datasets_cards.sources import SPLITS

_ON_A_SHEET = 60
_THUMBNAIL = 144


class LineArtReport:
    """Counts what goes in, what is left out and what is written; `write` puts it down."""

    def __init__(self, given: int, left: Sequence[Left]):
        self.given, self.left = given, left
        self.rows: Counter[tuple[str, str, str]] = Counter()  # split, subset, rights
        self.extractors: Counter[tuple[str, str]] = Counter()  # split, extractor
        self.sources: Counter[tuple[str, str]] = Counter()
        self.changed = self.below = 0
        self.sheets = {split: Reservoir(_ON_A_SHEET, np.random.default_rng(i)) for i, split in enumerate(SPLITS)}

    def written(self, split: str, row: Row, changed: bool) -> None:
        """Count one picture that went into `split`; `changed`: it was encoded anew."""
        image = row.scene.image
        self.rows[split, row.scene.label, row.rights] += 1
        self.sources[image.source or "not stated", image.licence or "not stated"] += 1
        self.changed += changed
        small = Image.open(io.BytesIO(row.data)).convert("RGB")
        self.below += min(small.size) < 256
        small.thumbnail((_THUMBNAIL, _THUMBNAIL))
        if row.lines is not None:
            self.extractors[split, row.extractor or ""] += 1
        self.sheets[split].offer((small, row.lines, f"{row.scene.label} {row.extractor or ''}"))

    def reasons(self) -> str:
        """The reasons for leaving out, with their counts, in a line."""
        return ", ".join(f"{reason} {count}" for reason, count in Counter(i.reason for i in self.left).items())

    def counts(self) -> dict[str, Any]:
        """The sums: `given` = all of `written` + all of `left_out`."""
        return {
            "given": self.given,
            "written": {split: _of_split(self.rows, split) for split in SPLITS},
            "extractors": {split: _of_split(self.extractors, split) for split in SPLITS[1:]},
            "left_out": dict(Counter(item.reason for item in self.left)),
            "left_out_by_split": dict(Counter(item.split or "none" for item in self.left)),
            "re_encoded": self.changed,
            "short_side_below_256": self.below,
        }

    def write(self, folder: Path, source: Sequence[str], options: Any) -> None:
        """Write report.json, sheets/*.jpg and the card, with this build's counts in it."""
        whole = {
            "name": "lineart",
            "options": {"source": list(source), **asdict(options)},
            "counts": self.counts(),
            "sources": [{"source": s, "licence": r, "pictures": n} for (s, r), n in sorted(self.sources.items())],
            "left_out": [asdict(item) for item in self.left],
        }
        (folder / "report.json").write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        (folder / "sheets").mkdir()
        for split, sample in self.sheets.items():
            _sheet(sample.items).save(folder / "sheets" / f"{split}.jpg", quality=88)
        (folder / "README.md").write_text(self._card(), encoding="utf-8")

    def _card(self) -> str:
        card = card_file("lineart").read_text(encoding="utf-8")
        card = card.replace("- 1K<n<10K", f"- {size_category(self.rows.total())}", 1)
        return card.replace(PLACE, self._tables())

    def _tables(self) -> str:
        kinds = sorted({tuple(kind) for _, *kind in self.rows})
        lines = [f"| split | {' | '.join(f'{cell(subset)} ({rights})' for subset, rights in kinds)} | all |"]
        lines.append("|---" * (len(kinds) + 2) + "|")
        for split in SPLITS:
            numbers = [self.rows[split, subset, rights] for subset, rights in kinds]
            lines.append(f"| {split} | {' | '.join(map(str, numbers))} | {sum(numbers)} |")
        lines += ["", f"{self.given} pictures were given; left out: {self.reasons() or 'none'}. {self.changed} were "]
        lines[-1] += f"encoded anew, {self.below} have a short side under 256 pixels."
        for split in SPLITS[1:]:
            counts = ", ".join(f"{name} {count}" for name, count in _of_split(self.extractors, split).items())
            lines += ["", f"Drawings of {split}: {counts}."]
        lines += ["", "| source | licence, as the source states it | pictures |", "|---|---|---|"]
        lines += [
            f"| {cell(source)} | {cell(licence)} | {n} |" for (source, licence), n in sorted(self.sources.items())
        ]
        return "\n".join(lines)


def _of_split(counter: Counter, split: str) -> dict[str, int]:
    return {"/".join(key[1:]): count for key, count in sorted(counter.items()) if key[0] == split}


def _sheet(items: Sequence[tuple[Image.Image, Image.Image | None, str]]) -> Image.Image:
    """Pictures in rows of ten; where they have drawings, each followed by its own."""
    images: list[Image.Image] = []
    captions: list[str] = []
    for picture, lines, caption in items:
        images += [picture] if lines is None else [picture, lines]
        captions += [caption] if lines is None else [caption, ""]
    return contact_sheet(images, captions, cell=_THUMBNAIL)
