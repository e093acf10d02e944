"""What one request may cost: bytes, pixels, seconds, memory, and how many run at once, behind every endpoint."""

import os
import warnings
from dataclasses import dataclass, fields
from pathlib import Path

from PIL import Image

from ui.job_log import note_pixels
from ui.languages import UserError


@dataclass(frozen=True)
class Limits:
    """Limits of one app; each can be set by an environment variable, `DANQING_MEGAPIXELS=100` and so on."""

    upload_megabytes: int = 300
    megapixels: int = 150
    seconds: int = 900  # of work on one picture, waiting not counted
    at_once: int = 2  # pieces of work at the same time, one of each kind
    large_megapixels: int = 12  # from here on a picture is work of a kind of its own, so that others pass it
    waiting: int = 24  # requests in the queue
    models: int = 6  # kept loaded: the bundled ones, and one that somebody named
    memory_megabytes: int = 6000  # of this process; idle models go before it is reached
    temporary_megabytes: int = 8000  # uploads and results on the disk; no upload is taken beyond
    uploads: int = 8  # at the same time
    sessions: int = 1000  # pages whose state is kept

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
    note_pixels(width * height)
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
