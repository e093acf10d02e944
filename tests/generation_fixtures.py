"""Stand-ins for the tables of generated pictures: labelled pictures on disk, pipelines and feature networks."""

import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image

TINTS = {"fruit": (200, 60, 40), "packages": (60, 60, 180), "vegetables": (50, 160, 60)}


def picture_of(label: str, seed: int, side: int, tint: tuple[int, int, int] | None = None) -> Image.Image:
    """A smooth picture around its category's tint, the same for the same seed."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 100, (4, 4, 3), dtype=np.uint8))
    smooth = np.asarray(small.resize((side, side), Image.Resampling.BICUBIC)).astype(int) - 50
    return Image.fromarray((smooth + (tint or TINTS[label])).clip(0, 255).astype(np.uint8))


def write_split(folder: Path, split: str, count: int, first_seed: int, labels=tuple(TINTS), **columns) -> None:
    """`count` pictures of each label, of 24 px; `columns`: further ones, of the same value in every row."""
    rows = []
    for label in labels:
        for number in range(count):
            stream = io.BytesIO()
            picture_of(label, first_seed + number, 24).save(stream, "PNG")
            stored = {"bytes": stream.getvalue(), "path": None}
            rows.append({"image": stored, "id": f"{label}-{first_seed + number}", "label": label, **columns})
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / f"{split}.parquet")


class StandIn:
    """A pipeline that paints its categories in their tints, by seed; `shift` moves all colours."""

    def __init__(self, side: int = 16, categories=tuple(TINTS), shift: int = 0, colours=(), rate: float | None = None):
        config = SimpleNamespace(size=side, categories=list(categories), colours=list(colours))
        self.generator = SimpleNamespace(config=config, dtype=torch.float32)
        self.shift, self.rate = shift, rate
        self.calls: list[dict] = []

    def __call__(self, category, *, seed, batch_size, **more):
        assert category in self.generator.config.categories and len(seed) == batch_size
        self.calls.append({"category": category, "seed": list(seed), **more})
        tint = tuple(value + self.shift for value in TINTS[category])
        images = [picture_of(category, 10**7 + one, self.generator.config.size, tint) for one in seed]
        rate = self.rate if more.get("gate", True) else None
        return SimpleNamespace(images=images, seeds=seed, accepted=[True] * batch_size, acceptance_rate=rate)


class CoarseColours:
    """In place of Inception and VGG-16, in milliseconds: a picture's colours in its four quarters."""

    name = "coarse colours"

    def __init__(self, *sizes: int):
        pass

    def __call__(self, pictures) -> np.ndarray:
        coarse = [torch.nn.functional.adaptive_avg_pool2d(picture.double() / 255, 2).flatten() for picture in pictures]
        return torch.stack(coarse).numpy()


class MeanDifference:
    """In place of LPIPS: the mean absolute difference of pixels."""

    def features(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        return [pictures]

    def compare(self, first: list[torch.Tensor], second: list[torch.Tensor]) -> torch.Tensor:
        return (first[0] - second[0]).abs().mean((1, 2, 3))


def nearest_mean(data, seed: int):
    """In place of a trained classifier: the category of the nearest mean colour."""
    names = sorted(set(data.labels))
    means = torch.stack([data.of(name).pictures.float().mean((0, 2, 3)) for name in names])

    def predict(pictures: torch.Tensor) -> list[str]:
        nearest = torch.cdist(pictures.float().mean((2, 3)), means).argmin(1)
        return [names[position] for position in nearest.tolist()]

    return predict
