"""Print a method's table and write it: `python -m evaluation METHOD --data FOLDER --out FOLDER`."""

import json
import pickle
import sys
import time

import tyro

import torchvision_guard  # noqa: F401  before diffusers and lpips
from evaluation.facts import machine, versions
from evaluation.options import EvaluationOptions
from evaluation.tables import Report, report_csv, report_json, report_markdown
from pipelines import METHODS, get_method


def main(argv: list[str] | None = None) -> None:
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv or argv[0].replace("-", "_") not in METHODS:
        names = ",".join(name.replace("_", "-") for name in METHODS)
        asked = bool(argv) and argv[0] in ("-h", "--help")
        print(f"usage: python -m evaluation {{{names}}} --data FOLDER --out FOLDER [--option value]", file=sys.stderr)
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


def write(report: Report, options: EvaluationOptions) -> None:
    """The report as table.md, table.csv and table.json in the folder of results."""
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "table.md").write_text(report_markdown(report), encoding="utf-8")
    (options.out / "table.csv").write_text(report_csv(report), encoding="utf-8")
    numbers = json.dumps(report_json(report), indent=2, ensure_ascii=False)
    (options.out / "table.json").write_text(numbers + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
