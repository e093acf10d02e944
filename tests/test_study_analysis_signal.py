"""d', criterion, positions, Bradley-Terry: reference values, closed forms and independent computations."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import integrate
from scipy.stats import norm

from study.analysis.exclusions import select
from study.analysis.preference import bradley_terry
from study.analysis.sensitivity import position_tests, sensitivity_table
from study.analysis.signal_detection import LIMIT, choice_accuracy, choice_d_prime, clipped_share, yes_no
from study.analysis.tables import NA
from study.analysis.tasks import tasks
from study.plan import Exclusions
from study_analysis_fixtures import QUICK, make_plan, tidy

pytestmark = pytest.mark.filterwarnings("error")

# accuracy of a choice of 4 -> d' -> accuracy of a choice of 2
PUBLISHED = [
    (0.30, 0.186, 0.552),
    (0.35, 0.358, 0.600),
    (0.40, 0.522, 0.644),
    (0.50, 0.837, 0.723),
    (0.60, 1.153, 0.793),
    (0.75, 1.682, 0.883),
]


@pytest.mark.parametrize(("accuracy", "d_prime", "two"), PUBLISHED)
def test_published_values_of_a_choice_of_four(accuracy, d_prime, two):
    found = choice_d_prime(accuracy, 4)
    assert found == pytest.approx(d_prime, abs=6e-4)
    assert choice_accuracy(found, 2) == pytest.approx(two, abs=6e-4)


def test_choice_of_two_in_closed_form_and_of_five_by_quadrature():
    d = np.array([-2.0, -0.3, 0.0, 0.7, 3.1])
    np.testing.assert_allclose(choice_accuracy(d, 2), norm.cdf(d / np.sqrt(2)), atol=1e-12)
    for one in d:
        exact, _ = integrate.quad(lambda x, one=one: norm.pdf(x - one) * norm.cdf(x) ** 4, -15, 15)
        assert choice_accuracy(one, 5) == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize("alternatives", [2, 3, 4, 9])
def test_d_prime_is_the_inverse_and_0_at_chance(alternatives):
    d = np.linspace(-3, 4, 23)
    np.testing.assert_allclose(choice_d_prime(choice_accuracy(d, alternatives), alternatives), d, atol=2e-5)
    assert choice_d_prime(1 / alternatives, alternatives) == pytest.approx(0, abs=1e-6)
    assert choice_d_prime(0.0, alternatives) == pytest.approx(-LIMIT)
    assert choice_d_prime(1.0, alternatives) == pytest.approx(LIMIT)


def test_none_and_all_are_half_an_answer_away():
    np.testing.assert_allclose(clipped_share(np.array([0, 3, 9]), np.array([9, 9, 9])), [0.05, 1 / 3, 0.95])


def test_yes_no_by_hand():
    d, c = yes_no(np.array(20), np.array(25), np.array(10), np.array(25))
    hit, false = norm.ppf(20.5 / 26), norm.ppf(10.5 / 26)
    assert d == pytest.approx(hit - false) and c == pytest.approx(-(hit + false) / 2)
    assert c < 0  # "generated" is said readily
    d, c = yes_no(np.array(25), np.array(25), np.array(0), np.array(25))
    assert np.isfinite(d) and c == pytest.approx(0)


def test_sensitivity_of_a_table():
    """Of 200 answers 80 right: the published 0.40 -> 0.522, inside its interval."""
    plan = make_plan(models=("unet",), exclusions=Exclusions())
    people, items = np.repeat(np.arange(40), 5), np.tile(np.arange(5), 40)
    right = np.random.default_rng(0).permutation(np.arange(200) < 80)
    selection = select(plan, *tidy(plan, ["unet"] * 200, people, items, right))
    row = sensitivity_table(tasks(plan, selection.answers)[0], QUICK).rows[0]
    assert row["d_prime"] == pytest.approx(0.522, abs=6e-4)
    assert row["d_prime_interval"].low < 0.522 < row["d_prime_interval"].high
    assert row["two_choice"] == pytest.approx(0.644, abs=6e-4)


def test_a_liking_for_a_position_is_found_and_one_persons_is_not_everybodys():
    plan, positions = make_plan(), ["1", "2", "3", "4"]
    people, items = np.repeat(np.arange(30), 24), np.tile(np.arange(24), 30)
    answers, _ = tidy(plan, ["unet"] * 720, people, items, np.zeros(720))
    even = answers.assign(answer=[positions[i % 4] for i in range(720)])
    assert min(position_tests(even, positions, QUICK)) > 0.9
    shared = even.assign(answer=["2" if i % 4 == 0 else even["answer"][i] for i in range(720)])
    assert max(position_tests(shared, positions, QUICK)) < 0.01
    own = even.assign(answer=["1" if person < 3 else a for person, a in zip(people, even["answer"], strict=True)])
    naive, clustered = position_tests(own, positions, QUICK)
    assert naive < 0.001 and clustered > 0.02  # three people's habit is not thirty people's


def test_bradley_terry_is_a_logistic_regression():
    rng = np.random.default_rng(0)
    wins = rng.integers(3, 30, (5, 5)).astype(float)
    np.fill_diagonal(wins, 0)
    pairs = [(i, j) for i in range(5) for j in range(i)]
    design = np.array([np.eye(5)[i] - np.eye(5)[j] for i, j in pairs])[:, 1:]
    counts = np.array([[wins[i, j], wins[j, i]] for i, j in pairs])
    fit = sm.GLM(counts, design, family=sm.families.Binomial()).fit()
    np.testing.assert_allclose(bradley_terry(wins)[1:], fit.params, atol=1e-6)


def test_bradley_terry_of_a_star_is_log_odds_and_infinite_ones_are_missing():
    wins = np.array([[0, 30, 55], [20, 0, 0], [45, 0, 0]], dtype=float)
    np.testing.assert_allclose(bradley_terry(wins), [0, np.log(20 / 30), np.log(45 / 55)], atol=1e-9)
    assert isinstance(bradley_terry(np.array([[0.0, 5.0], [0.0, 0.0]])), NA)
