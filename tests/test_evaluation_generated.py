"""Measures of generated pictures: closed forms, the authors' formulae, what a copying or collapsed generator gets."""

import math

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import mannwhitneyu

import torchvision_guard  # noqa: F401
from evaluation.coverage import Coverage, coverage_measures, equal_sets, nearest_radii
from evaluation.diversity import class_diversity, classes_covered, pairwise_distances
from evaluation.grey_statistics import entropy, grey_statistics, luma, mean_laplacian
from evaluation.memorisation import memorisation, nearest_training, share_smaller
from evaluation.perceptual import lpips_network


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def grey_pictures(rows: list[list[int]]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.uint8).expand(1, 3, -1, -1)


def test_luma_equals_pillow():
    pictures = noise(3, 3, 40, 50)
    for picture, grey in zip(pictures, luma(pictures), strict=True):
        expected = np.asarray(Image.fromarray(picture.permute(1, 2, 0).numpy()).convert("L"))
        assert np.array_equal(grey[0].numpy(), expected)


def test_grey_statistics_closed_forms():
    half = grey_pictures([[0] * 8, [200] * 8] * 4)  # rows alternate
    flat = grey_pictures([[90] * 8] * 8)
    found = grey_statistics(torch.cat([half, flat]))
    assert found["grey_mean"].tolist() == [100, 90] and found["grey_std"].tolist() == pytest.approx([100, 0])
    assert found["entropy_grey"].tolist() == pytest.approx([1, 0], abs=1e-12)
    assert found["entropy_rgb"].tolist() == pytest.approx([3, 0], abs=1e-12)
    assert found["laplacian"].tolist() == [400, 0]  # each pixel has two equal neighbours and two 200 off
    assert all(values.dtype == torch.float64 for values in found.values())


def test_entropy_of_all_levels_is_eight_bits_a_channel():
    levels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert entropy(levels).item() == pytest.approx(8, abs=1e-12)
    assert entropy(torch.cat([levels, levels.flip(3), levels.mT], 1)).item() == pytest.approx(24, abs=1e-12)


def test_entropy_counts_channels_apart():
    """A picture of one flat channel and one of two equally frequent values: 0 + 1 bits."""
    two = torch.zeros(1, 2, 4, 4, dtype=torch.uint8)
    two[0, 1, :2] = 255
    assert entropy(two).item() == pytest.approx(1, abs=1e-12)


def test_laplacian_of_a_point_and_of_a_ramp():
    point = torch.zeros(1, 1, 5, 5, dtype=torch.uint8)
    point[..., 2, 2] = 100
    assert mean_laplacian(point).item() == pytest.approx((400 + 4 * 100) / 9)
    ramp = torch.arange(0, 250, 10, dtype=torch.uint8).expand(1, 1, 7, -1)
    assert mean_laplacian(ramp).item() == 0


def test_grey_statistics_do_not_depend_on_the_batch():
    pictures = noise(7, 3, 12, 9)
    for name, values in grey_statistics(pictures).items():
        assert torch.equal(values, grey_statistics(pictures, batch=2)[name]), name


@pytest.mark.parametrize("bad", [torch.rand(1, 3, 8, 8), noise(1, 1, 8, 8), noise(3, 8, 8), noise(1, 3, 2, 8)])
def test_grey_statistics_refuse(bad):
    with pytest.raises(ValueError, match=r"Pictures must be \(N, 3, H, W\) uint8"):
        grey_statistics(bad)


def published(real: np.ndarray, output: np.ndarray, k: int) -> Coverage:
    """The formulae of the package `prdc`, written out."""

    def apart(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.sqrt(np.square(x[:, None] - y[None]).sum(-1))

    real_radii, output_radii = (np.sort(apart(x, x), axis=1)[:, k] for x in (real, output))
    across = apart(real, output)
    return Coverage(
        (across < real_radii[:, None]).any(0).mean(),
        (across < output_radii[None]).any(1).mean(),
        (across < real_radii[:, None]).sum(0).mean() / k,
        (across.min(1) < real_radii).mean(),
    )


@pytest.mark.parametrize(("n", "m"), [(40, 40), (300, 35), (35, 600)])
def test_coverage_equals_the_published_formulae(n, m):
    rng = np.random.default_rng(n)
    real, output = rng.normal(size=(n, 5)), 0.7 * rng.normal(size=(m, 5)) + 0.4
    found, near, wide = coverage_measures(real, output), published(real, output, 3), published(real, output, 5)
    assert (found.precision, found.recall) == pytest.approx((near.precision, near.recall))
    assert (found.density, found.coverage) == pytest.approx((wide.density, wide.coverage))
    assert 0 < found.recall < 1 and found.coverage > 0


def test_coverage_on_a_line():
    """Real pictures at 0, 1, 3, 6 with k = 1: radii 1, 1, 2, 3, so the balls are (-1, 1), (0, 2), (1, 5), (3, 9)."""
    real = np.array([[0.0], [1.0], [3.0], [6.0]])
    output = np.array([[0.5], [4.0], [100.0]])  # in two balls, in two, in none; their radii are 3.5, 3.5, 96
    assert nearest_radii(real, (1,))[0].tolist() == [1, 1, 2, 3]
    found = coverage_measures(real, output, 1, 1)
    # (-3, 4) and (0.5, 7.5) and (4, 196) hold all real ones; the balls of all real ones hold an output
    assert found == Coverage(pytest.approx(2 / 3), 1.0, pytest.approx(4 / 3), 1.0)
    assert coverage_measures(real, np.array([[2.0], [2.0]]), 1, 1) == Coverage(1.0, 0.0, 1.0, 0.25)


def test_a_picture_on_the_edge_of_a_ball_is_outside():
    real = np.array([[0.0], [1.0], [2.0]])
    assert coverage_measures(real, np.array([[3.0], [3.5]]), 1, 1).precision == 0
    assert coverage_measures(real, np.array([[2.999], [3.5]]), 1, 1).precision == 0.5


def test_both_ks_are_used():
    rng = np.random.default_rng(1)
    real, output = rng.normal(size=(60, 3)), rng.normal(size=(60, 3)) + 1
    found = coverage_measures(real, output, 2, 7)
    assert found.recall == pytest.approx(published(real, output, 2).recall)
    assert found.coverage == pytest.approx(published(real, output, 7).coverage)


def test_coverage_of_collapse_and_of_two_modes():
    """One good picture again and again: precise, not varied. One mode of two: half is covered."""
    rng = np.random.default_rng(2)
    left, right = rng.normal(size=(200, 4)), rng.normal(size=(200, 4)) + 50
    real = np.concatenate([left, right])
    collapsed = coverage_measures(real, np.repeat(left[:1], 100, 0) + 1e-9 * rng.normal(size=(100, 4)))
    assert collapsed.precision == 1 and collapsed.recall < 0.02 and collapsed.coverage < 0.1
    half = coverage_measures(real, rng.normal(size=(400, 4)))
    assert half.precision > 0.85 and 0.3 < half.recall <= 0.5 and 0.3 < half.coverage <= 0.5
    same = coverage_measures(left, rng.normal(size=(200, 4)))
    assert 0.8 < same.density < 1.2 and same.coverage > 0.9


@pytest.mark.parametrize(
    ("real", "output", "k", "message"),
    [
        (np.zeros((4, 2)), np.zeros((9, 3)), 1, "Two sets of features"),
        (np.zeros(4), np.zeros((9, 3)), 1, "Two sets of features"),
        (np.full((9, 2), np.nan), np.zeros((9, 2)), 1, "finite"),
        (np.zeros((5, 2)), np.zeros((9, 2)), 5, "need more pictures"),
        (np.zeros((9, 2)), np.zeros((5, 2)), 5, "need more pictures"),
        (np.zeros((9, 2)), np.zeros((9, 2)), 0, "need more pictures"),
    ],
)
def test_coverage_refuses(real, output, k, message):
    with pytest.raises(ValueError, match=message):
        coverage_measures(real, output, k, k)


def test_equal_sets():
    large, small = np.arange(20.0).reshape(10, 2), np.ones((4, 2))
    drawn, kept = equal_sets(large, small, seed=3)
    assert kept is small and drawn.shape == (4, 2) and len({tuple(row) for row in drawn}) == 4
    assert {tuple(row) for row in drawn} <= {tuple(row) for row in large}
    assert np.array_equal(drawn, equal_sets(large, small, seed=3)[0])
    assert any(not np.array_equal(drawn, equal_sets(large, small, seed=seed)[0]) for seed in range(5))


def test_nearest_training_picture():
    rng = np.random.default_rng(4)
    training, pictures = rng.normal(size=(50, 6)), rng.normal(size=(600, 6))
    pictures[::7] = training[np.arange(len(pictures[::7])) % 50]
    found = nearest_training(pictures, training)
    apart = np.sqrt(np.square(pictures[:, None] - training[None]).sum(-1))
    assert np.array_equal(found.index, apart.argmin(1))
    assert found.distance == pytest.approx(apart.min(1)) and (found.distance[::7] == 0).all()
    assert len(nearest_training(np.empty((0, 6)), training).index) == 0


@pytest.mark.parametrize("levels", [None, 4])
def test_share_smaller_is_mann_whitney(levels):
    rng = np.random.default_rng(5)
    first, second = rng.normal(size=70), rng.normal(size=55) + 0.4
    if levels:  # many ties
        first, second = np.round(first * levels / 4), np.round(second * levels / 4)
    pairs = (first[:, None] < second).mean() + (first[:, None] == second).mean() / 2
    share, z = share_smaller(first, second)
    assert share == pytest.approx(pairs)
    expected = mannwhitneyu(first, second, alternative="less", method="asymptotic", use_continuity=False)
    assert math.erfc(z / math.sqrt(2)) / 2 == pytest.approx(expected.pvalue)
    assert share_smaller(second, first) == pytest.approx((1 - share, -z))


def test_share_smaller_of_equal_values():
    assert share_smaller(np.ones(4), np.ones(3)) == (0.5, 0.0)


def test_memorisation_tells_copying_from_learning():
    rng = np.random.default_rng(6)
    training, held_out, fresh = (rng.normal(size=(400, 5)) for _ in range(3))
    learnt = memorisation(fresh, training, held_out)
    assert abs(learnt.z) < 3 and 0.4 < learnt.nearer < 0.6 and learnt.copies < 0.12
    copied = memorisation(training + 0.001 * rng.normal(size=training.shape), training, held_out)
    assert copied.nearer > 0.99 and copied.z > 20 and copied.copies > 0.99
    assert np.array_equal(copied.samples.index, np.arange(400))
    mixed = np.concatenate([fresh[:300], training[:100]])
    assert memorisation(mixed, training, held_out).copies == pytest.approx(0.25 + 0.75 * learnt.copies, abs=0.05)
    assert memorisation(fresh + 20, training, held_out).nearer < 0.01


def test_memorisation_of_the_held_out_pictures_themselves_is_even():
    rng = np.random.default_rng(7)
    training, held_out = rng.normal(size=(100, 4)), rng.normal(size=(80, 4))
    found = memorisation(held_out, training, held_out)
    assert found.nearer == 0.5 and found.z == 0 and found.copies == 0.05


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ((np.empty((0, 2)), np.ones((3, 2)), np.ones((3, 2))), "needs samples"),
        ((np.ones((3, 2)), np.ones((3, 2)), np.empty((0, 2))), "needs samples"),
        ((np.ones((3, 2)), np.empty((0, 2)), np.ones((3, 2))), "Two sets"),
        ((np.ones((3, 2)), np.ones((3, 4)), np.ones((3, 2))), "Two sets"),
        ((np.ones((3, 2)), np.full((3, 2), np.inf), np.ones((3, 2))), "finite"),
    ],
)
def test_memorisation_refuses(sets, message):
    with pytest.raises(ValueError, match=message):
        memorisation(*sets)


class MeanDifference(torch.nn.Module):
    """In the place of LPIPS: the difference of the pictures' mean values, in grey levels."""

    def features(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        return [(pictures + 1).mean((1, 2, 3), keepdim=True) * 127.5]

    def compare(self, first: list[torch.Tensor], second: list[torch.Tensor]) -> torch.Tensor:
        return (first[0] - second[0]).abs().flatten()


def flat(*values: int) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 4, 4).contiguous()


def test_diversity_closed_form():
    """Values 0, 30, 60 lie 30, 30, 60 apart: 40 in the mean; half as far apart, half the variety."""
    real, samples = flat(0, 100, 30, 120, 60), flat(15, 30, 0, 130, 130)
    real_labels, labels = ["a", "b", "a", "b", "a"], ["a", "a", "a", "b", "b"]
    found = class_diversity(samples, labels, real, real_labels, MeanDifference())
    assert found.classes["a"].real == pytest.approx(40, rel=1e-5)
    assert found.classes["a"].samples == pytest.approx(20, rel=1e-5)
    assert (found.classes["b"].real, found.classes["b"].samples) == (pytest.approx(20, rel=1e-5), 0)
    assert (found.real, found.samples) == (pytest.approx(30, rel=1e-5), pytest.approx(10, rel=1e-5))
    assert found.ratio == pytest.approx(1 / 3, rel=1e-5)
    assert [found.classes[label].pictures for label in "ab"] == [3, 2]


def test_diversity_takes_equally_many_and_draws_by_seed():
    rng = torch.Generator().manual_seed(8)
    real = torch.randint(0, 256, (60,), generator=rng)
    samples = torch.randint(0, 256, (40,), generator=rng)
    sets = (flat(*samples.tolist()), ["a"] * 40, flat(*real.tolist()), ["a"] * 60)
    whole = class_diversity(*sets, MeanDifference(), most=100).classes["a"]
    assert whole.pictures == 40
    pairs = (samples[:, None] - samples).abs().double().sum() / (40 * 39)
    assert whole.samples == pytest.approx(pairs.item(), rel=1e-5)
    few = [class_diversity(*sets, MeanDifference(), most=8, seed=seed) for seed in (0, 0, 1)]
    assert few[0] == few[1] and few[0] != few[2] and few[0].classes["a"].pictures == 8


def test_diversity_interval_holds_the_true_ratio():
    """Samples spread half as wide as real pictures; 40 experiments."""
    rng, hits = np.random.default_rng(9), 0
    for _ in range(40):
        real = flat(*np.clip(rng.normal(128, 30, 40), 0, 255).astype(int).tolist())
        samples = flat(*np.clip(rng.normal(128, 15, 40), 0, 255).astype(int).tolist())
        low, high = class_diversity(samples, ["a"] * 40, real, ["a"] * 40, MeanDifference()).classes["a"].ratio
        hits += low <= 0.5 <= high
    assert 33 <= hits <= 40 and low < high


def test_pairwise_distances_are_lpips():
    lpips, pictures = lpips_network("alex"), noise(4, 3, 48, 48, seed=1)
    matrix = pairwise_distances(pictures, lpips, batch=3)
    assert np.array_equal(matrix, matrix.T) and (np.diag(matrix) == 0).all()
    images = pictures.float() / 127.5 - 1
    with torch.no_grad():
        for i, j in ((0, 1), (1, 3), (2, 3)):
            assert matrix[i, j] == pytest.approx(lpips(images[i : i + 1], images[j : j + 1]).item(), rel=1e-4)


def test_a_collapsed_generator_has_no_variety():
    real = noise(6, 3, 32, 32)
    found = class_diversity(real[:1].repeat(6, 1, 1, 1), ["a"] * 6, real, ["a"] * 6, lpips_network("alex"))
    assert found.ratio == pytest.approx(0, abs=1e-6) and found.real > 0.05
    assert max(found.classes["a"].ratio) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("samples", "labels", "message"),
    [
        (flat(1, 2), ["a"], "2 pictures have 1 labels"),
        (flat(1, 2), ["b", "b"], "Samples show"),
        (flat(1, 2)[..., :3], ["a", "a"], "Samples are"),
        (flat(1), ["a"], "two samples"),
    ],
)
def test_diversity_refuses(samples, labels, message):
    with pytest.raises(ValueError, match=message):
        class_diversity(samples, labels, flat(1, 2), ["a", "a"], MeanDifference())


def test_classes_covered():
    classes = ["a", "b", "c", "d"]
    assert classes_covered(["a"] * 10 + ["b"] * 10 + ["c"] * 10 + ["d"] * 10, classes) == 4
    assert classes_covered(["a"] * 40, classes) == 1
    assert classes_covered(["a"] * 37 + ["b"] * 3, classes) == 2  # a quarter of the fair share of 10 is 2.5
    assert classes_covered(["a"] * 38 + ["b"] * 2, classes) == 1
    assert classes_covered([], classes) == 0
    with pytest.raises(ValueError, match="not among the classes"):
        classes_covered(["e"], classes)
