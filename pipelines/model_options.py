"""Which weights a command runs, and on what: options that all commands of `python -m pipelines` share."""

import argparse
from typing import Any


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add --weights, --revision, --variant and --device."""
    parser.add_argument("--weights", metavar="FOLDER_OR_ID", help="folder or Hub id (default: the bundled weights)")
    parser.add_argument("--revision", help="branch, tag or commit of the Hub id")
    parser.add_argument("--variant", help='variant of the weight files, such as "fp16"')
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, ... (default: %(default)s)")


def load_model(pipeline: type, args: argparse.Namespace) -> Any:
    """The pipeline with the weights asked for, on the device asked for.

    Raises:
        OSError, ValueError: as `PretrainedPipeline.from_pretrained`, and for a device that there is not.
    """
    import torch

    wanted = {"variant": args.variant, "revision": args.revision}
    options = {key: value for key, value in wanted.items() if value is not None}
    pipe = pipeline.from_pretrained(args.weights, **options)
    device = ("cuda" if torch.cuda.is_available() else "cpu") if args.device == "auto" else args.device
    try:
        if torch.device(device) != pipe.device:
            pipe.to(device)
    except (RuntimeError, AssertionError) as error:  # torch's ways to say that there is no such device
        raise ValueError(f"Cannot use --device {device}: {str(error).splitlines()[0]}") from error
    return pipe
