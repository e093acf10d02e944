"""The ground of a scene: a valley between ridges, meadow, lake, path and woods, as heights and covers on a `View`."""

from dataclasses import dataclass

import numpy as np

from datasets_cards.procedural.canvas import Noise, smoothstep
from datasets_cards.procedural.scene_view import View

RIDGE, RIDGE_HEIGHT = 2600.0, 1450.0  # metres from ridge to ridge, and their height
LUMPS = ((150.0, 2.0), (38.0, 0.5), (9.0, 0.14), (2.2, 0.05), (0.6, 0.03), (0.2, 0.02))  # wavelength, height in metres
SMOOTHED = 3.0  # metres: snow fills what is shorter
TREE = 17.0  # metres: height of a usual conifer
WOODS_FROM = 70.0  # metres from the camera


@dataclass(frozen=True)
class Plan:
    """What a scene consists of, drawn from its seed; lengths in metres."""

    offset: tuple[float, float]  # where the valley lies in the noise
    eye: float  # above the water
    horizon: float  # share of the picture's height
    valley: float  # half width near the camera
    bend: float
    lake: tuple[float, float, float, float] | None  # x, z, radius across, radius along
    path: float | None  # where the path begins, to the right of the camera
    house: tuple[float, float] | None  # x, z
    woods: float  # -1 few trees to 1 many
    sun: float  # degrees to the right of the camera
    rough: float  # height of the mountains relative to `RIDGE_HEIGHT`

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Plan":
        side = float(rng.choice([-1.0, 1.0]))
        wet, trodden, lived_in = rng.random(3) < (0.6, 0.6, 0.6)
        shore = (side * rng.uniform(10, 60), rng.uniform(150, 230), rng.uniform(90, 150), rng.uniform(90, 130))
        return cls(
            offset=(rng.uniform(0, 60), rng.uniform(0, 60)),
            eye=rng.uniform(8, 12),
            horizon=rng.uniform(0.50, 0.60),
            valley=rng.uniform(90, 170),
            bend=rng.uniform(-260, 260),
            lake=shore if wet else None,
            path=-side * rng.uniform(1, 7) if trodden else None,
            house=(-side * rng.uniform(18, 36), rng.uniform(60, 85)) if lived_in else None,
            woods=rng.uniform(-0.5, 0.7),
            sun=side * rng.uniform(50, 125),
            rough=rng.uniform(0.8, 1.25),
        )


class Terrain:
    """Heights and covers at the points of a view.

    Args:
        snow: metres above the water from which snow fills the hollows; below 0: everywhere.

    Attributes, all (n, width) float32:
        ground: metres above the water, which lies at 0.
        water, path, woods: shares of what covers the ground, in [0, 1].
        slope: steepness as the sine of its angle.
        normal: (n, width, 3) unit normals (right, away, up).
    """

    def __init__(self, view: View, plan: Plan, noise: Noise, snow: float = 1e9):
        self.view, self.plan, self.noise = view, plan, noise
        x, z = view.x, np.broadcast_to(view.depth, view.x.shape)
        ground = self._valley(x, z) + self._lumps(x, z, 0.2 if snow < 0 else 1.0)
        self.path = self._path(x, z)
        ground = self._with_lake(ground, x, z)
        self.water = (ground <= 0).astype(np.float32)
        self.ground = np.maximum(ground, 0)
        self.normal = self._normals()
        self.slope = np.sqrt(np.clip(1 - self.normal[..., 2] ** 2, 0, 1))
        self.woods = self._woods()

    def sample(self, values: np.ndarray, x: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """Values (n, width) of the nearest samples to points x, depth in metres, each (k,)."""
        slices = np.searchsorted(self.view.depth[:, 0], depth).clip(0, len(values) - 1)
        columns = np.clip(self.view.column(x, depth), 0, self.view.width - 1).astype(int)
        return values[slices, columns]

    def broad(self, wavelength: float, shift: float, octaves: int = 1) -> np.ndarray:
        """(n, width) noise with hills of `wavelength` metres; looked up at every fourth column, straight between."""
        view, step = self.view, 4
        columns = np.arange(0, view.width + 2 * step - 1, step, dtype=np.float32)
        x = view.depth * ((columns + 0.5 - view.width / 2) / view.focal)[None]
        coarse = self.noise(x / wavelength + shift, view.depth / wavelength + 1.7 * shift, octaves)[..., None]
        between = np.arange(step, dtype=np.float32) / step
        fine = coarse[:, :-1] + between * (coarse[:, 1:] - coarse[:, :-1])
        return fine.reshape(len(view.depth), -1)[:, : view.width]

    def _visible(self, wavelength: float) -> np.ndarray:
        """(n, 1): 1 where relief of this wavelength is resolved, 0 where it would only flicker."""
        return smoothstep(1.5, 4.0, wavelength / self.view.spacing)

    def _valley(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """The large form: a bending valley floor, flanks that rise with distance, a wall at its end."""
        plan, far = self.plan, self.view.depth
        across = np.abs(x - plan.bend * smoothstep(150, 1500, far))
        flank = np.clip((across - plan.valley - 0.16 * far) / (180 + 0.55 * far), 0, 1.2)
        rise = np.clip(flank * smoothstep(60, 2600, far) + 1.1 * smoothstep(3600, 8000, far), 0, 1.3)
        u, v = x / RIDGE + plan.offset[0], z / RIDGE + plan.offset[1]
        massif = 0.8 + 0.35 * self.broad(2.2 * RIDGE, 5 + plan.offset[0])
        total, weight, gain = np.zeros_like(x), np.ones_like(x), 1.0
        for octave in range(7):
            scale = 2.0**octave
            rows = (self._visible(RIDGE / scale)[:, 0] > 0) & (rise.max(axis=1) > 0)
            if octave < 3:
                folded = self.broad(RIDGE / scale, scale * (plan.offset[1] - 2 * octave))[rows]
            else:
                folded = self.noise(u[rows] * scale, v[rows] * scale + 7.7 * octave)
            ridge = np.clip(1.05 - np.sqrt(folded**2 + 0.012), 0, 1)
            total[rows] += gain * weight[rows] * ridge * self._visible(RIDGE / scale)[rows]
            weight[rows] = np.clip(1.3 * ridge, 0.12, 1)
            gain *= 0.44
        return plan.rough * RIDGE_HEIGHT * rise**1.3 * massif * (0.10 + 0.62 * total) + 3.2

    def _lumps(self, x: np.ndarray, z: np.ndarray, small: float) -> np.ndarray:
        """Meadow: gentle hills, hummocks, tufts of grass, the short ones reduced to `small`."""
        total = np.zeros_like(x)
        for wavelength, height in LUMPS:
            rows = self._visible(wavelength)[:, 0] > 0
            if rows.any():
                at = (x[rows] / wavelength + wavelength, z[rows] / wavelength)
                bump = self.broad(wavelength, wavelength)[rows] if wavelength > 30 else self.noise(*at)
                bump = bump * self._visible(wavelength)[rows] * smoothstep(0, wavelength, self.view.depth[rows])
                total[rows] += height * (1 if wavelength > SMOOTHED else small) * bump
        return total

    def _path(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        if self.plan.path is None:
            return np.zeros_like(x)
        far = self.view.depth
        middle = self.plan.path + 6 * self.noise(far / 80 + 3.3, self.plan.offset[0]) * smoothstep(4, 60, far)
        away = np.abs(x - middle) + 0.3 * self.noise(x / 1.3, z / 1.3 + 11)
        return smoothstep(1.7, 0.9, away) * smoothstep(300, 180, far)

    def _with_lake(self, ground: np.ndarray, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        if self.plan.lake is None:
            return np.maximum(ground, 0.1)
        left, along, radius, reach = self.plan.lake
        shore = 0.22 * self.broad(70, 5) + 0.05 * self.broad(12, 3)
        inside = np.hypot((x - left) / radius, (z - along) / reach) + shore
        return np.maximum(ground, 0.25) - 12 * smoothstep(1.15, 0.75, inside)

    def _woods(self) -> np.ndarray:
        """Where conifers stand: thinning where it is steep, high, wet or near."""
        wood = self.broad(240, 2, octaves=3) + self.plan.woods + 0.6 * smoothstep(8, 60, self.ground)
        wood = smoothstep(0.1, 0.8, wood) * smoothstep(WOODS_FROM, WOODS_FROM + 40, self.view.depth)
        wood *= smoothstep(0.83, 0.6, self.slope) * smoothstep(900, 560, self.ground)
        return wood * smoothstep(0.3, 1.0, self.ground) * (1 - self.path)

    def _normals(self) -> np.ndarray:
        along = np.gradient(self.ground, axis=1) / self.view.footprint
        away = np.gradient(self.ground, self.view.depth[:, 0], axis=0)
        away = away - along * (self.view.x / self.view.depth)  # columns spread with distance
        return np.stack([-along, -away, np.ones_like(along)], axis=-1) / np.sqrt(along**2 + away**2 + 1)[..., None]
