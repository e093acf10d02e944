"""Answers of simulated people to a plan's own questions, as tidy tables: a report to look at before anybody is asked.

Who sees what is the plan's own assignment. P(right) = σ(logit(accuracy) + ability + difficulty), both normal, so that
with spread the mean accuracy lies somewhat nearer to one half than the one given.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from study.assignment import Question, assign
from study.plan import FIXED_CHANCE, Plan


def simulated_answers(
    plan: Plan,
    people: int,
    accuracy: Mapping[str, float] | None = None,
    sd_people: float = 0.5,
    sd_items: float = 0.8,
    finish: float = 1.0,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables `answers` and `participants` of `people` simulated participants.

    Args:
        accuracy: by condition (`REAL` too, where single real pictures are shown), for an average person and item; the
            chance level for those not named. Checks are answered right by nine in ten.
        finish: probability of reaching the end; others stop half-way.
        seed: equal seeds give equal tables.
    """
    rng = np.random.default_rng([seed, 3])
    difficulty = {stimulus.key: rng.normal(0, sd_items) for stimulus in plan.pictures}
    families = {stimulus.key: stimulus.family for stimulus in plan.pictures}
    answers, participants = [], []
    for number in range(people):
        questions, name = assign(plan, number), f"p{number:04d}"
        finished, ability = bool(rng.random() < finish), rng.normal(0, sd_people)
        for index, question in enumerate(questions if finished else questions[: len(questions) // 2]):
            p = 0.9
            if question.role == "question":
                level = (accuracy or {}).get(question.condition, _chance(question))
                p = float(expit(logit(level) + ability + difficulty[question.item]))
            row = {"participant": name, "index": index, "family": families.get(question.item)}
            answers.append(row | _answered(question, p, plan, rng))
        participants.append(_person(plan, number, name, finished, rng))
    return pd.DataFrame(answers), pd.DataFrame(participants)


def _chance(question: Question) -> float:
    return FIXED_CHANCE.get(question.kind, 1 / question.alternatives)


def _answered(question: Question, p: float, plan: Plan, rng: np.random.Generator) -> dict[str, object]:
    """The rest of a row: who is right is surer and quicker, a little."""
    correct = bool(rng.random() < p)
    positions = [str(place) for place in range(1, question.alternatives + 1)]
    options = ["real", "generated"] if question.kind == "is_real" else positions
    wrong = [option for option in options if option != question.right]
    sure = int(np.clip(round(rng.normal(3 if correct else 2.6, 1.2)), 1, 5))
    seconds = float(rng.lognormal(1.6 if correct else 1.7, 0.5))
    return {
        "role": question.role,
        "kind": question.kind,
        "condition": question.condition,
        "item": question.item,
        "others": " ".join(key for key in question.pictures if key != question.item),
        "alternatives": len(options),
        "chance": 1 / len(options),
        "right": question.right,
        "answer": question.right if correct else wrong[int(rng.integers(len(wrong)))],
        "correct": correct,
        "confidence": sure if plan.confidence else None,
        "seconds": seconds,
        "server_seconds": seconds + 0.1,
        "timed_out": False,
    }


def _person(plan: Plan, number: int, name: str, finished: bool, rng: np.random.Generator) -> dict[str, object]:
    chosen = {q.key: str(rng.choice(list(q.options))) if q.options else None for q in plan.background}
    return {
        "participant": name,
        "number": number + 1,
        "language": plan.languages[int(rng.integers(len(plan.languages)))],
        "started": "2026-01-01",
        "finished": finished,
        "width": int(rng.integers(360, 2000)),
        **{f"background_{key}": value for key, value in chosen.items()},
        "recruited": "link",
    }
