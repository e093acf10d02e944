"""Photograph-like pictures of scenes from a seed: mountains, woods, meadow, lake, path and house, in four looks."""

import math

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from datasets_cards.procedural.canvas import Noise, smoothstep
from datasets_cards.procedural.painter import MAX_SIDE, MIN_SIDE
from datasets_cards.procedural.scene_house import paint_house
from datasets_cards.procedural.scene_light import ground_light
from datasets_cards.procedural.scene_looks import LOOKS, Look
from datasets_cards.procedural.scene_sky import paint_sky
from datasets_cards.procedural.scene_terrain import Plan, Terrain
from datasets_cards.procedural.scene_trees import Conifers, Grove, plant
from datasets_cards.procedural.scene_view import Seen, View, averaged

GRAIN = 0.013


def scene(seed: int, width: int = 768, height: int = 512, look: str = "summer") -> Image.Image:
    """Take the picture number `seed`.

    Args:
        seed: any whole number from 0; the same seed, size and look give the same pixels, in every process.
        width, height: in pixels, each from 64 to 4096.
        look: "summer", "winter", "cloudy" or "sunny"; one seed is one place in all four.

    Returns:
        an RGB image.

    Raises:
        ValueError: for a size, seed or look out of range.
    """
    if not (MIN_SIDE <= width <= MAX_SIDE and MIN_SIDE <= height <= MAX_SIDE):
        raise ValueError(f"A scene's sides are {MIN_SIDE} to {MAX_SIDE} pixels, got {width}x{height}.")
    if seed < 0:
        raise ValueError(f"A seed is 0 or more, got {seed}.")
    if look not in LOOKS:
        raise ValueError(f"A scene's look is one of {', '.join(LOOKS)}, got {look!r}.")
    rng = np.random.default_rng([seed, 3])
    plan, noise, style = Plan.draw(rng), Noise(rng), LOOKS[look]
    view = View(width, height, plan.eye, plan.horizon)
    terrain = Terrain(view, plan, noise, style.snow)
    sun = _sun(plan, style)
    light = _seen(terrain, style, sun, Grove(terrain, np.random.default_rng([seed, 5])))
    return _developed(light, style, np.random.default_rng([seed, 4]))


def _sun(plan: Plan, look: Look) -> np.ndarray:
    """(3,) unit vector towards the sun: right, away, up."""
    turn, rise = math.radians(plan.sun), math.radians(look.sun_height)
    return np.array([math.sin(turn) * math.cos(rise), math.cos(turn) * math.cos(rise), math.sin(rise)])


def _seen(terrain: Terrain, look: Look, sun: np.ndarray, grove: Grove) -> np.ndarray:
    """The picture without the film: (height, width, 3) linear."""
    view = terrain.view
    sky = paint_sky(view, look, terrain.noise, sun, terrain.plan.offset[1])
    conifers = Conifers(look, terrain.noise, float(np.sign(sun[0])))
    colour = ground_light(terrain, look, sun)

    def exposed(rows: np.ndarray, eye: float) -> tuple[np.ndarray, Seen, np.ndarray]:
        seen = Seen(rows, view.height)
        open_sky = averaged(seen.sky.astype(np.float32))
        land = averaged(np.where(seen.sky[..., None], 0, seen.take(colour)))
        depths = seen.take(np.broadcast_to(view.depth, terrain.ground.shape))
        depths = averaged(np.where(seen.sky, np.inf, depths))
        return land + open_sky[..., None] * sky, seen, depths

    picture, seen, depths = exposed(view.rows(terrain.ground), view.eye)
    if terrain.water.any():
        last = np.cumsum(terrain.water[::-1], axis=0)[::-1] > 0  # the far shore alone is mirrored
        mirror, _, far = exposed(np.where(last, np.inf, view.rows(terrain.ground, -view.eye)), -view.eye)
        paint_house(mirror, far, terrain, look, sun, -view.eye)
        plant(mirror, far, grove, conifers, terrain, -view.eye)
        wet = averaged(np.where(seen.sky, 0, seen.take(terrain.water)))[..., None]
        surface = _water(terrain, look, mirror, np.where(np.isfinite(depths), depths, 1))
        picture = picture + wet * (surface - picture)
    paint_house(picture, depths, terrain, look, sun, view.eye)
    plant(picture, depths, grove, conifers, terrain, view.eye)
    return picture


def _water(terrain: Terrain, look: Look, mirror: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Light of the water at every pixel (height, width, 3): mirrored land and sky, broken by ripples."""
    view, noise = terrain.view, terrain.noise
    row = np.arange(view.height, dtype=np.float32)[:, None]
    x = depth * ((np.arange(view.width, dtype=np.float32) + 0.5 - view.width / 2) / view.focal)[None]
    breeze = 0.3 + 0.7 * smoothstep(-0.2, 1.2, noise(x / 60, depth / 140))
    ripple = noise(x / 1.6, depth / 2.5) + 0.6 * noise(x / 0.5, depth / 0.9)
    mirrored = 2 * view.horizon - row + breeze * ripple * 0.007 * view.height
    image = mirror[np.clip(mirrored, 0, view.height - 1).astype(int), np.arange(view.width)[None]]
    grazing = np.clip(view.eye / np.maximum(depth, 1), 0, 1)[..., None]
    share = 0.03 + 0.97 * (1 - grazing) ** 5  # Schlick's approximation of Fresnel's law
    deep = np.array(look.water, np.float32) + 0.12 * np.array(look.skylight, np.float32) * grazing
    return deep + 0.92 * share * (image - deep)


def _developed(light: np.ndarray, look: Look, rng: np.random.Generator) -> Image.Image:
    """Lens and film: a little blur and vignette, exposure, a shoulder for highlights, grain."""
    height, width = light.shape[:2]
    light = gaussian_filter(light, (0.45, 0.45, 0))
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    light = light * (1 - 0.13 * (x**2 + y**2))[..., None] * look.exposure * np.array(look.white)
    film = 1 - np.exp(-1.7 * np.clip(light, 0, None))
    tone = np.clip(film, 0, 1) ** (1 / 2.2)
    tone = np.clip(0.5 + look.contrast * (tone - 0.5), 0, 1)
    grey = tone.mean(axis=2, keepdims=True)
    grain = gaussian_filter(rng.standard_normal((height, width, 3)), (0.6, 0.6, 0)) * np.array([1.0, 0.9, 1.25])
    tone = tone + GRAIN * 1.9 * grain * (0.35 + np.sqrt(np.clip(grey * (1 - grey), 0, 1)))
    return Image.fromarray((np.clip(tone, 0, 1) * 255 + 0.5).astype(np.uint8), "RGB")
