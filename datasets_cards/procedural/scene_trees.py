"""Conifers of a scene: drawn once for each size, then set into the picture from far to near."""

import numpy as np

from datasets_cards.procedural.canvas import Noise, smoothstep
from datasets_cards.procedural.scene_looks import Look
from datasets_cards.procedural.scene_terrain import TREE, WOODS_FROM, Terrain

CELL, LAYERS = 7.0, 2  # metres; one tree at most in a cell of each layer
KINDS, SMALLEST, STEP = 6, 8.0, 1.2  # drawings; pixels of the smallest; from one size to the next
MOST = 2600


class Grove:
    """Where the trees stand.

    Attributes, all (k,), far to near: x, depth, foot, tall in metres; kind.
    """

    def __init__(self, terrain: Terrain, rng: np.random.Generator):
        view = terrain.view
        reach = view.focal * TREE / SMALLEST
        half = view.width / 2 / view.focal
        rows, columns = (
            np.arange(WOODS_FROM // CELL, reach // CELL),
            np.arange(-reach * half // CELL, reach * half // CELL + 1),
        )
        z, x = (part.ravel() for part in np.meshgrid(rows, columns, indexing="ij"))
        z, x = (np.tile(part, LAYERS) for part in (z, x))
        z, x = ((part + rng.random(len(part))) * CELL for part in (z, x))
        tall = TREE * np.exp(rng.normal(-0.12, 0.30, len(x))).clip(0.3, 1.6)
        kind = rng.integers(0, KINDS, len(x))
        chance = rng.random(len(x))
        z, x, tall, kind, chance = (
            np.concatenate(pair) for pair in zip((z, x, tall, kind, chance), self._near(terrain, rng), strict=True)
        )
        shown = (np.abs(x) < half * z + 8) & (chance < np.where(z < WOODS_FROM, 1, terrain.sample(terrain.woods, x, z)))
        shown &= (terrain.sample(terrain.water, x, z) == 0) & (terrain.sample(terrain.path, x, z) < 0.1)
        order = np.argsort(-z[shown])[-MOST:]
        self.x, self.depth, self.tall, self.kind = (part[shown][order] for part in (x, z, tall, kind))
        self.foot = terrain.sample(terrain.ground, self.x, self.depth)

    @staticmethod
    def _near(terrain: Terrain, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """A few trees at the sides of the foreground."""
        count = int(rng.integers(2, 7))
        z = rng.uniform(24, WOODS_FROM, count)
        side = np.where(rng.random(count) < 0.7, np.sign(-terrain.plan.sun), np.sign(terrain.plan.sun))
        x = side * z * rng.uniform(0.34, 0.62, count)
        return z, x, TREE * rng.uniform(0.4, 1.0, count), rng.integers(0, KINDS, count), np.zeros(count)


class Conifers:
    """Drawings of conifers by kind and size, made when first asked for.

    Args:
        side: -1 where the sun stands to the left, 1 to the right.
    """

    def __init__(self, look: Look, noise: Noise, side: float):
        self.look, self.noise, self.side = look, noise, side
        self._drawn: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}

    def drawing(self, kind: int, pixels: float) -> tuple[np.ndarray, np.ndarray]:
        """Light (h, w, 3) and opacity (h, w) of a tree about `pixels` high; (w - 1) / 2 is its trunk."""
        size = round(np.log(max(pixels, SMALLEST) / SMALLEST) / np.log(STEP))
        if (kind, size) not in self._drawn:
            self._drawn[kind, size] = self._draw(kind, SMALLEST * STEP**size)
        return self._drawn[kind, size]

    def _draw(self, kind: int, pixels: float) -> tuple[np.ndarray, np.ndarray]:
        fine = 2 if pixels < 160 else 1
        height = max(4, round(pixels)) * fine
        half = max(2, round(0.27 * pixels)) * fine
        down = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / height  # 0 at the tip
        across = (np.arange(2 * half, dtype=np.float32)[None] + 0.5 - half) / height
        crown, alpha, under = self._crown(kind, down, across)
        tone = self.noise(across * 60 + 3 * kind, down * 60, octaves=2)
        towards = np.clip(0.5 + 0.5 * self.side * across / (0.02 + 0.24 * down), 0, 1)
        sun, sky = np.array(self.look.sunlight, np.float32), np.array(self.look.skylight, np.float32)
        lit = (0.15 + 0.75 * towards) * (1 - 0.8 * under)
        light = lit[..., None] * sun * 0.75 + (0.35 + 0.65 * (1 - under))[..., None] * sky
        needles = np.array(self.look.leaves, np.float32) * (1.25 + 0.35 * tone)[..., None].clip(0.3, 2.2)
        if self.look.snow < 0:
            laden = smoothstep(0.62, 0.25, under + 0.16 * tone) * smoothstep(1.0, 0.75, down + 0 * across)
            needles = needles + 0.8 * laden[..., None] * (np.array([0.74, 0.77, 0.82], np.float32) - needles)
        trunk = (np.abs(across) < 0.016 * (0.4 + down)) & (down > 0.55) & ~crown
        colour = np.where(trunk[..., None], np.array([0.05, 0.036, 0.028], np.float32), needles) * light
        alpha = np.maximum(alpha, trunk)
        parts = (
            part.reshape(height // fine, fine, 2 * half // fine, fine, -1)
            for part in (colour * alpha[..., None], alpha)
        )
        light, alpha = (part.mean(axis=(1, 3)) for part in parts)
        return light / np.maximum(alpha, 1e-3), alpha[..., 0]

    def _crown(self, kind: int, down: np.ndarray, across: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where the crown is, its opacity, and how far a point lies under the layer of branches above it, 0 to 1."""
        slim = 0.15 + 0.014 * kind
        spread = slim * np.clip(down / 0.93, 0, 1) ** (0.75 + 0.05 * (kind % 3))
        out = np.abs(across) / np.maximum(spread, 1e-3)
        uneven = self.noise(np.sign(across) * 5 + 9 * kind + across * 4, down * 11)
        layers = (9 + kind) * down**0.9 - 0.55 * out + 0.30 * uneven  # they droop outwards
        under = 1 - layers % 1  # 1 just below the branches above, 0 on top of the next
        under = 1 - under
        ragged = self.noise(across * 90 + 5 * kind, down * 90)
        edge = 0.62 + 0.42 * under + 0.12 * uneven + 0.10 * ragged
        crown = (out < edge) & (down < 0.95)
        gaps = 1 - 0.75 * smoothstep(0.75, 1.5, ragged + 0.9 * out * (1 - under))
        return crown, crown * gaps, under


def plant(
    picture: np.ndarray, depths: np.ndarray, grove: Grove, conifers: Conifers, terrain: Terrain, eye: float
) -> None:
    """Set the trees into `picture` (height, width, 3) in place, behind what is nearer than they are.

    Args:
        depths: (height, width) metres to what each pixel shows, infinite for the sky.
        eye: height of the camera; the negative one for the mirror image in the water.
    """
    view, look = terrain.view, conifers.look
    haze = np.array(look.haze, np.float32)
    bottoms = view.horizon - view.focal * (grove.foot - eye) / grove.depth
    middles = view.column(grove.x, grove.depth)
    airs = 1 - np.exp(-grove.depth / look.haze_metres)
    for bottom, middle, depth, tall, kind, air in zip(
        bottoms, middles, grove.depth, grove.tall, grove.kind, airs, strict=True
    ):
        light, opacity = conifers.drawing(int(kind), float(view.focal * tall / depth))
        top, left = round(bottom) - opacity.shape[0] + 1, round(middle - opacity.shape[1] / 2)
        first, last = max(top, 0), min(top + opacity.shape[0], view.height)
        start, end = max(left, 0), min(left + opacity.shape[1], view.width)
        if first >= last or start >= end:
            continue
        part = (slice(first - top, last - top), slice(start - left, end - left))
        place = (slice(first, last), slice(start, end))
        share = (opacity[part] * (depths[place] > 0.985 * depth))[..., None]
        picture[place] += share * (light[part] * (1 - air) + haze * air - picture[place])
