"""The camera: a height map seen in perspective, column by column, with a mirror image for still water.

The ground is sampled on slices at growing distances, one sample a slice and picture column. Where a slice projects
higher than all before it, it is seen (as in the height-map games of the 1990s), so no ray is marched.
"""

from typing import Any

import numpy as np

NEAR, FAR = 4.0, 11_000.0  # metres
ROWS_A_PIXEL = 2  # rows are seen twice as fine and averaged: edges do not flicker


class View:
    """A camera that looks along +Z from `eye` metres above the water, and the points of the ground it samples.

    Args:
        width, height: of the picture in pixels.
        eye: height of the camera in metres.
        horizon: row of the horizon as a share of the height.

    Attributes:
        depth: (n, 1) distances of the slices in metres, growing.
        x: (n, width) metres to the right of the camera.
        footprint: (n, 1) metres that one pixel covers at that distance.
        spacing: (n, 1) metres between samples, across or along.
    """

    def __init__(self, width: int, height: int, eye: float, horizon: float):
        self.width, self.height, self.eye = width, height, eye
        self.focal = 0.5 * (width + height)
        self.horizon = horizon * height
        rows = np.arange(2.0, height, 0.8)
        flat = self.focal * 0.75 * eye / rows  # even steps in the picture, near; even ratios, far
        ratio = np.geomspace(90, FAR, 380 + height // 2)
        depth = np.concatenate([flat[(flat > NEAR) & (flat < 90)][::-1], ratio])
        self.depth = depth.astype(np.float32)[:, None]
        self.x = self.depth * ((np.arange(width, dtype=np.float32) + 0.5 - width / 2) / self.focal)[None]
        self.footprint = self.depth / self.focal
        self.spacing = np.maximum(self.footprint, 0.6 * np.gradient(self.depth, axis=0))

    def rows(self, ground: np.ndarray, eye: float | None = None) -> np.ndarray:
        """Picture rows (n, width) of ground heights (n, width) in metres, seen from `eye`, by default the camera's."""
        return self.horizon - self.focal * (ground - (self.eye if eye is None else eye)) / self.depth

    def column(self, x: Any, depth: Any) -> Any:
        """Picture column of a point, or of points as arrays."""
        return self.width / 2 + self.focal * x / depth


class Seen:
    """Which slice each pixel shows.

    Args:
        rows: (n, width) picture rows of the slices, near to far; infinite where a slice is not to be seen.
        height: rows of the picture.

    Attributes:
        behind: (height x ROWS_A_PIXEL, width) index of the slice at or behind the pixel, n for the sky.
        sky: the same shape, True where nothing stands.
    """

    def __init__(self, rows: np.ndarray, height: int):
        count, width = rows.shape
        fine = height * ROWS_A_PIXEL
        top = np.minimum.accumulate(rows, axis=0) * ROWS_A_PIXEL
        first = np.clip(np.ceil(np.clip(top, -1, fine + 1) - 0.5), 0, fine).astype(np.int64)  # first fine row below it
        keys = first * width + np.arange(width)
        hidden = np.bincount(keys.ravel(), minlength=(fine + 1) * width).reshape(fine + 1, width)
        self.behind = hidden[::-1].cumsum(0)[::-1][1:]  # slices whose top lies below the row
        self.sky = self.behind >= count
        self._here = np.minimum(self.behind, count - 1)
        self._before = np.maximum(self._here - 1, 0)
        columns = np.arange(width)[None]
        low, high = rows[self._before, columns], rows[self._here, columns]
        row = (np.arange(fine, dtype=np.float32)[:, None] + 0.5) / ROWS_A_PIXEL
        with np.errstate(invalid="ignore", divide="ignore"):
            share = (low - row) / (low - high)
        self._share = np.where(np.isfinite(share), np.clip(share, 0, 1), 1).astype(np.float32)

    def take(self, values: np.ndarray) -> np.ndarray:
        """(n, width) or (n, width, c) of the slices -> the pixels' values, between slices by proportion."""
        columns = np.arange(values.shape[1])[None]
        share = self._share if values.ndim == 2 else self._share[..., None]
        near = values[self._before, columns]
        return near + share * (values[self._here, columns] - near)


def averaged(fine: np.ndarray) -> np.ndarray:
    """(height x ROWS_A_PIXEL, ...) -> (height, ...)."""
    return fine.reshape(-1, ROWS_A_PIXEL, *fine.shape[1:]).mean(axis=1)
