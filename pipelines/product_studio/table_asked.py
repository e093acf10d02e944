"""Do pictures show what was asked for? The category as a classifier of real ones sees it, the colour by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from evaluation.category_classifier import CategoryClassifier, CategoryFeatures, fit_category_classifier
from evaluation.diversity import FAIR_SHARE, classes_covered
from evaluation.feature_cache import FeatureCache
from evaluation.named_colours import NAMED_COLOURS, nearest_named_colours
from evaluation.options import EvaluationOptions
from evaluation.picture_classifier import VggStatistics
from evaluation.tables import Bound, Cell, Column, Row, Table
from pipelines.generation.measured_pictures import PictureSet
from pipelines.generation.measured_rows import MeasuredSide
from pipelines.generation.measured_samples import DEFAULT, TrainedRow
from pipelines.generation.table_layout import shown_table
from pipelines.generation.table_measures import LOOK, Ground, share_cell

EACH = 8  # pictures of each category and colour
FIRST_SEED = 2_000_000  # none of these samples is among those that are compared with real pictures
CATEGORY_RIGHT, COLOUR_RIGHT = 0.8, 0.7  # what the default must reach
ASKED = (
    Column("category", "category right, % ↑", 1, scale=100),
    Column("colour", "asked colour nearest, % ↑", 1, scale=100),
    Column("covered", "categories covered ↑", 0),
    Column("acceptance", "let pass by the gate, %", 1, scale=100),
    Column("n", "N", 0),
)
_CAPTION = (
    f"{EACH} samples of each category and colour that can be asked for, through the quality gate where the row has one "
    f"and does not say otherwise. Category: softmax regression on mean and deviation of VGG-16's blocks at {LOOK} px, "
    "trained on real training pictures, penalty chosen on validation pictures. Colour: the name that most pixels of "
    f"the product are nearest to (CIELAB, lightness halved), among {{colours}}; of real pictures, those of such a "
    f"colour. Covered: categories that the classifier sees in {FAIR_SHARE:.0%} of their fair share of samples or more. "
    "Let pass: share of all samples made that the gate accepted. Brackets: 95 % bootstrap intervals over pictures."
)


@dataclass(frozen=True)
class Judge:
    """Tells the category of a product."""

    features: VggStatistics
    classifier: CategoryClassifier

    def __call__(self, pictures: Tensor) -> list[str]:
        """(N, 3, H, W) uint8 -> (N,)."""
        return self.classifier.predict(self.features(pictures))


def train_judge(ground: Ground, val: PictureSet, cache: FeatureCache) -> Judge:
    """Train on the real training pictures; the validation pictures decide the penalty on the weights."""
    features = VggStatistics(LOOK)
    known, held_back = (
        CategoryFeatures(cache(features.name, some.pictures, features, keep=True), some.labels)
        for some in (ground.train, val)
    )
    return Judge(features, fit_category_classifier(known, held_back))


def asked_table(one: MeasuredSide, judge: Judge, options: EvaluationOptions) -> Table:
    """What was asked for and what came, for real pictures and every trained row of one size."""
    colours = named([colour for row in one.trained.values() for colour in row.colours])
    test = one.ground.test
    rows = [Row(f"real {options.split} pictures", asked_cells(test, judge, colours, one.ground.labels, options.seed))]
    for name, row in one.trained.items():
        shown, acceptance = ask(row, one.ground.labels, name)
        cells = asked_cells(shown, judge, colours, one.ground.labels, options.seed)
        cells |= {} if acceptance is None else {"acceptance": Cell(acceptance)}
        rows.append(Row(name, cells, one.note(name)))
    title = f"Asked for and shown, {one.side} px"
    return shown_table(title, ASKED, rows, _CAPTION.format(colours=", ".join(colours) or "none"))


def ask(row: TrainedRow, labels: Sequence[str], name: str) -> tuple[PictureSet, float | None]:
    """Samples of every category and colour, equally many, and what share the gate let pass."""
    colours = named(row.colours)
    asked = [(label, colour) for label in labels for colour in colours or ("",) for _ in range(EACH)]
    wanted, shades = [label for label, _ in asked], [colour for _, colour in asked]
    samples = row.sample(wanted, shades, FIRST_SEED, f"{name}, asked for")
    return samples.shown, samples.acceptance


def asked_cells(
    shown: PictureSet, judge: Judge, colours: Mapping[str, object], labels: Sequence[str], seed: int
) -> dict[str, Cell]:
    """How many pictures show the category and the colour that they are labelled with.

    Args:
        colours: the named ones that a picture may be nearest to; pictures of others do not count.
        labels: the categories that there are.
    """
    predicted = judge(shown.pictures)
    right = np.array([guess == label for guess, label in zip(predicted, shown.labels, strict=True)])
    cells = {"category": share_cell(right, seed), "covered": Cell(classes_covered(predicted, labels))}
    coloured = [row for row, name in enumerate(shown.colours) if name in colours]
    if coloured:
        some = shown.take(coloured)
        nearest = nearest_named_colours(some.pictures, {name: NAMED_COLOURS[name] for name in colours})
        same = np.array([guess == name for guess, name in zip(nearest, some.colours, strict=True)])
        cells["colour"] = share_cell(same, seed)
    return cells | {"n": Cell(len(shown))}


def asked_bounds(table: Table) -> list[Bound]:
    """What the default must reach; none where it is not among the rows."""
    cells = next((row.cells for row in table.rows if row.name == DEFAULT), None)
    if cells is None:
        return []
    claims = (("category", "category right", CATEGORY_RIGHT), ("colour", "asked colour nearest", COLOUR_RIGHT))
    return [
        Bound(f"{table.title}: {claim}", cells[key].value, limit, at_most=False)
        for key, claim, limit in claims
        if key in cells
    ]


def named(colours: Sequence[str]) -> dict[str, object]:
    """The colours whose look is known, once each, in order."""
    return {name: NAMED_COLOURS[name] for name in colours if name in NAMED_COLOURS}
