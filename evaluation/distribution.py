"""Distances between sets of pictures: FID and KID on the standard Inception (2015-12-05).

Resizing is the bilinear one of TensorFlow 1 to 299 x 299, as in the original FID code; N is the caller's to state.
Import `torchvision_guard` before this module's functions are called.
"""

import warnings
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from evaluation.bootstrap import ClusterDraws
from evaluation.packaged_weights import inception_file

SIDE = 299


class Inception:
    """The feature network of FID.

    Args:
        batch: pictures at a time; eight take about half a gigabyte.
    """

    def __init__(self, batch: int = 8):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*torch.jit.load.*deprecated", category=DeprecationWarning)
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
    resized = picture.float()
    if picture.shape[1:] != (SIDE, SIDE):
        resized = interpolate_bilinear_2d_like_tensorflow1x(resized[None], size=(SIDE, SIDE), align_corners=False)[0]
    return (resized - 128) / 128


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
        return float(self._of_subsets(*ones)[0])

    def over_subsets(self, size: int, count: int = 100, seed: int = 0) -> tuple[float, float]:
        """Mean and standard deviation over `count` random subsets of `size` pictures of each set, as KID is reported.

        Raises:
            ValueError: if a set has fewer pictures than `size`.
        """
        if size > min(self.cross.shape):
            raise ValueError(f"KID subsets of {size} need as many pictures; the sets have {self.cross.shape}.")
        rng = np.random.default_rng(seed)
        values = self._of_subsets(*(_subset_weights(rng, count, n, size) for n in self.cross.shape))
        return float(values.mean()), float(values.std())

    def bootstrap(self, real: ClusterDraws, output: ClusterDraws) -> np.ndarray:
        """Estimates on bootstrap samples of the paintings, (samples,).

        A sample may hold a painting more than once. Its copies are not two paintings that happen to be equal:
        likenesses between copies are left out, as those of a picture with itself are, since counting them would shift
        every estimate. Where `output` was made from `real` picture by picture, pass the same draws twice.
        """
        paired = real is output
        terms = ((self.real, real, real, 1.0), (self.output, output, output, 1.0), (self.cross, real, output, -2.0))
        total = np.zeros(len(real.counts))
        for kernel, rows, columns, sign in terms:
            counted = np.ones_like(kernel)
            if kernel is not self.cross:
                np.fill_diagonal(counted, 0)
            same = kernel is not self.cross or paired
            with np.errstate(invalid="ignore"):  # a sample of one picture has no pairs: nan
                total += sign * _pair_sums(kernel, rows, columns, same) / _pair_sums(counted, rows, columns, same)
        return total

    def _of_subsets(self, real: np.ndarray, output: np.ndarray) -> np.ndarray:
        """Estimates of subsets, given as (B, N) and (B, M) of 0 and 1: (B,)."""

        def within(chosen: np.ndarray, kernel: np.ndarray) -> np.ndarray:
            size = chosen.sum(1)
            return ((chosen @ kernel) * chosen).sum(1) / (size * (size - 1))

        across = ((real @ self.cross) * output).sum(1) / (real.sum(1) * output.sum(1))
        return within(real, self.real) + within(output, self.output) - 2 * across


def _pair_sums(kernel: np.ndarray, rows: ClusterDraws, columns: ClusterDraws, same: bool) -> np.ndarray:
    """Sum of (N, M) `kernel` over the pairs of each bootstrap sample, (samples,).

    Args:
        same: rows and columns are the same pictures, or pairs of them: pairs between two copies of a cluster are
            left out, so a cluster drawn w times counts w times its own pairs, not w^2 times.
    """
    blocks = _sums_by_cluster(_sums_by_cluster(kernel, rows.member).T, columns.member).T
    sums = ((rows.counts @ blocks) * columns.counts).sum(1)
    return sums - (rows.counts**2 - rows.counts) @ np.diag(blocks) if same else sums


def _sums_by_cluster(matrix: np.ndarray, member: np.ndarray) -> np.ndarray:
    """(N, M) -> (G, M), rows of a cluster added up."""
    sums = np.zeros((member.max() + 1, matrix.shape[1]))
    np.add.at(sums, member, matrix)
    return sums


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
