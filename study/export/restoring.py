"""An exported study back in a database: to archive it, or to bring the studies of several servers together."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from study.database import Database, now
from study.export.columns import records
from study.export.reading import read_export
from study.identity import new_token, token_hash
from study.plan import Plan
from study.tables import AnswerRow, ParticipantRow, ShownRow, StudyRow


def import_study(database: Database, path: Path) -> Plan:
    """Store the export at `path` as a closed study, which exports the same tables again.

    Pseudonyms are kept. Tokens, codes and recruiting ids never were in the export: nobody can go on with a session, and
    a withdrawal has to be made where the study ran, then exported and imported anew.

    Args:
        path: as in `reading.read_export`.

    Raises:
        ValueError: a damaged export, a study that is in the database already by name or plan, or participants who are.
    """
    plan, answers, participants = read_export(path)
    asked: dict[str, list[dict[str, Any]]] = {row["participant"]: [] for row in records(participants)}
    for row in records(answers):
        asked[row["participant"]].append(row)
    try:
        with database.writing() as session:
            study = _enter(session, plan, int(participants["number"].max()) + 1 if len(participants) else 0)
            session.add_all(_person(plan, study, row, asked[row["participant"]]) for row in records(participants))
    except IntegrityError as error:
        raise ValueError(f"Participants of {plan.name} are in the database already, under another study.") from error
    return plan


def _enter(session: Session, plan: Plan, next_number: int) -> int:
    same = sa.select(StudyRow.name).where((StudyRow.name == plan.name) | (StudyRow.sha256 == plan.sha256))
    if (there := session.scalars(same).first()) is not None:
        raise ValueError(f"The database has the study {there} already; an import replaces nothing.")
    row = StudyRow(name=plan.name, sha256=plan.sha256, plan=plan.to_json(), demo=plan.demo, state="closed")
    row.next_number, row.return_link, row.completion_code = next_number, "", ""
    row.created_at = row.closed_at = now()
    session.add(row)
    session.flush()
    return row.id


def _person(plan: Plan, study: int, row: dict[str, Any], asked: list[dict[str, Any]]) -> ParticipantRow:
    day = datetime.fromisoformat(row["started"])
    person = ParticipantRow(
        study_id=study,
        number=row["number"],
        pseudonym=row["participant"],
        access_hash=token_hash(new_token()),  # of tokens that nobody has
        withdrawal_hash=token_hash(new_token()),
        recruited=row["recruited"],
        language=row["language"],
        width=row["width"],
        background={question.key: row[f"background_{question.key}"] or "" for question in plan.background},
        state="finished" if row["finished"] else "active",
        consented_at=day,
        finished_at=day if row["finished"] else None,
    )
    person.shown = list(_shown(asked, day))
    return person


def _shown(asked: list[dict[str, Any]], day: datetime) -> Iterator[ShownRow]:
    copied = ("index", "role", "kind", "condition", "item", "alternatives", "right", "timed_out")
    for row in asked:
        shown = ShownRow(
            **{name: row[name] for name in copied}, pictures=_pictures(row), key=token_hex(16), shown_at=day
        )
        if row["answer"] is not None:
            given = {name: row[name] for name in ("answer", "correct", "confidence", "seconds", "server_seconds")}
            shown.answer = AnswerRow(**given, answered_at=day)
        yield shown


def _pictures(row: dict[str, Any]) -> list[str]:
    """In the order shown, which the place of the right answer tells."""
    others = row["others"].split(" ") if row["others"] else []
    if not row["item"] or row["kind"] == "is_real":
        return [row["item"]] if row["item"] else []
    right = int(row["right"]) - 1
    others.insert(1 - right if row["kind"] == "more_real" else right, row["item"])
    return others
