"""What a study is, fixed before its first answer: pictures, conditions, questions, rules and the analysis to be run.

A plan is a frozen dataclass that is saved as JSON. `Plan.sha256` covers all of it: the pictures by their own hashes,
the models by their revisions, the rules and the analysis. A changed plan has another hash and is another study.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

LANGUAGES = ("en", "zh")
REAL = "real"  # the condition of pictures that nobody generated
GOLD = "gold"  # the condition of pictures that are obviously generated
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")

Kind = Literal["choose_generated", "is_real", "more_real"]
Role = Literal["question", "practice", "gold", "instructed"]
Text = Mapping[str, str]  # language -> text

FIXED_CHANCE = {"is_real": 0.5, "more_real": 0.5}


@dataclass(frozen=True)
class Stimulus:
    """One picture as it is shown.

    Args:
        key: SHA-256 of the PNG that the browser gets; the file lies beside the plan, named by it.
        family: the original that the picture is or was made from. Nobody is shown two pictures of one family.
        condition: `REAL`, `GOLD`, or the name of the model that made it.
        role: "question" for the pool; "practice" and "gold" pictures are shown in those questions only.
        source: SHA-256 of the file it was made from.
        original: name of that file, for the organiser and for exports.
    """

    key: str
    family: str
    condition: str
    role: Literal["question", "practice", "gold"] = "question"
    source: str = ""
    original: str = ""

    __pydantic_config__ = ConfigDict(extra="forbid")

    def __post_init__(self):
        if not _SHA256.fullmatch(self.key):
            raise ValueError(f"A picture's key is a SHA-256 in 64 hexadecimal digits, got {self.key!r}.")


@dataclass(frozen=True)
class Condition:
    """What is compared: a model, by the revision that made the pictures."""

    name: str
    label: str
    model: str = ""  # folder's name, Hub id or method
    revision: str = ""  # commit or content hash of the weights
    made: str = ""  # how the pictures were made: seed, options; or "given"

    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Block:
    """Questions of one kind.

    Args:
        kind: "choose_generated": `alternatives` pictures, one of them generated, which one? "is_real": one picture, is
            it real? "more_real": two pictures, which looks more real?
        count: how many each participant answers; conditions take turns.
        alternatives: pictures in a question of "choose_generated"; 1 for "is_real", 2 for "more_real".
    """

    kind: Kind = "choose_generated"
    count: int = 10
    alternatives: int = 4

    __pydantic_config__ = ConfigDict(extra="forbid")

    def __post_init__(self):
        fixed = {"is_real": 1, "more_real": 2}.get(self.kind)
        if fixed is not None and self.alternatives != fixed:
            raise ValueError(f"{self.kind} shows {fixed} picture(s), got alternatives={self.alternatives}.")
        if not 1 <= self.count <= 200 or not (fixed or 2 <= self.alternatives <= 9):
            raise ValueError(
                f"A block has 1 to 200 questions of 2 to 9 alternatives, got {self.count} of {self.alternatives}."
            )

    @property
    def chance(self) -> float:
        """Probability of a right answer without looking."""
        return FIXED_CHANCE.get(self.kind, 1 / self.alternatives)


@dataclass(frozen=True)
class BackgroundQuestion:
    """Asked once, before the first picture; participants may skip it unless it is required.

    Args:
        key: the column it becomes in exports, "background_<key>".
        text: the question in each language.
        options: value -> text in each language; empty for a free text of at most 500 characters.
        excludes: values that take a participant out of the analysis ("I know these paintings").
    """

    key: str
    text: Text
    options: Mapping[str, Text] = field(default_factory=dict)
    required: bool = False
    excludes: tuple[str, ...] = ()

    __pydantic_config__ = ConfigDict(extra="forbid")

    def __post_init__(self):
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", self.key):
            raise ValueError(f"A background question's key is lower-case letters, digits and _, got {self.key!r}.")
        if unknown := set(self.excludes) - set(self.options):
            raise ValueError(f"{self.key}: these values are no options: {', '.join(sorted(unknown))}.")


@dataclass(frozen=True)
class Exclusions:
    """Who is left out of the analysis, decided beforehand. None or 0 switches a rule off.

    Args:
        gold_correct: least number of gold questions answered right.
        instructed_correct: least number of instructed questions answered as told.
        median_seconds: shortest median response time, in seconds.
        finished: leave out participants who did not reach the end.
    """

    gold_correct: int = 0
    instructed_correct: int = 0
    median_seconds: float = 0.0
    finished: bool = True

    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class AnalysisPlan:
    """The analysis, fixed beforehand.

    Args:
        level: of all intervals, for example 0.95.
        margin: equivalence to chance means a true accuracy within chance ± margin (a fraction: 0.05 is 5 points).
        alpha: of each one-sided test of TOST, and of the tests against chance before correction.
        estimand: "items_like_these": the model's pictures in general, of which the items are a sample; "these_items":
            the very pictures shown. People are a sample in both.
        correction: how p values of several conditions are adjusted.
        group_by: keys of background questions whose values are reported apart.
        resamples: of the bootstrap.
        seed: of the bootstrap.
    """

    level: float = 0.95
    margin: float = 0.05
    alpha: float = 0.05
    estimand: Literal["items_like_these", "these_items"] = "items_like_these"
    correction: Literal["holm", "bonferroni", "fdr_bh", "none"] = "holm"
    group_by: tuple[str, ...] = ()
    resamples: int = 2000
    seed: int = 0

    __pydantic_config__ = ConfigDict(extra="forbid")

    def __post_init__(self):
        if not (0.5 < self.level < 1 and 0 < self.margin < 0.5 and 0 < self.alpha < 0.5 and self.resamples >= 200):
            raise ValueError(
                "An analysis needs a level in (0.5, 1), a margin and an alpha in (0, 0.5) and at least 200 resamples; "
                f"got {self.level}, {self.margin}, {self.alpha} and {self.resamples}."
            )


@dataclass(frozen=True)
class SampleSize:
    """How many people are asked, and the power calculation that says why; `study.power` fills it in."""

    participants: int = 0
    power: float = 0.0  # of the equivalence test at `AnalysisPlan.margin`, if the true accuracy is at chance
    assumptions: str = ""

    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Plan:
    """A study. Saved by `save`, read by `Plan.load`; `sha256` names it for good.

    Args:
        name: the study's name in addresses: lower-case letters, digits and dashes.
        title: shown to participants, in each language. Says nothing of the conditions.
        pictures: all of them, of equal size in pixels and in bytes.
        size: width and height of every picture, in pixels.
        conditions: what is compared, `REAL` and `GOLD` not among them.
        blocks: the questions.
        practice: practice questions before the first block, of its kind, with the right answer told.
        gold: gold questions among the others, of the first block's kind, whose generated picture is obvious.
        instructed: questions among the others that say which answer to give.
        confidence: ask 1 (guessed) to 5 (certain) with every answer.
        question_seconds: after which a question closes unanswered; None: no limit.
        session_hours: how long after the consent a session can be taken up again.
        consent: text in each language, paragraphs parted by empty lines.
        demo: a demonstration, whose results are never mixed with real studies.
        seed: of the assignment.
    """

    name: str
    title: Text
    pictures: tuple[Stimulus, ...]
    size: tuple[int, int]
    conditions: tuple[Condition, ...]
    blocks: tuple[Block, ...] = (Block(),)
    practice: int = 1
    gold: int = 0
    instructed: int = 0
    confidence: bool = True
    question_seconds: int | None = None
    session_hours: float = 24.0
    consent: Text = field(default_factory=dict)
    background: tuple[BackgroundQuestion, ...] = ()
    languages: tuple[str, ...] = LANGUAGES
    exclusions: Exclusions = Exclusions()
    analysis: AnalysisPlan = AnalysisPlan()
    sample_size: SampleSize = SampleSize()
    demo: bool = False
    seed: int = 0
    format: int = 1

    __pydantic_config__ = ConfigDict(extra="forbid")

    def __post_init__(self):
        _check_names(self)
        _check_pictures(self)
        _check_rules(self)

    @property
    def sha256(self) -> str:
        """Of the canonical JSON: keys sorted, no spaces, UTF-8."""
        return hashlib.sha256(self._canonical().encode()).hexdigest()

    def _canonical(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    def save(self, file: Path) -> None:
        """Write the plan as JSON, indented for reading; the hash does not depend on the layout of the file."""
        file.write_text(self.to_json() + "\n", encoding="utf-8")

    def to_json(self) -> str:
        """The plan and its hash; `from_json` reads it."""
        return json.dumps({**asdict(self), "sha256": self.sha256}, ensure_ascii=False, indent=1)

    @classmethod
    def load(cls, file: Path) -> "Plan":
        """Read a plan; ValueError for one that is damaged or was changed after it was saved, OSError if unreadable."""
        return cls.from_json(file.read_text(encoding="utf-8"), str(file))

    @classmethod
    def from_json(cls, text: str, name: str = "the plan") -> "Plan":
        """The plan that `save` wrote. Raises ValueError as `load` does, naming the text `name`."""
        try:
            values: dict[str, Any] = json.loads(text)
            expected = values.pop("sha256", None)
            plan = TypeAdapter(cls).validate_python(_tuples(values), strict=False)
        except (ValidationError, ValueError, AttributeError, TypeError) as error:
            raise ValueError(f"{name} is no plan of a study: {str(error)[:500]}") from error
        if expected is not None and expected != plan.sha256:
            raise ValueError(
                f"{name} was changed after it was saved: its hash is {plan.sha256}, it says {expected}. "
                "A changed plan is a new study: make it anew under another name."
            )
        return plan

    def background_options(self, key: str) -> Mapping[str, Text]:
        """Values of the background question `key`; KeyError if there is none."""
        return next(iter(q.options for q in self.background if q.key == key), None) or _missing(key)

    def families(self, condition: str, role: str = "question") -> list[str]:
        """Families that have a picture of `condition`, in the plan's order."""
        return [s.family for s in self.pictures if s.condition == condition and s.role == role]


def _missing(key: str) -> Mapping[str, Text]:
    raise KeyError(f"The plan has no background question {key!r} with options.")


def _tuples(value: Any) -> Any:
    """JSON knows no tuples: its lists become them, so that a loaded plan equals the saved one."""
    if isinstance(value, list):
        return tuple(_tuples(one) for one in value)
    return {key: _tuples(one) for key, one in value.items()} if isinstance(value, dict) else value


def _check_names(plan: Plan) -> None:
    if not NAME.fullmatch(plan.name):
        raise ValueError(f"A study's name is lower-case letters, digits and dashes, 64 at most; got {plan.name!r}.")
    if not plan.languages or set(plan.languages) - set(LANGUAGES):
        raise ValueError(f"Languages are {', '.join(LANGUAGES)}; got {', '.join(plan.languages) or 'none'}.")
    texts = {"title": plan.title, "consent": plan.consent}
    texts |= {f"background {q.key}": q.text for q in plan.background}
    texts |= {f"background {q.key}, {value}": t for q in plan.background for value, t in q.options.items()}
    for what, text in texts.items():
        if missing := [language for language in plan.languages if not text.get(language, "").strip()]:
            raise ValueError(f"The {what} has no text in {', '.join(missing)}.")
    names = [condition.name for condition in plan.conditions]
    if not names or len(names) != len(set(names)) or {REAL, GOLD} & set(names):
        raise ValueError(f"A study compares one or more conditions of different names, not {REAL} or {GOLD}: {names}.")
    keys = [question.key for question in plan.background]
    if len(keys) != len(set(keys)):
        raise ValueError(f"Two background questions have one key: {', '.join(keys)}.")


def _check_pictures(plan: Plan) -> None:
    known = {REAL, GOLD, *(condition.name for condition in plan.conditions)}
    if unknown := {stimulus.condition for stimulus in plan.pictures} - known:
        raise ValueError(f"Pictures of unknown conditions: {', '.join(sorted(unknown))}.")
    twice = [key for key, count in Counter(s.key for s in plan.pictures).items() if count > 1]
    if twice:
        raise ValueError(f"{len(twice)} picture(s) stand in the plan twice, the first is {twice[0][:12]}.")
    roles: dict[str, str] = {}
    for stimulus in plan.pictures:
        if roles.setdefault(stimulus.family, stimulus.role) != stimulus.role:
            raise ValueError(f"The family {stimulus.family} stands in two roles: keep practice and gold apart.")
    if not all(16 <= side <= 2048 for side in plan.size):
        raise ValueError(f"Pictures are 16 to 2048 pixels wide and high, got {plan.size[0]} x {plan.size[1]}.")


def _check_rules(plan: Plan) -> None:
    if not plan.blocks:
        raise ValueError("A study needs at least one block of questions.")
    for rule, most in (("gold_correct", plan.gold), ("instructed_correct", plan.instructed)):
        if getattr(plan.exclusions, rule) > most:
            raise ValueError(f"The exclusion rule {rule} asks for more than the {most} questions there are.")
    if unknown := set(plan.analysis.group_by) - {q.key for q in plan.background if q.options}:
        raise ValueError(f"group_by names no background question with options: {', '.join(sorted(unknown))}.")
    if plan.question_seconds is not None and not 3 <= plan.question_seconds <= 3600:
        raise ValueError(f"question_seconds is 3 to 3600, got {plan.question_seconds}.")
    if not 0 < plan.session_hours <= 24 * 30:
        raise ValueError(f"session_hours is more than 0 and at most 720, got {plan.session_hours}.")
    if min(plan.practice, plan.gold, plan.instructed) < 0:
        raise ValueError("practice, gold and instructed are counts of questions: 0 or more.")
