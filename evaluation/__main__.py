"""Print a method's table and write it: `python -m evaluation METHOD --data FOLDER --out FOLDER`.

`python -m evaluation benchmark --out FOLDER` measures speed and memory instead.
"""

import importlib
import json
import pickle
import sys
import time

import tyro

import torchvision_guard  # noqa: F401  before diffusers and lpips
from evaluation import benchmark
from evaluation.benchmark import BenchmarkOptions
from evaluation.facts import load, machine, versions
from evaluation.options import EvaluationOptions
from evaluation.tables import Report, report_csv, report_json, report_markdown
from pipelines import METHODS, get_method

BENCHMARK = "pipelines.landscape_colorizer.benchmark_rows:ROWS"


def main(argv: list[str] | None = None) -> None:
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv[:1] == ["benchmark"]:
        return run_benchmark(argv[1:])
    if not argv or argv[0].replace("-", "_") not in METHODS:
        names = ",".join(name.replace("_", "-") for name in METHODS)
        asked = bool(argv) and argv[0] in ("-h", "--help")
        print(f"usage: python -m evaluation {{{names}}} --data FOLDER --out FOLDER [--option value]", file=sys.stderr)
        print("       python -m evaluation benchmark --out FOLDER [--option value]", file=sys.stderr)
        sys.exit(0 if asked else 2)
    method = get_method(argv.pop(0))
    options = tyro.cli(EvaluationOptions, args=argv, prog=f"python -m evaluation {method.name}")
    started = time.monotonic()
    try:
        report: Report = method.load("table")(options)
    except (OSError, ValueError, pickle.UnpicklingError) as error:
        sys.exit(f"error: {error}")
    report.facts.update(seconds=round(time.monotonic() - started), machine=machine(), versions=versions())
    write(report, options)
    print(report_markdown(report), end="")
    if options.check and not all(bound.passed or bound.target for bound in report.bounds):
        sys.exit(1)


def run_benchmark(argv: list[str]) -> None:
    """Measure the rows that `BENCHMARK` names, print the report as Markdown and write benchmark.md and .json."""
    options = tyro.cli(BenchmarkOptions, args=argv, prog="python -m evaluation benchmark")
    module = importlib.import_module(BENCHMARK.partition(":")[0])
    rows = {name: row for name, row in module.ROWS.items() if row.runs()}
    started = time.monotonic()
    try:
        if unknown := set(options.rows) - set(rows):
            raise ValueError(f"There are no rows {', '.join(sorted(unknown))} here; choose from {', '.join(rows)}.")
        names = [name for name in rows if name in (*options.rows, module.RESNET, module.DEFAULT) or not options.rows]
        measured = benchmark.measure(BENCHMARK, names, options)
    except (OSError, ValueError, RuntimeError) as error:
        sys.exit(f"error: {error}")
    report = benchmark.report(measured, module.RESNET, module.DEFAULT)
    report.facts.update(seed=options.seed, rounds=options.rounds, threads=options.threads or "all")
    report.facts.update(seconds=round(time.monotonic() - started), machine=machine(), load=load(), versions=versions())
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "benchmark.md").write_text(report_markdown(report), encoding="utf-8")
    numbers = json.dumps(report_json(report), indent=2, ensure_ascii=False)
    (options.out / "benchmark.json").write_text(numbers + "\n", encoding="utf-8")
    print(report_markdown(report), end="")


def write(report: Report, options: EvaluationOptions) -> None:
    """The report as table.md, table.csv and table.json in the folder of results."""
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "table.md").write_text(report_markdown(report), encoding="utf-8")
    (options.out / "table.csv").write_text(report_csv(report), encoding="utf-8")
    numbers = json.dumps(report_json(report), indent=2, ensure_ascii=False)
    (options.out / "table.json").write_text(numbers + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
