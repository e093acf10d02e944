"""Distances between sets of pictures: FID and KID on the standard Inception (2015-12-05).

Resizing is the bilinear one of TensorFlow 1 to 299 x 299, as in the original FID code; N is the caller's to state.
Import `torchvision_guard` before this module's functions are called.
"""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from evaluation.packaged_weights import inception_file

SIDE = 299


class Inception:
    """The feature network of FID.

    Args:
        batch: pictures at a time; eight take about half a gigabyte.
    """

    def __init__(self, batch: int = 8):
        self.network = torch.jit.load(inception_file(), map_location="cpu").eval()
        self.batch = batch

    @torch.no_grad()
    def __call__(self, pictures: Iterable[Tensor]) -> np.ndarray:
        """Features of pictures, each (3, H, W) uint8: (N, 2048) float64."""
        features, waiting = [], []
        for picture in pictures:
            waiting.append(prepare(picture))
            if len(waiting) == self.batch:
                features.append(self.network(torch.stack(waiting)))
                waiting.clear()
        if waiting:
            features.append(self.network(torch.stack(waiting)))
        return torch.cat(features).double().numpy() if features else np.empty((0, 2048))


def prepare(picture: Tensor) -> Tensor:
    """(3, H, W) uint8 -> (3, 299, 299) in [-1, 1), as the network wants it.

    Raises:
        ValueError: for another type or shape.
    """
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    if picture.dtype != torch.uint8 or picture.ndim != 3 or picture.shape[0] != 3:
        raise ValueError(f"Inception takes (3, H, W) uint8, got {tuple(picture.shape)} {picture.dtype}.")
    resized = interpolate_bilinear_2d_like_tensorflow1x(picture[None].float(), size=(SIDE, SIDE), align_corners=False)
    return (resized[0] - 128) / 128


def fid(real: np.ndarray, output: np.ndarray) -> float:
    """Frechet distance of two sets of features (Heusel et al., 2017, https://arxiv.org/abs/1706.08500).

    |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2). With S = A^T A, A the centred features over sqrt(n - 1), the
    last trace is the nuclear norm of A1 A2^T: an (n1, n2) matrix, exact and quick where n is below the dimension.
    Biased upward for few pictures, so compare only equal N.

    Args:
        real, output: (N, D) and (M, D), N and M at least 2.
    """
    _check_sets(real, output)
    first, second = (_centred(features) for features in (real, output))
    cross = np.linalg.svd(first @ second.T, compute_uv=False).sum()
    means = np.square(real.mean(0) - output.mean(0)).sum()
    return float(means + np.square(first).sum() + np.square(second).sum() - 2 * cross)


class KernelDistance:
    """KID, the squared maximum mean discrepancy under the kernel (x.y / D + 1)^3, unbiased.

    Binkowski et al. (2018), https://arxiv.org/abs/1801.01401. The three kernel matrices are worked out once, so that
    subsets and bootstrap samples cost little.

    Args:
        real, output: features, (N, D) and (M, D).
    """

    def __init__(self, real: np.ndarray, output: np.ndarray):
        _check_sets(real, output)
        self.real, self.output = _kernel(real, real), _kernel(output, output)
        self.cross = _kernel(real, output)
        np.fill_diagonal(self.real, 0)  # the unbiased estimate leaves out each picture's likeness to itself
        np.fill_diagonal(self.output, 0)

    def value(self) -> float:
        """The estimate from all pictures."""
        ones = (np.ones((1, len(self.real))), np.ones((1, len(self.output))))
        return float(self.weighted(*ones)[0])

    def weighted(self, real: np.ndarray, output: np.ndarray) -> np.ndarray:
        """Estimates under weights of the pictures, which is what a bootstrap draws.

        Pairs of copies of one picture are left out, as the pairs of a picture with itself are: counting them would
        raise every bootstrap estimate.

        Args:
            real, output: (B, N) and (B, M) weights, not negative.

        Returns:
            (B,) estimates.
        """

        def within(weights: np.ndarray, kernel: np.ndarray) -> np.ndarray:
            pairs = weights.sum(1) ** 2 - np.square(weights).sum(1)
            return ((weights @ kernel) * weights).sum(1) / pairs

        across = ((real @ self.cross) * output).sum(1) / (real.sum(1) * output.sum(1))
        return within(real, self.real) + within(output, self.output) - 2 * across

    def over_subsets(self, size: int, count: int = 100, seed: int = 0) -> tuple[float, float]:
        """Mean and standard deviation over `count` random subsets of `size` pictures of each set, as KID is reported.

        Raises:
            ValueError: if a set has fewer pictures than `size`.
        """
        if size > min(self.cross.shape):
            raise ValueError(f"KID subsets of {size} need as many pictures; the sets have {self.cross.shape}.")
        rng = np.random.default_rng(seed)
        weights = tuple(_subset_weights(rng, count, n, size) for n in self.cross.shape)
        values = self.weighted(*weights)
        return float(values.mean()), float(values.std())


def _subset_weights(rng: np.random.Generator, count: int, n: int, size: int) -> np.ndarray:
    """(count, n) of 0 and 1, `size` ones a row."""
    return (rng.random((count, n)).argsort(1) < size).astype(np.float64)


def _kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (first @ second.T / first.shape[1] + 1) ** 3


def _centred(features: np.ndarray) -> np.ndarray:
    return (features - features.mean(0)) / np.sqrt(len(features) - 1)


def _check_sets(real: np.ndarray, output: np.ndarray) -> None:
    shapes = (real.shape, output.shape)
    if real.ndim != 2 or output.ndim != 2 or real.shape[1] != output.shape[1] or min(len(real), len(output)) < 2:
        raise ValueError(f"Two sets of features, (N, D) and (M, D) with at least 2 pictures each, got {shapes}.")
