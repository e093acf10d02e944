"""Who sees what: balanced, reproducible, and nobody meets an original twice."""

from collections import Counter
from dataclasses import replace

import pytest

from study.assignment import Question, assign, check_assignable
from study.plan import REAL, Block, Plan
from study_fixtures import toy_plan


@pytest.fixture(scope="module")
def plan(tmp_path_factory) -> Plan:
    folder = tmp_path_factory.mktemp("assignment")
    return toy_plan(folder, families=48, blocks=(Block(count=10),), gold=2, instructed=1, practice=1, seed=5)


def everyone(plan: Plan, people: int = 120) -> list[tuple[Question, ...]]:
    return [assign(plan, number) for number in range(people)]


def asked(plan: Plan, people: int = 120, role: str = "question") -> list[Question]:
    return [question for questions in everyone(plan, people) for question in questions if question.role == role]


def variants(plan: Plan) -> list[Plan]:
    blocks = (
        [Block("is_real", 9, 1)],
        [Block("more_real", 7, 2)],
        [Block(count=5, alternatives=3), Block("is_real", 5, 1)],
    )
    return [plan, *(replace(plan, blocks=tuple(block)) for block in blocks)]


@pytest.mark.parametrize("which", range(4))
def test_nobody_meets_an_original_twice(plan, which):
    family = {stimulus.key: stimulus.family for stimulus in plan.pictures}
    for questions in everyone(variants(plan)[which], 40):
        met = [family[key] for question in questions for key in question.pictures]
        assert len(met) == len(set(met))


def test_the_same_number_gets_the_same_questions(plan):
    assert assign(plan, 17) == assign(plan, 17)
    assert assign(plan, 17) != assign(plan, 18)
    assert assign(plan, 17) != assign(replace(plan, seed=6), 17)


def test_conditions_are_balanced_within_each_person(plan):
    odd = replace(plan, blocks=(Block(count=7),))
    for questions in everyone(odd, 20):
        counts = Counter(question.condition for question in questions if question.role == "question")
        assert sorted(counts.values()) == [3, 4]
    total = Counter(question.condition for question in asked(odd))
    assert total["m"] == total["u"]


def test_right_answers_stand_everywhere_equally_often_for_each_condition(plan):
    counts = Counter((question.condition, question.right) for question in asked(plan))
    assert len(counts) == 8 and len(set(counts.values())) == 1


def test_the_generated_picture_stands_where_the_right_answer_says(plan):
    condition = {stimulus.key: stimulus.condition for stimulus in plan.pictures}
    for question in asked(plan):
        generated = [i for i, key in enumerate(question.pictures) if condition[key] != REAL]
        assert generated == [int(question.right) - 1]
        assert question.item == question.pictures[generated[0]]
        assert condition[question.item] == question.condition


def test_the_real_picture_is_the_more_real_one(plan):
    condition = {stimulus.key: stimulus.condition for stimulus in plan.pictures}
    for question in asked(replace(plan, blocks=(Block("more_real", 7, 2),))):
        assert condition[question.pictures[int(question.right) - 1]] == REAL
        assert condition[question.item] == question.condition != REAL


def test_half_of_the_single_pictures_are_real(plan):
    questions = asked(replace(plan, blocks=(Block("is_real", 9, 1),)))
    assert Counter(question.right for question in questions) == {"real": 540, "generated": 540}
    assert all(len(question.pictures) == 1 for question in questions)


def test_all_pictures_are_shown_about_equally_often(plan):
    for condition in ("m", "u"):
        shown = Counter(question.item for question in asked(plan, 480) if question.condition == condition)
        assert len(shown) == 48 and min(shown.values()) > 0.6 * 50 and max(shown.values()) < 1.4 * 50


def test_order_says_nothing_of_the_condition(plan):
    """Mean place of each condition's questions, over many people, is the same to three standard errors."""
    places: dict[str, list[int]] = {"m": [], "u": []}
    for questions in everyone(plan, 300):
        for place, question in enumerate(q for q in questions if q.role == "question"):
            places[question.condition].append(place)
    means = [sum(each) / len(each) for each in places.values()]
    assert abs(means[0] - means[1]) < 3 * (2 * 8.25 / 1500) ** 0.5


def test_practice_comes_first_and_checks_never_start(plan):
    for questions in everyone(plan, 50):
        roles = [question.role for question in questions]
        assert roles[:2] == ["practice", "question"] and Counter(roles) == {
            "practice": 1,
            "question": 10,
            "gold": 2,
            "instructed": 1,
        }


def test_an_instructed_question_shows_no_picture(plan):
    told = asked(plan, 8, "instructed")
    assert {question.pictures for question in told} == {()} and {question.right for question in told} == set("1234")


def test_too_few_originals_are_refused(plan):
    with pytest.raises(ValueError, match="A participant is shown 92 pictures, each of another original"):
        check_assignable(replace(plan, blocks=(Block(count=20),)))


def test_just_enough_originals_suffice(tmp_path):
    """Ten of four and nothing else need forty originals: each is shown to everybody, in one place."""
    tight = toy_plan(tmp_path, families=40, blocks=(Block(count=10),), practice=0)
    check_assignable(tight)
    for questions in everyone(tight, 30):
        assert len({key for question in questions for key in question.pictures}) == 40


def test_generated_pictures_without_originals_are_their_own_families(plan):
    lonely = tuple(replace(s, family=f"own {s.key}") if s.condition == "u" else s for s in plan.pictures)
    check_assignable(replace(plan, pictures=lonely))
