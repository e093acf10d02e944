"""Illustrations as training data for the tests: small pictures of a few flat colours, with lines."""

from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset, Image
from PIL import Image as PILImage
from PIL import ImageDraw


def illustration(seed: int, width: int = 80, height: int = 72) -> PILImage.Image:
    """A disc and a box on a ground, each of a colour of its own, outlined in black."""
    rng = np.random.default_rng(seed)
    ground, disc, box = (tuple(int(v) for v in rng.integers(40, 256, 3)) for _ in range(3))
    picture = PILImage.new("RGB", (width, height), ground)
    draw = ImageDraw.Draw(picture)
    draw.rectangle([width // 2, height // 3, width - 8, height - 10], fill=box, outline=(0, 0, 0), width=2)
    draw.ellipse([6, 8, width // 2 + 6, height - 16], fill=disc, outline=(0, 0, 0), width=2)
    return picture


def lines_of(picture: PILImage.Image) -> PILImage.Image:
    """Its black lines."""
    return PILImage.fromarray(np.where(np.asarray(picture).max(-1) < 30, 0, 255).astype(np.uint8))


def write_illustrations(folder: Path, count: int = 6, split: str = "train", seed: int = 0) -> Path:
    """Pictures as the builder writes them: half open, half research, two a page."""
    pictures = [illustration(seed + number) for number in range(count)]
    ids = [f"{split}{number}" for number in range(count)]
    rows = {
        "image": pictures,
        "id": ids,
        "subset": ["peppercarrot" if number % 2 else "s2a" for number in range(count)],
        "rights": ["open" if number % 2 else "research" for number in range(count)],
        "page": [f"{split}-{number // 4}-{number % 2}" for number in range(count)],
    }
    if split != "train":
        rows |= {"lines": [lines_of(picture) for picture in pictures], "extractor": ["ink"] * count}
        rows |= {"reference": [ids[(number + 2) % count] for number in range(count)]}
    folder.mkdir(parents=True, exist_ok=True)
    dataset = Dataset.from_dict(rows).cast_column("image", Image())
    if split != "train":
        dataset = dataset.cast_column("lines", Image())
    dataset.to_parquet(str(folder / f"{split}.parquet"))
    return folder


@pytest.fixture(scope="module")
def illustrations(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("illustrations")
    for number, split in enumerate(("train", "val", "test")):
        write_illustrations(folder, split=split, seed=100 * number)
    return folder
