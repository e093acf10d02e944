"""Which split a scene goes to, and which scenes are doubles."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np

from datasets_cards.perceptual_hash import HASH_SIDE, near_pairs
from datasets_cards.scenes.pictures import Left, Scene

# Bits of 256. Among the 1784 training pictures of the season set two pairs are twins (20 and 62 bits apart), the same
# view in another light begins at 58, strangers at 70; in the weather set nothing is nearer than 76.
NEAR_DUPLICATE = 68


def cut(
    scenes: Sequence[Scene],
    val_one_in: int,
    test_one_in: int,
    page: Callable[[Scene], str] = lambda scene: "",
    near: int = NEAR_DUPLICATE,
) -> tuple[list[tuple[Scene, str]], list[Left]]:
    """Put each scene into train, val or test.

    Test pictures of the sources stay test pictures, and what nearly equals one of them leaves training. Validation is
    what the sources call so; where none does, one group of near-duplicates in `val_one_in`, chosen by its smallest id,
    so that a picture keeps its split when others join. Where no source has test pictures, one group in `test_one_in`
    of the others is kept for testing in the same way. Scenes of one `page`, where that is not "", are a group as well.
    Near-duplicates are pictures whose hashes differ by `near` bits of 256 or less.

    Returns:
        the scenes kept, in the given order, each with its split; the others, with the reason.
    """
    first = _first_copies(scenes)
    left = [
        Left(scene.image.name, scene.image.split, "copy", f"of {scenes[first[scene.id]].image.name}")
        for i, scene in enumerate(scenes)
        if first[scene.id] != i
    ]
    scenes = [scene for i, scene in enumerate(scenes) if first[scene.id] == i]
    hashes = np.array([scene.hash for scene in scenes], bool).reshape(-1, HASH_SIDE**2)
    pairs = [(i, j, "near-duplicate") for i, j in near_pairs(hashes, near)]
    pairs += [(i, j, "same page") for i, j in _page_pairs([page(scene) for scene in scenes])]
    tests = [scene.image.split == "test" for scene in scenes]
    twins: dict[int, tuple[int, str]] = {}
    for i, j, reason in pairs:
        if tests[i] != tests[j]:
            twin, stays = (j, i) if tests[i] else (i, j)
            twins.setdefault(twin, (stays, reason))
    for i, (stays, reason) in twins.items():
        image = scenes[i].image
        left.append(Left(image.name, image.split, reason, f"of {scenes[stays].image.name} in test"))
    groups = _groups(len(scenes), [(i, j) for i, j, _ in pairs if not (tests[i] or tests[j])])
    splits = _deal(scenes, groups, tests, val_one_in, test_one_in)
    return [(scene, splits[i]) for i, scene in enumerate(scenes) if i not in twins], left


def _first_copies(scenes: Sequence[Scene]) -> dict[str, int]:
    """{id: index of the picture that stands for its byte-equal copies}: the first in test, else the first."""
    first: dict[str, int] = {}
    for i, scene in sorted(enumerate(scenes), key=lambda item: item[1].image.split != "test"):
        first.setdefault(scene.id, i)
    return first


def _page_pairs(pages: Sequence[str]) -> list[tuple[int, int]]:
    """All pairs i < j of the same page."""
    members: defaultdict[str, list[int]] = defaultdict(list)
    for i, page in enumerate(pages):
        if page:
            members[page].append(i)
    return [pair for group in members.values() for pair in combinations(group, 2)]


def _groups(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """For each of `count` items the smallest index that chains of pairs lead to."""
    root = list(range(count))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for i, j in pairs:
        a, b = sorted((find(i), find(j)))
        root[b] = a
    return [find(i) for i in range(count)]


def _deal(
    scenes: Sequence[Scene], groups: Sequence[int], tests: Sequence[bool], val_one_in: int, test_one_in: int
) -> list[str]:
    members: dict[int, list[int]] = {}
    for i, group in enumerate(groups):
        members.setdefault(group, []).append(i)
    told = any(scene.image.split == "val" for scene in scenes)
    splits = ["test"] * len(scenes)
    for group in members.values():
        if tests[group[0]]:
            continue
        number = int(min(scenes[i].id for i in group), 16)
        held_back = any(scenes[i].image.split == "val" for i in group) if told else number % val_one_in == 0
        if held_back:
            split = "val"
        else:
            split = "test" if not any(tests) and number // val_one_in % test_one_in == 0 else "train"
        for i in group:
            splits[i] = split
    return splits
