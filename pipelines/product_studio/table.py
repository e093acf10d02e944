"""The method's table: samples beside real pictures, and whether they show the category and colour asked for."""

from evaluation.options import EvaluationOptions
from evaluation.tables import Bound, Report, Table
from pipelines.generation.measured_rows import RowMeasures, side_tables, table_facts
from pipelines.generation.measured_samples import DEFAULT, TrainedRow, load_rows
from pipelines.product_studio.table_asked import asked_bounds, asked_table, train_judge
from pipelines.product_studio.table_editing import EditingOptions, measure

METHOD, SUBSET, SIDE = "product_studio", "studio", 128
NO_GATE = f"{DEFAULT}, without the gate"
EDITED = 48  # pictures, spread evenly over the split: each is edited by a dozen methods


def build_table(options: EvaluationOptions) -> Report:
    """Measure every row, write contact sheets, nearest training pictures and the pictures' numbers into `options.out`.

    Samples come through the quality gate, as people get them; the default's also without. Then come the default's
    editing networks beside classical methods, with sheets of pictures before and after.

    Raises:
        OSError: if data, weights or a package with feature networks are missing.
        ValueError: if they are not what they should be.
    """
    rows = with_ungated(load_rows(options, METHOD))
    measure = RowMeasures(options, SUBSET, SIDE)
    sides = measure(rows)
    tables: list[Table] = []
    bounds: list[Bound] = []
    for one in sides:
        new_tables, new_bounds = side_tables(f"Samples, {one.side} px", one, options)
        judge = train_judge(one.ground, measure.real("val", one.side), measure.cache)
        asked = asked_table(one, judge, options)
        tables, bounds = [*tables, *new_tables, asked], [*bounds, *new_bounds, *asked_bounds(asked)]
    new_tables, new_bounds = editing_tables(rows, options)
    return Report("Product studio", [*tables, *new_tables], bounds + new_bounds, table_facts(options, sides))


def editing_tables(rows: dict[str, TrainedRow], options: EvaluationOptions) -> tuple[list[Table], list[Bound]]:
    """How well the default's networks edit; nothing without a default row."""
    if DEFAULT not in rows:
        return [], []
    limit = EDITED if options.limit is None else min(EDITED, options.limit)
    pipe = next(iter(rows[DEFAULT].pipes.values()))
    return measure(pipe, EditingOptions(options.data, options.split, options.out, limit, seed=options.seed))


def with_ungated(rows: dict[str, TrainedRow]) -> dict[str, TrainedRow]:
    """The rows, and the default once more without its quality gate."""
    return rows | ({NO_GATE: rows[DEFAULT].called_with(gate=False)} if DEFAULT in rows else {})
