"""The optimizer of a Wasserstein critic: its weights are clipped after every step."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn


class ClippedRMSprop(torch.optim.RMSprop):
    """RMSprop that then clips every weight to [-limit, limit]: WGAN, algorithm 1.

    Arjovsky et al., 2017, https://arxiv.org/abs/1701.07875. All parameters are clipped, the gains and offsets of batch
    norm too, as in the authors' code. The first step clips the initial weights.

    Args:
        parameters: of the critic.
        lr: learning rate.
        limit: the paper's c.

    Raises:
        ValueError: unless the limit is positive.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, limit: float):
        if not limit > 0:
            raise ValueError(f"The limit of clipped weights must be positive, got {limit}.")
        super().__init__(parameters, lr=lr)
        self.limit = limit

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        loss = super().step(closure)
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.clamp_(-self.limit, self.limit)
        return loss
