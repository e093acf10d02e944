"""The database: SQLite in a file, or PostgreSQL by URL. What it says is stored is on disk."""

import logging
import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

LOG = logging.getLogger("study")
_WAIT_SECONDS = 30  # for another writer
_WAL_PAUSE_SECONDS = 0.01
_ATTEMPTS, _ATTEMPT_MS, _PAUSE_SECONDS = 60, 50, 0.25  # to empty the write-ahead log, which readers prevent
_VANISHING = ("tmpfs", "ramfs", "devtmpfs")
_MIGRATION_LOCK = 0x64616E71  # any number; every server of this project asks PostgreSQL for the same lock


def now() -> datetime:
    """UTC without a zone, as the tables hold it."""
    return datetime.now(UTC).replace(tzinfo=None)


class Database:
    """Short transactions on one database; the tables are brought up to date when it is opened.

    SQLite runs in WAL mode with `synchronous=FULL` and `secure_delete`: a commit returns when the answer is on disk,
    and what is deleted is overwritten. PostgreSQL's `synchronous_commit` is switched on for every connection.

    Args:
        url: of SQLAlchemy: "sqlite:////path/studies.sqlite", "postgresql+psycopg://user@host/name".

    Raises:
        ValueError: for another kind of database.
        sqlalchemy.exc.OperationalError: it cannot be reached.
    """

    def __init__(self, url: str):
        self.url = sa.make_url(url)
        self.kind = self.url.get_backend_name()
        if self.kind not in ("sqlite", "postgresql"):
            raise ValueError(f"Studies are stored in SQLite or PostgreSQL, got {self.kind!r}.")
        options: dict[str, Any] = {"pool_pre_ping": self.kind == "postgresql"}
        if self.kind == "sqlite":
            options["connect_args"] = {"timeout": _WAIT_SECONDS, "check_same_thread": False}
        else:
            options |= {"pool_size": 20, "max_overflow": 20}
        self.engine = sa.create_engine(self.url, **options)
        sa.event.listen(self.engine, "connect", _on_connect_sqlite if self.kind == "sqlite" else _on_connect_postgres)
        if self.kind == "sqlite":
            sa.event.listen(self.engine, "begin", _begin_sqlite)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._writer = self.engine.execution_options(writes=True)
        self.migrate()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads."""
        with self._sessions() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that is on disk when the block ends, or undone if it raises."""
        with self._sessions(bind=self._writer) as session, session.begin():
            yield session

    def migrate(self) -> None:
        """Bring the tables up to date: safe where several servers start at once."""
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self._writer.begin() as connection:
            if self.kind == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def forget(self) -> None:
        """Let deleted rows vanish from the files too: the write-ahead log still held them.

        It can be emptied while nobody reads from it. Waiting for that holds all writers up, so each attempt is short.
        """
        if self.kind != "sqlite":
            return
        with self.engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={_ATTEMPT_MS}")
            try:
                for _ in range(_ATTEMPTS):
                    busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
                    if not busy:
                        return
                    time.sleep(_PAUSE_SECONDS)
                LOG.warning("what was deleted is still in the write-ahead log: somebody has been reading all along")
            finally:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={1000 * _WAIT_SECONDS}")

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def _on_connect_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin_sqlite`, not by the driver
    write_ahead(connection)
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log, also where several connections do so to a new file at once.

    The switch upgrades a read lock. Of two that try, SQLite refuses one at once instead of letting it wait for the
    other, who waits for it: the busy timeout does not count here, so the attempt is repeated as long.
    """
    until = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
            return
        except sqlite3.OperationalError as refused:
            if refused.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(_WAL_PAUSE_SECONDS)


def _on_connect_postgres(connection: Any, _: Any) -> None:
    connection.execute("SET synchronous_commit = on")
    connection.commit()


def _begin_sqlite(connection: sa.Connection) -> None:
    # A writer takes the lock at once: one that read first could find that it may not write any more.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def ephemeral_reason(url: str, mounts: Path = Path("/proc/mounts")) -> str | None:
    """Why the storage behind `url` is known to vanish, as a sentence; None if nothing is known against it.

    A database server is taken at its word. For SQLite: a database in memory, a file system in memory, the writable
    layer of a container, and a Space's disk without persistent storage all end with the machine.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    if not parsed.database or parsed.database == ":memory:" or "mode=memory" in str(parsed):
        return "the database is kept in memory"
    file = Path(parsed.database).resolve()
    if os.environ.get("SPACE_ID") and not file.is_relative_to("/data"):
        return f"{file} lies on a Space's own disk, which is emptied at every restart; persistent storage is /data"
    kind, point = _file_system(file, mounts)
    if kind in _VANISHING:
        return f"{file} lies in memory ({kind} at {point})"
    if kind == "overlay" and point == "/":
        return f"{file} lies in the writable layer of a container, which ends with it; mount a volume"
    return None


def _file_system(file: Path, mounts: Path) -> tuple[str, str]:
    """Type and mount point of the file system that `file` lies on, or will; empty where the system does not tell."""
    if not sys.platform.startswith("linux") or not mounts.is_file():
        return "", ""
    best = ("", "")
    for line in mounts.read_text(encoding="utf-8").splitlines():
        _, point, kind, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        if file.is_relative_to(point) and len(point) >= len(best[1]):  # of equal ones the later hides the earlier
            best = (kind, point)
    return best
