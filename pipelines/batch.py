"""Which files a batch reads and which it writes, settled before any work starts."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.images import picture_format

PICTURE_SUFFIXES = frozenset(
    {
        ".png",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".tif",
        ".tiff",
        ".webp",
        ".gif",
        ".bmp",
        ".jp2",
        ".avif",
        ".ppm",
        ".pgm",
    }
)


@dataclass(frozen=True)
class Job:
    """One picture to paint; `seed` is the colouring's, None the model's own."""

    source: Path
    target: Path
    seed: int | None = None


def plan_batch(inputs: list[Path], out: Path, suffix: str) -> list[Job]:
    """Find the pictures behind `inputs` and name their targets.

    A file named outright is taken whatever its suffix. In a folder, and the folders below, those are taken whose
    suffix is in `PICTURE_SUFFIXES`, or that have no suffix and begin like a picture; hidden ones are passed over, and
    so is `out` where it lies inside. Targets keep the stem and the subfolders: `in/a/b.jpg` -> `out/a/b.png`.

    Args:
        inputs: files and folders.
        out: the folder to write into; need not exist.
        suffix: of all targets, with the dot.

    Raises:
        OSError: if an input is missing, a folder cannot be listed or holds no picture, or `out` is a file.
        ValueError: if two sources share a target, or a target is one of the sources.
    """
    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"--out {str(out)!r} is a file; name a folder.")
    jobs: dict[Path, Job] = {}  # by the source's real path: a file named twice is painted once
    for given in inputs:
        if not given.exists():
            raise FileNotFoundError(f"There is no file or folder {str(given)!r}.")
        found = _pictures_below(given, out) if given.is_dir() else [given]
        if not found:
            raise FileNotFoundError(
                f"The folder {str(given)!r} holds no pictures ({', '.join(sorted(PICTURE_SUFFIXES))})."
            )
        for source in found:
            below = source.relative_to(given).parent if given.is_dir() else Path()
            jobs.setdefault(source.resolve(), Job(source, out / below / (source.stem + suffix)))
    _check_targets(list(jobs.values()))
    return list(jobs.values())


def with_variants(jobs: list[Job], seed: int | None, count: int) -> list[Job]:
    """Several colourings of each picture: `a.png`, `a-seed-0.png`, `a-seed-1.png`, or from another seed on.

    Args:
        seed: of the first; None is the model's own colouring, which the seeds 0, 1, ... follow.
        count: of colourings of each picture; with one, targets keep their names.

    Raises:
        ValueError: for a negative seed, or if two targets would have one name.
    """
    if seed is not None and seed < 0:
        raise ValueError(f"--seed is 0 or more, got {seed}.")
    if count == 1:
        return [replace(job, seed=seed) for job in jobs]
    first = -1 if seed is None else seed
    seeds = [None if number < 0 else number for number in range(first, first + count)]
    several = [replace(job, seed=one, target=_seeded(job.target, one)) for job in jobs for one in seeds]
    _check_targets(several)
    return several


def _seeded(target: Path, seed: int | None) -> Path:
    return target if seed is None else target.with_stem(f"{target.stem}-seed-{seed}")


def _pictures_below(folder: Path, out: Path) -> list[Path]:
    found: list[Path] = []
    results = out.resolve()
    for place, folders, files in os.walk(folder, onerror=_raise):
        here = Path(place)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and (here / name).resolve() != results)
        found += [here / name for name in sorted(files) if not name.startswith(".") and _is_picture(here / name)]
    return found


def _raise(error: OSError) -> None:
    raise error


def _is_picture(path: Path) -> bool:
    if path.suffix:
        return path.suffix.lower() in PICTURE_SUFFIXES
    if not path.is_file():  # a socket or pipe would keep us waiting
        return False
    with path.open("rb") as file:
        return picture_format(file.read(16)) is not None


def _check_targets(jobs: list[Job]) -> None:
    sources = {job.source.resolve() for job in jobs}
    by_target: dict[Path, Path] = {}
    for job in jobs:
        target = job.target.resolve()
        if target in sources:
            raise ValueError(f"{str(job.target)!r} is one of the sources; choose another --out or --suffix.")
        if target in by_target:
            raise ValueError(
                f"{str(by_target[target])!r} and {str(job.source)!r} would both become {str(job.target)!r}; "
                "rename one, or give them different --out folders."
            )
        by_target[target] = job.source
