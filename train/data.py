"""From a recipe's data set to batches, in an order that a resumed run takes up where it stopped."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from train.recipe import Batch, TrainConfig


def seed_of(*numbers: int) -> int:
    """One 63-bit seed from several numbers, the same on every machine."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)


class Draws(Sampler[tuple[int, int]]):
    """Yield (index, sample number) for ever, a pure function of the seed and the sample number.

    Without weights every item comes once an epoch, in a new order each time; with weights an epoch is as many
    independent draws. Starting at `first` therefore gives what an uninterrupted run would have given.

    Raises:
        ValueError: for an empty data set, or weights that do not fit it.
    """

    def __init__(self, size: int, weights: Tensor | None, seed: int, first: int = 0):
        if size < 1:
            raise ValueError("The data set is empty.")
        if weights is not None and (weights.shape != (size,) or not (weights >= 0).all() or weights.sum() <= 0):
            raise ValueError(f"Sampling weights must be ({size},), not negative and not all zero.")
        self.size, self.weights, self.seed, self.first = size, weights, seed, first

    def epoch(self, number: int) -> list[int]:
        """The indices of one epoch, in order."""
        rng = torch.Generator().manual_seed(seed_of(self.seed, number))
        if self.weights is None:
            return torch.randperm(self.size, generator=rng).tolist()
        return torch.multinomial(self.weights.double(), self.size, replacement=True, generator=rng).tolist()

    def __iter__(self) -> Iterator[tuple[int, int]]:
        number, skip = divmod(self.first, self.size)
        sample = self.first
        while True:
            for index in self.epoch(number)[skip:]:
                yield index, sample
                sample += 1
            number, skip = number + 1, 0


class Drawn(Dataset):
    """A recipe's data set, read by (index, sample number): the number seeds the augmentation."""

    def __init__(self, data: Any, seed: int):
        self.data, self.seed = data, seed

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Tensor]:
        index, sample = key
        if not hasattr(self.data, "draw"):
            return self.data[index]
        return self.data.draw(index, torch.Generator().manual_seed(seed_of(self.seed, sample, 1)))


class Slices(Sampler[list[tuple[int, int]]]):
    """Batches of one process: every global batch is cut into equal parts, one for each process."""

    def __init__(self, draws: Draws, batch_size: int, process: int, processes: int):
        if batch_size % processes:
            raise ValueError(f"batch_size={batch_size} is not a multiple of the {processes} processes.")
        self.draws, self.batch_size, self.process, self.processes = draws, batch_size, process, processes

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        own = self.batch_size // self.processes
        batch: list[tuple[int, int]] = []
        for draw in self.draws:
            batch.append(draw)
            if len(batch) == self.batch_size:
                yield batch[self.process * own : (self.process + 1) * own]
                batch = []


def batches(
    data: Any, weights: Tensor | None, config: TrainConfig, *, step: int = 0, process: int = 0, processes: int = 1
) -> Iterator[Batch]:
    """One process's batches for ever, from step `step` on; `config.batch_size` counts all processes.

    The loader draws its workers' seeds from a generator of its own: making one must not move the global generator,
    or a resumed run would go on with other noise than an uninterrupted one.
    """
    draws = Draws(len(data), weights, config.seed, first=step * config.batch_size)
    loader = DataLoader(
        Drawn(data, config.seed),
        batch_sampler=Slices(draws, config.batch_size, process, processes),
        num_workers=config.workers,
        pin_memory=torch.cuda.is_available(),
        generator=torch.Generator().manual_seed(config.seed),
    )
    return iter(loader)
