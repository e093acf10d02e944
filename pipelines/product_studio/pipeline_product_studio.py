"""Make pictures of products by kind and colour, keep the good ones, and edit these or photographs of your own."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from diffusers import ModelMixin
from torch import Tensor

from pipelines.generation.gate import through_gate
from pipelines.generation.noise_sampling import described
from pipelines.generation.output import GenerationOutput, check_output_type, export
from pipelines.generation.reading import PictureReading
from pipelines.generation.requests import make_request, paint
from pipelines.pretrained import PretrainedPipeline
from pipelines.product_studio.editing import PictureEditing


class ProductStudio(PictureReading, PictureEditing, PretrainedPipeline):
    """Generate, gate, edit.

    Args:
        generator: noise, kind and colour -> picture.
        judge: picture, kind and colour -> score, with the bar that a picture has to pass.
        encoder: picture, kind and colour -> mean and log-variance of its latents; None: without it nothing is rebuilt.
        denoise, deblur, tone, upscale, cutout, style: what `edit` can do; None: not at hand.
    """

    model_cpu_offload_seq = "generator->judge"
    _optional_components: ClassVar[list[str]] = [
        "generator",
        "judge",
        "encoder",
        "denoise",
        "deblur",
        "tone",
        "upscale",
        "cutout",
        "style",
    ]

    def __init__(
        self,
        generator: ModelMixin | None = None,
        judge: ModelMixin | None = None,
        encoder: ModelMixin | None = None,
        denoise: ModelMixin | None = None,
        deblur: ModelMixin | None = None,
        tone: ModelMixin | None = None,
        upscale: ModelMixin | None = None,
        cutout: ModelMixin | None = None,
        style: ModelMixin | None = None,
    ):
        super().__init__()
        self.register_modules(
            generator=generator,
            judge=judge,
            encoder=encoder,
            denoise=denoise,
            deblur=deblur,
            tone=tone,
            upscale=upscale,
            cutout=cutout,
            style=style,
        )

    @torch.no_grad()
    def __call__(
        self,
        category: str | Sequence[str] | None = None,
        colour: str | Sequence[str] | None = None,
        batch_size: int = 1,
        seed: int | Sequence[int] | None = None,
        truncation: float = 1.0,
        gate: bool = True,
        tries: int = 8,
        edit: dict[str, Any] | None = None,
        latents: Tensor | None = None,
        generator: torch.Generator | None = None,
        output_type: str = "pil",
        return_dict: bool = True,
        progress: Callable[[int, int], None] | None = None,
    ) -> GenerationOutput | tuple:
        """Make pictures of products, let the judge pick, and edit what it let through.

        A picture depends on its own seed (or latents) and the options alone. `.seeds` are those of the pictures handed
        out: asked for again with `.categories`, `.colours` and `gate=False` they make the same pictures.

        Args:
            category: one of `categories` for all, or one for each picture; None draws it by the seed.
            colour: likewise of `colours`, or "other" for one without a name; None draws it as often as such products
                have it.
            batch_size: how many, 1 to 4096.
            seed: of the first picture, the others take those that follow; or one for each; None draws one.
            truncation: 1 makes what the training pictures are like, below it more typical ones, above it stranger ones.
            gate: make a picture again, from another seed, that the judge scores below the bar of its category.
            tries: how often at most, 1 to 64; the best is handed out, and `.accepted` says whether it passed.
            edit: keyword arguments of `edit`, applied to what is handed out.
            latents: (N, latents) in place of the seeds' noise for the first try.
            generator: source of the seed where none is given.
            output_type: "pil", "np" (H, W, 3) in [0, 1], or "pt" (3, H, W) in [0, 1].
            return_dict: return a `GenerationOutput` rather than a tuple.
            progress: called as progress(pictures done, pictures in all); an exception raised in it stops the work.

        Returns:
            `.images`, `.categories`, `.colours`, `.seeds`, `.latents`, `.scores`, `.accepted`, and `.acceptance_rate`
            of all pictures that were made.

        Raises:
            ValueError: for an unknown kind or colour, or options out of range; the message says what is allowed.

        Example:
            >>> pipe = ProductStudio.from_pretrained()
            >>> pipe("shoes", colour="red", batch_size=4, seed=1).images[0].save("shoe.png")
        """
        check_output_type(output_type)
        if self.generator is None:
            raise ValueError("This model has editing networks only, so it makes no pictures.")
        request = make_request(self.generator.config, category, colour, batch_size, seed, latents, generator)
        if self.judge is None:
            pictures = paint(self.generator, request, truncation, progress)
            output = described(self, request, [])
        else:
            gated = through_gate(self.generator, self.judge, request, truncation, tries if gate else 1, progress)
            pictures, output = gated.pictures, described(self, gated.request, [])
            output.scores, output.accepted, output.acceptance_rate = gated.scores, gated.accepted, gated.acceptance_rate
        if edit is None:
            output.images = export(pictures, output_type)
        else:
            wishes: dict[str, Any] = {**edit, "output_type": output_type, "return_dict": False}
            output.images = list(self.edit(export(pictures, "pil"), **wishes)[0])
        return output if return_dict else (output.images,)
