"""The analysis of a study while people look at it: computed once at a time, kept while nothing has changed."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from study.database import Database, now
from study.export.tables import read_tables
from study.web.organiser_numbers import Numbers

if TYPE_CHECKING:
    from study.analysis import Report

KEPT_SECONDS = 10.0  # a report is shown that long although answers came in: each costs seconds of the server's time


@dataclass(frozen=True)
class Analysed:
    """A report, and what it rests on.

    Args:
        state: of the study: of an open one the report is interim.
        at: when the tables were read, UTC.
    """

    report: "Report"
    state: str
    at: datetime
    _pictures: dict[str, bytes] = field(default_factory=dict, repr=False)

    def picture(self, table: str) -> bytes | None:
        """The PNG of a table's plot; None for a table without one."""
        from study.analysis.plots import plots

        if table not in self._pictures:
            tables = [one for one in self.report.tables if one.name == table]
            drawn = plots(replace(self.report, tables=tables))
            self._pictures[table] = drawn.get(f"{table}.png", b"")
        return self._pictures[table] or None


@dataclass(frozen=True)
class _Kept:
    analysed: Analysed
    version: tuple
    at: float


class Reports:
    """Of all studies.

    Args:
        seconds: how long a report is kept although answers came in. A withdrawal ends it at once.
    """

    def __init__(
        self,
        database: Database,
        numbers: Numbers,
        seconds: float = KEPT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._database, self._numbers, self._seconds, self._clock = database, numbers, seconds, clock
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def of(self, study: str) -> Analysed:
        """The report of `study`: whoever asks while it is computed waits for that one. ValueError for no such study."""
        with self._lock:
            version = self._numbers.version(study)
            kept = self._kept.get(study)
            if kept is None or not self._is_good(kept, version):
                kept = self._kept[study] = _Kept(self._analyse(study), version, self._clock())
            return kept.analysed

    def picture(self, study: str, table: str) -> bytes | None:
        """A plot of the report of `study`."""
        analysed = self.of(study)
        with self._lock:
            return analysed.picture(table)

    def _is_good(self, kept: _Kept, version: tuple) -> bool:
        same_people = kept.version[-1] == version[-1] and kept.version[0] == version[0]
        return kept.version == version or (same_people and self._clock() - kept.at < self._seconds)

    def _analyse(self, study: str) -> Analysed:
        from study.analysis import analyse

        at, tables = now(), read_tables(self._database, study)
        return Analysed(analyse(tables.plan, tables.answers, tables.participants), tables.state, at)
