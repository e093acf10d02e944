"""Trivial ways to colour a drawing, which a model must beat: colours are multiplied by the lines, as ink over paint.

Drawings are (N, 1, H, W) uint8, references (N, 3, H, W), outputs (N, 3, H, W) uint8 of the drawings' size.
"""

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

SOFTNESS = 12.0  # px, of the blur after which drawings are ranked
_LUMA = (0.299, 0.587, 0.114)  # Rec. 601


def uncoloured(lines: Tensor) -> Tensor:
    """The drawing as it is, in grey."""
    return lines.expand(-1, 3, -1, -1).contiguous()


def mean_colour(lines: Tensor, colour: Tensor) -> Tensor:
    """One colour everywhere.

    Args:
        colour: (3,) of all drawings or (N, 3) of each, from 0 to 255: the mean of training pictures, or of references.
    """
    return _under(lines, colour.float().view(-1, 3, 1, 1).expand(len(lines), 3, *lines.shape[2:]))


def palette_by_brightness(lines: Tensor, references: Tensor, softness: float = SOFTNESS) -> Tensor:
    """The reference's colours in order of brightness: the darkest where the drawing is darkest, once it is blurred.

    Every pixel of the reference finds its place: what the colours are is right, where they are is chance.

    Args:
        softness: deviation of the blur; without it, white paper has no order.
    """
    painted = []
    for drawing, reference in zip(lines[:, 0], references, strict=True):
        blurred = ndimage.gaussian_filter(drawing.numpy().astype(np.float32), softness, mode="nearest")
        ranks = np.empty(blurred.size, dtype=np.int64)
        ranks[blurred.ravel().argsort(kind="stable")] = np.arange(blurred.size)
        colours = reference.flatten(1).float()
        ordered = colours[:, (torch.tensor(_LUMA) @ colours).argsort(stable=True)]
        places = torch.from_numpy(ranks) * ordered.shape[1] // blurred.size
        painted.append(ordered[:, places].view(3, *drawing.shape))
    return _under(lines, torch.stack(painted)) if painted else uncoloured(lines)


def _under(lines: Tensor, colours: Tensor) -> Tensor:
    """Colours, (N, 3, H, W) from 0 to 255, with the lines drawn over them; white paper leaves them as they are."""
    return (colours * (lines.float() / 255)).round().byte()
