"""Taking part: from the consent to the code, one question at a time, each answer stored before the next page.

Nothing here knows of HTTP. All state lies in the database, so a session goes on after a reload, a lost connection or a
restart of the server, on this server or on another.
"""

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from study.answers import store_answer, store_background
from study.assignment import assign
from study.catalogue import Catalogue, Study
from study.database import now
from study.identity import keyed_code, keyed_hash, new_code, new_token, token_hash, typed_code
from study.places import Asked, Finished, Place, close_late, place_of
from study.tables import AnswerRow, EventRow, OutboxRow, ParticipantRow, ShownRow, StudyRow

LOG = logging.getLogger("study")
PLATFORMS = ("link", "prolific", "mturk")
_EVENTS_A_PERSON = 200  # refusals noted of one person; a script cannot fill the disk with them
_ALL = selectinload(ParticipantRow.shown).joinedload(ShownRow.answer)
# The question a person is at: only that one is shown and not yet answered. One row for each picture, where `_ALL` reads
# the whole session: most requests are for pictures.
_AT_HAND = (
    sa.select(ShownRow.pictures, ParticipantRow.consented_at)
    .join(ParticipantRow, ParticipantRow.id == ShownRow.participant_id)
    .outerjoin(AnswerRow, AnswerRow.shown_id == ShownRow.id)
    .where(ParticipantRow.access_hash == sa.bindparam("access"), ParticipantRow.study_id == sa.bindparam("study"))
    .where(ShownRow.index == sa.bindparam("index"), ShownRow.shown_at.is_not(None), ~ShownRow.timed_out)
    .where(AnswerRow.id.is_(None))
)


class Refused(Exception):
    """Something a participant may not do; `reason` is one word.

    "closed" study, "taken" (took part before), "unknown" token, "expired" session, "malformed" values, "forged" (not
    the page's key), "early" (a question not reached or not shown yet), "late" (its time is over), "changed" (another
    answer to an answered question), "repeated" (background questions answered before).
    """

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Recruit:
    """What a recruiting platform says of a person; kept as keyed hashes only.

    Args:
        platform: one of `PLATFORMS`.
        participant: the platform's id of the person, "" if unknown.
        session: the platform's id of this submission.
    """

    platform: str = "link"
    participant: str = ""
    session: str = ""


@dataclass(frozen=True)
class Begun:
    """A session that began, or was taken up again (`withdrawal` is "" then: it was told before)."""

    access: str
    withdrawal: str


@dataclass(frozen=True)
class Person:
    """What pages tell a person of themselves.

    Args:
        language: of the session.
        withdrawal: the code that deletes their answers; "" if the server's key was changed since they began.
    """

    language: str
    withdrawal: str


@dataclass(frozen=True)
class Feedback:
    """What a practice question's answer was worth."""

    correct: bool
    right: str


class Sessions:
    """What participants can do.

    Args:
        catalogue: the open studies.
        key: of the keyed hashes, see `identity.load_key`.
    """

    def __init__(self, catalogue: Catalogue, key: bytes):
        self.catalogue, self._key = catalogue, key
        self.database = catalogue.database

    def begin(self, study: Study, language: str, recruit: Recruit | None = None, width: int | None = None) -> Begun:
        """Enter a person who has just consented, and decide all their questions.

        A person whom the platform sends a second time goes on where they were, if it is the same submission.

        Raises:
            Refused: "closed" or "taken".
        """
        recruit = recruit or Recruit()
        hashes = self._hashes(study, recruit)
        try:
            with self.database.writing() as session:
                if begun := self._again(session, study, hashes):
                    return begun
                return self._enter(session, study, language, recruit.platform, hashes, width)
        except IntegrityError as error:  # two requests of one person at once: the first has entered them
            raise Refused("taken") from error

    def place(self, study: Study, access: str) -> Place:
        """Where the person is: what the next page shows. Asking starts the clock of a question.

        Raises:
            Refused: "unknown" or "expired".
        """
        with self.database.writing() as session:
            person = self._person(session, study, access)
            self._bring_up_to_date(session, study, person)
            place = place_of(study.plan, person, now())
            if isinstance(place, Asked):
                row = person.shown[place.index]
                row.shown_at = row.shown_at or now()
            if isinstance(place, Finished):
                link = session.get_one(StudyRow, study.row).return_link
                place = replace(place, return_link=link.replace("{code}", place.code))
            return place

    def background(self, study: Study, access: str, given: Mapping[str, str]) -> None:
        """Store the answers to the background questions, text by key, once.

        Raises:
            Refused: "unknown", "expired", "malformed" (an unknown key, a value that is no option, a required one
                missing), "repeated".
        """
        with self.database.writing() as session:
            person = self._person(session, study, access)
            refused = store_background(study.plan, person, given)
            if refused:
                self._note(session, person, refused)
        if refused:
            raise Refused(refused)

    def answer(self, study: Study, access: str, index: int, given: Mapping[str, Any]) -> None:
        """Store one answer; when this returns it is on disk.

        The same answer sent again under the same key is taken as said before: it is noted and changes nothing.

        Args:
            index: of the question, as its page said.
            given: "key" (the page's idempotency key), "answer", "confidence", "seconds", all as text; the last two may
                be missing.

        Raises:
            Refused: "unknown", "expired", "forged", "malformed", "early", "late", "changed".
        """
        with self.database.writing() as session:
            person = self._person(session, study, access)
            self._bring_up_to_date(session, study, person)
            refused = store_answer(study.plan, person, index, given, now())
            if refused:
                self._note(session, person, refused)
            self._bring_up_to_date(session, study, person)
        if refused and refused != "repeated":
            raise Refused(refused)

    def person(self, study: Study, access: str) -> Person:
        """Language and withdrawal code; starts no clock. Refused("unknown") or ("expired")."""
        with self.database.reading() as session:
            person = self._person(session, study, access, lock=False)
            code = self._withdrawal(person.pseudonym)
            known = token_hash(typed_code(code)) == person.withdrawal_hash
            return Person(person.language, code if known else "")

    def feedback(self, study: Study, access: str, index: int) -> Feedback:
        """Of an answered practice question. Refused("early") for any other question."""
        with self.database.reading() as session:
            person = self._person(session, study, access, lock=False)
            row = person.shown[index] if 0 <= index < len(person.shown) else None
            if row is None or row.role != "practice" or row.answer is None:
                raise Refused("early")
            return Feedback(row.answer.correct, row.right)

    def picture(self, study: Study, access: str, index: int, position: int) -> bytes:
        """The PNG at `position` (from 0) of the question the person is at.

        Raises:
            Refused: "unknown", "expired", or "early": of no other question, whatever it is.
        """
        asked = {"access": token_hash(access), "study": study.row, "index": index}
        with self.database.reading() as session:
            row = session.execute(_AT_HAND, asked).one_or_none()
            if row is None or not 0 <= position < len(row.pictures):
                self._person(session, study, access, lock=False)
                raise Refused("early")
            _check_age(study, row.consented_at)
            key = row.pictures[position]
        return study.picture(key)

    def withdraw(self, study: Study, withdrawal: str) -> None:
        """Delete a person and all they answered; exports follow through the outbox. Refused("unknown") for no one."""
        with self.database.writing() as session:
            code = token_hash(typed_code(withdrawal))
            query = sa.select(ParticipantRow).where(
                ParticipantRow.withdrawal_hash == code, ParticipantRow.study_id == study.row
            )
            person = session.scalars(query.options(_ALL)).one_or_none()
            if person is None:
                raise Refused("unknown")
            session.execute(sa.delete(EventRow).where(EventRow.participant_id == person.id))
            session.delete(person)
            session.add(OutboxRow(study_id=study.row, kind="withdrawn", created_at=now()))
        self.database.forget()

    def _withdrawal(self, pseudonym: str) -> str:
        """Follows from key and pseudonym, so that it can be shown again; the database alone does not give it away."""
        return keyed_code(self._key, "withdrawal", pseudonym)

    def _hashes(self, study: Study, recruit: Recruit) -> tuple[str | None, str | None]:
        """Of person and submission; two platforms may use the same id for two people."""
        if not recruit.participant:
            return None, None
        ids = (f"{recruit.platform}\0{one}" for one in (recruit.participant, recruit.session))
        person, submission = (keyed_hash(self._key, study.plan.sha256, one) for one in ids)
        return person, submission

    def _again(self, session: Session, study: Study, hashes: tuple[str | None, str | None]) -> Begun | None:
        """A person whom the platform sent before goes on under a new token: the old one may be in another window."""
        if hashes[0] is None:
            return None
        query = sa.select(ParticipantRow).where(
            ParticipantRow.study_id == study.row, ParticipantRow.recruit_hash == hashes[0]
        )
        person = session.scalars(query).one_or_none()
        if person is None:
            return None
        if person.session_hash != hashes[1]:
            raise Refused("taken")
        access = new_token()
        person.access_hash = token_hash(access)
        return Begun(access, "")

    def _enter(
        self, session: Session, study: Study, language: str, platform: str, hashes: tuple, width: int | None
    ) -> Begun:
        taken = (
            sa.update(StudyRow)
            .where(StudyRow.id == study.row, StudyRow.state == "open")
            .values(next_number=StudyRow.next_number + 1)
            .returning(StudyRow.next_number)
        )
        following = session.scalars(taken).one_or_none()
        if following is None:
            raise Refused("closed")
        pseudonym = secrets.token_hex(8)
        begun = Begun(new_token(), self._withdrawal(pseudonym))
        person = ParticipantRow(
            study_id=study.row,
            number=following - 1,
            pseudonym=pseudonym,
            access_hash=token_hash(begun.access),
            withdrawal_hash=token_hash(typed_code(begun.withdrawal)),
            recruit_hash=hashes[0],
            session_hash=hashes[1],
            recruited=platform,
            language=language,
            width=width,
            background=None if study.plan.background else {},
            state="active",
            consented_at=now(),
        )
        person.shown = [_shown(index, question) for index, question in enumerate(assign(study.plan, following - 1))]
        session.add(person)
        return begun

    def _person(self, session: Session, study: Study, access: str, lock: bool = True) -> ParticipantRow:
        query = sa.select(ParticipantRow).where(
            ParticipantRow.access_hash == token_hash(access), ParticipantRow.study_id == study.row
        )
        if lock:  # two requests of one person: one after the other. SQLite's writers wait for each other anyway
            query = query.with_for_update(of=ParticipantRow)
        person = session.scalars(query.options(_ALL)).one_or_none()
        if person is None:
            LOG.warning("refused: unknown token")
            raise Refused("unknown")
        if person.state != "finished":
            _check_age(study, person.consented_at)
        return person

    def _bring_up_to_date(self, session: Session, study: Study, person: ParticipantRow) -> None:
        """Close what is over; once no question is open: the code, in the same transaction as the last answer."""
        close_late(study.plan, person, now())
        if person.state == "finished" or not isinstance(place_of(study.plan, person, now()), Finished):
            return
        fixed = session.get_one(StudyRow, study.row).completion_code
        person.state, person.finished_at, person.code = "finished", now(), fixed or new_code()

    def _note(self, session: Session, person: ParticipantRow, reason: str) -> None:
        LOG.warning("refused: %s, participant %s", reason, person.pseudonym)
        own = sa.select(sa.func.count()).select_from(EventRow).where(EventRow.participant_id == person.id)
        if session.scalars(own).one() < _EVENTS_A_PERSON:
            session.add(EventRow(study_id=person.study_id, participant_id=person.id, kind=reason, at=now()))


def _check_age(study: Study, consented_at: datetime) -> None:
    if (now() - consented_at).total_seconds() > study.plan.session_hours * 3600:
        raise Refused("expired")


def _shown(index: int, question: Any) -> ShownRow:
    return ShownRow(
        index=index,
        role=question.role,
        kind=question.kind,
        condition=question.condition,
        item=question.item,
        pictures=list(question.pictures),
        alternatives=question.alternatives,
        right=question.right,
        key=secrets.token_hex(16),
        timed_out=False,
    )
