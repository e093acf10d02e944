"""Closed regions and palettes: what colouring does to regions, whose colours it uses."""

import itertools

import numpy as np
import pytest
import torch
from skimage.color import deltaE_ciede2000, rgb2lab

from evaluation.palette import palette_distance, palettes, random_others, reference_fidelity
from evaluation.segments import colour_steps, segment_ciede2000, segments

RED, GREEN, BLUE = (200, 40, 40), (40, 160, 60), (50, 60, 190)


def grid_drawing(side: int = 64, line: int = 3) -> np.ndarray:
    """Four rooms."""
    drawing = np.full((side, side), 255, np.uint8)
    middle = slice(side // 2 - line // 2, side // 2 + line // 2 + 1)
    drawing[middle] = drawing[:, middle] = 0
    return drawing


def pictures(*arrays: np.ndarray) -> torch.Tensor:
    """(H, W, 3) uint8 each -> (N, 3, H, W) in [0, 1]."""
    return torch.stack([torch.from_numpy(array.copy()).permute(2, 0, 1) for array in arrays]).float() / 255


def flat(colour: tuple[int, int, int], side: int = 64) -> np.ndarray:
    return np.broadcast_to(np.array(colour, np.uint8), (side, side, 3)).copy()


def halves(left: tuple[int, int, int], right: tuple[int, int, int], at: int = 32) -> np.ndarray:
    picture = flat(left)
    picture[:, at:] = right
    return picture


def lab(colour: tuple[int, int, int]) -> np.ndarray:
    return rgb2lab(np.array(colour, np.float32) / 255)


# regions


def test_four_rooms():
    labels = segments(grid_drawing())
    assert labels.dtype == np.int32 and sorted(np.unique(labels)) == [0, 1, 2, 3, 4]
    rooms = [labels[y, x] for y in (8, 56) for x in (8, 56)]
    assert len(set(rooms)) == 4
    assert (labels[30:35] == 0).all() and (labels[:, 30:35] == 0).all(), "a line and one pixel beside it"
    assert (labels[:30, :30] == rooms[0]).all(), "the picture's border is none of a region"


def test_small_gaps_are_closed_and_doors_are_not():
    for width, rooms in ((1, 4), (2, 4), (3, 3), (9, 3)):
        drawing = grid_drawing()
        drawing[29:36, 10 : 10 + width] = 255
        assert segments(drawing).max() == rooms, width
    drawing = grid_drawing()
    drawing[29:36, 10:12] = 255
    assert segments(drawing, gap=0).max() == 3


def test_ink_is_told_from_paper_of_any_tone():
    drawing = grid_drawing()
    expected = segments(drawing)
    for paper, ink in ((255, 180), (200, 100), (120, 0)):
        toned = np.where(drawing == 255, paper, ink).astype(np.uint8)
        assert (segments(toned) == expected).all()
    assert segments(np.where(drawing == 255, 200, 160).astype(np.uint8)).max() == 1, "a shade is no line"


def test_specks_are_lines():
    drawing = np.full((64, 64), 255, np.uint8)
    drawing[20:29, 20:29] = 0
    drawing[22:27, 22:27] = 255  # 25 px inside, 9 of them one off the line
    labels = segments(drawing)
    assert labels.max() == 1 and (labels[20:29, 20:29] == 0).all()
    assert segments(drawing, smallest=9).max() == 2 and segments(drawing, smallest=10).max() == 1


def test_a_page_without_regions():
    noise = np.random.default_rng(0).integers(0, 2, (40, 40)).astype(np.uint8) * 255
    assert segments(noise).max() == 0
    assert segments(np.full((8, 8), 255, np.uint8)).max() == 1, "a blank page is one"
    for wrong in (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.float32)):
        with pytest.raises(ValueError, match=r"\(H, W\) uint8"):
            segments(wrong)


# colours of regions


def test_a_regions_difference_is_that_of_its_colours():
    labels = segments(grid_drawing())[None]
    red, green = pictures(flat(RED)), pictures(flat(GREEN))
    expected = float(deltaE_ciede2000(lab(RED), lab(GREEN)))
    assert segment_ciede2000(red, green, labels).item() == pytest.approx(expected, abs=1e-3)
    assert segment_ciede2000(red, red, labels).item() == 0
    half = pictures(halves(RED, GREEN))  # right in two of four equal rooms
    left, right = ((labels[0][:, part] > 0).sum() for part in (slice(32), slice(32, None)))
    assert segment_ciede2000(red, half, labels).item() == pytest.approx(expected * right / (left + right), abs=1e-3)


def test_lines_and_shades_within_a_region_do_not_count():
    drawing = grid_drawing()
    labels = segments(drawing)[None]
    inked = flat(RED)
    inked[labels[0] == 0] = 0
    assert segment_ciede2000(pictures(flat(RED)), pictures(inked), labels).item() == 0
    lab_noise = np.random.default_rng(0).permutation(np.tile([-6, 6], 64 * 32)).reshape(64, 64, 1)
    noisy = (flat((128, 128, 128)) + lab_noise).astype(np.uint8)
    assert segment_ciede2000(pictures(flat((128, 128, 128))), pictures(noisy), labels).item() < 0.5


def test_region_measures_have_no_value_without_regions():
    labels = np.zeros((1, 64, 64), np.int32)
    red, green = pictures(flat(RED)), pictures(flat(GREEN))
    assert segment_ciede2000(red, green, labels).isnan().all()
    assert torch.stack(colour_steps(red, labels)).isnan().all()
    one = np.ones((1, 64, 64), np.int32)
    inside, across = colour_steps(red, one)
    assert inside.item() == 0 and across.isnan().all()
    inside, across = colour_steps(red, one, step=64)
    assert inside.isnan().all() and across.isnan().all(), "no two places are so far apart"
    for wrong in (labels[:, :32], labels[0]):
        with pytest.raises(ValueError, match="labels"):
            segment_ciede2000(red, green, wrong)
        with pytest.raises(ValueError, match="labels"):
            colour_steps(red, wrong)


# spilling


def test_colours_that_keep_to_their_regions_do_not_spill():
    """Each room its own colour: nothing changes inside; across each line the rooms' own difference."""
    labels = segments(grid_drawing())[None]
    inside, across = colour_steps(pictures(halves(RED, BLUE)), labels)
    assert inside.item() == 0
    change = float(np.hypot(*(lab(RED) - lab(BLUE))[1:]))
    assert across.item() == pytest.approx(change / 2, rel=1e-3), "two of the four borders of equal length"


def test_colours_that_ignore_the_lines_spill():
    """An edge in the middle of a region counts inside; a run of colours over all changes everywhere alike."""
    labels = segments(grid_drawing())[None]
    kept, moved = (colour_steps(pictures(halves(RED, BLUE, at)), labels) for at in (32, 14))
    assert moved[0].item() > 0 and moved[1].item() == 0 and kept[1].item() > 0
    run = np.linspace(0, 1, 64)[None, :, None] * np.ones((64, 1, 1))
    slope = (np.array([120, 128, 128]) * (1 - run) + np.array([136, 128, 128]) * run).astype(np.float32)
    rgb = torch.from_numpy(slope).permute(2, 0, 1)[None] / 255
    inside, across = colour_steps(rgb, labels)
    assert 0.8 < (inside / across).item() < 1.25


def test_shades_of_grey_are_no_colours():
    labels = segments(grid_drawing())[None]
    grey = np.random.default_rng(0).integers(0, 256, (64, 64, 1)).repeat(3, 2).astype(np.uint8)
    assert max(part.item() for part in colour_steps(pictures(grey), labels)) < 0.05


def test_steps_by_hand():
    """Pairs three apart, beside and above each other, picked one by one."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, (6, 7)).astype(np.int32)
    picture = rng.integers(0, 256, (6, 7, 3)).astype(np.uint8)
    chroma = rgb2lab(picture)[..., 1:]
    found = {True: [], False: []}
    for y, x in itertools.product(range(6), range(7)):
        for v, w in ((y + 3, x), (y, x + 3)):
            if v < 6 and w < 7 and labels[y, x] and labels[v, w]:
                found[bool(labels[y, x] == labels[v, w])].append(np.hypot(*(chroma[y, x] - chroma[v, w])))
    inside, across = colour_steps(pictures(picture), labels[None], step=3)
    assert inside.item() == pytest.approx(np.mean(found[True]), rel=1e-4)
    assert across.item() == pytest.approx(np.mean(found[False]), rel=1e-4)


# palettes


def test_palettes_do_not_know_places():
    picture = pictures(np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8))
    shuffled = picture.flatten(2)[:, :, torch.randperm(4096, generator=torch.manual_seed(0))].view_as(picture)
    found, again = palettes(picture), palettes(shuffled)
    assert found.shape == (1, 128, 3)
    assert palette_distance(found[0], again[0]) < 1e-3


def test_a_palette_weighs_colours_by_their_area():
    quarter = flat(RED)
    quarter[:, :16] = BLUE
    palette = palettes(pictures(quarter), 8)[0]
    assert np.abs(np.sort(palette, 0) - np.sort([lab(BLUE)] * 2 + [lab(RED)] * 6, 0)).max() < 0.01
    assert palettes(pictures(quarter), 1)[0, 0] == pytest.approx(palette.mean(0), abs=0.01), "the mean colour"


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (40, 200), (256, 257)])
def test_palettes_of_any_size(size):
    picture = torch.rand(1, 3, *size, generator=torch.manual_seed(0))
    found = palettes(picture, 16)
    assert found.shape == (1, 16, 3) and np.isfinite(found).all()
    expected = rgb2lab(picture[0].permute(1, 2, 0).numpy()).reshape(-1, 3)
    assert (found >= expected.min(0) - 1e-3).all() and (found <= expected.max(0) + 1e-3).all()
    if size[0] * size[1] % 16 == 0:
        assert found[0].mean(0) == pytest.approx(expected.mean(0), abs=0.6)


def test_palettes_refuse_what_they_do_not_know():
    for wrong in (torch.zeros(3, 8, 8), torch.zeros(1, 1, 8, 8), torch.zeros(1, 3, 0, 8)):
        with pytest.raises(ValueError, match=r"\(N, 3, H, W\)"):
            palettes(wrong)
    for count in (0, 3, -4):
        with pytest.raises(ValueError, match="power of two"):
            palettes(torch.zeros(1, 3, 8, 8), count)
    assert palettes(torch.zeros(0, 3, 8, 8)).shape == (0, 128, 3)


def test_distance_of_flat_pictures_is_that_of_their_colours():
    red, blue = palettes(pictures(flat(RED), flat(BLUE)), 16)
    assert palette_distance(red, blue) == pytest.approx(np.linalg.norm(lab(RED) - lab(BLUE)), rel=1e-4)
    assert palette_distance(red, red) == 0


def test_distance_is_the_least_over_all_matchings_and_a_metric():
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 5, 3))
    by_hand = min(np.linalg.norm(a - b[list(order)], axis=1).mean() for order in itertools.permutations(range(5)))
    assert palette_distance(a, b) == pytest.approx(by_hand)
    assert palette_distance(a, b) == pytest.approx(palette_distance(b, a))
    assert palette_distance(a, c) <= palette_distance(a, b) + palette_distance(b, c)
    shift = np.array([3.0, -4.0, 12.0])
    assert palette_distance(a, a[::-1] + shift) == pytest.approx(13), "moving all colours alike costs the move"
    with pytest.raises(ValueError, match="one shape"):
        palette_distance(a, b[:4])


# whose colours


def test_others_are_of_the_own_group_and_never_the_own():
    keys = ["x", "y", "x", "z", "w", "v"]
    groups = ["comic", "comic", "comic", "comic", "face", "single"]
    others = random_others(keys, groups, count=9)
    assert [list(rows) for rows in others[:4]] == [[1, 3], [0, 2, 3], [1, 3], [0, 1, 2]]
    assert list(others[4]) == [0, 1, 2, 3, 5], "alone in its group"
    few = random_others(keys, groups, count=1, seed=3)
    assert [len(rows) for rows in few] == [1] * 6 and all(set(a) <= set(b) for a, b in zip(few, others, strict=True))
    assert [list(rows) for rows in random_others(["x"] * 2, ["a", "b"], 5)] == [[], []]
    many = [random_others(list("abcdefgh"), ["one"] * 8, 3, seed) for seed in (0, 0, 1)]
    same = [all((a == b).all() for a, b in zip(many[0], other, strict=True)) for other in many[1:]]
    assert same == [True, False]


def test_fidelity_counts_those_farther_than_the_own():
    def point(x: float) -> np.ndarray:
        return np.full((4, 1), x)

    references = np.stack([point(x) for x in (0, 10, 20, 1)])
    outputs = np.stack([point(x) for x in (2, 15, 20, 7)])
    others = [np.array([1, 2, 3]), np.array([2, 0]), np.array([], dtype=int), np.array([1, 2])]
    found = reference_fidelity(outputs, references, others)
    assert found["own"] == pytest.approx([2, 5, 0, 6])
    assert found["other"][[0, 1, 3]] == pytest.approx([(8 + 18 + 1) / 3, (5 + 15) / 2, (3 + 13) / 2])
    assert found["nearer"][[0, 1, 3]] == pytest.approx([2 / 3, 0.75, 0.5])
    assert np.isnan(found["other"][2]) and np.isnan(found["nearer"][2])
