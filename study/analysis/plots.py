"""Pictures of a report, PNG and SVG bytes by name, drawn from its tables: they show nothing that these do not say."""

import io
import re
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from study.analysis.report import Report
from study.analysis.tables import Interval, Table, Value

# Okabe and Ito's colours, told apart by people of any colour vision.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"
CHINESE = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "PingFang SC",
)
_LOCK = threading.Lock()  # matplotlib's settings belong to the process
_TASK = r"(_(choose_generated|is_real|more_real)_\d)?"

Drawing = Callable[[Axes, Table], None]


def plots(report: Report) -> dict[str, bytes]:
    """`NAME.png` and `NAME.svg` for each table that has a picture; the same report gives the same bytes."""
    found: dict[str, bytes] = {}
    for table in report.tables:
        for base, (draw, _) in PLOTS.items():
            if re.fullmatch(base + _TASK, table.name) and table.rows:
                found |= _files(table, draw)
    return found


def alt_text(name: str) -> str:
    """What the picture `name` (with or without its ending) shows, for those who do not see it."""
    base = next(base for base in PLOTS if re.fullmatch(base + _TASK, name.split(".")[0]))
    return PLOTS[base][1]


def _accuracy(axes: Axes, table: Table) -> None:
    """A line a condition: the wider intervals below, Wilson's above, chance dashed."""
    kinds = [
        ("wilson", "Wilson", GREY),
        ("items_like_these", "items like these", BLUE),
        ("these_items", "these items", GREEN),
    ]
    kinds += [("over_items_logit", "over items", BLUE)]
    keys = [kind for kind in kinds if any(column.key == kind[0] for column in table.columns)]
    for place, (key, label, colour) in enumerate(keys):
        rows = [(y, row) for y, row in enumerate(table.rows) if isinstance(row.get(key), Interval)]
        offset = 0.22 * (place - (len(keys) - 1) / 2)
        if key == "wilson":
            centres = [row["accuracy"] for _, row in rows]
        else:
            centres = [row.get("estimate", row["accuracy"]) for _, row in rows]
        _bars(axes, [y + offset for y, _ in rows], centres, [row[key] for _, row in rows], label, colour)
    _names(axes, [str(row["condition"]) for row in table.rows])
    _chance(axes, table)
    axes.set_xlabel("right answers, %")


def _items(axes: Axes, table: Table) -> None:
    """Items in order of their accuracy within each condition, with Wilson's interval."""
    start, ticks = 0, []
    for number, name in enumerate(dict.fromkeys(str(row["condition"]) for row in table.rows)):
        rows = [row for row in table.rows if row["condition"] == name and isinstance(row.get("wilson"), Interval)]
        rows.sort(key=lambda row: (_float(row["accuracy"]), str(row["item"])))
        places = [start + index for index in range(len(rows))]
        colour = (BLUE, ORANGE, GREEN, GREY)[number % 4]
        _bars(axes, places, [row["accuracy"] for row in rows], [row["wilson"] for row in rows], name, colour)
        ticks.append((start + (len(rows) - 1) / 2, name))
        start += len(rows) + 1
    axes.set_yticks([place for place, _ in ticks], [name for _, name in ticks])
    axes.invert_yaxis()
    _chance(axes, table)
    axes.set_xlabel("right answers to each item, %")


def _times(axes: Axes, table: Table) -> None:
    """Boxes of right and wrong answers: quartiles, whiskers from 5 to 95 %."""
    rows = [row for row in table.rows if row["which"] in ("right", "wrong") and isinstance(row.get("median"), float)]
    boxes = [
        {
            "label": "",
            "whislo": row["low"],
            "q1": row["first"],
            "med": row["median"],
            "q3": row["third"],
            "whishi": row["high"],
        }
        for row in rows
    ]
    if boxes:
        drawn = axes.bxp(
            boxes, orientation="horizontal", showfliers=False, patch_artist=True, positions=range(len(rows))
        )
        for box, row in zip(drawn["boxes"], rows, strict=True):
            box.set(facecolor=GREEN if row["which"] == "right" else ORANGE, alpha=0.6)
    _names(axes, [f"{row['condition']}, {row['which']}" for row in rows])
    axes.set_xlabel("seconds to answer")


def _confidence(axes: Axes, table: Table) -> None:
    """Accuracy at each confidence, and what the confidence stands for."""
    rows = [(x, row) for x, row in enumerate(table.rows, 1) if isinstance(row.get("wilson"), Interval)]
    axes.plot(range(1, 6), [100 * _float(row["said"]) for row in table.rows], color=GREY, ls="--", label="stands for")
    lows = [100 * (_float(row["accuracy"]) - _low(row, "wilson")) for _, row in rows]
    highs = [100 * (_high(row, "wilson") - _float(row["accuracy"])) for _, row in rows]
    centres = [100 * _float(row["accuracy"]) for _, row in rows]
    axes.errorbar(
        [x for x, _ in rows], centres, [lows, highs], fmt="o", color=BLUE, capsize=3, label="accuracy, Wilson"
    )
    axes.set(xticks=range(1, 6), xlim=(0.5, 5.5), ylim=(0, 100), xlabel="confidence", ylabel="right answers, %")
    axes.legend(frameon=False, fontsize=8)


def _flow(axes: Axes, table: Table) -> None:
    """Participants that remain after each step."""
    rows = [row for row in table.rows if row["what"] == "participants"]
    left = [_float(row["left"]) for row in rows]
    axes.barh(range(len(rows)), left, color=BLUE)
    axes.barh(range(len(rows)), [_float(row["gone"]) for row in rows], left=left, color=ORANGE)
    for y, row in enumerate(rows):
        gone = f", {row['gone']} left out" if row["gone"] else ""
        axes.text(_float(row["left"]) + _float(row["gone"]), y, f" {row['left']}{gone}", va="center", fontsize=8)
    axes.margins(x=0.3)
    _names(axes, [str(row["step"]) for row in rows])
    axes.set_xlabel("participants")


PLOTS: dict[str, tuple[Drawing, str]] = {
    "flow": (_flow, "Bars: participants that remain after each exclusion rule, as in the table of flow."),
    "accuracy": (
        _accuracy,
        "Accuracy of each condition with its intervals against chance, as in the table of accuracy.",
    ),
    "items": (_items, "Accuracy of each item with Wilson's interval against chance, as in the table of items."),
    "response_times": (_times, "Boxes of the response times of right and wrong answers, as in the table of times."),
    "confidence": (_confidence, "Accuracy at each confidence from 1 to 5, as in the table of confidence."),
}


def _files(table: Table, draw: Drawing) -> dict[str, bytes]:
    lines = len(table.rows) * (0.12 if table.name.startswith("items") else 0.3)
    families = ["DejaVu Sans", *(font for font in CHINESE if font in font_manager.get_font_names())]
    settings = {"font.family": families, "svg.fonttype": "none", "svg.hashsalt": "danqing", "axes.unicode_minus": False}
    with _LOCK, matplotlib.rc_context(settings), warnings.catch_warnings():
        # Without a Chinese font a PNG shows boxes; the SVG keeps the text, and the table says it all.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure = Figure(figsize=(7.5, float(np.clip(1.6 + lines, 2.8, 10))), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        draw(axes, table)
        axes.set_title(table.title, fontsize=10, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        return {f"{table.name}.{kind}": _saved(figure, kind) for kind in ("png", "svg")}


def _saved(figure: Figure, kind: str) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format=kind, metadata={"Date": None} if kind == "svg" else {"Software": None})
    return stream.getvalue()


def _bars(
    axes: Axes, places: Sequence[float], centres: Sequence[object], intervals: Sequence[object], label: str, colour: str
) -> None:
    """Points with horizontal intervals, shares shown as percentages; the legend names them where there are any."""
    thick = 2.0 if len(places) <= 30 else 0.8
    shown = [
        (place, 100 * centre, 100 * interval.low, 100 * interval.high)
        for place, centre, interval in zip(places, centres, intervals, strict=True)
        if isinstance(interval, Interval) and isinstance(centre, float)
    ]
    if shown:
        y, x, low, high = zip(*shown, strict=True)
        axes.hlines(y, low, high, color=colour, lw=thick)
        axes.plot(x, y, "o", color=colour, ms=2 * thick)
        axes.plot([], [], "o-", color=colour, lw=2, ms=4, label=label)


def _names(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), list(names))
    axes.set_ylim(len(names) - 0.4, -0.6)


def _chance(axes: Axes, table: Table) -> None:
    if table.basis.chance is not None:
        axes.axvline(100 * table.basis.chance, color="black", ls="--", lw=1, label="chance")
    axes.set_xlim(0, 100)
    axes.legend(frameon=False, fontsize=8)


def _float(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _low(row: Mapping[str, Value], key: str) -> float:
    value = row[key]
    return value.low if isinstance(value, Interval) else 0.0


def _high(row: Mapping[str, Value], key: str) -> float:
    value = row[key]
    return value.high if isinstance(value, Interval) else 0.0
