"""Builds products: pictures of goods as squares, by category and named colour, cleaned and split."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from datasets_cards.labelled.builder import Kind, build_labelled
from datasets_cards.labelled.builder import Options as LabelledOptions
from datasets_cards.products.colours import named_colour
from datasets_cards.sources import SourceImage

# Bits of 256. On white, perceptual hashes lie closer than elsewhere: pairs up to 22 bits are one model in another
# colour or print, from 24 on plain wallets and shoes of one shape come in; at 50 half of all shoes make one chain.
NEAR_DUPLICATE = 22


@dataclass(frozen=True)
class Options(LabelledOptions):
    """Options of `build`; the defaults made the set that the card describes."""

    label_column: str = "category"
    """Column of the labels in parquet files and Hub data sets, text or ClassLabel; folders name them."""
    subset_column: str | None = "kind"
    """Column of parquet files and Hub data sets that names the subset; None: they have none."""
    colour_column: str | None = "colour"
    """Column of parquet files and Hub data sets that names the colour; None: they have none."""


DEFAULTS = Options()


def build(
    source: Annotated[tuple[str, ...], tyro.conf.UseAppendAction],
    out: Path,
    options: Annotated[Options, tyro.conf.arg(name="")] = DEFAULTS,
) -> None:
    """Make products from labelled pictures: train, val and test.parquet, README.md, report.json and sheets.

    Args:
        source: A folder, a .parquet file or a Hub data set; repeat for more.
        out: Folder to make, whole or not at all.
        options: See `Options`.

    Raises:
        ValueError: an option out of range, a source without usable pictures or without a column asked for, or a
            split that lacks a label.
        OSError: a source that does not exist, or `out` that does.
    """
    columns = [column for column in (options.subset_column, options.colour_column) if column]

    def subset(image: SourceImage) -> str:
        return image.more.get(options.subset_column or "") or ""

    def colour(image: SourceImage) -> str:
        return named_colour(image.more.get(options.colour_column or ""))

    kind = Kind("products", NEAR_DUPLICATE, subset, colour, columns)
    build_labelled(kind, source, options.label_column, out, options)
