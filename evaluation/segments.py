"""Closed regions of line drawings, and what colouring does to them: is each of them right, and do colours keep to them?

Two faults are measured. Colour confusion: a region has another colour than it should, `segment_ciede2000`. Spilling:
colours change inside regions, where there is no line, rather than from region to region, `colour_steps`.
"""

import numpy as np
import torch
from scipy import ndimage
from skimage.color import deltaE_ciede2000, rgb2lab
from torch import Tensor

INK = 0.25  # of the paper's brightness that must be missing for a line
STEP = 8  # px between two places whose colours are compared: more than a line is wide


def segments(drawing: np.ndarray, gap: int = 1, smallest: int = 32) -> np.ndarray:
    """The regions that lines close off.

    Args:
        drawing: (H, W) uint8, ink dark on paper of any tone, which is the brightness at the 80th percentile.
        gap: lines are widened by so many pixels before regions are told apart, so gaps of twice as many are closed.
        smallest: what is left of a region after that must have so many pixels, or it counts as line.

    Returns:
        (H, W) int32, regions numbered from 1; 0 for lines.

    Raises:
        ValueError: for another shape or type.
    """
    if drawing.ndim != 2 or drawing.dtype != np.uint8:
        raise ValueError(f"A drawing is (H, W) uint8, got {drawing.shape} {drawing.dtype}.")
    paper = drawing >= (1 - INK) * np.percentile(drawing, 80)
    core = ndimage.binary_erosion(paper, np.ones((3, 3)), iterations=gap, border_value=1) if gap else paper
    labels, count = ndimage.label(core)
    kept = np.bincount(labels.ravel(), minlength=count + 1) >= smallest
    kept[0] = False
    return np.where(kept, np.cumsum(kept), 0)[labels].astype(np.int32)


def segment_ciede2000(real: Tensor, output: Tensor, labels: np.ndarray) -> Tensor:
    """CIEDE2000 between the mean colours that each region has in two pictures, averaged over the regions' pixels.

    Args:
        real, output: (N, 3, H, W) sRGB in [0, 1].
        labels: (N, H, W), see `segments`.

    Returns:
        (N,) float64; nan where a drawing has no region.

    Raises:
        ValueError: if the sizes differ.
    """
    values = []
    for first, second, regions in zip(_lab(real, labels), _lab(output, labels), labels, strict=True):
        sizes = np.bincount(regions.ravel())[1:]
        means = [_means(lab, regions) for lab in (first, second)]
        values.append(float(deltaE_ciede2000(*means) @ sizes / sizes.sum()) if sizes.any() else np.nan)
    return torch.tensor(values, dtype=torch.float64)


def colour_steps(rgb: Tensor, labels: np.ndarray, step: int = STEP) -> tuple[Tensor, Tensor]:
    """Mean change of colour between places `step` pixels apart, inside regions and across lines.

    Places lie beside or above each other; both lie in a region, in the same one or in different ones. The change is
    the distance in a*, b*: shades of one colour are no spilling. Inside over across is the spill: 0 for regions of one
    colour each, 1 where lines say nothing of the colours.

    Args:
        rgb: (N, 3, H, W) sRGB in [0, 1].
        labels: (N, H, W), see `segments`.

    Returns:
        (N,) inside and (N,) across, float64; nan where there are no two such places.

    Raises:
        ValueError: if the sizes differ.
    """
    values = []
    for lab, regions in zip(_lab(rgb, labels), labels, strict=True):
        changes, same = (np.concatenate(parts) for parts in zip(*_pairs(lab[..., 1:], regions, step), strict=True))
        values.append([changes[chosen].mean() if chosen.any() else np.nan for chosen in (same, ~same)])
    inside, across = torch.tensor(values, dtype=torch.float64).reshape(-1, 2).unbind(1)
    return inside, across


def _pairs(chroma: np.ndarray, regions: np.ndarray, step: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """For places beside each other, then above each other: how far apart are their colours, and is it one region?"""
    found = []
    for axis in range(2):
        count = max(regions.shape[axis] - step, 0)
        early, late = range(count), range(step, step + count)
        region, other = regions.take(early, axis), regions.take(late, axis)
        change = np.sqrt(np.square(chroma.take(early, axis) - chroma.take(late, axis)).sum(-1))
        both = (region > 0) & (other > 0)
        found.append((change[both], (region == other)[both]))
    return found


def _means(lab: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """(H, W, 3), (H, W) -> (R, 3): mean colour of regions 1 to R."""
    flat, sizes = regions.ravel(), np.bincount(regions.ravel())
    sums = [np.bincount(flat, lab[..., channel].ravel().astype(np.float64)) for channel in range(3)]
    return (np.stack(sums, axis=-1) / np.maximum(sizes, 1)[:, None])[1:]


def _lab(rgb: Tensor, labels: np.ndarray) -> list[np.ndarray]:
    """Each picture as (H, W, 3) CIELAB."""
    if rgb.ndim != 4 or rgb.shape[1] != 3 or (len(rgb), *rgb.shape[2:]) != labels.shape:
        raise ValueError(f"Pictures must be (N, 3, H, W) and labels (N, H, W), got {tuple(rgb.shape)}, {labels.shape}.")
    pictures = rgb.detach().cpu().float().clamp(0, 1).permute(0, 2, 3, 1).numpy()
    return [rgb2lab(picture) for picture in pictures]
