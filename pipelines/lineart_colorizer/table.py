"""The method's table: the paper's figures, trivial baselines, the paper's models and the default, by kind of reference.

Every row is measured twice on the same drawings: the reference is the target itself, or another picture.
"""

from collections import Counter
from typing import Any

from evaluation.feature_cache import FeatureCache
from evaluation.options import EvaluationOptions
from evaluation.paired import Measured, select
from evaluation.tables import Bound, Report, Row, Table
from pipelines.lineart_colorizer.measured_drawings import Drawings, read_drawings, read_training
from pipelines.lineart_colorizer.table_gradients import gradients_table
from pipelines.lineart_colorizer.table_layout import (
    colours_table,
    default_bounds,
    differences_table,
    likeness_table,
    swaps_table,
)
from pipelines.lineart_colorizer.table_measures import LineArtMeasures
from pipelines.lineart_colorizer.table_pictures import write_numbers, write_pictures, write_swaps
from pipelines.lineart_colorizer.table_rows import (
    BASELINES,
    DEFAULT,
    Models,
    coloured_outputs,
    load_models,
    trained_names,
)
from pipelines.lineart_colorizer.table_strokes import STROKES, stroke_drawings
from pipelines.lineart_colorizer.table_summaries import Ground, difference, summarise_row, summarise_training
from pipelines.lineart_colorizer.table_swaps import painters, swapped_rows

REAL_TRAIN = "real training pictures"
FEWEST = 10  # drawings of a subset that the default must, or should, be held to
_COMPARED = ("lpips_alex", "segment_ciede2000")

MeasuredRows = dict[str, dict[str, Measured]]  # kind of reference -> row -> what was measured


def build_table(options: EvaluationOptions) -> Report:
    """Measure everything and write galleries, contact sheets and the pictures' own numbers into `options.out`.

    Raises:
        OSError: if data, weights or a package with feature networks are missing.
        ValueError: if they are not what they should be.
    """
    table = LineArtTable(options)
    options.out.mkdir(parents=True, exist_ok=True)
    outputs = coloured_outputs(table.drawings, table.training_colour, table.models)
    measured = table.measures(table.drawings, outputs)
    tables, bounds = table.tables(measured)
    if table.models.pipelines:
        tables.append(table.differences(measured))
    tables.append(swaps_table(*_counted(swapped_rows(table.drawings, outputs, painters(table.models), options.seed))))
    strokes = stroke_drawings(options.limit) if options.limit else stroke_drawings()
    stroke_outputs = coloured_outputs(strokes, table.training_colour, table.models)
    stroke_measured = table.measures(strokes, stroke_outputs, features=False)
    more_tables, more_bounds = table.stroke_tables(strokes, stroke_measured)
    gradients = gradients_table(options)
    write_pictures(options.out, "", table.drawings, outputs)
    write_pictures(options.out, "-strokes", strokes, stroke_outputs)
    for name, pipe in table.models.pipelines.items():
        write_swaps(options.out / f"swaps-{_file_name(name)}.jpg", table.drawings, pipe)
    write_numbers(options.out / "pictures.csv", [(table.drawings, measured), (strokes, stroke_measured)])
    tables = [*tables, *more_tables, *([gradients] if gradients else [])]
    return Report("Line art colorizer", tables, bounds + more_bounds, table.facts())


class LineArtTable:
    """What all tables share, and the steps that make one of them.

    Args:
        options: of the command.
    """

    def __init__(self, options: EvaluationOptions):
        self.options = options
        self.drawings = read_drawings(options.data, options.split, options.limit)
        if len(self.drawings) < 2:
            raise ValueError(f"A table needs two drawings or more, the split {options.split} has {len(self.drawings)}.")
        self.models: Models = load_models(options)
        shares = Counter(self.drawings.subsets)
        counts = {name: max(1, round(options.references * n / len(self.drawings))) for name, n in shares.items()}
        self.training = read_training(options.data, counts)
        self.training_colour = self.training.pictures.float().mean((2, 3)).mean(0)
        self.measures = LineArtMeasures(FeatureCache(options.cache))

    def tables(self, measured: MeasuredRows) -> tuple[list[Table], list[Bound]]:
        """Both tables of each kind of reference, all drawings first, then by subset; the bounds on all decide."""
        ground = Ground.measure(self.measures, self.drawings, self.training)
        names = sorted(set(self.drawings.subsets))
        tables: list[Table] = []
        bounds: list[Bound] = []
        for kind, by_name in measured.items():
            for subset in [None, *(names if len(names) > 1 else [])]:
                rows = self._rows(by_name, ground, subset)
                title, count = f"Reference: {kind}, {subset or 'all drawings'}", self._count(subset)
                first = not tables
                tables.append(likeness_table(title, rows, count, published=first))
                tables.append(colours_table(f"{title}: colours", rows, count, explained=first))
                if DEFAULT in by_name and (subset is None or self.drawings.of(subset).sum() >= FEWEST):
                    bounds += default_bounds(title, rows, target=subset is not None)
        return tables, bounds

    def stroke_tables(self, drawings: Drawings, measured: MeasuredRows) -> tuple[list[Table], list[Bound]]:
        """The same of drawings that no extractor made, without FID and KID, for which they are too few."""
        tables: list[Table] = []
        bounds: list[Bound] = []
        for kind, by_name in measured.items():
            title, count = f"Reference: {kind}, {STROKES}", f"N = {len(drawings)} drawings made by no extractor."
            rows = [
                Row(name, summarise_row(values, drawings.pages, None, self.options.seed), self.models.notes.get(name))
                for name, values in by_name.items()
            ]
            tables += [likeness_table(title, rows, count), colours_table(f"{title}: colours", rows, count)]
            bounds += default_bounds(title, rows, target=True) if DEFAULT in by_name else []
        return tables, bounds

    def differences(self, measured: MeasuredRows) -> Table:
        """Every trained row minus every baseline."""
        found = {}
        for kind, by_name in measured.items():
            for name in trained_names(list(by_name)):
                found[f"{name}, reference: {kind}"] = {
                    baseline: {
                        measure: difference(
                            by_name[name], by_name[baseline], measure, self.drawings.pages, self.options.seed
                        )
                        for measure in _COMPARED
                    }
                    for baseline in BASELINES
                }
        return differences_table(found)

    def facts(self) -> dict[str, Any]:
        """What the report says of its making."""
        facts = {"data": self.options.data.name, "split": self.options.split}
        facts |= {"drawings": dict(Counter(self.drawings.subsets)), "seed": self.options.seed}
        facts |= {"training pictures looked at": dict(Counter(self.training.subsets))}
        dtypes = self.models.dtypes()
        return facts | ({"computed in": dtypes} if dtypes else {})

    def _rows(self, by_name: dict[str, Measured], ground: Ground, subset: str | None) -> list[Row]:
        """Every measured row on the drawings of a subset, that of real training pictures last."""
        inside, part, seed = self.drawings.of(subset), ground.of(subset), self.options.seed
        real = part.real if len(part.pages) >= 2 else None
        rows = [
            Row(name, summarise_row(select(values, inside), part.pages, real, seed), self.models.notes.get(name))
            for name, values in by_name.items()
        ]
        if real is not None and len(part.training) >= 2:
            rows.append(Row(f"{REAL_TRAIN} (N = {len(part.training)})", summarise_training(part, seed)))
        return rows

    def _count(self, subset: str | None) -> str:
        inside = self.drawings.of(subset)
        pages = {page for page, within in zip(self.drawings.pages, inside, strict=True) if within}
        return f"N = {inside.sum()} drawings, {len(pages)} pages or single pictures."


def _counted(found: tuple[list[Row], int]) -> tuple[list[Row], str]:
    return found[0], f"N = {found[1]} drawings, evenly spread."


def _file_name(row: str) -> str:
    """A row's name without what file systems do not take."""
    return "".join(letter if letter.isalnum() else "-" for letter in row.lower()).strip("-")
