"""The painter's sheet: noise, washes and strokes on an image of reflectances.

The sheet is an array (H, W, 3) of reflectance relative to bare paper, 1 where nothing is painted. Strokes
multiply, body colour covers; the paper's own tone comes last, so that the same scene can lie on any paper.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter, map_coordinates

NOISE_SIDE = 256  # the noise table is periodic: a larger picture repeats nothing visible, its layers differ
SUPERSAMPLE = 3


class Noise:
    """Smooth periodic noise, looked up at any coordinates.

    Args:
        rng: source of randomness.
    """

    def __init__(self, rng: np.random.Generator):
        field = gaussian_filter(rng.standard_normal((NOISE_SIDE, NOISE_SIDE)), 1.0, mode="wrap")
        self.field = (field / field.std()).astype(np.float32)

    def __call__(self, x: np.ndarray, y: np.ndarray | float = 0.0, octaves: int = 1) -> np.ndarray:
        """Sum of `octaves` of noise at x, y (same shape; one unit is about one hill), standard deviation near 1."""
        x, y = np.broadcast_arrays(np.asarray(x, np.float32), np.asarray(y, np.float32))
        total, weight = np.zeros(x.shape, np.float32), 1.0
        for octave in range(octaves):
            scale = 3.0 * 2**octave  # the table's hills are about three samples wide
            where = np.stack([y * scale + 37.1 * octave, x * scale + 11.3 * octave])
            total += weight * map_coordinates(self.field, where, order=1, mode="grid-wrap")
            weight *= 0.5
        return total

    def ridged(self, x: np.ndarray, y: np.ndarray | float = 0.0, octaves: int = 1) -> np.ndarray:
        """Noise folded at zero: 1 along thin crooked lines, falling to 0 beside them."""
        return np.clip(1 - np.abs(self(x, y, octaves)), 0, 1)


def smoothstep(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """0 below `low`, 1 above `high`, an S between; `low > high` falls instead of rising."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


class Canvas:
    """A sheet of `height` x `width` pixels with its noise; `unit` is the length that motifs are measured in."""

    def __init__(self, width: int, height: int, rng: np.random.Generator):
        self.width, self.height, self.rng = width, height, rng
        self.unit = min((width * height) ** 0.5, 1.2 * width, 1.2 * height) / 512
        self.noise = Noise(rng)
        self.reflectance = np.ones((height, width, 3), np.float32)

    def cover(self, box: tuple[int, int, int, int], opacity: np.ndarray, colour: np.ndarray) -> None:
        """Lay body colour over `box` (left, top, right, bottom): opacity (h, w) in [0, 1], colour (h, w, 3) or (3,)."""
        left, top, right, bottom = box
        area = self.reflectance[top:bottom, left:right]
        area += opacity[..., None] * (np.asarray(colour, np.float32) - area)

    def ink(self, box: tuple[int, int, int, int], density: np.ndarray) -> None:
        """Multiply `box` by ink of `density` (h, w) in [0, 1]; 1 is the blackest stroke."""
        left, top, right, bottom = box
        warm_black = np.array([0.90, 0.91, 0.89], np.float32)  # ink is never pure black
        self.reflectance[top:bottom, left:right] *= 1 - np.clip(density, 0, 1)[..., None] * warm_black

    def draw(
        self, box: tuple[float, float, float, float], strokes: Callable[[ImageDraw.ImageDraw, Callable], None]
    ) -> tuple[tuple[int, int, int, int], np.ndarray]:
        """Draw vector strokes inside `box` with smooth edges.

        Args:
            box: left, top, right, bottom in pixels of the sheet; what lies outside the sheet is cut off.
            strokes: called with a draw object of one grey channel and a function from sheet coordinates to its own;
                one pixel of the sheet is `SUPERSAMPLE` of the draw object's.

        Returns:
            the box in whole pixels inside the sheet, and the coverage (h, w) in [0, 1].
        """
        left, top = max(0, int(box[0])), max(0, int(box[1]))
        right, bottom = min(self.width, int(box[2]) + 1), min(self.height, int(box[3]) + 1)
        width, height = max(0, right - left), max(0, bottom - top)
        if not width or not height:
            return (left, top, left, top), np.zeros((0, 0), np.float32)
        sheet = Image.new("L", (width * SUPERSAMPLE, height * SUPERSAMPLE))
        strokes(ImageDraw.Draw(sheet), lambda x, y: ((x - left) * SUPERSAMPLE, (y - top) * SUPERSAMPLE))
        coverage = np.asarray(sheet.resize((width, height), Image.Resampling.BOX), np.float32) / 255
        return (left, top, right, bottom), coverage

    def picture(self, paper: np.ndarray, grey: bool) -> Image.Image:
        """The finished picture on paper of tone `paper` (3,) in [0, 1]; `grey` takes the colours out, not the tone."""
        y, x = np.mgrid[: self.height, : self.width].astype(np.float32) / (64 * self.unit)
        age = 0.012 * self.noise(x / 3 + 5, y / 3, octaves=3) + 0.012 * self.noise(x * 14, y * 2)
        weave = 0.008 * self.noise(x * 3, y * 22) + 0.008 * self.rng.standard_normal(x.shape).astype(np.float32)
        edge = np.minimum(np.minimum(x, x[:, ::-1]), np.minimum(y, y[::-1]))
        tone = 1 + age + weave - 0.06 * np.exp(-edge / 0.35)
        painted = self.reflectance
        if grey:
            painted = np.repeat(painted @ np.array([0.299, 0.587, 0.114], np.float32)[:, None], 3, axis=2)
        pixels = np.clip(painted * tone[..., None] * paper, 0, 1)
        return Image.fromarray((pixels * 255 + 0.5).astype(np.uint8), "RGB")
