"""Studies made ready to be served, from the environment: folder, database, key, organiser's password."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from study.catalogue import Catalogue, StudyError, database_url, studies_folder
from study.database import Database
from study.demo import make_demo
from study.identity import load_key
from study.plan import Plan
from study.sessions import Sessions

PATH = "/study"  # where the pages lie, in the app and alone


@dataclass(frozen=True)
class Served:
    """What was opened.

    Args:
        application: ASGI application to be mounted at `PATH`.
        refused: a sentence for each study that could not be opened.
    """

    application: Any
    catalogue: Catalogue
    sessions: Sessions
    refused: tuple[str, ...]

    def plans(self) -> list[Plan]:
        """Of the open studies, real ones first."""
        studies = [self.catalogue.get(name) for name in self.catalogue.names()]
        return [study.plan for study in studies if self.catalogue.state(study) == "open"]


def prepare(folder: Path | None = None, url: str | None = None, demo: bool = True) -> Served:
    """Open all studies of `folder` on the database at `url`.

    Args:
        folder: by default DANQING_STUDIES, or `studies`.
        url: by default DANQING_STUDY_DATABASE, or an SQLite file in `folder`.
        demo: offer the demonstration, making it where it is missing.

    With DANQING_STUDY_HUB, a namespace of the Hub, closed studies are kept there as private data sets.

    Raises:
        StudyError: no folder or database can be had, the organiser's password is too short, or the Hub refuses.
    """
    from study.web.application import build

    folder = folder or studies_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        key = load_key(folder)
        database = Database(url or database_url(folder))
        if demo:
            make_demo(folder)
    except (OSError, SQLAlchemyError) as error:
        raise StudyError(f"Studies cannot be stored: {str(error).splitlines()[0]}") from error
    catalogue = Catalogue(database)
    refused = tuple(catalogue.open_all(folder))
    if namespace := os.environ.get("DANQING_STUDY_HUB", "").strip():
        _sync(database, folder, namespace)
    sessions = Sessions(catalogue, key)
    password = os.environ.get("DANQING_ORGANISER_PASSWORD") or None
    application = build(catalogue, sessions, organiser_password=password, key=key)
    return Served(application, catalogue, sessions, refused)


def _sync(database: Database, folder: Path, namespace: str) -> None:
    """Follow closed studies in the background, from this process alone: one server of a database sets the variable."""
    from study.export.sync import sync_all

    try:
        sync_all(database, folder / "exports", namespace)
    except Exception as error:  # of huggingface_hub, requests, the network: all mean that nothing can be kept there
        raise StudyError(f"DANQING_STUDY_HUB={namespace}: {str(error).splitlines()[0]}") from error
