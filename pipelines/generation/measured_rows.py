"""Measures all rows beside real pictures: what the tables of both generators have in common."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evaluation.feature_cache import FeatureCache
from evaluation.options import EvaluationOptions
from evaluation.tables import Bound, Row, Table
from pipelines.generation.measured_pictures import PictureSet, as_many, blurred, read_pictures
from pipelines.generation.measured_samples import Samples, TrainedRow
from pipelines.generation.table_layout import (
    BLURRED,
    REAL_TRAIN,
    SIGMA,
    category_table,
    copying_table,
    quality_bounds,
    quality_table,
)
from pipelines.generation.table_measures import (
    Ground,
    MeasuredRow,
    SampleMeasures,
    category_cells,
    copying_cells,
    quality_cells,
)
from pipelines.generation.table_pictures import write_numbers, write_pictures


@dataclass(frozen=True)
class MeasuredSide:
    """All rows whose pictures have one size: trained ones, and real training pictures, sharp and blurred."""

    ground: Ground
    trained: Mapping[str, TrainedRow]
    samples: Mapping[str, Samples]  # of the trained rows
    measured: Mapping[str, MeasuredRow]  # real ones first

    @property
    def side(self) -> int:
        return self.ground.test.side

    def note(self, name: str) -> str | None:
        """Why a row must be marked."""
        return self.trained[name].note if name in self.trained else None


class RowMeasures:
    """Measures rows and writes their pictures into the command's folder.

    Args:
        options: of the command.
        subset: of the real pictures; None takes all.
        side: of the real pictures where there is no trained row.
    """

    def __init__(self, options: EvaluationOptions, subset: str | None = None, side: int = 64):
        self.options, self.subset, self.side = options, subset, side
        self.cache = FeatureCache(options.cache)
        self.measures = SampleMeasures(self.cache)

    def __call__(self, rows: Mapping[str, TrainedRow]) -> list[MeasuredSide]:
        """Sample and measure every row at its own size, small sizes first.

        Raises:
            OSError, ValueError: if pictures are missing, or a row does not make the categories that they show.
        """
        self.options.out.mkdir(parents=True, exist_ok=True)
        measured = []
        for side in sorted({row.side for row in rows.values()}) or [self.side]:
            measured.append(self._measure(side, {name: row for name, row in rows.items() if row.side == side}))
        numbers = {(name, one.side): (row, one.ground) for one in measured for name, row in one.measured.items()}
        write_numbers(self.options.out / "pictures.csv", numbers)
        return measured

    def ground(self, side: int) -> Ground:
        """The real pictures of one size: the split that is measured on, and all training pictures."""
        options = self.options
        test = read_pictures(options.data, options.split, side, self.subset, options.limit)
        return self.measures.ground(test, self.real("train", side))

    def real(self, split: str, side: int) -> PictureSet:
        """Real pictures to learn from: all, or, with `--limit` for a quick look, `--references` of each category."""
        limit = None if self.options.limit is None else self.options.references
        return read_pictures(self.options.data, split, side, self.subset, limit)

    def _measure(self, side: int, trained: Mapping[str, TrainedRow]) -> MeasuredSide:
        ground, seed = self.ground(side), self.options.seed
        real = as_many(ground.train, ground.test, seed)
        soft = real.shown_as(blurred(real.pictures, SIGMA))
        measured = {
            name: self.measures(shown, ground, keep=True, seed=seed)
            for name, shown in ((REAL_TRAIN, real), (BLURRED, soft))
        }
        samples = {name: row.sample(ground.test.labels, name=name) for name, row in trained.items()}
        measured |= {name: self.measures(some.shown, ground, seed=seed) for name, some in samples.items()}
        for name, row in measured.items():
            write_pictures(self.options.out, name, row, ground)
        return MeasuredSide(ground, trained, samples, measured)


def side_tables(title: str, one: MeasuredSide, options: EvaluationOptions) -> tuple[list[Table], list[Bound]]:
    """Quality, categories and memorisation of all rows of one size, and what the default must reach."""
    quality, categories, copying = [], [], []
    for name, row in one.measured.items():
        note = one.note(name)
        quality.append(Row(name, quality_cells(row, one.ground, options.seed), note))
        categories.append(Row(name, category_cells(row, one.ground, options.seed), note))
        copying.append(Row(name, copying_cells(row), note))
    shares = ", ".join(f"{label} {count}" for label, count in sorted(Counter(one.ground.test.labels).items()))
    counts = f"N = {len(one.ground.test)} ({shares}), against as many real {options.split} pictures."
    tables = [
        quality_table(title, quality, counts),
        category_table(title, one.ground.labels, categories),
        copying_table(title, copying, options.split),
    ]
    return tables, quality_bounds(title, quality)


def table_facts(options: EvaluationOptions, sides: list[MeasuredSide]) -> dict[str, Any]:
    """What the report says of its making."""
    ground = sides[0].ground
    facts: dict[str, Any] = {"data": options.data.name, "split": options.split}
    facts |= {"pictures": dict(sorted(Counter(ground.test.labels).items()))}
    facts |= {"training pictures": dict(sorted(Counter(ground.train.labels).items())), "seed": options.seed}
    dtypes = {name: row.dtype for one in sides for name, row in one.trained.items()}
    return facts | ({"computed in": dtypes} if dtypes else {})
