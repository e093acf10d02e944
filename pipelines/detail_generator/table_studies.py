"""The studies that train classifiers on samples: minutes each, so for few rows, and nothing is trained twice."""

import hashlib
from collections import Counter
from collections.abc import Mapping

from evaluation.classifier_studies import (
    Fit,
    LabelledPictures,
    Predict,
    augmentation_study,
    balanced_order,
    cross_check,
    small_vgg_fit,
)
from evaluation.options import EvaluationOptions
from evaluation.tables import Table
from pipelines.detail_generator.table_layout import augmentation_table, cross_check_table
from pipelines.generation.measured_rows import MeasuredSide
from pipelines.generation.measured_samples import DEFAULT

SIZES = (100, 300, 1000)  # real pictures of the augmentation study
MADE = 1000  # generated ones: added there, and of each category at most in the cross-check
FIRST_SEED = 1_000_000  # of samples that classifiers are trained on: none is among those that are measured


def study_tables(one: MeasuredSide, options: EvaluationOptions) -> list[Table]:
    """The cross-check of the studied rows of one size, and the augmentation study of the default.

    Studied are the default and the first of the other rows, which is the paper's. Without a default, augmentation is
    that of the first row.
    """
    fit = remembered(small_vgg_fit())
    real, test = one.ground.train.labelled, one.ground.test.labelled
    tables = []
    for name in studied(one.trained):
        made = training_samples(one, name)
        checks = {
            label: cross_check(
                label, real, made.of(label).pictures, test, one.measured[name].shown.labelled.of(label).pictures, fit
            )
            for label in one.ground.labels
        }
        count = min(*Counter(real.labels).values(), *Counter(made.labels).values())
        tables.append(cross_check_table(f"{name}, {one.side} px", checks, count))
        sizes = [size for size in SIZES if len(one.ground.labels) <= size <= len(real)]
        if name == studied(one.trained)[-1] and sizes:
            added = made.take(balanced_order(made.labels, options.seed)[:MADE])
            found = augmentation_study(real, added, test, fit, sizes)
            tables.append(augmentation_table(f"{name}, {one.side} px", found, len(added), len(test)))
    return tables


def studied(rows: Mapping[str, object]) -> list[str]:
    """The first row that is not the default, then the default, as far as there are such."""
    return [name for name in rows if name != DEFAULT][:1] + [DEFAULT] * (DEFAULT in rows)


def training_samples(one: MeasuredSide, name: str) -> LabelledPictures:
    """As many samples of each category as there are real training pictures, 1000 at most."""
    counts = Counter(one.ground.train.labels)
    labels = [label for label in one.ground.labels for _ in range(min(MADE, counts[label]))]
    samples = one.trained[name].sample(labels, first_seed=FIRST_SEED, name=f"{name}, to train classifiers on")
    return samples.shown.labelled


def remembered(fit: Fit) -> Fit:
    """The same, training only once on the same pictures with the same seed."""
    known: dict[str, Predict] = {}

    def fitted(data: LabelledPictures, seed: int) -> Predict:
        key = hashlib.sha256(f"{seed} {data.labels}".encode())
        key.update(data.pictures.contiguous().numpy().data)
        if key.hexdigest() not in known:
            known[key.hexdigest()] = fit(data, seed)
        return known[key.hexdigest()]

    return fitted
