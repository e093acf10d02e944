"""How fast and in how much memory, as ratios in one run: `python -m evaluation benchmark --out FOLDER`.

Each row of the table is a process of its own, so that its peak of memory is its own; the rows take turns at every size,
round by round, so that what else the machine does falls on all of them alike. The least of the rounds counts, as wall
seconds and as processor seconds (user and system, all threads), which other people's work disturbs less.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from evaluation.benchmark_pictures import Size, write_mosaic
from evaluation.tables import Bound, Cell, Column, Report, Row, Table


@dataclass(frozen=True)
class BenchmarkOptions:
    """Measure seconds and memory of a method's rows on pictures of several sizes."""

    out: Path
    """Folder for benchmark.md and benchmark.json."""
    rows: tuple[str, ...] = ()
    """Rows to measure; unset: all that this machine can run."""
    sizes: tuple[str, ...] = ("256x256", "1448x690", "8704x1408", "25000x4000")
    """WIDTHxHEIGHT of the pictures."""
    rounds: int = 3
    """Turns of each row at each size up to 20 megapixels; beyond, one."""
    threads: int = 0
    """Threads of each row; 0: as many as there are processors."""
    weights: str | None = None
    """Folder or Hub id of the default row's weights; unset: the bundled ones."""
    seed: int = 0
    """Of the pictures and of networks without trained weights."""
    keep: Annotated[Path | None, tyro.conf.arg(help_behavior_hint="(default: none)")] = None
    """Folder that keeps the pictures, for the next run."""


@dataclass(frozen=True)
class Turn:
    """One row's turn at one picture. Memory in MB is the process's peak, with all that was loaded before."""

    seconds: float
    cpu_seconds: float
    megabytes: float
    megapixels: float  # painted: a row that costs the same everywhere may paint a part


@dataclass(frozen=True)
class Measured:
    """All turns of the rows: {row: {size: turns}}."""

    turns: Mapping[str, Mapping[Size, Sequence[Turn]]]
    notes: Mapping[str, str] = field(default_factory=dict)

    def best(self, row: str, size: Size, measure: str) -> float:
        """The least seconds, or cpu_seconds, of a turn, per megapixel."""
        return min(getattr(turn, measure) / turn.megapixels for turn in self.turns[row][size])

    def megabytes(self, row: str, size: Size) -> float:
        return max(turn.megabytes for turn in self.turns[row][size])


def measure(target: str, names: Sequence[str], options: BenchmarkOptions) -> Measured:
    """Let every row paint every picture, in turns.

    Args:
        target: "module:ROWS", {name: row}; a row has `note`, and `load(weights, seed)`, which gives what
            `evaluation.benchmark_worker` runs.
        names: the rows to measure.

    Raises:
        RuntimeError: if a row's process ends before its time; the message has its last words.
    """
    sizes = [Size.read(text) for text in options.sizes]
    turns: dict[str, dict[Size, list[Turn]]] = {name: {size: [] for size in sizes} for name in names}
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        pictures = {size: write_mosaic(folder, size, options.seed) for size in sizes}
        workers = {name: _Worker(target, name, options) for name in names}
        try:
            for size in sizes:
                for turn in range(options.rounds if size.megapixels <= 20 else 1):
                    for name in _rotated(names, turn):
                        result = workers[name].paint(pictures[size], Path(temporary) / f"{size}.tif")
                        turns[name][size].append(result)
                        _tell(f"{size} {name}: {result.cpu_seconds:.2f} s of processor, {result.megabytes:.0f} MB")
            notes = {name: worker.note for name, worker in workers.items()}
        finally:
            for worker in workers.values():
                worker.end()
    return Measured(turns, notes)


class _Worker:
    """A row in a process of its own, told what to paint line by line."""

    def __init__(self, target: str, name: str, options: BenchmarkOptions):
        asked = {"target": target, "row": name, "weights": options.weights, "seed": options.seed}
        threads = str(options.threads or os.cpu_count() or 1)
        self.name, self._process = (
            name,
            subprocess.Popen(
                [sys.executable, "-m", "evaluation.benchmark_worker", json.dumps(asked)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=os.environ
                | {"OMP_NUM_THREADS": threads, "VIPS_CONCURRENCY": threads, "OMP_WAIT_POLICY": "PASSIVE"},
            ),
        )
        self.note = self._answer()["note"]

    def paint(self, source: Path, target: Path) -> Turn:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([str(source), str(target)]) + "\n")
        self._process.stdin.flush()
        return Turn(**self._answer())

    def end(self) -> None:
        self._process.communicate()  # closes its input, which ends it

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"The row {self.name!r} ended with status {self._process.wait()}; see above.")
        return json.loads(line)


def report(measured: Measured, reference: str, default: str) -> Report:
    """Seconds per megapixel, ratios to `reference` and peaks, and the budgets that `default` must keep."""
    sizes = list(next(iter(measured.turns.values())))
    tables = [_table(measured, sizes, reference, key) for key in ("seconds", "cpu_seconds")]
    return Report("Speed and memory", tables, _budgets(measured, sizes, reference, default))


def _table(measured: Measured, sizes: Sequence[Size], reference: str, key: str) -> Table:
    words = {"seconds": "Wall seconds", "cpu_seconds": "Processor seconds"}[key]
    columns = []
    for size in sizes:
        columns.append(Column(f"{size} {key}", f"{size}: s/MP (of {reference})", 3, ratio=f"{size} ratio"))
    if key == "cpu_seconds":
        columns += [Column(f"{size} MB", f"{size}: peak MB", 0) for size in sizes]
    rows = []
    for name in measured.turns:
        cells = {}
        for size in sizes:
            spent, whole = measured.best(name, size, key), measured.best(reference, size, key)
            cells |= {f"{size} {key}": Cell(spent), f"{size} ratio": Cell(spent / whole)}
            cells[f"{size} MB"] = Cell(measured.megabytes(name, size))
        rows.append(Row(name, cells, measured.notes.get(name)))
    return Table(f"{words} per megapixel", columns, rows, "Least of the rounds, rows taking turns in one run.")


def _budgets(measured: Measured, sizes: Sequence[Size], reference: str, default: str) -> list[Bound]:
    bounds = []
    for size in sizes:
        ratio = measured.best(default, size, "cpu_seconds") / measured.best(reference, size, "cpu_seconds")
        bounds.append(Bound(f"{size}: processor time of {reference}'s", ratio, 1 / 8))
        bounds.append(Bound(f"{size}: peak memory in MB", measured.megabytes(default, size), 2000))
    large = [size for size in sizes if size.megapixels > 0.9]
    if len(large) > 1:
        spent = [measured.best(default, size, "cpu_seconds") for size in large]
        claim = f"processor time per megapixel, {large[-1]} of {large[0]}"
        bounds.append(Bound(claim, spent[-1] / spent[0], 1.15))
        claim = "most of least processor time per megapixel from 10 megapixels on"
        flat = [one for size, one in zip(large, spent, strict=True) if size.megapixels > 10]
        if flat:
            bounds.append(Bound(claim, max(flat) / min(flat), 1.15))
    return bounds


def _rotated(names: Sequence[str], turn: int) -> list[str]:
    """Every row is first in some round."""
    shift = turn % len(names)
    return [*names[shift:], *names[:shift]]


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
