"""The paper's own measures in the table: its published figures, the cross-check, the augmentation study."""

from collections.abc import Mapping, Sequence

import numpy as np

from evaluation.classifier_studies import Augmentation, CrossCheck
from evaluation.tables import Cell, Column, Row, Table
from pipelines.generation.table_layout import GREY

_OTHER_PICTURES = "published by the paper, on pictures of its own"
_FIGURES = {  # mean grey, standard deviation, entropy, Laplacian gradient
    "category 1, real": (106.51, 48.58, 14.25, 426.77),
    "category 1, generated": (111.31, 48.30, 15.79, 446.24),
    "category 2, real": (126.13, 42.41, 17.97, 567.45),
    "category 2, generated": (161.79, 44.86, 18.13, 496.33),
    "category 3, real": (137.89, 62.56, 18.87, 1067.07),
    "category 3, generated": (155.96, 66.30, 19.07, 989.29),
}
_PUBLISHED_CHECK = {"real": (0.96, 0.90), "generated": (0.91, 0.93), "half and half": (0.93, 0.92)}
CROSS_CHECK = (
    Column("real", "right on real test pictures, % ↑", 1, scale=100),
    Column("generated", "right on generated pictures, %", 1, scale=100),
    Column("others", "right on real ones of the other categories, %", 1, scale=100),
)
AUGMENTATION = (
    Column("without", "real pictures alone, %", 1, scale=100),
    Column("augmented", "with generated ones, % ↑", 1, scale=100),
    Column("gain", "gain, points ↑", 1, scale=100),
)

_PUBLISHED_CAPTION = (
    "The text gives no formula for the entropy; above 8 bits it cannot be that of an 8-bit grey picture, so it stands "
    "under the sum of three channels. It gives no scale for the Laplacian gradient either: only real and generated "
    "within one line of categories can be compared."
)
_CHECK_CAPTION = (
    "A small VGG-style classifier, trained from nothing on all categories; only the pictures of the category named are "
    "exchanged, {count} of them each time. Published: 1000 pictures, tested on 100."
)
_AUGMENTATION_CAPTION = (
    "Balanced accuracy on {tested} real test pictures of a small VGG-style classifier, trained from nothing on so many "
    "real pictures, without and with {added} generated ones of the row {row}. Mean ± deviation over {seeds} draws of "
    "the real pictures and starts of the classifier; the gain is that of the same draw and start."
)


def published_grey_table() -> Table:
    """The grey statistics that the paper gives."""
    keys = ("grey_mean", "grey_std", "entropy_rgb", "laplacian")
    rows = [
        Row(name, {key: Cell(value) for key, value in zip(keys, values, strict=True)}, _OTHER_PICTURES)
        for name, values in _FIGURES.items()
    ]
    columns = [column for column in GREY if column.key in keys]
    return Table("Grey statistics, published", columns, rows, _PUBLISHED_CAPTION)


def cross_check_table(name: str, checks: Mapping[str, Mapping[str, CrossCheck]], count: int) -> Table:
    """One row of the other tables: the paper's figures, every category's, and their means.

    Args:
        checks: category -> what the classifier was trained on -> accuracies.
        count: pictures of the category that a classifier was trained on.
    """
    rows = [
        Row(f"trained on {kind} (published)", {"real": Cell(real), "generated": Cell(generated)}, _OTHER_PICTURES)
        for kind, (real, generated) in _PUBLISHED_CHECK.items()
    ]
    by_kind: dict[str, list[dict[str, Cell]]] = {}
    for label, kinds in checks.items():
        for kind, check in kinds.items():
            others = float(np.mean(list(check.others.values())))
            cells = {"real": Cell(check.real), "generated": Cell(check.generated), "others": Cell(others)}
            by_kind.setdefault(kind, []).append(cells)
            rows.append(Row(f"{label}: trained on {kind}", cells))
    for kind, cells in by_kind.items():
        means = {key: Cell(float(np.mean([one[key].value for one in cells]))) for key in cells[0]}
        rows.append(Row(f"mean: trained on {kind}", means))
    caption = _CHECK_CAPTION.format(count=count)
    return Table(f"Classifier cross-check: {name}", CROSS_CHECK, rows, caption)


def augmentation_table(name: str, found: Sequence[Augmentation], added: int, tested: int) -> Table:
    """Whether the row's samples help a classifier that has few real pictures."""
    rows = []
    for size in sorted({one.size for one in found}):
        runs = [one for one in found if one.size == size]
        values = {
            "without": [one.without for one in runs],
            "augmented": [one.augmented for one in runs],
            "gain": [one.augmented - one.without for one in runs],
        }
        cells = {key: Cell(float(np.mean(some)), std=float(np.std(some))) for key, some in values.items()}
        rows.append(Row(f"{size} real pictures", cells))
    seeds = len({one.seed for one in found})
    caption = _AUGMENTATION_CAPTION.format(tested=tested, added=added, row=name, seeds=seeds)
    return Table(f"Augmentation: {name}", AUGMENTATION, rows, caption)
