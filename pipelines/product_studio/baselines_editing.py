"""What the editing networks are measured against: classical methods, from libraries where they have them.

Each takes a picture (H, W, 3) uint8 and gives one back. None is told how a picture was degraded: strengths are
estimated from the picture, or are one middle value of the ranges in `degradations`.
"""

import warnings
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage
from skimage import color, exposure, filters, restoration

from pipelines.product_studio.degradations import gaussian_kernel

Filter = Callable[[np.ndarray], np.ndarray]
ASSUMED_SIGMA = 1.4  # px: the middle of the blurs' range
BORDER = 0.04  # share of a side that counts as background for certain


def non_local_means(pixels: np.ndarray) -> np.ndarray:
    """OpenCV's, at 0.9 of the deviation that scikit-image estimates: of five factors the best on validation."""
    found = restoration.estimate_sigma(pixels / 255.0, channel_axis=2, average_sigmas=True)
    sigma = 255 * float(np.asarray(found, dtype=np.float64))
    strength = max(1.0, 0.9 * sigma)
    return cv2.fastNlMeansDenoisingColored(np.ascontiguousarray(pixels), None, strength, strength, 5, 15)


def wavelets(pixels: np.ndarray) -> np.ndarray:
    """scikit-image's BayesShrink in YCbCr."""
    found = restoration.denoise_wavelet(pixels / 255.0, channel_axis=2, convert2ycbcr=True, rescale_sigma=True)
    return _bytes(found)


def unsharp(pixels: np.ndarray) -> np.ndarray:
    """scikit-image's unsharp mask: radius 2, amount 1."""
    return _bytes(filters.unsharp_mask(pixels / 255.0, radius=2, amount=1.0, channel_axis=2))


def richardson_lucy(pixels: np.ndarray) -> np.ndarray:
    """scikit-image's, ten iterations, for a Gaussian blur of `ASSUMED_SIGMA`; edges are repeated around the picture."""
    kernel = gaussian_kernel(ASSUMED_SIGMA).double().numpy()
    margin = kernel.shape[0]
    wide = np.pad(pixels / 255.0, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    found = [restoration.richardson_lucy(wide[..., k], kernel, num_iter=10) for k in range(3)]
    return _bytes(np.dstack(found)[margin:-margin, margin:-margin])


def wiener(pixels: np.ndarray) -> np.ndarray:
    """scikit-image's Wiener filter with a balance of 0.1, for a Gaussian blur of `ASSUMED_SIGMA`; edges repeated."""
    kernel = gaussian_kernel(ASSUMED_SIGMA).double().numpy()
    margin = kernel.shape[0]
    wide = np.pad(pixels / 255.0, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    found = [restoration.wiener(wide[..., k], kernel, 0.1) for k in range(3)]
    return _bytes(np.dstack(found)[margin:-margin, margin:-margin])


def autocontrast(pixels: np.ndarray) -> np.ndarray:
    """PIL's, each channel stretched after 1 % at either end: white balance and contrast at once."""
    return np.asarray(ImageOps.autocontrast(Image.fromarray(pixels), cutoff=1))


def grey_world(pixels: np.ndarray) -> np.ndarray:
    """Each channel brought to the mean of all (Buchsbaum, 1980): it takes the picture to be grey on average."""
    means = pixels.reshape(-1, 3).mean(0)
    return _bytes(pixels / 255.0 * (means.mean() / np.maximum(means, 1e-3)))


def bicubic(pixels: np.ndarray) -> np.ndarray:
    """PIL's, twice the size."""
    return _enlarged(pixels, Image.Resampling.BICUBIC)


def lanczos(pixels: np.ndarray) -> np.ndarray:
    """PIL's, twice the size."""
    return _enlarged(pixels, Image.Resampling.LANCZOS)


def threshold_mask(pixels: np.ndarray) -> np.ndarray:
    """Distance in CIELAB to the border's median colour, cut by scikit-image's Otsu; holes are filled. (H, W) 0 or 1."""
    lab = color.rgb2lab(pixels)
    height, width = pixels.shape[:2]
    rows, columns = max(1, round(BORDER * height)), max(1, round(BORDER * width))
    frame = np.ones((height, width), bool)
    frame[rows:-rows, columns:-columns] = False
    distance = np.linalg.norm(lab - np.median(lab[frame], axis=0), axis=2)
    if distance.max() - distance.min() < 1e-6:
        return np.zeros((height, width), np.float32)
    return ndimage.binary_fill_holes(distance > filters.threshold_otsu(distance)).astype(np.float32)


def grab_cut(pixels: np.ndarray) -> np.ndarray:
    """OpenCV's, five iterations, from a rectangle that leaves `BORDER` out on each side. (H, W) 0 or 1."""
    height, width = pixels.shape[:2]
    down, right = max(1, round(BORDER * height)), max(1, round(BORDER * width))
    mask = np.zeros((height, width), np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    image = np.ascontiguousarray(pixels[..., ::-1])
    cv2.grabCut(image, mask, (right, down, width - 2 * right, height - 2 * down), *models, 5, cv2.GC_INIT_WITH_RECT)
    return np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)


def reinhard(pixels: np.ndarray, style: np.ndarray) -> np.ndarray:
    """Each channel of CIELAB takes over the style's mean and deviation (Reinhard et al., 2001)."""
    own, wanted = color.rgb2lab(pixels), color.rgb2lab(style)
    gain = wanted.std((0, 1)) / np.maximum(own.std((0, 1)), 1e-3)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Conversion from CIE-LAB")  # colours outside sRGB are clipped
        return _bytes(color.lab2rgb((own - own.mean((0, 1))) * gain + wanted.mean((0, 1))))


def histogram_matching(pixels: np.ndarray, style: np.ndarray) -> np.ndarray:
    """scikit-image's, each channel of RGB."""
    return exposure.match_histograms(pixels, style, channel_axis=2).round().clip(0, 255).astype(np.uint8)


CLASSICAL: dict[str, dict[str, Filter]] = {
    "denoise": {"non-local means (OpenCV)": non_local_means, "wavelets (scikit-image)": wavelets},
    "deblur": {
        "unsharp mask (scikit-image)": unsharp,
        "Wiener (scikit-image)": wiener,
        "Richardson-Lucy (scikit-image)": richardson_lucy,
    },
    "tone": {"autocontrast (PIL)": autocontrast, "grey world": grey_world},
    "upscale": {"bicubic (PIL)": bicubic, "Lanczos (PIL)": lanczos},
}
MASKS: dict[str, Filter] = {"Otsu threshold (scikit-image)": threshold_mask, "GrabCut (OpenCV)": grab_cut}
TRANSFERS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "colour transfer (Reinhard)": reinhard,
    "histogram matching (scikit-image)": histogram_matching,
}


def _enlarged(pixels: np.ndarray, method: Image.Resampling) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((2 * pixels.shape[1], 2 * pixels.shape[0]), method))


def _bytes(values: np.ndarray) -> np.ndarray:
    return (np.nan_to_num(values) * 255).round().clip(0, 255).astype(np.uint8)
