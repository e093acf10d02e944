"""What pipelines that make pictures from noise have in common. This module goes into Hub files."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from pipelines.generation.noise import check_count
from pipelines.generation.output import GenerationOutput, check_output_type, export
from pipelines.generation.requests import (
    OTHER,
    Request,
    known_colours,
    make_request,
    paint,
    turned_towards,
    way_through,
)


class NoiseSampling:
    """For pipelines whose component `generator` has latents, categories and colours in its configuration."""

    generator: Any

    @property
    def categories(self) -> tuple[str, ...]:
        """What can be asked for."""
        return tuple(self.generator.config.categories)

    @property
    def colours(self) -> tuple[str, ...]:
        """The colours that can be asked for; none where the model is told none."""
        return known_colours(self.generator.config)

    @property
    def size(self) -> int:
        """Side of the pictures in pixels."""
        return self.generator.config.size

    @torch.no_grad()
    def interpolate(
        self,
        seeds: Sequence[int],
        category: str | None = None,
        colour: str | None = None,
        steps: int = 8,
        truncation: float = 1.0,
        output_type: str = "pil",
    ) -> GenerationOutput:
        """Pictures on the way from one seed to the next, all of one category and colour.

        Args:
            seeds: two or more.
            category, colour: as in `__call__`; None draws them by the first seed.
            steps: from one seed to the next; 1 + (len(seeds) - 1) * steps pictures come back, those of the seeds too.
            truncation, output_type: as in `__call__`.

        Raises:
            ValueError: for fewer than two seeds, or options out of range.
        """
        check_output_type(output_type)
        if len(seeds) < 2:
            raise ValueError(f"A way needs two seeds or more, got {len(seeds)}.")
        check_count((len(seeds) - 1) * check_count(steps, "steps") + 1, "the number of pictures")
        ends = make_request(self.generator.config, category, colour, len(seeds), seeds)
        return self.hand_out(way_through(ends, steps), truncation, output_type)

    @torch.no_grad()
    def nearby(
        self,
        seed: int,
        category: str | None = None,
        colour: str | None = None,
        batch_size: int = 4,
        strength: float = 0.3,
        truncation: float = 1.0,
        output_type: str = "pil",
    ) -> GenerationOutput:
        """More like the picture of a seed: its latents turned some way towards those of other seeds.

        Args:
            seed, category, colour, truncation, output_type: as in `__call__`.
            batch_size: how many.
            strength: 0 the picture itself, 1 others altogether.

        Returns:
            As `__call__`; `.seeds` are of the pictures turned to, `.latents` make the pictures again.

        Raises:
            ValueError: for options out of range.
        """
        check_output_type(output_type)
        check_strength(strength)
        first = make_request(self.generator.config, category, colour, 1, seed)
        seeds = [(seed * 1_000_003 + 7_919 * (number + 1)) % 2**63 for number in range(check_count(batch_size))]
        return self.hand_out(turned_towards(first, seeds, strength), truncation, output_type)

    def hand_out(
        self,
        request: Request,
        truncation: float,
        output_type: str,
        progress: Callable[[int, int], None] | None = None,
    ) -> GenerationOutput:
        """Make the pictures of a request, all of them."""
        pictures = paint(self.generator, request, truncation, progress)
        return described(self, request, export(pictures, output_type))


def described(pipe: Any, request: Request, images: list[Any]) -> GenerationOutput:
    """Pictures with what they were made from, by name."""
    names = [*pipe.colours, OTHER] if pipe.colours else [None]
    return GenerationOutput(
        images=images,
        categories=[pipe.categories[number] for number in request.category],
        colours=[names[number] for number in request.colour],
        seeds=request.seeds,
        latents=request.latents,
    )


def check_strength(strength: float) -> None:
    """Raise a ValueError if it is not from 0 to 1."""
    if not isinstance(strength, int | float) or not 0 <= strength <= 1:
        raise ValueError(f"strength must be between 0 and 1, got {strength!r}.")
