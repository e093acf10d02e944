"""A folder that appears whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp


@contextmanager
def whole_folder(target: Path, overwrite: bool) -> Iterator[Path]:
    """A folder to write in that becomes `target` only when the block ends well; FileExistsError if it is there."""
    if target.exists() and not overwrite:
        raise FileExistsError(f"{target} exists already; choose another folder, or pass --overwrite.")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield part
        part.chmod(0o755)  # mkdtemp's folders are closed to everyone else
        if target.exists():
            old = Path(mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
            target.rename(old / target.name)
            part.rename(target)
            rmtree(old)
        else:
            part.rename(target)
    finally:
        if part.exists():
            rmtree(part)
