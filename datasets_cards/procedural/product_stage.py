"""The table that products are photographed on: parts with rounded edges under one lamp, on white."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import distance_transform_edt, gaussian_filter

from datasets_cards.procedural.drawing_strokes import Points, resampled, smooth

RGB = Sequence[float] | np.ndarray  # channels in [0, 255]
Width = float | tuple[float, float]  # of a strap: everywhere, or at its ends

_LAMP = np.array([-0.42, -0.62, 0.66], np.float32)  # towards it: from the left, from above, from the front
_HALFWAY = (_LAMP + np.array([0, 0, 1], np.float32)) / np.linalg.norm(_LAMP + np.array([0, 0, 1], np.float32))
_AMBIENT = 0.6  # share of the light that comes from everywhere


class Stage:
    """A picture being made. The origin is the middle, the side is 1, y grows downwards.

    Args:
        size: of the finished picture, in pixels.
        rng: source of the grain.
    """

    def __init__(self, size: int, rng: np.random.Generator):
        self.size, self.rng = size, rng
        self.over = 3 if size <= 384 else 2 if size <= 1024 else 1  # supersampling
        self.side = size * self.over
        self.light = np.full((self.side, self.side, 3), 255, np.float32)

    def part(
        self,
        outline: Points,
        colour: RGB,
        *,
        curved: bool = True,
        rounding: float = 0.05,
        gloss: float = 0.25,
        grain: float = 0.0,
        fade: float = 0.0,
    ) -> None:
        """Lay a solid part in front of all that is there.

        Args:
            outline: corners, or points of a smooth closed outline where `curved`; a point given twice is a corner.
            colour: of the material.
            curved: through the points by a curve.
            rounding: how far its edges bend towards the table.
            gloss: strength of the lamp's reflection, from 0 (cloth) to 1 (metal).
            grain: depth of the leather's grain, as a share of the light.
            fade: how much lighter it is at its foot than at its head, as a share.
        """
        corners = smooth(outline, closed=True) if curved else np.asarray(outline, float)
        found = self._mask(corners)
        if found is None:
            return
        mask, top, left = found
        shade, gleam = _lit(mask, max(rounding * self.side, 1.5))
        if grain:
            noise = gaussian_filter(self.rng.standard_normal(mask.shape).astype(np.float32), self.over * 0.7)
            shade *= 1 + grain * noise / noise.std()
        if fade:
            shade *= 1 + fade * np.linspace(-0.5, 0.5, len(mask), dtype=np.float32)[:, None]
        lit = np.asarray(colour, np.float32) * shade[..., None] + 255 * gloss * gleam[..., None]
        area = self.light[top : top + mask.shape[0], left : left + mask.shape[1]]
        area[mask] = np.clip(lit[mask], 0, 255)

    def disc(self, x: float, y: float, radius: float, colour: RGB, high: float | None = None, **how: float) -> None:
        """Lay a disc, or an ellipse with `high` for its upright half axis; `how` as in `part`."""
        self.part(oval(x, y, radius, radius if high is None else high), colour, curved=False, **how)

    def ribbon(self, curve: Points, width: Width, colour: RGB, *, curved: bool = True, **how: float) -> None:
        """Lay a strap along a curve, of one width or of widths at the ends (2,); `how` as in `part`."""
        self.part(strap(smooth(curve) if curved else curve, width), colour, curved=False, **how)

    def line(self, curve: Points, width: float, colour: RGB, *, curved: bool = True, dash: float = 0.0) -> None:
        """Draw a flat line; `dash`: length of its stitches, 0 for none."""
        points = resampled(smooth(curve) if curved else np.asarray(curve, float), 0.004)
        step = max(1, round(dash / 0.004)) if dash else len(points)
        pen = ImageDraw.Draw(sheet := Image.new("L", (self.side, self.side)))
        for start in range(0, len(points), 2 * step):
            stitch = points[start : start + step + (not dash)]
            if len(stitch) > 1:
                pen.line(self._pixels(stitch), fill=255, width=max(1, round(width * self.side)), joint="curve")
        self.light[np.asarray(sheet) > 0] = np.asarray(colour, np.float32)

    def gleam(self, outline: Points, strength: float, *, curved: bool = True) -> None:
        """Lighten what is there, as a window's reflection does."""
        corners = smooth(outline, closed=True) if curved else np.asarray(outline, float)
        if (found := self._mask(corners)) is not None:
            mask, top, left = found
            area = self.light[top : top + mask.shape[0], left : left + mask.shape[1]]
            area[mask] += strength * (255 - area[mask])

    def shadow(self, x: float, y: float, wide: float, high: float, strength: float = 0.3) -> None:
        """Darken the table softly where something stands; lay it before the parts."""
        row, column = (np.mgrid[: self.side, : self.side].astype(np.float32) + 0.5) / self.side - 0.5
        near = np.exp(-(((column - x) / wide) ** 2) - ((row - y) / high) ** 2)
        self.light *= 1 - strength * near[..., None]

    def picture(self) -> Image.Image:
        """The finished picture, RGB."""
        whole = Image.fromarray((self.light + 0.5).clip(0, 255).astype(np.uint8))
        return whole.resize((self.size, self.size), Image.Resampling.BOX)

    def _mask(self, corners: np.ndarray) -> tuple[np.ndarray, int, int] | None:
        """The inside of an outline in its bounding box, with the box's top and left; None where nothing is seen."""
        places = np.array(self._pixels(corners))
        left, top = np.clip(np.floor(places.min(0)), 0, self.side).astype(int)
        right, bottom = np.clip(np.ceil(places.max(0)) + 1, 0, self.side).astype(int)
        if right <= left or bottom <= top:
            return None
        sheet = Image.new("L", (int(right - left), int(bottom - top)))
        ImageDraw.Draw(sheet).polygon([(x - float(left), y - float(top)) for x, y in places], fill=255)
        mask = np.asarray(sheet) > 0
        return (mask, int(top), int(left)) if mask.any() else None

    def _pixels(self, points: Points) -> list[tuple[float, float]]:
        return [(float(x), float(y)) for x, y in (np.asarray(points) + 0.5) * self.side]


def oval(x: float, y: float, wide: float, high: float, count: int = 96) -> np.ndarray:
    """A closed ellipse around (x, y), fine enough for corners to vanish: (count, 2)."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([x + wide * np.cos(angle), y + high * np.sin(angle)], 1)


def strap(curve: Points, width: Width) -> np.ndarray:
    """The outline of a strap along a curve, of one width or going from one to another: (2 N, 2)."""
    points = resampled(np.asarray(curve, float), 0.01)
    along = np.gradient(points, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], 1) / np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    ends = np.broadcast_to(np.asarray(width, float), (2,))
    half = np.linspace(ends[0], ends[1], len(points))[:, None] / 2
    return np.concatenate([points + across * half, (points - across * half)[::-1]])


def tinted(colour: RGB, light: float) -> np.ndarray:
    """A colour made darker (light < 0) or lighter (> 0) by that share of the way to black or white."""
    colour = np.asarray(colour, np.float32)
    return colour + abs(light) * ((255 if light > 0 else 0) - colour)


def _lit(mask: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Light that a part throws back where its edges are rounded by `radius` pixels; flat faces have shade 1.

    Returns:
        shade (H, W), a factor of the colour, and gleam (H, W) in [0, 1], the lamp's reflection.
    """
    depth = np.asarray(distance_transform_edt(np.pad(mask, 1)), np.float32)[1:-1, 1:-1]
    inward = np.clip(depth / radius, 0, 1)
    height = gaussian_filter(radius * np.sqrt(1 - (1 - inward) ** 2), 0.12 * radius)
    down, right = np.gradient(height)
    length = np.sqrt(down**2 + right**2 + 1)
    lamp = np.clip((_LAMP[2] - _LAMP[0] * right - _LAMP[1] * down) / length, 0, None)
    mirror = np.clip((_HALFWAY[2] - _HALFWAY[0] * right - _HALFWAY[1] * down) / length, 0, 1)
    shade = (_AMBIENT + (1 - _AMBIENT) * lamp / _LAMP[2]) * (0.84 + 0.16 * inward)
    return shade, mirror**28
