"""A judge of several categories: softmax regression on frozen features, such as `picture_classifier.VggStatistics`.

It has one optimum and draws no random numbers, learns in seconds, and takes a hundred pictures or thousands.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from evaluation.picture_classifier import PENALTIES, standardisation


@dataclass(frozen=True)
class CategoryFeatures:
    """Features of pictures, and what they show."""

    features: np.ndarray  # (N, D)
    labels: Sequence[str]  # (N,)


@dataclass(frozen=True)
class CategoryClassifier:
    """p(category) = softmax(w . (x - mean) / scale + b)."""

    categories: tuple[str, ...]
    mean: np.ndarray  # (D,)
    scale: np.ndarray  # (D,)
    weights: np.ndarray  # (D, K)
    bias: np.ndarray  # (K,)
    penalty: float

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """(N, D) -> (N, K), in the order of `categories`."""
        return softmax((features - self.mean) / self.scale @ self.weights + self.bias, axis=1)

    def predict(self, features: np.ndarray) -> list[str]:
        """The likeliest category of each picture."""
        return [self.categories[position] for position in self.probabilities(features).argmax(1)]


def fit_category_classifier(
    train: CategoryFeatures, val: CategoryFeatures, penalties: Sequence[float] = PENALTIES
) -> CategoryClassifier:
    """Fit by L-BFGS; keep the penalty of the lowest loss on `val`. Every category counts as much as another.

    Args:
        train: decides the categories and their weights, and the mean and deviation that features are standardised by.
        val: decides the penalty on the weights' squares, the largest of equals. Of the categories of `train` only.
        penalties: to try, from large to small.

    Raises:
        ValueError: if there are not two categories, numbers do not fit, or a feature is not finite.
    """
    categories = tuple(sorted(set(train.labels)))
    if len(categories) < 2 or not len(val.labels):
        raise ValueError(f"A classifier needs pictures of two categories and validation pictures, got {categories}.")
    targets, held_targets = (_targets(data, categories) for data in (train, val))
    mean, scale = standardisation(train.features, targets.sum(1))
    known, held = ((data.features - mean) / scale for data in (train, val))
    parameters = np.zeros((known.shape[1] + 1) * len(categories))
    fitted = []
    for penalty in penalties:  # each starts from the one before
        found = minimize(
            softmax_loss, parameters, (known, targets, penalty), "L-BFGS-B", jac=True, options={"maxiter": 500}
        )
        parameters = found.x
        table = parameters.reshape(-1, len(categories))
        classifier = CategoryClassifier(categories, mean, scale, table[:-1], table[-1], penalty)
        fitted.append((softmax_loss(parameters, held, held_targets, 0.0)[0], classifier))
    return min(fitted, key=lambda pair: pair[0])[1]


def softmax_loss(
    parameters: np.ndarray, features: np.ndarray, targets: np.ndarray, penalty: float
) -> tuple[float, np.ndarray]:
    """Weighted cross-entropy plus penalty / 2 ||w||^2, and its gradient.

    Args:
        parameters: ((D + 1) K,); as (D + 1, K) the last row is the bias, which no penalty holds.
        features: (N, D).
        targets: (N, K), each row its picture's weight at its category and 0 elsewhere; the sum of all is 1.
    """
    table = parameters.reshape(-1, targets.shape[1])
    weights, bias = table[:-1], table[-1]
    logs = log_softmax(features @ weights + bias, axis=1)
    loss = -(targets * logs).sum() + penalty / 2 * np.square(weights).sum()
    slopes = np.exp(logs) * targets.sum(1, keepdims=True) - targets
    gradient = np.vstack([features.T @ slopes + penalty * weights, slopes.sum(0)])
    return float(loss), gradient.ravel()


def accuracy_by_category(labels: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    """Share of each category's pictures that were told right; the mean of the values is the balanced accuracy.

    Raises:
        ValueError: if the two differ in length.
    """
    rights: dict[str, list[bool]] = {}
    for label, guess in zip(labels, predicted, strict=True):
        rights.setdefault(label, []).append(label == guess)
    return {label: float(np.mean(right)) for label, right in sorted(rights.items())}


def _targets(data: CategoryFeatures, categories: tuple[str, ...]) -> np.ndarray:
    """(N, K): at each picture's category 1 / (pictures of it x categories seen), so that categories weigh the same."""
    if data.features.ndim != 2 or len(data.features) != len(data.labels):
        raise ValueError(f"Features {data.features.shape} do not fit {len(data.labels)} labels.")
    if not np.isfinite(data.features).all():
        raise ValueError("Features must be finite numbers.")
    if unknown := set(data.labels) - set(categories):
        raise ValueError(f"No training picture shows {sorted(unknown)}.")
    one_hot = np.asarray(data.labels)[:, None] == np.asarray(categories)
    shares = one_hot / np.maximum(one_hot.sum(0), 1)
    return shares / shares.sum()
