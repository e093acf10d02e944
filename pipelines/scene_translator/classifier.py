"""Held-back judges of the table: which season, which weather does a picture show?

No model here is trained against them: their features are VGG-16's, those of the default's discriminator and losses are
EfficientNet-Lite0's, and the paper's model has none.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from evaluation.bootstrap import draw_clusters, mean_interval
from evaluation.picture_classifier import LabelledFeatures, LogisticClassifier, fit_classifier
from evaluation.tables import Cell, Column, Row, Table
from pipelines.scene_translator.scene_pictures import Scenes

PAIRS = {("summer", "winter"): "season", ("cloudy", "sunny"): "weather"}


@dataclass(frozen=True)
class Judge:
    """Two classifiers of the same two classes."""

    labels: tuple[str, str]
    balanced: LogisticClassifier  # content says nothing of the class: each class counts with the same shares of content
    plain: LogisticClassifier  # the check: trained on the pictures as they come

    def assigned(self, features: np.ndarray, target: str) -> dict[str, np.ndarray]:
        """Which pictures each classifier takes for `target`: (N,) of 0 and 1."""
        second = target == self.labels[1]
        judges = {"assigned": self.balanced, "assigned_plain": self.plain}
        return {
            name: ((judge.probability(features) > 0.5) == second).astype(np.float64) for name, judge in judges.items()
        }


def train_judge(
    labels: tuple[str, str], train: Scenes, train_features: np.ndarray, val: Scenes, val_features: np.ndarray
) -> Judge:
    """Train on the training pictures of two classes; the validation pictures decide the penalty on the weights."""
    fitted = []
    for balanced in (True, False):
        known, held_back = (
            LabelledFeatures(
                features, np.array([name == labels[1] for name in scenes.labels]), picture_weights(scenes, balanced)
            )
            for scenes, features in ((train, train_features), (val, val_features))
        )
        fitted.append(fit_classifier(known, held_back))
    return Judge(labels, *fitted)


def picture_weights(scenes: Scenes, balanced: bool) -> np.ndarray:
    """(N,): each class counts the same in all, and, if balanced, each of its contents as often as in both classes.

    A content that one of the classes lacks counts nothing then: it would give the class away.
    """
    contents = scenes.contents if balanced else ["any"] * len(scenes)
    cells = Counter(zip(scenes.labels, contents, strict=True))
    shares = Counter(contents)
    shared = {name for name in shares if all((label, name) in cells for label in set(scenes.labels))}
    return np.array(
        [
            shares[content] / cells[label, content] if content in shared else 0.0
            for label, content in zip(scenes.labels, contents, strict=True)
        ]
    )


def judges_table(judges: list[Judge], test: Scenes, features: np.ndarray, split: str, seed: int) -> Table:
    """How often each classifier is right on real pictures of the split, also class by class and content by content.

    Args:
        features: of `test`, VGG-16's.
    """
    contents = sorted(set(test.contents) - {"any"})
    groups = [name for judge in judges for name in judge.labels] + contents
    columns = [
        Column("accuracy", f"right on real {split} pictures, % ↑", 1, scale=100),
        *(Column(name, f"{name}, %", 1, scale=100) for name in groups),
        Column("n", "N", 0),
        Column("penalty", "penalty", 3),
    ]
    rows = []
    for judge in judges:
        own = np.array([name in judge.labels for name in test.labels])
        scenes, of_first = test.select(own), judge.assigned(features[own], judge.labels[0])
        first = np.array([name == judge.labels[0] for name in scenes.labels])
        draws = draw_clusters(scenes.ids, seed=seed)
        kind = PAIRS.get(judge.labels, " or ".join(judge.labels))
        for name, classifier, key in (
            (kind, judge.balanced, "assigned"),
            (f"{kind}, content not balanced", judge.plain, "assigned_plain"),
        ):
            right = (of_first[key].astype(bool) == first).astype(np.float64)
            cells = {
                "accuracy": Cell(float(right.mean()), *mean_interval(right, draws)),
                "n": Cell(len(scenes)),
                "penalty": Cell(classifier.penalty),
            }
            for group in groups:
                member = np.array([group in pair for pair in zip(scenes.labels, scenes.contents, strict=True)])
                if member.any():
                    cells[group] = Cell(float(right[member].mean()))
            rows.append(Row(name, cells))
    return Table("Held-back classifiers", columns, rows, _CAPTION)


_CAPTION = (
    "Logistic regression (L-BFGS) on mean and deviation of VGG-16's five blocks at 128 px, 2944 standardised numbers; "
    "trained on training pictures, the penalty on the weights chosen on validation. The first of each pair gives the "
    "tables' shares: in its training both classes count with the same shares of nature and city, so that content "
    "says nothing of the class."
)
