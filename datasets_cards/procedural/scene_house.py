"""A wooden house with a gabled roof, in perspective."""

import numpy as np
from PIL import Image, ImageDraw

from datasets_cards.procedural.canvas import SUPERSAMPLE
from datasets_cards.procedural.scene_looks import Colour, Look
from datasets_cards.procedural.scene_terrain import Terrain

WIDE, DEEP, WALL, RIDGE = 8.5, 6.0, 2.9, 5.4  # metres
EAVES = 0.5  # how far the roof stands out
WOOD, ROOF, STONE = (0.17, 0.085, 0.045), (0.13, 0.065, 0.05), (0.22, 0.21, 0.20)
GLASS, FRAME, SNOW = (0.012, 0.016, 0.02), (0.55, 0.53, 0.48), (0.78, 0.81, 0.86)
TURN = 0.3  # radians: a gable shows

Face = tuple[list[tuple[float, float, float]], Colour]  # corners (right, away, up) in metres and reflectance


def paint_house(
    picture: np.ndarray, depths: np.ndarray, terrain: Terrain, look: Look, sun: np.ndarray, eye: float
) -> None:
    """Set the plan's house into `picture` (height, width, 3) in place, and its distance into `depths`.

    Args:
        depths: (height, width) metres to what each pixel shows, infinite for the sky.
        sun: (3,) unit vector towards the sun.
        eye: height of the camera; the negative one for the mirror image in the water.
    """
    if terrain.plan.house is None:
        return
    x, z = terrain.plan.house
    foot = float(terrain.sample(terrain.ground, np.array([x]), np.array([z]))[0])
    if foot <= 0.2:
        return  # it would stand in the lake
    turn = np.sign(x) * TURN
    across, along = np.array([np.cos(turn), np.sin(turn), 0]), np.array([-np.sin(turn), np.cos(turn), 0])
    view, haze = terrain.view, np.array(look.haze, np.float32)
    air = 1 - np.exp(-z / look.haze_metres)
    placed = []
    for corners, cover in _faces(look.snow < 0):
        points = [np.array([x, z, foot - 0.2]) + a * across + b * along + [0, 0, c] for a, b, c in corners]
        normal = np.cross(points[1] - points[0], points[2] - points[0])
        normal /= np.linalg.norm(normal)
        if normal @ (points[0] - [0, 0, eye]) < 0:  # turned to the camera
            light = max(0.0, float(normal @ sun)) * np.array(look.sunlight) + 0.6 * np.array(look.skylight)
            placed.append((points, (1 - air) * light * np.array(cover) + air * haze))
    for points, colour in placed:
        outline = [(view.column(p[0], p[1]), view.horizon - view.focal * (p[2] - eye) / p[1]) for p in points]
        (top, bottom, left, right), coverage = _filled(outline, view.height, view.width)
        place = (slice(top, bottom), slice(left, right))
        near = np.mean([p[1] for p in points])
        share = coverage * (depths[place] > near - 1.5 * WIDE)
        grain = 1 + 0.10 * terrain.noise(np.arange(left, right) / 5.0, np.arange(top, bottom)[:, None] / 1.3)
        picture[place] += share[..., None] * (grain[..., None] * colour - picture[place])
        depths[place] = np.where(share > 0.5, np.minimum(depths[place], near), depths[place])


def _faces(snowed: bool) -> list[Face]:
    """Far faces first; corners run anticlockwise as seen from outside."""
    w, d, e = WIDE / 2, DEEP / 2, EAVES
    drop = EAVES * (RIDGE - WALL) / d
    roof = SNOW if snowed else ROOF
    wall_front = [(-w, -d, 0.0), (w, -d, 0.0), (w, -d, WALL), (-w, -d, WALL)]
    faces: list[Face] = [
        ([(w, -d, 0), (w, d, 0), (w, d, WALL), (w, 0, RIDGE), (w, -d, WALL)], WOOD),
        ([(-w, d, 0), (-w, -d, 0), (-w, -d, WALL), (-w, 0, RIDGE), (-w, d, WALL)], WOOD),
        (wall_front, WOOD),
        ([(-w, -d - 0.01, 0), (w, -d - 0.01, 0), (w, -d - 0.01, 0.55), (-w, -d - 0.01, 0.55)], STONE),
    ]
    for left, right, low, high in ((-3.3, -2.1, 1.0, 2.2), (-0.55, 0.55, 0.0, 2.1), (1.9, 3.1, 1.0, 2.2)):
        for margin, cover in ((0.14, FRAME), (0.0, GLASS if low else ROOF)):
            base = max(low - margin, 0.0)
            corners = [
                (left - margin, base),
                (right + margin, base),
                (right + margin, high + margin),
                (left - margin, high + margin),
            ]
            faces.append(([(a, -d - 0.02, c) for a, c in corners], cover))
    edge = [(-w - e, 0.0, RIDGE), (w + e, 0.0, RIDGE)]
    faces.append(([edge[1], edge[0], (-w - e, d + e, WALL - drop), (w + e, d + e, WALL - drop)][::-1], roof))
    faces.append(([(-w - e, -d - e, WALL - drop), (w + e, -d - e, WALL - drop), edge[1], edge[0]], roof))
    return faces


def _filled(
    outline: list[tuple[float, float]], height: int, width: int
) -> tuple[tuple[int, int, int, int], np.ndarray]:
    """The box (top, bottom, left, right) of a polygon of (column, row) inside the picture, and its coverage there."""
    columns, rows = zip(*outline, strict=True)
    left, right = (int(np.clip(value, 0, width)) for value in (min(columns), max(columns) + 2))
    top, bottom = (int(np.clip(value, 0, height)) for value in (min(rows), max(rows) + 2))
    if left >= right or top >= bottom:
        return (0, 0, 0, 0), np.zeros((0, 0), np.float32)
    sheet = Image.new("L", ((right - left) * SUPERSAMPLE, (bottom - top) * SUPERSAMPLE))
    points = [((column - left) * SUPERSAMPLE, (row - top) * SUPERSAMPLE) for column, row in outline]
    ImageDraw.Draw(sheet).polygon(points, fill=255)
    coverage = np.asarray(sheet.resize((right - left, bottom - top), Image.Resampling.BOX), np.float32) / 255
    return (top, bottom, left, right), coverage
