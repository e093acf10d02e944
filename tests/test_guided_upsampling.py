"""A change made on a small view, carried over to the full-size picture."""

import pytest
import torch

from pipelines.guided_upsampling import GuidedUpsampling, affine_maps, apply_maps, box_mean
from pipelines.sampling import sample_bilinear


def picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_at_the_views_own_size_the_change_is_exact():
    before, after = picture(20, 30), picture(20, 30, 1)
    change = GuidedUpsampling(before, after, 20, 30)
    assert torch.allclose(change.apply(before, 0, 0), after, atol=1e-6)
    assert torch.allclose(change.apply(before[:, :, 5:9, 7:20], 5, 7), after[:, :, 5:9, 7:20], atol=1e-6)


def test_one_affine_map_of_colours_is_found_and_carried_over():
    """Where the change is one map everywhere, the large picture gets that map, detail that the view lacks included."""
    weights, offset = torch.tensor([[0.5, 0.2, 0], [0, 0.9, -0.1], [0.1, 0, 0.3]]), torch.tensor([0.1, -0.2, 0.05])

    def mapped(x):
        return torch.einsum("ij,bjhw->bihw", weights, x) + offset.view(1, 3, 1, 1)

    view, large = picture(24, 32), picture(72, 96, 1)
    change = GuidedUpsampling(view, mapped(view), 72, 96, eps=1e-7)
    assert torch.allclose(change.apply(large, 0, 0), mapped(large), atol=1e-3)


def test_tiles_equal_the_whole():
    change = GuidedUpsampling(picture(17, 23), picture(17, 23, 1), 61, 90)
    large = picture(61, 90, 2)
    whole = change.apply(large, 0, 0)
    for top, left, height, width in ((0, 0, 30, 31), (30, 31, 31, 59), (60, 89, 1, 1), (13, 0, 7, 90)):
        part = change.apply(large[:, :, top : top + height, left : left + width], top, left)
        assert torch.equal(part, whole[:, :, top : top + height, left : left + width])


def test_no_change_is_no_change():
    view, large = picture(16, 16), picture(50, 40, 1)
    assert torch.allclose(GuidedUpsampling(view, view, 50, 40).apply(large, 0, 0), large, atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 2)])
def test_views_of_a_pixel(size):
    view, large = picture(*size), picture(12, 18, 1)
    result = GuidedUpsampling(view, view + 0.1, 12, 18).apply(large, 0, 0)
    assert torch.allclose(result, large + 0.1, atol=1e-5)


def test_flat_windows_give_an_offset():
    """Where colours do not vary nothing can be said of weights: they are 0, and the offset is the change."""
    flat, target = torch.full((1, 3, 9, 9), 0.3), torch.full((1, 3, 9, 9), -0.4)
    maps = affine_maps(flat, target, radius=2, eps=1e-3)
    assert maps.unflatten(1, (3, 4))[:, :, :3].abs().max() < 1e-3
    assert torch.allclose(apply_maps(maps, flat), target, atol=1e-4)


def test_box_mean_against_plain_sums():
    x = picture(6, 7)
    found = box_mean(x, 2)
    for row, column in ((0, 0), (3, 3), (5, 6), (2, 6)):
        window = x[0, 1, max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3]
        assert found[0, 1, row, column].item() == pytest.approx(window.mean().item(), abs=1e-6)


def test_sampling_agrees_with_torch():
    grid = torch.randn(1, 4, 7, 9)
    expected = torch.nn.functional.interpolate(grid, size=(21, 36), mode="bilinear", align_corners=False)
    found = sample_bilinear(grid, (21, 36), (0, 0), (7 / 21, 9 / 36))
    assert torch.allclose(found, expected, atol=1e-5)
