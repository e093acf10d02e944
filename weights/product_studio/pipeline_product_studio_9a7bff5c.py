# One file that stands alone, written by the exporter of the Danqing project from its modules.
"""Make pictures of products by kind and colour, keep the good ones, and edit these or photographs of your own."""

import io
import itertools
import math
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from numbers import Real
from pathlib import Path
from typing import Any, ClassVar, IO, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageCms
from diffusers import DiffusionPipeline, ModelMixin
from diffusers.pipelines.pipeline_utils import ImagePipelineOutput
from diffusers.utils import BaseOutput
from torch import Tensor


# --- pipelines.generation.noise ---
# Latents by seed, paths between them, and sheets of pictures. This module goes into Hub files.

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


# --- pipelines.generation.requests ---
# What is asked of a generator, as numbers for its network. This module goes into Hub files.

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


# --- pipelines.generation.gate ---
# The quality gate: pictures that the judge finds too poor are made again. This module goes into Hub files.

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


# --- pipelines.generation.output ---
# What a generating pipeline hands out. This module goes into Hub files.

@dataclass
class GenerationOutput(BaseOutput):
    """Pictures made from noise, and what they were made from; a list has one entry for each picture."""

    images: list[Any]
    categories: list[str] | None = None
    colours: list[str | None] | None = None  # None where the model is told none
    seeds: list[int] | None = None
    latents: Tensor | None = None  # (N, latents): handed back in, they make the same pictures
    scores: list[float] | None = None  # the judge's, where the model has one
    accepted: list[bool] | None = None  # whether the score reaches the bar
    acceptance_rate: float | None = None  # of all candidates that were made


def export(pictures: Tensor, output_type: str) -> list[Any]:
    """(N, 3, H, W) in [-1, 1] -> PIL pictures, (H, W, 3) arrays in [0, 1] or (3, H, W) tensors in [0, 1].

    All three hold the same 8-bit values.

    Raises:
        ValueError: for another output_type.
    """
    check_output_type(output_type)
    pixels = ((pictures.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).cpu()
    if output_type == "pt":
        return list(pixels.float() / 255)
    arrays = [np.ascontiguousarray(one.permute(1, 2, 0).numpy()) for one in pixels]
    if output_type == "np":
        return [one.astype(np.float32) / 255 for one in arrays]
    return [Image.fromarray(one) for one in arrays]


def check_output_type(output_type: str) -> None:
    """Raise a ValueError for anything but "pil", "np" and "pt"."""
    if output_type not in ("pil", "np", "pt"):
        raise ValueError(f'output_type must be "pil", "np" or "pt", got {output_type!r}.')


# --- pipelines.generation.noise_sampling ---
# What pipelines that make pictures from noise have in common. This module goes into Hub files.

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


# --- pipelines.images ---
# Pictures in and out of the pipelines: whatever people hand in, decoded once, checked, and given back in kind.
#
# Inside, a picture is a `Picture`: sRGB pixels of 8 or 16 bits with the alpha plane kept apart. This module goes
# into Hub files, so it needs numpy, torch and PIL only. Uploads are hostile until proven: the type is told by
# content, never by name, the size is checked before any pixel is decoded, and no setting of PIL is changed.
#
# PIL has no 16-bit RGB: such a file is read at 8 bits here. `pipelines.large_images` keeps all 16.

MAX_PICTURE_PIXELS = 200_000_000
MAX_PICTURE_BYTES = 1 << 30
PICTURE_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "PPM", "JPEG2000", "AVIF")

# What PIL's decoders are known to raise on files that are damaged or made to harm.
_DECODE_ERRORS = (
    *(OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, EOFError, OverflowError),
    *(AttributeError, NotImplementedError, struct.error, zlib.error, Image.DecompressionBombError),
)
_FLOAT_RANGE_SLACK = 1e-3  # a quarter of an 8-bit level: rounding, not another range


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Args:
        pixels: (H, W, 3) uint8 or uint16, sRGB.
        alpha: (H, W) of the same dtype, or None for an opaque picture.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None

    @property
    def height(self) -> int:
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        return self.pixels.shape[1]


def read_picture(image: Any, *, max_pixels: int = MAX_PICTURE_PIXELS) -> Picture:
    """Decode one picture.

    PIL images and files: EXIF orientation applied, the first frame of an animation, palettes and transparent
    colours resolved, an embedded colour profile converted to sRGB (8-bit pictures only; a damaged profile counts
    as none), CMYK without profile by the plain formula. 16-bit grey keeps its 16 bits; PIL's mode "I" counts as
    16-bit grey, mode "F" as grey in [0, 1].

    Args:
        image: a path (str or `Path`), a PIL image, an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), or a
            tensor (H, W), (1, H, W), (3, H, W) or (4, H, W). Arrays and tensors are uint8, uint16, bool, or float
            in [0, 1]; float becomes 16 bits.
        max_pixels: the largest height x width accepted, checked before decoding.

    Raises:
        OSError: for a file that is missing, empty, damaged, cut short, or no picture.
        ValueError: for a picture that is too large, or values, dtypes or channel counts that are not allowed.
        TypeError: for anything else than a path, PIL image, array or tensor.
    """
    if isinstance(image, (str, os.PathLike)):
        return _read_picture_file(Path(image), max_pixels)
    if isinstance(image, Image.Image):
        return _read_pil_image(image, "The image", max_pixels)
    if isinstance(image, torch.Tensor):
        return _read_picture_tensor(image, max_pixels)
    if isinstance(image, np.ndarray):
        return _read_picture_array(image, max_pixels)
    raise TypeError(f"A picture is a path, a PIL image, an array or a tensor; got {type(image).__name__}.")


def read_pictures(image: Any, *, max_pixels: int = MAX_PICTURE_PIXELS) -> list[Picture]:
    """Decode one picture or several: what `read_picture` takes, a list of it, or a batch.

    An array batch is (B, H, W, C), a tensor batch (B, C, H, W).

    Raises:
        ValueError: for an empty list, and as `read_picture`; so for OSError and TypeError.
    """
    several = isinstance(image, (list, tuple)) or (isinstance(image, (np.ndarray, torch.Tensor)) and image.ndim == 4)
    images = list(image) if several else [image]
    if not images:
        raise ValueError("Got an empty list; hand in at least one picture.")
    return [read_picture(one, max_pixels=max_pixels) for one in images]


def write_pictures(pictures: Sequence[Picture], output_type: str = "pil") -> list[Image.Image] | Any:
    """Give pictures back in the form asked for; those with alpha have four channels.

    Args:
        pictures: any number, of any sizes.
        output_type: "pil": a list of RGB or RGBA images; 16 bits are rounded to 8, for PIL has no 16-bit RGB.
            "np": float32 (B, H, W, C) in [0, 1]. "pt": float32 (B, C, H, W) in [0, 1], on the CPU. Both keep 16-bit
            precision, and are lists of single pictures where the shapes differ.

    Raises:
        ValueError: for another `output_type`.
    """
    if output_type not in ("pil", "np", "pt"):
        raise ValueError(f'output_type must be "pil", "np" or "pt", got {output_type!r}.')
    arrays = [_join_alpha(picture) for picture in pictures]
    if output_type == "pil":
        return [Image.fromarray(_round_to_8_bit(array)) for array in arrays]
    floats = [array.astype(np.float32) / np.float32(np.iinfo(array.dtype).max) for array in arrays]
    same_shape = len({array.shape for array in floats}) == 1
    if output_type == "np":
        return np.stack(floats) if same_shape else floats
    tensors = [torch.from_numpy(array).permute(2, 0, 1).contiguous() for array in floats]
    return torch.stack(tensors) if same_shape else tensors


def profile_needs_conversion(profile: bytes, channels: int) -> bool:
    """Whether an ICC profile asks for a conversion to sRGB.

    Not so if it is sRGB under any of its names, if it is damaged, or if it was made for another number of colour
    channels than the picture has: viewers ignore such profiles, and so do we.
    """
    try:
        core = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile
    except (ImageCms.PyCMSError, OSError):
        return False
    fits = {"GRAY": 1, "RGB": 3, "CMYK": 4}.get(core.xcolor_space.strip()) == channels
    return fits and "srgb" not in (core.profile_description or "").lower()


def check_picture_size(name: str, height: int, width: int, max_pixels: int) -> None:
    """Raise a ValueError if a picture has no pixels or more than `max_pixels`."""
    if height < 1 or width < 1:
        raise ValueError(f"{name} is {width}x{height} pixels; a picture needs at least 1x1.")
    if height * width > max_pixels:
        raise ValueError(
            f"{name} is {width}x{height} = {height * width / 1e6:.1f} megapixels; "
            f"at most {max_pixels / 1e6:.1f} are allowed here."
        )


def check_picture_file(path: Path, max_bytes: int = MAX_PICTURE_BYTES) -> None:
    """Raise an OSError or ValueError if `path` is no file, is empty, or has more than `max_bytes`."""
    if not path.exists():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    if not path.is_file():
        raise OSError(f"{path.name} is not a file; hand in a picture file.")
    size = path.stat().st_size
    if size == 0:
        raise OSError(f"{path.name} is empty (0 bytes).")
    if size > max_bytes:
        raise ValueError(f"{path.name} has {size / 1e6:.0f} MB; at most {max_bytes / 1e6:.0f} MB are allowed here.")


def picture_format(prefix: bytes) -> str | None:
    """The format, one of `PICTURE_FORMATS`, whose signature the first 16 bytes of a file bear; None for no picture."""
    Image.init()
    for name in PICTURE_FORMATS:
        factory, accept = Image.OPEN.get(name, (None, None))
        answer = factory is not None and accept is not None and accept(prefix)
        if answer and not isinstance(answer, str):  # a string says why the decoder is missing
            return name
    return None


def _read_picture_file(path: Path, max_pixels: int) -> Picture:
    check_picture_file(path)
    with path.open("rb") as file:
        return _read_pil_image(_open_by_content(file, path.name), path.name, max_pixels)


def _open_by_content(file: IO[bytes], name: str) -> Image.Image:
    """Read the header with the one decoder whose signature fits.

    As `Image.open`, less its check against the process-wide `Image.MAX_IMAGE_PIXELS`: `max_pixels` decides here.
    """
    kind = picture_format(file.read(16))
    if kind is None:
        raise OSError(f"{name} is not a picture this can read; allowed are {', '.join(PICTURE_FORMATS)}.")
    file.seek(0)
    try:
        return Image.OPEN[kind][0](file, name)
    except _DECODE_ERRORS as error:
        raise OSError(f"{name} is a damaged or unsupported {kind} file ({_decoder_reason(error)}).") from error


def _read_pil_image(image: Image.Image, name: str, max_pixels: int) -> Picture:
    check_picture_size(name, image.height, image.width, max_pixels)
    try:
        image.load()
    except _DECODE_ERRORS as error:
        raise OSError(f"{name} is damaged or cut short ({_decoder_reason(error)}).") from error
    orientation = _exif_orientation(image)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        picture = _read_deep_grey(np.asarray(image), name)
    else:
        picture = _read_8_bit(image)
    alpha = None if picture.alpha is None else _turn_upright(picture.alpha, orientation)
    return Picture(_turn_upright(picture.pixels, orientation), alpha)


def _read_deep_grey(values: np.ndarray, name: str) -> Picture:
    """(H, W) of PIL's modes "I;16", "I" and "F" -> 16-bit grey."""
    if values.dtype.kind == "f":
        return Picture(_three_channels(_float_to_16_bit(values, f"{name} (mode F)")[..., None]))
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        raise ValueError(f"{name} has integer values from {low} to {high}; 0 to 65535 (16 bits) are allowed.")
    return Picture(_three_channels(values.astype(np.uint16)[..., None]))


def _read_8_bit(image: Image.Image) -> Picture:
    profile, alpha = image.info.get("icc_profile"), None
    if image.mode == "La":
        image = image.convert("LA")  # the only way out of premultiplied grey
    if image.has_transparency_data:
        whole = image.convert("RGBA")
        alpha = np.asarray(whole.getchannel("A"))
        image = whole.convert("RGB") if image.mode != "LA" else whole.getchannel("R")
    elif image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("RGB")
    if profile and profile_needs_conversion(profile, len(image.getbands())):
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        image = image if converted is None else converted
    return Picture(np.asarray(image.convert("RGB")), alpha)


def _exif_orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(0x0112, 1)
    except _DECODE_ERRORS:
        return 1  # a damaged tag block must not cost the picture


def _turn_upright(array: np.ndarray, orientation: int) -> np.ndarray:
    """Turn (H, W, ...) upright; EXIF 2.32, tag 0x0112, values 2 to 8."""
    if orientation in (5, 6, 7, 8):
        array = np.swapaxes(array, 0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)


def _read_picture_tensor(tensor: torch.Tensor, max_pixels: int) -> Picture:
    if tensor.ndim not in (2, 3) or (tensor.ndim == 3 and tensor.shape[0] not in (1, 3, 4)):
        raise ValueError(f"A tensor must be (C, H, W) with 1, 3 or 4 channels, got {tuple(tensor.shape)}.")
    check_picture_size("The tensor", *tensor.shape[-2:], max_pixels)
    tensor = tensor.detach().cpu()
    array = (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    return _from_channels(array[..., None] if array.ndim == 2 else np.moveaxis(array, 0, 2), "The tensor")


def _read_picture_array(array: np.ndarray, max_pixels: int) -> Picture:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise ValueError(f"An array must be (H, W) or (H, W, C) with 1, 3 or 4 channels, got {array.shape}.")
    check_picture_size("The array", *array.shape[:2], max_pixels)
    return _from_channels(array[..., None] if array.ndim == 2 else array, "The array")


def _from_channels(array: np.ndarray, name: str) -> Picture:
    """(H, W, 1 | 3 | 4) of any allowed dtype -> Picture."""
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * np.uint8(255)
    elif array.dtype.kind == "f":
        array = _float_to_16_bit(array, name)
    elif array.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"{name} has dtype {array.dtype}; allowed are uint8, uint16, bool, and float in [0, 1].")
    if array.shape[2] == 4:
        return Picture(np.ascontiguousarray(array[..., :3]), np.ascontiguousarray(array[..., 3]))
    return Picture(_three_channels(array))


def _float_to_16_bit(values: np.ndarray, name: str) -> np.ndarray:
    """Float in [0, 1] -> uint16."""
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(f"{name} holds NaN or infinite values; allowed are numbers in [0, 1].")
    if low < -_FLOAT_RANGE_SLACK or high > 1 + _FLOAT_RANGE_SLACK:
        raise ValueError(f"{name} has values from {low:.4g} to {high:.4g}; float pictures must be in [0, 1].")
    # In float32 65535 * x + 0.5 rounds right for every k / 255 and k / 65535; float16 could not hold it.
    clipped = np.clip(values, 0, 1).astype(np.float32, copy=False)
    return (clipped * np.float32(65535) + np.float32(0.5)).astype(np.uint16)


def _three_channels(array: np.ndarray) -> np.ndarray:
    """(H, W, 1 | 3) -> contiguous (H, W, 3) that shares no memory with the caller's grey."""
    return np.repeat(array, 3, axis=2) if array.shape[2] == 1 else np.ascontiguousarray(array)


def _join_alpha(picture: Picture) -> np.ndarray:
    return picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])


def _round_to_8_bit(array: np.ndarray) -> np.ndarray:
    """uint8 unchanged; uint16 rounded to the nearest of 256 levels (65535 = 255 * 257)."""
    return array if array.dtype == np.uint8 else ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _decoder_reason(error: BaseException) -> str:
    return str(error).split("\n")[0].rstrip(".")[:120] or type(error).__name__


# --- pipelines.generation.reading ---
# Pictures of one's own, rebuilt and varied through the encoder. This module goes into Hub files.

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


# --- pipelines.sampling ---
# Read a coarse grid that lies over a whole picture at the pixels of one of its tiles.
#
# This module needs torch only and goes into Hub files.

def sample_bilinear(
    grid: Tensor, size: tuple[int, int], corner: tuple[int, int], scale: tuple[float, float], stride: int = 1
) -> Tensor:
    """Read the grid, bilinearly, at the centres of a tile's blocks of `stride` x `stride` pixels.

    Positions follow from a block's place in the whole picture alone, so neighbouring tiles read the same values. The
    two axes are done one after the other, each as a weighted sum of two gathered lines.

    Args:
        grid: (B, C, h, w) over the whole picture.
        size: (rows, columns) of blocks in the tile.
        corner: (top, left) of the tile, in pixels of the picture.
        scale: cells of the grid for each pixel of the picture, (rows, columns).
        stride: side of a block; 1 reads at every pixel.

    Returns:
        (B, C, *size).
    """
    for axis, count in ((2, size[0]), (3, size[1])):
        cells, start, step = grid.shape[axis], corner[axis - 2], scale[axis - 2]
        blocks = torch.arange(count, device=grid.device, dtype=torch.float64)
        centres = ((blocks + 0.5) * stride + start) * step - 0.5
        centres = centres.clamp(0, cells - 1)
        low = centres.floor().long().clamp_max(max(cells - 2, 0))
        share = (centres - low).to(grid.dtype).view((-1, 1) if axis == 2 else (-1,))
        high = (low + 1).clamp_max(cells - 1)
        grid = grid.index_select(axis, low) * (1 - share) + grid.index_select(axis, high) * share
    return grid


# --- pipelines.guided_upsampling ---
# Carry a change made to a small view over to the full-size picture, tile by tile and without seams.
#
# On the view the change is fitted, around every pixel, by an affine map of colours (the guided filter, He et al., 2013,
# https://doi.org/10.1109/TPAMI.2012.213; on a small view first, He and Sun, 2015, https://arxiv.org/abs/1505.00996). The
# maps are smooth, so they can be read between pixels, and are applied to the full-size picture, whose detail they keep.
# What no map explains, new texture, is read from the view itself and added. At the view's own size the two are together
# the change exactly. This module needs torch only and goes into Hub files.

class GuidedUpsampling:
    """The change from `before` to `after`, ready to be applied to any part of a larger picture.

    Args:
        before, after: (1, 3, h, w) float, the view and what became of it.
        height, width: of the full-size picture, at least h and w.
        radius: of the windows the maps are fitted in, in pixels of the view.
        eps: how little colours may vary in a window before the map is held to an offset, as a variance.
    """

    def __init__(self, before: Tensor, after: Tensor, height: int, width: int, radius: int = 4, eps: float = 1e-3):
        self.scale = (before.shape[2] / height, before.shape[3] / width)
        self.exact = self.scale == (1.0, 1.0)
        self.change = after - before
        if not self.exact:
            maps = box_mean(affine_maps(before, self.change, radius, eps), radius)
            rest = self.change - apply_maps(maps, before)
            self.maps = torch.cat([maps, rest], dim=1)

    def apply(self, picture: Tensor, top: int, left: int) -> Tensor:
        """Change the part (1, 3, H, W) of the full-size picture whose first pixel is (top, left)."""
        height, width = picture.shape[2:]
        if self.exact:
            return picture + self.change[:, :, top : top + height, left : left + width]
        maps = sample_bilinear(self.maps, (height, width), (top, left), self.scale)
        return picture + apply_maps(maps[:, :12], picture) + maps[:, 12:]


def affine_maps(guide: Tensor, target: Tensor, radius: int, eps: float) -> Tensor:
    """Least squares, in a window around each pixel: target ~ M guide + b, with M damped by `eps`.

    Args:
        guide, target: (B, 3, h, w).

    Returns:
        (B, 12, h, w): for each channel of the target three weights and an offset.
    """
    mean_g, mean_t = box_mean(guide, radius), box_mean(target, radius)
    products = (guide[:, :, None] * guide[:, None]).flatten(1, 2)
    covariance = box_mean(products, radius).unflatten(1, (3, 3)) - mean_g[:, :, None] * mean_g[:, None]
    products = (target[:, :, None] * guide[:, None]).flatten(1, 2)
    cross = box_mean(products, radius).unflatten(1, (3, 3)) - mean_t[:, :, None] * mean_g[:, None]
    damped = covariance.permute(0, 3, 4, 1, 2).double() + eps * torch.eye(3, dtype=torch.float64, device=guide.device)
    weights = torch.linalg.solve(damped, cross.permute(0, 3, 4, 2, 1).double())  # (B, h, w, guide, target)
    weights = weights.permute(0, 4, 3, 1, 2).to(guide.dtype)  # (B, target, guide, h, w)
    offset = mean_t - (weights * mean_g[:, None]).sum(2)
    return torch.cat([weights, offset[:, :, None]], dim=2).flatten(1, 2)


def apply_maps(maps: Tensor, picture: Tensor) -> Tensor:
    """(B, 12, h, w) as `affine_maps` gives them, on (B, 3, h, w) -> (B, 3, h, w)."""
    maps = maps.unflatten(1, (3, 4))
    return (maps[:, :, :3] * picture[:, None]).sum(2) + maps[:, :, 3]


def box_mean(x: Tensor, radius: int) -> Tensor:
    """Mean over the (2 radius + 1)^2 window around each pixel, cut off at the border; (B, C, h, w) both."""
    kernel = 2 * radius + 1
    for size in ((kernel, 1), (1, kernel)):
        padding = (size[0] // 2, size[1] // 2)
        x = F.avg_pool2d(x, size, stride=1, padding=padding, count_include_pad=False)
    return x


# --- pipelines.tiles ---
# Pictures of any size, piece by piece: tiles with halos, and the small view of the whole that steers them.
#
# A network of bounded receptive field gives each pixel the same value from a tile with a wide enough halo as from the
# whole picture; what the whole picture decides reaches it through the view, and through a few samples at full size where
# a pipeline wants them. This module needs numpy only and goes
# into Hub files. `paint_tiles` is the loop in memory, `pipelines.large_images` the one for files.

Progress = Callable[[int, int], None]
"""Called with (tiles done, tiles in all) after each tile; an exception raised inside cancels the work."""

MOST_SAMPLES = 9  # of a picture: enough for a mean, little beside a large picture's tiles
_ROWS_PER_SHRINK_STEP = 64  # rows taken at once: few enough to stay in the processor's cache


class Canvas(Protocol):
    """One picture being painted: what a pipeline's `canvas(view, height, width, **options)` returns.

    `halo` is how many pixels around a pixel can change its result, None if all of them can; `multiple` is the
    network's stride: tiles start at multiples of it.
    """

    halo: int | None
    multiple: int

    def paint(self, pixels: np.ndarray, top: int, left: int) -> np.ndarray:
        """Paint the part (h, w, 3) uint8 or uint16 whose first pixel is (top, left): same shape, same dtype."""
        ...


@dataclass(frozen=True)
class Sample:
    """A part of a picture at full size: (h, w, 3) `pixels` whose first is (top, left), both even."""

    top: int
    left: int
    pixels: np.ndarray


@dataclass(frozen=True)
class Tile:
    """One step of the loop, in pixels of the whole picture: paint the outer box, keep the inner one."""

    top: int
    left: int
    bottom: int
    right: int
    outer_top: int
    outer_left: int
    outer_bottom: int
    outer_right: int

    def inner_of(self, painted: np.ndarray) -> np.ndarray:
        """Cut the inner box from the painted outer box (h, w, ...)."""
        rows = slice(self.top - self.outer_top, self.bottom - self.outer_top)
        return painted[rows, self.left - self.outer_left : self.right - self.outer_left]


def tiles(
    height: int,
    width: int,
    tile: int | tuple[int, int],
    halo: int | None,
    multiple: int = 1,
    offset: tuple[int, int] = (0, 0),
) -> Iterator[Tile]:
    """Cover a picture with tiles, row by row; inner boxes neither overlap nor leave a gap.

    Args:
        height, width: of the picture, at least 1.
        tile: side of the inner box, or its (height, width); rounded up to a multiple of `multiple`.
        halo: pixels around the inner box, rounded up likewise and clipped at the picture's border, so that a network
            pads there as it would the whole picture. None: a single tile.
        multiple: all boxes start at multiples of it.
        offset: (rows, columns) by which the grid is shifted, rounded up likewise: the first tiles end there.

    Raises:
        ValueError: for sizes below 1, a negative halo or a negative offset.
    """
    tile_height, tile_width = tile_shape(tile, multiple)
    if height < 1 or width < 1 or (halo is not None and halo < 0):
        raise ValueError(f"Cannot tile {width}x{height} with halo {halo}: sides must be at least 1, halo at least 0.")
    if halo is None:
        yield Tile(0, 0, height, width, 0, 0, height, width)
        return
    halo = _round_up_to_multiple(halo, multiple)
    rows = _cuts(height, tile_height, offset[0], multiple)
    columns = _cuts(width, tile_width, offset[1], multiple)
    for top, bottom in itertools.pairwise(rows):
        for left, right in itertools.pairwise(columns):
            outer = (max(top - halo, 0), max(left - halo, 0), min(bottom + halo, height), min(right + halo, width))
            yield Tile(top, left, bottom, right, *outer)


def tile_shape(tile: int | tuple[int, int], multiple: int = 1) -> tuple[int, int]:
    """(height, width) of the inner boxes that `tiles` cuts; ValueError for a side below 1."""
    sides = (tile, tile) if isinstance(tile, int) else tile
    if min(sides) < 1 or multiple < 1:
        raise ValueError(f"tile and multiple must be at least 1, got tile={tile}, multiple={multiple}.")
    return _round_up_to_multiple(sides[0], multiple), _round_up_to_multiple(sides[1], multiple)


def count_tiles(
    height: int,
    width: int,
    tile: int | tuple[int, int],
    halo: int | None,
    multiple: int = 1,
    offset: tuple[int, int] = (0, 0),
) -> int:
    """How many tiles `tiles` yields."""
    if halo is None:
        return 1
    sides = zip((height, width), tile_shape(tile, multiple), offset, strict=True)
    return math.prod(len(_cuts(side, step, shift, multiple)) - 1 for side, step, shift in sides)


def paint_tiles(
    canvas: Canvas,
    pixels: np.ndarray,
    tile: int | tuple[int, int] = 1024,
    progress: Progress | None = None,
    offset: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """Paint a picture in memory, tile by tile.

    Args:
        canvas: made for this picture.
        pixels: (H, W, 3) uint8 or uint16.
        tile: side of a tile; the result does not depend on it.
        progress: called after each tile.
        offset: (rows, columns) by which the grid of tiles is shifted; nor does it depend on that.

    Returns:
        (H, W, 3) of the same dtype.
    """
    height, width = pixels.shape[:2]
    painted = np.empty_like(pixels)
    layout = (height, width, tile, canvas.halo, canvas.multiple, offset)
    total = count_tiles(*layout)
    for done, box in enumerate(tiles(*layout), start=1):
        part = pixels[box.outer_top : box.outer_bottom, box.outer_left : box.outer_right]
        painted[box.top : box.bottom, box.left : box.right] = box.inner_of(
            canvas.paint(np.ascontiguousarray(part), box.outer_top, box.outer_left)
        )
        if progress is not None:
            progress(done, total)
    return painted


def view_size(height: int, width: int, max_area: int) -> tuple[int, int]:
    """(height, width) of the view: at most `max_area` pixels, sides in proportion, at least 1, never enlarged.

    Raises:
        ValueError: for sizes or an area below 1.
    """
    if min(height, width, max_area) < 1:
        raise ValueError(f"Sizes must be at least 1, got {width}x{height} and max_area={max_area}.")
    if height * width <= max_area:
        return height, width
    scale = math.sqrt(max_area / (height * width))
    view_height, view_width = max(1, int(height * scale)), max(1, int(width * scale))
    return min(view_height, max_area // view_width or 1), min(view_width, max_area)


def shrink(pixels: np.ndarray, max_area: int) -> np.ndarray:
    """The view: (H, W, 3) uint8 or uint16, shrunk to `view_size` by the mean over each new pixel's area."""
    old = pixels.shape[:2]
    new = view_size(*old, max_area)
    if new == old:
        return pixels
    view = AreaShrink(old, new, pixels.dtype)
    view.add(pixels)
    return view.result()


def sample(pixels: np.ndarray, side: int) -> list[Sample]:
    """The samples of a picture in memory, (H, W, 3): see `Samples`."""
    samples = Samples(pixels.shape[0], pixels.shape[1], side, pixels.dtype)
    samples.add(pixels)
    return samples.result()


class Samples:
    """At most `MOST_SAMPLES` squares of a picture, evenly spread over it, cut from its rows as they come from the top.

    Args:
        height, width: of the picture.
        side: of the squares, even; a side of the picture that is shorter is taken whole. A picture that does not hold
            two of them gives none, and so does a side of 0.
        dtype: of the rows.
    """

    def __init__(self, height: int, width: int, side: int, dtype: np.dtype | type):
        self._rows, self._parts = 0, list[Sample]()
        if side < 1:
            return
        down, across = max(height // side, 1), max(width // side, 1)
        if down * across < 2:
            return
        if down * across > MOST_SAMPLES:
            down = min(max(round(math.sqrt(MOST_SAMPLES * height / width)), 1), down, MOST_SAMPLES)
            across = min(MOST_SAMPLES // down, across)
        shape = (min(side, height), min(side, width), 3)
        places = itertools.product(_starts(height, side, down), _starts(width, side, across))
        self._parts = [Sample(top, left, np.empty(shape, dtype)) for top, left in places]

    def add(self, rows: np.ndarray) -> None:
        """Take the next rows, (h, W, 3)."""
        above, below = self._rows, self._rows + len(rows)
        for part in self._parts:
            height, width = part.pixels.shape[:2]
            first, last = max(part.top, above), min(part.top + height, below)
            if first < last:
                taken = rows[first - above : last - above, part.left : part.left + width]
                part.pixels[first - part.top : last - part.top] = taken
        self._rows = below

    def result(self) -> list[Sample]:
        """All samples, once all rows have come."""
        return self._parts


class AreaShrink:
    """The area filter of `shrink`, fed rows from the top, in portions of any height.

    All sums are whole numbers: an old pixel i covers [i * new, (i + 1) * new) and a new pixel j covers
    [j * old, (j + 1) * old) of the same axis. So the result does not depend on the portions, not even in a last bit.

    Args:
        old, new: (height, width), new no larger than old.
        dtype: uint8 or uint16.

    Raises:
        ValueError: if `new` is larger than `old` or below 1, or the dtype is another.
    """

    def __init__(self, old: tuple[int, int], new: tuple[int, int], dtype: np.dtype | type):
        if not (1 <= new[0] <= old[0] and 1 <= new[1] <= old[1]):
            raise ValueError(f"Cannot shrink {old[1]}x{old[0]} to {new[1]}x{new[0]}.")
        if np.dtype(dtype) not in (np.uint8, np.uint16):
            raise ValueError(f"Cannot shrink dtype {np.dtype(dtype)}; allowed are uint8 and uint16.")
        self.old, self.new, self.dtype, self.rows = old, new, np.dtype(dtype), 0
        self._sums = np.zeros((*new, 3), np.int64)
        edges = np.arange(new[1] + 1) * old[1]
        # Column that each new pixel's edge falls in, and how far into it, in 1 / new of a column.
        self._column, self._offset = edges // new[1], (edges % new[1])[:, None]

    def add(self, rows: np.ndarray) -> None:
        """Take the next rows, (h, W, 3)."""
        for start in range(0, len(rows), _ROWS_PER_SHRINK_STEP):
            self._add(rows[start : start + _ROWS_PER_SHRINK_STEP])

    def result(self) -> np.ndarray:
        """The new picture, rounded half up; ValueError if rows are missing."""
        if self.rows != self.old[0]:
            raise ValueError(f"Got {self.rows} of {self.old[0]} rows.")
        area = self.old[0] * self.old[1]
        return ((2 * self._sums + area) // (2 * area)).astype(self.dtype)

    def _add(self, rows: np.ndarray) -> None:
        (old_height, old_width), (new_height, _) = self.old, self.new
        old = np.arange(self.rows, self.rows + len(rows))
        first, last = old[0] * new_height // old_height, ((old[-1] + 1) * new_height - 1) // old_height
        new = np.arange(first, last + 1)[:, None]
        overlap = np.minimum((old + 1) * new_height, (new + 1) * old_height) - np.maximum(
            old * new_height, new * old_height
        )
        # A product of whole numbers far below 2^53: exact in float64, where it runs on BLAS.
        weights = overlap.clip(0).astype(np.float64)
        summed = (weights @ rows.reshape(len(rows), -1).astype(np.float64)).astype(np.int64)
        self._sums[first : last + 1] += self._across(summed.reshape(len(new), old_width, 3))
        self.rows += len(rows)

    def _across(self, rows: np.ndarray) -> np.ndarray:
        """Sum (h, W, 3) over the columns of each new pixel -> (h, new width, 3)."""
        before = np.zeros((len(rows), rows.shape[1] + 1, 3), np.int64)
        np.cumsum(rows, axis=1, out=before[:, 1:])
        whole = np.diff(before[:, self._column], axis=1) * self.new[1]
        inside = np.minimum(self._column, rows.shape[1] - 1)  # the last edge lies behind the last column, offset 0
        return whole + np.diff(rows[:, inside] * self._offset, axis=1)


def _cuts(side: int, step: int, offset: int, multiple: int) -> list[int]:
    """Where tiles of `step` pixels begin and end along one side: 0, offset, offset + step, ..., side."""
    if offset < 0:
        raise ValueError(f"A grid of tiles is shifted by 0 pixels or more, got {offset}.")
    first = _round_up_to_multiple(offset, multiple) % step
    return [0, *range(first or step, side, step), side]


def _starts(length: int, side: int, count: int) -> list[int]:
    """Where squares begin that are spread over a length; even numbers."""
    spare = max(length - side, 0)
    return [int(start / 2) * 2 for start in (np.linspace(0, spare, count) if count > 1 else [spare / 2])]


def _round_up_to_multiple(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


# --- pipelines.product_studio.editing_steps ---
# The steps of an edit, on pictures of any size: restore, correct the tone, cut out, style.
#
# Restoring runs tile by tile, and a tile gives what the whole picture would. Tone, mask and style are decided on a small
# view of the whole picture and carried over to its pixels. In a view, transparent parts count as white.

EDIT_TILE = 512
_TONE_AREA = 256 * 256  # px of the view that the tone is decided on
_FRAME = 16  # px of border repeated around a view that is styled: VGG-16 pads with zeros, which would show as a frame
_LEVELS = (0.08, 0.92)  # opacities that become 0 and 1: a clean background is white, not nearly so

Paint = Callable[[np.ndarray, int, int], Tensor]
"""(pixels of a part, top, left) -> (1, 3, h, w) in [-1, 1], or twice as large."""


@torch.no_grad()
def enhanced(network: Any, name: str, picture: Picture, progress: Progress) -> Picture:
    """One enhancement of one picture."""
    if name == "tone":
        plan = network.plan(view_over_white(picture, _TONE_AREA, network))
        return painted(
            picture, lambda part, top, left: network.corrected(as_image(part, network), plan), 0, 1, progress
        )
    if name == "cutout":
        opacity = opacity_of(network, picture)

        def on_white(part: np.ndarray, top: int, left: int) -> Tensor:
            image = as_image(part, network)
            return 1 + (image - 1) * opacity(image, top, left)

        return painted(picture, on_white, 0, 1, progress)
    check_picture_size(
        "The enlarged picture", picture.height * network.scale, picture.width * network.scale, MAX_PICTURE_PIXELS
    )
    return painted(picture, lambda part, top, left: restored(network, part), network.field, network.scale, progress)


def restored(network: Any, part: np.ndarray) -> Tensor:
    """What a `Restorer` makes of a part; an odd row or column is repeated for the network, and cut off again."""
    height, width = part.shape[:2]
    image = as_image(part, network)
    image = F.pad(image, (0, -width % network.multiple, 0, -height % network.multiple), mode="replicate")
    output = network(image.to(network.dtype)).float()
    return output[:, :, : height * network.scale, : width * network.scale]


@torch.no_grad()
def styled_picture(
    network: Any, picture: Picture, code: Tensor, strength: float, opacity: "Opacity | None", progress: Progress
) -> Picture:
    """A picture in the style of a code: the view is styled, and the change carried over.

    Args:
        network: a `StyleNetwork`.
        strength: 0 leaves the picture as it is, 1 gives the style wholly.
        opacity: of the product, where the rest is to stay; None: all of the picture is styled.
    """
    before = view_over_white(picture, network.config["view_area"], network)
    height, width = before.shape[2:]
    room = [max(-side % network.multiple, 4 * network.multiple - side) for side in (width, height)]
    frame = (_FRAME, _FRAME + room[0], _FRAME, _FRAME + room[1])
    weight = torch.ones_like(before[:, :1]) if opacity is None else opacity.at_size(height, width)
    wide, counted = F.pad(before, frame, mode="replicate"), F.pad(weight, frame)
    styled = network(wide.to(network.dtype), code.to(network.dtype), counted.to(network.dtype)).float()
    after = styled[:, :, _FRAME : _FRAME + height, _FRAME : _FRAME + width].clamp(-1, 1)
    change = GuidedUpsampling(before, after, picture.height, picture.width)

    def in_style(part: np.ndarray, top: int, left: int) -> Tensor:
        image = as_image(part, network)
        moved = strength * (change.apply(image, top, left).clamp(-1, 1) - image)
        return image + (moved if opacity is None else moved * opacity(image, top, left))

    return painted(picture, in_style, 0, 1, progress)


class Opacity:
    """How much of each pixel is product, for any part of a picture.

    Args:
        view: (1, 3, h, w) in [-1, 1], what the network saw.
        mask: (1, 1, h, w) in [0, 1], what it said.
        height, width: of the picture.
    """

    def __init__(self, view: Tensor, mask: Tensor, height: int, width: int):
        self.mask = mask
        self._carried = GuidedUpsampling(view, view + mask, height, width)

    def __call__(self, image: Tensor, top: int, left: int) -> Tensor:
        """The part (1, 3, h, w) in [-1, 1] of the picture at (top, left) -> (1, 1, h, w) in [0, 1]."""
        low, high = _LEVELS
        opacity = (self._carried.apply(image, top, left) - image).mean(1, keepdim=True)
        return ((opacity - low) / (high - low)).clamp(0, 1)

    def at_size(self, height: int, width: int) -> Tensor:
        """The mask as the network gave it, resized, (1, 1, height, width)."""
        return F.interpolate(self.mask, (height, width), mode="bilinear", align_corners=False)


@torch.no_grad()
def opacity_of(network: Any, picture: Picture) -> Opacity:
    """Ask a `CutoutNetwork` for the mask of a picture."""
    side = network.config["view"]
    factor = min(1.0, side / max(picture.height, picture.width))
    size = (max(1, picture.height * factor), max(1, picture.width * factor))
    view = at_multiples(view_over_white(picture, 4 * side * side, network), network.multiple, size, smallest=2)
    mask = network(view.to(network.dtype)).float().sigmoid()
    return Opacity(view, mask, picture.height, picture.width)


def painted(picture: Picture, paint: Paint, halo: int, scale: int, progress: Progress) -> Picture:
    """Paint a picture tile by tile.

    Args:
        paint: sees a tile with its halo.
        halo: pixels around a pixel that can change its result.
        scale: how much larger the result is.
    """
    height, width = picture.height, picture.width
    pixels = np.empty((height * scale, width * scale, 3), picture.pixels.dtype)
    total = count_tiles(height, width, EDIT_TILE, halo, 2)
    for done, box in enumerate(tiles(height, width, EDIT_TILE, halo, 2), start=1):
        part = picture.pixels[box.outer_top : box.outer_bottom, box.outer_left : box.outer_right]
        whole = as_pixels(paint(np.ascontiguousarray(part), box.outer_top, box.outer_left), pixels.dtype)
        rows = slice(scale * (box.top - box.outer_top), scale * (box.bottom - box.outer_top))
        columns = slice(scale * (box.left - box.outer_left), scale * (box.right - box.outer_left))
        pixels[scale * box.top : scale * box.bottom, scale * box.left : scale * box.right] = whole[rows, columns]
        progress(done, total)
    return Picture(pixels, enlarged_alpha(picture.alpha, scale))


def enlarged_alpha(alpha: np.ndarray | None, scale: int) -> np.ndarray | None:
    """Transparency at `scale` times the size, bilinearly; (H, W) both."""
    if alpha is None or scale == 1:
        return alpha
    plane = torch.from_numpy(alpha.astype(np.float32))[None, None]
    plane = F.interpolate(plane, scale_factor=scale, mode="bilinear", align_corners=False)
    return plane[0, 0].round().numpy().astype(alpha.dtype)


def view_over_white(picture: Picture, max_area: int, network: Any) -> Tensor:
    """The picture shrunk to at most `max_area` pixels, transparent parts over white, (1, 3, h, w) in [-1, 1]."""
    image = as_image(shrink(picture.pixels, max_area), network)
    if picture.alpha is None:
        return image
    planes = np.ascontiguousarray(np.repeat(picture.alpha[..., None], 3, axis=2))
    opacity = (as_image(shrink(planes, max_area), network) + 1) / 2
    return 1 + (image - 1) * opacity


def at_multiples(view: Tensor, multiple: int, size: Sequence[float], smallest: int = 4) -> Tensor:
    """Resize a view to the nearest sides that are multiples of `multiple`, at least `smallest` of them."""
    sides = [max(smallest, round(side / multiple)) * multiple for side in size]
    if sides == list(view.shape[2:]):
        return view
    return F.interpolate(view, sides, mode="bilinear", align_corners=False, antialias=True)


def as_image(pixels: np.ndarray, network: Any) -> Tensor:
    """(h, w, 3) uint8 or uint16 -> (1, 3, h, w) float32 in [-1, 1] on the network's device."""
    half = float(np.iinfo(pixels.dtype).max) / 2
    return torch.from_numpy(pixels.astype(np.float32)).to(network.device).permute(2, 0, 1)[None] / half - 1


def as_pixels(image: Tensor, dtype: np.dtype) -> np.ndarray:
    """(1, 3, h, w) in [-1, 1] and somewhat beyond -> (h, w, 3) uint8 or uint16, rounded."""
    top = float(np.iinfo(dtype).max)
    return ((image[0].permute(1, 2, 0) + 1) * (top / 2)).round().clamp(0, top).cpu().numpy().astype(dtype)


# --- pipelines.product_studio.editing ---
# Edit pictures: enhance them, and give them a style. What `ProductStudio.edit` does, step by step.
#
# Every step takes a `Picture` of any size and gives one back; 16 bits and transparency are kept. How each step works
# says `editing_steps`.

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


class ProductStudio(PictureReading, PictureEditing, DiffusionPipeline):
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
