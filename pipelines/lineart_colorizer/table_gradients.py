"""The paper's central claim in numbers: gradient norms by layer, with and without the guides, of the paper's rows."""

from pathlib import Path

from evaluation.options import EvaluationOptions
from evaluation.tables import Cell, Column, Row, Table

PICTURES = 4
_CAPTION = (
    "Norm of the gradient of the generator's loss in each layer, mean loss of {count} training pictures, the same for "
    "all; with the weights that training began with and those it ended with; the loss with the guides' terms and, in "
    "brackets as a part of it, without them. The paper claims that the guides keep the middle layers' gradients alive."
)


def gradients_table(options: EvaluationOptions, pictures: int = PICTURES) -> Table | None:
    """Measure every row of the paper's model whose training run is at hand; None where there is none.

    Raises:
        OSError, ValueError: if a run is not whole.
    """
    runs = {name: run for name, folder in options.paper_rows().items() if (run := training_run(folder))}
    if not runs:
        return None
    from pipelines.lineart_colorizer.gradient_norms import measure_run  # brings the training's parts

    columns: list[Column] = []
    cells: dict[str, dict[str, Cell]] = {}
    for name, run in runs.items():
        for one in measure_run(name, run, options.data, pictures):
            key = f"{name}, {'trained' if one.trained else 'first weights'}"
            guided = f"{key}, with guides" if one.guides else key
            ratio = f"{guided}, of that without" if one.guides else None
            columns.append(Column(guided, guided, 4, ratio=ratio))
            for layer, norm in one.norms.items():
                row = cells.setdefault(layer, {})
                row[guided] = Cell(norm)
                if ratio and row[key].value > 0:
                    row[ratio] = Cell(norm / row[key].value)
    rows = [Row(layer, found) for layer, found in cells.items()]
    return Table("Gradient norms by layer", columns, rows, _CAPTION.format(count=pictures))


def training_run(folder: Path) -> Path | None:
    """The training run that a pipeline's folder lies in, or is; None where only the pipeline was kept."""
    candidates = [folder, *folder.resolve().parents[:2]]
    return next((run for run in candidates if (run / "config.json").is_file() and (run / "state").is_dir()), None)
