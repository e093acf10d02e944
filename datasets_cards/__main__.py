"""Command line of the data sets: `python -m datasets_cards build|check|publish NAME ...`."""

import signal
import sys

import tyro

from datasets_cards import BUILDERS, CHECKS, load
from datasets_cards.publishing import publish

USAGE = f"""usage: python -m datasets_cards build NAME [options]      NAME: {", ".join(BUILDERS)}
       python -m datasets_cards check NAME [options]      NAME: {", ".join(CHECKS)}
       python -m datasets_cards publish NAME --repo USER/NAME [--folder DIR] [--dry-run]
Add --help after NAME for the options."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status (1: bad input, said in one line; 2: wrong usage)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) < 2 or arguments[0] not in ("build", "check", "publish"):
        asked = bool(arguments) and arguments[0] in ("-h", "--help")
        print(USAGE, file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    command, name, options = arguments[0], arguments[1], arguments[2:]
    try:
        if command == "publish":
            options = ["--name", name, *options]
            function = publish
        else:
            function = load(BUILDERS if command == "build" else CHECKS, name)
        tyro.cli(function, args=options, prog=f"python -m datasets_cards {command} {name}")
    except KeyboardInterrupt:
        print("stopped; nothing was written", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _stop(*_: object) -> None:
    """A termination request ends a build as Ctrl-C does: what it had begun to write is removed."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)  # also where a shell started it in the background
    raise SystemExit(main())
