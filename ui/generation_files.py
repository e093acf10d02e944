"""Generated pictures as files: PNGs that tell what they were made from, and archives of them."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.generation.png_metadata import facts_of, file_stem, write_png


def write_results(
    pipe: Any, output: Any, folder: Path, model: tuple[str, str], truncation: float, by_seed: bool = True
) -> list[Path]:
    """Write the pictures of a `GenerationOutput` with their facts into `folder`; returns the files in order.

    The arguments are those of `pipelines.generation.png_metadata.facts_of`.
    """
    files = []
    for number, image in enumerate(output.images):
        facts = facts_of(pipe, output, number, model, truncation, by_seed)
        file = free_name(folder / f"{file_stem(facts.category)}-{output.seeds[number]}.png")
        write_png(image, file, facts)
        files.append(file)
    return files


def write_zip(files: Sequence[Path], target: Path) -> None:
    """Pack pictures, which would not get smaller, under their names without the folder."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            archive.write(file, file.name)


def free_name(file: Path) -> Path:
    """The file itself, or with a number where there is one already."""
    number, free = 2, file
    while free.exists():
        free, number = file.with_stem(f"{file.stem}-{number}"), number + 1
    return free
