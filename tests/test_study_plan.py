"""A plan is fixed by its hash; what makes no study is refused in a sentence."""

import json
from dataclasses import replace

import pytest

from study.plan import AnalysisPlan, BackgroundQuestion, Block, Condition, Exclusions, Plan, Stimulus
from study_fixtures import CONSENT, TITLE, toy_plan


@pytest.fixture(scope="module")
def plan(tmp_path_factory) -> Plan:
    art = BackgroundQuestion("art", TITLE, {"yes": TITLE, "no": TITLE}, excludes=("yes",))
    return toy_plan(tmp_path_factory.mktemp("plan"), background=(art,), question_seconds=20, gold=2)


def test_a_saved_plan_comes_back_equal(plan, tmp_path):
    plan.save(tmp_path / "plan.json")
    again = Plan.load(tmp_path / "plan.json")
    assert again == plan and again.sha256 == plan.sha256


def test_the_hash_does_not_depend_on_the_layout_of_the_file(plan, tmp_path):
    values = json.loads(plan.to_json())
    (tmp_path / "plan.json").write_text(json.dumps(dict(reversed(values.items()))), encoding="utf-8")
    assert Plan.load(tmp_path / "plan.json") == plan


@pytest.mark.parametrize(
    "change",
    [
        dict(seed=1),
        dict(consent={**CONSENT, "en": CONSENT["en"] + " "}),
        dict(analysis=AnalysisPlan(margin=0.06)),
        dict(exclusions=Exclusions(median_seconds=0.5)),
        dict(conditions=(Condition("m", "M", revision="other"), Condition("u", "U"))),
        dict(blocks=(Block(count=5),)),
        dict(confidence=False),
        dict(demo=True),
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_change_is_another_study(plan, change):
    assert replace(plan, **change).sha256 != plan.sha256


def test_another_picture_is_another_study(plan):
    first = replace(plan.pictures[0], key="0" * 64)
    assert replace(plan, pictures=(first, *plan.pictures[1:])).sha256 != plan.sha256


def test_a_plan_changed_after_it_was_saved_is_refused(plan, tmp_path):
    text = plan.to_json().replace('"question_seconds": 20', '"question_seconds": 30')
    with pytest.raises(ValueError, match="changed after it was saved"):
        Plan.from_json(text)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"name": "x"}', '{"name": 3, "titel": {}}'])
def test_what_is_no_plan_is_refused(text):
    with pytest.raises(ValueError, match="no plan of a study"):
        Plan.from_json(text)


def test_an_unknown_field_is_refused(plan):
    values = json.loads(plan.to_json())
    values["analysis"]["margins"] = 0.1
    with pytest.raises(ValueError, match="margins"):
        Plan.from_json(json.dumps(values))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (dict(name="Two Words"), "lower-case letters"),
        (dict(languages=()), "Languages are"),
        (dict(title={"en": "only"}), "The title has no text in zh"),
        (dict(conditions=()), "compares one or more conditions"),
        (dict(conditions=(Condition("real", "R"), Condition("m", "M"), Condition("u", "U"))), "not real or gold"),
        (dict(conditions=(Condition("m", "M"),)), "unknown conditions: u"),
        (dict(blocks=()), "at least one block"),
        (dict(exclusions=Exclusions(gold_correct=3)), "more than the 2 questions"),
        (dict(analysis=AnalysisPlan(group_by=("age",))), "no background question with options: age"),
        (dict(question_seconds=1), "3 to 3600"),
        (dict(session_hours=0), "more than 0"),
        (dict(size=(8, 48)), "16 to 2048 pixels"),
        (dict(practice=-1), "counts of questions"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_makes_no_study_is_refused(plan, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(plan, **change)


def test_a_family_has_one_role(plan):
    lost = Stimulus("f" * 64, plan.families("m")[0], "m", "practice")
    with pytest.raises(ValueError, match="stands in two roles"):
        replace(plan, pictures=(*plan.pictures, lost))


def test_no_picture_stands_in_a_plan_twice(plan):
    with pytest.raises(ValueError, match="stand in the plan twice"):
        replace(plan, pictures=(*plan.pictures, plan.pictures[0]))


@pytest.mark.parametrize("block", [dict(kind="is_real"), dict(kind="more_real", alternatives=3), dict(alternatives=1)])
def test_blocks_have_the_alternatives_of_their_kind(block):
    with pytest.raises(ValueError):
        Block(**block)


def test_chance_follows_from_the_kind():
    kinds = [Block(), Block(alternatives=2), Block("is_real", 4, 1), Block("more_real", 4, 2)]
    assert [block.chance for block in kinds] == [0.25, 0.5, 0.5, 0.5]
