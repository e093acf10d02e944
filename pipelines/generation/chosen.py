"""From finished pictures, by the facts in their files, to more like them and to films from one to the next."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from pipelines.generation.gate import through_gate
from pipelines.generation.noise import noise
from pipelines.generation.noise_sampling import described
from pipelines.generation.output import GenerationOutput, export
from pipelines.generation.png_metadata import PictureFacts
from pipelines.generation.requests import OTHER, Request, turned_towards, way_through


def nearby_request(pipe: Any, facts: PictureFacts, count: int, strength: float, seed: int) -> Request:
    """`count` pictures like one: its latents turned some way towards those of other seeds.

    Args:
        pipe: a `NoiseSampling` pipeline.
        facts: of the picture.
        strength: 0 the picture itself, 1 others altogether.
        seed: of the first of those turned to.

    Raises:
        ValueError: as `request_of`.
    """
    first = request_of(pipe, [facts])
    seeds = [(seed + number) % 2**63 for number in range(count)]
    return turned_towards(first, seeds, strength, _truncation(facts))


def film_request(pipe: Any, stops: Sequence[PictureFacts], steps: int) -> Request:
    """The way through pictures, `steps` from each to the next, all of the first one's category and colour.

    Raises:
        ValueError: as `request_of`.
    """
    return way_through(request_of(pipe, stops), steps)


def request_of(pipe: Any, pictures: Sequence[PictureFacts]) -> Request:
    """What makes pictures again with a truncation of 1: their own is in the latents already.

    Raises:
        ValueError: if a picture's facts lack seed and latents, or do not fit the model.
    """
    rows, categories, colours = [], [], []
    for facts in pictures:
        rows.append(_latents(pipe, facts) * _truncation(facts))
        categories.append(_number(facts.category, pipe.categories, "category"))
        known = [*pipe.colours, OTHER]
        colours.append(_number(facts.colour, known, "colour") if pipe.colours else 0)
    return Request(torch.stack(rows), categories, colours, [facts.seed or 0 for facts in pictures])


@torch.no_grad()
def paint_request(pipe: Any, request: Request, progress: Callable[[int, int], None] | None = None) -> GenerationOutput:
    """The pictures of a request, as PIL, with the judge's scores where the pipeline has one."""
    judge = getattr(pipe, "judge", None)
    if judge is None:
        return pipe.hand_out(request, 1.0, "pil", progress)
    gated = through_gate(pipe.generator, judge, request, 1.0, 1, progress)
    output = described(pipe, gated.request, export(gated.pictures, "pil"))
    output.scores, output.accepted, output.acceptance_rate = gated.scores, gated.accepted, gated.acceptance_rate
    return output


def _latents(pipe: Any, facts: PictureFacts) -> Tensor:
    """(latents,) before truncation."""
    length = pipe.generator.config.latents
    if facts.latents is not None:
        if len(facts.latents) != length:
            raise ValueError(f"The picture has {len(facts.latents)} latents, and this model takes {length}.")
        return torch.tensor(facts.latents)
    if facts.seed is None:
        raise ValueError("The picture tells neither its seed nor its latents.")
    return noise([facts.seed], length)[0]


def _truncation(facts: PictureFacts) -> float:
    return 1.0 if facts.truncation is None else facts.truncation


def _number(name: str, known: Sequence[str], what: str) -> int:
    if name not in known:
        raise ValueError(f"The picture's {what} is {name!r}, and this model knows {', '.join(known)}.")
    return list(known).index(name)
