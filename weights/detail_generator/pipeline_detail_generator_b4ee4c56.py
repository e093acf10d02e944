# One file that stands alone, written by the exporter of the Danqing project from its modules.
"""Make pictures of a category with their background; rebuild and vary pictures of your own."""

import io
import math
import os
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from typing import Any, ClassVar, IO

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageCms
from diffusers import DiffusionPipeline, ModelMixin
from diffusers.utils import BaseOutput
from torch import Tensor


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


class DetailGenerator(PictureReading, DiffusionPipeline):
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
