"""What is done with a study's answers: list, close, export, import, analyse, push, withdraw."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from tyro.conf import Positional

from study.catalogue import PLAN_FILE, Catalogue, StudyError, database_url, studies_folder
from study.database import Database
from study.identity import load_key
from study.plan import Plan
from study.sessions import Refused, Sessions
from study.tables import StudyRow

Formats = tuple[Literal["csv", "parquet", "json"], ...]


@contextmanager
def _opened(url: str | None) -> Iterator[Database]:
    folder = studies_folder()
    if url is None and not os.environ.get("DANQING_STUDY_DATABASE") and not folder.is_dir():
        raise StudyError(
            f"There are no studies in {folder}: make one with `python -m study new`, or set DANQING_STUDIES."
        )
    try:
        database = Database(url or database_url(folder))
    except SQLAlchemyError as error:
        raise StudyError(f"The studies' database cannot be opened: {str(error).splitlines()[0]}") from error
    with closing(database):
        yield database


def list_studies(database: str | None = None) -> None:
    """Print every study: name, state, people, plan.

    Args:
        database: URL; by default DANQING_STUDY_DATABASE or an SQLite file beside the studies.
    """
    from study.export.counts import count

    made = {file.parent.name: Plan.load(file) for file in sorted(studies_folder().glob(f"*/{PLAN_FILE}"))}
    with _opened(database) as opened, opened.reading() as session:
        for row in session.scalars(sa.select(StudyRow).order_by(StudyRow.name)):
            made.pop(row.name, None)
            counts = count(session, row.id)
            kind = "demonstration" if row.demo else "study"
            print(
                f"{row.name}: {kind}, {row.state}, {counts.consented} consented, {counts.finished} finished, "
                f"plan {row.sha256}"
            )
    for name, plan in made.items():
        print(f"{name}: made, not served yet, plan {plan.sha256}")


def close(name: str, database: str | None = None) -> None:
    """Close a study: nobody new can take part; people at it can finish.

    Args:
        name: the study's name.
        database: URL; by default DANQING_STUDY_DATABASE or an SQLite file beside the studies.
    """
    _set_state(name, "closed", database)


def reopen(name: str, database: str | None = None) -> None:
    """Open a closed study again.

    Args:
        name: the study's name.
        database: URL; by default DANQING_STUDY_DATABASE or an SQLite file beside the studies.
    """
    _set_state(name, "open", database)


def _set_state(name: str, state: str, url: str | None) -> None:
    with _opened(url) as database:
        catalogue = Catalogue(database)
        catalogue.set_state(catalogue.open(studies_folder() / name), state)
    print(f"{name} is {state}")


def export(
    name: str,
    out: Path,
    formats: Formats = ("csv", "parquet", "json"),
    licence: str | None = None,
    database: str | None = None,
) -> None:
    """Write a study's answers, participants, items, plan, data dictionary and card into a folder.

    Args:
        name: the study's name.
        out: new, empty, or an earlier export of the study.
        formats: of the tables.
        licence: for the card, such as cc-by-4.0.
        database: URL; by default DANQING_STUDY_DATABASE or an SQLite file beside the studies.
    """
    from study.export.files import export as write

    with _opened(database) as opened:
        tables = write(opened, name, out, formats, licence)
    print(
        f"wrote {out}: {len(tables.participants)} participants, {len(tables.answers)} rows, plan {tables.plan.sha256}"
    )


def import_export(source: Path, database: str | None = None) -> None:
    """Store an export as a closed study in a database.

    Args:
        source: folder or .zip of an export.
        database: URL; by default DANQING_STUDY_DATABASE or an SQLite file beside the studies.
    """
    from study.export.restoring import import_study

    with _opened(database) as opened:
        plan = import_study(opened, source)
    print(f"imported {plan.name}, plan {plan.sha256}")


def analyse(source: str, out: Path | None = None, database: str | None = None) -> None:
    """Print the analysis that the plan fixed, and write it with its plots.

    Args:
        source: name of a study in the database, or an export: folder, .zip or study.json.
        out: folder for report.md, report.tex, report.json, tables/ and plots/.
        database: URL; by default DANQING_STUDY_DATABASE or an SQLite file beside the studies.
    """
    import study.analysis as analysis
    from study.export.reading import read_export
    from study.export.tables import read_tables

    if Path(source).exists():
        plan, answers, participants = read_export(Path(source))
    else:
        with _opened(database) as opened:
            tables = read_tables(opened, source)
        plan, answers, participants = tables.plan, tables.answers, tables.participants
    _show(analysis.analyse(plan, answers, participants), out)


def counts(file: Positional[Path | None] = None, chance: float = 0.25, out: Path | None = None) -> None:
    """Analyse published counts of right answers by item; without a file those of the landscape paper.

    Args:
        file: CSV with the columns condition, item, right, asked.
        chance: of a right answer without looking.
        out: folder for report.md, report.tex, report.json, tables/ and plots/.
    """
    import study.analysis as analysis

    title = "Published counts" if file is None else file.name
    table = analysis.published_counts() if file is None else analysis.read_counts(file)
    _show(analysis.analyse_counts(table, chance, title=title), out)


def _show(report: "object", out: Path | None) -> None:
    from study.analysis import write_report

    print(report.to_markdown())  # type: ignore[attr-defined]
    if out is not None:
        files = write_report(report, out)  # type: ignore[arg-type]
        print(f"wrote {len(files)} files into {out}")


def push(name: str, repo: str, private: bool = True, licence: str | None = None, database: str | None = None) -> None:
    """Upload a closed study to the Hub as a data set, in one commit and without history.

    Args:
        name: the study's name.
        repo: Hub id, "user/name".
        private: make a new repository private.
        licence: for the card, such as cc-by-4.0.
        database: URL; by default DANQING_STUDY_DATABASE or an SQLite file beside the studies.
    """
    from study.export.hub import push_to_hub

    with _opened(database) as opened:
        print(push_to_hub(opened, name, repo, private, licence=licence))


def withdraw(name: str, token: str, database: str | None = None) -> None:
    """Delete a participant who wrote to the organiser, by the withdrawal code they were given.

    Args:
        name: the study's name.
        token: the withdrawal code.
        database: URL; by default DANQING_STUDY_DATABASE or an SQLite file beside the studies.
    """
    with _opened(database) as opened:
        catalogue = Catalogue(opened)
        study = catalogue.open(studies_folder() / name, keep=False)
        try:
            Sessions(catalogue, load_key(studies_folder())).withdraw(study, token)
        except Refused as error:
            raise StudyError(f"Nobody in {name} has this withdrawal code.") from error
    print("deleted")


def simulate(studies: int = 200, seed: int = 0, all_designs: bool = False) -> None:
    """Check the analysis on simulated studies of known truth: coverage of intervals, errors of the equivalence test.

    Args:
        studies: simulated for each design; 2000 know a coverage to a point.
        seed: of the simulation.
        all_designs: all designs, and those at which the intervals fail, not four.
    """
    from study.analysis import simulation
    from study.analysis.tables import table_markdown

    designs = simulation.DESIGNS + simulation.LIMITS if all_designs else simulation.SHORT
    table = simulation.coverage_table(designs, studies, seed)
    print(table_markdown(table, table.method))
