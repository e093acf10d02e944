"""Exponential moving averages of networks."""

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Average:
    """The moving average of some networks' weights, with a half-life counted in images.

    The half-life is ramped up, to a tenth of the images seen so far at most, so that early averages are not stuck
    at the initialisation (Karras et al., 2020, https://arxiv.org/abs/2006.06676). Buffers are copied: a running
    statistic is an average already. A half-life of 0 copies the weights too.
    """

    RAMP = 0.1

    def __init__(self, networks: Mapping[str, nn.Module], half_life: float):
        self.networks = {name: copy.deepcopy(net).eval().requires_grad_(False) for name, net in networks.items()}
        self.half_life = half_life

    def decay(self, images: int, batch_size: int) -> float:
        """Weight of the old average when `batch_size` more images bring the total to `images`."""
        half_life = min(self.half_life, self.RAMP * images)
        return 0.5 ** (batch_size / half_life) if half_life > 0 else 0.0

    @torch.no_grad()
    def update(self, networks: Mapping[str, nn.Module], images: int, batch_size: int) -> None:
        """Take in the networks' present weights; `networks` are unwrapped."""
        share = 1 - self.decay(images, batch_size)
        for name, average in self.networks.items():
            for mean, value in zip(average.parameters(), networks[name].parameters(), strict=True):
                mean.lerp_(value.to(mean), share)
            for mean, value in zip(average.buffers(), networks[name].buffers(), strict=True):
                mean.copy_(value)

    def state_dict(self) -> dict[str, dict[str, Tensor]]:
        return {name: net.state_dict() for name, net in self.networks.items()}

    def load_state_dict(self, state: Mapping[str, Mapping[str, Tensor]]) -> None:
        for name, net in self.networks.items():
            net.load_state_dict(state[name])
