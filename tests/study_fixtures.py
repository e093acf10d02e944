"""Toy studies, and databases to keep them in: `pytest_plugins = ("study_fixtures",)`.

Test modules import `toy_study` and the like by name too, so PYTEST_DONT_REWRITE: pytest would warn about each.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
import pytest
from fastapi import FastAPI
from PIL import Image

from study.catalogue import PICTURES, PLAN_FILE, Catalogue, Study
from study.database import Database
from study.plan import GOLD, REAL, Block, Condition, Plan, Stimulus
from study.sessions import Sessions
from study.stimuli import encode, key_of
from study.web.application import build

KEY = b"k" * 32
CONSENT = {"en": "You may stop at any time.\n\nNothing else is stored.", "zh": "您可以随时退出。\n\n不保存其他内容。"}
TITLE = {"en": "Pictures", "zh": "图画"}
Draw = Callable[[int, str, tuple[int, int]], Image.Image]  # running number, condition, size


def noise(number: int, condition: str, size: tuple[int, int]) -> Image.Image:
    """A picture of its own for every number, whatever the condition."""
    pixels = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def toy_plan(
    folder: Path,
    name: str = "toy",
    *,
    families: int = 20,
    practice_families: int = 4,
    gold_families: int = 2,
    conditions: tuple[str, ...] = ("m", "u"),
    size: tuple[int, int] = (48, 48),
    draw: Draw = noise,
    encoded: Callable[[Image.Image], bytes] = encode,
    prefix: str = "",
    **changes,
) -> Plan:
    """Write a study into `folder`/`name`, pictures and plan, so that `Catalogue.open` can read it.

    Four questions by default, each of four pictures, after one of practice. `prefix` goes before the families' names;
    `changes` are fields of the plan: `blocks=(Block(count=10),)` needs `families=40` or more.
    """
    target = folder / name
    (target / PICTURES).mkdir(parents=True)
    wanted = [(f"f{i}", c, "question") for i in range(families) for c in (REAL, *conditions)]
    wanted += [(f"p{i}", c, "practice") for i in range(practice_families) for c in (REAL, conditions[0])]
    wanted += [(f"g{i}", GOLD, "gold") for i in range(gold_families)]
    pictures = []
    for number, (family, condition, role) in enumerate(wanted):
        png = encoded(draw(number, condition, size))
        key, source, named = key_of(png), key_of(family.encode()), f"{prefix}{family}"
        (target / PICTURES / f"{key}.png").write_bytes(png)
        pictures.append(Stimulus(key, named, condition, role, source, f"{named}.{condition}"))
    values = dict(title=TITLE, consent=CONSENT, blocks=(Block(count=4),)) | changes
    models = tuple(Condition(condition, condition.upper()) for condition in conditions)
    plan = Plan(name=name, pictures=tuple(pictures), size=size, conditions=models, **values)
    plan.save(target / PLAN_FILE)
    return plan


@dataclass(frozen=True)
class Toy:
    """A study ready to be taken part in."""

    plan: Plan
    database: Database
    catalogue: Catalogue
    study: Study
    sessions: Sessions

    def answers(self) -> list[Mapping]:
        """Everything in the table of answers, in the order stored."""
        with self.database.engine.connect() as connection:
            return [row._mapping for row in connection.exec_driver_sql("SELECT * FROM answers ORDER BY id")]


@contextmanager
def toy_study(folder: Path, url: str, name: str = "toy", **changes) -> Iterator[Toy]:
    """`toy_plan`, opened on the database at `url`; for a real study the test needs `lasting` too, or `demo=True`."""
    plan = toy_plan(folder, name, **changes)
    database = Database(url)
    try:
        catalogue = Catalogue(database)
        study = catalogue.open(folder / name)
        yield Toy(plan, database, catalogue, study, Sessions(catalogue, KEY))
    finally:
        database.close()


def mounted(toy: Toy) -> FastAPI:
    """The pages of `toy` at /study, as beside the app."""
    outer = FastAPI()
    outer.mount("/study", build(toy.catalogue, toy.sessions, key=KEY))
    return outer


def marks(plan: Plan) -> set[str]:
    """What must not reach a participant's browser: every name and hash of the pictures and the models."""
    found = {plan.sha256, GOLD}
    for stimulus in plan.pictures:
        found |= {stimulus.key, stimulus.key[:12], stimulus.family, stimulus.source, stimulus.original}
    for condition in plan.conditions:
        found |= {condition.name, condition.label, condition.model, condition.revision}
    return found - {""}


@pytest.fixture
def lasting(monkeypatch) -> None:
    """The disk of a test counts as lasting: a container's would otherwise be refused to real studies."""
    monkeypatch.setattr("study.catalogue.ephemeral_reason", lambda url: None)


@pytest.fixture
def toy(tmp_path, lasting) -> Iterator[Toy]:
    """A real study of four questions on SQLite."""
    with toy_study(tmp_path / "studies", f"sqlite:///{tmp_path}/studies.sqlite") as one:
        yield one


@pytest.fixture(scope="session")
def postgresql() -> Iterator["Cluster"]:
    """A PostgreSQL server of the tests' own from the installed programs.

    Without them the test is skipped, or fails where DANQING_REQUIRE_DATA=1 says that everything must be there.
    """
    programs = _programs()
    if programs is None:
        message = "No PostgreSQL: its programs initdb and pg_ctl are missing (Debian: apt-get install postgresql)."
        if os.environ.get("DANQING_REQUIRE_DATA") == "1":
            pytest.fail(message)
        pytest.skip(message)
    folder = Path(tempfile.mkdtemp(prefix="danqing-pg-"))  # short: the path of a socket has 107 bytes at most
    cluster = Cluster(programs, folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path) -> Iterator[str]:
    """An empty database of each kind in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/studies.sqlite"
        return
    with request.getfixturevalue("postgresql").database() as url:
        yield url


class Cluster:
    """One server on a socket in a folder that only its own user enters; it listens on no port.

    Args:
        programs: the folder of initdb and pg_ctl.
        folder: for its data and its socket.
    """

    def __init__(self, programs: Path, folder: Path):
        self.programs, self.folder, self._count = programs, folder, 0
        if os.geteuid() == 0:  # the server refuses to run as root
            shutil.chown(folder, "postgres", "postgres")

    def start(self) -> None:
        """Make the cluster and wait until it answers; durable as by default."""
        data, log = str(self.folder / "data"), str(self.folder / "log")
        self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync", "-D", data)
        settings = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' -c max_connections=100"
        self._run("pg_ctl", "start", "--wait", "-D", data, "-l", log, "-o", settings)

    def stop(self) -> None:
        """End it at once; the data are thrown away."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", "--wait", "--mode=immediate", "-D", str(self.folder / "data"))

    @contextmanager
    def database(self) -> Iterator[str]:
        """A new database, dropped afterwards; yields its URL for SQLAlchemy."""
        self._count += 1
        name = f"study_{self._count}"
        self._execute(f"CREATE DATABASE {name}")
        try:
            yield f"postgresql+psycopg://postgres@/{name}?host={self.folder}"
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(
            command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr.strip()[-500:]}")


def _programs() -> Path | None:
    """Where initdb and pg_ctl lie: Debian keeps them off the path, a folder for each version."""
    found = [
        file.parent for file in Path("/usr/lib/postgresql").glob("*/bin/initdb") if (file.parent / "pg_ctl").exists()
    ]
    if found:
        return max(found, key=lambda folder: float(folder.parent.name))
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path and shutil.which("pg_ctl") else None
