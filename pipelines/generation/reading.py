"""Pictures of one's own, rebuilt and varied through the encoder. This module goes into Hub files."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from pipelines.generation.noise import check_count, seeds_for
from pipelines.generation.noise_sampling import NoiseSampling, check_strength
from pipelines.generation.output import GenerationOutput, check_output_type
from pipelines.generation.requests import Request, make_request, paint, turned_towards
from pipelines.images import read_pictures


class PictureReading(NoiseSampling):
    """For pipelines that may have a component `encoder` beside the generator."""

    encoder: Any

    @torch.no_grad()
    def reconstruct(
        self,
        image: Any,
        category: str | Sequence[str] | None = None,
        colour: str | Sequence[str] | None = None,
        output_type: str = "pil",
    ) -> GenerationOutput:
        """Rebuild pictures from the mean of the latents that the encoder reads in them.

        Args:
            image: a picture or a list, as everywhere; the middle square of each is taken.
            category, colour: what it shows; None takes what rebuilds it best.
            output_type: as in `__call__`.

        Raises:
            ValueError: if the model has no encoder, or knows no such category or colour.
        """
        check_output_type(output_type)
        return self.hand_out(self._read(self._squares(image), category, colour), 1.0, output_type)

    @torch.no_grad()
    def vary(
        self,
        image: Any,
        category: str | None = None,
        colour: str | None = None,
        strength: float = 0.5,
        batch_size: int = 4,
        seed: int | None = None,
        output_type: str = "pil",
    ) -> GenerationOutput:
        """Pictures like one of your own.

        Args:
            image: one picture; its middle square is taken.
            category, colour: what it shows; None takes what rebuilds it best.
            strength: 0 rebuilds it, 1 makes others altogether.
            batch_size, seed: how many, and of which noise.
            output_type: as in `__call__`.

        Raises:
            ValueError: if the model has no encoder, for more than one picture, or options out of range.
        """
        check_output_type(output_type)
        check_strength(strength)
        squares = self._squares(image)
        if len(squares) != 1:
            raise ValueError(f"vary takes one picture, got {len(squares)}.")
        seeds = seeds_for(seed, check_count(batch_size))
        read = self._read(squares, category, colour)
        return self.hand_out(turned_towards(read, seeds, strength), 1.0, output_type)

    def _squares(self, image: Any) -> Tensor:
        """The middle squares of pictures, (N, 3, size, size) in [-1, 1]."""
        if self.encoder is None:
            raise ValueError("This model has no encoder, so it cannot rebuild or vary pictures.")
        return torch.cat([middle_square(picture.pixels, self.size) for picture in read_pictures(image)])

    def _read(
        self, squares: Tensor, category: str | Sequence[str] | None, colour: str | Sequence[str] | None
    ) -> Request:
        """What each picture could have been made from; what it shows, where that is not told, is tried out."""
        count, config = len(squares), self.generator.config
        told = make_request(config, category, colour, count, 0)
        categories = [told.category] if category is not None else [[n] * count for n in range(len(self.categories))]
        choices = range(len(self.colours) + 1) if self.colours else range(1)
        colours = [told.colour] if colour is not None else [[number] * count for number in choices]
        tried: list[Request] = []
        errors = []
        for one, other in product(categories, colours):
            request = Request(self._mean(squares, one, other), one, other, [0] * count)
            tried.append(request)
            errors.append((paint(self.generator, request) - squares).abs().mean((1, 2, 3)))
        best = list(enumerate(torch.stack(errors).argmin(0).tolist()))
        return Request(
            torch.stack([tried[number].latents[row] for row, number in best]),
            [tried[number].category[row] for row, number in best],
            [tried[number].colour[row] for row, number in best],
            [0] * count,
        )

    def _mean(self, squares: Tensor, category: list[int], colour: list[int]) -> Tensor:
        network = self.encoder
        asked = (category, colour) if self.colours else (category,)
        told = [torch.tensor(one, device=network.device) for one in asked]
        return network(squares.to(network.device, network.dtype), *told)[0].float().cpu()


def middle_square(pixels: Any, size: int) -> Tensor:
    """(H, W, 3) uint8 or uint16 -> its middle square as (1, 3, size, size) in [-1, 1]."""
    scale = 65535 if pixels.dtype.itemsize == 2 else 255
    image = torch.from_numpy(pixels.astype("float32")).permute(2, 0, 1)[None] / scale * 2 - 1
    side = min(image.shape[2:])
    top, left = (image.shape[2] - side) // 2, (image.shape[3] - side) // 2
    cut = image[:, :, top : top + side, left : left + side]
    return F.interpolate(cut, size=(size, size), mode="bicubic", align_corners=False, antialias=True).clamp(-1, 1)
