"""A study's data set on the Hub kept up with the database: it follows the outbox, and withdrawals above all."""

import logging
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from huggingface_hub import CommitScheduler, HfApi

from study.database import Database, now
from study.export.card import taken_down_card
from study.export.counts import count
from study.export.files import FORMATS, export_files, read_manifest, remove_export, write_folder
from study.export.hub import files_of, head_of, make_repository, publish
from study.export.tables import StudyTables, read_tables, snapshot, study_row
from study.tables import OutboxRow, StudyRow

if TYPE_CHECKING:
    from huggingface_hub import CommitInfo

LOG = logging.getLogger("study")


class StudySync(CommitScheduler):
    """Exports one study into a folder and from there to the Hub, whenever the outbox says that something has changed.

    Nothing of an open study is exported. After it closes, and after every withdrawal that follows, files and repository
    are written anew and the history is squashed; answers of people who were still at it when the study closed follow
    too. A row of the outbox is done when all of that has succeeded; until then every tick tries again. Of a study that
    was opened again the tables are taken down at the first withdrawal, and return when it closes.

    Args:
        folder: for the exported files; new, empty, or an earlier export of this study.
        repo_id: the data set, made where it does not exist.
        every: minutes between two looks at the outbox; `trigger` looks at once.
        private, formats, licence, api: as in `hub.push_to_hub`.

    Raises:
        ValueError: no such study, a demonstration, or a public repository where a private one is asked for.
    """

    def __init__(
        self,
        database: Database,
        study: str,
        folder: Path,
        repo_id: str,
        *,
        every: float = 5.0,
        private: bool = True,
        formats: Collection[str] = FORMATS,
        licence: str | None = None,
        api: HfApi | None = None,
    ):
        with database.reading() as session:
            row = study_row(session, study)
        if row.demo:
            raise ValueError(f"{study} is a demonstration: its answers are not published.")
        self._database, self._study, self._row, self._sha256 = database, study, row.id, row.sha256
        self._formats, self._licence = tuple(formats), licence
        api = api or HfApi()
        make_repository(api, repo_id, private)
        # The base class would squash at every tick; `publish` does it whenever something was pushed.
        super().__init__(
            repo_id=repo_id, folder_path=folder, every=every, repo_type="dataset", private=private, hf_api=api
        )

    def push_to_hub(self) -> "CommitInfo | None":
        """What a tick does; None if there was nothing to do. Call `trigger` instead: ticks come one after another."""
        with self.lock:
            self._note_changes()
            if not self._is_due(self._pending()):
                return None
            head = head_of(self.api, self.repo_id)
            tables = read_tables(self._database, self._study)
            if tables.state == "open":
                return self._take_down(tables, head)
            files = export_files(tables, self._formats, self._licence)
            write_folder(self.folder_path, files, self._sha256)
            commit = publish(self.api, self.repo_id, head, files, self._study)
            self._set_done(tables.outbox)
            return commit

    def _note_changes(self) -> None:
        """Put into the outbox what nobody else puts there: answers that came after the study had closed."""
        with snapshot(self._database) as session:
            state = session.get_one(StudyRow, self._row).state
            counts = count(session, self._row).as_dict()
        told = read_manifest(self.folder_path)
        if state == "closed" and not self._pending() and (told is None or told["counts"] != counts):
            with self._database.writing() as session:
                session.add(OutboxRow(study_id=self._row, kind="changed", created_at=now()))

    def _pending(self) -> set[str]:
        """Kinds of the rows that are not done."""
        with self._database.reading() as session:
            query = sa.select(OutboxRow.kind).where(OutboxRow.study_id == self._row, OutboxRow.done_at.is_(None))
            return set(session.scalars(query))

    def _is_due(self, pending: set[str]) -> bool:
        with self._database.reading() as session:
            is_open = session.get_one(StudyRow, self._row).state == "open"
        return bool(pending & {"withdrawn"} if is_open else pending)

    def _take_down(self, tables: StudyTables, head: str) -> "CommitInfo | None":
        """Someone withdrew from an open study: nothing of it may stay published, and nothing may be published of it."""
        commit = None
        if files_of(self.api, self.repo_id) - {"README.md"}:
            files = {"README.md": taken_down_card(tables.plan).encode()}
            commit = publish(self.api, self.repo_id, head, files, self._study)
        remove_export(self.folder_path, self._sha256)
        self._set_done(tables.outbox)
        return commit

    def _set_done(self, rows: Collection[int]) -> None:
        with self._database.writing() as session:
            session.execute(sa.update(OutboxRow).where(OutboxRow.id.in_(rows)).values(done_at=now()))
        LOG.info("exported: study %s, %d changes", self._study, len(rows))


def sync_all(
    database: Database,
    folder: Path,
    namespace: str,
    *,
    every: float = 5.0,
    private: bool = True,
    api: HfApi | None = None,
) -> list[StudySync]:
    """A `StudySync` of every real study in the database, each with `folder`/NAME and the data set NAMESPACE/study-NAME.

    Raises:
        huggingface_hub.errors.HfHubHTTPError: the Hub lets nothing be made there; better said at the start than never.
    """
    with database.reading() as session:
        names = session.scalars(sa.select(StudyRow.name).where(~StudyRow.demo).order_by(StudyRow.name)).all()
    return [
        StudySync(database, name, folder / name, f"{namespace}/study-{name}", every=every, private=private, api=api)
        for name in names
    ]
