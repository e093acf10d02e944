"""Colour measures of pictures: how far colours are from the true ones, how strong they are and how much they vary.

Pictures are (N, 3, H, W) sRGB tensors in [0, 1]; every measure gives one value a picture, (N,) float64. CIELAB comes
from scikit-image (D65, 2 degree observer), so that the models' own colour conversion is not judged by itself.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from skimage.color import deltaE_ciede2000, rgb2lab
from torch import Tensor


def _rgb_arrays(rgb: Tensor) -> Iterator[np.ndarray]:
    """Each picture as (H, W, 3) float32; one at a time, since CIELAB is worked out in many large temporaries."""
    if rgb.ndim != 4 or rgb.shape[1] != 3:
        raise ValueError(f"Pictures must be (N, 3, H, W), got {tuple(rgb.shape)}.")
    for picture in rgb.detach().cpu().float().clamp(0, 1):
        yield picture.permute(1, 2, 0).numpy()


def _per_picture(measure: Callable[..., float], *batches: Tensor) -> Tensor:
    values = [measure(*pictures) for pictures in zip(*map(_rgb_arrays, batches), strict=True)]
    return torch.tensor(values, dtype=torch.float64)


def colourfulness(rgb: Tensor) -> Tensor:
    """Colourfulness M3 of Hasler and Suesstrunk (2003), https://doi.org/10.1117/12.477378, on 8-bit scale.

    M = sqrt(var rg + var yb) + 0.3 sqrt(mean rg^2 + mean yb^2), rg = R - G, yb = (R + G) / 2 - B. Grey has 0; the
    authors call 15 slightly, 33 moderately and 59 quite colourful.
    """
    red, green, blue = (rgb.detach().cpu().double() * 255).unbind(1)
    rg, yb = (red - green).flatten(1), ((red + green) / 2 - blue).flatten(1)
    spread = (rg.var(1, correction=0) + yb.var(1, correction=0)).sqrt()
    return spread + 0.3 * (rg.mean(1).square() + yb.mean(1).square()).sqrt()


def mean_chroma(rgb: Tensor) -> Tensor:
    """Mean of C* = sqrt(a*^2 + b*^2) over a picture's pixels: how strong its colours are. A tint can have any."""
    return _per_picture(lambda picture: float(np.hypot(*_ab(rgb2lab(picture))).mean()), rgb)


def chroma_spread(rgb: Tensor) -> Tensor:
    """Spread of the chroma within a picture, sqrt(var a* + var b*) over its pixels: 0 for a flat tint."""
    return _per_picture(lambda picture: _spread(rgb2lab(picture)), rgb)


def ciede2000(real: Tensor, output: Tensor) -> Tensor:
    """Mean CIEDE2000 colour difference between two pictures (CIE 142:2001, k_L = k_C = k_H = 1)."""
    return _per_picture(lambda x, y: float(deltaE_ciede2000(rgb2lab(x), rgb2lab(y)).mean()), real, output)


def colour_measures(real: Tensor, output: Tensor) -> dict[str, Tensor]:
    """All colour measures of `output` at once, against `real`; CIELAB is worked out once a picture.

    Returns:
        (N,) each: "ciede2000", "colourfulness", "chroma" (see `mean_chroma`), "spread" (see `chroma_spread`), and the
        same of the real pictures: "real_colourfulness", "real_chroma", "real_spread".
    """
    rows = []
    for first, second in zip(_rgb_arrays(real), _rgb_arrays(output), strict=True):
        x, y = rgb2lab(first), rgb2lab(second)
        difference = float(deltaE_ciede2000(x, y).mean())
        rows.append(
            [difference, float(np.hypot(*_ab(y)).mean()), _spread(y), float(np.hypot(*_ab(x)).mean()), _spread(x)]
        )
    names = ("ciede2000", "chroma", "spread", "real_chroma", "real_spread")
    columns = torch.tensor(rows, dtype=torch.float64).T
    strength = {"colourfulness": colourfulness(output), "real_colourfulness": colourfulness(real)}
    return dict(zip(names, columns, strict=True)) | strength


@torch.no_grad()
def colour_validation(real_rgb: Tensor, output_rgb: Tensor, lpips: torch.nn.Module) -> dict[str, float]:
    """What a training run watches: likeness to the true pictures and vividness, averaged over the pictures.

    Args:
        real_rgb, output_rgb: (N, 3, H, W) in [0, 1].
        lpips: `perceptual.lpips_network("alex")`, on the device of the pictures.

    Returns:
        "lpips", "ciede2000", "colourfulness", and, as fractions of the real pictures' averages, "chroma_ratio" and
        "spread_ratio".
    """
    pairs = zip(real_rgb.split(8), output_rgb.split(8), strict=True)
    distances = torch.cat([lpips(first * 2 - 1, second * 2 - 1) for first, second in pairs])
    measured = {name: float(values.mean()) for name, values in colour_measures(real_rgb, output_rgb).items()}
    return {
        "lpips": float(distances.mean()),
        "chroma_ratio": measured["chroma"] / max(measured["real_chroma"], 1e-6),
        "spread_ratio": measured["spread"] / max(measured["real_spread"], 1e-6),
        "colourfulness": measured["colourfulness"],
        "ciede2000": measured["ciede2000"],
    }


def _ab(lab: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return lab[..., 1], lab[..., 2]


def _spread(lab: np.ndarray) -> float:
    return float(np.sqrt(sum(channel.var(dtype=np.float64) for channel in _ab(lab))))
