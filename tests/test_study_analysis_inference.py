"""Variances, intervals and tests: closed forms, brute force and what must not change them."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from study.analysis.crossed import Part, Spread, crossed_spread, people_spread, weighted_sum
from study.analysis.inference import (
    LogitInference,
    UnanimousInference,
    adjusted,
    binomial_tost,
    exact_test,
    infer,
    infer_difference,
    verdict,
    wilson,
)
from study.analysis.tables import NA, Interval

pytestmark = pytest.mark.filterwarnings("error")


def complete(people: int, items: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-(rng.normal(-1, 1, (people, 1)) + rng.normal(0, 1, items))))
    return (rng.random((people, items)) < p).astype(float)


def part(table: np.ndarray, weight: float = 1.0, first_item: int = 0) -> Part:
    people, items = np.indices(table.shape)
    return Part(table.ravel(), people.ravel(), items.ravel() + first_item, weight)


def unbalanced(seed: int = 1) -> Part:
    rng = np.random.default_rng(seed)
    table = complete(30, 12, seed)
    kept = rng.random(table.shape) < rng.uniform(0.2, 0.9, 12)
    people, items = np.nonzero(kept)
    return Part(table[kept], people, items)


def test_on_a_complete_table_it_is_the_two_way_random_effects_analysis_of_variance():
    y = complete(40, 9)
    p, j = y.shape
    person, item, mean = y.mean(1), y.mean(0), y.mean()
    ms_people = j * ((person - mean) ** 2).sum() / (p - 1)
    ms_items = p * ((item - mean) ** 2).sum() / (j - 1)
    # CR2 of single answers divides by N - 1: the total, not the residual, mean square
    ms_total = ((y - mean) ** 2).sum() / (p * j - 1)
    found = crossed_spread([part(y)])
    assert found.variance == pytest.approx((ms_people + ms_items - ms_total) / (p * j))
    doubt = ms_people**2 / (p - 1) + ms_items**2 / (j - 1) + ms_total**2 / (p * j - 1)
    assert found.df == pytest.approx((ms_people + ms_items - ms_total) ** 2 / doubt)


def test_unbalanced_variance_by_brute_force():
    """The double sum over pairs of answers that share a person, an item, or are one answer, term by term."""
    one = unbalanced()
    n, mean = len(one.values), one.values.mean()
    deviation = (one.values - mean) / n

    def clustered(codes: np.ndarray) -> float:
        share = np.array([(codes == code).sum() / n for code in codes])
        scaled = deviation / np.sqrt(1 - share)
        return sum(scaled[a] * scaled[b] for a in range(n) for b in range(n) if codes[a] == codes[b])

    people, items, single = clustered(one.people), clustered(one.items), clustered(np.arange(n))
    assert crossed_spread([one]).variance == pytest.approx(max(people + items - single, min(people, items)))


def test_people_and_items_are_interchangeable_and_names_do_not_matter():
    one = unbalanced()
    swapped = Part(one.values, one.items, one.people)
    order = np.random.default_rng(0).permutation(len(one.values))
    renamed = Part(one.values[order], 29 - one.people[order], 11 - one.items[order])
    for other in (swapped, renamed):
        assert crossed_spread([other]).variance == pytest.approx(crossed_spread([one]).variance)
        assert crossed_spread([other]).df == pytest.approx(crossed_spread([one]).df)


def test_parts_that_share_nobody_and_nothing_add_up_as_welch_says():
    a, b = part(complete(20, 8)), part(complete(35, 6, 3), -1.0, 8)
    b = Part(b.values, b.people + 20, b.items, -1.0)
    single = [crossed_spread([Part(one.values, one.people, one.items)]) for one in (a, b)]
    both = crossed_spread([a, b])
    assert both.variance == pytest.approx(sum(one.variance for one in single))
    assert weighted_sum([a, b]) == pytest.approx(a.values.mean() - b.values.mean())


def test_a_paired_difference_counts_what_the_sides_share():
    """Same people, same items, equal answers: the difference is 0 for certain, whatever people and items do."""
    y = complete(20, 8)
    assert isinstance(crossed_spread([part(y), part(y, -1.0)]), NA)


def test_fixed_items_complete_table_is_the_variance_of_the_persons_means():
    y = complete(50, 6)
    found = people_spread([part(y)])
    assert found.variance == pytest.approx(y.mean(1).var(ddof=1) / 50)
    assert found.df == pytest.approx(49)


def test_fixed_items_do_not_count_which_items_somebody_got():
    """All items certain, right or wrong: with those very items nothing varies, with items like them it does."""
    rng = np.random.default_rng(0)
    items = np.concatenate([rng.permutation(10)[:4] for _ in range(30)])
    one = Part((items < 3).astype(float), np.repeat(np.arange(30), 4), items)
    assert isinstance(people_spread([one]), NA)
    assert crossed_spread([one]).variance > 0.01


@pytest.mark.parametrize(
    ("people", "items", "why"), [([0, 0], [0, 1], "one person"), ([0, 1], [0, 0], "one item"), ([], [], "no answers")]
)
def test_too_few_is_missing_with_a_reason(people, items, why):
    one = Part(np.array([0.0, 1.0])[: len(people)], np.array(people, int), np.array(items, int))
    found = infer([one], "items_like_these")
    assert isinstance(found, NA) and why in found.reason


def test_intervals_and_tests_say_the_same():
    one = LogitInference(0.22, Spread(0.0009, 17.3))
    interval = one.interval(0.95)
    assert 0 < interval.low < 0.22 < interval.high < 1
    for bound in (interval.low, interval.high):
        assert one.p_value(bound) == pytest.approx(0.05)
    assert one.p_value(0.22) == pytest.approx(1)
    # TOST at alpha is the interval of level 1 - 2 alpha lying within the margins
    inner = one.interval(0.9)
    margin = max(inner.high - 0.25, 0.25 - inner.low)
    assert one.equivalence(0.25, margin + 1e-9) < 0.05 < one.equivalence(0.25, margin - 1e-9)
    assert one.equivalence(0.25, 0.3) == pytest.approx(stats.t.cdf(one._distance(0.55), 17.3))  # no bound below 0


def test_all_wrong_is_exact_over_people():
    one = infer([part(np.zeros((20, 30)))], "these_items")
    assert isinstance(one, UnanimousInference) and one.units == 20
    assert one.interval(0.95).high == pytest.approx(1 - 0.025 ** (1 / 20))  # Clopper and Pearson, none of n
    assert one.interval(0.95).low == 0
    assert one.p_value(0.25) == pytest.approx(exact_test(0, 20, 0.25))
    crossed = infer([part(np.ones((20, 7)))], "items_like_these")
    assert crossed.units == 7 and crossed.interval(0.95).high == 1
    assert crossed.equivalence(0.25, 0.05) == pytest.approx(1)


def test_difference_interval_and_p_value_agree():
    parts = [part(complete(30, 10)), part(complete(30, 10, 5), -1.0, 10)]
    interval, p = infer_difference(parts, 0.95)
    assert (interval.low > 0 or interval.high < 0) == (p < 0.05)
    assert interval.low < weighted_sum(parts) < interval.high


def test_published_wilson_intervals():
    assert [round(100 * bound, 1) for bound in vars(wilson(122, 825, 0.95)).values()] == [12.5, 17.4]
    assert [round(100 * bound, 1) for bound in vars(wilson(165, 825, 0.95)).values()] == [17.4, 22.9]
    assert isinstance(wilson(0, 0, 0.95), NA)


def test_exact_test_is_the_sum_of_what_is_no_likelier():
    pmf = stats.binom.pmf(np.arange(31), 30, 0.25)
    for right in (0, 4, 8, 15, 30):
        assert exact_test(right, 30, 0.25) == pytest.approx(pmf[pmf <= pmf[right] * (1 + 1e-9)].sum())
    below, above = 1 - stats.binom.cdf(7, 30, 0.2), stats.binom.cdf(8, 30, 0.3)
    assert binomial_tost(8, 30, 0.25, 0.05) == pytest.approx(max(below, above))


def test_correction_by_hand():
    p = [0.01, 0.04, NA("no answers"), 0.03]
    assert adjusted(p, "holm") == [pytest.approx(0.03), pytest.approx(0.06), p[2], pytest.approx(0.06)]
    assert adjusted(p, "bonferroni")[0] == pytest.approx(0.03)
    assert adjusted(p, "fdr_bh")[1] == pytest.approx(0.04)
    many = np.random.default_rng(0).random(40) ** 3
    np.testing.assert_allclose(adjusted(many.tolist(), "holm"), multipletests(many, method="holm")[1])
    assert adjusted(p, "none") == p and adjusted([p[2]], "holm") == [p[2]]


@pytest.mark.parametrize(
    ("estimate", "p", "tost", "words"),
    [
        (0.15, 0.001, 0.9, "below chance"),
        (0.4, 0.001, 0.9, "above chance"),
        (0.24, 0.4, 0.3, "not shown to differ from chance"),
        (0.24, 0.4, 0.01, "equivalent to chance within ±5 points"),
        (0.22, 0.01, 0.01, "below chance, yet equivalent to chance within ±5 points"),
    ],
)
def test_verdicts(estimate, p, tost, words):
    assert verdict(estimate, 0.25, p, tost, 0.05, 0.05) == words
    assert verdict(estimate, 0.25, NA("none"), tost, 0.05, 0.05) == NA("none")


def test_interval_is_a_plain_pair():
    assert Interval(0.1, 0.2) == Interval(0.1, 0.2)
