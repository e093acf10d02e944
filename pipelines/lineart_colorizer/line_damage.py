"""What hands, pencils, paper and scanners do to lines, at random: so that one network takes clean ink and pencil alike.

Drawings are (1, H, W) in [-1, 1], 1 paper and -1 ink. Every function draws from the generator it is given and nothing
else, so the same seed gives the same drawing.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from pipelines.line_extraction import EXTRACTORS

# Arguments of each extractor that another hand would draw with: (lowest, highest); whole numbers stay whole.
RANGES: dict[str, dict[str, tuple[float, float] | tuple[int, int]]] = {
    "xdog": {"sigma": (0.6, 1.3), "tau": (0.97, 0.995), "epsilon": (-0.001, 0.004), "phi": (40.0, 300.0)},
    "dilation": {"radius": (1, 2), "gain": (1.2, 4.0), "floor": (0.02, 0.1)},
    "pencil": {"sigma": (2.0, 8.0), "gain": (1.0, 2.6), "floor": (0.02, 0.12)},
    "contour": {"sigma": (0.8, 2.0), "threshold": (0.015, 0.035), "softness": (0.3, 1.5)},
}
SHARES = {"xdog": 0.35, "dilation": 0.32, "pencil": 0.2, "contour": 0.13}  # how often `random_drawing` takes which


def random_drawing(image: Tensor, rng: torch.Generator) -> Tensor:
    """A drawing of a colour picture by a random extractor in a random hand, damaged: (3, H, W) -> (1, H, W)."""
    name = list(SHARES)[int(torch.multinomial(torch.tensor(list(SHARES.values())), 1, generator=rng))]
    return damaged(legible(EXTRACTORS[name](image[None], **random_arguments(name, rng))[0]), rng)


def legible(lines: Tensor, least: float = 0.7, most: float = 4.0) -> Tensor:
    """Faint lines, as from a dim picture, inked until the darkest hundredth has `least`, `most` times over at most."""
    ink = (1 - lines) / 2
    darkest = float(torch.quantile(_sample(ink), 0.99))
    return 1 - 2 * (ink * min(max(least / max(darkest, 1e-3), 1), most)).clamp(0, 1)


def random_arguments(name: str, rng: torch.Generator) -> dict[str, float | int]:
    """Arguments for the extractor `name`, each uniform in its range of `RANGES`."""
    drawn: dict[str, float | int] = {}
    for key, (low, high) in RANGES[name].items():
        if isinstance(low, int):
            drawn[key] = int(torch.randint(int(low), int(high) + 1, (), generator=rng))
        else:
            drawn[key] = low + (high - low) * _uniform(rng)
    return drawn


def damaged(lines: Tensor, rng: torch.Generator) -> Tensor:
    """Thickness, gaps, grain, tone and hard ink, each with its chance; about one drawing in eight stays as it was."""
    if _uniform(rng) < 0.125:
        return lines
    if _uniform(rng) < 0.5:
        lines = thickness(lines, rng)
    if _uniform(rng) < 0.35:
        lines = gaps(lines, rng)
    if _uniform(rng) < 0.3:
        lines = hard_ink(lines, rng)
    elif _uniform(rng) < 0.5:
        lines = pencil_grain(lines, rng)
    if _uniform(rng) < 0.4:
        lines = paper_tone(lines, rng)
    if _uniform(rng) < 0.3:
        lines = noise(lines, rng)
    return lines.clamp(-1, 1)


def thickness(lines: Tensor, rng: torch.Generator) -> Tensor:
    """Lines that swell and thin along their way, by at most a pixel on either side.

    Where a smooth random field is positive, a share of the darkest neighbour is mixed in; where negative, of the
    brightest.
    """
    field = 0.5 * smooth_field(lines, rng, 4) + 1.4 * _uniform(rng) - 0.7
    wider, thinner = -F.max_pool2d(-lines, 3, 1, 1), F.max_pool2d(lines, 3, 1, 1)
    return lines + field.clamp(0, 1) * (wider - lines) + (-field).clamp(0, 0.4) * (thinner - lines)


def gaps(lines: Tensor, rng: torch.Generator, share: float = 0.06) -> Tensor:
    """Lines that break off: ink fades away where a random field of small spots is high, on up to 2 `share` of it."""
    field = smooth_field(lines, rng, max(2, min(lines.shape[1:]) // 14))
    limit = torch.quantile(_sample(field), 1 - 2 * share * _uniform(rng))
    return lines + (1 - lines) * ((field - limit) * 4).clamp(0, 1)


def hard_ink(lines: Tensor, rng: torch.Generator) -> Tensor:
    """Ink or paper and little between, as from a pen or a scan in black and white."""
    limit = 0.6 * _uniform(rng)
    return torch.tanh((lines - limit) * (4 + 12 * _uniform(rng)))


def pencil_grain(lines: Tensor, rng: torch.Generator) -> Tensor:
    """Ink that sits on the teeth of the paper only, and greyer than ink."""
    tooth = _blurred(torch.rand(lines.shape, generator=rng))
    tooth = (tooth - 0.5) * (2 + 3 * _uniform(rng)) + 0.5
    strength = 0.55 + 0.45 * _uniform(rng)
    depth = 0.3 + 0.6 * _uniform(rng)
    return 1 - (1 - lines) * strength * (1 - depth * tooth.clamp(0, 1))


def paper_tone(lines: Tensor, rng: torch.Generator) -> Tensor:
    """Paper that is not white, nor evenly lit, under ink that is not black."""
    paper = 1 - 0.3 * _uniform(rng) ** 2 - 0.08 * _uniform(rng) * (smooth_field(lines, rng, 2) + 1).clamp(0, 2)
    ink = 0.5 * _uniform(rng) ** 2
    share = (1 - lines) / 2  # of ink
    return paper * (1 - share) + (2 * ink - 1) * share


def noise(lines: Tensor, rng: torch.Generator) -> Tensor:
    """A scanner's noise, and specks of dust: up to one pixel in 300."""
    lines = lines + 0.08 * _uniform(rng) * torch.randn(lines.shape, generator=rng)
    specks = torch.rand(lines.shape, generator=rng) < _uniform(rng) / 300
    return torch.where(specks, lines - 0.5, lines)


def smooth_field(like: Tensor, rng: torch.Generator, cells: int) -> Tensor:
    """A smooth random field the size of `like`, about N(0, 1) at its knots: cells x cells of them."""
    coarse = torch.randn(1, 1, cells, cells, generator=rng)
    return F.interpolate(coarse, size=like.shape[-2:], mode="bilinear", align_corners=True)[0]


def _sample(field: Tensor) -> Tensor:
    """At most some thousand values of a field: enough for a quantile."""
    flat = field.flatten()
    return flat[:: max(1, len(flat) // 4096)]


def _blurred(x: Tensor) -> Tensor:
    """(1, H, W) averaged lightly over 3 x 3."""
    row = torch.tensor([0.2, 0.6, 0.2])
    kernel = torch.outer(row, row)[None, None]
    return F.conv2d(F.pad(x[None], (1, 1, 1, 1), mode="replicate"), kernel)[0]


def _uniform(rng: torch.Generator) -> float:
    return float(torch.rand((), generator=rng))
