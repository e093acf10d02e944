"""What is asked of a generator, as numbers for its network. This module goes into Hub files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pipelines.generation.noise import check_count, check_truncation, choice, noise, path, seeds_for, slerp

OTHER = "other"  # the colour of training pictures whose colour has no name of its own
_BATCH = 32  # pictures a forward pass


@dataclass(frozen=True)
class Request:
    """Pictures asked for: latents, category and colour of each, and the seeds where there are any."""

    latents: Tensor  # (N, latents), before truncation
    category: list[int]
    colour: list[int]
    seeds: list[int]


def make_request(
    config: Any,
    category: str | Sequence[str] | None,
    colour: str | Sequence[str] | None,
    count: int,
    seed: int | Sequence[int] | None,
    latents: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Request:
    """Check what was asked for and fill in what was not.

    A category or colour that is not asked for is drawn by each picture's own seed: the categories alike often, the
    colours as often as among the category's training pictures.

    Args:
        config: of the network: latents, categories, colours, frequencies.
        category, colour: a name for all pictures or one for each; None: drawn. "other" is a colour without a name.
        count: pictures; where `latents` are given, as many as rows.
        seed: see `seeds_for`.
        latents: (N, latents) in place of noise.
        generator: source of seeds that are not given.

    Raises:
        ValueError: for an unknown name, a count or a seed out of range, or latents of another shape.
    """
    if latents is not None:
        if latents.ndim != 2 or latents.shape[1] != config.latents or not len(latents):
            raise ValueError(f"latents must be (N, {config.latents}), got {tuple(latents.shape)}.")
        count = len(latents)
    seeds = seeds_for(seed, check_count(count), generator)
    drawn = [choice(one, [1.0] * len(config.categories)) for one in seeds]
    asked = _numbers(category, config.categories, count, "category") or drawn
    named = [*known, OTHER] if (known := known_colours(config)) else []
    colours = _numbers(colour, named, count, "colour")
    if colours is None:
        colours = [_drawn_colour(one, config, number) for one, number in zip(seeds, asked, strict=True)]
    return Request(noise(seeds, config.latents) if latents is None else latents.float().cpu(), asked, colours, seeds)


@torch.no_grad()
def paint(
    network: Any, request: Request, truncation: float = 1.0, progress: Callable[[int, int], None] | None = None
) -> Tensor:
    """Run the network on a request, some pictures at a time.

    Returns:
        (N, 3, size, size) float32 in [-1, 1] on the CPU.

    Raises:
        ValueError: if truncation is out of range.
    """
    check_truncation(truncation)
    parts, count = [], len(request.latents)
    for start in range(0, count, _BATCH):
        rows = slice(start, start + _BATCH)
        latents = (request.latents[rows] * truncation).to(network.device, network.dtype)
        asked = (request.category, request.colour) if known_colours(network.config) else (request.category,)
        told = [torch.tensor(one[rows], device=network.device) for one in asked]
        parts.append(network(latents, *told).float().cpu())
        if progress is not None:
            progress(min(start + _BATCH, count), count)
    return torch.cat(parts)


def turned_towards(request: Request, seeds: list[int], strength: float, truncation: float = 1.0) -> Request:
    """Pictures like the first of a request: its latents turned some way towards those of other seeds.

    Args:
        request: its first picture gives category and colour, too.
        seeds: one for each picture.
        strength: 0 the picture itself, 1 others altogether.
        truncation: of the other latents, where the request's own bear theirs already.
    """
    others = noise(seeds, request.latents.shape[1]) * truncation
    return _of_first(request, torch.stack([slerp(request.latents[0], other, strength) for other in others]), seeds)


def way_through(request: Request, steps: int) -> Request:
    """The way through a request's latents, `steps` pictures from each to the next, of the first one's wish and seed."""
    latents = path(request.latents, steps)
    return _of_first(request, latents, request.seeds[:1] * len(latents))


def _of_first(request: Request, latents: Tensor, seeds: list[int]) -> Request:
    """Other latents, (N, latents), for the category and colour of a request's first picture."""
    count = len(latents)
    return Request(latents, request.category[:1] * count, request.colour[:1] * count, seeds)


def known_colours(config: Any) -> tuple[str, ...]:
    """The colours that a network is told; none where its configuration has no word of them, as the papers' have not."""
    return tuple(config.get("colours") or ())


def _numbers(asked: str | Sequence[str] | None, known: Sequence[str], count: int, what: str) -> list[int] | None:
    if asked is None:
        return None
    if not known:
        raise ValueError(f"This model knows no {what}; leave it out.")
    names = [asked] * count if isinstance(asked, str) else list(asked)
    if len(names) != count:
        raise ValueError(f"{count} pictures need one {what} or {count}, got {len(names)}.")
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"{what} must be one of {', '.join(known)}, got {unknown[0]!r}.")
    return [list(known).index(name) for name in names]


def _drawn_colour(seed: int, config: Any, category: int) -> int:
    if not (known := known_colours(config)):
        return 0
    shares = config.frequencies[category] if config.frequencies else [1.0] * (len(known) + 1)
    return choice(seed + 1, shares)
