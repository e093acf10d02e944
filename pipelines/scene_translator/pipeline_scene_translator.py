"""Translate photographs of scenes: summer and winter, cloudy and sunny."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import ModelMixin
from diffusers.pipelines.pipeline_utils import ImagePipelineOutput
from torch import Tensor

from pipelines.guided_upsampling import GuidedUpsampling
from pipelines.images import Picture, read_pictures, write_pictures
from pipelines.pretrained import PretrainedPipeline
from pipelines.tiles import Canvas, Progress, paint_tiles, shrink


class SceneTranslator(PretrainedPipeline):
    """Translate a photograph of a scene to another season or weather, at any size.

    The network runs once, on a view of the whole picture of at most `view_area` pixels; a larger picture takes the
    change over by guided upsampling, tile by tile. Its fine detail stays, it has no seams, and it costs memory for one
    tile. A picture no larger than the view is the network's own output.

    Args:
        generator: a `SceneGenerator` (the default, four targets) or the paper's `TwoWayGenerator` (two targets).
    """

    model_cpu_offload_seq = "generator"

    def __init__(self, generator: ModelMixin):
        super().__init__()
        self.register_modules(generator=generator)

    @property
    def targets(self) -> tuple[str, ...]:
        """What a picture can be translated to."""
        return tuple(self.generator.config.targets)

    @property
    def directions(self) -> tuple[tuple[str, str], ...]:
        """(source, target) of the translations that the model was trained for."""
        return tuple(tuple(direction) for direction in self.generator.directions)

    @property
    def view_area(self) -> int:
        """Pixels of the largest view that `canvas` wants to see of the whole picture."""
        return getattr(self.generator.config, "view_area", 512 * 512)

    @torch.no_grad()
    def __call__(
        self,
        image: Any,
        target: str,
        source: str | None = None,
        strength: float = 1.0,
        generator: torch.Generator | None = None,
        output_type: str = "pil",
        return_dict: bool = True,
        progress: Progress | None = None,
    ) -> ImagePipelineOutput | tuple:
        """Translate one picture or several.

        Args:
            image: a PIL image, a path, an (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) array, a (1 | 3 | 4, H, W)
                tensor in [0, 1], or a list of these, of any sizes. Transparency is kept; 16 bits are kept in "np"
                and "pt" output.
            target: what the scene is to become, one of `targets`.
            source: what it is, where you know; the pair must be one of `directions`.
            strength: 0 gives the input, 1 the translation, values between blend them.
            generator: accepted as in every pipeline; translating draws no random numbers.
            output_type: "pil", "np" (H, W, 3) in [0, 1], or "pt" (3, H, W) in [0, 1].
            return_dict: return an `ImagePipelineOutput` rather than a tuple.
            progress: called as progress(tiles done, tiles in all) for each picture; an exception raised in it stops
                the work and reaches the caller.

        Returns:
            `.images`: a list with one picture for each input, of its size.

        Raises:
            ValueError, OSError: for an input that is no picture, an unknown target or direction, or options out of
                range; the message says what was given and what is allowed.

        Example:
            >>> pipe = SceneTranslator.from_pretrained()
            >>> pipe("valley.jpg", target="winter").images[0].save("valley in winter.png")
        """
        self._check(target, source, strength)
        pictures = [self._translate(picture, target, source, strength, progress) for picture in read_pictures(image)]
        images = write_pictures(pictures, output_type)
        return ImagePipelineOutput(images=images) if return_dict else (images,)

    def canvas(
        self,
        view: np.ndarray,
        height: int,
        width: int,
        target: str = "winter",
        source: str = "",
        strength: float = 1.0,
    ) -> Canvas:
        """Get ready to translate a picture tile by tile.

        Args:
            view: the whole picture shrunk to at most `view_area` pixels, (h, w, 3) uint8 or uint16.
            height, width: size of the picture in pixels.
            target: what the scene is to become: summer, winter, cloudy or sunny.
            source: what the scene is, where known; empty: not told.
            strength: between 0, the picture as it is, and 1, the translation.

        Raises:
            ValueError: for an unknown target or direction, or `strength` out of range.
        """
        self._check(target, source, strength)
        before = to_tensor(view, self.generator.device)
        after = self._run(before, target, source) if strength else before
        return TranslationCanvas(GuidedUpsampling(before, after, height, width), strength)

    def _translate(
        self, picture: Picture, target: str, source: str | None, strength: float, progress: Progress | None
    ) -> Picture:
        view = shrink(picture.pixels, self.view_area)
        canvas = self.canvas(view, picture.height, picture.width, target, source or "", strength)
        return Picture(paint_tiles(canvas, picture.pixels, progress=progress), picture.alpha)

    @torch.no_grad()
    def _run(self, image: Tensor, target: str, source: str | None) -> Tensor:
        """The network's translation of a view, (1, 3, h, w) in [-1, 1] both."""
        height, width = image.shape[2:]
        down, right = -height % self.generator.multiple, -width % self.generator.multiple
        padded = F.pad(image, (0, right, 0, down), mode="replicate").to(self.generator.dtype)
        index = [torch.tensor([self._index(name)], device=image.device) for name in (target, source)]
        return self.generator(padded, *index)[:, :, :height, :width].float().clamp(-1, 1)

    def _index(self, name: str | None) -> int:
        return self.targets.index(name) if name else -1

    def _check(self, target: str, source: str | None, strength: float) -> None:
        if target not in self.targets:
            raise ValueError(f"target must be one of {', '.join(self.targets)}, got {target!r}.")
        if source and (source, target) not in self.directions:
            allowed = ", ".join(f"{first} to {second}" for first, second in self.directions)
            raise ValueError(f"The model knows no direction {source} to {target}. It knows {allowed}.")
        if not 0 <= strength <= 1:
            raise ValueError(f"strength must be between 0 and 1, got {strength}.")


class TranslationCanvas:
    """Lays a translation of the view out over the picture; what it does to a pixel depends on nothing around it."""

    halo: int | None = 0
    multiple = 1

    def __init__(self, change: GuidedUpsampling, strength: float):
        self.change, self.strength = change, strength

    @torch.no_grad()
    def paint(self, pixels: np.ndarray, top: int, left: int) -> np.ndarray:
        """(h, w, 3) uint8 or uint16 at (top, left) of the picture -> the same, translated."""
        before = to_tensor(pixels, self.change.change.device)
        after = self.change.apply(before, top, left)
        return to_pixels(before + self.strength * (after.clamp(-1, 1) - before), pixels.dtype)


def to_tensor(pixels: np.ndarray, device: torch.device) -> Tensor:
    """(h, w, 3) uint8 or uint16 -> (1, 3, h, w) float32 in [-1, 1]."""
    scale = float(np.iinfo(pixels.dtype).max) / 2
    return torch.from_numpy(pixels.astype(np.float32)).to(device).permute(2, 0, 1)[None] / scale - 1


def to_pixels(image: Tensor, dtype: np.dtype) -> np.ndarray:
    """(1, 3, h, w) in [-1, 1] -> (h, w, 3) uint8 or uint16, rounded."""
    scale = float(np.iinfo(dtype).max) / 2
    return ((image[0].permute(1, 2, 0) + 1) * scale).round().cpu().numpy().astype(dtype)
