"""Lines over steps, drawn with Pillow: panels side by side with one legend."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

# Okabe and Ito (2008), told apart by people who see colours otherwise too.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
WIDTH, HEIGHT = 460, 300  # of a panel's axes
LEFT, RIGHT, TOP, BOTTOM = 76, 24, 44, 52  # around them
ROW = 22  # of the legend
DASHES = (None, (10, 5), (3, 4))  # a second and third round of the colours


@dataclass(frozen=True)
class Panel:
    """One set of axes: name -> points (x, y) of a line; a line without points is not drawn."""

    title: str
    lines: Mapping[str, Sequence[tuple[float, float]]]


def line_figure(panels: Sequence[Panel], below: str) -> Image.Image:
    """Draw panels from left to right.

    Args:
        panels: all with the same names, in the same order.
        below: what the horizontal axes show.

    Raises:
        ValueError: without panels, or if their names differ.
    """
    if not panels or any(list(panel.lines) != list(panels[0].lines) for panel in panels):
        raise ValueError("A figure needs panels, all of lines of the same names.")
    names = list(panels[0].lines)
    wide = LEFT + WIDTH + RIGHT
    high = TOP + HEIGHT + BOTTOM
    image = Image.new("RGB", (wide * len(panels), high + ROW * len(names) + 12), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    steps = [x for panel in panels for line in panel.lines.values() for x, _ in line]
    across = ticks(min(steps), max(steps)) if steps else []
    for number, panel in enumerate(panels):
        _draw_panel(draw, font, panel, number * wide + LEFT, below, across)
    for number, name in enumerate(names):
        middle = high + ROW * number + ROW // 2
        _stroke(draw, [(LEFT, middle), (LEFT + 36, middle)], number)
        draw.text((LEFT + 46, middle), name, "#222222", font, anchor="lm")
    return image


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers that cover low to high: steps of 1, 2 or 5 times a power of ten, the first not above `low`."""
    span = high - low or abs(high) or 1.0
    rough = span / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first = math.floor(low / step + 1e-9)
    last = max(first + 1, math.ceil(high / step - 1e-9))
    return [number * step for number in range(first, last + 1)]


def _draw_panel(draw: ImageDraw.ImageDraw, font, panel: Panel, left: int, below: str, across: Sequence[float]) -> None:
    """One panel whose axes begin at `left`; `across` are the horizontal ticks, the same for all panels."""
    heights = [y for line in panel.lines.values() for _, y in line]
    draw.text((left, TOP - 30), panel.title, "#222222", font)
    draw.rectangle((left, TOP, left + WIDTH, TOP + HEIGHT), outline="#888888")
    draw.text((left + WIDTH // 2, TOP + HEIGHT + 34), below, "#222222", font, anchor="mm")
    if not heights:
        draw.text((left + WIDTH // 2, TOP + HEIGHT // 2), "not logged", "#888888", font, anchor="mm")
        return
    up = ticks(min(heights), max(heights))

    def place(x: float, y: float) -> tuple[float, float]:
        share = (x - across[0]) / (across[-1] - across[0]), (y - up[0]) / (up[-1] - up[0])
        return left + share[0] * WIDTH, TOP + (1 - share[1]) * HEIGHT

    for x in across:
        draw.line([place(x, up[0]), place(x, up[-1])], "#e4e4e4")
        draw.text((place(x, up[0])[0], TOP + HEIGHT + 6), f"{x:,.6g}", "#222222", font, anchor="ma")
    for y in up:
        draw.line([place(across[0], y), place(across[-1], y)], "#e4e4e4")
        draw.text((left - 8, place(across[0], y)[1]), f"{y:,.4g}", "#222222", font, anchor="rm")
    for number, line in enumerate(panel.lines.values()):
        _stroke(draw, [place(*point) for point in line], number)


def _stroke(draw: ImageDraw.ImageDraw, points: Sequence[tuple[float, float]], number: int) -> None:
    """A line in the colour and the dashes of its number; a lone point as a dot."""
    colour = COLOURS[number % len(COLOURS)]
    dashes = DASHES[number // len(COLOURS) % len(DASHES)]
    if len(points) == 1:
        (x, y) = points[0]
        draw.ellipse((x - 3, y - 3, x + 3, y + 3), colour)
    elif dashes is None:
        draw.line(list(points), colour, 2, "curve")
    else:
        _dashed(draw, points, colour, dashes)


def _dashed(
    draw: ImageDraw.ImageDraw, points: Sequence[tuple[float, float]], colour: str, dashes: tuple[int, int]
) -> None:
    """Pieces of a line, on and off in turn along its whole length."""
    gone = 0.0
    for (x, y), (to_x, to_y) in pairwise(points):
        length = math.hypot(to_x - x, to_y - y)
        for pixel in range(math.ceil(length)):
            if (gone + pixel) % sum(dashes) < dashes[0]:
                ends = [pixel / length, min(1.0, (pixel + 1) / length)]
                draw.line([(x + (to_x - x) * share, y + (to_y - y) * share) for share in ends], colour, 2)
        gone += length
