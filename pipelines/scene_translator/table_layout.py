"""What the tables show: columns, captions, and the bounds that the default must meet."""

from collections.abc import Mapping, Sequence

import numpy as np

from evaluation.tables import Bound, Cell, Column, Row, Table
from pipelines.scene_translator.table_rows import DEFAULT, IDENTITY, PUBLISHED, REAL_MANY, REAL_TRAIN, TRANSFER

DISTANCES = (
    Column("fid", "FID ↓", 1),
    Column("gap_closed", "of its gap closed, % ↑", 0, scale=100),
    Column("gap_to_many", "of its gap to more pictures, % ↑", 0, scale=100),
    Column("kid", "KID ×10³ ↓", 1, scale=1000),
    Column("assigned", "assigned to target, % (of real) ↑", 1, scale=100, ratio="assigned_of_real"),
)
LIKENESS = (
    Column("back_psnr", "reconstruction PSNR dB ↑", 2),
    Column("back_ssim", "reconstruction SSIM ↑", 4),
    Column("psnr", "PSNR dB to input", 2),
    Column("ssim", "SSIM to input", 4),
)
STRENGTH = (
    Column("chroma", "mean chroma (of input)", 2, ratio="chroma_of_input"),
    Column("chroma_of_target", "of real target, %", 0, scale=100),
    Column("colourfulness", "colourfulness (of input)", 1, ratio="colourfulness_of_input"),
    Column("colourfulness_of_target", "of real target, %", 0, scale=100),
)
STRUCTURE = (Column("fsim", "FSIM to input ↑", 4),)
CHECK = (Column("assigned_plain", "assigned by the unbalanced classifier, %", 1, scale=100),)

GAP, ASSIGNED, SSIM = 0.4, 0.6, 0.5  # what the default must reach

_CAPTION = (
    "Brackets: 95 % bootstrap intervals over pictures; none for FID, whose bootstrap is biased. All pictures at 256 px "
    "(short side, middle cut out), outputs as 8 bits. FID and KID: Inception 2015-12-05, enlarged to 299 px (bilinear, "
    "TensorFlow 1). FID of so few pictures is far above that of many and comparable only within a table, where every "
    "row but one has the same N; ± its deviation over 20 draws of training pictures. Gap: from the identity's FID to "
    "that of training pictures, as many as are translated, or more, whose FID is lower for their number alone. KID: "
    "unbiased, kernel (x·y/2048 + 1)³, mean ± deviation over 100 subsets of half the smaller set, 50 at most. "
    "Reconstruction: translated and back, against the input. SSIM: Gaussian 11, σ 1.5. Assigned: "
    "share of outputs that a held-back classifier takes for the target class, see the last table; of real ones, its "
    "share of real pictures of that class. Colour transfer: CIELAB means and deviations of training pictures of the "
    "target class and like content."
)
_COLOUR_CAPTION = (
    "Chroma: mean of C* over a picture (CIELAB); colourfulness: Hasler and Suesstrunk's M3. FSIM looks at luma: is the "
    "drawing kept? Brackets: 95 % bootstrap intervals over pictures."
)


def direction_table(title: str, rows: Sequence[Row], counts: str) -> Table:
    """One direction: the paper's published figures, then the measured rows.

    Args:
        counts: how many pictures were looked at, in a sentence.
    """
    return _table(title, (*DISTANCES, *LIKENESS), [*PUBLISHED, *rows], f"{counts} {_CAPTION}")


def colour_table(title: str, rows: Sequence[Row]) -> Table:
    """Strength of colour and structure of the same pictures."""
    return _table(f"{title}: colour and structure", (*STRENGTH, *STRUCTURE, *CHECK), rows, _COLOUR_CAPTION)


def pair_table(directions: Mapping[str, Sequence[Row]]) -> Table:
    """Means over both directions of a pair, for rows that know both: the ablation in one look.

    Args:
        directions: title of each direction -> its rows.
    """
    by_name = [{row.name: row for row in rows} for rows in directions.values()]
    shared = [name for name in by_name[0] if all(name in rows for rows in by_name)]
    columns = (*DISTANCES, *LIKENESS, *STRENGTH, *STRUCTURE)
    rows = [Row(name, _means([rows[name].cells for rows in by_name]), by_name[0][name].note) for name in shared]
    caption = "Means of the two tables above; their intervals stand there. Fractions are averaged, too."
    return _table(f"Mean of: {' and '.join(directions)}", columns, rows, caption)


def with_gap_closed(rows: Sequence[Row]) -> list[Row]:
    """Add to each row which part it closes of the distance between the identity's FID and the training pictures'.

    Where the identity is no farther than training pictures are, there is nothing to close: nan.
    """
    distances = {row.name: row.cells["fid"].value for row in rows if "fid" in row.cells}
    start = distances[IDENTITY]

    def closed(row: Row, floor: str) -> Cell:
        gap = start - distances[floor]
        return Cell((start - distances[row.name]) / gap if gap > 0 else float("nan"))

    added = []
    for row in rows:
        more = (
            {"gap_closed": closed(row, REAL_TRAIN), "gap_to_many": closed(row, REAL_MANY)} if "fid" in row.cells else {}
        )
        added.append(Row(row.name, row.cells | more, row.note))
    return added


def direction_bounds(title: str, rows: Sequence[Row], target: bool = False) -> list[Bound]:
    """What the default must reach in one direction; `target`: what it had better reach."""
    cells = {row.name: row.cells for row in rows}
    own, transfer = cells[DEFAULT], cells[TRANSFER]
    return [
        Bound(f"{title}: part of FID's gap closed", own["gap_closed"].value, GAP, at_most=False, target=target),
        Bound(
            f"{title}: part of FID's gap to more pictures", own["gap_to_many"].value, GAP, at_most=False, target=target
        ),
        Bound(f"{title}: KID below the colour transfer's", own["kid"].value, transfer["kid"].value, target=target),
        Bound(
            f"{title}: assigned to the target, as a part of real ones",
            own["assigned_of_real"].value,
            ASSIGNED,
            at_most=False,
            target=target,
        ),
        Bound(f"{title}: SSIM to input", own["ssim"].value, SSIM, at_most=False, target=target),
    ]


def _table(title: str, columns: Sequence[Column], rows: Sequence[Row], caption: str) -> Table:
    """A table whose rows hold what its columns show, and nothing more."""
    shown = {key for column in columns for key in (column.key, column.ratio)}
    kept = [Row(row.name, {key: row.cells[key] for key in row.cells if key in shown}, row.note) for row in rows]
    return Table(title, columns, [row for row in kept if row.cells], caption)


def _means(cells: Sequence[dict[str, Cell]]) -> dict[str, Cell]:
    keys = [key for key in cells[0] if all(key in others for others in cells)]
    return {key: Cell(float(np.mean([own[key].value for own in cells]))) for key in keys}
