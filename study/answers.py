"""What a person may answer: one answer to a question, in order, in time, with the key of the page that asked."""

import math
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from study.places import Asked, answers_of, place_of
from study.plan import Plan
from study.tables import AnswerRow, ParticipantRow, ShownRow


def store_background(plan: Plan, person: ParticipantRow, given: Mapping[str, str]) -> str | None:
    """Store the answers to the background questions; returns why not, in the words of `sessions.Refused`, or None."""
    if person.background is not None:
        return "repeated"
    values: dict[str, str] = {}
    for question in plan.background:
        value = given.get(question.key, "").strip()[:500]
        no_option = bool(question.options and value) and value not in question.options
        if no_option or (question.required and not value):
            return "malformed"
        values[question.key] = value
    if set(given) - set(values):
        return "malformed"
    person.background = values
    return None


def store_answer(plan: Plan, person: ParticipantRow, index: int, given: Mapping[str, Any], at: datetime) -> str | None:
    """Give a question its one answer; returns why not, in the words of `sessions.Refused`, or None.

    The same answer sent again is "repeated" and changes nothing.
    """
    if not 0 <= index < len(person.shown):
        return "malformed"
    row = person.shown[index]
    if not secrets.compare_digest(str(given.get("key", "")).encode(), row.key.encode()):
        return "forged"
    values = _checked(plan, row, given)
    if values is None:
        return "malformed"
    if row.answer is not None:
        same = all(getattr(row.answer, name) == values[name] for name in ("answer", "confidence"))
        return "repeated" if same else "changed"
    if row.timed_out:
        return "late"
    place = place_of(plan, person, at)
    if not isinstance(place, Asked) or place.index != index or row.shown_at is None:
        return "early"
    took = (at - row.shown_at).total_seconds()
    row.answer = AnswerRow(**values, correct=values["answer"] == row.right, server_seconds=took, answered_at=at)
    return None


def _checked(plan: Plan, row: ShownRow, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """Values to store, None if some is malformed. Confidence is needed where it is asked; the browser's time is not."""
    answer, confidence, seconds = (str(given.get(name, "")) for name in ("answer", "confidence", "seconds"))
    if answer not in answers_of(row.kind, row.alternatives):
        return None
    asked = plan.confidence and row.role != "instructed"
    if asked and confidence not in tuple("12345"):
        return None
    return {
        "answer": answer,
        "confidence": int(confidence) if asked else None,
        "seconds": _seconds(seconds),
    }


def _seconds(text: str) -> float | None:
    """What the browser measured; None where it says nothing sensible, which is no reason to lose the answer."""
    try:
        value = float(text)
    except ValueError:
        return None
    return round(value, 3) if math.isfinite(value) and 0 <= value <= 86400 else None
