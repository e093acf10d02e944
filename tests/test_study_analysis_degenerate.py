"""Data that give little or nothing: every figure is a number or missing with a reason; no crash, no nan, no warning."""

import json

import numpy as np
import pandas as pd
import pytest

from study.analysis import analyse, write_report
from study.analysis.simulated_answers import simulated_answers
from study.analysis.tables import NA, Interval
from study.plan import REAL, Exclusions
from study_analysis_fixtures import make_plan, tidy

pytestmark = pytest.mark.filterwarnings("error")
KINDS = ("choose_generated", "is_real", "more_real")


def everybody(answers, participants):
    return answers, participants


def nobody(answers, participants):
    return answers.iloc[:0], participants.iloc[:0]


def consent_only(answers, participants):
    return answers.iloc[:0], participants.assign(finished=False)


def nobody_finished(answers, participants):
    return answers, participants.assign(finished=False)


def one_participant(answers, participants):
    first = participants["participant"].iloc[0]
    return answers[answers["participant"] == first], participants.iloc[:1]


def two_participants_one_answer_each(answers, participants):
    pool = answers[answers["role"] == "question"].groupby("participant").head(1)
    return pool[pool["participant"].isin(participants["participant"].iloc[:2])], participants.iloc[:2]


def one_item(answers, participants):
    pool = answers[(answers["role"] == "question") & (answers["condition"] == "unet")].groupby("participant").head(1)
    return pool.assign(item=pool["item"].iloc[0], family=pool["family"].iloc[0]), participants


def all_right(answers, participants):
    return answers.assign(correct=True, answer=answers["right"]), participants


def all_wrong(answers, participants):
    turned = answers["right"].map({"real": "generated", "generated": "real", "1": "2"}).fillna("1")
    return answers.assign(correct=False, answer=turned), participants


def one_right(answers, participants):
    wrong, participants = all_wrong(answers, participants)
    first = wrong.index[wrong["role"] == "question"][0]
    wrong.loc[first, "correct"], wrong.loc[first, "answer"] = True, wrong.loc[first, "right"]
    return wrong, participants


def nothing_measured(answers, participants):
    return answers.assign(seconds=np.nan, server_seconds=None, confidence=None), participants


def nothing_answered(answers, participants):
    return answers.assign(answer=None, correct=pd.NA, confidence=pd.NA, seconds=None, timed_out=True), participants


def one_model_only(answers, participants):
    return answers[answers["condition"].isin(["unet", REAL])], participants


def real_pictures_only(answers, participants):
    return answers[answers["condition"] == REAL], participants


def no_background(answers, participants):
    return answers, participants.drop(columns=["background_art", "background_known"])


def absurd_times(answers, participants):
    return answers.assign(seconds=-1.0, confidence=9), participants


CASES = [
    everybody, nobody, consent_only, nobody_finished, one_participant, two_participants_one_answer_each, one_item,
    all_right, all_wrong, one_right, nothing_measured, nothing_answered, one_model_only, real_pictures_only,
    no_background, absurd_times,
]  # fmt: skip


@pytest.fixture(scope="module")
def studies():
    plans = {kind: make_plan((kind,), exclusions=Exclusions(), families=30, questions=4) for kind in KINDS}
    return {kind: (plan, *simulated_answers(plan, 8, seed=5)) for kind, plan in plans.items()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES)
def test_a_report_comes_out(studies, kind, case):
    plan, answers, participants = studies[kind]
    report = analyse(plan, *case(answers.copy(), participants.copy()))
    json.loads(report.to_json(), parse_constant=lambda name: pytest.fail(f"{name} in the report"))
    assert "nan" not in report.to_markdown() and report.to_latex().count(r"\toprule") == len(report.tables)
    for table in report.tables:
        for row in table.rows:
            assert {column.key for column in table.columns} - set(row) <= optional(table.name), (table.name, row)
            for value in row.values():
                if isinstance(value, NA):
                    assert len(value.reason) > 3
                if isinstance(value, Interval):
                    assert value.low <= value.high


def optional(name: str) -> set[str]:
    """Figures that a row may leave empty: quantiles of a difference, questions that a network was not asked."""
    if name.startswith("response_times"):
        return {"low", "first", "third", "high"}
    return {f"q{number}" for number in range(1, 13)} if name.startswith("paper") else set()


@pytest.mark.parametrize("case", [nobody, one_participant, all_right])
def test_it_can_be_written_with_plots(studies, case, tmp_path):
    plan, answers, participants = studies["choose_generated"]
    files = write_report(analyse(plan, *case(answers.copy(), participants.copy())), tmp_path)
    assert all(file.stat().st_size > 0 for file in files)


def test_reasons_fit_what_is_missing(studies):
    plan, answers, participants = studies["choose_generated"]
    first = answers[answers["participant"] == "p0001"]  # known paintings exclude p0000
    one = analyse(plan, first, participants.assign(background_known="no")).table("accuracy").rows[0]
    assert "one person" in one["items_like_these"].reason and "one person" in one["bootstrap"].reason
    assert isinstance(one["accuracy"], float) and isinstance(one["wilson"], Interval)
    item = analyse(plan, *one_item(answers, participants)).table("accuracy").rows[0]
    assert "one item" in item["items_like_these"].reason and isinstance(item["these_items"], Interval)
    right = analyse(plan, *all_right(answers, participants))
    assert right.table("accuracy").rows[0]["items_like_these"].high == 1
    assert "infinite" in right.table("comparison").rows[0]["p_gee"].reason
    assert "one category" in right.table("agreement").rows[0]["alpha"].reason
    assert "right and wrong" in right.table("calibration").rows[0]["auc"].reason
    blank = analyse(plan, *nothing_measured(answers, participants))
    assert "time" in blank.table("response_times").rows[0]["median"].reason
    assert "confidence" in blank.table("calibration").rows[0]["mean"].reason
    uneven = blank.table("agreement").rows[0]["kappa"]
    assert "different numbers" in uneven.reason
    gone = analyse(plan, *nobody(answers, participants))
    assert gone.table("accuracy").rows[0]["accuracy"] == NA("no answers")


def test_krippendorff_takes_items_with_different_numbers_of_answers():
    """Against the coincidence matrix by hand: items answered 3, 2 and 4 times."""
    plan = make_plan(models=("unet",), exclusions=Exclusions())
    items = [0, 0, 0, 1, 1, 2, 2, 2, 2]
    right = [1, 1, 0, 0, 0, 1, 1, 1, 0]
    answers, participants = tidy(plan, ["unet"] * 9, [0, 1, 2, 0, 1, 0, 1, 2, 3], items, right)
    found = analyse(plan, answers, participants).table("agreement").rows[0]
    counts = np.array([[1, 2], [2, 0], [1, 3]], dtype=float)
    n = counts.sum(1)
    disagreed = (2 * counts[:, 0] * counts[:, 1] / (n - 1)).sum() / n.sum()
    total = counts.sum(0)
    expected = 2 * total[0] * total[1] / (n.sum() * (n.sum() - 1))
    assert found["alpha"] == pytest.approx(1 - disagreed / expected)
    assert found["raters"] == "2 to 4" and isinstance(found["kappa"], NA)
