"""FID, KID, paired quality and the bootstrap: check values, closed forms, reference implementations."""

import numpy as np
import pytest
import torch
from scipy import linalg

import torchvision_guard  # noqa: F401
from evaluation.bootstrap import ClusterDraws, draw_clusters, interval, mean_interval
from evaluation.distribution import Inception, KernelDistance, fid, prepare
from evaluation.image_quality import fsim, psnr, ssim


@pytest.fixture(scope="module")
def inception() -> Inception:
    return Inception(batch=4)


def example_pictures() -> tuple[torch.Tensor, torch.Tensor]:
    """The pictures of torchmetrics' FID and KID examples: the seed is set before Inception is built, which draws."""
    from torch_fidelity import FeatureExtractorInceptionV3

    torch.manual_seed(42)
    with pytest.raises(FileNotFoundError):  # built with random weights, then asks for a file
        FeatureExtractorInceptionV3("random", ["64"], feature_extractor_weights_path="no-such-file")
    dark = torch.randint(0, 200, (100, 3, 299, 299), dtype=torch.uint8)
    return dark, torch.randint(100, 255, (100, 3, 299, 299), dtype=torch.uint8)


def first_features(pictures: torch.Tensor, inception: Inception) -> np.ndarray:
    """The 64 features after the first pooling, averaged over the picture: (N, 64)."""
    layers, features = inception.network.net.layers, []
    with torch.no_grad():
        for batch in pictures.split(5):
            maps = torch.stack([prepare(picture) for picture in batch])
            for name in ("conv", "conv_1", "conv_2", "pool0"):
                maps = getattr(layers, name)(maps)
            features.append(maps.mean((2, 3)))
    return torch.cat(features).double().numpy()


def test_fid_check_value(inception):
    dark, light = example_pictures()
    assert fid(first_features(dark, inception), first_features(light, inception)) == pytest.approx(12.6388, abs=5e-5)


@pytest.mark.slow
def test_kid_check_value(inception):
    """torchmetrics draws its subsets with torch; the same ones give its example's numbers, ours nearly."""
    dark, light = example_pictures()
    features = [inception(pictures) for pictures in (dark, light)]
    values = [
        KernelDistance(*(set_[torch.randperm(100)[:50].numpy()] for set_ in features)).value() for _ in range(100)
    ]
    assert np.mean(values) == pytest.approx(0.0312, abs=5e-5) and np.std(values) == pytest.approx(0.0025, abs=5e-5)
    assert KernelDistance(*features).over_subsets(50) == pytest.approx((0.0312, 0.0025), abs=5e-4)


def test_inception_features(inception):
    """Shape, determinism over batches, and that pictures of any size are accepted."""
    pictures = list(torch.randint(0, 256, (5, 3, 64, 48), dtype=torch.uint8, generator=torch.manual_seed(0)))
    features = inception(iter(pictures))
    assert features.shape == (5, 2048) and features.min() >= 0
    assert np.allclose(features[4], inception(pictures[4:])[0], atol=1e-4)
    with pytest.raises(ValueError, match="uint8"):
        prepare(torch.rand(3, 8, 8))


def test_fid_equals_the_formula_with_a_matrix_root():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(200, 6)), rng.normal(size=(150, 6)) @ rng.normal(size=(6, 6)) + 1
    covariances = [np.cov(features, rowvar=False) for features in (first, second)]
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    means = np.square(first.mean(0) - second.mean(0)).sum()
    expected = means + sum(np.trace(c) for c in covariances) - 2 * np.trace(root)
    assert fid(first, second) == pytest.approx(expected, rel=1e-9)
    assert fid(first, first) == pytest.approx(0, abs=1e-9)
    assert fid(first, first + 2) == pytest.approx(6 * 4)  # only the means differ


def test_kid_equals_torchmetrics_and_is_unbiased_at_zero():
    from torchmetrics.image.kid import poly_mmd

    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(30, 8)), rng.normal(1, 1, (30, 8))
    expected = poly_mmd(torch.from_numpy(first), torch.from_numpy(second)).item()
    assert KernelDistance(first, second).value() == pytest.approx(expected, rel=1e-9)
    same = [KernelDistance(rng.normal(size=(25, 8)), rng.normal(size=(25, 8))).value() for _ in range(400)]
    assert abs(np.mean(same)) < 3 * np.std(same) / 20  # mean 0 where the distributions are the same
    assert min(same) < 0


def test_kid_of_a_set_with_itself():
    """Closed form: the cross term holds the diagonal that the others leave out."""
    features = np.eye(4)
    diagonal, off = (1 / 4 + 1) ** 3, 1.0
    expected = 2 * off - 2 * (4 * diagonal + 12 * off) / 16
    assert KernelDistance(features, features).value() == pytest.approx(expected)
    with pytest.raises(ValueError, match="subsets of 5"):
        KernelDistance(features, features).over_subsets(5)


@pytest.mark.parametrize("paired", [True, False])
def test_kid_bootstrap_leaves_out_pairs_of_copies(paired):
    """Against the definition, written out over the items of a sample: (copy of the painting, picture)."""
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
    member = np.array([0, 0, 1, 2])
    draws = ClusterDraws(member, np.array([[2.0, 0, 1], [1, 1, 1], [0, 1, 2]]))
    other = draws if paired else ClusterDraws(member, draws.counts[::-1])

    def items(counts):
        return [
            ((c, copy), i) for c, n in enumerate(counts) for copy in range(int(n)) for i in np.flatnonzero(member == c)
        ]

    def mean(x, y, left, right, same, diagonal):
        pairs = [(i, j) for ci, i in left for cj, j in right if not same or ci == cj or ci[0] != cj[0]]
        pairs = [(i, j) for i, j in pairs if diagonal or i != j]
        return np.mean([(x[i] @ y[j] / 5 + 1) ** 3 for i, j in pairs])

    expected = []
    for counts, other_counts in zip(draws.counts, other.counts, strict=True):
        left, right = items(counts), items(other_counts)
        within = mean(first, first, left, left, True, False) + mean(second, second, right, right, True, False)
        expected.append(within - 2 * mean(first, second, left, right, paired, True))
    distance = KernelDistance(first, second)
    assert distance.bootstrap(draws, other) == pytest.approx(expected)
    assert distance.bootstrap(draws, other)[1] == pytest.approx(distance.value())


def test_kid_bootstrap_is_centred_on_the_estimate():
    rng = np.random.default_rng(4)
    real = np.repeat(rng.normal(size=(30, 16)), 2, axis=0) + 0.3 * rng.normal(size=(60, 16))
    output = real + 0.5 * rng.normal(size=real.shape)
    draws = draw_clusters([str(i // 2) for i in range(60)], samples=2000)
    distance = KernelDistance(real, output)
    samples = distance.bootstrap(draws, draws)
    assert abs(samples.mean() - distance.value()) < 0.5 * samples.std()


def test_bootstrap_covers_the_mean_over_clusters():
    """Of 300 experiments about 95 % of the intervals hold the true mean, though items of a cluster are alike."""
    rng = np.random.default_rng(3)
    clusters = np.repeat([f"painting {i}" for i in range(40)], 3)
    draws = draw_clusters(list(clusters), samples=500)
    hits = naive_hits = 0
    for _ in range(300):
        values = np.repeat(rng.normal(size=40), 3) + rng.normal(0, 0.3, 120)
        low, high = mean_interval(values, draws)
        hits += low <= 0 <= high
        half = 1.96 * values.std() / np.sqrt(120)
        naive_hits += abs(values.mean()) <= half
    assert 0.91 <= hits / 300 <= 0.98
    assert naive_hits / 300 < 0.85  # what an interval over single crops would give


def test_bootstrap_draws_whole_paintings():
    weights = draw_clusters(["a", "b", "a"], samples=50, seed=1).weights
    assert weights.shape == (50, 3) and np.array_equal(weights[:, 0], weights[:, 2])
    assert set((weights[:, 0] + weights[:, 1]).tolist()) == {2.0}
    assert np.array_equal(weights, draw_clusters(["a", "b", "a"], samples=50, seed=1).weights)
    assert interval(np.arange(101.0)) == pytest.approx((2.5, 97.5))


def test_paired_quality_closed_forms():
    real = torch.full((2, 3, 48, 48), 0.5)
    off = real + torch.tensor([0.1, 0.01]).view(2, 1, 1, 1)
    assert psnr(real, off).tolist() == pytest.approx([20, 40], rel=1e-5)
    # A constant picture has no variance: SSIM is its luminance term, (2 x y + c) / (x^2 + y^2 + c) with c = 0.01^2.
    expected = [(2 * 0.5 * y + 1e-4) / (0.25 + y * y + 1e-4) for y in (0.6, 0.51)]
    assert ssim(real, off).tolist() == pytest.approx(expected, abs=1e-4)
    noise = torch.rand(1, 3, 64, 64, generator=torch.manual_seed(0))
    assert fsim(noise, noise).item() == pytest.approx(1, abs=1e-5)
    assert ssim(noise, noise).item() == pytest.approx(1, abs=1e-5)


def test_ssim_equals_scikit_image():
    from skimage.metrics import structural_similarity

    torch.manual_seed(1)
    real = torch.nn.functional.avg_pool2d(torch.rand(1, 3, 70, 70), 7, 1)
    output = (real + 0.05 * torch.randn_like(real)).clamp(0, 1)
    arrays = [picture[0].permute(1, 2, 0).double().numpy() for picture in (real, output)]
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0}
    expected = structural_similarity(*arrays, channel_axis=2, **options)
    assert ssim(real, output).item() == pytest.approx(expected, abs=2e-3)  # the two treat the border differently


@pytest.mark.parametrize("size", [(64, 64), (17, 40)])
def test_ssim_equals_torchmetrics(size):
    from torchmetrics.functional.image import structural_similarity_index_measure

    torch.manual_seed(2)
    real = torch.nn.functional.interpolate(torch.rand(3, 3, 9, 9), size, mode="bicubic").clamp(0, 1)
    output = torch.stack([(real[0] + 0.1 * torch.randn_like(real[0])).clamp(0, 1), 1 - real[1], real[2] / 2])
    options = {"sigma": 1.5, "kernel_size": 11, "data_range": 1.0, "k1": 0.01, "k2": 0.03, "reduction": "none"}
    expected = structural_similarity_index_measure(output.double(), real.double(), gaussian_kernel=True, **options)
    assert ssim(real, output).tolist() == pytest.approx(expected.tolist(), abs=2e-5)
    assert min(expected) < 0.5 < max(expected)
