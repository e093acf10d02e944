"""The paper's table: a network a row, the right answers to each of its questions, mean accuracy, chance."""

from collections.abc import Mapping, Sequence

import numpy as np

from study.analysis.tables import NA, Basis, Column, Table, Value, missing

MOST = 12  # questions that still fit side by side


def paper_table(
    counts: Mapping[str, Sequence[tuple[int, int]]], chance: float, basis: Basis, suffix: str = "", title: str = ""
) -> Table:
    """Right answers and answers of each item of each condition, as (right, asked), in the paper's layout.

    With more than `MOST` items a condition their accuracies are summarised instead.
    """
    width = max((len(items) for items in counts.values()), default=0)
    rows: list[Mapping[str, Value]] = []
    for condition, items in counts.items():
        right, asked = sum(r for r, _ in items), sum(n for _, n in items)
        row: dict[str, Value] = {"condition": condition, "chance": chance, "items": len(items), "asked": _asked(items)}
        row["accuracy"] = right / asked if asked else NA("no answers")
        if width <= MOST:
            row |= {f"q{number}": r for number, (r, _) in enumerate(items, 1)}
        else:
            row |= _summary(items)
        rows.append(row)
    if width <= MOST:
        questions = [Column(f"q{number}", f"question {number}", "count") for number in range(1, width + 1)]
    else:
        labels = {"lowest": "lowest item", "median": "median item", "highest": "highest item"}
        questions = [Column("items", "items", "count"), *(Column(k, label, "percent") for k, label in labels.items())]
    columns = [
        Column("condition", "network"),
        Column("asked", "answers an item"),
        *questions,
        Column("accuracy", "mean accuracy", "percent"),
        Column("chance", "chance", "percent"),
    ]
    method = "Right answers to each question (item)."
    if width > MOST:
        method = f"More than {MOST} items a network: their accuracies are summarised, the table of items has each."
    return Table(f"paper{suffix}", f"In the paper's layout{title}", columns, rows, basis, method)


def _asked(items: Sequence[tuple[int, int]]) -> str:
    asked = [n for _, n in items]
    return "0" if not asked else str(asked[0]) if min(asked) == max(asked) else f"{min(asked)} to {max(asked)}"


def _summary(items: Sequence[tuple[int, int]]) -> dict[str, Value]:
    if not items:
        return missing(("lowest", "median", "highest"), NA("no answers"))
    shares = np.array([r / n for r, n in items])
    return {"lowest": float(shares.min()), "median": float(np.median(shares)), "highest": float(shares.max())}
