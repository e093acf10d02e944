"""What the tables show: columns, captions, and the bounds that the default must meet."""

import math
from collections.abc import Mapping, Sequence

from evaluation.tables import Bound, Cell, Column, Row, Table
from pipelines.lineart_colorizer.table_rows import BASELINES, DEFAULT, PUBLISHED

LIKENESS = (
    Column("lpips_alex", "LPIPS Alex ↓", 4),
    Column("lpips_vgg", "LPIPS VGG ↓", 4),
    Column("fid", "FID ↓", 1),
    Column("kid", "KID ×10³ ↓", 1, scale=1000),
    Column("segment_ciede2000", "CIEDE2000 by region ↓", 2),
    Column("psnr", "PSNR dB ↑", 2),
    Column("ssim", "SSIM ↑", 4),
    Column("fsim", "FSIM ↑", 4),
)
COLOURS = (
    Column("own", "palette distance to own reference ↓", 2),
    Column("other", "to random others", 2),
    Column("nearer", "nearer to own, % ↑", 1, scale=100),
    Column("ab_own", "distance in a*, b* ↓", 2),
    Column("ab_nearer", "nearer in a*, b*, % ↑", 1, scale=100),
    Column("spill", "spill ↓", 3),
    Column("inside", "change inside regions", 2),
    Column("across", "across lines", 2),
    Column("chroma", "mean chroma", 1),
    Column("colourfulness", "colourfulness", 1),
)
SWAPS = (
    Column("swap_colours", "palette distance of the two outputs", 2),
    Column("swap_part", "of that of the two references, %", 0, scale=100),
    Column("swap_structure", "FSIM of the two outputs ↑", 4),
    Column("swap_difference", "CIEDE2000 of the two outputs", 2),
    Column("mirror_difference", "CIEDE2000, reference mirrored ↓", 2),
)
NEARER = 0.8  # part of pairs in which an output's palette must be nearer to its own reference
_BEATEN = {"lpips_alex": "LPIPS Alex", "kid": "KID", "segment_ciede2000": "CIEDE2000 by region"}

_LIKENESS_CAPTION = (
    "Outputs against the targets, from which the drawings were made by a fixed extractor; all at 256 px (short side, "
    "middle cut out), as 8 bits. Brackets: 95 % bootstrap intervals over pages, or pictures where no page is known; "
    "none for FID, whose bootstrap is biased. LPIPS v0.1. FID and KID: Inception 2015-12-05, enlarged to 299 px "
    "(bilinear, TensorFlow 1); FID is biased upward at this N and comparable only within a table, ± its deviation over "
    "20 draws; KID: unbiased, kernel (x·y/2048 + 1)³, mean ± deviation over 100 subsets of half the pictures, 50 at "
    "most. Outputs are of the same drawings as the targets, real training pictures are not: no floor for the others. "
    "CIEDE2000 by region: between the mean colours that the drawing's closed regions have in output and target, "
    "weighted by area. SSIM: Gaussian 11, σ 1.5; FSIM of luma. Baselines multiply the lines by colours: the training "
    "pictures' mean, the reference's mean, or the reference's pixels in order of luma, laid where the blurred drawing "
    "has the same rank. The default makes colours even within lines; its row with evenness 0 and the paper's networks "
    "do not."
)
_COLOURS_CAPTION = (
    "Palette: 128 CIELAB colours, each of equally many pixels (median cut); palette distance: Wasserstein-1, exact, in "
    "units of CIE76, and without lightness. Nearer to own: share of pairs of an output's own reference and a random "
    "other, up to 20 for each output, all of its own subset, in which its palette is nearer to the own. Change: mean "
    "distance in a*, b* of places 8 px apart, beside or above each other, in one closed region of the drawing, or in "
    "two; spill: the first over the second, 0 for regions of one colour each, 1 where lines say nothing of the "
    "colours; none where less than 0.5 changes across lines. Brackets: 95 % bootstrap intervals as above."
)
_SWAPS_CAPTION = (
    "Outputs with the target itself and with another picture as reference, of the same drawings: the palette is to "
    "change, and by as much as the references' palettes differ; the structure is not (FSIM of luma). Reference "
    "mirrored: another picture as reference and the same one mirrored have the same colours in other places; what "
    "changes in the output was taken from places. CIEDE2000: mean over pixels. Brackets as above."
)
_DIFFERENCES_CAPTION = "Paired differences of all drawings; below zero is better. Brackets as above."


def likeness_table(title: str, rows: Sequence[Row], count: str, published: bool = False) -> Table:
    """Likeness to the targets.

    Args:
        count: what was looked at, in a sentence.
        published: with the paper's own figures first.
    """
    shown = [*(PUBLISHED if published else ()), *rows]
    return _table(title, LIKENESS, shown, f"{count} {_LIKENESS_CAPTION}" if published else count)


def colours_table(title: str, rows: Sequence[Row], count: str, explained: bool = False) -> Table:
    """Whose colours the outputs have, and whether they keep to the regions."""
    shown = [Row(row.name, row.cells) for row in rows]
    return _table(title, COLOURS, shown, f"{count} {_COLOURS_CAPTION}" if explained else count)


def differences_table(differences: Mapping[str, Mapping[str, Mapping[str, Cell]]]) -> Table:
    """Each trained row minus each baseline.

    Args:
        differences: row -> baseline -> measure -> cell.
    """
    columns = [
        Column(f"{measure}, {baseline}", f"{label}, minus {baseline}", 4 if measure == "lpips_alex" else 2)
        for measure, label in _BEATEN.items()
        if measure != "kid"
        for baseline in BASELINES
    ]
    rows = [
        Row(name, {f"{measure}, {base}": cell for base, cells in by_base.items() for measure, cell in cells.items()})
        for name, by_base in differences.items()
    ]
    return Table("Differences to the baselines", columns, rows, _DIFFERENCES_CAPTION)


def swaps_table(rows: Sequence[Row], count: str) -> Table:
    """What another reference changes."""
    return Table("Swapped and mirrored references", SWAPS, rows, f"{count} {_SWAPS_CAPTION}")


def default_bounds(title: str, rows: Sequence[Row], target: bool = False) -> list[Bound]:
    """What the default must reach with one kind of reference, or, `target`, had better reach: beat the best baseline.

    A measure that a table lacks, as KID of few pictures, has no bound.
    """
    cells = {row.name: row.cells for row in rows}
    bounds = []
    for measure, label in _BEATEN.items():
        if measure in cells[DEFAULT]:
            best = min(BASELINES, key=lambda name: cells[name][measure].value)
            claim = f"{title}: {label} below the best baseline's ({best})"
            bounds.append(
                Bound(claim, cells[DEFAULT][measure].value, _below(cells[best][measure].value), target=target)
            )
    claim = f"{title}: outputs nearer to their own reference"
    return [*bounds, Bound(claim, cells[DEFAULT]["nearer"].value, NEARER, at_most=False, target=target)]


def _below(value: float) -> float:
    """The largest number below another: a tie is not better."""
    return math.nextafter(value, -math.inf)


def _table(title: str, columns: Sequence[Column], rows: Sequence[Row], caption: str) -> Table:
    """A table whose rows hold what its columns show, and nothing more."""
    shown = {column.key for column in columns}
    kept = [Row(row.name, {key: row.cells[key] for key in row.cells if key in shown}, row.note) for row in rows]
    return Table(title, columns, [row for row in kept if row.cells], caption)
