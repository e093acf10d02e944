"""What the app lends to every tab."""

import functools
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from ui.job_log import note, note_error
from ui.languages import UserError, say
from ui.limits import Limits
from ui.models import Models
from ui.workers import Stopped, Workers

KEEP_SECONDS = 3600  # how long files of a request can still be downloaded
SWEEP_SECONDS = 300


@dataclass(frozen=True)
class Services:
    """Models, limits and the slots for work, shared by all tabs of one app."""

    models: Models
    limits: Limits = field(default_factory=Limits)
    workers: Workers = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "workers", Workers(self.limits))


@contextmanager
def request_folder() -> Iterator[Path]:
    """A folder that nobody can guess for the files of one request; removed at once if the work fails.

    It lies in gradio's cache, so results are served without being copied, and gradio deletes them after
    `KEEP_SECONDS` (`Blocks(delete_cache=...)`).
    """
    folder = Path(get_upload_folder()) / secrets.token_hex(20)
    folder.mkdir(parents=True, mode=0o700)
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


@contextmanager
def explained(request: gr.Request | None) -> Iterator[None]:
    """Turn what goes wrong in an event into a sentence in the page's language; never a stack trace."""
    try:
        yield
    except gr.Error:
        raise
    except UserError as error:
        note(outcome="refused", reason=error.key)
        raise error.shown(request) from error
    except Stopped as error:
        note(outcome="stopped")
        raise gr.Error(say(request, "stopped"), visible=False, print_exception=False) from error
    except MemoryError as error:
        note_error(error)
        raise UserError("error_memory").shown(request) from error
    except Exception as error:  # the last stop before the page: the log has the trace, the person a sentence
        note_error(error)
        raise UserError("error_unexpected").shown(request) from error


def chosen_index(event: gr.SelectData | None) -> int:
    """Which of a gallery's pictures was chosen; UserError for what no page sends."""
    index = getattr(event, "index", None)
    if isinstance(index, bool) or not isinstance(index, int) or index < 0:
        raise UserError("error_request")
    return index


def named(work: Callable, name: str | None) -> Callable:
    """The same function by another name: a language model's tool is called as its function is."""
    if name is None:
        return work

    @functools.wraps(work)
    def called(*arguments: Any, **options: Any) -> Any:
        return work(*arguments, **options)

    called.__name__ = name
    return called
