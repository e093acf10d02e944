"""A row of the benchmark as a process: loads a model, then paints what each line of its input names, and says how long.

Lines in: [source, target]. Lines out: {"note": ...} once it is ready, then the fields of `evaluation.benchmark.Turn`.
"""

import torchvision_guard  # noqa: F401  isort: skip  before diffusers
import importlib
import json
import re
import sys
import time
from pathlib import Path
from typing import Any, TextIO


def main(asked: dict[str, Any], lines: TextIO, answers: TextIO) -> None:
    """Serve until the input ends.

    Args:
        asked: "target" ("module:ROWS"), "row", and "weights" and "seed" for its `load`.
    """
    module, name = asked["target"].split(":")
    row = getattr(importlib.import_module(module), name)[asked["row"]]
    paint = row.load(asked["weights"], asked["seed"])
    _say(answers, {"note": row.note})
    for line in lines:
        source, target = json.loads(line)
        _say(answers, turn(paint, source, target))


def turn(paint: Any, source: str, target: str) -> dict[str, float]:
    """Paint one picture: paint(source, target) returns the megapixels painted."""
    forget_peak()
    wall, processor = time.perf_counter(), time.process_time()
    megapixels = paint(source, target)
    spent = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - processor}
    Path(target).unlink(missing_ok=True)
    return {**spent, "megabytes": peak_megabytes(), "megapixels": megapixels}


def forget_peak() -> None:
    """Begin the peak anew, where the system can (Linux)."""
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5")


def peak_megabytes() -> float:
    """Most memory resident since `forget_peak`, in units of 10^6 bytes; 0 where the system does not say."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) * 1024 / 1e6 if found else 0.0


def _say(answers: TextIO, what: dict[str, Any]) -> None:
    answers.write(json.dumps(what) + "\n")
    answers.flush()


if __name__ == "__main__":
    kept, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer
    main(json.loads(sys.argv[1]), sys.stdin, kept)
