"""What the app did, one JSON line each: no names of files, no addresses, no words that anybody typed.

A line has the time, what kind of event it tells of, and numbers and names of the app's own. Errors are told by
their type and by where in the code they arose: their messages may quote what a person sent.
"""

import contextvars
import json
import logging
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LOGGER = logging.getLogger("danqing")
_ROOT = Path(__file__).resolve().parent.parent
_facts: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("facts", default=None)


def set_up() -> None:
    """Write the lines to standard error; without this they go where the caller's logging sends them."""
    if not LOGGER.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        LOGGER.addHandler(handler)
        LOGGER.setLevel(logging.INFO)
        LOGGER.propagate = False


def write_line(event: str, **values: Any) -> None:
    """One line of the log; values are numbers and names of the app's own."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    LOGGER.info(json.dumps({"time": stamp, "event": event, **values}, ensure_ascii=False))


@contextmanager
def recorded(endpoint: str, event: str = "job") -> Iterator[dict[str, Any]]:
    """A line about one job when it ends; what is noted meanwhile, in its threads too, stands in it."""
    facts: dict[str, Any] = {"endpoint": endpoint, "outcome": "done"}
    token, start = _facts.set(facts), time.monotonic()
    try:
        yield facts
    except Exception:
        if facts["outcome"] == "done":
            facts["outcome"] = "failed"
        raise
    except BaseException:  # cancelled: the client went, or the app ends
        facts["outcome"] = "stopped"
        raise
    finally:
        _facts.reset(token)
        write_line(event, **facts, seconds=round(time.monotonic() - start, 3))


def note(**values: Any) -> None:
    """Add values to the line of the job that this is part of, if it is of one."""
    if (facts := _facts.get()) is not None:
        facts.update(values)


def note_pixels(pixels: int) -> None:
    """Add a picture's pixels to the job's."""
    if (facts := _facts.get()) is not None:
        facts["megapixels"] = round(facts.get("megapixels", 0) + pixels / 1e6, 3)


def note_error(error: BaseException) -> None:
    """Tell an error that is the app's own fault by its type and place in the code."""
    note(outcome="failed", error=type(error).__name__, at=places(error))


def places(error: BaseException) -> list[str]:
    """Where an error arose, the last five places: files of the project or of a library, and lines."""
    return [f"{_short(frame.filename)}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)][-5:]


def _short(file: str) -> str:
    path = Path(file)
    return path.relative_to(_ROOT).as_posix() if path.is_relative_to(_ROOT) and ".venv" not in path.parts else path.name
