"""The quality gate: pictures that the judge finds too poor are made again. This module goes into Hub files."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pipelines.generation.noise import noise
from pipelines.generation.requests import Request, paint

MAX_TRIES = 64


@dataclass(frozen=True)
class Gated:
    """What came through the gate, one entry for each picture that was asked for."""

    request: Request  # with the seeds and latents of what is handed out
    pictures: Tensor  # (N, 3, size, size) in [-1, 1]
    scores: list[float]
    accepted: list[bool]
    acceptance_rate: float  # of all pictures that were made


def through_gate(
    generator: Any,
    judge: Any,
    request: Request,
    truncation: float,
    tries: int,
    progress: Callable[[int, int], None] | None = None,
) -> Gated:
    """Make pictures; one whose score is below its category's bar is made again from another seed, `tries` times in all.

    Where none of its tries passes, a picture's best try is handed out and marked as not accepted.

    Args:
        generator, judge: the networks; the judge's configuration holds the bars.
        request: what is asked for; its seeds are the first tries.
        truncation: of the latents.
        tries: 1 only scores.
        progress: called as progress(pictures settled, pictures in all).

    Raises:
        ValueError: if tries is not from 1 to `MAX_TRIES`.
    """
    if isinstance(tries, bool) or not isinstance(tries, int) or not 1 <= tries <= MAX_TRIES:
        raise ValueError(f"tries must be a whole number from 1 to {MAX_TRIES}, got {tries!r}.")
    count = len(request.seeds)
    bars = judge.config.bars or [float("-inf")] * len(generator.config.categories)
    latents, seeds = request.latents.clone(), list(request.seeds)
    pictures, scores = torch.empty(count, 3, *[generator.config.size] * 2), [float("-inf")] * count
    open_slots, made, passed = list(range(count)), 0, 0
    for attempt in range(tries):
        tried = [
            request.seeds[slot] if attempt == 0 else next_seed(request.seeds[slot], attempt) for slot in open_slots
        ]
        rows = request.latents[open_slots] if attempt == 0 else noise(tried, generator.config.latents)
        asked = [[one[slot] for slot in open_slots] for one in (request.category, request.colour)]
        candidates = paint(generator, Request(rows, asked[0], asked[1], tried), truncation)
        found = score(judge, candidates, asked[0], asked[1])
        for row, slot in enumerate(open_slots):
            if attempt == 0 or found[row] > scores[slot]:
                scores[slot], seeds[slot] = found[row], tried[row]
                latents[slot], pictures[slot] = rows[row], candidates[row]
        made += len(open_slots)
        passed += sum(found[row] >= bars[request.category[slot]] for row, slot in enumerate(open_slots))
        open_slots = [slot for slot in open_slots if scores[slot] < bars[request.category[slot]]]
        if progress is not None:
            progress(count - len(open_slots), count)
        if not open_slots:
            break
    accepted = [value >= bars[category] for value, category in zip(scores, request.category, strict=True)]
    return Gated(Request(latents, request.category, request.colour, seeds), pictures, scores, accepted, passed / made)


@torch.no_grad()
def score(judge: Any, pictures: Tensor, category: list[int], colour: list[int], batch: int = 32) -> list[float]:
    """The judge's scores of pictures (N, 3, H, W) in [-1, 1] for what was asked; higher = more real."""
    values = []
    for start in range(0, len(pictures), batch):
        rows = slice(start, start + batch)
        told = [torch.tensor(one[rows], device=judge.device) for one in (category, colour)]
        values += judge(pictures[rows].to(judge.device, judge.dtype), *told).float().tolist()
    return values


def next_seed(seed: int, attempt: int) -> int:
    """The seed of a picture's further try, far from those that people count up from."""
    return (seed * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407 * attempt) % 2**63
