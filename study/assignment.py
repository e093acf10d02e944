"""Who sees what: the questions of participant number n, a pure function of plan and number.

Every participant gets as many questions of each condition as the next, to within one, and the odd ones go round. Right
answers stand in each position equally often over `alternatives` participants in a row. Pictures are taken in turn from
shuffled lists, so that all are shown about equally often; which question gets which is an assignment problem (families
to places, each family once), solved exactly, so that a participant never sees two pictures of one family.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from study.plan import GOLD, REAL, Block, Plan, Stimulus

_FORBIDDEN = 1e6  # cost of a picture in a place where it must not stand; real costs are below 1e4


@dataclass(frozen=True)
class Question:
    """One question as it will be shown.

    Args:
        item: key of the picture asked about; "" for an instructed question.
        pictures: keys in the order shown.
        right: position from 1 as text, or "real" / "generated".
    """

    role: str
    kind: str
    condition: str
    item: str
    pictures: tuple[str, ...]
    alternatives: int
    right: str


@dataclass(frozen=True)
class _Outline:
    """A question before its pictures are chosen."""

    role: str
    block: Block
    condition: str  # of the picture asked about
    position: int  # of the right answer, from 0


def assign(plan: Plan, number: int) -> tuple[Question, ...]:
    """Questions of participant `number` (from 0) in the order asked: practice first, gold and instructed ones between.

    Raises:
        ValueError: there are too few families for one participant.
    """
    rng = np.random.default_rng([plan.seed, 1, number])
    outlines = _outlines(plan, number, rng)
    pictures = _choose(plan, number, outlines)
    return tuple(_question(outline, chosen, rng) for outline, chosen in zip(outlines, pictures, strict=True))


def check_assignable(plan: Plan) -> None:
    """Raises ValueError where some participant could not be given pictures; what is needed of each kind repeats after
    a round of the conditions, but for the drawn practice of "is_real", which a few dozen participants show."""
    for number in range(max(2 * len(plan.conditions), 24 * (plan.blocks[0].kind == "is_real"))):
        assign(plan, number)


def _outlines(plan: Plan, number: int, rng: np.random.Generator) -> list[_Outline]:
    first = plan.blocks[0]
    start = int(rng.integers(2**16)) if first.kind == "is_real" else number
    practice = [
        _Outline("practice", first, _of_practice(plan, first, start + i), _anywhere(first, rng))
        for i in range(plan.practice)
    ]
    blocks = []
    for block in plan.blocks:
        asked = [
            _Outline("question", block, condition, _turn(block, number + i))
            for i, condition in enumerate(_conditions(plan, block, number))
        ]
        blocks.append([asked[i] for i in rng.permutation(len(asked))])
    checks = [_Outline("gold", first, GOLD, _anywhere(first, rng)) for _ in range(plan.gold)]
    checks += [_Outline("instructed", first, "", _anywhere(first, rng)) for _ in range(plan.instructed)]
    for check in checks:  # anywhere among the first block's questions, but not before the first
        blocks[0].insert(int(rng.integers(1, len(blocks[0]) + 1)), check)
    return practice + [outline for block in blocks for outline in block]


def _turn(block: Block, turn: int) -> int:
    """Position of the right answer: all come up in turn."""
    return turn % max(2, block.alternatives)


def _anywhere(block: Block, rng: np.random.Generator) -> int:
    """Position of an answer that is told or plain to see: drawn, not taken in turn, since the turn follows from the
    participant's number and would say which positions come up once more than the others in the questions."""
    return int(rng.integers(max(2, block.alternatives)))


def _conditions(plan: Plan, block: Block, number: int) -> list[str]:
    """Conditions of a block's questions. For "is_real" half of the pictures are real ones."""
    names = [condition.name for condition in plan.conditions]
    real = 0
    if block.kind == "is_real":
        real = block.count // 2 + (block.count % 2 if number % 2 else 0)
    generated = block.count - real
    each, odd = divmod(generated, len(names))
    turns = [names[(number * odd + i) % len(names)] for i in range(odd)]
    return sorted(names * each + turns, key=names.index) + [REAL] * real


def _of_practice(plan: Plan, block: Block, turn: int) -> str:
    """The condition of a practice question's picture; each in turn, real ones too where those are asked about."""
    names = [c.name for c in plan.conditions if plan.families(c.name, "practice")]
    if not names:
        raise ValueError("There are practice questions, but no generated pictures for practice.")
    if block.kind == "is_real":
        names = [*names, REAL]
    return names[turn % len(names)]


def _roles(outline: _Outline) -> list[tuple[str, str]]:
    """(role, condition) of each picture of a question, the one asked about first."""
    if outline.role == "instructed":
        return []
    own = outline.role
    others = "practice" if own == "practice" else "question"
    return [(own, outline.condition)] + [(others, REAL)] * (outline.block.alternatives - 1)


def _choose(plan: Plan, number: int, outlines: Sequence[_Outline]) -> list[list[Stimulus]]:
    """Pictures of all questions: each place gets one, each family stands in one place at most."""
    places = [(i, role) for i, outline in enumerate(outlines) for role in _roles(outline)]
    families = sorted({stimulus.family for stimulus in plan.pictures})
    column = {family: j for j, family in enumerate(families)}
    wanted: dict[tuple[str, str], list[int]] = {}
    for row, (_, role) in enumerate(places):
        wanted.setdefault(role, []).append(row)
    cost = np.full((len(places), len(families)), _FORBIDDEN)
    found: dict[tuple[tuple[str, str], str], Stimulus] = {}
    for role, rows in wanted.items():
        for rank, stimulus in enumerate(_in_turn(plan, role, number * len(rows))):
            cost[np.ix_(rows, [column[stimulus.family]])] = rank
            found[role, stimulus.family] = stimulus
    if len(places) > len(families):
        raise ValueError(_too_few(plan, len(places), len(families)))
    rows, columns = linear_sum_assignment(cost)
    if cost[rows, columns].max(initial=0) >= _FORBIDDEN:
        raise ValueError(_too_few(plan, len(places), len(families)))
    chosen: list[list[Stimulus]] = [[] for _ in outlines]
    for row, j in zip(rows, columns, strict=True):
        outline, role = places[row]
        chosen[outline].append(found[role, families[j]])
    return chosen


def _in_turn(plan: Plan, role: tuple[str, str], start: int) -> list[Stimulus]:
    """The pictures of a role, the next to be shown first: from place `start` of an endless row of shuffled lists."""
    pool = [s for s in plan.pictures if (s.role, s.condition) == role]
    if not pool:
        return []
    name = int.from_bytes(hashlib.sha256("/".join(role).encode()).digest()[:4], "big")
    order: list[int] = []
    turn, skip = divmod(start, len(pool))
    for one in (turn, turn + 1):
        order += np.random.default_rng([plan.seed, 2, name, one]).permutation(len(pool)).tolist()
    return [pool[i] for i in dict.fromkeys(order[skip : skip + len(pool)] + order)]


def _question(outline: _Outline, chosen: list[Stimulus], rng: np.random.Generator) -> Question:
    kind, alternatives = outline.block.kind, max(2, outline.block.alternatives)
    if outline.role == "instructed":
        right = ("real", "generated")[outline.position] if kind == "is_real" else str(outline.position + 1)
        return Question("instructed", kind, "", "", (), alternatives, right)
    item, others = chosen[0], chosen[1:]
    if kind == "is_real":
        right = "real" if item.condition == REAL else "generated"
        return Question(outline.role, kind, outline.condition, item.key, (item.key,), alternatives, right)
    keys = [other.key for other in others]
    keys = [keys[i] for i in rng.permutation(len(keys))]
    # In "more_real" the right answer is the real picture, the generated one stands in the other place.
    place = 1 - outline.position if kind == "more_real" else outline.position
    keys.insert(place, item.key)
    right = str(outline.position + 1)
    return Question(outline.role, kind, outline.condition, item.key, tuple(keys), alternatives, right)


def _too_few(plan: Plan, places: int, families: int) -> str:
    return (
        f"A participant is shown {places} pictures, each of another original, and the {families} originals of the plan "
        f"do not suffice for that (conditions: {', '.join(c.name for c in plan.conditions)}): "
        "give more pictures, or ask fewer questions."
    )
