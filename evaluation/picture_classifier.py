"""A judge of classes that no model here is trained against: logistic regression on statistics of VGG-16's maps.

Features: VGG-16 (Simonyan and Zisserman, 2015, https://arxiv.org/abs/1409.1556) without its fully connected layers,
trained on ImageNet. Import `torchvision_guard` before this module's functions are called.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import minimize
from scipy.special import expit
from torch import Tensor
from tqdm import tqdm

from evaluation.packaged_weights import VGG16_LPIPS
from evaluation.perceptual import lpips_network

PENALTIES = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)


class VggStatistics:
    """Mean and standard deviation of every channel at the ends of VGG-16's five blocks, over the picture.

    Args:
        side: pictures are brought to this size, in pixels, antialiased.
        batch: pictures at a time.
    """

    def __init__(self, side: int = 128, batch: int = 16):
        self.side, self.batch = side, batch
        self.network = lpips_network("vgg").lpips
        self.name = f"vgg16-conv-{side}-{VGG16_LPIPS.sha256[:8]}"

    @torch.no_grad()
    def __call__(self, pictures: Tensor) -> np.ndarray:
        """(N, 3, H, W) uint8 -> (N, 2944) float64."""
        parts = [self._statistics(batch) for batch in tqdm(pictures.split(self.batch), "VGG-16", leave=False)]
        return torch.cat(parts).double().numpy()

    def _statistics(self, pictures: Tensor) -> Tensor:
        images = pictures.float() / 127.5 - 1
        if images.shape[2:] != (self.side, self.side):
            images = F.interpolate(images, (self.side, self.side), mode="bilinear", antialias=True)
        taps = [tap.flatten(2) for tap in self.network.net(self.network.scaling_layer(images))]
        return torch.cat([part for tap in taps for part in (tap.mean(2), tap.std(2, correction=0))], dim=1)


@dataclass(frozen=True)
class LabelledFeatures:
    """Features of pictures of two classes."""

    features: np.ndarray  # (N, D)
    positive: np.ndarray  # (N,) bool: of the second class
    weights: np.ndarray  # (N,), how much each picture counts

    def standardised(self, mean: np.ndarray, scale: np.ndarray) -> "LabelledFeatures":
        return LabelledFeatures((self.features - mean) / scale, self.positive, self.weights / self.weights.sum())


@dataclass(frozen=True)
class LogisticClassifier:
    """p(second class) = sigmoid(w . (x - mean) / scale + b)."""

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: float
    penalty: float

    def probability(self, features: np.ndarray) -> np.ndarray:
        """(N, D) -> (N,): how likely each picture is of the second class."""
        return expit((features - self.mean) / self.scale @ self.weights + self.bias)


def fit_classifier(
    train: LabelledFeatures, val: LabelledFeatures, penalties: Sequence[float] = PENALTIES
) -> LogisticClassifier:
    """Fit by L-BFGS, which has one optimum and draws no random numbers; keep the penalty of the lowest loss on `val`.

    Args:
        train: decides the weights, and the mean and deviation that features are standardised by.
        val: decides the penalty on the weights' squares, the largest of equals.
        penalties: to try, from large to small.

    Raises:
        ValueError: if `train` or `val` lacks a class.
    """
    for name, data in (("training", train), ("validation", val)):
        if data.positive.all() or not data.positive.any():
            raise ValueError(f"A classifier needs {name} pictures of both classes.")
        if not np.isfinite(data.features).all():
            raise ValueError(f"Features of {name} pictures must be finite numbers.")
    mean, scale = standardisation(train.features, train.weights)
    known, held_back = (data.standardised(mean, scale) for data in (train, val))
    parameters, fitted = np.zeros(train.features.shape[1] + 1), []
    for penalty in penalties:  # each starts from the one before
        found = minimize(logistic_loss, parameters, (known, penalty), "L-BFGS-B", jac=True, options={"maxiter": 500})
        parameters = found.x
        classifier = LogisticClassifier(mean, scale, parameters[:-1], float(parameters[-1]), penalty)
        fitted.append((logistic_loss(parameters, held_back, 0.0)[0], classifier))
    return min(fitted, key=lambda pair: pair[0])[1]


def standardisation(features: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of each of (N, D) features, (D,), pictures counting by `weights`, (N,).

    A channel that never answers has deviation 1, so that it stays 0.
    """
    shares = weights / weights.sum()
    mean = shares @ features
    scale = np.sqrt(shares @ np.square(features - mean))
    return mean, np.where(scale > 1e-6 * max(float(scale.max()), 1e-12), scale, 1.0)


def logistic_loss(parameters: np.ndarray, data: LabelledFeatures, penalty: float) -> tuple[float, np.ndarray]:
    """Weighted mean of log(1 + exp(-s z)), s = +-1, plus penalty / 2 ||w||^2, and its gradient.

    Args:
        parameters: (D + 1,), the last is the bias, which no penalty holds.
        data: weights of sum 1.
    """
    weights, bias = parameters[:-1], parameters[-1]
    logits = data.features @ weights + bias
    signs = np.where(data.positive, 1.0, -1.0)
    loss = data.weights @ np.logaddexp(0, -signs * logits) + penalty / 2 * weights @ weights
    slopes = -data.weights * signs * expit(-signs * logits)
    return float(loss), np.append(data.features.T @ slopes + penalty * weights, slopes.sum())
