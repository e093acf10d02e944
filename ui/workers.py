"""Who works when: one piece of work of each kind at a time, a few in all, each stopped on request."""

import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ui.languages import UserError
from ui.limits import Limits

LARGE = "large"  # the kind of work on a picture of many pixels, whatever the tab


# Tells whether somebody still waits for what the current call makes; set by the page, read in the call's threads.
awaited: contextvars.ContextVar[Callable[[], bool]] = contextvars.ContextVar("awaited", default=lambda: True)


class Stopped(Exception):
    """The person pressed Stop, or left the page."""


class Workers:
    """Lets a few pieces of work through at a time and stops each on request.

    gradio's own limits end with its queue: a cancelled event leaves the queue while its thread goes on until the
    next tile. These slots are held until the work has really ended. Work of one kind is done one after the other, so
    that no tab takes all slots; large pictures are a kind of their own, so that a scroll keeps no small one waiting.

    Args:
        limits: `at_once`, `waiting` and `seconds` are used.
    """

    def __init__(self, limits: Limits):
        self.limits, self.closing = limits, False
        self._slots = threading.BoundedSemaphore(limits.at_once)
        self._kinds: dict[str, threading.BoundedSemaphore] = {}
        self._running: dict[str, set[Work]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def work(self, session: str, kind: str = "") -> Iterator["Work"]:
        """Wait for the slot of this kind and one of the app's, and hold both.

        Raises:
            Stopped: if `stop(session)` is called meanwhile, or the app is closed.
            UserError: if too many wait already, or the app is closing.
        """
        work = Work(self.limits.seconds)
        own = self._enter(session, kind, work)
        try:
            with _held(own, work), _held(self._slots, work):
                work.start()
                yield work
        finally:
            with self._lock:
                self._running[session].discard(work)
                if not self._running[session]:
                    del self._running[session]

    def stop(self, session: str) -> None:
        """Ask all work of one page to end at the next tile."""
        with self._lock:
            for work in self._running.get(session, ()):
                work.stopped.set()

    def close(self, seconds: float) -> bool:
        """Take no more work, let what runs end, and after so many seconds stop it; whether all of it ended."""
        self.closing = True
        if self._ended_within(seconds):
            return True
        with self._lock:
            for work in [work for page in self._running.values() for work in page]:
                work.stopped.set()
        return self._ended_within(1)

    def counts(self) -> tuple[int, int]:
        """How many pieces of work run, and how many wait."""
        with self._lock:
            started = [work.started for page in self._running.values() for work in page]
        return sum(started), len(started) - sum(started)

    def _enter(self, session: str, kind: str, work: "Work") -> threading.BoundedSemaphore:
        with self._lock:
            if self.closing:
                raise UserError("error_closing")
            if sum(map(len, self._running.values())) >= self.limits.waiting + self.limits.at_once:
                raise UserError("error_busy")
            self._running.setdefault(session, set()).add(work)
            return self._kinds.setdefault(kind, threading.BoundedSemaphore(1))

    def _ended_within(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while self._running and time.monotonic() < end:
            time.sleep(0.05)
        return not self._running


@contextmanager
def _held(slot: threading.BoundedSemaphore, work: "Work") -> Iterator[None]:
    while not slot.acquire(timeout=0.2):
        work.check()
    try:
        yield
    finally:
        slot.release()


class Work:
    """One piece of work: call `check` often."""

    def __init__(self, seconds: int):
        self.seconds, self.stopped, self._awaited = seconds, threading.Event(), awaited.get()
        self._end: float | None = None

    @property
    def started(self) -> bool:
        """Whether it has its slot; otherwise it waits."""
        return self._end is not None

    def start(self) -> None:
        self._end = time.monotonic() + self.seconds

    def check(self) -> None:
        """Raises `Stopped`, or a UserError once the time is up."""
        if self.stopped.is_set() or not self._awaited():
            raise Stopped
        if self._end is not None and time.monotonic() > self._end:
            raise UserError("error_time", limit=self.seconds)
