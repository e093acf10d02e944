"""How many there are, counted by the database: what can be asked often."""

from dataclasses import asdict, dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from study.tables import AnswerRow, ParticipantRow, ShownRow


@dataclass(frozen=True)
class Counts:
    """Of one study; whoever withdrew is not in it.

    Args:
        consented: who did.
        finished: who reached the end.
        questions: shown, practice and checks among them.
        answered: of these.
    """

    consented: int
    finished: int
    questions: int
    answered: int

    def as_dict(self) -> dict[str, int]:
        """For JSON."""
        return asdict(self)


def count(session: Session, study: int) -> Counts:
    """Counts of the study whose row is `study`."""
    people = sa.select(sa.func.count(), sa.func.count().filter(ParticipantRow.state == "finished"))
    asked = (
        sa.select(sa.func.count(), sa.func.count(AnswerRow.id))
        .select_from(ShownRow)
        .join(ParticipantRow, ShownRow.participant_id == ParticipantRow.id)
        .outerjoin(AnswerRow, AnswerRow.shown_id == ShownRow.id)
        .where(ParticipantRow.study_id == study, ShownRow.shown_at.is_not(None))
    )
    consented, finished = session.execute(people.where(ParticipantRow.study_id == study)).one()
    questions, answered = session.execute(asked).one()
    return Counts(consented, finished, questions, answered)
