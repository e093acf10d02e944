"""What became of every picture of a labelled set: the scenes' report, with subsets, rights and colours."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from datasets_cards.labelled.writer import Row
from datasets_cards.scenes.pictures import Left
from datasets_cards.scenes.report import Report, cell
from datasets_cards.sources import SPLITS


class LabelledReport(Report):
    """Counts what goes in, what is left out and what is written; `full_side`: the largest that pictures can have."""

    def __init__(self, name: str, given: int, left: Sequence[Left], full_side: int, colours: bool):
        super().__init__(name, given, left, full_side)
        self.rights: Counter[str] = Counter()
        self.colours: Counter[tuple[str, str]] | None = Counter() if colours else None  # label, colour

    def add(self, split: str, row: Row, changed: bool) -> None:
        """Count one picture that went into `split`; `changed`: it was encoded anew."""
        self.written(split, row.scene, row.data, changed)
        self.rights[row.rights] += 1
        if self.colours is not None:
            self.colours[row.scene.label, row.colour or "unknown"] += 1

    def counts(self) -> dict[str, Any]:
        """As the scenes' report counts, and the pictures by rights and, where the set has them, by colour."""
        counts = super().counts() | {"rights": dict(sorted(self.rights.items()))}
        if self.colours is not None:
            counts["colours"] = dict(self._colour_sums().most_common())
        return counts

    def _colour_sums(self) -> Counter[str]:
        sums: Counter[str] = Counter()
        for (_, colour), count in (self.colours or {}).items():
            sums[colour] += count
        return sums

    def _counts_table(self) -> list[str]:
        """Pictures by label and split; by label and colour where the set has colours."""
        sums: Counter[tuple[str, str]] = Counter()
        for (split, label, _), count in self.rows.items():
            sums[label, split] += count
        lines = _table(sums, sorted({label for label, _ in sums}), SPLITS)
        subsets: Counter[str] = Counter()
        for (_, _, subset), count in self.rows.items():
            subsets[subset or "not stated"] += count
        lines += ["", f"Subsets: {_listed(subsets)}. Rights: {_listed(self.rights)}."]
        if self.colours:
            names = [name for name, _ in self._colour_sums().most_common()]
            lines += ["", *_table(self.colours, sorted({label for label, _ in self.colours}), names)]
        return lines


def _table(counts: Counter[tuple[str, str]], rows: Sequence[str], columns: Sequence[str]) -> list[str]:
    lines = [f"| label | {' | '.join(map(cell, columns))} | all |", "|---" * (len(columns) + 2) + "|"]
    for row in rows:
        numbers = [counts[row, column] for column in columns]
        lines.append(f"| {cell(row)} | {' | '.join(map(str, numbers))} | {sum(numbers)} |")
    return lines


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{cell(name)} {count}" for name, count in sorted(counts.items()))
