"""Command line of the studies: `python -m study COMMAND`, `python -m study COMMAND --help`."""

import sys
from importlib import import_module

import tyro

COMMANDS = {  # name -> where its function is, and what it does in a line
    "new": ("study.commands.new:new", "make a study of real and generated pictures"),
    "serve": ("study.commands.serve:serve", "serve all studies, without the app"),
    "list": ("study.commands.results:list_studies", "what is in the database"),
    "close": ("study.commands.results:close", "let nobody new take part"),
    "reopen": ("study.commands.results:reopen", "open a closed study again"),
    "analyse": ("study.commands.results:analyse", "run the analysis that the plan fixed"),
    "export": ("study.commands.results:export", "write the answers as CSV, Parquet, JSON"),
    "import": ("study.commands.results:import_export", "store an export in a database"),
    "push": ("study.commands.results:push", "upload a closed study to the Hub"),
    "withdraw": ("study.commands.results:withdraw", "delete a participant by their code"),
    "counts": ("study.commands.results:counts", "analyse published counts"),
    "simulate": ("study.commands.results:simulate", "check the analysis on studies of known truth"),
    "demo-pictures": ("study.commands.demo_pictures:demo_pictures", "paint the demonstration's pictures anew"),
}
USAGE = "\n".join(
    ["usage: python -m study COMMAND [options]      COMMAND --help lists the options", ""]
    + [f"  {name:14} {line}" for name, (_, line) in COMMANDS.items()]
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status (1: said in one line what is wrong; 2: wrong usage)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] not in COMMANDS:
        asked = bool(arguments) and arguments[0] in ("-h", "--help")
        print(USAGE, file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    module, function = COMMANDS[arguments[0]][0].split(":")
    command = getattr(import_module(module), function)
    # Names of studies and files stand without flags, all else has one.
    config = (tyro.conf.PositionalRequiredArgs,) if arguments[0] != "new" else ()
    try:
        tyro.cli(command, args=arguments[1:], prog=f"python -m study {arguments[0]}", config=config)
    except KeyboardInterrupt:
        return 130
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
