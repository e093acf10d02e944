"""LPIPS as a frozen, differentiable network. Import `torchvision_guard` before this module's functions are called."""

import warnings
from typing import Any, Literal

import torch
from torch import Tensor, nn

from evaluation.packaged_weights import alexnet_lpips_state, vgg16_lpips_state


class PerceptualDistance(nn.Module):
    """LPIPS v0.1 (Zhang et al., 2018, https://arxiv.org/abs/1801.03924), one value a pair.

    Frozen: it stays in evaluation mode whatever mode its owner is put into, and its weights take no gradient.
    Gradients flow to both inputs.

    Args:
        lpips: an `lpips.LPIPS` with its weights loaded.
    """

    lpips: Any  # the library has no annotations

    def __init__(self, lpips: nn.Module):
        super().__init__()
        self.lpips = lpips
        self.requires_grad_(False).train(False)

    def train(self, mode: bool = True) -> "PerceptualDistance":
        return super().train(False)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Distances of pairs: (B, 3, H, W) sRGB in [-1, 1] both, sides at least 32 px -> (B,), 0 for equal pictures.

        Raises:
            ValueError: if the shapes differ or are not (B, 3, H, W).
        """
        if first.shape != second.shape or first.ndim != 4 or first.shape[1] != 3:
            raise ValueError(f"LPIPS compares two (B, 3, H, W), got {tuple(first.shape)} and {tuple(second.shape)}.")
        return self.compare(self.features(first), self.features(second))

    def features(self, pictures: Tensor) -> list[Tensor]:
        """The five taps of the network, each position's channels of length 1: (B, C_k, H_k, W_k)."""
        from lpips import normalize_tensor

        return [normalize_tensor(tap) for tap in self.lpips.net(self.lpips.scaling_layer(pictures))]

    def compare(self, first: list[Tensor], second: list[Tensor]) -> Tensor:
        """Distances of two results of `features`, (B,); one picture can so be compared with many at half the cost."""
        taps = zip(self.lpips.lins, first, second, strict=True)
        return torch.stack([linear((x - y) ** 2).mean((1, 2, 3)) for linear, x, y in taps]).sum(0)


def lpips_network(net: Literal["alex", "vgg"] = "alex") -> PerceptualDistance:
    """LPIPS v0.1 on AlexNet or VGG-16, in float32 on the CPU, weights from `packaged_weights`.

    Raises:
        ValueError: if `net` is neither.
        OSError: if the package with the weights is missing or altered.
    """
    if net not in ("alex", "vgg"):
        raise ValueError(f'LPIPS is available on "alex" and "vgg", got {net!r}.')
    state = alexnet_lpips_state() if net == "alex" else vgg16_lpips_state()
    import lpips  # brings torchvision, which takes a second

    with warnings.catch_warnings(), torch.device("meta"):  # no time for random weights that are replaced below
        warnings.filterwarnings("ignore", message=".*(pretrained|weights).*", module="torchvision")
        network = lpips.LPIPS(net=net, pretrained=False, pnet_rand=True, verbose=False)
    network.load_state_dict(_named_as_in_lpips(network, state), assign=True)
    return PerceptualDistance(network)


def _named_as_in_lpips(network: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our key for each of the network's: net.slice<k>.<n>.* is features.<n>.*, lin(s.)<k>.model.* is lin<k>.*."""
    named = {}
    for key, value in network.state_dict().items():
        parts = key.split(".")
        if parts[0] == "net":
            named[key] = state[".".join(["features", *parts[2:]])]
        elif parts[0].startswith("lin"):
            named[key] = state["lin" + (parts[1] if parts[0] == "lins" else parts[0][3:]) + ".weight"]
        else:  # the scaling layer's constants, which the library makes itself
            named[key] = value
    return named
