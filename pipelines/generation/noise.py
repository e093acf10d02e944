"""Latents by seed, paths between them, and sheets of pictures. This module goes into Hub files."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from PIL import Image
from torch import Tensor

MAX_SEED = 2**63 - 1
MAX_TRUNCATION = 1.5
MAX_COUNT = 4096  # pictures a call


def check_seed(seed: int) -> int:
    """The seed itself.

    Raises:
        ValueError: if it is no whole number from 0 to 2^63 - 1.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_SEED:
        raise ValueError(f"seed must be a whole number from 0 to 2^63 - 1, got {seed!r}.")
    return seed


def check_count(count: int, name: str = "batch_size") -> int:
    """The count itself.

    Raises:
        ValueError: if it is no whole number from 1 to `MAX_COUNT`.
    """
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAX_COUNT:
        raise ValueError(f"{name} must be a whole number from 1 to {MAX_COUNT}, got {count!r}.")
    return count


def check_truncation(truncation: float) -> float:
    """The truncation itself.

    Raises:
        ValueError: if it is not from 0 to `MAX_TRUNCATION`.
    """
    if not isinstance(truncation, int | float) or not 0 <= truncation <= MAX_TRUNCATION:
        raise ValueError(f"truncation must be between 0 and {MAX_TRUNCATION}, got {truncation!r}.")
    return truncation


def seeds_for(seed: int | Sequence[int] | None, count: int, generator: torch.Generator | None = None) -> list[int]:
    """One seed for each picture: the given ones, or those that follow the given one, or drawn.

    Args:
        seed: a first seed, or as many as pictures; None draws the first from `generator`.
        count: pictures.
        generator: source of the first seed; None takes torch's own.

    Raises:
        ValueError: for a seed out of range, or another number of seeds than pictures.
    """
    if isinstance(seed, Sequence) and not isinstance(seed, str):
        if len(seed) != count:
            raise ValueError(f"{count} pictures need {count} seeds, got {len(seed)}.")
        return [check_seed(one) for one in seed]
    if seed is None:
        device = "cpu" if generator is None else generator.device
        seed = int(torch.randint(2**31, (), generator=generator, device=device))
    return [check_seed(check_seed(seed) + number) for number in range(count)]


def noise(seeds: Sequence[int], length: int) -> Tensor:
    """Draws from N(0, 1), (len(seeds), length) float32: a row from each seed alone, the same in any process."""
    rows = [torch.randn(length, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return torch.stack(rows) if rows else torch.empty(0, length)


def choice(seed: int, shares: Sequence[float]) -> int:
    """A number below len(shares), drawn by the seed with these probabilities; not by the draws that `noise` makes."""
    rng = torch.Generator().manual_seed(seed ^ 0x5DEECE66D)
    return int(torch.multinomial(torch.tensor(shares, dtype=torch.float64), 1, generator=rng))


def slerp(first: Tensor, second: Tensor, share: float) -> Tensor:
    """A point on the arc from one row of noise to another: straight lines would pass through duller pictures near 0.

    Shoemake (1985), https://doi.org/10.1145/325334.325242, with lengths blended evenly; (n,) all, `share` in [0, 1].
    """
    lengths = first.norm(), second.norm()
    if min(lengths) == 0:
        return torch.lerp(first, second, share)
    cosine = (first @ second / (lengths[0] * lengths[1])).clamp(-1, 1)
    angle = float(cosine.acos())
    if math.sin(angle) < 1e-4:
        return torch.lerp(first, second, share)
    weights = math.sin((1 - share) * angle) / math.sin(angle), math.sin(share * angle) / math.sin(angle)
    direction = weights[0] * first / lengths[0] + weights[1] * second / lengths[1]
    return direction * torch.lerp(lengths[0], lengths[1], share)


def path(points: Tensor, steps: int) -> Tensor:
    """`steps` rows from each point to the next on arcs, points included: (n, k) -> (1 + (n - 1) steps, k)."""
    rows = [points[0]]
    for first, second in pairwise(points):
        rows += [slerp(first, second, number / steps) for number in range(1, steps)] + [second]
    return torch.stack(rows)


def contact_sheet(images: Sequence[Image.Image], columns: int = 8, gap: int = 2) -> Image.Image:
    """Pictures of one size side by side on white, row by row.

    Raises:
        ValueError: without pictures, or for fewer than one column.
    """
    if not images or columns < 1:
        raise ValueError(f"A sheet needs pictures and columns, got {len(images)} and {columns}.")
    width, height = images[0].size
    columns = min(columns, len(images))
    rows = math.ceil(len(images) / columns)
    size = (columns * (width + gap) - gap, rows * (height + gap) - gap)
    sheet = Image.new("RGB", size, "white")
    for number, image in enumerate(images):
        sheet.paste(image, (number % columns * (width + gap), number // columns * (height + gap)))
    return sheet
