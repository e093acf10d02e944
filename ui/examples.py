"""Pictures to try the app with: painted by the project's own program, once, then kept in the user's cache."""

import hashlib
import os
import tempfile
from pathlib import Path

from datasets_cards import procedural
from datasets_cards.procedural import landscape

# seed, width, height: chosen by eye for variety
INK_LANDSCAPES = ((6, 800, 600), (5, 600, 800), (10, 700, 700), (8, 1440, 480), (2, 800, 600), (21, 800, 600))


def ink_landscapes() -> list[Path]:
    """PNG files of ink landscapes without rights of others; painted at the first start, in a few seconds."""
    folder = _cache_folder() / f"ink-landscapes-{_painter_version()}"
    files = [folder / f"ink-landscape-{number}.png" for number in range(1, len(INK_LANDSCAPES) + 1)]
    for file, (seed, width, height) in zip(files, INK_LANDSCAPES, strict=True):
        if not file.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            partial = file.with_suffix(f".{os.getpid()}.partial")
            landscape(seed, width, height, ink=True).save(partial, "PNG")
            partial.replace(file)
    return files


def _cache_folder() -> Path:
    """The user's cache folder, or a fresh temporary one where that cannot be written."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "danqing"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="danqing-"))
    return folder if os.access(folder, os.W_OK) else Path(tempfile.mkdtemp(prefix="danqing-"))


def _painter_version() -> str:
    """Changes with the painter's source, so that old pictures are not shown for new ones."""
    sources = sorted(Path(procedural.__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
