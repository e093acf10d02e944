"""The four looks of a scene: light, sky and covers. All colours are linear light, not sRGB."""

from dataclasses import dataclass, replace

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Look:
    """Season and weather of a scene.

    Lights are relative to a white sheet in full sun at 1; covers are reflectances.
    """

    sunlight: Colour
    skylight: Colour
    sun_height: float  # degrees
    zenith: Colour
    haze: Colour
    haze_metres: float  # distance at which 63 % of the light is the air's
    glow: float  # around the sun
    clouds: float  # share of the sky, roughly
    cloud_edge: float  # how soft clouds end
    cloud_light: Colour
    cloud_shade: Colour
    grass: Colour
    dry_grass: Colour
    flowers: float  # share of a meadow in blossom
    leaves: Colour  # of conifers
    snow: float  # metres above the water from which snow lies; below 0: everywhere
    water: Colour
    exposure: float
    white: Colour  # the film's balance
    contrast: float


SUMMER = Look(
    sunlight=(1.12, 1.0, 0.80),
    skylight=(0.14, 0.19, 0.27),
    sun_height=38,
    zenith=(0.10, 0.23, 0.55),
    haze=(0.46, 0.57, 0.72),
    haze_metres=21_000,
    glow=0.35,
    clouds=0.36,
    cloud_edge=0.7,
    cloud_light=(1.02, 1.0, 0.97),
    cloud_shade=(0.46, 0.50, 0.57),
    grass=(0.105, 0.175, 0.030),
    dry_grass=(0.22, 0.21, 0.07),
    flowers=0.5,
    leaves=(0.030, 0.062, 0.018),
    snow=1250,
    water=(0.010, 0.030, 0.032),
    exposure=1.25,
    white=(1.02, 1.0, 0.97),
    contrast=1.08,
)
SUNNY = replace(
    SUMMER,
    sunlight=(1.28, 1.15, 0.95),
    skylight=(0.12, 0.18, 0.29),
    zenith=(0.055, 0.17, 0.50),
    haze=(0.42, 0.56, 0.75),
    haze_metres=32_000,
    clouds=0.24,
    grass=(0.13, 0.17, 0.035),
    dry_grass=(0.30, 0.25, 0.09),
    snow=1000,
    contrast=1.18,
)
CLOUDY = replace(
    SUMMER,
    sunlight=(0.09, 0.09, 0.09),
    skylight=(0.46, 0.48, 0.50),
    zenith=(0.30, 0.33, 0.37),
    haze=(0.42, 0.45, 0.49),
    haze_metres=9_000,
    glow=0.0,
    clouds=0.78,
    cloud_edge=1.5,
    cloud_light=(0.66, 0.68, 0.70),
    cloud_shade=(0.13, 0.145, 0.17),
    grass=(0.085, 0.120, 0.032),
    dry_grass=(0.16, 0.15, 0.07),
    flowers=0.2,
    snow=1150,
    water=(0.02, 0.03, 0.032),
    exposure=1.3,
    white=(0.98, 1.0, 1.02),
    contrast=1.05,
)
WINTER = replace(
    SUMMER,
    sunlight=(0.95, 0.82, 0.66),
    skylight=(0.24, 0.30, 0.42),
    sun_height=24,
    zenith=(0.20, 0.32, 0.52),
    haze=(0.50, 0.57, 0.67),
    haze_metres=15_000,
    clouds=0.46,
    cloud_edge=1.3,
    cloud_light=(0.86, 0.87, 0.90),
    cloud_shade=(0.42, 0.46, 0.53),
    grass=(0.16, 0.14, 0.08),
    dry_grass=(0.20, 0.17, 0.10),
    flowers=0.0,
    leaves=(0.026, 0.042, 0.022),
    snow=-100,
    water=(0.012, 0.022, 0.028),
    exposure=1.15,
    white=(1.0, 1.0, 1.03),
    contrast=1.15,
)
LOOKS = {"summer": SUMMER, "winter": WINTER, "cloudy": CLOUDY, "sunny": SUNNY}
