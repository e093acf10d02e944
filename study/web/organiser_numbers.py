"""What the organiser's pages count and list, read from the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from study.database import Database
from study.export.counts import Counts, count
from study.export.tables import snapshot, study_row
from study.plan import Plan
from study.tables import EventRow, OutboxRow, ParticipantRow, StudyRow

REASONS = {
    "expired": "came back after the session's time was over",
    "malformed": "values that the page cannot send",
    "forged": "an answer without the key of its page",
    "early": "a question that was not reached or not shown yet",
    "late": "an answer after the question had closed",
    "changed": "another answer to an answered question",
    "repeated": "the same once more, which changes nothing",
}
MOST_EVENTS = 200  # on one page


@dataclass(frozen=True)
class Standing:
    """A study as it stands.

    Args:
        refused: submissions refused, by reason, of people who did not withdraw.
    """

    plan: Plan
    state: str
    created_at: datetime
    closed_at: datetime | None
    return_link: str
    completion_code: str
    counts: Counts
    refused: dict[str, int]


@dataclass(frozen=True)
class Event:
    """One refusal; `participant` is a pseudonym."""

    at: datetime
    kind: str
    participant: str


class Numbers:
    """Reads them; plans are kept, since they never change."""

    def __init__(self, database: Database):
        self._database = database
        self._plans: dict[str, Plan] = {}

    def all(self) -> list[Standing]:
        """Every study in the database, open ones first, demonstrations last."""
        with snapshot(self._database) as session:
            rows = session.scalars(sa.select(StudyRow).order_by(StudyRow.demo, StudyRow.state.desc(), StudyRow.name))
            return [self._standing(session, row) for row in rows]

    def of(self, study: str) -> Standing:
        """One study; ValueError if there is none of that name."""
        with snapshot(self._database) as session:
            return self._standing(session, study_row(session, study))

    def events(self, study: str) -> Sequence[Event]:
        """The latest refusals of a study, `MOST_EVENTS` at most, the last one first."""
        with snapshot(self._database) as session:
            query = (
                sa.select(EventRow.at, EventRow.kind, ParticipantRow.pseudonym)
                .outerjoin(ParticipantRow, EventRow.participant_id == ParticipantRow.id)
                .where(EventRow.study_id == study_row(session, study).id)
                .order_by(EventRow.id.desc())
                .limit(MOST_EVENTS)
            )
            return [Event(at, kind, pseudonym or "") for at, kind, pseudonym in session.execute(query)]

    def version(self, study: str) -> tuple:
        """Changes whenever something changes that an analysis could see; the last part whenever somebody withdraws."""
        with snapshot(self._database) as session:
            row = study_row(session, study)
            typed = sa.func.sum(sa.func.length(sa.cast(ParticipantRow.background, sa.Text)))
            background = session.scalars(sa.select(typed).where(ParticipantRow.study_id == row.id)).one()
            outbox = sa.select(sa.func.max(OutboxRow.id)).where(OutboxRow.study_id == row.id)
            return row.state, count(session, row.id), background, session.scalars(outbox).one()

    def _standing(self, session: Session, row: StudyRow) -> Standing:
        if row.sha256 not in self._plans:
            self._plans[row.sha256] = Plan.from_json(row.plan, row.name)
        refused = (
            sa.select(EventRow.kind, sa.func.count())
            .where(EventRow.study_id == row.id)
            .group_by(EventRow.kind)
            .order_by(EventRow.kind)
        )
        return Standing(
            plan=self._plans[row.sha256],
            state=row.state,
            created_at=row.created_at,
            closed_at=row.closed_at if row.state == "closed" else None,
            return_link=row.return_link,
            completion_code=row.completion_code,
            counts=count(session, row.id),
            refused={kind: int(number) for kind, number in session.execute(refused)},
        )
