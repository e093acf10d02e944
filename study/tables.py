"""The tables of the studies' database. A change here needs a migration in `study/migrations/versions`."""

from datetime import datetime

from sqlalchemy import JSON, Boolean, DateTime, Float, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

_OWN = "participants.id"


class Base(DeclarativeBase):
    """Of all tables."""


class StudyRow(Base):
    """A study: its plan, fixed, and what may change while it runs."""

    __tablename__ = "studies"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    plan: Mapped[str] = mapped_column(Text)  # the JSON of `Plan.save`
    demo: Mapped[bool] = mapped_column(Boolean)
    state: Mapped[str] = mapped_column(String(16))  # open, closed
    next_number: Mapped[int] = mapped_column(Integer)  # of the next participant; never given twice
    return_link: Mapped[str] = mapped_column(String(500))  # of the recruiting platform, {code} in it; "" for none
    completion_code: Mapped[str] = mapped_column(String(64))  # the same for all; "" for one of each participant's own
    created_at: Mapped[datetime] = mapped_column(DateTime)
    closed_at: Mapped[datetime | None] = mapped_column(DateTime)


class ParticipantRow(Base):
    """A person who consented. No name, no address; what a recruiting platform calls them only as keyed hashes."""

    __tablename__ = "participants"
    __table_args__ = (UniqueConstraint("study_id", "number"), UniqueConstraint("study_id", "recruit_hash"))

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"), index=True)
    number: Mapped[int] = mapped_column(Integer)  # from 0; the assignment follows from it
    pseudonym: Mapped[str] = mapped_column(String(32), unique=True)  # in exports
    access_hash: Mapped[str] = mapped_column(String(64), unique=True)  # of the token in the addresses of the session
    withdrawal_hash: Mapped[str] = mapped_column(String(64), unique=True)
    recruit_hash: Mapped[str | None] = mapped_column(String(64))  # keyed, of the platform's participant id
    session_hash: Mapped[str | None] = mapped_column(String(64))  # keyed, of the platform's session id
    recruited: Mapped[str] = mapped_column(String(16))  # link, prolific, mturk
    language: Mapped[str] = mapped_column(String(8))
    width: Mapped[int | None] = mapped_column(Integer)  # of the browser's window, in CSS pixels
    background: Mapped[dict | None] = mapped_column(JSON)  # None until asked
    state: Mapped[str] = mapped_column(String(16))  # active, finished
    code: Mapped[str | None] = mapped_column(String(64))  # from the moment the last answer is stored
    consented_at: Mapped[datetime] = mapped_column(DateTime)
    finished_at: Mapped[datetime | None] = mapped_column(DateTime)

    shown: Mapped[list["ShownRow"]] = relationship(order_by="ShownRow.index", cascade="all, delete-orphan")


class ShownRow(Base):
    """A question of one participant, decided when they consented."""

    __tablename__ = "shown"
    __table_args__ = (UniqueConstraint("participant_id", "index"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    participant_id: Mapped[int] = mapped_column(ForeignKey(_OWN, ondelete="CASCADE"), index=True)
    index: Mapped[int] = mapped_column(Integer)
    role: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(24))
    condition: Mapped[str] = mapped_column(String(64))
    item: Mapped[str] = mapped_column(String(64))  # "" for an instructed question, which shows no picture
    pictures: Mapped[list] = mapped_column(JSON)  # keys, in the order shown
    alternatives: Mapped[int] = mapped_column(Integer)
    right: Mapped[str] = mapped_column(String(16))
    key: Mapped[str] = mapped_column(String(32), unique=True)  # idempotency key, given out with the page
    shown_at: Mapped[datetime | None] = mapped_column(DateTime)
    timed_out: Mapped[bool] = mapped_column(Boolean)

    answer: Mapped["AnswerRow | None"] = relationship(cascade="all, delete-orphan", single_parent=True)


class AnswerRow(Base):
    """The one answer to a question."""

    __tablename__ = "answers"

    id: Mapped[int] = mapped_column(primary_key=True)
    shown_id: Mapped[int] = mapped_column(ForeignKey("shown.id", ondelete="CASCADE"), unique=True)
    answer: Mapped[str] = mapped_column(String(16))
    correct: Mapped[bool] = mapped_column(Boolean)
    confidence: Mapped[int | None] = mapped_column(Integer)
    seconds: Mapped[float | None] = mapped_column(Float)  # by the browser
    server_seconds: Mapped[float | None] = mapped_column(Float)  # by the server
    answered_at: Mapped[datetime] = mapped_column(DateTime)


class EventRow(Base):
    """What was refused, and why. Holds nothing that was typed."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"), index=True)
    participant_id: Mapped[int | None] = mapped_column(ForeignKey(_OWN, ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(DateTime)


class OutboxRow(Base):
    """What exports must still follow: a study closed, a participant gone."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"), index=True)
    kind: Mapped[str] = mapped_column(String(32))  # closed, withdrawn, changed
    created_at: Mapped[datetime] = mapped_column(DateTime)
    done_at: Mapped[datetime | None] = mapped_column(DateTime)
