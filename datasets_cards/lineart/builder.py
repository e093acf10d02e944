"""Builds lineart: illustrations in; cleaned splits out, those for validation and test with drawings and references."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from datasets_cards.lineart.drawings import drawing_of, references
from datasets_cards.lineart.report import LineArtReport
from datasets_cards.lineart.writer import LineArtWriter, Row
from datasets_cards.scenes.pictures import Scene, decode, fitted, survey
from datasets_cards.scenes.splits import cut
from datasets_cards.sources import SPLITS, SourceImage, read_sources
from datasets_cards.whole_folder import whole_folder

RIGHTS = ("open", "research")
_UNNAMED = "other"  # subset of pictures whose source names none


@dataclass(frozen=True)
class Options:
    """Options of `build`; the defaults made the set that the card describes."""

    subset_column: str | None = "subset"
    """Column of parquet files and Hub data sets that names the subset; None: they have none. Folders name theirs."""
    rights: str = "research"
    """Of pictures whose source has no column `rights`: open (may be published again, and what learns from them) or
    research."""
    page_pattern: str = r"E\d+P\d+"
    """Regular expression; what it finds in a file's name is the page, and pictures of one page lie in one split."""
    val_one_in: int = 10
    """One group (a page, near-duplicates) in so many is for validation, where no source has a validation split."""
    test_one_in: int = 10
    """Likewise for testing, where no source has a test split."""
    side: int = 256
    """Longest short side, in pixels: larger pictures are shrunk."""
    smallest: int = 128
    """Least short side, in pixels."""
    greyest: float = 2.0
    """Least colour: mean of largest minus smallest channel, in 0 to 255."""
    overwrite: bool = False
    """Replace the folder if it exists."""


DEFAULTS = Options()


def build(
    source: Annotated[tuple[str, ...], tyro.conf.UseAppendAction],
    out: Path,
    options: Annotated[Options, tyro.conf.arg(name="")] = DEFAULTS,
) -> None:
    """Make lineart from colour illustrations: train, val and test.parquet, README.md, report.json and sheets.

    Args:
        source: A folder, a .parquet file or a Hub data set; repeat for more.
        out: Folder to make, whole or not at all.
        options: See `Options`.

    Raises:
        ValueError: an option out of range, a source without usable pictures, or a split with fewer than two.
        OSError: a source that does not exist, or `out` that does.
    """
    _check(options)
    with whole_folder(out, options.overwrite) as folder:
        images = [
            replace(image, label=image.label or _UNNAMED) for image in read_sources(source, options.subset_column)
        ]
        subsets = {image.label: image.label for image in images if image.label}
        scenes, left = survey(images, subsets, lambda _: "", smallest=options.smallest, greyest=options.greyest)
        pages = {scene.id: page_of(scene.image, options.page_pattern) for scene in scenes}
        kept, doubles = cut(scenes, options.val_one_in, options.test_one_in, lambda scene: pages[scene.id])
        report = LineArtReport(len(images), [*left, *doubles])
        for split in SPLITS:
            own = [scene for scene, into in kept if into == split]
            _enough(split, own, report)
            _write(folder, split, own, pages, options, report)
        report.write(folder, source, options)
    print(json.dumps(report.counts(), indent=2))


def page_of(image: SourceImage, pattern: str) -> str:
    """The page that a picture was cut from, such as "comic E03P02"; "" where its file's name tells none."""
    found = re.search(pattern, image.file_name())
    return f"{image.label} {found.group()}" if found else ""


def _write(
    folder: Path, split: str, scenes: Sequence[Scene], pages: Mapping[str, str], options: Options, report: LineArtReport
) -> None:
    """One split's file; training pictures get no drawings, training makes its own."""
    chosen = references(scenes, pages) if split != "train" else {}
    with LineArtWriter(folder / f"{split}.parquet", drawings=split != "train") as writer:
        for scene in scenes:
            data, suffix, changed = fitted(scene.image.read(), options.side)
            row = Row(data, suffix, scene, scene.image.rights or options.rights, pages[scene.id])
            if split != "train":
                extractor, lines = drawing_of(decode(data), scene.id)
                row = replace(row, lines=lines, extractor=extractor, reference=chosen[scene.id])
            writer.write(row)
            report.written(split, row, changed)


def _check(options: Options) -> None:
    for name in ("val_one_in", "test_one_in"):
        if getattr(options, name) < 2:
            raise ValueError(f"--{name.replace('_', '-')} must be 2 or more, got {getattr(options, name)}.")
    if not 1 <= options.smallest <= options.side:
        raise ValueError(f"--smallest must be 1 to --side ({options.side}), got {options.smallest}.")
    if not 0 <= options.greyest <= 255:
        raise ValueError(f"--greyest must be 0 to 255, got {options.greyest}.")
    if options.rights not in RIGHTS:
        raise ValueError(f"--rights must be one of {', '.join(RIGHTS)}, got {options.rights!r}.")
    try:
        re.compile(options.page_pattern)
    except re.error as error:
        raise ValueError(f"--page-pattern {options.page_pattern!r} is no regular expression: {error}.") from error


def _enough(split: str, scenes: Sequence[Scene], report: LineArtReport) -> None:
    """Every split needs two pictures, so that each has another for a reference."""
    if len(scenes) < 2:
        raise ValueError(
            f"{split} has {len(scenes)} of the 2 pictures it needs; {report.given} were given, left out: "
            f"{report.reasons() or 'none'}. Give more pictures, or change --val-one-in or --test-one-in."
        )
