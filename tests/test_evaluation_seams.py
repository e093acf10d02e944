"""Seams: closed forms."""

import numpy as np
import pytest

from evaluation.seams import chroma_of_whole_and_crops, seam_ratio


def noise(height: int = 96, width: int = 128) -> np.ndarray:
    grey = np.random.default_rng(0).integers(60, 200, (height, width, 1), dtype=np.uint8)
    return np.repeat(grey, 3, axis=2)


def test_the_picture_itself_has_no_joint():
    assert seam_ratio(noise(), noise(), 32) == pytest.approx(1.0)


def test_tiles_of_unlike_colours_show():
    output = noise()
    given = np.full_like(output, 128)
    given[::2] = 130
    given[:, ::2] += 2
    tinted = given.copy()
    tinted[:, 32:64, 0] += 30
    assert seam_ratio(tinted, given, 32) > 1.5
    assert seam_ratio(tinted, given, 32, offset=16) < 1.1  # where no borders lie, none is seen


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(ValueError, match="No border"):
        seam_ratio(noise(), noise(), 512)
    with pytest.raises(ValueError, match="picture given"):
        seam_ratio(noise(), noise(40), 32)


def test_chroma_of_a_duller_whole():
    vivid, dull = np.full((8, 8, 3), (200, 100, 50), np.uint8), np.full((8, 8, 3), (160, 120, 100), np.uint8)
    assert chroma_of_whole_and_crops(vivid, [vivid[:4], vivid[4:]]) == pytest.approx(1)
    assert chroma_of_whole_and_crops(dull, [vivid]) < 0.5
