"""The sky of a scene: a gradient, the sun's glow, and clouds of fractal noise on a plane overhead."""

import numpy as np

from datasets_cards.procedural.canvas import Noise, smoothstep
from datasets_cards.procedural.scene_looks import Look
from datasets_cards.procedural.scene_view import View


def paint_sky(view: View, look: Look, noise: Noise, sun: np.ndarray, seed: float) -> np.ndarray:
    """Light of the sky (height, width, 3), linear, at every pixel above the horizon; below it, as at the horizon.

    Args:
        sun: (3,) unit vector towards the sun (right, away, up).
        seed: moves the clouds.
    """
    right = (np.arange(view.width, dtype=np.float32)[None] + 0.5 - view.width / 2) / view.focal
    up = (view.horizon - np.arange(view.height, dtype=np.float32)[:, None] - 0.5) / view.focal
    up = np.clip(up, 0.003, None)
    length = np.sqrt(right**2 + up**2 + 1)
    height = up / length
    towards = np.clip((right * sun[0] + sun[1] + up * sun[2]) / length, 0, 1)
    zenith, haze = np.array(look.zenith, np.float32), np.array(look.haze, np.float32)
    light = haze + (1 - np.exp(-4.2 * height))[..., None] * (zenith - haze)
    light = light + look.glow * (0.25 * towards**8 + 0.5 * towards**90)[..., None] * np.array(look.sunlight, np.float32)
    thick, lit = _clouds(right, up, look, noise, sun, seed)
    fade = np.exp(-0.035 / height)  # clouds near the horizon drown in haze
    bright, dark = np.array(look.cloud_light, np.float32), np.array(look.cloud_shade, np.float32)
    cloud = dark + lit[..., None] * (bright - dark)
    return light + (thick * fade)[..., None] * (cloud - light)


def _clouds(
    right: np.ndarray, up: np.ndarray, look: Look, noise: Noise, sun: np.ndarray, seed: float
) -> tuple[np.ndarray, np.ndarray]:
    """Opacity and lightness, (height, width) in [0, 1]."""
    distance = 1 / (up + 0.06)  # a plane that bends down a little, as the sky does
    x, z = right * distance * 0.55 + seed, distance * 0.55 + seed

    def density(dx: float, dz: float, octaves: int) -> np.ndarray:
        wide = noise(x * 0.6 + dx, z * 0.6 + dz) * 0.7
        return wide + noise(x * 1.5 + 3 + 2.5 * dx + 0.2 * wide, z * 1.5 + 2.5 * dz, octaves=octaves) * 0.55

    here = density(0, 0, 5)
    towards = density(0.10 * float(sun[0]), 0.10 * float(sun[1]), 3)
    edge = 1.6 - 3.2 * look.clouds
    thick = smoothstep(edge, edge + look.cloud_edge, here)
    body = smoothstep(edge, edge + 1.8, here)
    lit = np.clip(0.92 - 0.62 * body + 0.35 * (here - towards), 0, 1)
    return thick, lit
