"""What became of every picture: report.json, the card and the contact sheets."""

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
from datasets_cards.scenes.content import CONTENTS
from datasets_cards.scenes.pictures import Left, Scene
from datasets_cards.sources import SPLITS

_ON_A_SHEET = 100
_THUMBNAIL = 128
PLACE = "<!-- this build -->"  # where a card gets the tables of a build
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


class Report:
    """Counts what goes in, what is left out and what is written; `write` puts it down."""

    def __init__(self, name: str, given: int, left: Sequence[Left], full_side: int = 256):
        self.name, self.given, self.left, self.full_side = name, given, left, full_side
        self.rows: Counter[tuple[str, str, str]] = Counter()  # split, label, content
        self.sources: Counter[tuple[str, str]] = Counter()
        self.changed = self.below = 0
        self.sheets = {split: Reservoir(_ON_A_SHEET, np.random.default_rng(i)) for i, split in enumerate(SPLITS)}

    def written(self, split: str, scene: Scene, data: bytes, changed: bool) -> None:
        """Count one picture that went into `split`, encoded as `data`."""
        self.rows[split, scene.label, scene.content] += 1
        self.sources[scene.image.source or "not stated", scene.image.licence or "not stated"] += 1
        self.changed += changed
        small = Image.open(io.BytesIO(data)).convert("RGB")
        self.below += min(small.size) < self.full_side
        small.thumbnail((_THUMBNAIL, _THUMBNAIL))
        self.sheets[split].offer((small, f"{scene.label} {scene.content}"))

    def reasons(self) -> str:
        """The reasons for leaving out, with their counts, in a line."""
        return ", ".join(f"{reason} {count}" for reason, count in Counter(i.reason for i in self.left).items())

    def counts(self) -> dict[str, Any]:
        """The sums: `given` = all of `written` + all of `left_out`."""
        return {
            "given": self.given,
            "written": {
                split: {"/".join(key[1:]): count for key, count in sorted(self.rows.items()) if key[0] == split}
                for split in SPLITS
            },
            "left_out": dict(Counter(item.reason for item in self.left)),
            "left_out_by_split": dict(Counter(item.split or "none" for item in self.left)),
            "re_encoded": self.changed,
            f"short_side_below_{self.full_side}": self.below,
        }

    def write(self, folder: Path, source: Sequence[str], options: Any) -> None:
        """Write report.json, sheets/*.jpg and the card, with this build's counts in it."""
        whole = {
            "name": self.name,
            "options": {"source": list(source), **asdict(options)},
            "counts": self.counts(),
            "sources": [{"source": s, "licence": r, "pictures": n} for (s, r), n in sorted(self.sources.items())],
            "left_out": [asdict(item) for item in self.left],
        }
        (folder / "report.json").write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        (folder / "sheets").mkdir()
        for split, sample in self.sheets.items():
            images, captions = zip(*sample.items, strict=True)
            sheet = contact_sheet(images, captions, cell=_THUMBNAIL)
            sheet.save(folder / "sheets" / f"{split}.jpg", quality=88)
        (folder / "README.md").write_text(self._card(), encoding="utf-8")

    def _card(self) -> str:
        card = card_file(self.name).read_text(encoding="utf-8")
        card = card.replace("- 1K<n<10K", f"- {size_category(self.rows.total())}", 1)
        return card.replace(PLACE, self._tables())

    def _tables(self) -> str:
        lines = self._counts_table()
        lines += ["", f"{self.given} pictures were given; left out: {self.reasons() or 'none'}. {self.changed} were "]
        lines[-1] += f"encoded anew, {self.below} have a short side under {self.full_side} pixels."
        lines += ["", "| source | licence, as the source states it | pictures |", "|---|---|---|"]
        for (source, licence), count in sorted(self.sources.items()):
            lines.append(f"| {cell(source)} | {cell(licence)} | {count} |")
        return "\n".join(lines)

    def _counts_table(self) -> list[str]:
        cells = sorted(
            {(label, content) for _, label, content in self.rows}, key=lambda c: (c[0], CONTENTS.index(c[1]))
        )
        lines = [f"| split | {' | '.join(f'{label}, {content}' for label, content in cells)} | all |"]
        lines.append("|---" * (len(cells) + 2) + "|")
        for split in SPLITS:
            numbers = [self.rows[split, *cell] for cell in cells]
            lines.append(f"| {split} | {' | '.join(map(str, numbers))} | {sum(numbers)} |")
        return lines


def size_category(total: int) -> str:
    """The Hub's name for a data set of `total` rows."""
    return next((name for limit, name in _SIZES if total < limit), "n>1M")


def cell(text: str) -> str:
    """Text that cannot break a table of Markdown."""
    return " ".join(text.split()).replace("|", "\\|")
