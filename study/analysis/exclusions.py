"""Who and what is analysed: the plan's rules, applied in a fixed order, with counts that add up."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from study.analysis.tables import Basis, Column, Table
from study.analysis.tidy import tidy_answers, tidy_participants
from study.plan import Plan


@dataclass(frozen=True)
class Selection:
    """What the rules leave.

    Args:
        answers: answered questions of the pool, of analysed participants; `correct` is 0 or 1. Practice, gold and
            instructed questions are not among them.
        participants: those analysed, in the order of consent.
        everything: all rows of all consenting participants, for the tables of attention and flow.
        consented: all participants.
        flow: label and the number that the step takes away and leaves.
        questions: label and number of rows, from all to those analysed.
    """

    answers: pd.DataFrame
    participants: pd.DataFrame
    everything: pd.DataFrame
    consented: pd.DataFrame
    flow: tuple[tuple[str, int, int], ...]
    questions: tuple[tuple[str, int, int], ...]


def select(plan: Plan, answers: pd.DataFrame, participants: pd.DataFrame) -> Selection:
    """Apply the plan's exclusion rules; ValueError for tables that are not tidy."""
    everything = tidy_answers(plan, answers)
    consented = tidy_participants(participants, everything)
    kept, flow = set(consented["participant"]), [("consented", 0, len(consented))]
    for label, failing in _rules(plan, everything, consented):
        gone = kept & failing
        kept -= gone
        flow.append((label, len(gone), len(kept)))
    pool = everything[everything["role"] == "question"]
    of_kept = pool[pool["participant"].isin(kept)]
    answered = of_kept[of_kept["answer"].notna() & of_kept["correct"].notna()].copy()
    answered["correct"] = answered["correct"].astype(float)
    silent = kept - set(answered["participant"])
    flow.append(("answered no question of the pool", len(silent), len(kept - silent)))
    flow.append(("analysed", 0, len(kept - silent)))
    analysed = consented[consented["participant"].isin(kept - silent)].reset_index(drop=True)
    return Selection(
        answers=answered.reset_index(drop=True),
        participants=analysed,
        everything=everything,
        consented=consented,
        flow=tuple(flow),
        questions=_questions(everything, pool, of_kept, answered),
    )


def flow_table(selection: Selection) -> Table:
    """Participants and answers, step by step; each is taken away once, by the first rule that says so."""
    rows = [
        {"what": what, "step": label, "gone": gone, "left": left}
        for what, steps in (("participants", selection.flow), ("questions", selection.questions))
        for label, gone, left in steps
    ]
    columns = [
        Column("what", "of"),
        Column("step", "step"),
        Column("gone", "left out", "count"),
        Column("left", "remain", "count"),
    ]
    method = "Rules of the plan, applied in this order; each participant is left out by the first that fails."
    return Table("flow", "From consent to analysis", columns, rows, basis(selection.answers), method)


def basis(answers: pd.DataFrame, chance: float | None = None) -> Basis:
    """People, answers and items of a part of the answers."""
    return Basis(answers["participant"].nunique(), len(answers), answers["item"].nunique(), chance)


def _rules(plan: Plan, answers: pd.DataFrame, people: pd.DataFrame) -> Iterable[tuple[str, set[str]]]:
    """Label of each rule that is on, and all who fail it."""
    rules, everybody = plan.exclusions, set(people["participant"])
    if rules.finished:
        yield "did not finish", everybody - set(people.loc[people["finished"], "participant"])
    for role, least in (("gold", rules.gold_correct), ("instructed", rules.instructed_correct)):
        if least:
            right = answers.loc[answers["role"] == role].groupby("participant")["correct"].sum()
            yield f"fewer than {least} {role} questions right", everybody - set(right.index[right >= least])
    if rules.median_seconds:
        medians = response_seconds(answers[answers["role"] == "question"]).groupby("participant").median()
        yield (
            f"median response time below {rules.median_seconds:g} s",
            set(medians.index[medians < rules.median_seconds]),
        )
    for question in plan.background:
        if question.excludes:
            column = people.get(f"background_{question.key}")
            said = set() if column is None else set(people.loc[column.isin(question.excludes), "participant"])
            yield f"answered {question.key} with {' or '.join(question.excludes)}", said


def response_seconds(answers: pd.DataFrame) -> pd.Series:
    """Measured response times of answered questions, by participant: the browser's, else the server's."""
    answered = answers[answers["answer"].notna()]
    seconds = answered["seconds"].fillna(answered["server_seconds"])
    return pd.Series(seconds.to_numpy(), index=pd.Index(answered["participant"], name="participant")).dropna()


def _questions(
    everything: pd.DataFrame, pool: pd.DataFrame, of_kept: pd.DataFrame, answered: pd.DataFrame
) -> tuple[tuple[str, int, int], ...]:
    return (
        ("shown", 0, len(everything)),
        ("practice, gold or instructed", len(everything) - len(pool), len(pool)),
        ("of participants left out", len(pool) - len(of_kept), len(of_kept)),
        ("not answered or out of time", len(of_kept) - len(answered), len(answered)),
        ("analysed", 0, len(answered)),
    )
