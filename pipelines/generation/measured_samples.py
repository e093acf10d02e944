"""The rows of the tables: trained models, and the pictures that they make when they are asked for categories."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from evaluation.options import EvaluationOptions
from evaluation.training_record import unfinished
from pipelines import get_method
from pipelines.generation.measured_pictures import PictureSet
from pipelines.pretrained import bundled_folder

DEFAULT = "default"
BATCH = 25  # pictures a call


@dataclass(frozen=True)
class Samples:
    """Pictures as a pipeline gives them; `labels` and `colours` are what was asked for."""

    shown: PictureSet
    acceptance: float | None  # share of all pictures made that the quality gate let pass, where there is a gate


@dataclass(frozen=True)
class TrainedRow:
    """A trained row of the table. One model may make all categories, or one each."""

    pipes: Mapping[str, Any]  # category -> pipeline
    note: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)  # arguments of every call

    @property
    def side(self) -> int:
        """Side of the row's pictures in pixels."""
        return int(next(iter(self.pipes.values())).generator.config.size)

    @property
    def colours(self) -> tuple[str, ...]:
        """What can be asked for beside a category."""
        return tuple(getattr(next(iter(self.pipes.values())).generator.config, "colours", None) or ())

    @property
    def dtype(self) -> str:
        """What the networks compute in."""
        dtypes = {str(pipe.generator.dtype).removeprefix("torch.") for pipe in self.pipes.values()}
        return " and ".join(sorted(dtypes))

    def called_with(self, **more: Any) -> "TrainedRow":
        """The same models, called otherwise."""
        return replace(self, more={**self.more, **more})

    def sample(
        self, labels: Sequence[str], colours: Sequence[str] | None = None, first_seed: int = 0, name: str = "samples"
    ) -> Samples:
        """Ask for pictures as people do; each has a seed of its own.

        Args:
            labels: category of each of N pictures.
            colours: colour of each, "" asks for none; None asks for none at all.
            first_seed: of the first picture; the others' follow.

        Raises:
            ValueError: if the row has no model of a category, or a pipeline gives pictures of another size or number.
        """
        if unknown := set(labels) - set(self.pipes):
            raise ValueError(f"{name} makes {', '.join(self.pipes)}, not {', '.join(sorted(unknown))}.")
        asked = list(zip(labels, colours if colours is not None else [""] * len(labels), strict=True))
        pictures = torch.zeros(len(asked), 3, self.side, self.side, dtype=torch.uint8)
        ids, passed, made = [""] * len(asked), 0, 0.0
        for group in tqdm(_calls(asked), name, leave=False):
            output = self._call(asked[group[0]], [first_seed + position for position in group])
            pictures[torch.tensor(group)] = self._checked(output.images, len(group), name)
            for position, seed in zip(group, output.seeds, strict=True):
                ids[position] = f"seed {seed}"
            if output.acceptance_rate is not None:
                accepted = sum(output.accepted)
                passed, made = passed + accepted, made + (accepted / output.acceptance_rate if accepted else len(group))
        shown = PictureSet(pictures, tuple(labels), tuple(ids), tuple(colour for _, colour in asked))
        return Samples(shown, passed / made if made else None)

    def _call(self, asked: tuple[str, str], seeds: list[int]) -> Any:
        label, colour = asked
        colour_asked = {"colour": colour} if colour else {}
        return self.pipes[label](category=label, seed=seeds, batch_size=len(seeds), **colour_asked, **self.more)

    def _checked(self, images: Sequence[Image.Image], count: int, name: str) -> Tensor:
        found = sorted({image.size for image in images})
        if len(images) != count or found != [(self.side, self.side)]:
            sizes = ", ".join(f"{width} x {height}" for width, height in found) or "none"
            raise ValueError(
                f"{name} gave {len(images)} pictures of {sizes} px where {count} of {self.side} px were asked for."
            )
        return torch.from_numpy(np.stack([np.array(image.convert("RGB")) for image in images])).permute(0, 3, 1, 2)


def load_rows(options: EvaluationOptions, method: str) -> dict[str, TrainedRow]:
    """The rows given with `--paper` in their order, then the default.

    Args:
        method: whose pipeline loads the folders.

    Raises:
        OSError, ValueError: if a folder holds no such pipeline, or two of a row's make the same category, or pictures
            of different sizes.
    """
    pipeline = get_method(method).load("pipeline")
    rows = {}
    for name, folders in options.paper_folders().items():
        pipes: dict[str, Any] = {}
        for folder in folders:
            pipe = pipeline.from_pretrained(str(folder))
            made = tuple(pipe.generator.config.categories)
            if twice := pipes.keys() & set(made):
                raise ValueError(f"Two models of the row {name!r} make {min(twice)}.")
            pipes |= dict.fromkeys(made, pipe)
        if len(sizes := {pipe.generator.config.size for pipe in pipes.values()}) > 1:
            raise ValueError(f"The models of the row {name!r} make pictures of different sizes: {sorted(sizes)}.")
        notes = dict.fromkeys(note for note in map(unfinished, folders) if note)
        rows[name] = TrainedRow(pipes, "; ".join(notes) or None)
    if not options.baselines_only:
        pipe = pipeline.from_pretrained(options.weights)
        folder = Path(options.weights) if options.weights else bundled_folder(method)
        note = unfinished(folder) if folder.is_dir() else None  # a Hub model's record stays on the Hub
        rows[DEFAULT] = TrainedRow(dict.fromkeys(pipe.generator.config.categories, pipe), note)
    return rows


def _calls(asked: Sequence[tuple[str, str]]) -> list[list[int]]:
    """Positions of pictures that one call can make: of one category and colour, a batch at most."""
    groups: dict[tuple[str, str], list[int]] = {}
    for position, one in enumerate(asked):
        groups.setdefault(one, []).append(position)
    return [group[start : start + BATCH] for group in groups.values() for start in range(0, len(group), BATCH)]
