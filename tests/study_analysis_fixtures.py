"""Plans and tidy tables for the tests of the study's analysis."""

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from study.plan import (
    GOLD,
    REAL,
    AnalysisPlan,
    BackgroundQuestion,
    Block,
    Condition,
    Exclusions,
    Kind,
    Plan,
    Stimulus,
)

QUICK = AnalysisPlan(resamples=200, group_by=("art",))
OPTIONS = {"no": {"en": "none"}, "yes": {"en": "some"}}
RULES = Exclusions(gold_correct=1, instructed_correct=1, median_seconds=1.0)
PICTURES = {"choose_generated": 4, "is_real": 1, "more_real": 2}


def key(*names: object) -> str:
    return hashlib.sha256("/".join(map(str, names)).encode()).hexdigest()


def make_plan(
    kinds: Sequence[Kind] = ("choose_generated",),
    models: Sequence[str] = ("unet", "resnet"),
    families: int = 60,
    questions: int = 10,
    analysis: AnalysisPlan = QUICK,
    exclusions: Exclusions = RULES,
    **more: object,
) -> Plan:
    """A plan with gold and instructed questions, two background questions and pictures that exist by name only."""
    pictures = [
        Stimulus(key(name, number), f"f{number}", name, original=f"{number}.png")
        for number in range(families)
        for name in (REAL, *models)
    ]
    for number in range(8):
        pictures.append(Stimulus(key("practice", number), f"p{number}", REAL, "practice"))
        pictures.append(Stimulus(key("practice", models[0], number), f"q{number}", models[0], "practice"))
        pictures.append(Stimulus(key(GOLD, number), f"g{number}", GOLD, "gold"))
    return Plan(
        name="test",
        title={"en": "A test"},
        pictures=tuple(pictures),
        size=(64, 64),
        conditions=tuple(Condition(name, {"unet": "U-Net", "resnet": "ResNet-9"}.get(name, name)) for name in models),
        blocks=tuple(Block(kind, questions, PICTURES[kind]) for kind in kinds),
        gold=2,
        instructed=1,
        consent={"en": "Yes."},
        background=(
            BackgroundQuestion("art", {"en": "Training?"}, OPTIONS),
            BackgroundQuestion("known", {"en": "Known?"}, OPTIONS, excludes=("yes",)),
        ),
        languages=("en",),
        exclusions=exclusions,
        analysis=analysis,
        **more,
    )


def tidy(
    plan: Plan, condition: Sequence[str], people: Sequence[int], items: Sequence[int], right: Sequence[float]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tidy tables of answers to "which of 4 is generated", one row each; item n of a condition is of family n."""
    answers = pd.DataFrame({"participant": [f"p{person}" for person in people], "condition": list(condition)})
    answers["index"] = answers.groupby("participant").cumcount()
    answers = answers.assign(role="question", kind="choose_generated", alternatives=4, chance=0.25, others="")
    answers["item"] = [key(name, item) for name, item in zip(condition, items, strict=True)]
    answers["family"] = [f"f{item}" for item in items]
    answers["correct"] = np.asarray(right, dtype=bool)
    answers["right"] = [str(1 + index % 4) for index in answers["index"]]
    wrong = [str(1 + (index + 1) % 4) for index in answers["index"]]
    answers["answer"] = np.where(answers["correct"], answers["right"], wrong)
    answers = answers.assign(confidence=3, seconds=4.0, server_seconds=4.1, timed_out=False)
    names = list(dict.fromkeys(answers["participant"]))
    participants = pd.DataFrame({"participant": names, "number": range(1, len(names) + 1)})
    return answers, participants.assign(finished=True, language="en", background_art="no", background_known="no")


def published(plan: Plan) -> tuple[pd.DataFrame, pd.DataFrame]:
    """165 people whose answers add up to the paper's counts; who is right is dealt out in turn."""
    condition, people, items, right = [], [], [], []
    turn = 0
    for name, counts in (("unet", (26, 30, 34, 19, 13)), ("resnet", (76, 15, 40, 25, 9))):
        for item, count in enumerate(counts):
            chosen = {(turn + step) % 165 for step in range(count)}
            turn += count
            condition += [name] * 165
            people += range(165)
            items += [item + (5 if name == "resnet" else 0)] * 165
            right += [person in chosen for person in range(165)]
    return tidy(plan, condition, people, items, right)
