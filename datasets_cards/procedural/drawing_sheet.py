"""Two sheets drawn on at once, one for the lines, one for the colours; what is in front covers what is behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageChops, ImageDraw
from scipy.ndimage import gaussian_filter

from datasets_cards.procedural.drawing_palettes import Colour, mixed, shifted
from datasets_cards.procedural.drawing_strokes import Hand, Points, drawn, ellipse, smooth

_LIGHT = (-0.55, -0.83)  # where it comes from: above, from the left


@dataclass(frozen=True)
class Place:
    """Where a part lies on the sheet: its own coordinates p become `matrix` @ p + `origin`."""

    matrix: np.ndarray = field(default_factory=lambda: np.eye(2))  # (2, 2)
    origin: np.ndarray = field(default_factory=lambda: np.zeros(2))  # (2,)

    def __call__(self, points: Points) -> np.ndarray:
        """(N, 2) in the part's coordinates -> on the sheet."""
        return np.asarray(points, float) @ self.matrix.T + self.origin

    def inside(self, x: float, y: float, size: float, turn: float, mirrored: bool) -> "Place":
        """A place within this one, see `Sheet.at`."""
        cos, sin = np.cos(turn) * size, np.sin(turn) * size
        own = np.array([[cos, -sin], [sin, cos]]) @ np.diag([-1.0 if mirrored else 1.0, 1.0])
        return Place(self.matrix @ own, self([(x, y)])[0])

    @property
    def size(self) -> float:
        """How long a length of 1 is on the sheet."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix))))


class Sheet:
    """A drawing being made. The origin is the middle, the short side is 1, y grows downwards.

    Args:
        width, height: in pixels.
        hand: who draws the lines.
        palette: colours by role.
        rng: source of the hand's errors.
    """

    def __init__(self, width: int, height: int, hand: Hand, palette: dict[str, Colour], rng: np.random.Generator):
        self.size, self.hand, self.palette, self.rng = (width, height), hand, palette, rng
        self.over = 3 if max(width, height) <= 1024 else 2 if max(width, height) <= 2048 else 1  # supersampling
        large = (width * self.over, height * self.over)
        self.unit = min(large)  # pixels of a length of 1
        self.right, self.bottom = width / min(width, height) / 2, height / min(width, height) / 2
        self.lines = Image.new("L", large, 255)
        self.colours = Image.new("RGB", large, palette["light"])
        self.place = Place()

    @contextmanager
    def at(
        self, x: float = 0.0, y: float = 0.0, size: float = 1.0, turn: float = 0.0, mirrored: bool = False
    ) -> Iterator[None]:
        """Draw a part in coordinates of its own: mirrored, scaled, turned clockwise by radians, moved to (x, y)."""
        outer = self.place
        self.place = outer.inside(x, y, size, turn, mirrored)
        try:
            yield
        finally:
            self.place = outer

    def colour(self, colour: str | Colour) -> Colour:
        """A role's colour; a colour itself stays."""
        return self.palette[colour] if isinstance(colour, str) else colour

    def shape(
        self, points: Points, colour: str | Colour, *, curved: bool = True, weight: float = 1.0, shade: float = 0.0
    ) -> None:
        """Fill a closed outline, hiding what lies behind, and draw it.

        Args:
            points: corners, or points of a smooth outline where `curved`.
            colour: of the inside.
            curved: through the points by a curve.
            weight: of the line; 0 leaves it out.
            shade: width of the shadow along the side away from the light; 0 for none.
        """
        outline = self.place(smooth(points, closed=True) if curved else np.asarray(points, float))
        self._fill(outline, self.colour(colour), shade * self.place.size)
        ImageDraw.Draw(self.lines).polygon(self._pixels(outline), fill=255)
        if weight:
            self._stroke(np.concatenate([outline, outline[:1]]), weight, tapered=False)

    def disc(self, x: float, y: float, radius: float, colour: str | Colour, *, high: float = 0.0, **how: float) -> None:
        """Fill and draw a disc, or an ellipse with `high` for its upright half axis; `how` as in `shape`."""
        self.shape(ellipse(x, y, radius, high or radius), colour, curved=False, **how)

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: str | Colour, **how: float) -> None:
        """Fill and draw an upright rectangle; `how` as in `shape`."""
        self.shape([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour, curved=False, **how)

    def ground(self, tops: Points, colour: str | Colour, *, weight: float = 1.0, shade: float = 0.0) -> None:
        """Fill and draw all that lies below a line that crosses the sheet from left to right, see `shape`."""
        tops = np.asarray(tops, float)
        first, last, below = tops[0], tops[-1], self.bottom + 0.1
        foot = [(last[0], below)] * 2 + [(first[0], below)] * 2
        self.shape(np.concatenate([[first], tops, [last], foot]), colour, weight=weight, shade=shade)

    def line(self, points: Points, *, curved: bool = True, weight: float = 1.0) -> None:
        """Draw one stroke."""
        self._stroke(self.place(smooth(points) if curved else np.asarray(points, float)), weight, tapered=True)

    def black(self, points: Points, *, curved: bool = True) -> None:
        """Fill with ink, on both sheets."""
        outline = self._pixels(self.place(smooth(points, closed=True) if curved else points))
        ImageDraw.Draw(self.lines).polygon(outline, fill=0)
        ImageDraw.Draw(self.colours).polygon(outline, fill=self.palette["ink"])

    def tint(self, points: Points, colour: str | Colour, share: float = 1.0, *, curved: bool = True) -> None:
        """Colour without lines: a blush, a gleam, a band of sky."""
        outline = self.place(smooth(points, closed=True) if curved else points)
        self._paint(outline, self.colour(colour), share)

    def sky(self, top: str | Colour, bottom: str | Colour) -> None:
        """Fill the colour sheet from one colour above to another below."""
        share = np.linspace(0, 1, self.colours.height)[:, None, None]
        column = (1 - share) * np.array(self.colour(top)) + share * np.array(self.colour(bottom))
        self.colours.paste(Image.fromarray(column.round().astype(np.uint8)).resize(self.colours.size))

    def finished(self) -> tuple[Image.Image, Image.Image]:
        """The lines, mode L, and the coloured picture with its lines, RGB."""
        ink = 1 - np.asarray(self.lines.resize(self.size, Image.Resampling.BOX), np.float32) / 255
        flat = np.asarray(self.colours.resize(self.size, Image.Resampling.BOX), np.float32)
        cover = ink[..., None]
        coloured = flat * (1 - cover) + cover * np.array(self.palette["ink"])
        if self.hand.grain:
            tooth = gaussian_filter(self.rng.standard_normal(ink.shape), 0.6) * 2.2
            ink = ink * np.clip(1 - self.hand.grain * (0.5 + 0.5 * tooth), 0, 1)
        lines = 255 * (1 - self.hand.darkness * ink)
        return Image.fromarray(lines.round().astype(np.uint8)), Image.fromarray(coloured.round().astype(np.uint8))

    def _fill(self, outline: np.ndarray, colour: Colour, shade: float) -> None:
        self._paint(outline, colour, 1)
        if shade:
            dark = shifted((0, 0, 0), np.array(colour) * np.array(self.palette["shade"]) / 255)
            self._paint(outline, mixed(colour, dark, 0.8), 1, without=outline + shade * np.array(_LIGHT))

    def _paint(self, outline: np.ndarray, colour: Colour, share: float, without: np.ndarray | None = None) -> None:
        """Lay a colour inside an outline, in its bounding box only; not where `without` is."""
        places, size = np.array(self._pixels(outline)), np.array(self.colours.size)
        low = np.floor(np.clip(places.min(0), 0, size)).astype(int)
        high = np.ceil(np.clip(places.max(0) + 1, 0, size)).astype(int)
        if (high <= low).any():
            return
        mask = self._mask(outline, low, high)
        if without is not None:
            mask = ImageChops.subtract(mask, self._mask(without, low, high))
        if share < 1:
            mask = mask.point([round(value * share) for value in range(256)])
        self.colours.paste(colour, (int(low[0]), int(low[1])), mask)

    def _mask(self, outline: np.ndarray, low: np.ndarray, high: np.ndarray) -> Image.Image:
        mask = Image.new("L", (int(high[0] - low[0]), int(high[1] - low[1])), 0)
        corners = [(x - float(low[0]), y - float(low[1])) for x, y in self._pixels(outline)]
        ImageDraw.Draw(mask).polygon(corners, fill=255)
        return mask

    def _stroke(self, curve: np.ndarray, weight: float, tapered: bool) -> None:
        draw = ImageDraw.Draw(self.lines)
        least = 0.8 * self.over  # pixels: a line thinner than the final pixel would fade away
        for _ in range(self.hand.passes):
            points, widths = drawn(curve, self.hand, self.rng, weight, tapered)
            places = self._pixels(points)
            for (x0, y0), (x1, y1), width in zip(places[:-1], places[1:], widths[1:], strict=True):
                if not width:
                    continue
                thick = max(width * self.unit, least)
                draw.line([x0, y0, x1, y1], fill=0, width=round(thick))
                if (radius := thick / 2) > 1:
                    draw.ellipse([x1 - radius, y1 - radius, x1 + radius, y1 + radius], fill=0)

    def _pixels(self, points: Points) -> list[tuple[float, float]]:
        middle = np.array(self.colours.size) / 2
        return [(float(x), float(y)) for x, y in np.asarray(points) * self.unit + middle]
