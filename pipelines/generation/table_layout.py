"""What the tables of generated pictures show: columns, captions, and the bounds that the default must meet."""

from collections.abc import Mapping, Sequence

from evaluation.coverage import DENSITY_NEIGHBOURS, PRECISION_NEIGHBOURS
from evaluation.diversity import MOST
from evaluation.memorisation import COPIES_BELOW
from evaluation.tables import Bound, Column, Row, Table
from pipelines.generation.measured_samples import DEFAULT

SIGMA = 2.0  # of the blurred pictures, in pixels
REAL_TRAIN = "real training pictures, as many"
BLURRED = f"the same, blurred (σ {SIGMA:g})"
VAE_ALONE = "VAE alone"  # the name of the row that the default must be better than

QUALITY = (
    Column("fid", "FID ↓", 1),
    Column("kid", "KID ×10³ ↓", 1, scale=1000),
    Column("precision", "precision ↑", 3),
    Column("recall", "recall ↑", 3),
    Column("density", "density ↑", 3),
    Column("coverage", "coverage ↑", 3),
    Column("lpips", "LPIPS within categories (of real)", 4, ratio="lpips_of_real"),
)
COPYING = (
    Column("nearer", "nearer than held-out, %", 1, scale=100),
    Column("z", "z", 1),
    Column("copies", f"nearer than the nearest {COPIES_BELOW:.0%} of held-out, %", 1, scale=100),
    Column("distance", "median distance", 2),
    Column("held_out_distance", "held-out pictures' own", 2),
)
GREY = (
    Column("grey_mean", "mean grey", 2),
    Column("grey_std", "standard deviation", 2),
    Column("entropy_rgb", "entropy, three channels", 2),
    Column("entropy_grey", "entropy, grey", 2),
    Column("laplacian", "Laplacian gradient", 2),
)
LEAST, VARIETY = 0.3, 0.8  # precision and recall; LPIPS within categories as a part of the real pictures'

_QUALITY_CAPTION = (
    "Every row has as many pictures of each category as the real ones have, at the models' own size, real ones brought "
    "to it (bicubic), samples as 8 bits. Real training pictures: the floor. Brackets: 95 % bootstrap intervals over "
    "pictures; none for FID, whose bootstrap is biased. FID and KID: Inception 2015-12-05, enlarged to 299 px "
    "(bilinear, TensorFlow 1), all categories pooled. FID of so few pictures is far above that of many and comparable "
    "only within a table. KID: unbiased, kernel (x·y/2048 + 1)³, mean ± deviation over 100 subsets of half the set, 50 "
    f"at most. Precision and recall (k = {PRECISION_NEIGHBOURS}), density and coverage (k = {DENSITY_NEIGHBOURS}) in "
    f"the same features. LPIPS v0.1 (AlexNet) between different pictures of one category, {MOST} of each at most, mean "
    "over categories."
)
_CATEGORY_CAPTION = (
    "LPIPS: mean between different pictures of the category, as a share of the real ones'. Brackets: 95 % bootstrap "
    "intervals over pictures."
)
_COPYING_CAPTION = (
    "Distance to the nearest training picture or its mirror image, between means and deviations of VGG-16's maps at "
    "64 px, each standardised, against that of the real {split} pictures, which no model has seen. Nearer: share of "
    "pairs (sample, held-out picture) whose sample is nearer; 50 is even, 100 is copying, and a low share shows no "
    "merit: worse pictures lie farther from everything. z: its deviations from even. Where nothing is copied, "
    f"{COPIES_BELOW:.0%} are nearer than the nearest {COPIES_BELOW:.0%} of held-out pictures. Real training pictures "
    "are their own nearest: the test finds them."
)
_GREY_CAPTION = (
    "Means over the pictures of the category. Grey is 8-bit luma; mean and standard deviation in grey levels; entropy "
    "of the 8-bit histogram in bits, added up over three channels (24 at most) and of grey; Laplacian: mean absolute "
    "response of the 3x3 kernel with 4 neighbours, not scaled. Brackets: 95 % bootstrap intervals over pictures."
)


def quality_table(title: str, rows: Sequence[Row], counts: str) -> Table:
    """All categories pooled; `counts`: how many pictures were looked at, in a sentence."""
    return shown_table(title, QUALITY, rows, f"{counts} {_QUALITY_CAPTION}")


def category_table(title: str, labels: Sequence[str], rows: Sequence[Row]) -> Table:
    """KID and variety of each category."""
    kids = [Column(f"kid_{label}", f"{label}: KID ×10³ ↓", 1, scale=1000) for label in labels]
    varieties = [Column(f"lpips_{label}", f"{label}: LPIPS, % of real", 0, scale=100) for label in labels]
    return shown_table(f"{title}: by category", (*kids, *varieties), rows, _CATEGORY_CAPTION)


def copying_table(title: str, rows: Sequence[Row], split: str) -> Table:
    """Are samples copies of training pictures?"""
    return shown_table(f"{title}: memorisation", COPYING, rows, _COPYING_CAPTION.format(split=split))


def grey_table(title: str, rows: Sequence[Row]) -> Table:
    """Light, contrast and detail of one category's pictures."""
    return shown_table(title, GREY, rows, _GREY_CAPTION)


def shown_table(title: str, columns: Sequence[Column], rows: Sequence[Row], caption: str) -> Table:
    """A table whose rows hold what its columns show, and nothing more; rows without any of it are left out."""
    shown = {key for column in columns for key in (column.key, column.ratio)}
    kept = [Row(row.name, {key: row.cells[key] for key in row.cells if key in shown}, row.note) for row in rows]
    return Table(title, columns, [row for row in kept if row.cells], caption)


def quality_bounds(title: str, rows: Sequence[Row]) -> list[Bound]:
    """What the default must reach; none where it is not among the rows."""
    cells: Mapping = {row.name: row.cells for row in rows}
    if DEFAULT not in cells:
        return []
    own = {name: cell.value for name, cell in cells[DEFAULT].items()}
    bounds = [
        Bound(f"{title}: KID, limit: that of {name}", own["kid"], cells[row]["kid"].value)
        for row, name in ((BLURRED, "blurred pictures"), (VAE_ALONE, "the VAE alone"))
        if row in cells
    ]
    return [
        *bounds,
        Bound(f"{title}: precision", own["precision"], LEAST, at_most=False),
        Bound(f"{title}: recall", own["recall"], LEAST, at_most=False),
        Bound(f"{title}: LPIPS within categories, of real", own["lpips_of_real"], VARIETY, at_most=False),
    ]
