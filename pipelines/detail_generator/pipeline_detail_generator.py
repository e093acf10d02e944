"""Make pictures of a category with their background; rebuild and vary pictures of your own."""

from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from diffusers import ModelMixin
from torch import Tensor

from pipelines.generation.output import GenerationOutput, check_output_type
from pipelines.generation.reading import PictureReading
from pipelines.generation.requests import make_request
from pipelines.pretrained import PretrainedPipeline


class DetailGenerator(PictureReading, PretrainedPipeline):
    """Make pictures from noise, by category.

    Args:
        generator: latents and category -> picture: the default `DetailPictureGenerator`, or the paper's
            `TransposedGenerator`.
        encoder: picture and category -> mean and log-variance of its latents; None: without it nothing is rebuilt.
    """

    model_cpu_offload_seq = "generator"
    _optional_components: ClassVar[list[str]] = ["encoder"]

    def __init__(self, generator: ModelMixin, encoder: ModelMixin | None = None):
        super().__init__()
        self.register_modules(generator=generator, encoder=encoder)

    @torch.no_grad()
    def __call__(
        self,
        category: str | Sequence[str] | None = None,
        batch_size: int = 1,
        seed: int | Sequence[int] | None = None,
        truncation: float = 1.0,
        latents: Tensor | None = None,
        generator: torch.Generator | None = None,
        output_type: str = "pil",
        return_dict: bool = True,
        progress: Callable[[int, int], None] | None = None,
    ) -> GenerationOutput | tuple:
        """Make pictures.

        A picture depends on its own seed (or latents), category and truncation alone.

        Args:
            category: one of `categories` for all, or one for each picture; None draws it by the seed.
            batch_size: how many, 1 to 4096.
            seed: of the first picture, the others take those that follow; or one for each; None draws one.
            truncation: 1 makes what the training pictures are like; below it more typical ones, 0 the mean picture;
                above it stranger ones, to 1.5.
            latents: (N, latents) in place of the seeds' noise, as `.latents` hands them out.
            generator: source of the seed where none is given.
            output_type: "pil", "np" (H, W, 3) in [0, 1], or "pt" (3, H, W) in [0, 1].
            return_dict: return a `GenerationOutput` rather than a tuple.
            progress: called as progress(pictures done, pictures in all); an exception raised in it stops the work.

        Returns:
            `.images`, `.categories`, `.seeds` and `.latents`, one for each picture.

        Raises:
            ValueError: for an unknown category or options out of range; the message says what is allowed.

        Example:
            >>> pipe = DetailGenerator.from_pretrained()
            >>> pipe("fruit", batch_size=4, seed=1).images[0].save("fruit.png")
        """
        check_output_type(output_type)
        request = make_request(self.generator.config, category, None, batch_size, seed, latents, generator)
        output = self.hand_out(request, truncation, output_type, progress)
        return output if return_dict else (output.images,)
