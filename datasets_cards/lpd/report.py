"""What became of every painting and crop: report.json and the contact sheets."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from datasets_cards import card_file
from datasets_cards.contact_sheet import Reservoir, contact_sheet
from datasets_cards.lpd.crops import SIZE
from datasets_cards.lpd.cutting import Crop, seed_of
from datasets_cards.lpd.paintings import Left, Painting

_ON_A_SHEET = 100
_THUMBNAIL = 128


class Report:
    """Collects the fates as they fall; `write` puts them down."""

    def __init__(self, seed: int, paintings: Sequence[Painting], left: Sequence[Left]):
        self.seed, self.paintings, self.left = seed, paintings, left
        self.drops: list[dict[str, Any]] = []
        self.planned = self.stand_ins = 0
        self.kept: Counter = Counter()
        self.files: dict[str, Counter] = {}
        self.enlarged: dict[str, float] = {}
        self.sheets: dict[str, Reservoir] = {}

    def add(self, crop: Crop) -> None:
        """Count one crop, kept or dropped."""
        painting, box = crop.painting.image.name, crop.box
        self.stand_ins += crop.stands_in
        self.planned += not crop.stands_in
        if box.side < SIZE:
            self.enlarged[painting] = round(SIZE / box.side, 3)
        if not crop.reason:
            self.kept[crop.painting.split] += 1
            return
        self.drops.append(
            {
                "painting": painting,
                "box": [box.x, box.y, box.side],
                "reason": crop.reason,
                "split": crop.painting.split,
                "group": crop.painting.group,
            }
        )
        self._show(f"dropped_{crop.reason}", crop)

    def written(self, file: str, crop: Crop) -> None:
        """Count one crop that went into `file`."""
        self.files.setdefault(file, Counter())[crop.painting.group] += 1
        self._show(f"kept_{file}", crop)

    def counts(self) -> dict[str, Any]:
        """The sums, by file, by reason and by split."""
        reasons = Counter(drop["reason"] for drop in self.drops)
        return {
            "paintings": dict(Counter(f"{p.split}/{p.group}" for p in self.paintings)),
            "paintings_left_out": dict(Counter(item.reason for item in self.left)),
            "paintings_enlarged": len(self.enlarged),
            "crops_planned": self.planned,
            "crops_standing_in": self.stand_ins,
            "crops_dropped": dict(reasons),
            "crops_dropped_by_split": dict(Counter(drop["split"] for drop in self.drops)),
            "crops_kept_by_split": dict(self.kept),
            "crops_written": {name: dict(groups) for name, groups in self.files.items()},
        }

    def write(self, folder: Path, options: dict[str, Any]) -> None:
        """Write report.json, sheets/*.jpg and the card, with this build's counts in it."""
        options = {key: asdict(value) if is_dataclass(value) else value for key, value in options.items()}
        whole = {
            "options": {"seed": self.seed, **options},
            "counts": self.counts(),
            "left_out": [asdict(item) for item in self.left],
            "enlarged": self.enlarged,
            "dropped": self.drops,
        }
        (folder / "report.json").write_text(json.dumps(whole, indent=1, ensure_ascii=False), encoding="utf-8")
        (folder / "sheets").mkdir()
        for name, sample in self.sheets.items():
            images, captions = zip(*sample.items, strict=True)
            sheet = contact_sheet(images, captions, cell=_THUMBNAIL)
            sheet.save(folder / "sheets" / f"{name}.jpg", quality=88)
        if card_file("lpd").is_file():
            card = card_file("lpd").read_text(encoding="utf-8")
            (folder / "README.md").write_text(card.replace("<!-- this build -->", self._table()), encoding="utf-8")

    def _table(self) -> str:
        lines = ["| file | colour | pale | ink |", "|---|---|---|---|"]
        for name, groups in self.files.items():
            lines.append(f"| {name} | {groups['colour']} | {groups['pale']} | {groups['ink']} |")
        return "\n".join(lines)

    def _show(self, sheet: str, crop: Crop) -> None:
        if sheet not in self.sheets:
            self.sheets[sheet] = Reservoir(_ON_A_SHEET, seed_of(self.seed, sheet))
        small = Image.fromarray(crop.pixels).resize((_THUMBNAIL, _THUMBNAIL), Image.Resampling.BOX)
        self.sheets[sheet].offer((small, crop.painting.image.name.split("/")[-1]))
