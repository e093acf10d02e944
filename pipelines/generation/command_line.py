"""Pictures from noise by the command line: `python -m pipelines detail-generator --count 1000 --out DIR`.

Where the method also edits, `python -m pipelines product-studio INPUT... --out DIR --style waves` edits files. Exit
status: 0 if all is there, 1 if some could not be made, 2 if nothing was started, 130 after Ctrl-C.
"""

import argparse
import inspect
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pipelines.batch import Job, plan_batch
from pipelines.generation.labelled_set import MAX_PICTURES, SetOptions, make_set
from pipelines.model_options import add_model_options, load_model

USAGE = "python -m pipelines METHOD --count N --out DIR [options]"
_SUFFIXES = (".png", ".jpg", ".webp")


def main(method: str, pipeline: type, arguments: list[str]) -> int:
    """Run the command line of a method that makes pictures from noise and return the exit status.

    Args:
        method: its name.
        pipeline: its class.
        arguments: what follows the name.
    """
    args = _parser(method, pipeline).parse_args(arguments)
    edits = bool(getattr(args, "inputs", None))
    try:
        _check(args, edits, hasattr(pipeline, "edit"))
        return _edit(pipeline, args) if edits else _generate(method, pipeline, args)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; nothing half-written was left. The same command goes on from here.", file=sys.stderr)
        return 130


def _parser(method: str, pipeline: type) -> argparse.ArgumentParser:
    name, takes = method.replace("_", "-"), inspect.signature(pipeline.__call__).parameters
    parser = argparse.ArgumentParser(prog=f"python -m pipelines {name}", description=f"Make pictures with {name}.")
    parser.add_argument("--count", type=int, metavar="N", help=f"how many pictures to make, 1 to {MAX_PICTURES:,}")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write into; made if missing")
    parser.add_argument("--overwrite", action="store_true", help="replace pictures that exist; else they are kept")
    add_model_options(parser)
    group = parser.add_argument_group("what to make")
    group.add_argument("--category", metavar="NAME", help="one category (default: all in turn)")
    if "colour" in takes:
        group.add_argument("--colour", metavar="NAME", help="one colour (default: as often as such products have it)")
    group.add_argument("--seed", type=int, default=0, help="of the first picture; others follow (default: %(default)s)")
    group.add_argument(
        "--truncation", type=float, default=1.0, help="variety: 0 the average, 1 as learnt, to 1.5 (default: 1)"
    )
    if "gate" in takes:
        group.add_argument("--gate", action=argparse.BooleanOptionalAction, default=True, help="make poor ones again")
        group.add_argument("--tries", type=int, default=8, help="tries a picture at most (default: %(default)s)")
    if hasattr(pipeline, "edit"):
        _add_edit_options(parser)
    return parser


def _add_edit_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("inputs", nargs="*", type=Path, metavar="INPUT", help="pictures or folders to edit instead")
    group = parser.add_argument_group("what to edit")
    group.add_argument(
        "--enhance", nargs="+", default=[], metavar="NAME", help="denoise, deblur, tone, upscale, cutout"
    )
    group.add_argument("--style", metavar="NAME_OR_FILE", help="a named style, or a picture to take the style from")
    group.add_argument("--strength", type=float, default=1.0, help="of the style, 0 to 1 (default: 1)")
    keep = {"action": argparse.BooleanOptionalAction, "default": True}
    group.add_argument("--keep-background", help="leave the background without style", **keep)
    group.add_argument("--suffix", default=".png", choices=_SUFFIXES, help="format of the results (default: .png)")


def _check(args: argparse.Namespace, edits: bool, can_edit: bool) -> None:
    """Refuse what cannot be meant before anything is loaded."""
    if edits and args.count is not None:
        raise ValueError("Either name pictures to edit, or say with --count how many to make.")
    if edits and not args.enhance and args.style is None:
        raise ValueError("Say what to edit: --enhance, --style or both.")
    if not edits and args.count is None:
        raise ValueError(f"Say with --count how many pictures to make{', or name pictures to edit' * can_edit}.")
    if not edits and not 1 <= args.count <= MAX_PICTURES:
        raise ValueError(f"--count must be from 1 to {MAX_PICTURES:,}, got {args.count:,}.")
    if args.out.exists() and not args.out.is_dir():
        raise NotADirectoryError(f"--out {str(args.out)!r} is a file; name a folder.")


def _generate(method: str, pipeline: type, args: argparse.Namespace) -> int:
    more = {name: getattr(args, name) for name in ("colour", "gate", "tries") if hasattr(args, name)}
    options = SetOptions(args.out, args.count, args.seed, args.category, args.truncation, more, args.overwrite)
    options.check()
    pipe = load_model(pipeline, args)
    made = make_set(pipe, options, (method, args.weights, args.revision))
    if made.poor:
        print(f"note: {made.poor} did not pass the gate; their best tries are there", file=sys.stderr)
    print(f"{made.new} made, {made.kept} kept; results in {args.out}")
    return 0


def _edit(pipeline: type, args: argparse.Namespace) -> int:
    jobs = plan_batch(args.inputs, args.out, args.suffix)
    waiting = [job for job in jobs if args.overwrite or not job.target.exists()]
    for job in jobs:
        if job not in waiting:
            _report(f"kept: {job.target} exists already (--overwrite replaces it)")
    failed = _edit_all(load_model(pipeline, args), waiting, args) if waiting else 0
    done = len(waiting) - failed
    print(f"{done} edited, {len(jobs) - len(waiting)} kept, {failed} failed; results in {args.out}")
    return 1 if failed else 0


def _edit_all(pipe: Any, jobs: list[Job], args: argparse.Namespace) -> int:
    """Edit each picture; returns how many failed. A line on stderr for each that did."""
    from PIL import Image

    options = {"enhance": tuple(args.enhance), "style": _style(pipe, args.style)}
    options |= {"strength": args.strength, "keep_background": args.keep_background}
    pipe.edit(Image.new("RGB", (64, 64), "white"), **options)  # refuses options out of range before the first picture
    failed = 0
    for job in tqdm(jobs, unit="picture", disable=None):
        try:
            (image,) = pipe.edit(job.source, **options).images
            _save(image, job.target)
        except (OSError, ValueError, MemoryError) as error:
            failed += 1
            _report(f"failed: {job.source}: {error or 'not enough memory'}")
    return failed


def _style(pipe: Any, style: str | None) -> Any:
    """A style's name, or its picture, decoded; ValueError or OSError for neither."""
    from pipelines.images import read_picture, write_pictures

    if style is None or style in pipe.styles:
        return style
    if not Path(style).exists():
        known = ", ".join(pipe.styles) or "none"
        raise ValueError(f"--style {style!r} is neither a file nor one of the model's styles: {known}.")
    return write_pictures([read_picture(style)])[0]


def _save(image: Any, target: Path) -> None:
    """Write a picture whole or not at all, transparent parts on white where the format has none."""
    from PIL import Image

    if target.suffix == ".jpg" and image.mode != "RGB":
        whole = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole).convert("RGB")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    try:
        image.save(partial, {".png": "PNG", ".jpg": "JPEG", ".webp": "WEBP"}[target.suffix], quality=95)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _report(line: str) -> None:
    tqdm.write(line, file=sys.stderr)
