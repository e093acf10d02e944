"""Results that were published as counts alone: right answers of each item. What they give, and what they cannot.

`published_counts()` are those of the landscape colorization paper: 165 people, ten questions of four pictures of which
one is generated, five a network.
"""

import hashlib
import io
from pathlib import Path

import pandas as pd

from study.analysis.count_tables import accuracy_table, cannot_table, chance_table, comparison_table, item_table
from study.analysis.item_sample import ItemSample
from study.analysis.paper_layout import paper_table
from study.analysis.report import Report, Source
from study.analysis.tables import Basis
from study.plan import AnalysisPlan

COLUMNS = ("condition", "item", "right", "asked")
PUBLISHED = Path(__file__).with_name("published_counts.csv")


def published_counts() -> pd.DataFrame:
    """The paper's counts: condition, item, right, asked."""
    return read_counts(PUBLISHED)


def read_counts(file: Path) -> pd.DataFrame:
    """Counts from a CSV with the columns condition, item, right, asked; ValueError says what is wrong with it."""
    try:
        table = pd.read_csv(io.StringIO(file.read_text(encoding="utf-8-sig")), dtype=str, keep_default_na=False)
    except (ValueError, UnicodeDecodeError) as error:
        raise ValueError(f"{file.name} is no CSV of counts: {error}") from error
    return check_counts(table)


def check_counts(table: pd.DataFrame) -> pd.DataFrame:
    """The four columns with their types; ValueError for other tables and impossible counts."""
    if missing := [column for column in COLUMNS if column not in table.columns]:
        raise ValueError(f"Counts have the columns {', '.join(COLUMNS)}; {', '.join(missing)} is missing.")
    counts = table.loc[:, list(COLUMNS)].reset_index(drop=True).astype({"condition": str, "item": str})
    for column in ("right", "asked"):
        numbers = pd.to_numeric(counts[column], errors="coerce")
        if numbers.isna().any() or (numbers % 1 != 0).any():
            raise ValueError(f"The column {column} holds whole numbers, got {counts[column].tolist()[:5]}.")
        counts[column] = numbers.astype(int)
    if counts.empty:
        raise ValueError("There are no counts.")
    bad = counts[(counts["right"] < 0) | (counts["asked"] < 1) | (counts["right"] > counts["asked"])]
    if len(bad):
        raise ValueError(f"An item has 0 to `asked` right answers and is asked at least once, got\n{bad.to_string()}")
    if counts.duplicated(["condition", "item"]).any():
        raise ValueError("An item of a condition stands there twice.")
    return counts


def analyse_counts(
    counts: pd.DataFrame, chance: float = 0.25, plan: AnalysisPlan | None = None, title: str = "Published counts"
) -> Report:
    """What item counts give: accuracies, intervals over answers and over items, tests; and what they cannot give.

    Args:
        counts: condition, item, right, asked.
        chance: of a right answer without looking.
    """
    counts, plan = check_counts(counts), plan or AnalysisPlan()
    if not 0 < chance < 1:
        raise ValueError(f"Chance is between 0 and 1, got {chance}.")
    names = list(dict.fromkeys(counts["condition"]))
    samples = {name: ItemSample(name, counts[counts["condition"] == name], plan) for name in names}
    basis = Basis(int(counts["asked"].max()), int(counts["asked"].sum()), len(counts), chance)
    tables = [
        accuracy_table(samples, plan, basis),
        chance_table(samples, chance, plan, basis),
        comparison_table(samples, plan, basis),
        item_table(samples, chance, plan, basis),
        paper_table({name: one.pairs for name, one in samples.items()}, chance, basis),
        cannot_table(basis),
    ]
    digest = hashlib.sha256(counts.to_csv(index=False, lineterminator="\n").encode()).hexdigest()
    source = Source("counts", title, digest, basis.people, basis.answers, basis.items, (chance,), plan)
    notes = [
        "People: the largest number of answers to one item; whether the same people answered all is not in the counts.",
        "Intervals over answers take all answers as independent and the items as the only ones of interest; intervals "
        "over items ask what other pictures of the same network would do.",
    ]
    return Report(title, source, tables, notes)
