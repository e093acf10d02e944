"""Edit pictures: enhance them, and give them a style. What `ProductStudio.edit` does, step by step.

Every step takes a `Picture` of any size and gives one back; 16 bits and transparency are kept. How each step works
says `editing_steps`.
"""

import os
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import torch
from diffusers.pipelines.pipeline_utils import ImagePipelineOutput
from torch import Tensor

from pipelines.images import Picture, read_picture, read_pictures, write_pictures
from pipelines.product_studio.editing_steps import at_multiples, enhanced, opacity_of, styled_picture, view_over_white
from pipelines.tiles import Progress

ENHANCEMENTS = ("denoise", "deblur", "tone", "upscale", "cutout")
"""What `enhance` may name, in the order in which it is done; the style comes last."""
STYLE_AREA = 256 * 256  # px that a style picture is brought to: named styles are as large

Parts = Mapping[str, Any]
"""The networks by name, None where there is none: `ProductStudio.components`."""


class PictureEditing:
    """The editing half of a pipeline: `edit`, and what it can do. Mixed into a `DiffusionPipeline`."""

    components: dict[str, Any]

    @property
    def enhancements(self) -> tuple[str, ...]:
        """What `edit` can enhance with the networks at hand, in the order in which it is done."""
        return tuple(name for name in ENHANCEMENTS if self.components.get(name) is not None)

    @property
    def styles(self) -> tuple[str, ...]:
        """The styles that `edit` knows by name."""
        network = self.components.get("style")
        return () if network is None else tuple(network.config["styles"])

    @torch.no_grad()
    def edit(
        self,
        image: Any,
        style: Any = None,
        enhance: str | Sequence[str] | None = None,
        strength: float = 1.0,
        keep_background: bool = False,
        output_type: str = "pil",
        return_dict: bool = True,
        progress: Progress | None = None,
    ) -> ImagePipelineOutput | tuple:
        """Enhance one picture or several, then give them a style; of any size.

        Args:
            image: a PIL image, a path, an (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) array, a (1 | 3 | 4, H, W)
                tensor in [0, 1], or a list of these, of any sizes. Transparency is kept; 16 bits are kept in "np"
                and "pt" output.
            style: one of `styles`, or a style picture: what `image` takes, but one. None: no style.
            enhance: one or several of `enhancements`, always done in this order: "denoise" takes noise and JPEG blocks
                away, "deblur" blur, "tone" corrects contrast and white balance, "upscale" doubles the size, "cutout"
                puts the product before white.
            strength: of the style: 0 leaves the picture as it is, 1 gives the style wholly, values between blend them.
            keep_background: style the product alone; it takes the network of "cutout".
            output_type: "pil", "np" (H, W, 3) in [0, 1], or "pt" (3, H, W) in [0, 1].
            return_dict: return an `ImagePipelineOutput` rather than a tuple.
            progress: called as progress(done, in all), in hundredths of a step; an exception raised in it stops the
                work and reaches the caller.

        Returns:
            `.images`: a list with one picture for each input, of its size, or twice that after "upscale".

        Raises:
            ValueError, OSError, TypeError: for what is no picture, an unknown style or enhancement, one that the model
                has no network for, or a strength out of range; one sentence says what was given and what is allowed.

        Example:
            >>> pipe = ProductStudio.from_pretrained()
            >>> pipe.edit("shoe.jpg", style="mosaic", enhance=["denoise", "cutout"]).images[0].save("shoe.png")
        """
        if output_type not in ("pil", "np", "pt"):  # said before the work, not after it
            raise ValueError(f'output_type must be "pil", "np" or "pt", got {output_type!r}.')
        wishes = (style, enhance, strength, keep_background)
        images = write_pictures(edit_pictures(self.components, image, *wishes, progress), output_type)
        return ImagePipelineOutput(images=images) if return_dict else (images,)


def edit_pictures(
    parts: Parts,
    image: Any,
    style: Any = None,
    enhance: str | Sequence[str] | None = None,
    strength: float = 1.0,
    keep_background: bool = False,
    progress: Progress | None = None,
) -> list[Picture]:
    """What `PictureEditing.edit` does, on these networks; its arguments, and its errors."""
    wanted = checked_enhancements(parts, enhance)
    check_style_strength(strength)
    code = None if style is None else style_code(parts, style, keep_background)
    pictures = read_pictures(image)
    steps = len(wanted) + (code is not None)
    edited: list[Picture] = []
    for number, picture in enumerate(pictures):
        told = Steps(progress, number * steps, len(pictures) * steps)
        for name in wanted:
            picture = enhanced(parts[name], name, picture, told.next())
        if code is not None:
            opacity = opacity_of(parts["cutout"], picture) if keep_background else None
            picture = styled_picture(parts["style"], picture, code, strength, opacity, told.next())
        edited.append(picture)
    return edited


class Steps:
    """Tells `progress` of the tiles of one step as hundredths of it, after `done` steps of `total`."""

    def __init__(self, progress: Progress | None, done: int, total: int):
        self.progress, self.done, self.total = progress, done, total

    def next(self) -> Progress:
        """The progress of the next step."""
        before, self.done = self.done, self.done + 1

        def tell(tile: int, of: int) -> None:
            if self.progress is not None:
                self.progress(100 * before + 100 * tile // of, 100 * self.total)

        return tell


def checked_enhancements(parts: Parts, enhance: str | Sequence[str] | None) -> list[str]:
    """The enhancements asked for, in the order in which they are done, each once.

    Raises:
        ValueError: for one that there is not, or that the model has no network for.
    """
    names = [] if enhance is None else [enhance] if isinstance(enhance, str) else list(enhance)
    for name in names:
        if name not in ENHANCEMENTS:
            raise ValueError(f"enhance takes {', '.join(ENHANCEMENTS)}; got {name!r}.")
        check_part(parts, name, f"enhance {name!r}")
    return [name for name in ENHANCEMENTS if name in names]


def check_part(parts: Parts, name: str, wish: str) -> None:
    """Raise a ValueError unless the model has this network."""
    if parts.get(name) is None:
        there = [other for other in (*ENHANCEMENTS, "style") if parts.get(other) is not None]
        raise ValueError(f"This model has no network for {wish}; it can edit by {', '.join(there) or 'nothing'}.")


def check_style_strength(strength: float) -> None:
    """Raise a ValueError unless strength is a number from 0 to 1."""
    if isinstance(strength, bool) or not isinstance(strength, Real) or not 0 <= strength <= 1:
        raise ValueError(f"strength must be a number from 0 to 1, got {strength!r}.")


@torch.no_grad()
def style_code(parts: Parts, style: Any, keep_background: bool) -> Tensor:
    """The code (1, length) of a named style or a style picture.

    Raises:
        ValueError: for a name that there is not, a picture that cannot be read, or a network that is missing.
    """
    check_part(parts, "style", "styles")
    if keep_background:
        check_part(parts, "cutout", "keep_background")
    network = parts["style"]
    names = list(network.config["styles"])
    if isinstance(style, str) and (style in names or not os.path.exists(style)):
        return network.named_code(style)
    try:
        picture = read_picture(style)
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"The style picture cannot be used: {error}") from error
    view = view_over_white(picture, STYLE_AREA, network)
    return network.code(at_multiples(view, network.multiple, view.shape[2:]).to(network.dtype))
