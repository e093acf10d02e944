"""A classifier of category and colour that training asks whether a sample shows what it should. Training only."""

import torch.nn.functional as F
from torch import Tensor, nn

from pipelines.generation.judge import statistics


class ConditionReader(nn.Module):
    """Category and colour of a picture, read from the statistics of its feature maps; training only."""

    def __init__(self, channels: tuple[int, ...], categories: int, colours: int):
        super().__init__()
        self.hidden = nn.Linear(2 * sum(channels), 128)
        self.category = nn.Linear(128, categories)
        self.colour = nn.Linear(128, colours + 1) if colours else None

    def forward(self, maps: list[Tensor], category: Tensor, colour: Tensor) -> Tensor:
        """Maps and what was asked for -> cross-entropy of reading it, (B,)."""
        x = F.leaky_relu(self.hidden(statistics(maps)), 0.2)
        loss = F.cross_entropy(self.category(x), category, reduction="none")
        return loss if self.colour is None else loss + F.cross_entropy(self.colour(x), colour, reduction="none")
