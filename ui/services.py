"""What the app lends to every tab."""

import secrets
import shutil
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder

from ui.languages import UserError, say
from ui.limits import Limits, Stopped, Workers
from ui.models import Models

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
    except UserError as error:
        raise error.shown(request) from error
    except Stopped as error:
        raise gr.Error(say(request, "stopped"), visible=False, print_exception=False) from error
    except MemoryError as error:
        raise UserError("error_memory").shown(request) from error
    except Exception as error:  # the last stop before the page: the log has the trace, the person a sentence
        traceback.print_exc()
        raise UserError("error_unexpected").shown(request) from error
