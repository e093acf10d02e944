"""What one request may cost: bytes, pixels, seconds, and how many run at once. They stand behind every endpoint."""

import os
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from PIL import Image

from ui.languages import UserError


class Stopped(Exception):
    """The person pressed Stop, or left the page."""


@dataclass(frozen=True)
class Limits:
    """Limits of one app; each can be set by an environment variable, `DANQING_MEGAPIXELS=100` and so on."""

    upload_megabytes: int = 300
    megapixels: int = 150
    seconds: int = 900  # of work on one picture, waiting not counted
    at_once: int = 2  # pictures worked on at the same time
    waiting: int = 24  # requests in the queue
    models: int = 6  # kept loaded: the bundled ones, and one that somebody named

    def __post_init__(self):
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise ValueError(f"The limit {field.name} must be at least 1, got {getattr(self, field.name)}.")

    @classmethod
    def from_environment(cls) -> "Limits":
        """The defaults, changed by `DANQING_<NAME>`; ValueError for what is no whole number of at least 1."""
        given = {}
        for field in fields(cls):
            variable = f"DANQING_{field.name.upper()}"
            if text := os.environ.get(variable, "").strip():
                if not text.isdecimal():
                    raise ValueError(f"{variable} must be a whole number of at least 1, got {text!r}.")
                given[field.name] = int(text)
        return cls(**given)

    @property
    def pixels(self) -> int:
        return self.megapixels * 1_000_000

    def set_for_process(self) -> None:
        """Make PIL refuse pictures of twice as many pixels wherever it decodes one, in gradio's own code too.

        Between once and twice PIL only warns; `check_upload`, which every tab calls first, knows no such slack.
        """
        Image.MAX_IMAGE_PIXELS = self.pixels


def check_upload(path: str | os.PathLike | None, limits: Limits, formats: tuple[str, ...]) -> tuple[Path, int, int]:
    """Look at an upload's size and header without decoding a pixel.

    Args:
        path: the uploaded file, None if nothing was chosen.
        formats: PIL's names of the formats accepted; the content decides, not the file's name.

    Returns:
        the path, and width and height in pixels as stored (before any EXIF rotation).

    Raises:
        UserError: nothing chosen, empty, too many bytes or pixels, or no picture.
    """
    if not path or not Path(path).is_file():
        raise UserError("error_nothing_chosen")
    path = Path(path)
    size = path.stat().st_size
    if size == 0:
        raise UserError("error_empty", name=path.name)
    if size > limits.upload_megabytes * 1_000_000:
        raise UserError("error_too_many_bytes", name=path.name, size=round(size / 1e6), limit=limits.upload_megabytes)
    width, height = _header(path, limits, formats)
    if width * height > limits.pixels:
        size = f"{width} × {height}"
        raise UserError("error_too_many_pixels", name=path.name, size=size, limit=limits.megapixels)
    return path, width, height


def _header(path: Path, limits: Limits, formats: tuple[str, ...]) -> tuple[int, int]:
    """Width and height that the header claims."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `check_upload` compares by itself
            with Image.open(path, formats=formats) as image:
                return image.size
    except Image.DecompressionBombError as error:
        raise UserError("error_bomb", name=path.name, limit=limits.megapixels) from error
    except (OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, EOFError, OverflowError) as error:
        raise UserError("error_not_a_picture", name=path.name) from error  # what PIL's header parsers raise


class Workers:
    """Lets a few pictures through at a time and stops each on request.

    gradio's own limits end with its queue: a cancelled event leaves the queue while its thread goes on until the
    next tile. These slots are held until the work has really ended.

    Args:
        limits: `at_once` and `seconds` are used.
    """

    def __init__(self, limits: Limits):
        self.limits = limits
        self._slots = threading.BoundedSemaphore(limits.at_once)
        self._running: dict[str, set[threading.Event]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def work(self, session: str) -> Iterator["Work"]:
        """Wait for a slot and hold it. Raises `Stopped` if `stop(session)` is called meanwhile."""
        work = Work(self.limits.seconds)
        with self._lock:
            self._running.setdefault(session, set()).add(work.stopped)
        try:
            while not self._slots.acquire(timeout=0.2):
                work.check()
            try:
                work.start()
                yield work
            finally:
                self._slots.release()
        finally:
            with self._lock:
                self._running[session].discard(work.stopped)
                if not self._running[session]:
                    del self._running[session]

    def stop(self, session: str) -> None:
        """Ask all work of one page to end at the next tile."""
        with self._lock:
            for stopped in self._running.get(session, ()):
                stopped.set()


class Work:
    """One picture being worked on: call `check` often."""

    def __init__(self, seconds: int):
        self.seconds, self.stopped = seconds, threading.Event()
        self._end: float | None = None

    def start(self) -> None:
        self._end = time.monotonic() + self.seconds

    def check(self) -> None:
        """Raises `Stopped`, or a UserError once the time is up."""
        if self.stopped.is_set():
            raise Stopped
        if self._end is not None and time.monotonic() > self._end:
            raise UserError("error_time", limit=self.seconds)
