"""Palettes: how far apart the colours of two pictures lie, wherever in the pictures they are.

A palette is a fixed number of CIELAB colours, each of which stands for an equal number of pixels. The distance of two
is the least mean colour difference over all ways to turn one into the other: the Wasserstein-1 distance (earth mover's
distance), exact, since between equal weights the best way is one to one (Villani, 2003, Topics in Optimal
Transportation, introduction).
"""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from skimage.color import rgb2lab
from torch import Tensor

COLOURS = 128
PIXELS = 1 << 14  # of a picture that are looked at, evenly spread


def palettes(rgb: Tensor, colours: int = COLOURS) -> np.ndarray:
    """The palettes of pictures, by Heckbert's median cut (1982) in CIELAB.

    Pixels are halved at the median of the axis along which they vary most, and the halves again, so all cells hold
    equally many; a colour of the palette is the mean of a cell.

    Args:
        rgb: (N, 3, H, W) sRGB in [0, 1].
        colours: of each palette, a power of two.

    Returns:
        (N, colours, 3) float32, L*, a*, b*.

    Raises:
        ValueError: for another shape or number.
    """
    if rgb.ndim != 4 or rgb.shape[1] != 3 or 0 in rgb.shape[2:]:
        raise ValueError(f"Pictures must be (N, 3, H, W), got {tuple(rgb.shape)}.")
    if colours < 1 or colours & (colours - 1):
        raise ValueError(f"A palette has a power of two of colours, got {colours}.")
    pixels = rgb.detach().cpu().float().clamp(0, 1).flatten(2)
    total = pixels.shape[2]
    count = max(1, min(total, PIXELS) // colours) * colours
    picked = pixels[:, :, torch.arange(count) * total // count].transpose(1, 2).numpy()
    cut = [_median_cut(rgb2lab(picture), colours) for picture in picked]
    return np.stack(cut) if cut else np.empty((0, colours, 3), dtype=np.float32)


def palette_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Wasserstein-1 distance of two palettes, (K, C) each, under the Euclidean distance: CIE76 where C is L*, a*, b*.

    Raises:
        ValueError: if the shapes differ.
    """
    if first.shape != second.shape or first.ndim != 2:
        raise ValueError(f"Palettes must be (K, C) of one shape, got {first.shape} and {second.shape}.")
    costs = np.sqrt(np.square(first[:, None].astype(np.float64) - second[None]).sum(-1))
    return float(costs[linear_sum_assignment(costs)].mean())


def random_others(keys: Sequence[str], groups: Sequence[str], count: int, seed: int = 0) -> list[np.ndarray]:
    """For each item the positions of others that it is compared with: of its own group, and never one of equal key.

    A group in which nothing else is left takes the others of all groups; an item may still be left with none.

    Args:
        keys: what an item is, (N,): two items with one reference have one key.
        groups: (N,).
        count: of others at most, drawn without replacement.
    """
    rng = np.random.default_rng(seed)
    names, kinds = np.asarray(keys), np.asarray(groups)
    chosen = []
    for key, kind in zip(names, kinds, strict=True):
        different = names != key
        left = np.flatnonzero(different & (kinds == kind))
        left = left if len(left) else np.flatnonzero(different)
        chosen.append(np.sort(rng.permutation(left)[:count]))
    return chosen


def reference_fidelity(
    outputs: np.ndarray, references: np.ndarray, others: Sequence[np.ndarray]
) -> dict[str, np.ndarray]:
    """Whose colours outputs have: their own reference's, or as much those of random others?

    Args:
        outputs: (N, K, C), palettes of the outputs.
        references: (N, K, C), palettes of the outputs' own references.
        others: for each output the positions of references that it was not made with, see `random_others`.

    Returns:
        (N,) each: "own" is the distance to the own reference, "other" the mean distance to the others, "nearer" the
        share of the others that are farther than the own, where equally far ones count half; the last two are nan
        where there is no other.
    """
    rows = []
    for output, own_palette, positions in zip(outputs, references, others, strict=True):
        own = palette_distance(output, own_palette)
        far = np.array([palette_distance(output, references[position]) for position in positions])
        nearer = (far > own).mean() + (far == own).mean() / 2 if len(far) else np.nan
        rows.append([own, far.mean() if len(far) else np.nan, nearer])
    columns = np.array(rows, dtype=np.float64).reshape(-1, 3).T
    return dict(zip(("own", "other", "nearer"), columns, strict=True))


def _median_cut(lab: np.ndarray, colours: int) -> np.ndarray:
    """(P, 3), P a multiple of `colours` -> (colours, 3)."""
    cells = lab[None].astype(np.float32)
    while len(cells) < colours:
        widest = cells.var(axis=1).argmax(axis=1)
        order = np.take_along_axis(cells, widest[:, None, None], axis=2)[..., 0].argsort(axis=1, kind="stable")
        cells = np.take_along_axis(cells, order[..., None], axis=1).reshape(2 * len(cells), -1, 3)
    return cells.mean(axis=1)
