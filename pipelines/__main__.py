"""Run a method on files and folders: `python -m pipelines landscape-colorizer painting.jpg folder/ --out coloured/`.

Pictures go through `pipelines.large_images`, so they may be of any size. Exit status: 0 if every picture was painted
or had been before, 1 if some could not be, 2 if nothing was started, 130 after Ctrl-C. Methods that make pictures from
noise have a command line of their own, `pipelines.generation.command_line`; so have the commands around the Hub,
`pipelines.hub_commands`.
"""

import torchvision_guard  # noqa: F401  isort: skip
import argparse
import inspect
import logging
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pipelines import METHODS, get_method
from pipelines.batch import Job, plan_batch, with_variants
from pipelines.generation import command_line as generation
from pipelines.model_options import add_model_options, load_model

HUB_COMMANDS = ("export", "check", "publish", "publish-space")
_SCALARS = (bool, int, float, str)
# Parameters of a canvas that are no plain numbers and words, where a method has them.
_HINT = "X,Y,COLOUR"
_MAX_VARIANTS = 100
_USAGE = "usage: python -m pipelines METHOD INPUT... --out DIR [options]"
_HUB_USAGE = """python -m pipelines export METHOD --out DIR [--onnx]
       python -m pipelines check DIR
       python -m pipelines publish METHOD --repo USER/NAME [--private] [--dry-run]
       python -m pipelines publish-space --repo USER/NAME [--private] [--dry-run]"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    names = ", ".join(name.replace("_", "-") for name in METHODS)
    if not given or given[0] in ("-h", "--help"):
        usage = f"{_USAGE}\n       {generation.USAGE}\n       {_HUB_USAGE}"
        print(f"{usage}\n\nmethods: {names}\n\n`python -m pipelines METHOD --help` lists a method's options.")
        return 0 if given else 2
    if given[0] in HUB_COMMANDS:
        from pipelines import hub_commands

        return hub_commands.main(given)
    name = given[0].replace("-", "_")
    if name not in METHODS:
        return _refuse(f"There is no method {given[0]!r}; choose from: {names}.")
    pipeline = get_method(name).load("pipeline")
    if not hasattr(pipeline, "canvas"):
        return generation.main(name, pipeline, given[1:])
    options = method_options(pipeline.canvas)
    parser = _parser(given[0], options)
    wishes = _add_wishes(parser, pipeline.canvas)
    args = parser.parse_args(given[1:])
    logging.getLogger("pyvips").setLevel(logging.ERROR)  # its warnings repeat what the exceptions say
    try:
        return _run(pipeline, args, {key: getattr(args, key) for key in [*options, *wishes]})
    except KeyboardInterrupt:
        print("Stopped; nothing half-written was left.", file=sys.stderr)
        return 130


def method_options(canvas: Callable) -> dict[str, tuple[bool | int | float | str, str]]:
    """What a method lets people choose: parameters of its `canvas` with a scalar default -> (default, help)."""
    document = inspect.getdoc(canvas) or ""
    options = {}
    for key, parameter in inspect.signature(canvas).parameters.items():
        if isinstance(parameter.default, _SCALARS):
            line = re.search(rf"^\s*{key}: (.*)", document, re.MULTILINE)
            options[key] = (parameter.default, line.group(1).rstrip(".;") if line else "")
    return options


def _parser(method: str, options: dict[str, tuple[Any, str]]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m pipelines {method}", description=f"Run {method} on pictures.")
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="a picture, or a folder of them")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for the results; made if missing"
    )
    add_model_options(parser)
    suffixes = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".webp")
    parser.add_argument(
        "--suffix", default=".png", choices=suffixes, help="format of the results (default: %(default)s)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace results that exist; else they are kept")
    parser.add_argument("--tile", type=_positive, default=1024, help="side of a tile in pixels (default: %(default)s)")
    group = parser.add_argument_group("options of the method")
    for key, (default, text) in options.items():
        flag, described = f"--{key.replace('_', '-')}", f"{text} (default: {default})".strip().replace("%", "%%")
        if isinstance(default, bool):
            group.add_argument(flag, action=argparse.BooleanOptionalAction, default=default, help=described)
        else:
            group.add_argument(flag, type=type(default), default=default, help=described)
    return parser


def _add_wishes(parser: argparse.ArgumentParser, canvas: Callable) -> list[str]:
    """Add --palette, --hints, --seed and --variants where the method's canvas takes them; returns its parameters."""
    known = inspect.signature(canvas).parameters
    names = ("palette", "hints", "seed") if "seed" in known else ()  # without one, hints are a layer and no points
    wishes = [name for name in names if name in known and known[name].default is None]
    group = parser.add_argument_group("the user's hand") if wishes else parser
    if "palette" in wishes:
        group.add_argument("--palette", metavar="NAME_OR_FILE", help="name of a palette, or a picture to take it from")
    if "hints" in wishes:
        text = "colours of single places of the one picture, in its pixels, such as 120,80,#3f8f6b"
        group.add_argument("--hints", nargs="+", type=_hint, metavar=_HINT, help=text)
    if "seed" in wishes:
        group.add_argument("--seed", type=int, help="number of another colouring (default: the model's own)")
        text = "paint so many colourings of each picture: the one asked for and those that follow (default: 1)"
        group.add_argument("--variants", type=_variants, default=1, metavar="N", help=text)
    return wishes


def _hint(text: str) -> tuple[float, float, str]:
    parts = [part.strip() for part in text.split(",", 2)]
    try:
        x, y, colour = float(parts[0]), float(parts[1]), parts[2]
    except (ValueError, IndexError) as error:
        raise argparse.ArgumentTypeError(f"must be {_HINT}, such as 120,80,#3f8f6b; got {text!r}") from error
    return x, y, colour


def _variants(text: str) -> int:
    if (value := _positive(text)) > _MAX_VARIANTS:
        raise argparse.ArgumentTypeError(f"must be at most {_MAX_VARIANTS}, got {value}")
    return value


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {value}")
    return value


def _run(pipeline: type, args: argparse.Namespace, options: dict[str, Any]) -> int:
    try:
        found = plan_batch(args.inputs, args.out, args.suffix)
        jobs = with_variants(found, getattr(args, "seed", None), getattr(args, "variants", 1))
        if options.get("hints") and len(found) > 1:
            raise ValueError(f"--hints are places in one picture; got {len(found)} pictures.")
    except (OSError, ValueError) as error:
        return _refuse(str(error))
    waiting = [job for job in jobs if args.overwrite or not job.target.exists()]
    for job in jobs:
        if job not in waiting:
            _report(f"kept: {job.target} exists already (--overwrite replaces it)")
    painted = failed = 0
    if waiting:
        try:
            pipe = _load(pipeline, args, options)
        except (OSError, ValueError) as error:
            return _refuse(str(error))
        painted = _paint_all(pipe, waiting, args, options)
        failed = len(waiting) - painted
    print(f"{painted} painted, {len(jobs) - len(waiting)} kept, {failed} failed; results in {args.out}")
    return 1 if failed else 0


def _load(pipeline: type, args: argparse.Namespace, options: dict[str, Any]) -> Any:
    """Load the model once, and refuse options out of range before the first picture."""
    import numpy as np

    pipe = load_model(pipeline, args)
    small = {key: value for key, value in options.items() if key != "hints"}  # these are places in the real picture
    pipe.canvas(np.full((64, 64, 3), 128, np.uint8), 64, 64, **small)
    return pipe


def _paint_all(pipe: Any, jobs: list[Job], args: argparse.Namespace, options: dict[str, Any]) -> int:
    """Paint each picture; returns how many succeeded. A line on stderr for each that did not."""
    from pipelines.large_images import paint_file

    painted = 0
    with tqdm(jobs, unit="picture", disable=None) as bar:
        for job in bar:
            bar.set_postfix_str(job.source.name)
            with tqdm(total=1, unit="tile", leave=False, disable=None) as tile_bar:
                try:
                    job.target.parent.mkdir(parents=True, exist_ok=True)
                    shared: dict[str, Any] = {
                        "tile": args.tile,
                        "overwrite": args.overwrite,
                        "progress": _show_on(tile_bar),
                    }
                    chosen: dict[str, Any] = {**options, "seed": job.seed} if "seed" in options else options
                    for note in paint_file(pipe, job.source, job.target, **shared, **chosen):
                        _report(f"note: {job.source}: {note}")
                    painted += 1
                except (OSError, ValueError, MemoryError) as error:
                    _report(f"failed: {job.source}: {error or 'not enough memory'}")
    return painted


def _show_on(bar: tqdm) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        bar.total, bar.n = total, done
        bar.refresh()

    return progress


def _report(line: str) -> None:
    tqdm.write(line, file=sys.stderr)


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 2


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's stop cleans up as Ctrl-C does
    sys.exit(main())
