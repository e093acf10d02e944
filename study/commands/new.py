"""`python -m study new NAME --real DIR --generated DIR`: a study in a minute."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import chain, count
from pathlib import Path
from typing import Any, Literal

from study.catalogue import studies_folder
from study.commands.pictures import read_pictures, run_model, split_condition
from study.making import Design, make_study
from study.plan import AnalysisPlan, BackgroundQuestion, Block, Condition
from study.power import sample_size
from study.stimuli import SourcePicture


def new(
    real: tuple[str, ...],
    name: str | None = None,
    generated: tuple[str, ...] = (),
    model: tuple[str, ...] = (),
    kind: Literal["choose_generated", "is_real", "more_real"] = "choose_generated",
    questions: int = 10,
    alternatives: int = 4,
    participants: int = 165,
    margin: float = 0.05,
    practice: int = 1,
    gold: int = 2,
    instructed: int = 1,
    size: tuple[int, int] | None = None,
    confidence: bool = True,
    question_seconds: int | None = None,
    session_hours: float = 24.0,
    title: str | None = None,
    consent: Path | None = None,
    background: Path | None = None,
    group_by: tuple[str, ...] = ("art_training",),
    estimand: Literal["items_like_these", "these_items"] = "items_like_these",
    family: str = "",
    inputs: tuple[str, ...] = (),
    option: tuple[str, ...] = (),
    weights: str | None = None,
    revision: str | None = None,
    seed: int = 0,
    out: Path | None = None,
) -> None:
    """Make a study of real and generated pictures, ready to be served.

    Args:
        real: folders, .parquet files or Hub data sets of real pictures.
        name: of the study, in addresses: lower-case letters, digits, dashes; by default after the models.
        generated: NAME=SOURCE of generated pictures, one for each model; files named like the real ones are their
            pairs, and nobody sees both.
        model: methods of this project that make the pictures now, from the real ones: landscape-colorizer ...
        kind: what is asked.
        questions: for each participant.
        alternatives: pictures in a question of "choose_generated".
        participants: how many are planned; the power that follows is printed and goes into the plan.
        margin: equivalence to chance means an accuracy within chance ± this.
        practice: practice questions.
        gold: questions with an obvious fake, made of a real picture.
        instructed: questions that say what to answer.
        size: width and height of the pictures shown; by default the largest square that enlarges none, 512 at most.
        confidence: ask how certain each answer is.
        question_seconds: time limit of a question.
        session_hours: how long a session can be taken up again.
        title: of the study, in one language for all, instead of the default.
        consent: text file that replaces the default consent, in one language for all.
        background: JSON file of background questions instead of the default ones; `[]` for none.
        group_by: background questions whose answers are reported apart.
        estimand: whether the result speaks of these very pictures, or of pictures like these.
        family: regular expression with a group that finds in a file's name which original it belongs to.
        inputs: what --model works on, if not the real pictures; named like them.
        option: options of --model's call, KEY=VALUE.
        weights: folder or Hub id of --model's weights.
        revision: branch, tag or commit of the Hub id.
        seed: of the choice of pictures and of the assignment.
        out: where studies lie; by default DANQING_STUDIES or `studies`.
    """
    reals = [picture for source in real for picture in read_pictures(source, family)]
    pictures = dict(_given(text, family) for text in generated)
    for method in model:
        sources = [picture for source in inputs for picture in read_pictures(source, family)] or reals
        condition, made = run_model(method, sources, _options(option), weights, revision)
        pictures[condition] = made
    if not pictures:
        raise ValueError("Nothing generated was given: name pictures by --generated NAME=DIR, or --model METHOD.")
    block = Block(kind, questions, {"is_real": 1, "more_real": 2}.get(kind, alternatives))
    planned: dict[str, Any] = {"confidence": confidence, "question_seconds": question_seconds}
    planned |= {"session_hours": session_hours, **_texts(title, consent, background)}
    asked = {question.key for question in planned.get("background", ())} if background else {"art_training"}
    planned["analysis"] = AnalysisPlan(
        margin=margin, estimand=estimand, group_by=tuple(k for k in group_by if k in asked)
    )
    items = max(1, min(len(some) for some in pictures.values()) - practice)
    planned["sample_size"] = sample_size(
        participants=participants,
        questions=min(items, questions / len(pictures)),  # more cannot be asked, which making the study will say
        items=items,
        chance=block.chance,
        margin=margin,
        alpha=planned["analysis"].alpha,
        estimand=estimand,
    )
    studies = out or studies_folder()
    name = name or _free_name(studies, "-".join(condition.name for condition in pictures))
    design = Design(name, (block,), practice, gold, instructed, size, seed, planned)
    done = make_study(studies / name, design, reals, pictures)
    _print(done.folder, done.plan, done.notes)


def _given(text: str, family: str) -> tuple[Condition, list[SourcePicture]]:
    name, source = split_condition(text)
    return Condition(name, name, source.rstrip("/").rsplit("/", 1)[-1], "", "given"), read_pictures(source, family)


def _free_name(studies: Path, wanted: str) -> str:
    """`wanted`, with a number where a study is called so already."""
    names = chain([wanted[:60]], (f"{wanted[:60]}-{number}" for number in count(2)))
    return next(name for name in names if not (studies / name).exists())


def _options(words: Sequence[str]) -> dict[str, Any]:
    """key=value, the value as JSON where it is JSON (1.5, true, [1, 2]), else as text."""
    options: dict[str, Any] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not key.isidentifier():
            raise ValueError(f"--option takes KEY=VALUE, got {word!r}.")
        try:
            options[key] = json.loads(value)
        except ValueError:
            options[key] = value
    return options


def _texts(title: str | None, consent: Path | None, background: Path | None) -> dict[str, Any]:
    """Texts given in one language serve for all: people read them on a page in theirs."""
    texts: dict[str, Any] = {}
    if title:
        texts["title"] = {"en": title, "zh": title}
    if consent:
        text = consent.read_text(encoding="utf-8")
        texts["consent"] = {"en": text, "zh": text}
    if background:
        from pydantic import TypeAdapter

        given = background.read_text(encoding="utf-8")
        texts["background"] = TypeAdapter(tuple[BackgroundQuestion, ...]).validate_json(given)
    return texts


def _print(folder: Path, plan: Any, notes: Sequence[str]) -> None:
    print(f"made {folder}: {len(plan.pictures)} pictures of {plan.size[0]} x {plan.size[1]}, plan {plan.sha256}")
    for condition in plan.conditions:
        print(f"  {condition.name}: {len(plan.families(condition.name))} pictures in the pool")
    print(f"  sample size: {json.dumps(asdict(plan.sample_size), ensure_ascii=False)}")
    for note in notes:
        print(f"note: {note}")
    print("serve it: python app.py, or python -m study serve; read it: set DANQING_ORGANISER_PASSWORD first")
