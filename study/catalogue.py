"""The studies of one server: each a folder with plan and pictures, and a row in the database that fixes it."""

import hashlib
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from study.database import Database, ephemeral_reason, now
from study.plan import Plan, Stimulus
from study.tables import OutboxRow, StudyRow

PLAN_FILE, PICTURES = "plan.json", "pictures"
MEMORY_MEGABYTES = 400  # of pictures kept in memory for one study; larger ones are read at each request


class StudyError(ValueError):
    """A study that cannot be opened, in a sentence for the organiser."""


@dataclass(frozen=True)
class Study:
    """A study that can be taken part in.

    Args:
        row: its id in the database.
        folder: where plan and pictures lie.
    """

    plan: Plan
    row: int
    folder: Path
    stimuli: dict[str, Stimulus] = field(repr=False)
    _kept: dict[str, bytes] = field(repr=False, default_factory=dict)

    def picture(self, key: str) -> bytes:
        """The PNG called `key`; every one of a study has the same number of bytes. KeyError for no picture of it."""
        if key not in self.stimuli:
            raise KeyError(key)
        return self._kept.get(key) or _picture_file(self.folder, key).read_bytes()


class Catalogue:
    """Opens studies on a database and keeps them by name.

    Args:
        database: where the answers go.
    """

    def __init__(self, database: Database):
        self.database = database
        self._studies: dict[str, Study] = {}
        self._lock = threading.Lock()

    def open(self, folder: Path, *, keep: bool = True) -> Study:
        """Open the study in `folder`, entering it into the database the first time.

        Args:
            keep: hold the pictures in memory where they fit: no picture then takes longer than another.

        Raises:
            StudyError: a damaged plan or picture, a plan other than the one under this name in the database, or a real
                study where storage is known to vanish.
        """
        try:
            plan = Plan.load(folder / PLAN_FILE)
        except (OSError, ValueError) as error:
            raise StudyError(str(error)) from error
        if not plan.demo and (reason := ephemeral_reason(str(self.database.url))):
            raise StudyError(
                f"The study {plan.name} does not start, because answers could be lost: {reason}. Set "
                "DANQING_STUDY_DATABASE to a file on lasting storage or to a PostgreSQL server."
            )
        kept = _check_pictures(plan, folder, keep)
        study = Study(plan, self._enter(plan), folder, {s.key: s for s in plan.pictures}, kept)
        with self._lock:
            self._studies[plan.name] = study
        return study

    def open_all(self, folder: Path) -> list[str]:
        """Open every study below `folder`; returns a sentence for each that could not be."""
        refused = []
        for file in sorted(folder.glob(f"*/{PLAN_FILE}")):
            try:
                self.open(file.parent)
            except StudyError as error:
                refused.append(str(error))
        return refused

    def get(self, name: str) -> Study:
        """The open study called `name`; KeyError if there is none."""
        with self._lock:
            return self._studies[name]

    def names(self) -> list[str]:
        """Of all studies opened, demonstrations last."""
        with self._lock:
            return sorted(self._studies, key=lambda name: (self._studies[name].plan.demo, name))

    def state(self, study: Study) -> str:
        """ "open" or "closed"."""
        with self.database.reading() as session:
            return session.scalars(sa.select(StudyRow.state).where(StudyRow.id == study.row)).one()

    def set_state(self, study: Study, state: str) -> None:
        """Open a study for new participants or close it. Closing puts an export into the outbox."""
        if state not in ("open", "closed"):
            raise ValueError(f"A study is open or closed, got {state!r}.")
        with self.database.writing() as session:
            row = session.get_one(StudyRow, study.row)
            if state == "closed" and row.state != "closed":
                row.closed_at = now()
                session.add(OutboxRow(study_id=study.row, kind="closed", created_at=now()))
            row.state = state

    def set_recruiting(self, study: Study, return_link: str = "", completion_code: str = "") -> None:
        """Where participants are sent at the end, and with which code.

        Args:
            return_link: address with `{code}` in it, https only; "" shows the code alone.
            completion_code: the same for all, as Prolific wants it; "" gives each a code of their own.

        Raises:
            ValueError: a link that is no https address, or without {code}, or a code that is too long or has other
                signs than letters, digits, - and _.
        """
        link, code = return_link.strip(), completion_code.strip()
        if link and (
            not link.startswith("https://") or "{code}" not in link or len(link) > 500 or set(link) & set(' "<>')
        ):
            raise ValueError(f"A return link starts with https:// and has {{code}} in it, got {link[:80]!r}.")
        if len(code) > 64 or not all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in code):
            raise ValueError(f"A completion code is up to 64 letters, digits, - and _, got {code[:80]!r}.")
        with self.database.writing() as session:
            row = session.get_one(StudyRow, study.row)
            row.return_link, row.completion_code = link, code

    def _enter(self, plan: Plan) -> int:
        with self.database.writing() as session:
            row = session.scalars(sa.select(StudyRow).where(StudyRow.name == plan.name)).one_or_none()
            if row is not None and row.sha256 != plan.sha256:
                raise StudyError(
                    f"The database has a study {plan.name} already, with another plan ({row.sha256[:12]}, this one is "
                    f"{plan.sha256[:12]}). A changed plan is a new study: give it a name of its own."
                )
            if row is None:
                text = plan.to_json()
                row = StudyRow(name=plan.name, sha256=plan.sha256, plan=text, demo=plan.demo, state="open")
                row.next_number, row.return_link, row.completion_code, row.created_at = 0, "", "", now()
                session.add(row)
                session.flush()
            return row.id


def studies_folder() -> Path:
    """Where studies lie: DANQING_STUDIES, by default `studies` in the current folder."""
    return Path(os.environ.get("DANQING_STUDIES") or "studies")


def database_url(folder: Path) -> str:
    """DANQING_STUDY_DATABASE, by default an SQLite file beside the studies."""
    return os.environ.get("DANQING_STUDY_DATABASE") or f"sqlite:///{(folder / 'studies.sqlite').resolve()}"


def _picture_file(folder: Path, key: str) -> Path:
    return folder / PICTURES / f"{key}.png"


def _check_pictures(plan: Plan, folder: Path, keep: bool) -> dict[str, bytes]:
    """Read every picture once: content as its hash says, all of one length. Returns them if they fit into memory."""
    kept, lengths = {}, set()
    for stimulus in plan.pictures:
        try:
            data = _picture_file(folder, stimulus.key).read_bytes()
        except OSError as error:
            raise StudyError(f"The study {plan.name} lacks a picture: {error}") from error
        if hashlib.sha256(data).hexdigest() != stimulus.key:
            raise StudyError(f"A picture of the study {plan.name} was changed: {stimulus.key[:12]}.")
        lengths.add(len(data))
        if keep and sum(lengths) * len(kept) < MEMORY_MEGABYTES * 1e6:
            kept[stimulus.key] = data
    if len(lengths) > 1:
        raise StudyError(f"The pictures of {plan.name} differ in length, which tells them apart: {sorted(lengths)}.")
    return kept if len(kept) == len(plan.pictures) else {}
