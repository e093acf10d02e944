"""Colour of the ground of a scene: what covers it, how the light falls on it, and the air between."""

import numpy as np
from scipy.ndimage import zoom

from datasets_cards.procedural.canvas import smoothstep
from datasets_cards.procedural.scene_looks import Look
from datasets_cards.procedural.scene_terrain import Terrain

ROCK, EARTH, SNOW = (0.20, 0.19, 0.175), (0.20, 0.155, 0.11), (0.80, 0.83, 0.88)
FLOWERS = ((0.65, 0.55, 0.10), (0.62, 0.60, 0.58), (0.40, 0.20, 0.45))


def _rgb(colour) -> np.ndarray:
    return np.array(colour, np.float32)


def _over(under: np.ndarray, share: np.ndarray, colour: np.ndarray) -> np.ndarray:
    return under + share[..., None] * (colour - under)


def ground_light(terrain: Terrain, look: Look, sun: np.ndarray) -> np.ndarray:
    """Light that each point of the ground sends to the camera, (n, width, 3), linear; water is left black.

    Args:
        sun: (3,) unit vector towards the sun (right, away, up).
    """
    covers = _covers(terrain, look)
    direct = np.clip(terrain.normal @ sun.astype(np.float32), 0, None) * _shadows(terrain, sun)
    up = 0.5 + 0.5 * terrain.normal[..., 2]
    inner = 1 - 0.45 * terrain.woods  # dark between trees
    light = (direct * inner)[..., None] * _rgb(look.sunlight) + (up * inner)[..., None] * _rgb(look.skylight)
    lit = covers * light + 0.12 * covers * (1 - up)[..., None] * sum(look.sunlight) / 3
    air = 1 - np.exp(-np.minimum(terrain.view.depth / look.haze_metres, 30))[..., None]
    cool = air * _rgb([0.86, 1.0, 1.12]) if look.glow else air  # blue light scatters first
    return lit * (1 - air) + np.clip(cool, 0, 1) * _rgb(look.haze) * (0.75 + 0.25 * air)


def _covers(terrain: Terrain, look: Look) -> np.ndarray:
    """Reflectance (n, width, 3): grass, flowers, earth, rock, trees, snow."""
    view, noise = terrain.view, terrain.noise
    x, z = view.x, np.broadcast_to(view.depth, view.x.shape)
    patches = terrain.broad(45, 0, octaves=3)
    fine = np.zeros_like(x)
    for wavelength, share in ((2.0, 0.5), (0.4, 0.5), (0.1, 0.6)):
        rows = wavelength > 1.6 * view.footprint[:, 0]
        fine[rows] += share * noise(x[rows] / wavelength, z[rows] / wavelength + 4)
    blades = noise(np.arange(view.width) / 1.7, np.arange(len(x))[:, None] / 2.6)  # finer than any sample can show
    fine += 0.75 * blades * smoothstep(400, 40, view.depth)
    grass = _over(
        np.broadcast_to(_rgb(look.grass), (*x.shape, 3)),
        smoothstep(-0.6, 1.6, patches + 0.4 * fine),
        _rgb(look.dry_grass),
    )
    grass = grass * (1 + 0.24 * np.clip(fine, -2.5, 2.5))[..., None]
    cover = _over(grass, terrain.path, _rgb(EARTH) * (1 + 0.2 * np.clip(fine, -2, 2))[..., None])
    if look.flowers:
        cover = _with_flowers(cover, terrain, x, z, look.flowers)
    relief = terrain.broad(90, 2, octaves=4)
    crags = noise(np.arange(view.width) / 3.1, np.arange(len(x))[:, None] / 4.7, octaves=2)
    stone = _rgb(ROCK) * (1 + 0.20 * np.clip(relief, -2, 2) + 0.22 * np.clip(crags, -2, 2))[..., None]
    steep = smoothstep(0.42, 0.66, terrain.slope + 0.10 * relief) * smoothstep(12, 70, terrain.ground)
    high = smoothstep(650, 1050, terrain.ground + 90 * relief)
    cover = _over(cover, np.maximum(steep, high), stone)
    shore = smoothstep(0.9, 0.1, terrain.ground + 0.2 * fine) * (terrain.plan.lake is not None)
    cover = _over(cover, shore.astype(np.float32), _rgb(EARTH) * 0.8)
    lies = smoothstep(look.snow - 160, look.snow + 160, terrain.ground + 150 * relief + 60 * crags)
    lies = lies * smoothstep(0.86, 0.60, terrain.slope + 0.10 * relief + 0.07 * crags)
    if look.snow < 0:  # tufts, ruts and trodden earth look through
        lies = lies * np.clip(1 - 0.75 * smoothstep(0.9, 1.9, fine + 0.5 * patches) - 0.30 * terrain.path, 0, 1)
    cover = _over(cover, lies, _rgb(SNOW))
    speckle = np.clip(noise(x / 14, z / 14) + terrain.broad(31, 6), -2, 2)
    needles = _rgb(look.leaves) * (1.4 + 0.5 * speckle)[..., None]
    if look.snow < 0:
        needles = _over(needles, 0.25 + 0.10 * speckle, _rgb(SNOW))
    return _over(cover, terrain.woods * smoothstep(250, 700, view.depth), needles)  # nearer, trees stand one by one


def _with_flowers(cover: np.ndarray, terrain: Terrain, x: np.ndarray, z: np.ndarray, share: float) -> np.ndarray:
    """Dots of blossom in drifts, on what is near enough to show them."""
    rows = terrain.view.footprint[:, 0] < 0.10
    cover = cover.copy()
    for number, colour in enumerate(FLOWERS):
        drift = terrain.noise(x[rows] / 6 + 13 * number, z[rows] / 9 + 5)
        dots = terrain.noise(x[rows] / 0.22 + 7 * number, z[rows] / 0.5)
        blossom = smoothstep(1.5, 2.0, dots) * smoothstep(0.4, 1.6, drift + share - 0.5) * (1 - terrain.path[rows])
        cover[rows] = _over(cover[rows], blossom, _rgb(colour))
    return cover


def _shadows(terrain: Terrain, sun: np.ndarray) -> np.ndarray:
    """(n, width) share of sunlight that mountains and woods let through, marched on a coarser grid."""
    view, step = terrain.view, 4
    ground = terrain.ground[::step, ::step]
    x, depth = view.x[::step, ::step], view.depth[::step]
    reach = 0.02 * depth + 6  # first step in metres; each is longer than the one before
    rise = float(sun[2]) / max(1e-3, float(np.hypot(sun[0], sun[1])))
    direction = sun[:2] / max(1e-3, float(np.hypot(sun[0], sun[1])))
    blocked = np.zeros_like(ground)
    for _ in range(9):
        px, pz = x + direction[0] * reach, depth + direction[1] * reach
        slices = np.searchsorted(depth[:, 0], pz[:, 0]).clip(0, len(depth) - 1)
        columns = ((px / np.maximum(pz, 1) * view.focal + view.width / 2) / step).astype(int)
        there = ground[slices[:, None], columns.clip(0, ground.shape[1] - 1)]
        over = there - ground - rise * reach
        blocked = np.maximum(blocked, smoothstep(0, 0.06, over / reach))
        reach = reach * 1.75
    full = zoom(1 - blocked, step, order=1, grid_mode=True, mode="nearest")
    return full[: view.depth.shape[0], : view.width].astype(np.float32)
