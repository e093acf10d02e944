"""Builds a set of square labelled pictures: cleaned splits out, every drop with its reason."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import tyro

from datasets_cards.labelled.report import LabelledReport
from datasets_cards.labelled.squares import squared
from datasets_cards.labelled.writer import LabelledWriter, Row
from datasets_cards.scenes.pictures import Left, Scene, label_names, survey
from datasets_cards.scenes.splits import cut
from datasets_cards.sources import SPLITS, SourceImage, read_sources
from datasets_cards.whole_folder import whole_folder

RIGHTS = ("open", "research")


@dataclass(frozen=True)
class Options:
    """Options that the labelled sets share."""

    label: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Keep pictures of this label; repeat for more. None given: all that the sources have."""
    rename: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """NAME=LABEL: what a source calls NAME is LABEL here, as in sneakers=shoes; repeat for more."""
    rights: str = "research"
    """Of pictures whose source has no column `rights`: open (may be published again, and what learns from them) or
    research."""
    val_one_in: int = 10
    """One group of near-duplicates in so many is for validation, where no source has a validation split."""
    test_one_in: int = 10
    """Likewise for testing, where no source has a test split."""
    side: int = 160
    """Longest side, in pixels: larger pictures are shrunk."""
    smallest: int = 64
    """Least short side, in pixels."""
    overwrite: bool = False
    """Replace the folder if it exists."""


@dataclass(frozen=True)
class Kind:
    """What tells one labelled set from another."""

    name: str  # of the set
    near: int  # bits of 256 up to which perceptual hashes are of near-duplicates
    subset: Callable[[SourceImage], str]  # "" where unknown
    colour: Callable[[SourceImage], str] | None = None  # "" where unknown; None: the set has no such column
    columns: Sequence[str] = field(default_factory=tuple)  # of the sources, that these two read


def build_labelled(
    kind: Kind, source: Sequence[str], label_column: str | None, out: Path, options: Options
) -> LabelledReport:
    """Write a set into `out`: train, val and test.parquet, README.md, report.json and sheets.

    Raises:
        ValueError: an option out of range, a source without usable pictures or without a column asked for, or a
            split that lacks a label.
        OSError: a source that does not exist, or `out` that does.
    """
    _check(options)
    with whole_folder(out, options.overwrite) as folder:
        images = read_sources(source, label_column, kind.columns)
        names = _names(images, options)
        scenes, left = survey(images, names, lambda _: "", smallest=options.smallest, greyest=0)
        kept, doubles = cut(scenes, options.val_one_in, options.test_one_in, near=kind.near)
        report = LabelledReport(
            kind.name, len(images), [*left, *doubles], options.side, colours=kind.colour is not None
        )
        _complete(kept, report.left, len(images))
        for split in SPLITS:
            with LabelledWriter(folder / f"{split}.parquet", colours=kind.colour is not None) as writer:
                for scene in (scene for scene, own in kept if own == split):
                    row, changed = _row(kind, scene, options)
                    writer.write(row)
                    report.add(split, row, changed)
        report.write(folder, source, options)
    print(json.dumps(report.counts(), indent=2))
    return report


def _row(kind: Kind, scene: Scene, options: Options) -> tuple[Row, bool]:
    """One picture as it is written, and whether it was encoded anew."""
    image = scene.image
    data, suffix, changed = squared(image.read(), options.side)
    scene = replace(scene, content=kind.subset(image))
    rights = image.rights or options.rights
    return Row(data, suffix, scene, rights, kind.colour(image) if kind.colour else ""), changed


def _check(options: Options) -> None:
    for name in ("val_one_in", "test_one_in"):
        if getattr(options, name) < 2:
            raise ValueError(f"--{name.replace('_', '-')} must be 2 or more, got {getattr(options, name)}.")
    if not 1 <= options.smallest <= options.side:
        raise ValueError(f"--smallest must be 1 to --side ({options.side}), got {options.smallest}.")
    if options.rights not in RIGHTS:
        raise ValueError(f"--rights must be one of {', '.join(RIGHTS)}, got {options.rights!r}.")


def _names(images: Sequence[SourceImage], options: Options) -> Mapping[str, str]:
    """{name in the sources: label}; ValueError where no picture has one of the labels."""
    found = sorted({image.label for image in images if image.label})
    renamed = [entry.partition("=")[0] for entry in options.rename]
    targets = [entry.partition("=")[2] for entry in options.rename]
    labels = options.label or [*(name for name in found if name not in renamed), *targets]
    names = label_names(dict.fromkeys(label for label in labels if label), options.rename)
    if not any(name in names for name in found):
        more = ", ..." if len(found) > 10 else ""
        raise ValueError(
            f"No picture has a label of this set ({', '.join(names) or 'none'}); the sources have "
            f"{', '.join(found[:10]) or 'none'}{more}. Say which is which with --rename NAME=LABEL."
        )
    return names


def _complete(kept: Sequence[tuple[Scene, str]], left: Sequence[Left], given: int) -> None:
    """Every split needs pictures of every label; ValueError says which has none."""
    there = {(split, scene.label) for scene, split in kept}
    if not kept:
        reasons = ", ".join(sorted({item.reason for item in left}))
        raise ValueError(f"None of the {given} pictures can be used ({reasons}).")
    for split in SPLITS:
        for label in sorted({scene.label for scene, _ in kept}):
            if (split, label) not in there:
                raise ValueError(
                    f"{split} has no picture labelled {label}: {len(kept)} of {given} pictures can be used. Give more "
                    "pictures, leave the label out with --label, or change --val-one-in or --test-one-in."
                )
