"""Conformal factors: closed forms, and coverage on draws of known law."""

import json

import numpy as np
import pytest
from PIL import Image

from landscape_fixtures import coloured_tiny
from pipelines import LandscapeColorizer
from pipelines.hub import save_for_hub
from pipelines.landscape_colorizer.calibrate import calibrate
from pipelines.landscape_colorizer.conformal import covered, cross_conformal, needed_factor
from pipelines.landscape_colorizer.wishes_table import share_covered


def test_factor_is_the_quantile_of_paintings():
    ratios = [np.arange(1, 11) / 10] * 19  # nineteen alike: the wanted share is 0.9 * 20 / 19
    assert needed_factor(ratios, 0.9) == pytest.approx(1.0)  # 0.947 of ten steps is the tenth
    assert covered(ratios, 0.5).tolist() == pytest.approx([0.5] * 19)
    with pytest.raises(ValueError, match="too few"):
        needed_factor(ratios[:5])


def test_a_large_painting_counts_no_more_than_a_small_one():
    small, large = np.full(10, 1.0), np.full(100_000, 3.0)
    assert needed_factor([small] * 15 + [large], 0.85) == 1.0


def test_cross_conformal_covers_nine_tenths_of_new_paintings():
    """Errors that come painting by painting, some hard and some easy."""
    rng = np.random.default_rng(0)
    ratios = [rng.rayleigh(size=400) * rng.lognormal(sigma=0.5) for _ in range(600)]
    assert cross_conformal(ratios[:300]) == pytest.approx(0.9, abs=0.02)
    new = covered(ratios[300:], needed_factor(ratios[:300]))
    assert new.mean() == pytest.approx(0.9, abs=0.03)


def test_calibrated_weights_hold_the_true_chroma_of_nine_tenths(tmp_path):
    """Of paintings whose colours the network cannot know; they stand for training and validation alike here."""
    rng = np.random.default_rng(0)
    for number in range(24):
        grey, colour = rng.integers(60, 200, (96, 96, 1)), rng.normal(0, 12, 3)
        noise = rng.normal(0, 6, (96, 96, 3))
        picture = (grey + colour + noise).clip(0, 255).astype(np.uint8)
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    save_for_hub(coloured_tiny(), tmp_path / "weights")
    calibrate(tmp_path, tmp_path / "sure", source=str(tmp_path / "weights"), crops=1, size=64)

    pipe = LandscapeColorizer.from_pretrained(str(tmp_path / "sure"))
    before = LandscapeColorizer.from_pretrained(str(tmp_path / "weights"))
    shares = []
    for number in range(24):
        real = np.asarray(Image.open(tmp_path / f"{number}.png"))
        painted = pipe(real, return_uncertainty=True)
        assert np.abs(np.asarray(painted.images[0]).astype(int) - np.asarray(before(real).images[0])).max() <= 1
        shares.append(share_covered(real, np.asarray(painted.images[0]), painted.uncertainty[0]))
    assert np.mean(shares) == pytest.approx(0.9, abs=0.08)
    assert json.loads((tmp_path / "sure/training.json").read_text())["calibration"]["radius_factor"] > 0
