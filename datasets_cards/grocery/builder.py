"""Builds grocery: photographs of fruit, vegetables and packages as squares, cleaned and split."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from datasets_cards.labelled.builder import Kind, build_labelled
from datasets_cards.labelled.builder import Options as LabelledOptions
from datasets_cards.scenes.splits import NEAR_DUPLICATE
from datasets_cards.sources import SourceImage


@dataclass(frozen=True)
class Options(LabelledOptions):
    """Options of `build`; the defaults, with `--rights open`, made the set that the card describes."""

    label_column: str = "label"
    """Column of the labels in parquet files and Hub data sets, text or ClassLabel; folders name them."""
    subset_pattern: str = r"_(?:Fruit|Vegetables|Packages)_([^_.]+)"
    """Regular expression; its first group, found in a file's name, is the subset."""


DEFAULTS = Options()


def build(
    source: Annotated[tuple[str, ...], tyro.conf.UseAppendAction],
    out: Path,
    options: Annotated[Options, tyro.conf.arg(name="")] = DEFAULTS,
) -> None:
    """Make grocery from labelled photographs: train, val and test.parquet, README.md, report.json and sheets.

    Args:
        source: A folder, a .parquet file or a Hub data set; repeat for more.
        out: Folder to make, whole or not at all.
        options: See `Options`.

    Raises:
        ValueError: an option out of range, a source without usable pictures, or a split that lacks a label.
        OSError: a source that does not exist, or `out` that does.
    """
    try:
        pattern = re.compile(options.subset_pattern)
    except re.error as error:
        message = f"--subset-pattern {options.subset_pattern!r} is no regular expression: {error}."
        raise ValueError(message) from error
    if pattern.groups < 1:
        raise ValueError(f"--subset-pattern {options.subset_pattern!r} has no group (...) that is the subset.")

    def subset(image: SourceImage) -> str:
        found = pattern.search(image.file_name())
        return (found.group(1) or "").lower() if found else ""

    build_labelled(Kind("grocery", NEAR_DUPLICATE, subset), source, options.label_column, out, options)
