"""The rows of the table: which pictures each of them makes of the same scenes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from evaluation.gallery import to_image
from evaluation.options import EvaluationOptions
from evaluation.tables import Cell, Row
from evaluation.training_record import unfinished
from pipelines.pretrained import bundled_folder
from pipelines.scene_translator.pipeline_scene_translator import SceneTranslator
from pipelines.scene_translator.scene_pictures import Scenes
from pipelines.scene_translator.transfer import ColourStatistics, colour_transfer

METHOD = "scene_translator"
IDENTITY, TRANSFER, DEFAULT = "identity (output = input)", "global colour transfer (Reinhard)", "default"
BASELINES = (IDENTITY, TRANSFER)
REAL_TRAIN, REAL_MANY = "real training pictures of the target class, as many", "the same, more of them"
REAL_TEST = "real {split} pictures of the target class"

Direction = tuple[str, str]

_PUBLISHED = (
    "published by the paper on other pictures and for all directions together; the text does not say against which "
    "image the figures are computed: they stand under the reconstruction and are no translation's likeness to its input"
)
PUBLISHED = tuple(
    Row(f"{name} (published)", {"back_psnr": Cell(psnr), "back_ssim": Cell(ssim)}, _PUBLISHED)
    for name, psnr, ssim in (
        ("GAN", 28.8914, 0.7068),
        ("pix2pix", 29.6726, 0.7892),
        ("CycleGAN", 29.8928, 0.8132),
        ("this method", 30.0114, 0.8201),
    )
)
_UNPAIRED = (
    "no true pairs exist: each training input had a randomly drawn picture of the target class as its pair"  # pix2pix
)


@dataclass(frozen=True)
class Outputs:
    """What a row makes of N scenes: the translation, and its translation back."""

    there: Tensor  # (N, 3, H, W) uint8
    back: Tensor | None  # None where the row knows one direction only


@dataclass(frozen=True)
class Translator:
    """A trained row of the table. One model may serve all directions, or one each."""

    pipes: dict[Direction, SceneTranslator]
    note: str | None

    @property
    def dtype(self) -> str:
        """What the networks compute in."""
        dtypes = {str(pipe.generator.dtype).removeprefix("torch.") for pipe in self.pipes.values()}
        return " and ".join(sorted(dtypes))

    def __call__(self, pictures: Tensor, direction: Direction, name: str) -> Outputs:
        source, target = direction
        there = translate(self.pipes[direction], pictures, source, target, name)
        back = self.pipes.get((target, source))
        return Outputs(there, translate(back, there, target, source, f"{name}, back") if back else None)


def load_translators(options: EvaluationOptions) -> dict[str, Translator]:
    """The paper's rows in the order given, then the default.

    Raises:
        OSError, ValueError: if a folder holds no translator, or two of a row's know the same direction.
    """
    rows = {}
    for name, folders in options.paper_folders().items():
        pipes: dict[Direction, SceneTranslator] = {}
        for folder in folders:
            pipe = SceneTranslator.from_pretrained(str(folder))
            if twice := pipes.keys() & set(pipe.directions):
                raise ValueError(f"Two models of the row {name!r} translate {' to '.join(min(twice))}.")
            pipes |= dict.fromkeys(pipe.directions, pipe)
        notes = [_UNPAIRED if name.lower().startswith("pix2pix") else None, *map(unfinished, folders)]
        rows[name] = Translator(pipes, "; ".join(dict.fromkeys(filter(None, notes))) or None)
    if not options.baselines_only:
        pipe = SceneTranslator.from_pretrained(options.weights)
        folder = Path(options.weights) if options.weights else bundled_folder(METHOD)
        note = unfinished(folder) if folder.is_dir() else None  # a Hub model's record stays on the Hub
        rows[DEFAULT] = Translator(dict.fromkeys(pipe.directions, pipe), note)
    return rows


def translate(pipe: SceneTranslator, pictures: Tensor, source: str, target: str, name: str) -> Tensor:
    """Run a pipeline as people do, one picture at a time: (N, 3, H, W) uint8 both."""
    outputs = [
        np.array(pipe(to_image(picture), target=target, source=source, return_dict=False)[0][0])
        for picture in tqdm(pictures, name, leave=False)
    ]
    return torch.from_numpy(np.stack(outputs)).permute(0, 3, 1, 2).contiguous()


@dataclass(frozen=True)
class TrainingColours:
    """The average colours of the training pictures of each class and content, for the colour transfer."""

    statistics: dict[tuple[str, str], ColourStatistics]  # by label and content

    @classmethod
    def measure(cls, train: Scenes) -> "TrainingColours":
        kinds = sorted(set(zip(train.labels, train.contents, strict=True)))
        chosen = {kind: train.select(train.are(kind[0])) for kind in kinds}
        statistics = {
            (label, content): ColourStatistics.measure(scenes.pictures[torch.from_numpy(scenes.shows(content))])
            for (label, content), scenes in chosen.items()
        }
        whole = {
            (label, ""): ColourStatistics.measure(train.select(train.are(label)).pictures)
            for label in set(train.labels)
        }
        return cls(statistics | whole)

    def transfer(self, pictures: Tensor, contents: list[str], target: str) -> Tensor:
        """Bring each picture to its target's colours: those of its own content, of the class where there are none."""
        moved = []
        for picture, content in zip(pictures, contents, strict=True):
            statistics = self.statistics.get((target, content), self.statistics[target, ""])
            moved.append(colour_transfer(picture[None], statistics))
        return torch.cat(moved)

    def __call__(self, scenes: Scenes, direction: Direction) -> Outputs:
        there = self.transfer(scenes.pictures, scenes.contents, direction[1])
        return Outputs(there, self.transfer(there, scenes.contents, direction[0]))


def scene_outputs(
    scenes: Scenes, direction: Direction, colours: TrainingColours, translators: dict[str, Translator]
) -> dict[str, Outputs]:
    """Row name -> what it makes of the scenes; rows that do not know the direction are left out."""
    outputs = {
        IDENTITY: Outputs(scenes.pictures, scenes.pictures),
        TRANSFER: colours(scenes, direction),
    }
    known = {name: translator for name, translator in translators.items() if direction in translator.pipes}
    return outputs | {name: translator(scenes.pictures, direction, name) for name, translator in known.items()}
