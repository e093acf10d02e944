"""Did runs collapse? `python -m pipelines.generation.collapse_report RUN... --out figure.png`.

Draws over the steps how much D tells right, KID and the variety of samples, from the runs' log.jsonl, and prints what
stands at the end. D near 1 while KID rises and variety falls is a collapse.
"""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from pipelines.generation.line_figure import Panel, line_figure

SERIES = {
    "D/accuracy": "D tells right",
    "validation/kid": "KID to held-out pictures",
    "validation/diversity": "LPIPS within classes, samples / real",
}
SHOWN = 100  # points of a line at most: means over equally many log lines


@dataclass(frozen=True)
class ReportOptions:
    """Options of the command."""

    runs: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Folders of training runs, or NAME=FOLDER to name them otherwise."""
    out: Path
    """The figure, a PNG."""

    def folders(self) -> dict[str, Path]:
        """Name -> folder.

        Raises:
            ValueError: without runs, or for two of one name.
        """
        pairs = [run.rsplit("=", 1) if "=" in run else (Path(run).name, run) for run in self.runs]
        if not pairs or len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("Give at least one run, and each a name of its own: NAME=FOLDER.")
        return {name: Path(folder) for name, folder in pairs}


Line = list[tuple[float, float]]
"""(step, value), by step."""


def read_log(folder: Path) -> dict[str, Line]:
    """What a run's log.jsonl says of each of `SERIES`; only what it has. The last line may be half written.

    Raises:
        FileNotFoundError: if there is no log.
        ValueError: if a line is none of a training log.
    """
    file = folder / "log.jsonl"
    if not file.is_file():
        raise FileNotFoundError(f"{folder} holds no training run: no log.jsonl.")
    lines: dict[str, Line] = {}
    for number, text in enumerate(file.read_text(encoding="utf-8").splitlines(keepends=True), start=1):
        if not text.endswith("\n"):
            break
        try:
            entry = json.loads(text)
            step = float(entry["step"])
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{file}, line {number}, is no line of a training log.") from error
        for name in SERIES:
            if name in entry and math.isfinite(entry[name]):
                lines.setdefault(name, []).append((step, float(entry[name])))
    return lines


def thinned(line: Line, most: int = SHOWN) -> Line:
    """At most so many points: means of steps and values over equally many neighbours, the last ones perhaps fewer."""
    length = math.ceil(len(line) / most)
    groups = [line[start : start + length] for start in range(0, len(line), length)] if line else []
    return [(sum(x for x, _ in some) / len(some), sum(y for _, y in some) / len(some)) for some in groups]


def summary(runs: Mapping[str, Mapping[str, Line]]) -> str:
    """A line a run: each series' mean over the last tenth of its points."""
    rows = [("run", *SERIES.values())]
    for name, lines in runs.items():
        ends = [line[-max(1, len(line) // 10) :] if (line := lines.get(series)) else [] for series in SERIES]
        rows.append((name, *(f"{sum(y for _, y in end) / len(end):.4f}" if end else "-" for end in ends)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def report(options: ReportOptions) -> None:
    """Write the figure and print the summary.

    Raises:
        OSError, ValueError: if a folder holds no run, none has anything to draw, or the figure cannot be written.
    """
    runs = {name: read_log(folder) for name, folder in options.folders().items()}
    if not any(runs.values()):
        raise ValueError(f"No run has logged any of {', '.join(SERIES)} yet.")
    panels = [
        Panel(title, {name: thinned(lines.get(series, [])) for name, lines in runs.items()})
        for series, title in SERIES.items()
    ]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    line_figure(panels, "step").save(options.out, "PNG")
    print(summary(runs))


def main(arguments: Sequence[str] | None = None) -> None:
    options = tyro.cli(ReportOptions, args=arguments, prog="python -m pipelines.generation.collapse_report")
    try:
        report(options)
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
