"""What stands in the landscape: pines, leafy trees, a pavilion, a boat, water and birds."""

import numpy as np

from datasets_cards.procedural.canvas import SUPERSAMPLE, Canvas, smoothstep
from datasets_cards.procedural.mountains import Pigments

Points = list[tuple[float, float]]


def _line(draw, at, points: Points, width: float, value: int = 255) -> None:
    """A stroke of `width` pixels through `points` with round ends."""
    pixels, thick = [at(x, y) for x, y in points], max(1, round(width * SUPERSAMPLE))
    draw.line(pixels, fill=value, width=thick, joint="curve")


def paint_pine(canvas: Canvas, x: float, y: float, size: float, pigments: Pigments, ink: float = 0.85) -> None:
    """A pine of `size` pixels rooted at (x, y): crooked trunk, flat fans of needles."""
    rng = canvas.rng
    lean, crook = rng.uniform(-0.22, 0.22), rng.uniform(0, 6)
    steps = np.linspace(0, 1, 12)
    trunk = [(x + size * (lean * t + 0.035 * np.sin(crook + 5 * t)), y - size * t) for t in steps]
    fans = []
    for t in np.linspace(0.36, 1.0, rng.integers(6, 9)):
        bx, by = trunk[round(t * 11)]
        side = rng.choice([-1, 1])
        for way in (side, -side) if t < 0.93 else (0,):
            reach = size * rng.uniform(0.10, 0.30) * (1.25 - t) * 1.4 * abs(way)
            if rng.random() < 0.86:
                fans.append(
                    (bx, by, bx + way * reach, by + rng.uniform(-0.05, 0.03) * size, size * rng.uniform(0.10, 0.17))
                )
    box = (x - 0.75 * size, y - 1.25 * size, x + 0.75 * size, y + 0.05 * size)

    def bodies(draw, at):
        for _, _, fx, fy, radius in fans:
            (a, b), (c, d) = at(fx - radius, fy - 0.42 * radius), at(fx + radius, fy + 0.20 * radius)
            draw.ellipse((a, b, c, d), fill=255)

    def wood(draw, at):
        for start, end, t in zip(trunk[:-1], trunk[1:], steps[:-1], strict=True):
            _line(draw, at, [start, end], max(0.5, size * 0.05 * (1 - 0.8 * t)))
        for bx, by, fx, fy, _ in fans:
            _line(draw, at, [(bx, by), ((bx + fx) / 2, (by + fy) / 2 - 0.02 * size), (fx, fy)], max(0.35, size * 0.012))

    def needles(draw, at):
        for _, _, fx, fy, radius in fans:
            for angle in np.linspace(-np.pi, 0, max(7, int(radius / canvas.unit * 2.2))):
                long = radius * rng.uniform(0.75, 1.1)
                tip = (fx + long * np.cos(angle), fy + 0.48 * long * np.sin(angle))
                _line(draw, at, [(fx + 0.25 * long * np.cos(angle), fy), tip], 0.35, int(rng.uniform(150, 255)))

    place, coverage = canvas.draw(box, bodies)
    canvas.cover(place, 0.80 * coverage, np.array(pigments.leaves[0], np.float32))
    for strokes, density in ((wood, 0.9 * ink), (needles, 0.8 * ink)):
        place, coverage = canvas.draw(box, strokes)
        canvas.ink(place, density * coverage)


def paint_tree(canvas: Canvas, x: float, y: float, size: float, pigments: Pigments, ink: float = 0.8) -> None:
    """A leafy tree of `size` pixels rooted at (x, y): forked branches under dotted leaves."""
    rng = canvas.rng
    twigs: list[tuple[Points, float]] = []

    def grow(px: float, py: float, angle: float, long: float, thick: float, left: int) -> None:
        ex, ey = px + long * np.cos(angle), py - long * np.sin(angle)
        twigs.append(([(px, py), (ex, ey)], thick))
        if left:
            for _ in range(rng.integers(2, 4)):
                grow(ex, ey, angle + rng.normal(0, 0.5), long * rng.uniform(0.55, 0.8), thick * 0.6, left - 1)

    grow(x, y, np.pi / 2 + rng.normal(0, 0.12), 0.36 * size, 0.045 * size, 3)
    tips = np.array([points[1] for points, thick in twigs if thick < 0.03 * size])
    dots = np.repeat(tips, 5, axis=0) + rng.normal(0, 0.05 * size, (5 * len(tips), 2))
    box = (x - 0.8 * size, y - 1.4 * size, x + 0.8 * size, y + 0.05 * size)

    def wood(draw, at):
        for points, thick in twigs:
            _line(draw, at, points, max(0.35, thick))

    def leaves(radius: float, low: int, share: float):
        def strokes(draw, at):
            for dx, dy in dots[: int(share * len(dots))]:
                (a, b), (c, d) = at(dx - radius, dy - 0.7 * radius), at(dx + radius, dy + 0.7 * radius)
                draw.ellipse((a, b, c, d), fill=int(rng.uniform(low, 255)))

        return strokes

    place, coverage = canvas.draw(box, wood)
    canvas.ink(place, 0.9 * ink * coverage)
    rng.shuffle(dots)
    place, coverage = canvas.draw(box, leaves(0.045 * size, 170, 1.0))
    canvas.cover(place, 0.82 * coverage, np.array(pigments.leaves[rng.integers(len(pigments.leaves))], np.float32))
    place, coverage = canvas.draw(box, leaves(0.019 * size, 120, 0.75))
    canvas.ink(place, 0.75 * ink * coverage)


def paint_grove(
    canvas: Canvas, columns: np.ndarray, edge: np.ndarray, pigments: Pigments, ink: float, size: float
) -> None:
    """Far trees on a ridge: dark dabs of about `size` pixels in clumps along its upper edge."""
    rng = canvas.rng
    density = canvas.noise(columns / (38 * canvas.unit) + rng.uniform(0, 80), 3.0)
    chosen = np.flatnonzero((density > 0.35) & (rng.random(len(columns)) < 0.8 / max(1.0, 0.32 * size)))
    if not len(chosen):
        return
    place_y = edge[chosen] + rng.uniform(0, 1.8, len(chosen)) * size
    box = (columns[0], place_y.min() - 3 * size, columns[-1], place_y.max() + size)

    def dabs(draw, at):
        for cx, cy in zip(columns[chosen], place_y, strict=True):
            high, wide = size * rng.uniform(0.8, 1.7), size * rng.uniform(0.22, 0.42)
            (a, b), (c, d) = at(cx - wide, cy - high), at(cx + wide, cy + 0.25 * size)
            draw.ellipse((a, b, c, d), fill=int(rng.uniform(140, 255)))

    place, coverage = canvas.draw(box, dabs)
    canvas.cover(place, 0.6 * coverage, np.array(pigments.leaves[0], np.float32))
    canvas.ink(place, 0.72 * ink * coverage)


def paint_pavilion(canvas: Canvas, x: float, y: float, size: float, pigments: Pigments) -> None:
    """An open pavilion, `size` pixels wide, its floor at (x, y): upturned eaves, four posts, a platform."""
    half, eave, peak = 0.62 * size, 0.50 * size, 0.92 * size
    curve = np.linspace(-1, 1, 25)
    eaves = [(x + half * t, y - eave - 0.13 * size * np.abs(t) ** 3) for t in curve]
    hips = [
        (x + half * t, y - eave - 0.13 * size - (peak - eave - 0.13 * size) * (1 - abs(t)) ** 1.7) for t in curve[::-1]
    ]
    box = (x - size, y - 1.2 * size, x + size, y + 0.3 * size)
    fine = max(0.5, 0.022 * size)

    def roof(draw, at):
        draw.polygon([at(*point) for point in eaves + hips], fill=255)

    def hall(draw, at):
        draw.rectangle((*at(x - 0.42 * size, y - eave), *at(x + 0.42 * size, y + 0.12 * size)), fill=255)

    def lines(draw, at):
        _line(draw, at, [*eaves, *hips, eaves[0]], 1.3 * fine)
        for t in np.linspace(-0.7, 0.7, 7):
            foot = (x + half * t, y - eave - 0.13 * size * abs(t) ** 3)
            _line(draw, at, [(x + 0.25 * half * t, y - 0.82 * peak - 0.03 * size), foot], 0.5 * fine, 150)
        for t in (-0.42, -0.17, 0.17, 0.42):
            _line(draw, at, [(x + t * size, y - eave), (x + t * size, y)], 1.2 * fine)
        for t, wide in ((-0.16, 0.42), (-0.08, 0.42), (0.0, 0.52), (0.1, 0.58)):
            _line(draw, at, [(x - wide * size, y + t * size), (x + wide * size, y + t * size)], fine)
        _line(draw, at, [(x, y - peak), (x, y - peak - 0.11 * size)], 1.6 * fine)

    place, coverage = canvas.draw(box, hall)
    canvas.cover(place, coverage, np.array([0.96, 0.93, 0.87], np.float32))
    place, coverage = canvas.draw(box, roof)
    canvas.cover(place, coverage, np.array(pigments.roof, np.float32))
    place, coverage = canvas.draw(box, lines)
    canvas.ink(place, 0.85 * coverage)


def paint_boat(canvas: Canvas, x: float, y: float, size: float, pigments: Pigments) -> None:
    """A small boat, `size` pixels long, at (x, y): hull, mat awning, a boatman with his pole."""
    way = canvas.rng.choice([-1, 1])
    t = np.linspace(-1, 1, 17)
    deck = [(x + 0.5 * size * u, y - 0.10 * size * u**2 - 0.02 * size) for u in t]
    keel = [(x + 0.44 * size * u, y + 0.07 * size * (1 - u**2)) for u in t[::-1]]
    awning = [(x - way * 0.06 * size + 0.20 * size * u, y - 0.17 * size * (1 - u**4) - 0.01 * size) for u in t]
    man = x + way * 0.30 * size
    box = (x - 0.8 * size, y - 0.6 * size, x + 0.8 * size, y + 0.3 * size)

    def mat(draw, at):
        draw.polygon([at(*point) for point in awning], fill=255)

    def lines(draw, at):
        draw.polygon([at(*point) for point in deck + keel], fill=190)
        _line(draw, at, deck, 0.7)
        _line(draw, at, awning, 0.7)
        _line(draw, at, [(man, y - 0.05 * size), (man, y - 0.20 * size)], 0.055 * size)
        (a, b), (c, d) = at(man - 0.028 * size, y - 0.27 * size), at(man + 0.028 * size, y - 0.20 * size)
        draw.ellipse((a, b, c, d), fill=255)
        _line(draw, at, [(man + way * 0.04 * size, y - 0.40 * size), (man + way * 0.16 * size, y + 0.12 * size)], 0.5)

    place, coverage = canvas.draw(box, mat)
    canvas.cover(place, coverage, np.array(pigments.foot, np.float32))
    place, coverage = canvas.draw(box, lines)
    canvas.ink(place, 0.82 * coverage)


def paint_water(canvas: Canvas, level: float, pigments: Pigments) -> None:
    """Still water below row `level`: a pale wash and broken level lines that thin out towards the viewer."""
    top = max(0, int(level))
    if top >= canvas.height:
        return
    y, x = np.mgrid[top : canvas.height, 0 : canvas.width].astype(np.float32)
    near = (y - level) / max(1.0, canvas.height - level)
    drift = canvas.noise(x / (190 * canvas.unit), y / (20 * canvas.unit), octaves=2)
    lines = smoothstep(
        0.93, 1.0, canvas.noise.ridged(x / (120 * canvas.unit), y / ((7 + 16 * near) * canvas.unit) + 0.2 * drift)
    )
    box = (0, top, canvas.width, canvas.height)
    wash = smoothstep(0, 0.08, near) * np.clip(0.34 + 0.10 * drift, 0, 1) * (1 - 0.45 * near)
    canvas.cover(box, wash, np.array(pigments.water, np.float32))
    canvas.ink(box, 0.16 * lines * smoothstep(0.02, 0.15, near) * smoothstep(-0.2, 0.8, drift))


def paint_birds(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A few geese in a loose line, each `size` pixels across."""
    rng = canvas.rng
    spots = [
        (x + i * size * rng.uniform(1.2, 1.8), y - i * size * rng.uniform(0.2, 0.7)) for i in range(rng.integers(3, 7))
    ]
    box = (x - 2 * size, y - 8 * size, x + 14 * size, y + 2 * size)

    def wings(draw, at):
        for bx, by in spots:
            _line(draw, at, [(bx - 0.5 * size, by - 0.22 * size), (bx, by), (bx + 0.5 * size, by - 0.3 * size)], 0.6)

    place, coverage = canvas.draw(box, wings)
    canvas.ink(place, 0.55 * coverage)
