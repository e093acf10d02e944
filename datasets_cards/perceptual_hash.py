"""A hash that near-duplicates share: which pictures show the same."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

HASH_SIDE = 16  # the hash has 16 x 16 bits
_ROWS_AT_ONCE = 1024


def perceptual_hash(pixels: np.ndarray) -> np.ndarray:
    """256 bits of the picture's coarse structure (DCT hash); (H, W, 3) uint8 -> (256,) bool."""
    import imagehash

    return imagehash.phash(Image.fromarray(pixels), hash_size=HASH_SIDE).hash.reshape(-1)


def near_pairs(hashes: np.ndarray, limit: int) -> Iterator[tuple[int, int]]:
    """Pairs i < j of (N, 256) bool whose hashes differ by `limit` bits or less; ordered, in bounded memory."""
    signed = np.where(hashes, 1, -1).astype(np.float32)
    for start in range(0, len(signed), _ROWS_AT_ONCE):
        block = signed[start : start + _ROWS_AT_ONCE]
        distance = (signed.shape[1] - block @ signed[start:].T) / 2
        for row, column in np.argwhere(distance <= limit):
            if row < column:
                yield start + int(row), start + int(column)
