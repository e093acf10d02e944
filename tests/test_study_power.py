"""Power and sample size: published numbers, closed forms, and simulation with the code of the analysis."""

import numpy as np
import pytest
from scipy import stats

from study.analysis.simulation import Design as Simulated
from study.analysis.simulation import coverage
from study.power import (
    Design,
    answers_for_equivalence,
    binomial_power,
    half_width,
    items_needed,
    participants_needed,
    power_against_chance,
    power_of_equivalence,
    sample_size,
)

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize(
    ("margin", "deff", "published", "both"),
    [(0.05, 1, 643, 812), (0.05, 1.45, 932, 1177), (0.03, 1, 1785, 2255), (0.03, 1.45, 2587, 3270)],
)
def test_answers_for_equivalence(margin, deff, published, both):
    """The smaller numbers, often quoted, give each one-sided test 90 %; TOST needs both and reaches 80 % with them."""
    assert answers_for_equivalence(0.25, margin, deff=deff, each=True) == published
    assert answers_for_equivalence(0.25, margin, deff=deff) == both
    if deff == 1:
        alone = Design(published, 1, published, icc_people=0, icc_items=0)
        assert power_of_equivalence(alone, margin) == pytest.approx(0.8, abs=0.005)
        enough = Design(both, 1, both, icc_people=0, icc_items=0)
        assert power_of_equivalence(enough, margin) == pytest.approx(0.9, abs=0.005)


def test_equivalence_power_against_the_exact_binomial():
    """812 independent answers: sum over all outcomes whose exact 90 % interval lies within the margins."""
    right = np.arange(813)
    low, high = stats.beta.ppf(0.05, right, 813 - right), stats.beta.ppf(0.95, right + 1, 812 - right)
    within = (np.nan_to_num(low) > 0.2) & (np.nan_to_num(high, nan=1) < 0.3)
    exact = stats.binom.pmf(right, 812, 0.25)[within].sum()
    assert power_of_equivalence(Design(812, 1, 812, icc_people=0, icc_items=0), 0.05) == pytest.approx(exact, abs=0.02)


def test_half_widths_of_165_people_with_10_questions():
    assert [round(100 * half_width(0.25, 1650, deff=deff), 1) for deff in (1, 1.45, 1.9)] == [2.1, 2.5, 2.9]


def test_binomial_power_is_the_sum_over_scipys_p_values():
    rejected = [k for k in range(41) if stats.binomtest(k, 40, 0.25).pvalue <= 0.05]
    assert binomial_power(40, 0.45, 0.25) == pytest.approx(stats.binom.pmf(rejected, 40, 0.45).sum())
    assert binomial_power(40, 0.25, 0.25) <= 0.05


def test_without_correlations_the_design_is_so_many_independent_answers():
    free = Design(165, 10, 1650, icc_people=0, icc_items=0)
    assert power_against_chance(free, 0.29) == pytest.approx(binomial_power(1650, 0.29, 0.25), abs=0.02)
    assert power_against_chance(free, 0.25) == pytest.approx(0.05, abs=1e-6)
    assert free.spread(0.25)[0] == pytest.approx((0.25 * 0.75 / 1650) ** 0.5)


def test_design_effects():
    people = Design(165, 10, 1650, icc_people=0.05, icc_items=0)
    assert people.spread(0.25)[0] ** 2 == pytest.approx(0.25 * 0.75 / 1650 * 1.45)
    both = Design(165, 10, 100, icc_people=0.05, icc_items=0.1)
    assert both.spread(0.25)[0] ** 2 == pytest.approx(0.25 * 0.75 / 1650 * (1 + 9 * 0.05 + 15.5 * 0.1))
    fixed = Design(165, 10, 100, icc_people=0.05, icc_items=0.1, estimand="these_items")
    assert fixed.spread(0.25)[0] < people.spread(0.25)[0] < both.spread(0.25)[0]


def test_165_people_support_5_points_but_not_3():
    people = Design(165, 10, 1650, icc_people=0.05, icc_items=0)
    assert power_of_equivalence(people, 0.05) > 0.9 > 0.6 > power_of_equivalence(people, 0.03)


def test_power_falls_away_from_chance():
    design = Design(400, 10, 200)
    powers = [power_of_equivalence(design, 0.05, accuracy=p) for p in (0.25, 0.27, 0.29, 0.3)]
    assert powers == sorted(powers, reverse=True) and powers[-1] == pytest.approx(0.05, abs=0.01)


def test_power_agrees_with_simulated_studies():
    simulated = Simulated("", "random", 100, 60, 8, 0.25, 0.5, 0.4)
    people, items = simulated.icc
    design = Design(100, 8, 60, icc_people=people, icc_items=items)
    found = coverage(simulated, studies=250, seed=1)["tost_power"]
    assert found == pytest.approx(power_of_equivalence(design, 0.05), abs=0.09)  # three standard errors


def test_participants_needed_is_the_least_number():
    design = Design(1, 10, 300)

    def power(one: Design) -> float:
        return power_of_equivalence(one, 0.05)

    needed = participants_needed(design, power)
    reached = [power(Design(people, 10, 300)) for people in (needed - 1, needed)]
    assert reached[0] < 0.9 <= reached[1]


def test_few_items_cannot_be_made_up_for_by_people():
    few = Design(1, 5, 5)
    assert participants_needed(few, lambda one: power_of_equivalence(one, 0.05)) is None
    items = items_needed(few, lambda one: power_of_equivalence(one, 0.05))
    many = [power_of_equivalence(Design(10**6, 5, n), 0.05) for n in (items - 1, items)]
    assert many[0] < 0.9 <= many[1]
    planned = sample_size(165, 5, 5)
    assert "no number of people" in planned.assumptions and f"at least {items} items" in planned.assumptions
    assert planned.participants == 165 and planned.power < 0.1
    with pytest.raises(ValueError, match="No sample size: with 5 items"):
        sample_size(None, 5, 5)
    assert sample_size(165, 1, 1).power == 0


def test_sample_size_says_what_was_assumed():
    planned = sample_size(None, 10, 300)
    assert planned.power >= 0.9 and f"{planned.participants} people" in planned.assumptions
    for said in ("margin ±5 points", "chance 25.00%", "items like these", "a person 0.05", "an item 0.1"):
        assert said in planned.assumptions
    assert sample_size(165, 5, 100, estimand="these_items").power > sample_size(165, 5, 100).power


@pytest.mark.parametrize(
    "wrong", [{"questions": 11}, {"participants": 0}, {"chance": 1.0}, {"icc_people": -0.1}, {"icc_people": 0.95}]
)
def test_impossible_designs_are_refused(wrong):
    with pytest.raises(ValueError, match="design has people|correlations are below 1"):
        Design(**{"participants": 165, "questions": 10, "items": 10} | wrong)
