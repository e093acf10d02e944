"""From tidy tables to a report: who is counted, what is said, how it is written."""

import io
import json
import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from study.analysis import Report, analyse, write_report
from study.analysis.exclusions import select
from study.analysis.plots import PLOTS, alt_text, plots
from study.analysis.simulated_answers import simulated_answers
from study.analysis.tables import NA, Basis, Column, Interval, Table, safe, table_latex, table_markdown, text
from study.plan import REAL, AnalysisPlan, Exclusions
from study_analysis_fixtures import QUICK, RULES, make_plan, published, tidy

pytestmark = pytest.mark.filterwarnings("error")
SIDES = (("unet", 1), ("resnet", -1))
TRUTH = {"unet": 0.12, "resnet": 0.5}


@pytest.fixture(scope="module")
def study():
    plan = make_plan()
    return plan, *simulated_answers(plan, 40, TRUTH, finish=0.9, seed=3)


@pytest.fixture(scope="module")
def report(study) -> Report:
    return analyse(*study)


@pytest.fixture(scope="module")
def like_published() -> Report:
    plan = make_plan(exclusions=Exclusions())
    return analyse(plan, *published(plan))


@pytest.fixture(scope="module")
def mixed() -> Report:
    """Single pictures and pairs in one study."""
    plan = make_plan(("is_real", "more_real"))
    return analyse(plan, *simulated_answers(plan, 30, {"unet": 0.6, "resnet": 0.75, REAL: 0.7}, seed=1))


def row(table: Table, **wanted: str) -> dict:
    return next(one for one in table.rows if all(one[key] == value for key, value in wanted.items()))


def test_flow_adds_up(study, report):
    _, answers, participants = study
    for what in ("participants", "questions"):
        steps = [one for one in report.table("flow").rows if one["what"] == what]
        for before, after in pairwise(steps):
            assert before["left"] - after["gone"] == after["left"]
    assert row(report.table("flow"), step="consented")["left"] == len(participants) == 40
    last = [one["left"] for one in report.table("flow").rows if one["step"] == "analysed"]
    assert last == [report.source.people, report.source.answers]
    assert row(report.table("flow"), step="shown")["left"] == len(answers)


def test_each_rule_leaves_out_those_who_fail_it():
    plan = make_plan(exclusions=Exclusions())
    answers, participants = simulated_answers(plan, 12, seed=2)
    answers["seconds"] = 5.0
    for role in ("gold", "instructed"):
        of = answers["role"] == role
        answers.loc[of, "correct"], answers.loc[of, "answer"] = True, answers.loc[of, "right"]
    participants["background_known"], participants["finished"] = "no", True
    mine = {name: answers["participant"] == name for name in participants["participant"]}
    participants.loc[0, "finished"] = False
    answers["correct"] = answers["correct"].astype("boolean")
    answers.loc[mine["p0001"] & (answers["role"] == "gold"), "correct"] = False
    answers.loc[mine["p0002"] & (answers["role"] == "instructed"), ["correct", "answer"]] = [pd.NA, None]
    answers.loc[mine["p0003"], "seconds"] = 0.4
    participants.loc[4, "background_known"] = "yes"
    answers.loc[mine["p0005"] & (answers["role"] == "question"), ["correct", "answer"]] = [pd.NA, None]
    left = dict.fromkeys(mine)
    free = select(plan, answers, participants)
    assert [one for one in left if one not in set(free.participants["participant"])] == ["p0000", "p0004", "p0005"]
    strict = select(make_plan(exclusions=RULES), answers, participants)
    assert list(strict.participants["participant"]) == [f"p{number:04d}" for number in range(6, 12)]
    assert [gone for _, gone, _ in strict.flow] == [0, 1, 1, 1, 1, 1, 1, 0]
    loose = make_plan(exclusions=Exclusions(finished=False))
    assert "p0000" in set(select(loose, answers, participants).participants["participant"])


def test_checks_never_enter_an_accuracy(study, report):
    plan, answers, participants = study
    poisoned = answers.copy()
    poisoned.loc[poisoned["role"] == "practice", "correct"] = True
    poisoned.loc[poisoned["role"] == "practice", "answer"] = poisoned["right"]
    found = analyse(plan, poisoned, participants)
    for name in ("accuracy", "items", "chance", "response_times", "positions"):
        assert found.table(name) == report.table(name)
    asked = answers[(answers["role"] == "question") & (answers["condition"] == "unet")]
    counted = row(report.table("accuracy"), condition="U-Net")
    kept = select(plan, answers, participants).participants["participant"]
    assert counted["answers"] == asked["participant"].isin(kept).sum()
    assert counted["right"] == asked[asked["participant"].isin(kept)]["correct"].sum()


def test_unanswered_and_timed_out_questions_are_not_wrong_answers(study, report):
    plan, answers, participants = study
    late = answers.copy()
    some = late.index[late["role"] == "question"][::7]
    late.loc[some, "answer"], late.loc[some, "timed_out"] = None, True
    before, after = report.table("accuracy"), analyse(plan, late, participants).table("accuracy")
    for name in ("U-Net", "ResNet-9"):
        lost = row(before, condition=name)["answers"] - row(after, condition=name)["answers"]
        assert lost > 0
        assert row(after, condition=name)["accuracy"] == pytest.approx(row(before, condition=name)["accuracy"], abs=0.1)


def test_truth_lies_in_the_intervals_and_verdicts_follow(report):
    for label, truth in (("U-Net", 0.159), ("ResNet-9", 0.5)):  # means over people and items lie nearer to one half
        found = row(report.table("accuracy"), condition=label)
        assert found["items_like_these"].low < truth < found["items_like_these"].high
        assert found["these_items"].low < found["accuracy"] < found["these_items"].high
    assert row(report.table("comparison"), one="U-Net")["verdict"] == "ResNet-9 is recognised more often"
    assert row(report.table("chance"), condition="ResNet-9")["p"] < 0.05


def test_groups_add_up_and_name_those_without_an_answer(study):
    plan, answers, participants = study
    participants = participants.copy()
    participants.loc[::5, "background_art"] = None
    found = analyse(plan, answers, participants)
    for condition in ("U-Net", "ResNet-9", "all"):
        groups = [one for one in found.table("group_art").rows if one["condition"] == condition]
        assert [one["group"] for one in groups] == ["none", "some", "no answer"]
        assert sum(one["right"] for one in groups) == row(found.table("accuracy"), condition=condition)["right"]
    people = [one for one in found.table("people").rows if one["topic"] == "art"]
    assert sum(one["consented"] for one in people) == len(participants)


def test_with_five_items_models_cannot_be_told_apart_though_gee_says_so(like_published):
    found = like_published
    pair = found.table("comparison").rows[0]
    assert pair["p_gee"] < 0.01 and pair["verdict"] == "not told apart"
    assert pair["interval"].low < 0 < pair["interval"].high
    accuracy = found.table("accuracy")
    assert [round(100 * one["accuracy"], 2) for one in accuracy.rows[:2]] == [14.79, 20.00]
    assert row(accuracy, condition="ResNet-9")["items_like_these"].high > 0.4
    assert any("Only 5 items" in note for note in accuracy.notes)
    assert row(found.table("chance"), condition="ResNet-9")["verdict"] == "not shown to differ from chance"
    assert row(found.table("agreement"), condition="ResNet-9")["kappa"] == pytest.approx(fleiss([76, 15, 40, 25, 9]))
    plan = make_plan(exclusions=Exclusions(), analysis=AnalysisPlan(estimand="these_items", resamples=200))
    fixed = analyse(plan, *published(plan))
    assert "recognised more often" in fixed.table("comparison").rows[0]["verdict"]
    assert row(fixed.table("chance"), condition="ResNet-9")["verdict"] == "below chance"


def fleiss(right: list[int], raters: int = 165) -> float:
    """Fleiss (1971) by hand, for two categories."""
    n = np.array([right, [raters - one for one in right]])
    agreed = ((n**2).sum(0) - raters) / (raters * (raters - 1))
    by_chance = ((n.sum(1) / n.sum()) ** 2).sum()
    return (agreed.mean() - by_chance) / (1 - by_chance)


def test_gee_of_equal_shares_is_the_plain_log_odds_and_joint_is_the_pair(study):
    from study.analysis.comparison import gee
    from study.analysis.tasks import tasks

    plan = make_plan(exclusions=Exclusions())
    task = tasks(plan, select(plan, *published(plan)).answers)[0]
    fit = gee(task, 0.95)
    ratio, interval, p = fit.pair("unet", "resnet")
    assert ratio == pytest.approx((122 / 703) / (165 / 660))  # everybody answers five of each: weights are equal
    wald, df, joint = fit.joint()
    assert df == 1 and joint == pytest.approx(p) and interval.low < ratio < interval.high
    # the delta method on people's own shares, without any regression
    own = task.answers.pivot_table(index="participant", columns="condition", values="correct")
    influence = sum(sign * (own[n] - own[n].mean()) / own[n].mean() / (1 - own[n].mean()) for n, sign in SIDES)
    assert wald == pytest.approx(np.log(ratio) ** 2 / (influence.var(ddof=1) / 165), rel=0.01)


def test_balanced_accuracy_is_not_moved_by_a_liking_for_one_answer():
    plan = make_plan(("is_real",), exclusions=Exclusions())
    answers, participants = simulated_answers(plan, 30, seed=1)
    answers["answer"] = np.where(np.random.default_rng(0).random(len(answers)) < 0.9, "generated", "real")
    answers["correct"] = answers["right"] == answers["answer"]
    participants["background_known"] = "no"
    found = analyse(plan, answers, participants)
    assert row(found.table("accuracy"), condition="U-Net")["accuracy"] > 0.8
    assert row(found.table("chance"), condition="U-Net")["p_exact"] < 0.001
    assert row(found.table("chance"), condition="U-Net")["estimate"] == pytest.approx(0.5, abs=0.06)
    assert row(found.table("chance"), condition="U-Net")["p"] > 0.2
    assert row(found.table("sensitivity"), condition="U-Net")["d_prime"] == pytest.approx(0, abs=0.5)
    assert row(found.table("sensitivity"), condition="U-Net")["criterion"] < -1


def test_mixed_kinds_are_never_pooled(mixed):
    names = [table.name for table in mixed.tables]
    assert {"accuracy_is_real_2", "accuracy_more_real_2", "preference_more_real_2"} <= set(names)
    assert mixed.source.chance == (0.5, 0.5)
    rates = mixed.table("preference_more_real_2")
    for one in rates.rows:
        accuracy = row(mixed.table("accuracy_more_real_2"), condition=one["condition"])["accuracy"]
        assert one["preferred"] == pytest.approx(1 - accuracy)
        assert one["strength"] == pytest.approx(np.log(one["preferred"] / accuracy))
        assert one["interval"].low < one["preferred"] < one["interval"].high
    single = mixed.table("accuracy_is_real_2")
    for one in single.rows[:2]:
        assert one["estimate"] == pytest.approx((one["accuracy"] + row(single, condition="real")["accuracy"]) / 2)
    assert isinstance(row(single, condition="real")["estimate"], NA)


def test_times_and_confidence_by_hand():
    plan = make_plan(models=("unet",), exclusions=Exclusions())
    answers, participants = tidy(plan, ["unet"] * 8, [0, 0, 0, 0, 1, 1, 1, 1], list(range(8)), [1, 0, 0, 1, 1, 0, 0, 0])
    answers["seconds"] = [1.0, 2, 3, 4, 5, 6, 7, np.nan]
    answers["server_seconds"] = 9.0
    answers["confidence"] = [5, 1, 1, 5, 3, 3, 1, None]
    found = analyse(plan, answers, participants)
    times = found.table("response_times")
    assert row(times, which="all")["median"] == 4.5  # the server's 9 s stand in for the missing one
    assert row(times, which="right - wrong")["median"] == pytest.approx(4 - 6)
    rated = found.table("confidence")
    assert [one["answers"] for one in rated.rows] == [3, 0, 2, 0, 2]
    assert row(rated, confidence="5")["accuracy"] == 1 and row(rated, confidence="3")["said"] == pytest.approx(0.625)
    summary = found.table("calibration").rows[0]
    assert summary["error"] == pytest.approx((3 * 0.25 + 2 * 0.125 + 2 * 0) / 7)
    assert summary["over"] == pytest.approx((3 * 0.25 + 2 * 0.125) / 7)
    # right: 5, 5, 3; wrong: 1, 1, 3, 1: of 12 pairs 11 are larger and one is equal
    assert summary["auc"] == pytest.approx(11.5 / 12)


@pytest.mark.parametrize(
    "kept",
    [lambda table: pd.read_csv(io.StringIO(table.to_csv(index=False))), lambda table: table.convert_dtypes()],
    ids=["CSV", "nullable types"],
)
def test_how_the_tables_were_kept_changes_nothing(study, report, kept):
    plan, answers, participants = study
    assert analyse(plan, kept(answers), kept(participants)).to_json() == report.to_json()


def test_order_of_rows_does_not_matter(study, report):
    plan, answers, participants = study
    shuffled = analyse(plan, answers.sample(frac=1, random_state=0), participants.sample(frac=1, random_state=1))
    for name in ("accuracy", "chance", "comparison", "calibration", "items"):
        assert shuffled.table(name).frame().equals(report.table(name).frame())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a, p: (a.drop(columns="seconds"), p), "no column seconds"),
        (lambda a, p: (pd.concat([a, a.head(2)]), p), "2 row.s. of answers stand there twice"),
        (lambda a, p: (a, p.iloc[1:]), "1 participant.s. have answers and no row"),
        (lambda a, p: (a, pd.concat([p, p.head(1)])), "stands in the table of participants twice"),
        (lambda a, p: (a.assign(condition="other"), p), "conditions that the plan does not have: other"),
        (lambda a, p: (a.assign(correct="perhaps"), p), "true, false or nothing, got 'perhaps'"),
    ],
)
def test_tables_that_are_not_tidy_are_refused(study, change, message):
    plan, answers, participants = study
    with pytest.raises(ValueError, match=message):
        analyse(plan, *change(answers, participants))


def test_every_table_says_what_it_rests_on(report, study):
    plan = study[0]
    markdown = report.to_markdown()
    for table in report.tables:
        caption = report.caption(table)
        chance = "chance 25.00 %" if table.basis.chance else "no chance level"
        wanted = [plan.sha256, f"{table.basis.people} people", f"{table.basis.answers} answers", chance]
        wanted += [f"{table.basis.items} items", "intervals of 95 %", "estimand: items like these", "seed 0"]
        assert all(one in caption for one in wanted) and table.method in caption
        assert f"## {table.title}" in markdown
    assert "nan" not in markdown.lower().replace("finance", "")


def test_json_is_strict_and_complete(report, study):
    content = json.loads(report.to_json(), parse_constant=lambda name: pytest.fail(name))
    assert content["source"]["sha256"] == study[0].sha256
    assert [table["name"] for table in content["tables"]] == [table.name for table in report.tables]
    accuracy = next(table for table in content["tables"] if table["name"] == "accuracy")
    assert accuracy["rows"][0]["wilson"][0] < accuracy["rows"][0]["accuracy"] < accuracy["rows"][0]["wilson"][1]


def test_latex_is_booktabs_and_escaped():
    columns = [Column("name", "a & b"), Column("p", "p_x", "p"), Column("share", "%", "percent")]
    rows = [{"name": "50% of #1_{x}", "p": 0.00001, "share": NA("no & such")}]
    table = Table("some_name", "Title_1", columns, rows, Basis(1, 2, 3), "m")
    latex = table_latex(table, "Caption with ±5 % & more.", "plan SHA-256 abc")
    assert all(rule in latex for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\label{tab:some-name}"))
    assert r"a \& b" in latex and r"50\% of \#1\_\{x\}" in latex and r"$\pm$5 \% \& more" in latex
    assert "$<$ 0.0001" in latex
    assert "[1] no \\& such" in latex and latex.startswith("% plan SHA-256 abc\n")
    assert not re.search(r"(?<!\\)[%&#_](?![^\n]*\\\\)", latex.split(r"\caption{")[1].split("}\n")[0])


def test_paper_layout_fits_or_is_summarised(report, like_published):
    assert {"lowest", "median", "highest"} <= {column.key for column in report.table("paper").columns}
    table = like_published.table("paper")
    found = [[one[f"q{number}"] for number in range(1, 6)] for one in table.rows]
    assert sorted(found[0]) == [13, 19, 26, 30, 34] and sorted(found[1]) == [9, 15, 25, 40, 76]
    assert like_published.to_latex().count(r"\toprule") == len(like_published.tables)


def test_text_of_others_stays_text():
    table = Table(
        "t", "<script>x</script>", [Column("a", "a|b")], [{"a": "x|y <b>&lt;\n[z](http://z)"}], Basis(0, 0, 0), ""
    )
    markdown = table_markdown(table, "p < 0.05")
    assert "<script" not in markdown and "<b>" not in markdown and "p < 0.05" in markdown
    assert "x\\|y" in markdown and "](http" not in markdown and safe("a\n# b") == "a # b"


@pytest.mark.parametrize(
    ("value", "style", "shown"),
    [
        (0.1479, "percent", "14.79 %"),
        (-0.052, "points", "-5.20"),
        (0.00003, "p", "< 0.0001"),
        (0.0312, "p", "0.0312"),
        (7, "count", "7"),
        (1.5, "seconds", "1.50 s"),
        (Interval(0.1, 0.2), "percent", "10.00 % to 20.00 %"),
        (None, "p", ""),
        (NA("why"), "p", "NA"),
    ],
)
def test_how_figures_are_written(value, style, shown):
    assert text(value, style) == shown


def test_written_report_is_whole_and_the_same_twice(report, tmp_path):
    files = {file.relative_to(tmp_path).as_posix(): file.read_bytes() for file in write_report(report, tmp_path)}
    assert {"report.md", "report.tex", "report.json"} <= set(files)
    assert all(f"tables/{table.name}.csv" in files for table in report.tables)
    assert all(f"plots/{base}.{kind}" in files for base in PLOTS for kind in ("png", "svg"))
    for name, content in files.items():
        if name.endswith(".png"):
            with Image.open(io.BytesIO(content)) as picture:
                picture.verify()
                assert picture.width > 600
        if name.endswith(".svg"):
            assert content.startswith(b"<?xml") and b"<dc:date>" not in content
    again = plots(report)
    assert all(files[f"plots/{name}"] == content for name, content in again.items())
    assert "accuracy" in alt_text("accuracy_is_real_2.png").lower()


def test_notes_say_how_the_plan_was_kept(study):
    from study.plan import SampleSize

    _, answers, participants = study
    plan = make_plan(sample_size=SampleSize(1000, 0.9, "As assumed."), demo=True)
    notes = " ".join(analyse(plan, answers, participants).notes)
    assert "fewer than planned" in notes and "As assumed." in notes and "demonstration" in notes
    assert f"{len(participants)} people consented" in notes


def test_no_such_table_lists_those_there_are(report):
    with pytest.raises(KeyError, match="accuracy"):
        report.table("nothing")


def test_bootstrap_is_the_plans(study, report):
    _, answers, participants = study
    plan = make_plan(analysis=AnalysisPlan(resamples=200, seed=1, group_by=("art",)))
    other = analyse(plan, answers, participants)
    found = [row(one.table("accuracy"), condition="U-Net") for one in (report, other)]
    assert found[0]["bootstrap"] != found[1]["bootstrap"] and found[0]["wilson"] == found[1]["wilson"]
    assert QUICK.seed == 0
