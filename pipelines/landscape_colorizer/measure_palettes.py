"""Measure palettes on paintings: `python -m pipelines.landscape_colorizer.measure_palettes --data FOLDER`.

It writes `traditions.py`, numbers only. A tradition's palette is that of the three training paintings which by a stated
rule on their colours come nearest to it; the name says what the colours resemble, not who painted them. Paintings whose
ground has a cast, of a photograph or a print, stand for no tradition: they would tint the paper. The bank, which
variants are drawn from, is of single paintings that differ as much as any: farthest-point sampling by the distance of
their palettes.
"""

import torchvision_guard  # noqa: F401  isort: skip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import tyro

from pipelines.color import rgb_to_lab
from pipelines.landscape_colorizer.dataset import decode, load_paintings
from pipelines.landscape_colorizer.palettes import COLOURS, cluster_colours
from pipelines.landscape_colorizer.variants import palette_gap
from pipelines.tiles import shrink

TARGET = Path(__file__).with_name("traditions.py")
_PAINTINGS = 3  # of which a tradition's palette is taken

Rule = Callable[[np.ndarray, np.ndarray, np.ndarray], float]
"""Of a palette's hues in degrees, chromas and shares: how much of the tradition there is."""


def blue_green(hue: np.ndarray, chroma: np.ndarray, share: np.ndarray) -> float:
    """Share of mineral greens and blues, by their chroma."""
    return float((share * chroma)[(hue > 120) & (hue < 290)].sum())


def light_ochre(hue: np.ndarray, chroma: np.ndarray, share: np.ndarray) -> float:
    """Share of pale reddish browns, less all strong or cold colours."""
    pale = (hue > 50) & (hue < 80) & (chroma > 8) & (chroma < 22)
    return float(share[pale].sum() - 2 * share[(chroma > 26) | ((hue > 100) & (chroma > 6))].sum())


def gold_green(hue: np.ndarray, chroma: np.ndarray, share: np.ndarray) -> float:
    """Golden yellows and greens together: the lesser of their shares, gold by its chroma."""
    gold = (share * chroma / 40)[(hue > 70) & (hue < 95) & (chroma > 26)].sum()
    return float(min(gold, 2 * share[(hue > 100) & (hue < 200) & (chroma > 8)].sum()))


def boneless(hue: np.ndarray, chroma: np.ndarray, share: np.ndarray) -> float:
    """Reds beside greens and blues, in washes of colour: the lesser of their shares by chroma."""
    red = (share * chroma)[((hue < 45) | (hue > 330)) & (chroma > 10)].sum()
    return float(min(red, (share * chroma)[(hue > 110) & (hue < 290) & (chroma > 6)].sum()))


def autumn(hue: np.ndarray, chroma: np.ndarray, share: np.ndarray) -> float:
    """Oranges and russets, by their chroma."""
    return float((share * chroma)[(hue > 40) & (hue < 68) & (chroma > 24)].sum())


RULES: dict[str, tuple[str, str, Rule]] = {
    "blue-green": ("Blue-green", "青绿", blue_green),
    "light-ochre": ("Light ochre", "浅绛", light_ochre),
    "gold-green": ("Gold and green", "金碧", gold_green),
    "boneless": ("Boneless", "没骨", boneless),
    "autumn": ("Autumn", "秋", autumn),
}


def measure(data: Path, bank: int = 32, target: Path = TARGET) -> None:
    """Measure the palettes and write them.

    Args:
        data: folder, parquet file or images; of a folder with splits the training split is read.
        bank: palettes to draw variants from.
        target: the module to write.
    """
    rows = load_paintings(data, "train")
    works = rows["work"] if "work" in rows.column_names else list(range(len(rows)))
    coloured = [n for n, group in enumerate(rows["group"]) if group != "ink"]
    pixels = [small_lab(decode(rows[number])) for number in coloured]
    tables = [cluster_colours(points, COLOURS) for points in pixels]
    lines, used = [_HEAD], dict[str, set]()
    for key, (english, chinese, rule) in RULES.items():
        taken = set().union(*used.values()) if used else set()
        names = [works[number] for number in coloured]
        picked = best([-np.inf if has_cast(table) else rule(*polar(table)) for table in tables], names, taken)
        used[key] = {names[number] for number in picked}
        table = cluster_colours(np.concatenate([pixels[number] for number in picked]), COLOURS)
        lines.append(f'    "{key}": Tradition(\n        "{key}",\n        "{english}",\n        "{chinese}",')
        lines.append(f'        read_palette("{as_text(table)}"),\n    ),')
        print(key, [coloured[number] for number in picked], as_text(table))
    lines += ["}", "", "BANK: tuple[Palette, ...] = tuple(", "    read_palette(line)", "    for line in ("]
    lines += [f'        "{as_text(tables[number])}",' for number in far_apart(tables, bank)]
    target.write_text("\n".join([*lines, "    )", ")", ""]), encoding="utf-8")


def small_lab(picture: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 -> at most 4096 evenly shrunk pixels, (N, 3) CIELAB."""
    rgb = torch.from_numpy(shrink(picture, 64 * 64).copy()).permute(2, 0, 1)[None] / 255
    return rgb_to_lab(rgb)[0].flatten(1).T.numpy()


def has_cast(table: np.ndarray) -> bool:
    """Whether the ground, the lightest colour of a table, is neither grey nor of a hue that paper and silk have."""
    hue, chroma, _ = polar(table)
    return bool(chroma[-1] > 6 and not 40 < hue[-1] < 110)


def polar(table: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(K, 4) L*, a*, b*, share -> hues in [0, 360), chromas, shares."""
    return np.degrees(np.arctan2(table[:, 2], table[:, 1])) % 360, np.hypot(table[:, 1], table[:, 2]), table[:, 3]


def best(scores: list[float], works: list, taken: set) -> list[int]:
    """The pictures of the highest scores, at most one of a work, and none of those taken."""
    picked: list[int] = []
    for number in np.argsort(scores, kind="stable")[::-1].tolist():
        if works[number] not in taken | {works[other] for other in picked}:
            picked.append(number)
        if len(picked) == _PAINTINGS:
            break
    return picked


def far_apart(tables: list[np.ndarray], count: int) -> list[int]:
    """Farthest-point sampling, from the palette nearest to all others on; outliers, the farthest 5 %, stay out."""
    gaps = np.array([[palette_gap(first, second) for second in tables] for first in tables])
    usual = np.flatnonzero(gaps.mean(1) <= np.quantile(gaps.mean(1), 0.95))
    picked = [int(usual[gaps[usual].mean(1).argmin()])]
    while len(picked) < min(count, len(usual)):
        picked.append(int(usual[gaps[usual][:, picked].min(1).argmax()]))
    return picked


def as_text(table: np.ndarray) -> str:
    """A palette as whole numbers, "L a b percent" of each colour."""
    return ", ".join(f"{row[0]:.0f} {row[1]:.0f} {row[2]:.0f} {max(1, round(100 * row[3]))}" for row in table)


_HEAD = '''"""Palettes measured on real paintings, all old works in the public domain; numbers only.

Written by `python -m pipelines.landscape_colorizer.measure_palettes`, whose rules say what each is. Each colour is
L* a* b* and its share in percent. This module goes into Hub files.
"""

from dataclasses import dataclass

from pipelines.landscape_colorizer.palettes import Palette, read_palette


@dataclass(frozen=True)
class Tradition:
    """A way of colouring, by its palette."""

    name: str
    title_en: str
    title_zh: str
    palette: Palette


TRADITIONS: dict[str, Tradition] = {'''


if __name__ == "__main__":
    tyro.cli(measure)
