"""The method's table: samples of the paper's models and of the default beside real pictures, sharp and blurred."""

from evaluation.grey_statistics import grey_statistics
from evaluation.options import EvaluationOptions
from evaluation.tables import Bound, Report, Row, Table
from pipelines.detail_generator.table_layout import published_grey_table
from pipelines.detail_generator.table_studies import study_tables
from pipelines.generation.measured_rows import MeasuredSide, RowMeasures, side_tables, table_facts
from pipelines.generation.measured_samples import load_rows
from pipelines.generation.table_layout import grey_table
from pipelines.generation.table_measures import grey_cells

METHOD = "detail_generator"


def build_table(options: EvaluationOptions) -> Report:
    """Measure every row, write contact sheets, nearest training pictures and the pictures' numbers into `options.out`.

    With `options.studies`, also train the classifiers of the cross-check and of the augmentation study.

    Raises:
        OSError: if data, weights or a package with feature networks are missing.
        ValueError: if they are not what they should be.
    """
    sides = RowMeasures(options)(load_rows(options, METHOD))
    tables: list[Table] = []
    bounds: list[Bound] = []
    for one in sides:
        new_tables, new_bounds = side_tables(f"Samples, {one.side} px", one, options)
        tables, bounds = [*tables, *new_tables, *grey_tables(one, options)], bounds + new_bounds
    tables.append(published_grey_table())
    for one in sides if options.studies else ():
        tables += study_tables(one, options)
    return Report("Detail generator", tables, bounds, table_facts(options, sides))


def grey_tables(one: MeasuredSide, options: EvaluationOptions) -> list[Table]:
    """Grey statistics, a table a category: the real pictures of the split, then the rows."""
    test, seed = one.ground.test, options.seed
    real = {name: values.numpy() for name, values in grey_statistics(test.pictures).items()}
    tables = []
    for label in one.ground.labels:
        rows = [Row(f"real {options.split} pictures", grey_cells(real, test.are(label), seed))]
        for name, row in one.measured.items():
            rows.append(Row(name, grey_cells(row.grey, row.shown.are(label), seed), one.note(name)))
        title = f"Grey statistics, {one.side} px: {label}, N = {int(test.are(label).sum())}"
        tables.append(grey_table(title, rows))
    return tables
