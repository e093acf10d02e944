"""From pictures to a study: choose practice and gold pictures, make all ready in one way, fix the plan."""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from study import default_texts
from study.assignment import check_assignable
from study.catalogue import PICTURES, PLAN_FILE
from study.plan import GOLD, REAL, Block, Condition, Exclusions, Plan, Stimulus
from study.stimuli import SourcePicture, decode, encode, key_of, spoil, stimulus_png

LARGEST_SIDE = 512  # unless asked for: a question of four such pictures is 3 MB
_REPORT_FILE = "making.json"
_FEW = 100  # originals: with fewer, the choice of pictures weighs as much as the people


@dataclass(frozen=True)
class Design:
    """What the organiser decides; everything else follows from the pictures.

    Args:
        name: of the study.
        size: width and height in pixels; None: square, as large as the smallest picture allows, 512 at most.
        plan: further fields of `Plan`: title, consent, background, confidence, question_seconds, analysis, demo ...
    """

    name: str
    blocks: tuple[Block, ...] = (Block(),)
    practice: int = 1
    gold: int = 2
    instructed: int = 1
    size: tuple[int, int] | None = None
    seed: int = 0
    plan: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Made:
    """A study on disk."""

    folder: Path
    plan: Plan
    notes: tuple[str, ...]  # what an organiser should know before inviting people


def make_study(
    folder: Path,
    design: Design,
    real: Sequence[SourcePicture],
    generated: Mapping[Condition, Sequence[SourcePicture]],
) -> Made:
    """Write a study into `folder`, which must not exist: plan.json, pictures/, making.json. Whole, or not at all.

    Gold pictures are spoilt real ones, whose originals are shown nowhere else; neither are those of practice questions.

    Raises:
        ValueError: unreadable or too small pictures, too few of them for the questions, or a design that is none.
        FileExistsError: the folder exists.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists: a study is not changed once it is made. Choose another name.")
    roles = _roles(design, real, generated)
    sources = [(REAL, picture) for picture in real]
    sources += [(condition.name, picture) for condition, pictures in generated.items() for picture in pictures]
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".making-"))
    try:
        (scratch / PICTURES).mkdir()
        writer = _Writer(scratch / PICTURES, design.size or _common_size(sources), design.seed)
        for condition, picture in sources:
            writer.add(condition, picture, roles.get(picture.family, "question"))
        plan = _plan(design, tuple(generated), writer)
        check_assignable(plan)
        plan.save(scratch / PLAN_FILE)
        notes = tuple(_notes(plan, writer))
        report = {"sha256": plan.sha256, "notes": notes, "formats": writer.formats, "dropped": writer.dropped}
        (scratch / _REPORT_FILE).write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        scratch.chmod(0o755)
        scratch.rename(folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return Made(folder, plan, notes)


class _Writer:
    """Makes pictures ready one by one and remembers what became of them."""

    def __init__(self, folder: Path, size: tuple[int, int], seed: int):
        self.folder, self.size, self.seed = folder, size, seed
        self.stimuli: dict[str, Stimulus] = {}  # by key
        self.formats: dict[str, dict[str, int]] = {}  # condition -> name's suffix -> count
        self.dropped: list[str] = []

    def add(self, condition: str, picture: SourcePicture, role: str) -> None:
        if role == "gold" and condition != REAL:
            return
        data = picture.read()
        image = decode(data, picture.name)
        if image.width < self.size[0] or image.height < self.size[1]:
            raise ValueError(
                f"{picture.name} has {image.width} x {image.height} pixels, fewer than the {self.size[0]} x "
                f"{self.size[1]} of the study: enlarged ones would be told by their softness. Choose a smaller size."
            )
        png = stimulus_png(image, self.size)
        if role == "gold":
            condition, png = GOLD, encode(spoil(decode(png, picture.name), self.seed))
        key = key_of(png)
        if key in self.stimuli:
            other = self.stimuli[key]
            if other.condition != condition:
                raise ValueError(
                    f"{picture.name} ({condition}) equals {other.original} ({other.condition}) to the pixel."
                )
            self.dropped.append(f"{picture.name}: equals {other.original} to the pixel")
            return
        (self.folder / f"{key}.png").write_bytes(png)
        suffix = Path(picture.name).suffix.lower() or "none"
        counts = self.formats.setdefault(condition, {})
        counts[suffix] = counts.get(suffix, 0) + 1
        self.stimuli[key] = Stimulus(key, picture.family, condition, role, key_of(data), picture.name)  # type: ignore


def _roles(
    design: Design, real: Sequence[SourcePicture], generated: Mapping[Condition, Sequence[SourcePicture]]
) -> dict:
    """Which families serve for practice and gold questions, drawn by the seed; all others are in the pool."""
    made = {picture.family for pictures in generated.values() for picture in pictures}
    families = sorted({picture.family for picture in real})
    order = [families[i] for i in np.random.default_rng([design.seed, 3]).permutation(len(families))]
    first = design.blocks[0]
    # Practice needs one generated picture a question, and the real ones beside it; families with both serve for either.
    wanted = design.practice * max(first.alternatives, 2 if first.kind == "is_real" else 1)
    both = [family for family in order if family in made]
    alone = sorted(made - set(families))
    practice = both[:wanted]
    if len(practice) < wanted:  # generated pictures without originals, and originals without generated pictures
        practice += alone[: max(0, design.practice - len(practice))]
        practice += [family for family in order if family not in practice][: wanted - len(practice)]
    rest = [family for family in order if family not in practice]
    gold = rest[: design.gold]
    if len(practice) < wanted or len(gold) < design.gold:
        raise ValueError(
            f"{design.practice} practice and {design.gold} gold questions need {wanted + design.gold} originals of "
            f"their own, there are {len(families)}: give more pictures, or ask fewer of these questions."
        )
    return dict.fromkeys(practice, "practice") | dict.fromkeys(gold, "gold")


def _common_size(sources: Sequence[tuple[str, SourcePicture]]) -> tuple[int, int]:
    """The largest square that enlarges no picture, in steps of 16 pixels."""
    side = LARGEST_SIDE
    for _, picture in sources:
        side = min(side, *decode(picture.read(), picture.name).size)
    if side < 16:
        raise ValueError(f"The smallest picture is {side} pixels wide or high; 16 are the least.")
    return (side // 16 * 16,) * 2


def _plan(design: Design, conditions: tuple[Condition, ...], writer: _Writer) -> Plan:
    values: dict[str, Any] = {
        "title": default_texts.TITLE,
        "consent": default_texts.CONSENT,
        "background": default_texts.BACKGROUND,
        "exclusions": Exclusions((design.gold + 1) // 2, (design.instructed + 1) // 2, 1.0),
    } | dict(design.plan)
    pictures = sorted(writer.stimuli.values(), key=lambda s: (s.role, s.condition, s.family, s.key))
    return Plan(
        name=design.name,
        pictures=tuple(pictures),
        size=writer.size,
        conditions=conditions,
        blocks=design.blocks,
        practice=design.practice,
        gold=design.gold,
        instructed=design.instructed,
        seed=design.seed,
        **values,
    )


def _notes(plan: Plan, writer: _Writer) -> list[str]:
    """What could spoil the study though nothing is wrong with it."""
    notes = [f"left out: {sentence}" for sentence in writer.dropped]
    for condition in plan.conditions:
        count = len(plan.families(condition.name))
        if count < _FEW:
            notes.append(
                f"{condition.name} has {count} pictures in the pool: with fewer than {_FEW} the result says more of "
                "these pictures than of the model; the intervals will show it."
            )
    real = set(writer.formats.get(REAL, {}))
    for condition in plan.conditions:
        if real != set(writer.formats.get(condition.name, {})):
            notes.append(
                f"real pictures come as {', '.join(sorted(real))}, those of {condition.name} as "
                f"{', '.join(sorted(writer.formats.get(condition.name, {})))}: "
                "traces of lossy compression may tell them apart."
            )
    return notes


def with_sample_size(plan: Plan, **fields: Any) -> Plan:
    """The plan with its sample size set: before anybody took part, since the hash changes."""
    return replace(plan, sample_size=replace(plan.sample_size, **fields))
