"""Which split a painting belongs to, and which pictures show the same painting."""

from collections.abc import Sequence

import numpy as np

from datasets_cards.sources import SPLITS, SourceImage

# Bits of 256. Among 1510 paintings the four pairs of twins differ by 22 to 76 bits, strangers by 88 and more.
NEAR_DUPLICATE = 80


def work_of(image: SourceImage, one_painting: Sequence[str]) -> str:
    """The painting a picture shows: its own name, or its collection's where all of that is one scroll."""
    return image.collection if image.collection and image.collection in one_painting else image.name


def assign_splits(works: dict[str, str], seed: int, val: float, test: float) -> dict[str, str]:
    """Deal paintings without a split out to train, val and test.

    Args:
        works: painting -> group. Each group is dealt out by itself, so that all splits hold all groups.
        seed: decides the order.
        val: share of the paintings for validation; at least one where a group has ten.
        test: likewise for the test split.
    """
    splits: dict[str, str] = {}
    for number, group in enumerate(sorted(set(works.values()))):
        members = sorted(work for work, own in works.items() if own == group)
        order = np.random.default_rng([seed, number]).permutation(len(members))
        n_test, n_val = (max(round(len(members) * share), int(len(members) >= 10)) for share in (test, val))
        for rank, i in enumerate(order):
            splits[members[i]] = "test" if rank < n_test else "val" if rank < n_test + n_val else "train"
    return splits


def near_duplicates(hashes: np.ndarray, splits: Sequence[str], works: Sequence[str]) -> dict[int, int]:
    """Pictures to leave out because another shows the same painting: {index: index of the one that stays}.

    Args:
        hashes: (N, 256) bool.
        splits: the split of each; a test picture outlives its twins in val, and those outlive train's.
        works: the painting of each; tiles of one scroll are never called duplicates of each other.
    """
    order = sorted(range(len(hashes)), key=lambda i: (-SPLITS.index(splits[i]), i))
    signed = np.where(hashes, 1, -1).astype(np.float32)
    distance = (hashes.shape[1] - signed @ signed.T) / 2 if len(hashes) else np.zeros((0, 0))
    kept: list[int] = []
    dropped: dict[int, int] = {}
    for i in order:
        twin = next((k for k in kept if distance[i, k] <= NEAR_DUPLICATE and works[i] != works[k]), None)
        if twin is None:
            kept.append(i)
        else:
            dropped[i] = twin
    return dropped
