"""What generated pictures are worth to a classifier: the cross-check of real and generated, and augmentation.

Both studies take any way to train a classifier (`Fit`), for instance `small_vgg_fit()`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from evaluation.category_classifier import accuracy_by_category
from evaluation.small_vgg import DEFAULTS, SmallVggOptions, train_small_vgg


@dataclass(frozen=True)
class LabelledPictures:
    """Pictures and what they show."""

    pictures: Tensor  # (N, 3, H, W) uint8
    labels: tuple[str, ...]  # (N,)

    def __post_init__(self):
        if len(self.pictures) != len(self.labels):
            raise ValueError(f"{len(self.pictures)} pictures have {len(self.labels)} labels.")

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, positions: Sequence[int] | np.ndarray) -> "LabelledPictures":
        chosen = [int(position) for position in positions]
        return LabelledPictures(
            self.pictures[torch.tensor(chosen, dtype=torch.long)], tuple(self.labels[position] for position in chosen)
        )

    def of(self, label: str, equal: bool = True) -> "LabelledPictures":
        """The pictures of one category, or all but those."""
        return self.take([number for number, one in enumerate(self.labels) if (one == label) == equal])

    def __add__(self, other: "LabelledPictures") -> "LabelledPictures":
        return LabelledPictures(torch.cat([self.pictures, other.pictures]), self.labels + other.labels)


Predict = Callable[[Tensor], list[str]]
Fit = Callable[[LabelledPictures, int], Predict]  # pictures and a seed -> a trained classifier


@dataclass(frozen=True)
class CrossCheck:
    """Accuracies of a classifier whose pictures of one category were real, generated, or half and half."""

    real: float  # on real test pictures of the category
    generated: float  # on generated test pictures of the category
    others: dict[str, float]  # on real test pictures of each other category, whose training pictures are always real


@dataclass(frozen=True)
class Augmentation:
    """Balanced accuracies on real test pictures, without and with generated pictures beside the real ones."""

    size: int  # real training pictures
    seed: int
    without: float
    augmented: float


def small_vgg_fit(options: SmallVggOptions = DEFAULTS) -> Fit:
    """Train `small_vgg` on whatever it is given."""

    def fit(data: LabelledPictures, seed: int) -> Predict:
        return train_small_vgg(data.pictures, data.labels, seed, options).predict

    return fit


def cross_check(
    category: str,
    real: LabelledPictures,
    generated: Tensor,
    real_test: LabelledPictures,
    generated_test: Tensor,
    fit: Fit,
    seed: int = 0,
) -> dict[str, CrossCheck]:
    """Train on real, generated, and half real and half generated pictures of a category, the others' always real.

    The three training sets have equally many pictures of the category: as many as `real` and `generated` both have.

    Args:
        category: the one whose pictures are exchanged.
        real, real_test: all categories.
        generated, generated_test: (N, 3, H, W) uint8, pictures of the category, none in both.
        fit: how a classifier is trained.

    Returns:
        "real", "generated", "half and half" -> accuracies.

    Raises:
        ValueError: if a set lacks pictures of the category, or there is no other category.
    """
    own, others = real.of(category), real.of(category, equal=False)
    count = min(len(own), len(generated))
    if count < 2 or not len(others) or not len(generated_test) or category not in real_test.labels:
        raise ValueError(
            f"The cross-check of {category!r} needs its pictures, real and generated, and other categories."
        )
    rng = np.random.default_rng(seed)
    own = own.take(rng.permutation(len(own))[:count])
    made = LabelledPictures(generated[:count], (category,) * count)
    half = own.take(range(count // 2)) + made.take(range(count - count // 2))
    results = {}
    for name, pictures in (("real", own), ("generated", made), ("half and half", half)):
        predict = fit(pictures + others, seed)
        by_category = accuracy_by_category(real_test.labels, predict(real_test.pictures))
        guesses = predict(generated_test)
        results[name] = CrossCheck(
            by_category.pop(category), float(np.mean([guess == category for guess in guesses])), by_category
        )
    return results


def augmentation_study(
    real: LabelledPictures,
    generated: LabelledPictures,
    real_test: LabelledPictures,
    fit: Fit,
    sizes: Sequence[int] = (100, 300, 1000),
    seeds: Sequence[int] = (0, 1, 2),
) -> list[Augmentation]:
    """Whether generated pictures beside few real ones make a better classifier.

    A seed decides the real pictures, a smaller set being part of a larger one, and the classifier's start.

    Args:
        real: training pictures; of each category as many are drawn as of another, as far as they go.
        generated: all are added, whatever the size.
        real_test: measured as the mean over categories of the accuracy.
        sizes: numbers of real pictures.

    Raises:
        ValueError: if a size is more than there are, or fewer than there are categories.
    """
    categories = len(set(real.labels))
    if min(sizes) < categories or max(sizes) > len(real):
        raise ValueError(
            f"Sizes must be from {categories} categories to {len(real)} real pictures, got {tuple(sizes)}."
        )
    rows = []
    for seed in seeds:
        order = balanced_order(real.labels, seed)
        for size in sizes:
            known = real.take(order[:size])
            scores = [_balanced(fit(data, seed), real_test) for data in (known, known + generated)]
            rows.append(Augmentation(size, seed, *scores))
    return rows


def balanced_order(labels: Sequence[str], seed: int) -> np.ndarray:
    """An order in which categories take turns while they last, each one's pictures at random: (N,) positions."""
    rng = np.random.default_rng(seed)
    names = np.asarray(labels)
    turns = np.empty(len(names))
    for name in sorted(set(labels)):
        positions = np.flatnonzero(names == name)
        turns[rng.permutation(positions)] = np.arange(len(positions))
    return np.lexsort((names, turns))


def _balanced(predict: Predict, test: LabelledPictures) -> float:
    return float(np.mean(list(accuracy_by_category(test.labels, predict(test.pictures)).values())))
