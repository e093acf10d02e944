"""Builds summer2winter and cloudy2sunny: labelled photographs in, cleaned splits out, every drop with its reason."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from datasets_cards.scenes.content import ContentJudge
from datasets_cards.scenes.pictures import Scene, fitted, label_names, survey
from datasets_cards.scenes.report import Report
from datasets_cards.scenes.splits import cut
from datasets_cards.scenes.writer import SceneWriter
from datasets_cards.sources import SPLITS, SourceImage, read_sources
from datasets_cards.whole_folder import whole_folder

LABELS = {"summer2winter": ("summer", "winter"), "cloudy2sunny": ("cloudy", "sunny")}


@dataclass(frozen=True)
class Options:
    """Options of `build`; the defaults made the sets that the cards describe."""

    label_column: str = "label"
    """Column of the labels in parquet files and Hub data sets, text or ClassLabel; folders name them."""
    rename: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """NAME=LABEL: what a source calls NAME is LABEL here, as in gloomy=cloudy; repeat for more."""
    val_one_in: int = 12
    """One group of near-duplicates in so many is for validation, where no source has a validation split."""
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


def summer2winter(
    source: Annotated[tuple[str, ...], tyro.conf.UseAppendAction],
    out: Path,
    options: Annotated[Options, tyro.conf.arg(name="")] = DEFAULTS,
) -> None:
    """Make summer2winter from photographs labelled summer and winter.

    Args:
        source: A folder, a .parquet file or a Hub data set; repeat for more.
        out: Folder to make, whole or not at all.
        options: See `Options`.
    """
    build("summer2winter", source, out, options)


def cloudy2sunny(
    source: Annotated[tuple[str, ...], tyro.conf.UseAppendAction],
    out: Path,
    options: Annotated[Options, tyro.conf.arg(name="")] = DEFAULTS,
) -> None:
    """Make cloudy2sunny from photographs labelled cloudy and sunny.

    Args:
        source: A folder, a .parquet file or a Hub data set; repeat for more.
        out: Folder to make, whole or not at all.
        options: See `Options`.
    """
    build("cloudy2sunny", source, out, options)


def build(name: str, source: Sequence[str], out: Path, options: Options = DEFAULTS) -> None:
    """Write the set `name` into `out`: train, val and test.parquet, README.md, report.json and sheets.

    Raises:
        ValueError: an option out of range, a source without usable pictures, or a split that lacks a label.
        OSError: a source that does not exist, `out` that does, or ImageNet weights that are not installed.
    """
    _check(options)
    labels = LABELS[name]
    names = label_names(labels, options.rename)
    with whole_folder(out, options.overwrite) as folder:
        images = read_sources(source, options.label_column)
        if not any(image.label in names for image in images):
            raise ValueError(_no_label(images, names))
        scenes, left = survey(images, names, ContentJudge(), smallest=options.smallest, greyest=options.greyest)
        kept, doubles = cut(scenes, options.val_one_in, options.test_one_in)
        report = Report(name, len(images), [*left, *doubles])
        _complete(kept, labels, report)
        for split in SPLITS:
            with SceneWriter(folder / f"{split}.parquet") as writer:
                for scene in (scene for scene, own in kept if own == split):
                    data, suffix, changed = fitted(scene.image.read(), options.side)
                    writer.write(data, suffix, scene)
                    report.written(split, scene, data, changed)
        report.write(folder, source, options)
    print(json.dumps(report.counts(), indent=2))


def _check(options: Options) -> None:
    for name in ("val_one_in", "test_one_in"):
        if getattr(options, name) < 2:
            raise ValueError(f"--{name.replace('_', '-')} must be 2 or more, got {getattr(options, name)}.")
    if not 1 <= options.smallest <= options.side:
        raise ValueError(f"--smallest must be 1 to --side ({options.side}), got {options.smallest}.")
    if not 0 <= options.greyest <= 255:
        raise ValueError(f"--greyest must be 0 to 255, got {options.greyest}.")


def _no_label(images: Sequence[SourceImage], names: dict[str, str]) -> str:
    found = sorted({image.label or "none" for image in images})
    more = ", ..." if len(found) > 10 else ""
    return (
        f"No picture has a label of this set ({', '.join(names)}); the sources have {', '.join(found[:10])}{more}. "
        "Say which is which with --rename NAME=LABEL."
    )


def _complete(kept: Sequence[tuple[Scene, str]], labels: Sequence[str], report: Report) -> None:
    """Every split needs pictures of both labels; ValueError says which has none, and what was left out."""
    there = {(split, scene.label) for scene, split in kept}
    for split in SPLITS:
        for label in labels:
            if (split, label) not in there:
                raise ValueError(
                    f"{split} has no picture labelled {label}: {len(kept)} of {report.given} pictures can be used "
                    f"({report.reasons() or 'none was left out'}). Give more pictures, or change --val-one-in or "
                    "--test-one-in."
                )
