"""Simulated studies of known truth: do the intervals hold what they promise, with the code that reports use?

The quick tests run 200 studies a design (a coverage is known to ±3 points then), the slow ones the 2000 of the promise:
coverage of 93 to 97 %, and at most 6.5 % errors of TOST at the edge of its margin.
"""

import numpy as np
import pytest

from study.analysis.inference import infer
from study.analysis.participant_bootstrap import draw, per_person
from study.analysis.simulation import (
    DESIGNS,
    LIMITS,
    SHORT,
    Design,
    coverage,
    coverage_table,
    difference_coverage,
    simulate,
)
from study.analysis.tables import table_markdown
from study.plan import AnalysisPlan

pytestmark = pytest.mark.filterwarnings("error")
EDGES = [design for design in DESIGNS if abs(abs(design.accuracy - design.chance) - design.margin) < 1e-9]
QUICK, FULL = 200, 2000


def test_crossed_intervals_cover_in_short():
    found = [coverage(design, QUICK) for design in SHORT]
    assert all(0.9 <= row["crossed"] <= 0.99 and 0.9 <= row["fixed"] <= 0.99 for row in found), found
    for name in ("crossed", "fixed"):  # four times 200 are known to 0.8 points
        assert 0.925 <= np.mean([row[name] for row in found]) <= 0.975
    assert all(
        row["wilson"] < 0.9 for row in found
    )  # the simulation sees what is wrong with answers taken as independent


def test_equivalence_errs_rarely_in_short():
    assert coverage(EDGES[1], QUICK)["tost_error"] <= 0.065 + 3 * (0.065 * 0.935 / QUICK) ** 0.5


def test_differences_cover_and_equal_models_are_told_apart_rarely_in_short():
    held, apart = difference_coverage(SHORT[2], SHORT[2].accuracy, QUICK)
    assert held >= 0.9 and apart <= 0.1 and held == pytest.approx(1 - apart)


def test_the_truth_of_a_design_is_its_accuracy():
    for design in (SHORT[0], SHORT[3], DESIGNS[10]):
        rng = np.random.default_rng(0)
        many = [simulate(design, rng, design.intercept, design.sd_people) for _ in range(300)]
        shares = [part.values.mean() for part, _ in many]
        fixed = [truth for _, truth in many]
        tolerance = 4 * np.std(shares) / 300**0.5
        assert np.mean(shares) == pytest.approx(design.accuracy, abs=tolerance)
        assert np.mean(fixed) == pytest.approx(design.accuracy, abs=tolerance)


def test_correlations_of_a_design_are_those_of_its_answers():
    design = Design("", "all", 400, 200, 200, 0.3, 0.7, 0.9)
    part, _ = simulate(design, np.random.default_rng(1), design.intercept, design.sd_people)
    y = part.values.reshape(400, 200)
    total = y.var()
    found = ((y.mean(1).var() - total / 200) / total, (y.mean(0).var() - total / 400) / total)
    np.testing.assert_allclose(found, design.icc, atol=0.02)


def test_table_and_repetition():
    one, two = (coverage_table(SHORT[2:3], 20, seed=4) for _ in range(2))
    kept = [{k: v for k, v in row.items() if k != "seconds"} for table in (one, two) for row in table.rows]
    assert kept[0] == kept[1]
    assert "20 simulated studies a design, seed 4" in table_markdown(one, one.method)
    assert coverage(SHORT[2], 20, seed=5)["width"] != one.rows[0]["width"]


@pytest.mark.slow
@pytest.mark.parametrize("design", DESIGNS, ids=[design.name for design in DESIGNS])
def test_intervals_cover(design):
    found = coverage(design, FULL)
    assert 0.93 <= found["crossed"] <= 0.97, found
    assert 0.93 <= found["fixed"] <= 0.97, found
    if design in EDGES:
        assert found["tost_error"] <= 0.065, found


@pytest.mark.slow
@pytest.mark.parametrize(("design", "known"), list(zip(LIMITS, (0.86, 0.91, 0.94), strict=True)))
def test_the_note_on_few_items_says_what_happens(design, known):
    assert coverage(design, FULL)["crossed"] == pytest.approx(known, abs=0.015)


@pytest.mark.slow
@pytest.mark.parametrize(("design", "other"), [(SHORT[1], 0.2), (SHORT[1], 0.3), (SHORT[2], 0.15), (SHORT[3], 0.35)])
def test_differences_cover(design, other):
    held, apart = difference_coverage(design, other, FULL)
    assert 0.93 <= held <= 0.97, (held, apart)


@pytest.mark.slow
@pytest.mark.parametrize("design", [SHORT[2], SHORT[0]], ids=["five items", "items drawn"])
def test_bootstrap_of_people_covers_for_these_items(design):
    rng, plan, held = np.random.default_rng(7), AnalysisPlan(resamples=400), []
    for _ in range(FULL):
        part, truth = simulate(design, rng, design.intercept, design.sd_people)
        right, ones = per_person(part.people, part.values, np.ones(len(part.values)))
        interval = draw(design.people, plan).ratio(right, ones)
        held.append(interval.low <= truth <= interval.high)
        assert infer([part], "these_items").estimate == pytest.approx(right.sum() / ones.sum())
    assert 0.93 <= np.mean(held) <= 0.97
