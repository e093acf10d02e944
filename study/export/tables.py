"""The tidy tables of one study, read from the database at one moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from study.database import Database
from study.export.columns import ANSWERS, ITEMS, frame, participant_columns
from study.export.counts import Counts
from study.plan import Plan
from study.tables import AnswerRow, OutboxRow, ParticipantRow, ShownRow, StudyRow


@dataclass(frozen=True)
class StudyTables:
    """One study at one moment.

    Args:
        plan: as it was fixed before the first answer.
        state: "open" or "closed".
        answers: one row for each question that was shown, see `columns.ANSWERS`.
        participants: one row for each participant who did not withdraw, in the order of consent.
        outbox: ids of the rows of the outbox that these tables already follow.
    """

    plan: Plan
    state: str
    answers: pd.DataFrame
    participants: pd.DataFrame
    outbox: tuple[int, ...] = ()

    @property
    def items(self) -> pd.DataFrame:
        """The pictures of the plan, see `columns.ITEMS`."""
        return frame(ITEMS, [{c.name: getattr(stimulus, c.name) for c in ITEMS} for stimulus in self.plan.pictures])

    @property
    def counts(self) -> Counts:
        """How many there are."""
        finished, answered = self.participants["finished"].sum(), self.answers["answer"].notna().sum()
        return Counts(len(self.participants), int(finished), len(self.answers), int(answered))


@contextmanager
def snapshot(database: Database) -> Iterator[Session]:
    """A transaction whose queries all see the same moment, so that two tables of one export fit together."""
    with database.reading() as session:
        if database.kind == "postgresql":  # SQLite's readers see one moment anyway
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield session


def study_row(session: Session, study: str) -> StudyRow:
    """The study called so; ValueError if the database has none."""
    row = session.scalars(sa.select(StudyRow).where(StudyRow.name == study)).one_or_none()
    if row is None:
        raise ValueError(f"The database has no study called {study!r}.")
    return row


def read_tables(database: Database, study: str) -> StudyTables:
    """The tables of the study called `study`, of no other, without tokens, hashes, codes or times of day.

    Raises:
        ValueError: the database has no such study.
    """
    with snapshot(database) as session:
        row = study_row(session, study)
        plan = Plan.from_json(row.plan, study)
        pending = sa.select(OutboxRow.id).where(OutboxRow.study_id == row.id, OutboxRow.done_at.is_(None))
        people, asked = list(_people(session, row, plan)), list(_asked(session, row, plan))
        outbox = tuple(session.scalars(pending.order_by(OutboxRow.id)))
    return StudyTables(plan, row.state, frame(ANSWERS, asked), frame(participant_columns(plan), people), outbox)


def clean_text(text: str) -> str:
    """`text` with what no file can hold (NUL, halves of characters) replaced, and line breaks as \\n."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")
    return whole.replace("\r\n", "\n").replace("\r", "\n")


def _people(session: Session, row: StudyRow, plan: Plan) -> Iterator[dict[str, Any]]:
    query = sa.select(ParticipantRow).where(ParticipantRow.study_id == row.id).order_by(ParticipantRow.number)
    for person in session.scalars(query):
        given = person.background or {}
        background = {f"background_{q.key}": clean_text(given.get(q.key, "")) or None for q in plan.background}
        yield {
            "participant": person.pseudonym,
            "number": person.number,
            "language": person.language,
            "started": person.consented_at.date().isoformat(),
            "finished": person.state == "finished",
            "width": person.width,
            "recruited": person.recruited,
        } | background


def _asked(session: Session, row: StudyRow, plan: Plan) -> Iterator[dict[str, Any]]:
    family = {stimulus.key: stimulus.family for stimulus in plan.pictures} | {"": ""}
    query = (
        sa.select(ParticipantRow.pseudonym, ShownRow, AnswerRow)
        .join(ShownRow, ShownRow.participant_id == ParticipantRow.id)
        .outerjoin(AnswerRow, AnswerRow.shown_id == ShownRow.id)
        .where(ParticipantRow.study_id == row.id, ShownRow.shown_at.is_not(None))
        .order_by(ParticipantRow.number, ShownRow.index)
    )
    for pseudonym, shown, answer in session.execute(query):
        yield {
            "participant": pseudonym,
            "index": shown.index,
            "role": shown.role,
            "kind": shown.kind,
            "condition": shown.condition,
            "item": shown.item,
            "family": family[shown.item],
            "others": " ".join(key for key in shown.pictures if key != shown.item),
            "alternatives": shown.alternatives,
            "chance": 1 / shown.alternatives,
            "right": shown.right,
            "answer": answer and answer.answer,
            "correct": answer and answer.correct,
            "confidence": answer and answer.confidence,
            "seconds": answer and answer.seconds,
            "server_seconds": answer and answer.server_seconds,
            "timed_out": shown.timed_out,
        }
