"""Where a person stands in a study: what their next page shows. Nothing in it tells real from generated."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from study.plan import Plan
from study.tables import ParticipantRow, ShownRow

GRACE_SECONDS = 5.0  # for the way from the browser: an answer given in time is not lost to a slow line


@dataclass(frozen=True)
class Background:
    """The background questions are next. `language` is what the person chose at the consent, here as in the others."""

    language: str


@dataclass(frozen=True)
class Asked:
    """A question.

    Args:
        index: from 0, over all questions; part of the addresses of its pictures.
        number: as shown to people, from 1, over the questions after practice; for practice from 1 too.
        total: of questions after practice, or of practice questions.
        kind: see `Block.kind`.
        practice: whether it is a practice question.
        pictures: how many; 0 for an instructed question.
        answers: values that the form may send.
        told: the answer that an instructed question asks for, else None.
        key: idempotency key, to be sent along with the answer.
        confidence: whether confidence is asked.
        seconds_left: until the question closes; None without a limit.
    """

    index: int
    number: int
    total: int
    kind: str
    practice: bool
    pictures: int
    answers: tuple[str, ...]
    told: str | None
    key: str
    confidence: bool
    seconds_left: float | None
    language: str


@dataclass(frozen=True)
class Finished:
    """The end.

    Args:
        code: for the recruiting platform.
        right: questions answered right; gold, practice and instructed ones are not counted.
        asked: questions answered.
        expected: how many of these chance would have got right.
        return_link: address with the code in it, or "".
    """

    code: str
    right: int
    asked: int
    expected: float
    language: str
    return_link: str = ""


Place = Background | Asked | Finished


def place_of(plan: Plan, person: ParticipantRow, at: datetime) -> Place:
    """What comes next for `person`, whose questions are all up to date (`close_late`)."""
    if person.background is None:
        return Background(person.language)
    for row in person.shown:
        if row.answer is None and not row.timed_out:
            return _asked(plan, person, row, at)
    return _finished(person)


def close_late(plan: Plan, person: ParticipantRow, at: datetime) -> None:
    """Close the questions whose time is over; they stay unanswered."""
    for row in person.shown:
        if row.answer is None and (end := deadline(plan, row)) is not None and at > end:
            row.timed_out = True


def deadline(plan: Plan, row: ShownRow) -> datetime | None:
    """When a question closes; None without a limit, before it was shown, and for practice and instructed questions."""
    if plan.question_seconds is None or row.shown_at is None or row.role in ("practice", "instructed"):
        return None
    return row.shown_at + timedelta(seconds=plan.question_seconds + GRACE_SECONDS)


def answers_of(kind: str, alternatives: int) -> tuple[str, ...]:
    """What can be answered to a question of `kind`."""
    return ("real", "generated") if kind == "is_real" else tuple(str(i + 1) for i in range(alternatives))


def _asked(plan: Plan, person: ParticipantRow, row: ShownRow, at: datetime) -> Asked:
    practice = row.role == "practice"
    peers = [other.index for other in person.shown if (other.role == "practice") == practice]
    end = deadline(plan, row)
    return Asked(
        index=row.index,
        number=peers.index(row.index) + 1,
        total=len(peers),
        kind=row.kind,
        practice=practice,
        pictures=len(row.pictures),
        answers=answers_of(row.kind, row.alternatives),
        told=row.right if row.role == "instructed" else None,
        key=row.key,
        confidence=plan.confidence and row.role != "instructed",
        seconds_left=_left(plan, row, end, at),
        language=person.language,
    )


def _left(plan: Plan, row: ShownRow, end: datetime | None, at: datetime) -> float | None:
    """What the page counts down; the grace is not shown."""
    if end is not None:
        return max(0.0, (end - at).total_seconds() - GRACE_SECONDS)
    limited = plan.question_seconds is not None and row.role not in ("practice", "instructed")
    return float(plan.question_seconds or 0) if limited else None


def _finished(person: ParticipantRow) -> Finished:
    counted = [row for row in person.shown if row.role == "question" and row.answer is not None]
    right = sum(bool(row.answer and row.answer.correct) for row in counted)
    expected = sum(1 / row.alternatives for row in counted)
    return Finished(person.code or "", right, len(counted), expected, person.language)
