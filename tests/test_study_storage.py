"""Storage: migrations, durability settings, what is known to vanish, and studies that are fixed once entered."""

import io
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from PIL import Image

from study.catalogue import Catalogue, StudyError
from study.database import Database, ephemeral_reason, now, write_ahead
from study.plan import Plan
from study.tables import Base, StudyRow
from study_fixtures import toy_plan

pytest_plugins = ("study_fixtures",)


@pytest.fixture
def database(database_url):
    one = Database(database_url)
    yield one
    one.close()


def test_migrations_make_the_tables_of_the_models(database):
    """Whoever changes a table without a migration is told here."""
    with database.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert differences == []


def test_opening_twice_changes_nothing(database, database_url):
    again = Database(database_url)
    with again.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM alembic_version").scalar() == 1
    again.close()


def test_servers_that_start_at_once_migrate_once(database_url):
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: Database(database_url), range(4)))
    for one in opened:
        assert sa.inspect(one.engine).has_table("answers")
        one.close()


def test_connections_that_switch_a_new_file_at_once_all_succeed(tmp_path):
    def switch(number: int) -> str:
        connection = sqlite3.connect(tmp_path / f"{number // 8}.sqlite", timeout=30, isolation_level=None)
        write_ahead(connection)
        mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
        connection.close()
        return mode

    with ThreadPoolExecutor(8) as pool:  # a plain PRAGMA fails on some of 500 files
        assert set(pool.map(switch, range(4000))) == {"wal"}


def test_sqlite_is_durable_and_forgets(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/a.sqlite")
    with database.engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    database.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


def test_postgresql_commits_synchronously(postgresql):
    with postgresql.database() as url:
        database = Database(url)
        with database.engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
        database.close()


def test_a_failed_transaction_leaves_nothing(database):
    row = StudyRow(name="x", sha256="0", plan="", demo=True, state="open", next_number=0)
    row.return_link, row.completion_code, row.created_at = "", "", now()
    with pytest.raises(RuntimeError), database.writing() as session:
        session.add(row)
        session.flush()
        raise RuntimeError
    with database.reading() as session:
        assert session.scalars(sa.select(StudyRow)).all() == []


def test_other_databases_are_refused():
    with pytest.raises(ValueError, match="SQLite or PostgreSQL, got 'mysql'"):
        Database("mysql://localhost/x")


MOUNTS = """/dev/vda / ext4 rw 0 0
tmpfs /tmp tmpfs rw 0 0
/dev/vdb /tmp/lasting\\040disk ext4 rw 0 0
"""


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("/var/studies.sqlite", None),
        ("/tmp/studies.sqlite", "lies in memory"),
        ("/tmp/lasting disk/studies.sqlite", None),
        (":memory:", "kept in memory"),
        ("", "kept in memory"),
    ],
)
def test_storage_that_vanishes_is_known(tmp_path, monkeypatch, file, reason):
    monkeypatch.delenv("SPACE_ID", raising=False)
    (tmp_path / "mounts").write_text(MOUNTS)
    said = ephemeral_reason(f"sqlite:///{file}", tmp_path / "mounts")
    assert said is None if reason is None else reason in said


def test_a_containers_own_layer_vanishes(tmp_path, monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    (tmp_path / "mounts").write_text("overlay / overlay rw 0 0\n/dev/vdb /data ext4 rw 0 0\n")
    assert "writable layer" in ephemeral_reason("sqlite:////srv/a.sqlite", tmp_path / "mounts")
    assert ephemeral_reason("sqlite:////data/a.sqlite", tmp_path / "mounts") is None


def test_a_spaces_own_disk_vanishes(tmp_path, monkeypatch):
    monkeypatch.setenv("SPACE_ID", "someone/space")
    (tmp_path / "mounts").write_text("/dev/vda / ext4 rw 0 0\n")
    assert "emptied at every restart" in ephemeral_reason("sqlite:////home/user/a.sqlite", tmp_path / "mounts")
    assert ephemeral_reason("sqlite:////data/a.sqlite", tmp_path / "mounts") is None
    assert ephemeral_reason("postgresql+psycopg://host/name", tmp_path / "mounts") is None


def test_a_real_study_does_not_start_where_answers_vanish(tmp_path, monkeypatch):
    monkeypatch.setattr("study.catalogue.ephemeral_reason", lambda url: "it is written on sand")
    toy_plan(tmp_path, "real")
    toy_plan(tmp_path, "shown", demo=True)
    database = Database(f"sqlite:///{tmp_path}/a.sqlite")
    catalogue = Catalogue(database)
    (refused,) = catalogue.open_all(tmp_path)
    assert "answers could be lost: it is written on sand" in refused
    assert catalogue.names() == ["shown"]
    database.close()


def test_a_changed_plan_is_another_study(tmp_path, lasting, database):
    plan = toy_plan(tmp_path, "one")
    catalogue = Catalogue(database)
    catalogue.open(tmp_path / "one")
    catalogue.open(tmp_path / "one")  # again: the same
    replace(plan, seed=9).save(tmp_path / "one" / "plan.json")
    with pytest.raises(StudyError, match="A changed plan is a new study"):
        catalogue.open(tmp_path / "one")


def test_a_changed_or_missing_picture_is_found(tmp_path, lasting, database):
    plan = toy_plan(tmp_path, "one")
    file = tmp_path / "one" / "pictures" / f"{plan.pictures[0].key}.png"
    data = file.read_bytes()
    file.write_bytes(data[:-20] + b"x" * 20)
    with pytest.raises(StudyError, match="was changed"):
        Catalogue(database).open(tmp_path / "one")
    file.unlink()
    with pytest.raises(StudyError, match="lacks a picture"):
        Catalogue(database).open(tmp_path / "one")


def test_pictures_of_different_length_are_refused(tmp_path, lasting, database):
    """A compressed picture's length tells what it shows."""

    def compressed(image) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        return buffer.getvalue()

    def smooth(number, condition, size):
        return Image.new("RGB", size, (number % 256, number // 256, 0))

    toy_plan(tmp_path, "one", encoded=compressed, draw=smooth)
    with pytest.raises(StudyError, match="differ in length"):
        Catalogue(database).open(tmp_path / "one")


def test_a_study_that_does_not_open_keeps_no_other_from_opening(tmp_path, lasting, database):
    toy_plan(tmp_path, "good")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "plan.json").write_text("{}")
    catalogue = Catalogue(database)
    assert len(catalogue.open_all(tmp_path)) == 1 and catalogue.names() == ["good"]


def test_plans_are_read_without_the_heavy_libraries():
    code = "import sys, study.plan; print({'torch', 'gradio', 'pandas', 'scipy', 'sqlalchemy'} & set(sys.modules))"
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, timeout=60)
    assert done.stdout.strip() == "set()", done.stderr


def test_a_plan_in_the_database_is_the_plan(tmp_path, lasting, database):
    plan = toy_plan(tmp_path, "one")
    Catalogue(database).open(tmp_path / "one")
    with database.reading() as session:
        stored, sha256 = session.execute(sa.text("SELECT plan, sha256 FROM studies")).one()
    assert Plan.from_json(stored) == plan and sha256 == plan.sha256
