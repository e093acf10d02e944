"""Where a new study's pictures come from: folders, parquet files, Hub data sets, or a pipeline on the spot."""

import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from study.plan import Condition
from study.stimuli import SourcePicture, decode


def read_pictures(source: str, family: str = "") -> list[SourcePicture]:
    """Pictures of a folder, a .parquet file or a Hub data set.

    Args:
        family: regular expression found in a picture's name, whose first group says which original it belongs to; "":
            the file's name without its suffix, so that generated pictures named like the real ones find them.

    Raises:
        ValueError: no pictures, or a name in which `family` is not found.
        OSError: no such source.
    """
    from datasets_cards.sources import read_sources

    images = read_sources([source])
    return [SourcePicture(family_of(image.name, family), Path(image.name).name, image.read) for image in images]


def family_of(name: str, pattern: str = "") -> str:
    """The original that a picture called `name` belongs to; ValueError if `pattern` does not tell."""
    if not pattern:
        return Path(name).stem
    try:
        found = re.search(pattern, name)
        return found.group(1) if found else _no_family(name, pattern)
    except (re.error, IndexError) as error:
        raise ValueError(f"--family takes a regular expression with one group, got {pattern!r}.") from error


def _no_family(name: str, pattern: str) -> str:
    raise ValueError(f"--family {pattern!r} is not found in the name {name!r}.")


def split_condition(text: str) -> tuple[str, str]:
    """ "name=source" -> (name, source); a source alone is named after its last folder."""
    name, sign, source = text.partition("=")
    if not sign:
        name, source = Path(text).resolve().stem, text
    name = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not name or not source:
        raise ValueError(f"Generated pictures are given as NAME=SOURCE or SOURCE, got {text!r}.")
    return name, source


def run_model(
    method: str, inputs: Sequence[SourcePicture], options: dict[str, Any], weights: str | None, revision: str | None
) -> tuple[Condition, list[SourcePicture]]:
    """Pictures that a pipeline makes of `inputs`, or, where it takes none, as many as there are inputs.

    Args:
        method: name of a method, dashes or underscores.
        options: of the pipeline's call.
        weights: folder or Hub id; None: the bundled ones.

    Raises:
        ValueError: an unknown method, or what the pipeline says of its options.
    """
    import torchvision_guard  # noqa: F401  before diffusers, see its docstring
    from pipelines import METHODS, get_method
    from pipelines.generation.identity import model_of

    name = method.replace("_", "-")
    if name.replace("-", "_") not in METHODS:
        raise ValueError(f"There is no method {method!r}; choose from: {', '.join(METHODS).replace('_', '-')}.")
    pipeline = get_method(name).load("pipeline")
    pipe = pipeline.from_pretrained(weights, **({"revision": revision} if revision else {}))
    model, digest = model_of(pipe, name, weights, revision)
    make = _translate if hasattr(pipeline, "canvas") else _generate
    try:
        made = list(tqdm(make(pipe, name, inputs, options), total=len(inputs), unit="picture", disable=None))
    except TypeError as error:  # an option that the call does not have
        raise ValueError(f"{name} cannot be called so: {error}") from error
    words = ", ".join(f"{key}={value}" for key, value in options.items()) or "default options"
    return Condition(name, name, model, digest, words), made


def _translate(pipe: Any, name: str, inputs: Sequence[SourcePicture], options: dict) -> Iterator[SourcePicture]:
    for picture in inputs:
        image = pipe(decode(picture.read(), picture.name), **options).images[0]
        yield _kept(image, picture.family, f"{Path(picture.name).stem}-{name}.png")


def _generate(pipe: Any, name: str, inputs: Sequence[SourcePicture], options: dict) -> Iterator[SourcePicture]:
    """Made of noise: each is an original of its own, whatever the real pictures are."""
    first = int(options.get("seed", 0))
    for seed in range(first, first + len(inputs)):
        image = pipe(**{**options, "seed": seed}).images[0]
        yield _kept(image, f"{name}-{seed}", f"{name}-{seed}.png")


def _kept(image: Any, family: str, name: str) -> SourcePicture:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return SourcePicture(family, name, buffer.getvalue)  # kept encoded: hundreds of pictures fit into memory so
