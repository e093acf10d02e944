"""People of known ability who answer a toy study through `study.sessions`; what they did is noted here too."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from study.database import Database
from study.places import Asked, Background
from study.sessions import Begun, Recruit
from study.tables import ParticipantRow, ShownRow
from study_fixtures import Toy


@dataclass(frozen=True)
class Given:
    """One answer as the simulated person gave it."""

    person: int
    role: str
    condition: str
    item: str
    correct: bool
    confidence: int
    seconds: float


def hasten(database: Database) -> None:
    """Let commits return before they are on disk: for tests of what is stored, not of how safely."""
    sa.event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    database.engine.dispose()


def answer_all(
    toy: Toy,
    people: int,
    ability: Mapping[str, float] | None = None,
    *,
    seed: int = 0,
    background: Mapping[str, str] | None = None,
    leave_after: Mapping[int, int] | None = None,
) -> tuple[list[Begun], list[Given]]:
    """Let `people` take part, one after the other.

    Args:
        ability: condition -> probability of a right answer, 0.5 where none is given; checks are always answered right.
        background: what all of them say.
        leave_after: person -> answers after which they go away.

    Returns:
        Their tokens and all their answers.
    """
    rng, begun, given = np.random.default_rng(seed), [], []
    for person in range(people):
        one = toy.sessions.begin(toy.study, "en", Recruit("link"), width=int(rng.integers(360, 1920)))
        begun.append(one)
        if isinstance(toy.sessions.place(toy.study, one.access), Background):
            toy.sessions.background(toy.study, one.access, background or {})
        steps = list(_answers(toy, person, one, ability or {}, rng, (leave_after or {}).get(person)))
        given += steps
    return begun, given


def _answers(
    toy: Toy, person: int, begun: Begun, ability: Mapping[str, float], rng: np.random.Generator, most: int | None
) -> Iterator[Given]:
    shown = _shown(toy, person)
    done = 0
    while isinstance(place := toy.sessions.place(toy.study, begun.access), Asked) and done != most:
        row, done = shown[place.index], done + 1
        sure = row.role in ("gold", "instructed")
        correct = sure or bool(rng.random() < ability.get(row.condition, 0.5))
        wrong = [answer for answer in place.answers if answer != row.right]
        answer = row.right if correct else wrong[int(rng.integers(len(wrong)))]
        confidence, seconds = int(rng.integers(1, 6)), round(float(rng.uniform(2, 9)), 3)
        form = {"key": place.key, "answer": answer, "confidence": str(confidence), "seconds": str(seconds)}
        toy.sessions.answer(toy.study, begun.access, place.index, form)
        yield Given(person, row.role, row.condition, row.item, correct, confidence, seconds)


def _shown(toy: Toy, person: int) -> list[ShownRow]:
    """The questions of participant number `person`, with their right answers."""
    with toy.database.reading() as session:
        query = sa.select(ShownRow).join(ParticipantRow, ShownRow.participant_id == ParticipantRow.id)
        query = query.where(ParticipantRow.number == person, ParticipantRow.study_id == toy.study.row)
        return list(session.scalars(query.order_by(ShownRow.index)))
