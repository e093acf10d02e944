"""A labelled set of generated pictures in a folder: DIR/CATEGORY/CATEGORY-SEED.png and a manifest, metadata.jsonl.

The manifest has the form that the `datasets` library's imagefolder reads. All that it says of a picture stands in the
picture's file too, so a set whose making was cut short goes on where it stopped.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pipelines.generation.png_metadata import MAX_SEED, PictureFacts, facts_of, file_stem, read_facts, write_png

MAX_PICTURES = 100_000
MANIFEST = "metadata.jsonl"
_BATCH = 32


@dataclass(frozen=True)
class SetOptions:
    """What is to be made.

    Args:
        out: the folder; need not exist.
        count: pictures.
        seed: of the first, the others take those that follow.
        category: None makes all in turn, by the seed: a picture's category does not depend on `count`.
        truncation: of the noise.
        more: further keyword arguments of the pipeline: colour, gate, tries.
        overwrite: replace pictures that exist.
    """

    out: Path
    count: int
    seed: int = 0
    category: str | None = None
    truncation: float = 1.0
    more: dict[str, Any] = field(default_factory=dict)
    overwrite: bool = False

    def check(self) -> None:
        """Raise a ValueError for what no pipeline could do."""
        if not 1 <= self.count <= MAX_PICTURES:
            raise ValueError(f"--count must be from 1 to {MAX_PICTURES:,}, got {self.count:,}.")
        if not 0 <= self.seed <= MAX_SEED - self.count:
            raise ValueError(f"--seed must be from 0 to 2^63 - 1 - count, got {self.seed}.")


@dataclass(frozen=True)
class Made:
    """How many pictures were made, found, and made although none of their tries passed the gate."""

    new: int
    kept: int
    poor: int


@dataclass(frozen=True)
class _Slot:
    """One picture of the set."""

    seed: int
    category: str
    file: Path


def make_set(pipe: Any, options: SetOptions, source: tuple[str, str | None, str | None]) -> Made:
    """Make what is missing of a set, and write its manifest, also where the work is interrupted.

    Args:
        pipe: a `NoiseSampling` pipeline.
        options: what is to be made.
        source: method, weights and revision, for the names in the files, see `pipelines.generation.identity`.

    Raises:
        OSError: if the folder or a file in it cannot be read or written.
        ValueError: for options that the pipeline refuses, or pictures in the folder that were made otherwise.
    """
    from pipelines.generation.identity import model_of

    options.check()
    model = model_of(pipe, *source)
    slots = list(_slots(pipe, options))
    lines = _read_manifest(options.out)
    waiting = [slot for slot in slots if options.overwrite or not slot.file.exists()]
    new = set(waiting)
    kept = [slot for slot in slots if slot not in new]
    for slot in kept:
        lines[_name(slot, options)] = _line(slot, options, _kept_facts(slot, options, model))
    _pictures(pipe, options, waiting[:1] or slots[:1])  # refuses options out of range before anything is written
    poor = 0
    try:
        with tqdm(total=len(waiting), unit="picture", disable=None) as bar:
            for start in range(0, len(waiting), _BATCH):
                batch = waiting[start : start + _BATCH]
                output = _pictures(pipe, options, batch)
                for number, slot in enumerate(batch):
                    facts = facts_of(pipe, output, number, model, options.truncation)
                    slot.file.parent.mkdir(parents=True, exist_ok=True)
                    write_png(output.images[number], slot.file, facts)
                    lines[_name(slot, options)] = _line(slot, options, facts)
                poor += 0 if not options.more.get("gate") or output.accepted is None else output.accepted.count(False)
                bar.update(len(batch))
    finally:
        if lines:
            _write_manifest(options.out, lines)
    return Made(len(waiting), len(kept), poor)


def _slots(pipe: Any, options: SetOptions) -> Iterator[_Slot]:
    known = pipe.categories
    if options.category is not None and options.category not in known:
        raise ValueError(f"--category must be one of {', '.join(known)}, got {options.category!r}.")
    for seed in range(options.seed, options.seed + options.count):
        category = options.category or known[seed % len(known)]
        stem = file_stem(category)
        yield _Slot(seed, category, options.out / stem / f"{stem}-{seed}.png")


def _pictures(pipe: Any, options: SetOptions, slots: Sequence[_Slot]) -> Any:
    asked = {"category": [slot.category for slot in slots], "seed": [slot.seed for slot in slots]}
    return pipe(**asked, batch_size=len(slots), truncation=options.truncation, **options.more)


def _kept_facts(slot: _Slot, options: SetOptions, model: tuple[str, str]) -> PictureFacts:
    """What a picture found in the folder tells; ValueError where another command made it: sets must not be mixed."""
    facts = read_facts(slot.file)
    if facts is None:
        raise ValueError(f"{slot.file} was not made by this command; choose another --out, or --overwrite.")
    asked = {
        "model": model[0],
        "revision": model[1],
        "category": slot.category,
        "truncation": float(options.truncation),
    }
    asked |= {"colour": options.more["colour"]} if options.more.get("colour") else {}
    for name, value in asked.items():
        if getattr(facts, name) != value:
            made = f"{slot.file} was made with the {name} {getattr(facts, name)!r}, not {value!r}"
            raise ValueError(f"{made}; choose another --out, or --overwrite.")
    return facts


def _name(slot: _Slot, options: SetOptions) -> str:
    return slot.file.relative_to(options.out).as_posix()


def _line(slot: _Slot, options: SetOptions, facts: PictureFacts) -> dict[str, Any]:
    names = ("colour", "seed", "score", "model", "revision", "truncation")
    told = {name: getattr(facts, name) for name in names}
    return {"file_name": _name(slot, options), "label": facts.category} | told


def _read_manifest(folder: Path) -> dict[str, dict[str, Any]]:
    """The lines of a manifest whose pictures are there, by the picture's name."""
    file, lines = folder / MANIFEST, {}
    if not file.is_file():
        return {}
    for number, text in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            line = json.loads(text)
            name = line["file_name"]
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{file}, line {number}, is no line of a manifest; choose another --out.") from error
        if (folder / name).is_file():
            lines[name] = line
    return lines


def _write_manifest(folder: Path, lines: dict[str, dict[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{MANIFEST}.partial"
    ordered = sorted(lines.values(), key=lambda line: line["file_name"])
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in ordered)
    partial.write_text(text, encoding="utf-8")
    partial.replace(folder / MANIFEST)
