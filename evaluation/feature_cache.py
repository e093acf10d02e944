"""Features of pictures, worked out once: equal pictures are recognised by their bytes."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from torch import Tensor


class FeatureCache:
    """Remembers features by what was looked at and what looked.

    Args:
        folder: where features that are worth keeping stay for the next process; None keeps them in memory only.
    """

    def __init__(self, folder: Path | None = None):
        self.folder = folder
        self.known: dict[str, np.ndarray] = {}

    def __call__(
        self, network: str, pictures: Tensor, compute: Callable[[Tensor], np.ndarray], keep: bool = False
    ) -> np.ndarray:
        """The features of pictures, worked out only if they are new.

        Args:
            network: what looks at the pictures, with all that its numbers depend on.
            pictures: (N, 3, H, W) uint8.
            compute: pictures -> (N, D).
            keep: write them to the folder, as is worth doing for pictures that do not change.
        """
        key = _key(network, pictures)
        if key not in self.known:
            file = self.folder / f"{key}.npy" if self.folder and keep else None
            if file and file.is_file():
                self.known[key] = np.load(file, allow_pickle=False)
            else:
                self.known[key] = compute(pictures)
                if file:
                    _write(file, self.known[key])
        return self.known[key]


def _key(network: str, pictures: Tensor) -> str:
    content = hashlib.sha256(f"{network} {tuple(pictures.shape)} {pictures.dtype} ".encode())
    content.update(pictures.contiguous().numpy().data)
    return content.hexdigest()[:32]


def _write(file: Path, features: np.ndarray) -> None:
    """Under its name only when whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.stem}-{os.getpid()}.part")
    with part.open("wb") as stream:
        np.save(stream, features)
    part.replace(file)
